import { describe, expect, it, test } from 'vitest';
import type { CatalogueModel } from '../../../src/completion/catalogue-model.ts';
import { cheaperKin, inTier } from '../../../src/completion/ladder.ts';
import type { Tier } from '../../../src/completion/optimiser.ts';

const model = (id: string, price: number, changes: Partial<CatalogueModel> = {}): CatalogueModel => ({
  id,
  name: id,
  contextLength: 100_000,
  maxCompletionTokens: null,
  inputModalities: ['text'],
  outputModalities: ['text'],
  supportedParameters: [],
  reasoning: 'never',
  canReasonLess: false,
  prices: {
    prompt: price,
    completion: price,
    request: 0,
    cacheRead: null,
    cacheWrite: null,
    highestPrompt: price,
    highestCompletion: price,
  },
  isFree: price === 0,
  expiresOn: null,
  createdAtMs: 0,
  ...changes,
});

describe('a tier', () => {
  const rung = (id: string, price: number) => ({ id, isFree: price === 0, listed: model(id, price) });
  const usual = [rung('dear', 10), rung('free', 0), rung('good', 5), rung('small', 1), rung('router', 0)];
  test.for<[Tier, readonly string[]]>([
    ['strong', ['dear', 'free', 'good', 'small', 'router']],
    ['balanced', ['good', 'small', 'dear', 'free', 'router']],
    ['cheap', ['small', 'good', 'free', 'dear', 'router']],
    ['free', ['free', 'router', 'small', 'good', 'dear']],
  ])('%s has its order', ([tier, ids]) => {
    expect(inTier(usual, tier).map(({ id }) => id)).toEqual(ids);
  });

  it('leaves free models at the front, and nothing where no model is much cheaper', () => {
    const freeFirst = [rung('free', 0), rung('dear', 10), rung('small', 1)];
    expect(inTier(freeFirst, 'cheap').map(({ id }) => id)).toEqual(['free', 'small', 'dear']);
    const alike = [rung('dear', 10), rung('near', 6), rung('router', 0)];
    expect(inTier(alike, 'cheap')).toEqual(alike);
    expect(inTier([rung('free', 0)], 'balanced')).toHaveLength(1);
    expect(inTier([], 'free')).toEqual([]);
  });

  it('keeps what costs an unknown amount behind everything whose price is known', () => {
    const unlisted = { id: 'unknown', isFree: false, listed: null };
    expect(inTier([unlisted, rung('small', 1)], 'cheap').map(({ id }) => id)).toEqual(['small', 'unknown']);
  });
});

test('a maker’s cheaper models are the two newest for general talk that stay and cost at most half', () => {
  const strong = model('acme/grand', 10, { createdAtMs: 9 });
  const kin = cheaperKin(strong, [
    strong,
    model('acme/middle', 5, { createdAtMs: 3 }),
    model('acme/near', 6, { createdAtMs: 8 }),
    model('acme/small', 1, { createdAtMs: 4 }),
    model('acme/old', 1, { createdAtMs: 1 }),
    model('acme/leaving', 1, { createdAtMs: 7, expiresOn: '2027-01-01' }),
    model('acme/short', 1, { createdAtMs: 7, contextLength: 4096 }),
    model('acme/coder', 1, { createdAtMs: 7 }),
    model('acme/gratis:free', 0, { createdAtMs: 7 }),
    model('acme-labs/other', 1, { createdAtMs: 7 }),
  ]);
  expect(kin.map(({ id }) => id)).toEqual(['acme/small', 'acme/middle']);
});
