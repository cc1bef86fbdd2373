import { plainText, writeInlines } from './markdown-inline.ts';
import type { Token, Tokens } from './markdown-lexer.ts';
import { isBlank } from './rich-text.ts';
import type { Place, RichTextBuilder } from './rich-text-builder.ts';

/** What a phone shows of a `pre` line without wrapping it. */
const MAX_COLUMNS = 40;
const COLUMN_GAP = '  ';
const WIDE_CHARACTER =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Writes a table as aligned text where it fits a phone; else, or where a link would be lost, as one item a row. */
export function writeTable(table: Tokens.Table, place: Place, builder: RichTextBuilder): void {
  const grid = [table.header, ...table.rows].map((row) => row.map((cell) => plainText(cell.tokens)));
  if (grid.flat().every(isBlank)) return;
  const widths = table.header.map((_, column) =>
    Math.max(...grid.map((row) => columnsOf(row[column] ?? ''))),
  );
  const total = widths.reduce((sum, width) => sum + width, 0) + COLUMN_GAP.length * (widths.length - 1);
  const isFlat = !grid.flat().some((cell) => cell.includes('\n'));
  const cells = [table.header, ...table.rows].flat();
  if (total > MAX_COLUMNS || !isFlat || hasLink(cells.flatMap((cell) => cell.tokens))) {
    return writeRows(table, place, builder);
  }
  const lines = grid.map((row) => alignRow(row, widths, table.align));
  const rule = widths.map((width) => '─'.repeat(width)).join(COLUMN_GAP);
  builder.endLine(1);
  builder.write([lines[0], rule, ...lines.slice(1)].join('\n'), {
    styles: [...place.styles, { kind: 'pre' }],
    linePrefix: '',
  });
}

/** Each row is an item, each of its cells a line `header: value`. */
function writeRows(table: Tokens.Table, place: Place, builder: RichTextBuilder): void {
  builder.endLine(1);
  if (table.rows.length === 0) return writeHeader(table.header, place, builder);
  for (const row of table.rows) {
    let isFirst = true;
    for (const [column, cell] of row.entries()) {
      if (cell.text.trim() === '') continue;
      const line = { ...place, linePrefix: place.linePrefix + (isFirst ? '• ' : '  ') };
      const header = table.header[column]?.tokens ?? [];
      writeInlines(header, { ...line, styles: [...line.styles, { kind: 'bold' }] }, builder);
      if (header.length > 0) builder.write(': ', line);
      writeInlines(cell.tokens, line, builder);
      builder.endLine(1);
      isFirst = false;
    }
  }
}

function writeHeader(header: readonly Tokens.TableCell[], place: Place, builder: RichTextBuilder): void {
  for (const [column, cell] of header.entries()) {
    if (column > 0) builder.write(' · ', place);
    writeInlines(cell.tokens, { ...place, styles: [...place.styles, { kind: 'bold' }] }, builder);
  }
}

function alignRow(row: readonly string[], widths: readonly number[], align: Tokens.Table['align']): string {
  const cells = widths.map((width, column) => pad(row[column] ?? '', width, align[column] ?? 'left'));
  return cells.join(COLUMN_GAP).trimEnd();
}

function pad(cell: string, width: number, align: 'left' | 'right' | 'center'): string {
  const missing = width - columnsOf(cell);
  const before = align === 'right' ? missing : align === 'center' ? Math.floor(missing / 2) : 0;
  return ' '.repeat(before) + cell + ' '.repeat(missing - before);
}

/** Columns in a monospaced font: two for emoji and East Asian wide characters. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += WIDE_CHARACTER.test(segment) ? 2 : 1;
  return columns;
}

function hasLink(tokens: readonly Token[]): boolean {
  return tokens.some(
    (token) =>
      token.type === 'link' || token.type === 'image' || ('tokens' in token && hasLink(token.tokens ?? [])),
  );
}
