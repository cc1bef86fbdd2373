import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../src/rendering/markdown.ts';
import { splitRichText } from '../../../src/rendering/parts.ts';
import { createMarkdownStream } from '../../../src/rendering/stream.ts';
import { wordsOf } from './markup-remover.ts';
import { violations } from './rich-text-rules.ts';

const SIZE = 100_000;
const filled = (unit: string): string => unit.repeat(Math.ceil(SIZE / unit.length)).slice(0, SIZE);

/** Each takes the square of its length, or overflows the stack, where the parser is not held back. */
const HOSTILE: [name: string, markdown: string][] = [
  ['3,000 quotes in each other', `${'> '.repeat(3000)}x`],
  ['3,000 lists in each other', `${'- '.repeat(3000)}x`],
  ['3,000 lists and quotes in each other', `${'- 1. > '.repeat(1000)}x`],
  [
    '400 lists in each other by indentation',
    Array.from({ length: 400 }, (_, at) => `${'  '.repeat(at)}- x`).join('\n'),
  ],
  [
    '400 quotes in each other, line by line',
    Array.from({ length: 400 }, (_, at) => `${'> '.repeat(at + 1)}x`).join('\n'),
  ],
  ['20,000 links in each other', `${'['.repeat(20_000)}x${'](http://e.com)'.repeat(20_000)}`],
  ['emphasis that is opened and never closed', filled('(**a')],
  ['emphasis of two kinds that cross', filled('*_a')],
  ['openers that may also close', filled('a**b_')],
  ['code spans behind backslashes', filled('``\\')],
  [
    'runs of backticks of growing length',
    Array.from({ length: 440 }, (_, at) => '`'.repeat(at + 1)).join(' '),
  ],
  ['a long word that may be a mail address', filled('a.b-c_d')],
  ['opened links', filled('[a](')],
  ['opened titles', filled('[x]("')],
  ['opened comments', filled('<!--')],
  ['lines that may be headings', filled('a\n-\n')],
  ['lines that may be tables', filled('|a|b|\n|-|-|\n|1|2|3|\n')],
  ['a table of 3,000 columns', `${'|a'.repeat(3000)}|\n${'|-'.repeat(3000)}|\n${'|\n'.repeat(20_000)}`],
  ['a table of 20,000 rows', `|a|b|\n|-|-|\n${'|1|2|\n'.repeat(20_000)}`],
  ['quotes and lines without a marker', filled('> a\nb\n')],
  ['quotes in lists and lines without a marker', filled('-\n  $é\n> ')],
  ['items', filled('- item\n')],
  ['reference definitions and uses', filled('[a]: b\n[a] ')],
  ['mathematics that is not closed', filled('$a ')],
  ['one line', filled('x')],
  ['one line of words', filled('word ')],
  ['one flag after another', filled('🇮🇩')],
  ['one character with accents', `e${filled('\u0301')}`],
  ...[
    '*',
    '_',
    '~',
    '`',
    '[',
    ']',
    '(',
    '!',
    '<',
    '>',
    '|',
    '\\',
    '&',
    '$',
    '#',
    '-',
    '=',
    ' ',
    '\n',
    '\t',
  ].map((unit): [string, string] => [`${JSON.stringify(unit)} alone`, filled(unit)]),
];

describe('hostile input of 100 KB', () => {
  it.each(HOSTILE)('comes back as valid parts: %s', (_name, markdown) => {
    const whole = renderMarkdown(markdown);
    expect(violations(whole)).toEqual([]);
    const parts = splitRichText(whole, { max: 4096, measure: (part) => part.text.length });
    expect(parts.every((part) => part.text.length <= 4096)).toBe(true);
    expect(parts.flatMap(violations)).toEqual([]);
  });

  it('is rendered while it streams', () => {
    const stream = createMarkdownStream();
    for (let at = 0; at < 200; at += 1) {
      stream.append('(**a *b\n> > - c\n\n'.repeat(30));
      stream.current();
    }
    expect(violations(stream.current())).toEqual([]);
  });

  it('of 3,000 nested markers keeps its word', () => {
    for (const marker of ['> ', '- ', '1. ', '- > ']) {
      expect(wordsOf(renderMarkdown(`${marker.repeat(3000)}word`).text).at(-1)).toBe('word');
    }
  });

  it('of a block longer than any that is rendered whole keeps its words and its code', () => {
    const list = Array.from({ length: 3000 }, (_, at) => `- item ${at}`).join('\n');
    expect(wordsOf(renderMarkdown(list).text)).toEqual(wordsOf(list));
    const code = Array.from({ length: 5000 }, (_, at) => `  **line** ${at}`).join('\n');
    const { text, spans } = renderMarkdown(`\`\`\`js\n${code}\n\`\`\``);
    expect(text).toBe(code);
    expect(spans).toEqual([{ kind: 'pre', language: 'js', offset: 0, length: code.length }]);
  });
});
