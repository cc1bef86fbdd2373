import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { renderMarkdown } from '../../../src/rendering/markdown.ts';
import type { RichText } from '../../../src/rendering/rich-text.ts';
import { nastyMarkdown, tidyMarkdown } from './markdown-arbitraries.ts';
import { contentOfMarkdown, wordsOf } from './markup-remover.ts';
import { codeOf, violations } from './rich-text-rules.ts';

describe('what a reader sees', () => {
  test.each<[behaviour: string, markdown: string, shown: string]>([
    ['a heading is a bold line', '# Title\ntext', '‹bold:Title›\ntext'],
    ['a heading of seven hashes is text', '####### x', '####### x'],
    ['emphasis nests', '***a** b*', '‹italic:‹bold:a› b›'],
    ['bold in bold counts once', '**a __b__ c**', '‹bold:a b c›'],
    [
      'code ends the bold around it and the bold goes on after it',
      '**a `b` c**',
      '‹bold:a› ‹code:b› ‹bold:c›',
    ],
    ['underscores inside a word are text', 'snake_case_name', 'snake_case_name'],
    ['a lone star is text', '2 * 3 * 4', '2 * 3 * 4'],
    ['an unclosed marker is text', '**bold and `code', '**bold and `code'],
    ['two tildes strike through, one does not', '~~a~~ ~b~ ~5', '‹strikethrough:a› ~b~ ~5'],
    ['escaped markers lose their backslash', '\\*a\\* \\# 1\\.', '*a* # 1.'],
    [
      'named and numeric references are decoded once',
      '&lt;b&gt; &amp;amp; &#65;&#x42; &unknown;',
      '<b> &amp; AB &unknown;',
    ],
    ['raw HTML is text', '<b>x</b><!-- y --><script>z</script>', '<b>x</b><!-- y --><script>z</script>'],
    [
      'an HTML block is text and holds Markdown',
      '<details>\n**a**\n</details>',
      '<details>\n‹bold:a›\n</details>',
    ],
    ['a line end is kept and its blanks are not', 'a  \n   b\\\nc', 'a\nb\nc'],
    ['blank lines shrink to one', 'a\n\n\n\nb', 'a\n\nb'],
    ['a rule right below a text makes it no heading', 'a\n---\nb', 'a\n———\nb'],
    ['list items have bullets and nest', '* a\n  + b\n    - c\n* d', '• a\n  • b\n    • c\n• d'],
    ['an ordered list keeps its numbers', '3. a\n7. b\n\n   c', '3. a\n7. b\n\n   c'],
    ['items that all bear one number are counted', '1) a\n1) b\n1) c', '1) a\n2) b\n3) c'],
    ['a year at the start of a line is kept', '1986. A great year.', '1986. A great year.'],
    ['task items have boxes', '- [x] a\n- [ ] b\n1. [X] c', '☑ a\n☐ b\n1. ☑ c'],
    ['an empty item is a bullet', '-\n- a', '•\n• a'],
    ['a quote spans its lines and no more', '> a\n> **b**\nc', '‹quote:a\n‹bold:b››\nc'],
    ['a quote in a quote is marked by a sign', '> a\n> > b', '‹quote:a\n> b›'],
    ['a list in a quote stays in it', '> - a\n> - b', '‹quote:• a\n• b›'],
    ['a quote in a list is no part of the item’s line', '- a\n  > b', '• a\n‹quote:b›'],
    [
      'fenced code has its language and no markup',
      '```c++ title="x"\n**a**\n\n  b\n```',
      '‹pre c++:**a**\n\n  b›',
    ],
    ['a fence that is never closed ends with the text', 'a\n```py\nx = 1\n', 'a\n‹pre py:x = 1›'],
    ['a longer fence holds a shorter one', '````md\n```js\nx\n```\n````', '‹pre md:```js\nx\n```›'],
    ['a fence that was just opened shows nothing', 'a\n\n```ts', 'a'],
    ['indented code is code', 'a\n\n    b\n      c', 'a\n\n‹pre:b\n  c›'],
    [
      'code in a list has a line of its own and no indentation',
      '- ```\n  a\n    b\n  ```\n- c',
      '•\n‹pre:a\n  b›\n• c',
    ],
    ['code spans keep their stars and drop the outer blank', '`` a `*b*` ``', '‹code:a `*b*`›'],
    ['indentation at the start of code is kept', '```\n\n   a\n  b\n```', '‹pre:   a\n  b›'],
    ['a narrow table is aligned', '|a|bb|\n|--|-:|\n|ccc|1|', '‹pre:a    bb\n───  ──\nccc   1›'],
    [
      'wide characters count twice in a table',
      '|日本|b|\n|-|-|\n|abcd|x|',
      '‹pre:日本  b\n────  ─\nabcd  x›',
    ],
    ['styles in an aligned table are dropped', '|**a**|`b`|\n|-|-|\n|_c_|d|', '‹pre:a  b\n─  ─\nc  d›'],
    [
      'a table that is too wide for a phone is a list',
      `|Name|${'Long '.repeat(9)}|\n|-|-|\n|a|b|\n|c||`,
      `• ‹bold:Name›: a\n  ‹bold:${'Long '.repeat(9).trim()}›: b\n• ‹bold:Name›: c`,
    ],
    [
      'a table with a link is a list, so that the link works',
      '|a|\n|-|\n|[x](https://e.com)|',
      '• ‹bold:a›: ‹link https://e.com/:x› (e.com)',
    ],
    [
      'a row with more cells than the table has is text',
      '|a|b|\n|-|-|\n|1|2|3|',
      '‹pre:a  b\n─  ─›\n|1|2|3|',
    ],
    [
      'footnotes and references are text',
      'a[^1] [b][c]\n\n[^1]: note\n[c]: https://e.com',
      'a[^1] [b][c]\n\n[^1]: note\n[c]: https://e.com',
    ],
    ['mathematics is text', '$a_b*c$ and $$\nx_1 * y_1 * z\n$$', '$a_b*c$ and $$\nx_1 * y_1 * z\n$$'],
    ['shell variables are no mathematics', 'Set $HOME or `$PATH`.', 'Set $HOME or ‹code:$PATH›.'],
    ['prices are no mathematics', '$5 and *$10*', '$5 and ‹italic:$10›'],
    ['a bare URL keeps its stars and underscores', 'https://e.com/*a*/__b__.', 'https://e.com/*a*/__b__.'],
    ['emoji with joiners are whole', '**👩‍👩‍👧**', '‹bold:👩‍👩‍👧›'],
    ['controls and direction overrides are dropped', 'a\0b\u202Ec\u2066d&#x202e;e\u007f', 'abcde'],
    ['half a surrogate pair is dropped', 'a\ud83d b', 'a b'],
    ['nothing that can be seen is nothing', '\u200b \n\u2060', ''],
    ['a text of markers alone has no empty span', 'a ****\n\n__\n\n``', 'a ****\n\n__\n\n``'],
  ])('%s', (_behaviour, markdown, shown) => {
    expect(described(renderMarkdown(markdown))).toBe(shown);
  });
});

describe('links', () => {
  test.each<[behaviour: string, markdown: string, shown: string]>([
    [
      'a label without the host is followed by it',
      '[Docs](https://e.com/a)',
      '‹link https://e.com/a:Docs› (e.com)',
    ],
    [
      'a label that is the URL shows enough',
      '[https://e.com/a](https://e.com/a)',
      '‹link https://e.com/a:https://e.com/a›',
    ],
    [
      'a label that names the host shows enough',
      '[see e.com](https://www.e.com/)',
      '‹link https://www.e.com/:see e.com›',
    ],
    [
      'a label that names another host is exposed',
      '[bank.com](https://evil.com)',
      '‹link https://evil.com/:bank.com› (evil.com)',
    ],
    [
      'a host that only starts like the label is exposed',
      '[e.com](https://e.com.evil.org)',
      '‹link https://e.com.evil.org/:e.com› (e.com.evil.org)',
    ],
    [
      'a label that hides its host behind another is exposed',
      '[bank.com at e.com](https://e.com)',
      '‹link https://e.com/:bank.com at e.com› (e.com)',
    ],
    [
      'a user name that looks like a host is exposed',
      '<https://bank.com@evil.com>',
      '‹link https://bank.com@evil.com/:https://bank.com@evil.com› (evil.com)',
    ],
    [
      'a look-alike host is shown in punycode',
      '[аpple.com](https://аpple.com)',
      '‹link https://xn--pple-43d.com/:аpple.com› (xn--pple-43d.com)',
    ],
    [
      'mail and phone links work',
      '[a](mailto:a@e.com) [b](tel:+123) <c@e.com>',
      '‹link mailto:a@e.com:a› (a@e.com) ‹link tel:+123:b› (+123) ‹link mailto:c@e.com:c@e.com›',
    ],
    ['a script is text', '[a](javascript:alert(1)) [b](data:text/html,x) [c](JaVaScRiPt&colon;d)', 'a b c'],
    [
      'a platform’s own scheme and a relative path are text',
      '[a](tg://user?id=1) [b](/c) [d](//e.com) <tg://x>',
      'a b d tg://x',
    ],
    [
      'an image is its text and a link',
      '![cat](https://e.com/c.png)',
      '‹link https://e.com/c.png:cat› (e.com)',
    ],
    [
      'an image without a text is its URL',
      '![](https://e.com/c.png)',
      '‹link https://e.com/c.png:https://e.com/c.png›',
    ],
    [
      'an image in a link is a part of the label',
      '[![a](https://i.com) b](https://e.com)',
      '‹link https://e.com/:a b› (e.com)',
    ],
    [
      'code in a label is text and bold stays',
      '[**a** `b`](https://e.com)',
      '‹link https://e.com/:‹bold:a› b› (e.com)',
    ],
    [
      'an entity in a URL is decoded',
      '[e.com](https://e.com/?a=1&amp;b=2)',
      '‹link https://e.com/?a=1&b=2:e.com›',
    ],
    ['a link in bold lies in it', '**[e.com](https://e.com)**', '‹bold:‹link https://e.com/:e.com››'],
    ['a URL of thousands of characters is text', `[a](https://e.com/${'x'.repeat(3000)})`, 'a'],
    ['a link that is not complete is text', '[a](https://e.com', '[a](https://e.com'],
  ])('%s', (_behaviour, markdown, shown) => {
    expect(described(renderMarkdown(markdown))).toBe(shown);
  });
});

describe('any input', () => {
  it('gives valid rich text, at every length of it', () => {
    fc.assert(
      fc.property(nastyMarkdown, (markdown) => {
        for (let length = 0; length <= markdown.length; length += 1) {
          expect(violations(renderMarkdown(markdown.slice(0, length)))).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the words and the code of a tidy one', () => {
    fc.assert(
      fc.property(tidyMarkdown, (markdown) => {
        const rendered = renderMarkdown(markdown);
        const expected = contentOfMarkdown(markdown);
        expect(wordsOf(rendered.text)).toEqual(expected.words);
        expect(codeOf([rendered])).toEqual(expected.code);
      }),
      { numRuns: 200 },
    );
  });
});

/** The text with each span as `‹kind attribute:text›`. */
function described({ text, spans }: RichText): string {
  const marks = spans.flatMap((span, order) => {
    const attribute =
      span.kind === 'link'
        ? ` ${span.url}`
        : span.kind === 'pre' && span.language !== undefined
          ? ` ${span.language}`
          : '';
    return [
      { at: span.offset, order, text: `‹${span.kind}${attribute}:` },
      { at: span.offset + span.length, order: -1, text: '›' },
    ];
  });
  let shown = '';
  let from = 0;
  for (const mark of marks.toSorted((left, right) => left.at - right.at || left.order - right.order)) {
    shown += text.slice(from, mark.at) + mark.text;
    from = mark.at;
  }
  return shown + text.slice(from);
}
