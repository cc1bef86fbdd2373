import { describe, expect, it } from 'vitest';
import { readModelList } from '../../../src/completion/catalogue-model.ts';
import { readHuggingFaceList } from '../../../src/completion/huggingface-list.ts';
import { geminiModel, huggingFaceModel } from '../../../src/completion/own-model.ts';

const serving = (provider: string, input?: unknown, output?: unknown, more: object = {}) => ({
  provider,
  status: 'live',
  context_length: 1000,
  ...(input !== undefined && { pricing: { input, output } }),
  ...more,
});
const listOf = (...providers: readonly object[]) =>
  readHuggingFaceList({
    data: [
      { id: 'acme/Big', providers },
      { id: 'acme/Bigger', providers },
    ],
  }) ?? [];

describe('the list of Hugging Face', () => {
  it('has a row for each provider that serves a model now, with its price for a million tokens', () => {
    const rows = listOf(serving('one', 0.15, '0.6'), serving('gone', 1, 1, { status: 'error' }));
    expect(rows.map(({ id }) => id)).toEqual(['acme/Big:one', 'acme/Bigger:one']);
    expect(rows[0]).toMatchObject({
      name: 'acme/Big',
      contextLength: 1000,
      isFree: false,
      prices: { highestPrompt: 150_000_000, highestCompletion: 600_000_000, request: 0 },
    });
  });

  it('is read whatever is wrong in it', () => {
    expect(readHuggingFaceList({ data: 'none' })).toBeNull();
    expect(readHuggingFaceList([])).toBeNull();
    const strange = [
      null,
      7,
      {},
      { id: 7 },
      { id: 'a b' },
      { id: 'a/b' },
      { id: 'a/b', providers: [null, {}] },
    ];
    expect(readHuggingFaceList({ data: strange })).toEqual([]);
    for (const price of [-1, '-0.5', 'free', null, Number.NaN, {}]) {
      expect(listOf(serving('one', price, 1))[0]?.prices.highestPrompt).toBeNull();
    }
  });
});

describe('the model of Hugging Face', () => {
  const candidateOf = (model: string, isFree: boolean, ...providers: readonly object[]) => {
    const models = listOf(...providers);
    const list = {
      snapshot: () => ({ fetchedAtMs: 1, models }),
      find: (id: string) => models.find((row) => row.id === id),
    };
    return huggingFaceModel({ model, isFree }, list).candidate();
  };
  const [dear, cheap, secret] = [serving('dear', 2, 2), serving('cheap', 1, 2), serving('secret')];

  it('is bought from the cheapest who tells a price', () => {
    for (const model of ['acme/Big', 'acme/Big:fastest', 'acme/Big:cheapest']) {
      expect(candidateOf(model, false, dear, secret, cheap)).toMatchObject({
        id: 'acme/Big:cheap',
        isFree: false,
      });
    }
  });

  it('is bought from whom the setting names, if that tells a price', () => {
    expect(candidateOf('acme/Big:dear', false, dear, cheap)).toMatchObject({ id: 'acme/Big:dear' });
    expect(candidateOf('acme/Big:secret', false, dear, secret)).toBeNull();
    expect(candidateOf('acme/Big:nobody', false, dear)).toBeNull();
  });

  it('is not bought for nothing, which is no price on a key that costs', () => {
    const gift = serving('gift', 0, 0);
    expect(candidateOf('acme/Big', false, gift, dear)).toMatchObject({ id: 'acme/Big:dear' });
    expect(candidateOf('acme/Big:gift', false, gift, dear)).toBeNull();
    expect(candidateOf('acme/Big', true, gift)).toMatchObject({ isFree: true });
  });

  it('is not bought where nobody tells a price or serves it', () => {
    expect(candidateOf('acme/Big', false, secret)).toBeNull();
    expect(candidateOf('acme/Small', false, dear)).toBeNull();
  });

  it('is asked as it is named where it costs nothing', () => {
    expect(candidateOf('acme/Big', true)).toEqual({ id: 'acme/Big', isFree: true, listed: null });
    expect(candidateOf('acme/Big', true, dear)).toMatchObject({
      id: 'acme/Big',
      listed: { contextLength: 1000 },
    });
  });
});

describe('the model of Gemini', () => {
  const models = readModelList({
    data: ['google/gemini-3.8-flash', 'google/gemma-4-31b-it', 'google/gemini-gift'].map((id) => ({
      id,
      pricing: id.endsWith('gift')
        ? { prompt: '0', completion: '0' }
        : { prompt: '0.000001', completion: '0.000002' },
    })),
  })!;
  const catalogue = {
    snapshot: () => ({ fetchedAtMs: 1, models }),
    find: (id: string) => models.find((row) => row.id === id),
  };
  const candidateOf = (model: string, isFree: boolean) =>
    geminiModel({ model, isFree }, catalogue).candidate();

  it('costs what is listed for it, unless others set that price or there is none', () => {
    expect(candidateOf('gemini-3.8-flash', false)).toMatchObject({
      listed: { id: 'google/gemini-3.8-flash' },
    });
    expect(candidateOf('gemma-4-31b-it', false)).toBeNull();
    expect(candidateOf('gemini-gift', false)).toBeNull();
    expect(candidateOf('gemini-unheard-of', false)).toBeNull();
    expect(candidateOf('gemma-4-31b-it', true)).toMatchObject({ isFree: true });
  });
});
