import type { RichText, Span } from '../../../src/rendering/rich-text.ts';

/** What is wrong with a rich text by the rules that its type states; nothing for a valid one. */
export function violations({ text, spans }: RichText): string[] {
  const startsWithCode = spans.some((span) => span.offset === 0 && span.kind === 'pre');
  const open: Span[] = [];
  return [
    ...(text === text.trimEnd() ? [] : ['white space at the end']),
    ...(text === text.trimStart() || startsWithCode ? [] : ['white space at the start']),
    ...(text.isWellFormed() ? [] : ['half a surrogate pair']),
    ...spans.flatMap((span, index) => {
      while (open.length > 0 && endOf(open.at(-1)!) <= span.offset) open.pop();
      const wrong = [
        ...(span.offset < (spans[index - 1]?.offset ?? 0) ? ['is out of order'] : []),
        ...extentViolations(span, text),
        ...open.filter((outer) => endOf(outer) < endOf(span)).map((outer) => `overlaps ${outer.kind}`),
        ...open.filter((outer) => !mayHold(outer, span)).map((outer) => `lies in ${outer.kind}`),
      ];
      open.push(span);
      return wrong.map((what) => `${span.kind} at ${span.offset} ${what}`);
    }),
  ];
}

function extentViolations(span: Span, text: string): string[] {
  const covered = text.slice(span.offset, endOf(span));
  return [
    ...(span.length === covered.length ? [] : ['goes past the text']),
    ...(covered.trim() === '' ? ['covers white space alone'] : []),
    ...(covered.isWellFormed() ? [] : ['cuts a character']),
  ];
}

/** The lines of all code blocks that have a language, but blank ones. Aligned tables have none. */
export function codeOf(parts: readonly RichText[]): string[] {
  return parts
    .flatMap(({ text, spans }) =>
      spans
        .filter((span) => span.kind === 'pre' && span.language !== undefined)
        .map((span) => text.slice(span.offset, endOf(span))),
    )
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.trim() !== '');
}

function mayHold(outer: Span, inner: Span): boolean {
  const letterStyles = ['bold', 'italic', 'underline', 'strikethrough', 'spoiler'];
  if (outer.kind === inner.kind || outer.kind === 'pre' || outer.kind === 'code') return false;
  if (outer.kind === 'quote') return true;
  return letterStyles.includes(inner.kind) || (inner.kind === 'link' && letterStyles.includes(outer.kind));
}

function endOf(span: Span): number {
  return span.offset + span.length;
}
