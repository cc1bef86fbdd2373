import { isBlank, sliceRichText } from './rich-text.ts';
import type { RichText } from './rich-text.ts';

export interface PartLimit {
  /** The largest size of one part, in the units of `measure`. */
  max: number;
  /** The size of a candidate part as the platform counts it. Of two parts with one start the longer is not smaller. */
  measure: (part: RichText) => number;
}

/** How full a part must be for a good place to cut to be taken although more text would fit. */
const ENOUGH = 0.5;
/** The same for the place above a code block that would else be cut in two. */
const ENOUGH_ABOVE_CODE = 0.25;
/** Enough text before a cut to find where its word begins, in scripts that put no spaces between words. */
const WORD_CONTEXT = 64;

const SENTENCE_END = /[.!?…]["'”’)\]]*(?=\s)|[。！？]["'”’」』）]*/gu;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const words = new Intl.Segmenter(undefined, { granularity: 'word' });

/**
 * Splits an answer into parts that a platform takes: at the end of a block, else of a line, a sentence, a word, a
 * grapheme cluster; in code at the end of a line if there is one. Only a cluster larger than a part is cut, between its
 * characters. A span that is cut goes on in the next part with its attributes. No part is blank; together the parts hold the whole but for white space at the cuts,
 * which inside a `pre` is line ends and blank lines.
 *
 * Throws a RangeError when a part cannot hold even one character: `limit` is then a mistake of the caller.
 */
export function splitRichText(whole: RichText, limit: PartLimit): RichText[] {
  const clusters = graphemes.segment(whole.text);
  const parts: RichText[] = [];
  for (let from = 0; from < whole.text.length;) {
    const end = endOfPart(whole, from, limit, clusters);
    const part = sliceRichText(whole, from, end);
    if (!isBlank(part.text)) parts.push(part);
    from = end;
  }
  return parts;
}

function endOfPart(whole: RichText, from: number, limit: PartLimit, clusters: Intl.Segments): number {
  const furthest = furthestEnd(whole, from, limit);
  if (furthest === whole.text.length) return furthest;
  const cluster = clusters.containing(furthest)?.index ?? furthest;
  if (cluster <= from) return endWithinCluster(whole.text, from, furthest);
  const isEnough = (end: number, share: number): boolean =>
    end > from && end - from >= (cluster - from) * share;

  const cutCode = whole.spans.find(
    (span) => span.kind === 'pre' && span.offset < cluster && spanEnd(span) > cluster,
  );
  const blockEnd = lastBlockEnd(whole, cluster);
  if (isEnough(blockEnd, ENOUGH)) return blockEnd;
  if (cutCode !== undefined && isEnough(cutCode.offset, ENOUGH_ABOVE_CODE)) return cutCode.offset;
  const lineEnd = whole.text.lastIndexOf('\n', cluster);
  if (isEnough(lineEnd, cutCode === undefined ? ENOUGH : 0)) return lineEnd;
  const candidates =
    cutCode === undefined
      ? [
          lastSentenceEnd(whole.text, from, cluster),
          lastSpace(whole.text, from, cluster),
          wordStart(whole.text, cluster),
        ]
      : [lastSpace(whole.text, from, cluster)];
  return (
    candidates.find((end) => isEnough(end, ENOUGH) && clusters.containing(end)?.index === end) ?? cluster
  );
}

/** The largest end for which the part still fits; every smaller end fits too. */
function furthestEnd(whole: RichText, from: number, { max, measure }: PartLimit): number {
  const fits = (end: number): boolean => measure(sliceRichText(whole, from, end)) <= max;
  const { length } = whole.text;
  let fitting = from;
  let tooFar = Math.min(from + Math.max(max, 1), length);
  while (fits(tooFar)) {
    if (tooFar === length) return length;
    fitting = tooFar;
    tooFar = Math.min(from + (tooFar - from) * 2, length);
  }
  while (tooFar - fitting > 1) {
    const middle = Math.floor((fitting + tooFar) / 2);
    if (fits(middle)) fitting = middle;
    else tooFar = middle;
  }
  return fitting;
}

function endWithinCluster(text: string, from: number, furthest: number): number {
  const isInSurrogatePair = /^[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(furthest - 1, furthest + 1));
  const end = isInSurrogatePair ? furthest - 1 : furthest;
  if (end <= from) throw new RangeError('The limit of a part is smaller than one character.');
  return end;
}

/** The last blank line up to `before` that is not inside code, or -1. */
function lastBlockEnd({ text, spans }: RichText, before: number): number {
  let end = text.lastIndexOf('\n\n', before);
  while (end >= 0) {
    const position = end;
    const code = spans.find(
      (span) => span.kind === 'pre' && span.offset <= position && position < spanEnd(span),
    );
    if (code === undefined) return end;
    end = code.offset === 0 ? -1 : text.lastIndexOf('\n\n', code.offset - 1);
  }
  return -1;
}

function lastSentenceEnd(text: string, from: number, before: number): number {
  const matches = Array.from(text.slice(from, before + 1).matchAll(SENTENCE_END));
  const ends = matches.map((match) => from + match.index + match[0].length);
  return ends.findLast((end) => end <= before) ?? -1;
}

/** The start of the last white space up to `before`, so that a line of code loses none of it; or -1. */
function lastSpace(text: string, from: number, before: number): number {
  for (let index = before; index > from; index -= 1) {
    if (/\s/.test(text.charAt(index)) && /\S/.test(text.charAt(index - 1))) return index;
  }
  return -1;
}

function wordStart(text: string, before: number): number {
  const contextStart = Math.max(before - WORD_CONTEXT, 0);
  const context = text.slice(contextStart, before + WORD_CONTEXT);
  return contextStart + (words.segment(context).containing(before - contextStart)?.index ?? 0);
}

function spanEnd(span: { offset: number; length: number }): number {
  return span.offset + span.length;
}
