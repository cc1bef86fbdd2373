import type { Passage } from './passage.ts';
import { sliceRichText } from './rich-text.ts';
import type { Span, Style } from './rich-text.ts';

/** Where text is written: the styles around it, the outer one first, and what stands before each of its lines. */
export interface Place {
  styles: readonly Style[];
  linePrefix: string;
}

export interface RichTextBuilder {
  /**
   * Writes text; at the start of a line after the prefix and, but for `pre`, without leading white space.
   * One `Style` object is one span, however many writes it takes.
   */
  write(text: string, place: Place): void;
  /** Ends the line if it is not ended; the next text starts at least `lineEnds` (1 or 2) line ends later. */
  endLine(lineEnds: 1 | 2): void;
  finish(): Passage;
}

interface Run {
  text: string;
  styles: readonly Style[];
}

/**
 * Collects text in reading order and derives the spans, so that the rules of `RichText` hold however the source nests
 * its styles: a style that may not lie in another is left out there, or ends before it and goes on after it.
 */
export function createRichTextBuilder(): RichTextBuilder {
  const runs: Run[] = [];
  let lineEnds = 0;
  let lineEndsBefore = 0;

  const startLine = (styles: readonly Style[], linePrefix: string): void => {
    const last = runs.at(-1);
    if (last === undefined) {
      lineEndsBefore = lineEnds;
    } else {
      trimLineEnd(runs);
      runs.push({ text: '\n'.repeat(lineEnds), styles: sharedStyles(last.styles, styles) });
    }
    runs.push({ text: linePrefix, styles: styles.filter((style) => style.kind === 'quote') });
    lineEnds = 0;
  };

  return {
    write(text, place) {
      const styles = allowedStyles(place.styles);
      const isLineStart = runs.length === 0 || lineEnds > 0;
      const visible = isLineStart && !styles.some((style) => style.kind === 'pre') ? text.trimStart() : text;
      if (visible === '') return;
      if (isLineStart) startLine(styles, place.linePrefix);
      runs.push({ text: visible, styles });
    },
    endLine(count) {
      lineEnds = Math.max(lineEnds, count);
    },
    finish() {
      const text = runs.map((run) => run.text).join('');
      const richText = sliceRichText({ text, spans: spansOf(text, runs) }, 0, text.length);
      return {
        richText,
        lineEndsBefore: runs.length === 0 ? lineEnds : lineEndsBefore,
        lineEndsAfter: lineEnds,
      };
    },
  };
}

function trimLineEnd(runs: Run[]): void {
  for (let index = runs.length - 1; index >= 0; index -= 1) {
    const run = runs[index];
    if (run === undefined) return;
    run.text = run.text.trimEnd();
    if (run.text !== '') return;
  }
}

function spansOf(text: string, runs: readonly Run[]): Span[] {
  const spans: Span[] = [];
  let open: { style: Style; span: Span }[] = [];
  let offset = 0;
  for (const run of runs) {
    if (run.text === '') continue;
    const kept = sharedStyles(
      open.map((entry) => entry.style),
      run.styles,
    ).length;
    const opened = run.styles.slice(kept).map((style) => ({ style, span: { ...style, offset, length: 0 } }));
    open = [...open.slice(0, kept), ...opened];
    for (const { span } of open) span.length += run.text.length;
    spans.push(...opened.map((entry) => entry.span));
    offset += run.text.length;
  }
  return spans.map((span) => (isCode(span) || span.kind === 'quote' ? span : withoutOuterSpace(text, span)));
}

/** Markup made from the span would not work beside white space, as in `**bold **`. */
function withoutOuterSpace(text: string, span: Span): Span {
  const covered = text.slice(span.offset, span.offset + span.length);
  const offset = span.offset + covered.length - covered.trimStart().length;
  return { ...span, offset, length: covered.trim().length };
}

/** In a link code becomes plain text; elsewhere code ends every letter style. A style in itself counts once. */
function allowedStyles(styles: readonly Style[]): Style[] {
  const inLink = styles.some((style) => style.kind === 'link');
  const inCode = !inLink && styles.some(isCode);
  return styles.filter((style, index) => {
    if (styles.findIndex((other) => other.kind === style.kind) < index) return false;
    if (style.kind === 'quote') return true;
    return isCode(style) === inCode;
  });
}

/** The styles that both texts lie in, from the outermost on. */
function sharedStyles(left: readonly Style[], right: readonly Style[]): readonly Style[] {
  const different = left.findIndex((style, index) => style !== right[index]);
  return different < 0 ? left : left.slice(0, different);
}

function isCode(style: Style): boolean {
  return style.kind === 'pre' || style.kind === 'code';
}
