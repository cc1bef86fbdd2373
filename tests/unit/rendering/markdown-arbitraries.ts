import fc from 'fast-check';

/* Pieces that mean something in Markdown, alone or next to each other. */
const EMPHASIS = ['*', '**', '***', '_', '__', '~~', '~', '`', '``', '\\', '$', '$$'];
const ESCAPES = ['&amp;', '&#x202e;', '&', '<', '<div>', '<http://e.com>'];
const LINKS = ['[', ']', '(', ')', '![', '](', '](http://e.com)', '[a](http://e.com)', '[a](javascript:b)'];
const BLOCKS = [
  '# ',
  '- ',
  '+ ',
  '* ',
  '1. ',
  '2) ',
  '- [x] ',
  '> ',
  '---',
  '===',
  '    ',
  '```\n',
  '```js\n',
  '~~~\n',
];
const TABLES = ['| a | b |\n|---|---|\n', '| 1 | 2 | 3 |\n', '|', '|-|'];
const SPACE = ['\n', '\n\n', '\n  ', '\n   ', '\n> ', '\n- ', '\n1. ', '\t', ' ', '  \n', '\r\n', '\u2028'];
const ODD = ['\0', '\u202e', '\u200b', '\ud83d'];
const WORDS = ['a', 'b c', 'word', 'é', '日本', '😀', '👩‍👩‍👧', 'http://x.com', '.', '!', ':', '"'];
const PIECES = [EMPHASIS, ESCAPES, LINKS, BLOCKS, TABLES, SPACE, ODD, WORDS].flat();

/** Text that is made to confuse a parser: markers in any order, unfinished, nested, with odd characters between. */
export const nastyMarkdown: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { arbitrary: fc.constantFrom(...PIECES), weight: 9 },
      fc.string({ unit: 'grapheme', maxLength: 4 }),
    ),
    {
      maxLength: 30,
    },
  )
  .map((pieces) => pieces.join(''));

const word = fc.oneof(
  { arbitrary: fc.stringMatching(/^[a-zA-Z]{1,9}$/), weight: 8 },
  fc.constantFrom('naïve', '日本語', 'привет', '😀', '👩‍👩‍👧', '🇮🇩', 'e\u0301t\u00e9', '42'),
);
const phrase = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' '));
const inline = fc.oneof(
  { arbitrary: phrase, weight: 5 },
  phrase.map((text) => `**${text}**`),
  phrase.map((text) => `*${text}*`),
  phrase.map((text) => `~~${text}~~`),
  phrase.map((text) => `\`${text}\``),
  phrase.map((text) => `[${text}](https://example.com/path)`),
);
const line = fc.array(inline, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(' '));
const block = fc.oneof(
  { arbitrary: fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.join('\n')), weight: 4 },
  fc.tuple(fc.constantFrom('#', '##', '######'), phrase).map(([marker, text]) => `${marker} ${text}`),
  fc.array(line, { minLength: 1, maxLength: 5 }).map((items) => items.map((item) => `- ${item}`).join('\n')),
  fc
    .array(line, { minLength: 2, maxLength: 5 })
    .map((items) => items.map((item, at) => `${at + 1}. ${item}`).join('\n')),
  fc.tuple(line, line).map(([outer, inner]) => `- ${outer}\n  - [x] ${inner}`),
  fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.map((text) => `> ${text}`).join('\n')),
  fc
    .tuple(fc.constantFrom('ts', 'c++'), fc.array(phrase, { minLength: 1, maxLength: 6 }))
    .map(
      ([language, lines]) =>
        `\`\`\`${language}\n${lines.map((text, at) => ' '.repeat(at % 3) + text).join('\n')}\n\`\`\``,
    ),
  fc
    .array(fc.tuple(word, word), { minLength: 1, maxLength: 4 })
    .map(
      (rows) => `| k | v |\n|---|--:|\n${rows.map(([left, right]) => `| ${left} | ${right} |`).join('\n')}`,
    ),
  fc.constant('---'),
);

/** Markdown as a careful model writes it, so that its words and code can be told without a parser. */
export const tidyMarkdown: fc.Arbitrary<string> = fc
  .array(block, { minLength: 1, maxLength: 8 })
  .map((blocks) => blocks.join('\n\n'));
