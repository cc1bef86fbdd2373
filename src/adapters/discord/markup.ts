import type { RichText, Span } from '../../rendering/rich-text.ts';

/**
 * Writes rich text in Discord's dialect of Markdown. Nothing that the text itself holds acts: markers, mentions,
 * custom emoji, timestamps and headings are escaped, code can't end its fence, and a link's address is written out.
 *
 * `measured` gives a text that is never shorter than the one that is `shown`, and never shrinks when the rich text
 * grows at its end, which is what finding the longest part that fits needs.
 */
export function toMarkup({ text, spans }: RichText, purpose: 'shown' | 'measured'): string {
  const page = createPage();
  const open: Span[] = [];
  let at = 0;

  const writeUpTo = (end: number): void => {
    if (end > at) page.text(text.slice(at, end));
    at = Math.max(at, end);
  };
  const closeBefore = (offset: number): void => {
    for (let span = open.at(-1); span !== undefined && endOf(span) <= offset; span = open.at(-1)) {
      writeUpTo(endOf(span));
      page.close(span);
      open.pop();
    }
  };

  for (const span of spans) {
    // Within what was written as a whole.
    if (endOf(span) <= at) continue;
    closeBefore(span.offset);
    writeUpTo(span.offset);
    const covered = text.slice(span.offset, endOf(span));
    const whole = purpose === 'shown' || !isBareLink(span, covered) ? wholeOf(span, covered) : null;
    if (whole === null) {
      page.open(span);
      open.push(span);
    } else {
      page.raw(whole);
      at = endOf(span);
    }
  }
  closeBefore(Infinity);
  writeUpTo(text.length);
  return page.finish();
}

/** Text that shows as it is, whatever it holds. */
export function escapeText(text: string): string {
  return text
    .split('\n')
    .map((line) => escapeLine(line, true))
    .join('\n');
}

interface Page {
  text(text: string): void;
  /** Text that is Discord's markup already. */
  raw(markup: string): void;
  open(span: Span): void;
  close(span: Span): void;
  finish(): string;
}

function createPage(): Page {
  let written = '';
  let linePrefix = '';
  /** Only blanks so far in this line: markers of blocks would count. */
  let isLineHead = true;
  let lastMarker: { readonly marker: string; readonly isOpening: boolean } | null = null;

  const append = (markup: string): void => {
    if (markup.startsWith('`') && written.endsWith('`')) written += APART;
    written += markup.replaceAll('\n', `\n${linePrefix}`);
    lastMarker = null;
  };
  const mark = (marker: string, isOpening: boolean): void => {
    const isAmbiguous =
      lastMarker !== null && (lastMarker.isOpening !== isOpening || lastMarker.marker[0] === marker[0]);
    written += isAmbiguous ? APART + marker : marker;
    lastMarker = { marker, isOpening };
    isLineHead = false;
  };

  return {
    text(text) {
      for (const [index, line] of text.split('\n').entries()) {
        if (index > 0) {
          append('\n');
          isLineHead = true;
        }
        if (line === '') continue;
        append(escapeLine(line, isLineHead));
        isLineHead &&= line.trim() === '';
      }
    },
    raw(markup) {
      append(markup);
      isLineHead = false;
    },
    open(span) {
      if (span.kind === 'quote') {
        linePrefix = QUOTE;
        append(QUOTE);
      } else if (isMarked(span)) mark(MARKERS[span.kind], true);
    },
    close(span) {
      if (span.kind === 'quote') linePrefix = '';
      else if (span.kind === 'link') append(` <${span.url}>`);
      else if (isMarked(span)) mark(MARKERS[span.kind], false);
    },
    finish: () => written,
  };
}

const MARKERS = { bold: '**', italic: '*', underline: '__', strikethrough: '~~', spoiler: '||' } as const;
const QUOTE = '> ';
/** A zero-width space, for where nothing else parts two markers, or the characters of one that must not be one. */
const APART = '\u200b';

function isMarked(span: Span): span is Span & { kind: keyof typeof MARKERS } {
  return span.kind in MARKERS;
}

/** The markup of a span whose text is not to be escaped; null for the others. */
function wholeOf(span: Span, covered: string): string | null {
  if (span.kind === 'pre') return codeBlock(covered, span.language ?? '');
  if (span.kind === 'code') return inlineCode(covered);
  return isBareLink(span, covered) ? `<${covered}>` : null;
}

/** The text is the address itself, all of it. */
function isBareLink(span: Span, covered: string): boolean {
  return span.kind === 'link' && !/[\s<>]/.test(covered) && URL.parse(covered)?.href === span.url;
}

/** Discord knows fences of three backticks alone, so that three within the code are parted. */
function codeBlock(code: string, language: string): string {
  return `\`\`\`${language}\n${code.replaceAll(/``(?=`)/g, `\`\`${APART}`)}\n\`\`\``;
}

/** Between one backtick or two. Code that holds both kinds, or three, which are a fence anywhere, is shown as text. */
function inlineCode(code: string): string {
  const runs = (code.match(/`+/g) ?? []).map(({ length }) => length);
  const fence = ['`', '``'].find(({ length }) => !runs.includes(length));
  if (fence === undefined || runs.some((length) => length > 2)) return escapeLine(code, false);
  const inside = `${code.startsWith('`') ? ' ' : ''}${code}${code.endsWith('`') ? ' ' : ''}`;
  return fence + inside + fence;
}

/** Emphasis, code, quotes and labels; the beginnings of mentions, custom emoji, timestamps and addresses. */
const MARKERS_IN_TEXT = /[\\*_~`|>[\]]|<[@#:/&!]?|:(?=\/\/|[\w+-]+:)/g;

function escapeLine(line: string, isLineHead: boolean): string {
  const escaped = line
    .replaceAll(MARKERS_IN_TEXT, (marker) => marker.replaceAll(/[\s\S]/g, '\\$&'))
    .replaceAll(/@(?=everyone|here)/g, `@${APART}`);
  return isLineHead ? escaped.replace(/^(\s*)(#{1,3}|-#|[-+]|\d+[.)])(?=\s|$)/, escapeHead) : escaped;
}

/** A heading, small text, an item or a number at the start of a line. */
function escapeHead(_: string, blanks: string, marker: string): string {
  return blanks + marker.replace(/[^\d]/, '\\$&');
}

function endOf({ offset, length }: Span): number {
  return offset + length;
}
