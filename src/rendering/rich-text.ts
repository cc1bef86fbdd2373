/** What a stretch of text looks like or does, apart from where it is. */
export type Style =
  | { kind: 'bold' | 'italic' | 'underline' | 'strikethrough' | 'spoiler' | 'code' | 'quote' }
  | { kind: 'pre'; language?: string }
  | { kind: 'link'; url: string };

/** Offsets and lengths are UTF-16 code units of `text`; no span covers white space alone. */
export type Span = Style & { offset: number; length: number };

/**
 * Text with spans, free of any platform's markup.
 *
 * Spans are in order of offset, the outer one first. Two spans either do not overlap or the later lies inside the
 * earlier, under the strictest platform's rules (Bot API "Formatting options"): `pre` and `code` lie in nothing but a
 * `quote` and hold nothing, a `quote` lies in nothing, a `link` holds only bold, italic, underline, strikethrough and
 * spoiler, and no style lies in itself.
 * `text` has no white space at its end, and none at its start but the indentation of a `pre`, which servers keep.
 */
export interface RichText {
  text: string;
  spans: readonly Span[];
}

/** True when a reader would see nothing; platforms refuse such a message. */
export function isBlank(text: string): boolean {
  return /^[\s\p{Default_Ignorable_Code_Point}\u2800]*$/u.test(text);
}

/**
 * The piece of `whole` between two offsets, without the white space at its ends. A span that is cut goes on in both
 * pieces with its attributes. Offsets lie in 0…`text.length`; the caller keeps them off the middle of a character.
 */
export function sliceRichText(whole: RichText, from: number, to: number): RichText {
  const slice = whole.text.slice(from, to);
  const start = from + leadingBlankLength(slice, (index) => isInPre(whole.spans, from + index));
  const end = Math.max(start, from + slice.trimEnd().length);
  const text = whole.text.slice(start, end);
  const spans: Span[] = [];
  for (const span of whole.spans) {
    if (span.offset >= end) break;
    const offset = Math.max(span.offset - start, 0);
    const length = Math.min(span.offset + span.length, end) - start - offset;
    if (length > 0 && text.slice(offset, offset + length).trim() !== '')
      spans.push({ ...span, offset, length });
  }
  return { text, spans };
}

/** Blank lines always count; the blanks before the first visible character count unless they indent code. */
function leadingBlankLength(text: string, isCodeAt: (index: number) => boolean): number {
  const blankLength = text.length - text.trimStart().length;
  const lineStart = text.slice(0, blankLength).lastIndexOf('\n') + 1;
  return isCodeAt(lineStart) ? lineStart : blankLength;
}

function isInPre(spans: readonly Span[], offset: number): boolean {
  return spans.some(
    (span) => span.kind === 'pre' && span.offset <= offset && offset < span.offset + span.length,
  );
}
