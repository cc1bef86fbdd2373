import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  plainPart,
  renderAnswer,
  renderParts,
  unformattedAnswer,
} from '../../../../src/adapters/discord/render.ts';
import { createMarkdownStream } from '../../../../src/rendering/stream.ts';
import { nastyMarkdown, tidyMarkdown } from '../../rendering/markdown-arbitraries.ts';
import { contentOfMarkdown, wordsOf } from '../../rendering/markup-remover.ts';

/** The one message that an answer becomes. */
function render(markdown: string): string {
  const parts = renderAnswer(markdown);
  expect(parts).toHaveLength(1);
  return parts[0]!.content;
}

/** What a reader gets of a message in Discord's dialect, read with regular expressions alone. */
function contentOfDiscord(content: string): { words: string[]; code: string[] } {
  const words: string[] = [];
  const code: string[] = [];
  let isCode = false;
  let hasLanguage = false;
  for (const line of content.replaceAll('\u200b', '').split('\n')) {
    const bare = line.replace(/^> /, '');
    if (bare.startsWith('```')) {
      isCode = !isCode;
      hasLanguage = isCode && bare.length > 3;
      continue;
    }
    if (hasLanguage && isCode && bare.trim() !== '') code.push(bare);
    words.push(...wordsOf(isCode ? bare : withoutMarkup(bare)));
  }
  return { words, code };
}

function withoutMarkup(line: string): string {
  return line
    .replaceAll(/<https:\/\/([^/>]*)[^>]*>/g, '$1')
    .replaceAll(/(?<!\\)(\*\*|\*|~~|`)/g, ' ')
    .replaceAll(/\\([^0-9A-Za-z\s])/g, '$1');
}

/** What a reader of Discord's dialect skips, from left to right: blocks, inline code, escaped characters. */
const CODE_OR_ESCAPE = /```[\s\S]*?```|(`{1,2})(?!`)[\s\S]*?[^`]\1(?!`)|\\[\s\S]/g;

/** Fences that are open at the end of a message. */
function openFences(content: string): number {
  return (content.match(/```/g) ?? []).length % 2;
}

describe('an answer as Discord messages', () => {
  it.each([
    ['**b**', '**b**'],
    ['*i*', '*i*'],
    ['~~s~~', '~~s~~'],
    ['`c`', '`c`'],
    ['> q\n> r', '> q\n> r'],
    ['# Head', '**Head**'],
    ['- a\n- b', '• a\n• b'],
    ['```ts\nx\n```', '```ts\nx\n```'],
    ['```\nx\n```', '```\nx\n```'],
    ['> ```ts\n> x\n>\n> y\n> ```', '> ```ts\n> x\n> \n> y\n> ```'],
  ])('formats %j', (markdown, expected) => {
    expect(render(markdown)).toBe(expected);
  });

  it.each([
    ['@everyone and @here', '@\u200beveryone and @\u200bhere'],
    ['&lt;@123&gt; &lt;@&amp;45&gt; &lt;#6&gt;', '\\<\\@123\\> \\<\\@&45\\> \\<\\#6\\>'],
    ['&lt;/ask:1&gt; &lt;t:1:R&gt; &lt;a:x:1&gt;', '\\<\\/ask:1\\> \\<t\\:1:R\\> \\<a\\:x:1\\>'],
    ['\\*no\\* \\_no\\_ \\`no\\`', '\\*no\\* \\_no\\_ \\`no\\`'],
    ['||hidden||', '\\|\\|hidden\\|\\|'],
    ['a:smile:b', 'a\\:smile:b'],
    ['<:smile:123456789012345678>', '\\<\\:smile:123456789012345678\\>'],
    ['\\# no', '\\# no'],
    ['x\n\\-# no', 'x\n\\-# no'],
    ['1\\. no', '1\\. no'],
    ['\\[a](b)', '\\[a\\](b)'],
    ['C:\\\\dir', 'C:\\\\dir'],
  ])('lets nothing in %j act', (markdown, expected) => {
    expect(render(markdown)).toBe(expected);
  });

  it.each([
    ['[docs](https://example.org/x)', 'docs <https://example.org/x>'],
    ['[example.org](https://example.org/x)', 'example.org <https://example.org/x>'],
    ['see https://example.org/a_b*c.', 'see <https://example.org/a_b*c>.'],
    ['<https://example.org>', '<https://example.org>'],
    ['[https://good.org](https://evil.org)', 'https\\://good.org <https://evil.org/>'],
    ['**see https://example.org/a_b**', 'see <https://example.org/a_b>'],
    ['**see [x](https://example.org) now**', '**see x <https://example.org/> now**'],
    ['[m](mailto:a@b.org)', 'm (a@b.org)'],
    ['`https://example.org`', '`https://example.org`'],
  ])('writes out where %j leads', (markdown, expected) => {
    expect(render(markdown)).toBe(expected);
  });

  it('leaves out an address that is longer than it is useful', () => {
    expect(render(`[x](https://example.org/${'y'.repeat(1900)})`)).toBe('x (example.org)');
  });

  it.each([
    ['`a``b`', '`a``b`'],
    ['`` a`b ``', '``a`b``'],
    ['``` a``b`c ```', 'a\\`\\`b\\`c'],
    ['~~~\n```\nx\n```\n~~~', '```\n``\u200b`\nx\n``\u200b`\n```'],
  ])('keeps the code in %j from ending early', (markdown, expected) => {
    expect(render(markdown)).toBe(expected);
  });

  it('parts markers that would be read as one', () => {
    expect(render('**a *b***')).toBe('**a *b*\u200b**');
    expect(render('*a***b**')).toBe('*a*\u200b**b**');
    expect(render('\\``a` b')).toBe('\\`\u200b`a` b');
  });

  it('counts UTF-16 units of what is sent, markup included', () => {
    expect(renderAnswer('x'.repeat(2000))).toHaveLength(1);
    expect(renderAnswer('x'.repeat(2001))).toHaveLength(2);
    expect(renderAnswer('\\*'.repeat(1000))).toHaveLength(1);
    expect(renderAnswer('\\*'.repeat(1001))).toHaveLength(2);
    expect(renderAnswer('😀'.repeat(1001))).toHaveLength(2);
  });

  it('closes a fence at the end of each part and opens it again with its language', () => {
    const code = Array.from({ length: 300 }, (_, line) => `print(${line})`).join('\n');
    const parts = renderAnswer(`\`\`\`python\n${code}\n\`\`\``);
    expect(parts.length).toBeGreaterThan(1);
    for (const { content } of parts) expect(content).toMatch(/^```python\n[\s\S]+\n```$/);
    expect(parts.flatMap(({ content }) => content.split('\n').slice(1, -1)).join('\n')).toBe(code);
  });

  it('closes fences in every frame of a growing answer', () => {
    const stream = createMarkdownStream();
    const markdown = `Text\n\n\`\`\`ts\n${'const a = 1;\n'.repeat(400)}\`\`\`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n`;
    for (let at = 0; at < markdown.length; at += 211) {
      stream.append(markdown.slice(at, at + 211));
      for (const { content } of renderParts(stream.current())) {
        expect(openFences(content)).toBe(0);
        expect(content.length).toBeLessThanOrEqual(2000);
      }
    }
  });

  it('says something even when there is nothing to see', () => {
    expect(render(' \n ')).toBe('…');
  });

  it('keeps every word and every line of code', () => {
    fc.assert(
      fc.property(fc.array(tidyMarkdown, { minLength: 1, maxLength: 12 }), (documents) => {
        const markdown = documents.join('\n\n');
        const shown = renderAnswer(markdown).map(({ content }) => contentOfDiscord(content));
        const expected = contentOfMarkdown(markdown);
        expect(shown.flatMap(({ words }) => words).join('')).toBe(expected.words.join(''));
        expect(shown.flatMap(({ code }) => code)).toEqual(expected.code);
      }),
      { numRuns: 200 },
    );
  });

  it('makes messages that Discord takes of whatever a model writes', () => {
    const piece = fc.oneof(
      nastyMarkdown,
      fc.constantFrom('x'.repeat(900), '😀'.repeat(500), '@everyone', '<@1>'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const messages = renderAnswer(pieces.join(''));
        expect(messages.length).toBeGreaterThan(0);
        for (const { content } of messages) {
          expect(content.trim()).not.toBe('');
          expect(content.length).toBeLessThanOrEqual(2000);
          const outsideCode = content.replaceAll(CODE_OR_ESCAPE, '');
          expect(outsideCode).not.toMatch(/@everyone|@here|<[@#]\d/);
          expect(openFences(content)).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a part as plain text', () => {
  it('has nothing but escapes, and fits', () => {
    expect(plainPart({ content: '**a** b', text: 'a* b' }).content).toBe('a\\* b');
    const { content } = plainPart({ content: '', text: '*😀'.repeat(900) });
    expect(content.length).toBeLessThanOrEqual(2000);
    expect(content.length).toBeGreaterThan(1700);
    expect(content.isWellFormed()).toBe(true);
  });

  it.each([
    ['commas alone', ','],
    ['semicolons', ';'],
    ['bars', '|'],
  ])('shows each address of a list that is parted by %s', (_name, between) => {
    const urls = Array.from({ length: 20 }, (_, page) => `https://example.org/page${page}`);
    const shown = renderAnswer(`The sources:\n${urls.join(between)}`).map(({ content }) => content);
    expect(shown.join('\n').match(/<https:\/\/example\.org\/page\d+>/g)).toEqual(
      urls.map((url) => `<${url}>`),
    );
  });

  it('takes an address within an address for a part of it', () => {
    const url = 'https://web.archive.org/web/2020/https://example.org/a';
    expect(render(url)).toBe(`<${url}>`);
  });

  it('makes no link of an address that looks as if it led elsewhere', () => {
    expect(render('https://bank.example@evil.example/')).not.toContain('<http');
    expect(render('[bank](https://bank.example@evil.example/)')).toBe('bank (evil.example)');
  });

  it('has no part too long or blank where an answer is sent as it was written', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('*', '_', '@everyone', ' ', '\n', '\u{1f600}', '`', '#', 'a', '\ud800'),
      maxLength: 4000,
    });
    fc.assert(
      fc.property(hostile, (markdown) => {
        for (const { content } of unformattedAnswer(markdown)) {
          expect(content.length).toBeLessThanOrEqual(2000);
          expect(content.trim()).not.toBe('');
          expect(content.isWellFormed()).toBe(true);
        }
      }),
    );
  });
});
