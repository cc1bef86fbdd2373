/** What a reader should get of a Markdown answer: its words in order, those of code too, and the lines of its fences. */
export interface Content {
  words: string[];
  code: string[];
}

/**
 * Reads the words and the code of Markdown with regular expressions alone, so that it shares no mistake with a parser.
 * Knows what tidy documents hold: fences, headings, lists, quotes, tables, rules, emphasis, links.
 */
export function contentOfMarkdown(markdown: string): Content {
  const code: string[] = [];
  const words: string[] = [];
  let fence = '';
  for (const line of markdown.split('\n')) {
    const marker = /^ *(`{3,}|~{3,})/.exec(line)?.[1] ?? '';
    if (fence === '' && marker !== '') fence = marker;
    else if (fence !== '' && marker.startsWith(fence)) fence = '';
    else if (fence !== '') code.push(line);
    words.push(...wordsOf(marker !== '' ? '' : fence === '' ? withoutMarkup(line) : line));
  }
  return { words, code: code.filter((line) => line.trim() !== '') };
}

/** The words in a text; what markers become (bullets, boxes, rules) holds none. */
export function wordsOf(text: string): string[] {
  return (
    text
      .match(/[\p{L}\p{N}\p{M}\p{Extended_Pictographic}\p{RI}\p{Join_Control}\p{VS}]+/gu)
      ?.filter((word) => word !== '☑') ?? []
  );
}

function withoutMarkup(line: string): string {
  return line
    .replace(/^\s*(?:>\s?|[-*+]\s|#{1,6}\s)+/, '')
    .replace(/^\[[ x]\] /, '')
    .replace(/!?\[([^\]]*)\]\(https:\/\/([^/)]*)[^)]*\)/g, '$1 $2')
    .replace(/[*~`|]/g, ' ');
}
