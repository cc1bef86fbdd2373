import type { RichText } from './rich-text.ts';

/** Rendered blocks, with the line ends (0, 1 or 2) that they ask for between them and their neighbours. */
export interface Passage {
  richText: RichText;
  lineEndsBefore: number;
  lineEndsAfter: number;
}

export const EMPTY_PASSAGE: Passage = {
  richText: { text: '', spans: [] },
  lineEndsBefore: 0,
  lineEndsAfter: 0,
};

/** One passage after another, as far apart as either asks for. An empty one only leaves its distance. */
export function joinPassages(first: Passage, second: Passage): Passage {
  const lineEnds = Math.max(first.lineEndsAfter, second.lineEndsBefore);
  const { text, spans } = first.richText;
  if (text === '') return { ...second, lineEndsBefore: lineEnds };
  if (second.richText.text === '') return { ...first, lineEndsAfter: lineEnds };
  const shift = text.length + lineEnds;
  return {
    richText: {
      text: text + '\n'.repeat(lineEnds) + second.richText.text,
      spans: [...spans, ...second.richText.spans.map((span) => ({ ...span, offset: span.offset + shift }))],
    },
    lineEndsBefore: first.lineEndsBefore,
    lineEndsAfter: second.lineEndsAfter,
  };
}
