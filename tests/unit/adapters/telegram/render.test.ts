import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderAnswer } from '../../../../src/adapters/telegram/render.ts';

const codePoints = (text: string): number => Array.from(text).length;

describe('an answer as Telegram messages', () => {
  it.each([
    ['**b**', 'bold'],
    ['*i*', 'italic'],
    ['~~s~~', 'strikethrough'],
    ['`c`', 'code'],
    ['> q', 'blockquote'],
  ])('formats %s as %s', (markdown, type) => {
    expect(renderAnswer(markdown)).toEqual([
      { text: markdown.replaceAll(/[*~`> ]/gu, ''), entities: [{ type, offset: 0, length: 1 }] },
    ]);
  });

  it('names the language of code, and none where none is given', () => {
    expect(renderAnswer('```ts\nx\n```')[0]!.entities).toEqual([
      { type: 'pre', offset: 0, length: 1, language: 'ts' },
    ]);
    expect(renderAnswer('```\nx\n```')[0]!.entities).toEqual([{ type: 'pre', offset: 0, length: 1 }]);
  });

  it('links to where the text says', () => {
    expect(renderAnswer('<https://example.org/>')[0]!.entities).toMatchObject([
      { type: 'text_link', url: 'https://example.org/' },
    ]);
  });

  it('counts as the server does: 4096 emoji are one message although they are 8192 units', () => {
    expect(renderAnswer('😀'.repeat(4096))).toHaveLength(1);
    expect(renderAnswer('😀'.repeat(4097))).toHaveLength(2);
  });

  it('is never empty and never longer than a message may be', () => {
    const markdown = fc.array(
      fc.constantFrom('word ', '**', '`', '```\n', '\n\n', '- ', '😀'.repeat(500), 'x'.repeat(900)),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(markdown, (pieces) => {
        const messages = renderAnswer(pieces.join(''));
        expect(messages.length).toBeGreaterThan(0);
        for (const { text, entities } of messages) {
          expect(text.trim()).not.toBe('');
          expect(codePoints(text)).toBeLessThanOrEqual(4096);
          for (const { offset, length } of entities) expect(offset + length).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 100 },
    );
  });
});
