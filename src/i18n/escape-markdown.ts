/** Makes any text, such as a person's name, stand for itself inside Markdown, on one line. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\s+/gu, ' ').replace(/[\\`*_~[\]()<>#|!&:]/gu, '\\$&');
}
