import { expect, it } from 'vitest';
import { readModelList } from '../../../src/completion/catalogue-model.ts';
import { createSourceList } from '../../../src/completion/sources.ts';
import {
  canSearch,
  searchesNanoUsd,
  searchingTokens,
  searchingWorstCaseNanoUsd,
  searchReport,
} from '../../../src/completion/web-search.ts';

const candidate = (row: object) => {
  const [listed] = readModelList({ data: [row] }) ?? [];
  if (listed === undefined) throw new Error('The row is no model.');
  return { provider: 'openrouter', id: listed.id, isFree: listed.isFree, listed } as const;
};
const usage = {
  promptTokens: 1,
  completionTokens: 1,
  cachedTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 8_000_000n,
};

it('an answer with searches costs at most three readings of all that was found, and the searches', () => {
  const paid = candidate({ id: 'acme/a', pricing: { prompt: '0.000001', completion: '0.000002' } });
  // 100, 100 + 12,600 and 100 + 25,200 tokens read, three times 100 written.
  expect(searchingWorstCaseNanoUsd(paid, 100, 100)).toBe(14_000_000n + 38_100_000n + 600_000n);
  const free = candidate({ id: 'acme/a:free', pricing: { prompt: '0', completion: '0' } });
  expect(searchingWorstCaseNanoUsd(free, 100, 100)).toBe(searchesNanoUsd);
  const auto = candidate({ id: 'openrouter/auto', pricing: { prompt: '-1', completion: '-1' } });
  expect(searchingWorstCaseNanoUsd(auto, 100, 100)).toBeNull();
});

it('such an answer takes as many more tokens as are then paid for', () => {
  expect(searchingTokens(100, 100)).toBe(38_100 - 100 + 200);
});

it('only a model that calls tools can search; one that is not listed may', () => {
  expect(canSearch(candidate({ id: 'acme/a:free', supported_parameters: ['tools'] }))).toBe(true);
  expect(canSearch(candidate({ id: 'acme/a:free', supported_parameters: ['temperature'] }))).toBe(false);
  expect(canSearch({ provider: 'openrouter', id: 'acme/unknown:free', isFree: true, listed: null })).toBe(
    true,
  );
  expect(canSearch({ provider: 'gemini', id: 'gemini-3.8-flash', isFree: true, listed: null })).toBe(false);
});

it('what is reported of searches is told, and nothing is made up where nothing is', () => {
  const source = { url: 'https://a.example/', title: '' };
  const told = { ...usage, tools: { searches: 2, costNanoUsd: 14_000_000n } };
  expect(searchReport(told, [])).toEqual({ searches: 2, costNanoUsd: 14_000_000, sources: [] });
  expect(searchReport({ ...usage, tools: { searches: 1, costNanoUsd: null } }, [])).toMatchObject({
    searches: 1,
    costNanoUsd: null,
  });
  expect(searchReport(usage, [])).toMatchObject({ searches: 0, costNanoUsd: 0 });
  expect(searchReport(usage, [source])).toMatchObject({ searches: null, costNanoUsd: null });
  expect(searchReport(null, [])).toMatchObject({ searches: null, costNanoUsd: null });
});

it('whatever comes as annotations, a source is a whole address with a title of one line', () => {
  const sources = createSourceList();
  const values = [
    null,
    7,
    'text',
    {},
    [null],
    [{ type: 'url_citation' }],
    [{ type: 'url_citation', url_citation: {} }],
  ];
  for (const value of values) sources.take(value);
  expect(sources.list()).toEqual([]);
  const cite = (url: unknown, title?: unknown) =>
    sources.take([{ type: 'url_citation', url_citation: { url, title } }]);
  cite('HTTPS://A.example', 5);
  cite('https://a.example/#part', 'again');
  cite('https://user:secret@b.example/', 'no');
  cite(`https://c.example/${'x'.repeat(2000)}`);
  cite('https://d.example/', ' a\u202e b\n\tc \ud800');
  expect(sources.list()).toEqual([
    { url: 'https://a.example/', title: '' },
    { url: 'https://d.example/', title: 'a b c \ufffd' },
  ]);
});
