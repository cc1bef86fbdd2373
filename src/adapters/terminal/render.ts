import { renderMarkdown } from '../../rendering/markdown.ts';
import { columnsOf } from '../../rendering/markdown-table.ts';
import type { RichText, Span } from '../../rendering/rich-text.ts';

/** What the rows of a terminal may hold. */
export interface Look {
  /** At least 1. */
  readonly columns: number;
  /** Whether escape sequences may set letters off. */
  readonly isStyled: boolean;
}

/** The rows that show Markdown, none of them wider than the terminal. Nothing in it can act on the terminal. */
export function renderRows(markdown: string, look: Look): readonly string[] {
  const whole = renderMarkdown(markdown);
  if (whole.text === '') return [];
  return rowsOf(whole, look.columns).map(([from, to]) =>
    look.isStyled ? styled(whole, from, to) : whole.text.slice(from, to),
  );
}

/** How many rows a typed text takes: the terminal itself breaks it, and the cursor stands behind it. */
export function heightOf(text: string, columns: number): number {
  return Math.floor(columnsOf(text) / columns) + 1;
}

type Range = readonly [from: number, to: number];

/** Breaks at blanks where a row is full; a longer word, and code, anywhere. */
function rowsOf({ text, spans }: RichText, columns: number): readonly Range[] {
  const rows: Range[] = [];
  for (const line of text.matchAll(/[^\n]*(?:\n|$)/gu)) {
    if (line.index === text.length && rows.length > 0) break;
    const end = line.index + line[0].trimEnd().length;
    const isCode = spans.some(
      ({ kind, offset, length }) => kind === 'pre' && inside(line.index, offset, length),
    );
    let from = line.index;
    for (let to = fitting(text, from, end, columns); to < end; to = fitting(text, from, end, columns)) {
      const blank = isCode ? -1 : text.lastIndexOf(' ', to);
      const breakAt = blank > from ? blank : to;
      rows.push([from, breakAt]);
      from = breakAt === blank ? blank + 1 : breakAt;
    }
    rows.push([from, end]);
  }
  return rows;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The offset up to which the text fits into a row; always at least one character farther. */
function fitting(text: string, from: number, end: number, columns: number): number {
  if (end - from <= columns && columnsOf(text.slice(from, end)) <= columns) return end;
  let width = 0;
  for (const { segment, index } of graphemes.segment(text.slice(from, end))) {
    width += columnsOf(segment);
    if (width > columns && index > 0) return from + index;
  }
  return end;
}

/** Every stretch with its own styles, so that a row is whole by itself. */
function styled({ text, spans }: RichText, from: number, to: number): string {
  const touching = spans.filter(({ offset, length }) => offset < to && offset + length > from);
  const edges = touching.flatMap(({ offset, length }) => [offset, offset + length]);
  const cuts = [...new Set([from, ...edges.filter((edge) => edge > from && edge < to), to])].toSorted(
    (a, b) => a - b,
  );
  return cuts
    .slice(1)
    .map((end, index) => {
      const start = cuts[index] ?? from;
      const here = touching.filter(({ offset, length }) => inside(start, offset, length));
      return set(
        text.slice(start, end),
        here.map(({ kind }) => SGR[kind]),
      );
    })
    .join('');
}

/** Sets a text off: ECMA-48, Select Graphic Rendition. */
function set(text: string, codes: readonly number[]): string {
  return codes.length === 0 ? text : `\u001b[${codes.join(';')}m${text}\u001b[0m`;
}

export const faint = (text: string, { isStyled }: Look): string => (isStyled ? set(text, [SGR.quote]) : text);

const SGR: Readonly<Record<Span['kind'], number>> = {
  bold: 1,
  quote: 2,
  spoiler: 2,
  italic: 3,
  underline: 4,
  link: 4,
  strikethrough: 9,
  code: 36,
  pre: 36,
};

function inside(position: number, offset: number, length: number): boolean {
  return position >= offset && position < offset + length;
}
