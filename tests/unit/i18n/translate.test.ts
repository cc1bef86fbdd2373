import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commands } from '../../../src/commands/command-list.ts';
import { menu } from '../../../src/commands/menu.ts';
import { PROVIDERS } from '../../../src/completion/provider.ts';
import { en } from '../../../src/i18n/en.ts';
import { escapeMarkdown } from '../../../src/i18n/escape-markdown.ts';
import { id } from '../../../src/i18n/id.ts';
import { PROVIDER_NAMES } from '../../../src/i18n/provider-names.ts';
import { renderMarkdown } from '../../../src/rendering/markdown.ts';
import { visibleText } from '../../../src/rendering/visible-text.ts';
import { isMessageKey, LOCALES, pickLocale, translate } from '../../../src/i18n/translate.ts';
import { nastyMarkdown } from '../rendering/markdown-arbitraries.ts';

test.each([
  ['id', 'id'],
  ['id_ID.UTF-8', 'id'],
  ['in', 'id'],
  ['en-GB', 'en'],
  ['de-DE', 'en'],
  [null, 'en'],
])('the language tag %s is answered in %s', (tag, locale) => {
  expect(pickLocale(tag)).toBe(locale);
});

test('the first language that is spoken wins', () => {
  expect(pickLocale(null, 'fr', 'id', 'en')).toBe('id');
});

test('both languages have the same keys', () => {
  expect(Object.keys(id).sort()).toEqual(Object.keys(en).sort());
});

test('waits are named in words and rounded up', () => {
  const refusal = (waitMs: number) => translate('en', { key: 'refusal.rate_limited', params: { waitMs } });
  expect(refusal(1)).toContain('1 second.');
  expect(refusal(61_001)).toContain('62 seconds.');
  expect(refusal(90_001)).toContain('2 minutes.');
  expect(refusal(2 * 3_600_000)).toContain('2 hours.');
  expect(translate('id', { key: 'refusal.rate_limited', params: { waitMs: 5000 } })).toContain('5 detik');
});

test('a tiny cost is shown in full, never rounded to nothing', () => {
  const line = translate('en', {
    key: 'usage.line',
    params: { label: 'Today', requests: 1, tokens: 9, costNanoUsd: 1 },
  });
  expect(line).toBe('Today: 1 message, 9 tokens, $0.000000001');
});

test('every command and each of its options has words in every language, at most 100 characters', () => {
  for (const { spec } of commands) {
    expect(spec.name).toMatch(/^[a-z0-9_]{1,32}$/u);
    const options = spec.options.map(({ name }) => name);
    const keys = [`command.${spec.name}.description`, ...options.map((name) => `option.${name}`)];
    expect(keys.filter((key) => !isMessageKey(key))).toEqual([]);
    for (const locale of LOCALES) {
      const described = options.map((name) => menu.describeOption(name, locale));
      for (const text of [menu.describe(spec.name, locale), ...described])
        expect(text).toMatch(/^.{1,100}$/u);
    }
  }
});

test('a command on a message has a name in every language, at most 32 characters', () => {
  const onMessages = commands.filter(({ spec }) => spec.onMessage !== undefined);
  expect(onMessages.map(({ spec }) => menu.labelOf(spec.name, 'en'))).toEqual([
    'Ask about this',
    'Report this',
  ]);
  for (const { spec } of onMessages) {
    expect(isMessageKey(`command.${spec.name}.label`)).toBe(true);
    for (const locale of LOCALES) expect(menu.labelOf(spec.name, locale)).toMatch(/^.{1,32}$/u);
  }
});

test('a name with markup stands for itself', () => {
  expect(escapeMarkdown('**[x](http://e.vil)**\n# y')).toBe('\\*\\*\\[x\\]\\(http\\://e.vil)\\*\\* # y');
});

test('a usual name is as it was, also where Markdown is read as it is written', () => {
  for (const name of ['Google: Gemma 4 31B (free)', 'R&D #1 > all!', 'snake_case', 'a | b', '3 < 4']) {
    expect(escapeMarkdown(name)).toBe(name);
  }
});

test.each([
  ['in bold', (name: string) => `**${name}** is it`, (text: string) => `${text} is it`],
  ['in an item', (name: string) => `- ${name}: 3`, (text: string) => `• ${text}: 3`],
  ['in a sentence', (name: string) => `Hello ${name}! There.`, (text: string) => `Hello ${text}! There.`],
  ['in a link', (name: string) => `[${name}](<https://e.org/>)`, (text: string) => `${text} (e.org)`],
  ['at the beginning', (name: string) => `${name}: *3*`, (text: string) => `${text}: 3`],
])('%s any name stands for itself', (_where, write, shown) => {
  const onOneLine = (text: string): string => text.replace(/\s+/gu, ' ');
  fc.assert(
    fc.property(nastyMarkdown, (nasty) => {
      // What can't be seen is taken away where it shows; what stays must be something.
      const name = onOneLine(visibleText(nasty)).trim();
      fc.pre(name !== '');
      expect(onOneLine(renderMarkdown(write(escapeMarkdown(name))).text)).toBe(shown(name));
    }),
    { numRuns: 2000 },
  );
});

test('every provider has a name', () => {
  expect(Object.keys(PROVIDER_NAMES).sort()).toEqual([...PROVIDERS].sort());
});

test.each([
  ['user', 'You have used 5 of 5', '/limits', 'Kamu sudah memakai 5 dari 5'],
  [
    'member',
    'Here in this community you have used 5 of 5',
    'Elsewhere',
    'Di komunitas ini kamu sudah memakai',
  ],
  ['channel', 'This channel has used 5 of 5', 'does not count elsewhere', 'Kanal ini sudah memakai'],
  ['guild', 'This community has used 5 of 5', 'private chat', 'Komunitas ini sudah memakai'],
])(
  'a limit of a %s says whose it is, when it starts again and what goes on',
  (subject, whose, besides, indonesian) => {
    const params = { subject, metric: 'requests', window: 'day', limit: 5, used: 5, waitMs: 7_200_000 };
    const english = translate('en', { key: 'refusal.quota', params });
    expect(english.startsWith(`${whose} messages today. It starts again in 2 hours.`)).toBe(true);
    expect(english).toContain(besides);
    const translated = translate('id', { key: 'refusal.quota', params });
    expect(translated.startsWith(indonesian)).toBe(true);
    expect(translated).toContain('/limits');
  },
);
