import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SimulatedModel } from '../../../src/simulator/catalogue.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import { grantNothing, spentBudget, startMs, testBench } from './turns.ts';

const free = { prompt: '0', completion: '0' };
const priced = (usd: number) => ({ prompt: (usd / 1e6).toFixed(12), completion: (usd / 1e6).toFixed(12) });
const strong = 'acme/grand';
const middle = 'acme/middle';
const small = 'acme/small';
const settings = { freeOnly: false, defaultModel: strong, emergencyModel: 'other/emergency' };
const models: readonly SimulatedModel[] = [
  { id: 'acme/first-70b:free', pricing: free },
  { id: 'openrouter/free', pricing: free },
  { id: strong, pricing: priced(20), row: { created: 3 } },
  { id: middle, pricing: priced(8), row: { created: 2 } },
  { id: small, pricing: priced(1), row: { created: 1 } },
  // Neither is offered in place of another one: one is older than two of the same maker, the other is for code.
  { id: 'acme/ancient', pricing: priced(0.5), row: { created: 0 } },
  { id: 'acme/small-coder', pricing: priced(0.5), row: { created: 4 } },
  { id: 'other/emergency', pricing: priced(15) },
  { id: 'other/cheap', pricing: priced(0.1) },
];

let simulator: OpenRouterSimulator;
const clock = { nowMs: startMs };
beforeAll(async () => {
  simulator = await startOpenRouterSimulator({ now: () => clock.nowMs });
});
beforeEach(() => {
  simulator.reset();
  simulator.setModels(models);
});
afterAll(() => simulator.stop());

const asked = () =>
  simulator.calls
    .filter(({ path }) => path.endsWith('/chat/completions'))
    .map(({ body }) => (body as { model: string }).model);
const budget = (share: number) => ({ ...spentBudget, usedNanoUsd: share * spentBudget.limitNanoUsd });
const fail = (times: number) => simulator.play({ kind: 'refusal', name: 'provider-error' }, { times });

describe('a budget', () => {
  it('of which 80 % is used lets cheaper models of the same maker answer first, and free ones before dear ones', async () => {
    const bench = await testBench(simulator, clock, settings);
    const request = { tier: 'cheap', budget: budget(0.8) } as const;
    const { outcome } = await bench.ask({ request });
    expect(outcome).toMatchObject({ kind: 'answered', spared: { by: 'cheaper', budget: request.budget } });
    fail(3);
    const later = await bench.ask({ request });
    expect(asked()).toEqual([small, small, middle, 'acme/first-70b:free', 'openrouter/free']);
    expect(later.outcome).toMatchObject({ spared: { by: 'cheaper' } });
  });

  it('of which less is used changes nothing', async () => {
    const bench = await testBench(simulator, clock, settings);
    const { outcome } = await bench.ask({ request: { tier: 'strong', budget: budget(0.79) } });
    expect(asked()).toEqual([strong]);
    expect(outcome.spared).toBeUndefined();
  });

  it('that is used up lets free models answer, and is the reason where none does', async () => {
    const bench = await testBench(simulator, clock, settings);
    const request = { tier: 'free', budget: budget(1) } as const;
    const { outcome, holds } = await bench.ask({ request, grant: grantNothing });
    expect(outcome).toMatchObject({ kind: 'answered', spared: { by: 'free' } });
    expect(holds).toEqual([]);
    fail(2);
    const none = await bench.ask({ request, grant: grantNothing });
    expect(none.outcome).toMatchObject({
      kind: 'failed',
      failure: { kind: 'budget_spent', budget: spentBudget },
    });
    expect(asked().every((id) => id.includes('free'))).toBe(true);
  });

  it('that is too small for a dear call pays for a cheaper one in the same turn', async () => {
    const bench = await testBench(simulator, clock, settings);
    const grant = (_: number, nanoUsd: bigint) =>
      nanoUsd > 500_000n ? grantNothing() : ({ granted: true } as const);
    const { outcome, holds } = await bench.ask({ grant });
    expect(asked()).toEqual([small]);
    expect(holds).toHaveLength(2);
    expect(outcome).toMatchObject({ spared: { by: 'cheaper', budget: spentBudget } });
    expect(outcome.exhausted).toBeUndefined();
  });

  it('is exhausted where it pays for the cheapest call no more', async () => {
    const bench = await testBench(simulator, clock, settings);
    const { outcome, holds } = await bench.ask({ grant: grantNothing });
    expect(outcome).toMatchObject({ spared: { by: 'free' }, exhausted: spentBudget });
    expect(holds).toHaveLength(2);
    expect(asked()).toEqual(['acme/first-70b:free']);
  });

  it('refuses a model that was chosen strictly instead of replacing it', async () => {
    const bench = await testBench(simulator, clock, settings);
    const request = { preferredModel: strong, isStrict: true, tier: 'cheap', budget: budget(0.95) } as const;
    const { outcome } = await bench.ask({ request, grant: grantNothing });
    expect(outcome).toMatchObject({ failure: { kind: 'budget_spent' } });
    expect(outcome.exhausted).toBeUndefined();
    expect(asked()).toEqual([]);
  });

  it('offers nothing that a guild does not allow', async () => {
    const bench = await testBench(simulator, clock, settings);
    const allowedModels = [strong, middle, 'openrouter/free'];
    await bench.ask({ request: { allowedModels, tier: 'cheap', budget: budget(0.9) } });
    expect(asked()).toEqual([middle]);
  });
});

describe('a tier', () => {
  it('chooses among the models of the settings alone, while there is money', async () => {
    const choice = { ...settings, fallbackModels: [small] };
    const bench = await testBench(simulator, clock, choice);
    await bench.ask({ request: { tier: 'cheap' } });
    await bench.ask({ request: { tier: 'balanced' } });
    await bench.ask({ request: { tier: 'strong' } });
    expect(asked()).toEqual([small, small, strong]);
    const alone = await testBench(simulator, clock, { ...settings, emergencyModel: null });
    const { outcome } = await alone.ask({ request: { tier: 'cheap' } });
    expect(asked().at(-1)).toBe(strong);
    expect(outcome.spared).toBeUndefined();
  });
});

describe('what is spared', () => {
  it('is what the strong model would have cost for the same tokens, less what was paid', async () => {
    const bench = await testBench(simulator, clock, settings);
    const cheap = await bench.ask({ request: { tier: 'cheap', budget: budget(0.9) } });
    const { usage } = cheap.outcome.attempts[0]!;
    const tokens = usage!.promptTokens + usage!.completionTokens;
    expect(usage).toMatchObject({
      costNanoUsd: BigInt(tokens) * 1000n,
      spared: { nanoUsd: BigInt(tokens) * 19_000n, against: strong },
    });
    const usual = await bench.ask();
    expect(usual.outcome.attempts[0]!.usage!.spared).toBeUndefined();
  });

  it('is not told where only free models answer, nor of attempts in vain', async () => {
    const freeOnly = await testBench(simulator, clock);
    const { outcome } = await freeOnly.ask();
    expect(outcome.attempts[0]!.usage!.spared).toBeUndefined();
    const bench = await testBench(simulator, clock, settings);
    simulator.play({ kind: 'answer', text: '' });
    const vain = await bench.ask({ request: { tier: 'cheap', budget: budget(0.9) } });
    const [failed, answered] = vain.outcome.attempts;
    expect(failed).toMatchObject({ failure: 'empty_answer' });
    expect(failed!.usage!.spared!.nanoUsd).toBe(-failed!.usage!.costNanoUsd);
    expect(answered!.usage!.spared!.nanoUsd).toBeGreaterThan(0n);
  });
});
