import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../src/rendering/markdown.ts';
import { createMarkdownStream } from '../../../src/rendering/stream.ts';
import { nastyMarkdown, tidyMarkdown } from './markdown-arbitraries.ts';

const deltas = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 20 });

describe('a Markdown stream', () => {
  it.each([
    ['a nasty answer', nastyMarkdown, 200],
    ['a tidy answer', tidyMarkdown, 20],
  ])('shows after any deltas of %s what rendering them at once shows', (_kind, markdown, numRuns) => {
    fc.assert(
      fc.property(markdown, deltas, (answer, sizes) => {
        const stream = createMarkdownStream();
        for (let from = 0, turn = 0; from < answer.length; turn += 1) {
          const to = Math.min(from + sizes[turn % sizes.length]!, answer.length);
          stream.append(answer.slice(from, to));
          expect(stream.current()).toEqual(renderMarkdown(answer.slice(0, to)));
          from = to;
        }
      }),
      { numRuns },
    );
  });

  it('shows the same when it is looked at only once', () => {
    fc.assert(
      fc.property(fc.array(tidyMarkdown, { minLength: 5, maxLength: 12 }), (answers) => {
        const stream = createMarkdownStream();
        for (const answer of answers) stream.append(`${answer}\n\n`);
        expect(stream.current()).toEqual(renderMarkdown(answers.join('\n\n')));
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    ['list', Array.from({ length: 3000 }, (_, at) => `- item *${at}*`).join('\n')],
    ['paragraph', Array.from({ length: 3000 }, (_, at) => `line **${at}**`).join('\n')],
    ['code block', `\`\`\`js\n${'let a;\n'.repeat(6000)}\`\`\``],
    ['line', 'word '.repeat(8000)],
  ])('shows the same of a %s that is too long to be rendered whole', (_kind, answer) => {
    const stream = createMarkdownStream();
    for (let from = 0; from < answer.length; from += 7_001) {
      stream.append(answer.slice(from, from + 7_001));
      expect(stream.current()).toEqual(renderMarkdown(answer.slice(0, from + 7_001)));
    }
  });

  it('shows nothing before there is text', () => {
    const stream = createMarkdownStream();
    expect(stream.current()).toEqual({ text: '', spans: [] });
    stream.append('\n');
    expect(stream.current()).toEqual({ text: '', spans: [] });
  });

  it('puts a surrogate pair together that two deltas cut', () => {
    const stream = createMarkdownStream();
    stream.append('a\ud83d');
    expect(stream.current().text).toBe('a');
    stream.append('\ude00b');
    expect(stream.current().text).toBe('a😀b');
  });

  it('does not change what it has shown of finished blocks', () => {
    const stream = createMarkdownStream();
    stream.append('# Title\n\n```js\nf()\n```\n\n- a\n- b\n\nlast');
    const before = stream.current();
    stream.append(' **words**');
    const after = stream.current();
    expect(after.text).toBe(`${before.text} words`);
    expect(after.spans.slice(0, before.spans.length)).toEqual(before.spans);
  });
});
