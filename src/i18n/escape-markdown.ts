/**
 * Makes any text, such as a person's name, stand for itself inside Markdown, on one line. Only what could mean something is
 * escaped, because Markdown is also read as it was written, where a terminal's output goes into a file.
 */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/gu, ' ')
    .replace(
      /[\\`*~[\]$]|&(?=#?\w+;)|<(?=[a-z/!?])|:(?=\/\/)|(?<=\])\(|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/giu,
      '\\$&',
    )
    .replace(/^ ?(?=[#>+-])|^ ?\d+(?=[.)])/u, '$&\\');
}
