import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../src/rendering/markdown.ts';
import { splitRichText } from '../../../src/rendering/parts.ts';
import type { PartLimit } from '../../../src/rendering/parts.ts';
import type { RichText } from '../../../src/rendering/rich-text.ts';
import { nastyMarkdown, tidyMarkdown } from './markdown-arbitraries.ts';
import { contentOfMarkdown, wordsOf } from './markup-remover.ts';
import { codeOf, violations } from './rich-text-rules.ts';

const units = (max: number): PartLimit => ({ max, measure: (part) => part.text.length });
const codePoints = (max: number): PartLimit => ({ max, measure: (part) => Array.from(part.text).length });
/** A platform where code costs its fences and a bold text its stars. */
const markedUp = (max: number): PartLimit => ({
  max,
  measure: ({ text, spans }) =>
    spans.reduce(
      (size, span) => size + (span.kind === 'pre' ? 8 + (span.language?.length ?? 0) : 4),
      text.length,
    ),
});
const textsOf = (parts: readonly RichText[]): string[] => parts.map((part) => part.text);
const squeezed = (text: string): string => text.replace(/[\s\p{Default_Ignorable_Code_Point}]/gu, '');
const split = (markdown: string, max: number): string[] =>
  textsOf(splitRichText(renderMarkdown(markdown), units(max)));

describe('where an answer is cut', () => {
  it('keeps what fits in one part', () => {
    const whole = renderMarkdown('a **b**');
    expect(splitRichText(whole, units(3))).toEqual([whole]);
  });

  it('gives no part for an empty answer', () => {
    expect(splitRichText(renderMarkdown(' \n'), units(10))).toEqual([]);
  });

  it('prefers the end of a block to the end of a line', () => {
    expect(split('one two three\n\nfour\nfive', 20)).toEqual(['one two three', 'four\nfive']);
  });

  it('prefers the end of a line to the end of a sentence', () => {
    expect(split('one two three\nfour. five six', 22)).toEqual(['one two three', 'four. five six']);
  });

  it('prefers the end of a sentence to the end of a word', () => {
    expect(split('One two three. Four five six', 20)).toEqual(['One two three.', 'Four five six']);
  });

  it('does not make a part much too small for the sake of a block', () => {
    expect(split('a\n\nbbbb cccc dddd eeee', 12)).toEqual(['a\n\nbbbb cccc', 'dddd eeee']);
  });

  it('cuts a text without spaces between words', () => {
    expect(split('東京都は日本の首都です', 6)).toEqual(['東京都は日本', 'の首都です']);
  });

  it('cuts a long word between grapheme clusters', () => {
    expect(split('👩‍👩‍👧'.repeat(4), 20)).toEqual(['👩‍👩‍👧'.repeat(2), '👩‍👩‍👧'.repeat(2)]);
  });

  it('cuts a cluster that is larger than a part between its characters', () => {
    expect(split(`e${'\u0301'.repeat(9)}`, 4).map((text) => text.length)).toEqual([4, 4, 2]);
    expect(splitRichText(renderMarkdown('👩‍👩‍👧'), units(4)).every((part) => part.text.isWellFormed())).toBe(
      true,
    );
  });

  it('puts a code block into the next part rather than cut it', () => {
    expect(split('some text\n\n```\na = 1\nb = 2\n```', 16)).toEqual(['some text', 'a = 1\nb = 2']);
  });

  it('closes a long code block at a line and reopens it with its language', () => {
    const whole = renderMarkdown('```ts\nif (a) {\n  b();\n}\n\n\n  c();\n```');
    expect(splitRichText(whole, units(16))).toEqual([
      { text: 'if (a) {\n  b();', spans: [{ kind: 'pre', language: 'ts', offset: 0, length: 15 }] },
      { text: '}\n\n\n  c();', spans: [{ kind: 'pre', language: 'ts', offset: 0, length: 10 }] },
    ]);
  });

  it('keeps the indentation of code after a cut', () => {
    expect(split('```\naaaa\n  bbbb\n```', 8)).toEqual(['aaaa', '  bbbb']);
  });

  it('loses no space of a line of code that must be cut', () => {
    expect(split('```\naaaa  bbbb  cccc\n```', 7).join('')).toBe('aaaa  bbbb  cccc');
  });

  it('goes on with bold, links and quotes after a cut', () => {
    const whole = renderMarkdown('> **aaaa bbbb**\n\n[cccc dddd](https://e.com)');
    const kinds = splitRichText(whole, units(5)).map((part) => part.spans.map((span) => span.kind).join(' '));
    expect(kinds.slice(0, 4)).toEqual(['quote bold', 'quote bold', 'link', 'link']);
  });

  it('counts what the platform counts', () => {
    const whole = renderMarkdown('😀'.repeat(10));
    expect(textsOf(splitRichText(whole, codePoints(5)))).toEqual(['😀'.repeat(5), '😀'.repeat(5)]);
    expect(textsOf(splitRichText(renderMarkdown('**aaaa bbbb**'), markedUp(9)))).toEqual(['aaaa', 'bbbb']);
  });

  it('refuses a limit that holds no character', () => {
    expect(() => splitRichText(renderMarkdown('a'), units(0))).toThrow(RangeError);
    expect(() => splitRichText(renderMarkdown('😀'), units(1))).toThrow(RangeError);
  });
});

describe('the parts of any answer', () => {
  const limits = fc.oneof(
    fc.integer({ min: 2, max: 60 }).map(units),
    fc.integer({ min: 1, max: 60 }).map(codePoints),
    fc.integer({ min: 60, max: 120 }).map(markedUp),
  );

  it('are valid, within the limit, not blank, and hold the whole', () => {
    fc.assert(
      fc.property(fc.oneof(nastyMarkdown, tidyMarkdown), limits, (markdown, limit) => {
        const whole = renderMarkdown(markdown);
        const parts = splitRichText(whole, limit);
        expect(parts.flatMap(violations)).toEqual([]);
        expect(parts.filter((part) => limit.measure(part) > limit.max)).toEqual([]);
        expect(parts.filter((part) => squeezed(part.text) === '')).toEqual([]);
        expect(squeezed(textsOf(parts).join(''))).toBe(squeezed(whole.text));
        expect(parts.length > 0).toBe(whole.text !== '');
      }),
      { numRuns: 400 },
    );
  });

  it('cut no surrogate pair and, if a part holds every cluster, no grapheme cluster', () => {
    const clusters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
    const clustersOf = (text: string): string[] =>
      Array.from(clusters.segment(text), ({ segment }) => segment).filter((segment) => segment.trim() !== '');
    fc.assert(
      fc.property(tidyMarkdown, fc.integer({ min: 12, max: 40 }), (markdown, max) => {
        const whole = renderMarkdown(markdown);
        const parts = splitRichText(whole, units(max));
        expect(parts.flatMap((part) => clustersOf(part.text))).toEqual(clustersOf(whole.text));
      }),
      { numRuns: 150 },
    );
  });

  it('together hold the words and the code of the Markdown, as read without a parser', () => {
    fc.assert(
      fc.property(tidyMarkdown, fc.integer({ min: 60, max: 300 }), (markdown, max) => {
        const parts = splitRichText(renderMarkdown(markdown), units(max));
        const expected = contentOfMarkdown(markdown);
        expect(parts.flatMap((part) => wordsOf(part.text))).toEqual(expected.words);
        expect(codeOf(parts)).toEqual(expected.code);
      }),
      { numRuns: 200 },
    );
  });

  it('reopen code in the language that it was closed in', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 6, maxLength: 30 }), (lines) => {
        const parts = splitRichText(renderMarkdown(`\`\`\`c++\n${lines.join('\n')}\n\`\`\``), units(24));
        expect(parts.map((part) => part.spans)).toEqual(
          parts.map((part) => [{ kind: 'pre', language: 'c++', offset: 0, length: part.text.length }]),
        );
        expect(textsOf(parts).join('\n')).toBe(lines.join('\n'));
      }),
    );
  });
});
