import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Catalogue } from '../../../src/completion/catalogue.ts';
import { createGeminiClient } from '../../../src/completion/gemini.ts';
import { geminiModel } from '../../../src/completion/own-model.ts';
import type { SimulatedModel } from '../../../src/simulator/catalogue.ts';
import { startServiceSimulator, type ServiceSimulator } from '../../../src/simulator/compatible/server.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { sends, withGenerationFaults } from './generation-faults.ts';
import { startMs, testBench, type AskOptions, type BenchOptions, type TestBench } from './turns.ts';
import { clientOf } from './upstream.ts';

const free = 'acme/first-70b:free';
const paid = 'acme/paid';
const supportedParameters = ['tools', 'max_tokens'];
const models: readonly SimulatedModel[] = [
  { id: free, pricing: { prompt: '0', completion: '0' }, supportedParameters },
  { id: paid, pricing: { prompt: '0.000001', completion: '0.000002' }, supportedParameters },
];

let simulator: OpenRouterSimulator;
const clock = { nowMs: startMs };
beforeAll(async () => {
  simulator = await startOpenRouterSimulator({
    freeLimits: { perMinute: 10_000, perDay: 10_000 },
    now: () => clock.nowMs,
  });
});
beforeEach(() => {
  clock.nowMs = startMs;
  simulator.reset();
  simulator.setModels(models);
});
afterAll(() => simulator.stop());

const stalling: Scenario = {
  kind: 'answer',
  text: 'one two three',
  fault: { kind: 'stall', afterTokens: 2 },
};
const cut: Scenario = { kind: 'answer', text: 'one two three', fault: { kind: 'cut', afterTokens: 2 } };
const questions = () => simulator.calls.filter(({ path }) => path.endsWith('/generation'));
const paying = (options: BenchOptions = {}) =>
  testBench(simulator, clock, { freeOnly: false, defaultModel: paid }, options);

/** Asks, and stops the answer once two of its words are there. */
function stopped(bench: TestBench, options: AskOptions = {}) {
  const controller = new AbortController();
  return bench.ask({
    ...options,
    signal: controller.signal,
    onText: (text) => text === 'one two' && controller.abort(),
  });
}

/** ⌈18 bytes ÷ 3⌉ × 1,000 nano-USD and 100 × 2,000 nano-USD. */
const held = 206_000n;

describe('a paid attempt that ended without a word of what it took', () => {
  it('is booked as the provider tells it a moment later', async () => {
    simulator.play(cut);
    const bench = await paying();
    const { outcome } = await bench.ask();
    const [attempt] = outcome.attempts;
    const { total_cost: cost } = simulator.generation(attempt?.generationId ?? '')!;
    expect(attempt).toMatchObject({
      outcome: 'partial',
      usage: { source: 'reported', costNanoUsd: BigInt(Math.round(cost * 1e9)) },
    });
    expect(attempt?.usage?.costNanoUsd).toBeLessThan(held);
    expect(questions()).toHaveLength(1);
  });

  it('is booked by all that was held where the provider does not know in time', async () => {
    simulator.play(stalling);
    const bench = await paying();
    const { outcome } = await stopped(bench);
    expect(outcome).toMatchObject({ kind: 'cancelled', text: 'one two' });
    expect(outcome.attempts).toMatchObject([
      { outcome: 'cancelled', usage: { source: 'estimated', promptTokens: 6, costNanoUsd: held } },
    ]);
    expect(bench.waits).toEqual([700, 600]);
    expect(bench.warnings.filter((warning) => warning.includes('booked by its hold'))).toHaveLength(1);
  });

  it('is asked for although the turn was stopped, and by nobody where it was free', async () => {
    const records = await withGenerationFaults(simulator, [
      sends(200, '{"data":{"model":"acme/paid","total_cost":0.000123,"native_tokens_prompt":7}}'),
    ]);
    const { lookUp } = clientOf(records);
    const services = () => ({ clients: [{ ...clientOf(simulator), lookUp }], ownModels: [] });
    simulator.play(stalling, { times: 2 });
    const { outcome } = await stopped(await paying({ services }));
    expect(outcome.attempts).toMatchObject([
      { outcome: 'cancelled', usage: { source: 'reported', promptTokens: 7, costNanoUsd: 123_000n } },
    ]);
    const bench = await testBench(simulator, clock, {}, { services });
    await stopped(bench);
    expect(records.asked()).toBe(1);
    expect(bench.waits).toEqual([]);
  });

  it('does not keep the next model waiting', async () => {
    simulator.play({ ...stalling, fault: { kind: 'stall', afterTokens: 0 } } as Scenario, { model: paid });
    const bench = await testBench(simulator, clock, {
      freeOnly: false,
      defaultModel: paid,
      fallbackModels: [free],
      firstTokenTimeoutMs: 300,
    });
    const { outcome } = await bench.ask();
    expect(outcome.attempts).toMatchObject([
      { modelAsked: paid, failure: 'timeout', usage: { costNanoUsd: held } },
      { modelAsked: free, outcome: 'answered', usage: { costNanoUsd: 0n } },
    ]);
  });

  it('is booked with all its searches where it was to search', async () => {
    simulator.play(stalling);
    const { outcome, holds } = await stopped(await paying(), { request: { search: true } });
    expect(holds).toMatchObject([{ nanoUsd: 52_418_000n }]);
    expect(outcome.attempts).toMatchObject([{ usage: { costNanoUsd: holds[0]?.nanoUsd } }]);
  });
});

it('a search that fails after it was taken is booked, and without a search nothing is', async () => {
  simulator.play({ kind: 'refusal', name: 'provider-error', insideOk: true }, { times: 2 });
  const bench = await testBench(simulator, clock, {
    freeOnly: false,
    defaultModel: paid,
    fallbackModels: [free],
  });
  const { outcome, holds } = await bench.ask({
    request: { search: true, preferredModel: paid, isStrict: true },
  });
  expect(outcome.attempts[0]).toMatchObject({
    failure: 'upstream_error',
    usage: { costNanoUsd: holds[0]?.nanoUsd },
  });
  simulator.play({ kind: 'refusal', name: 'provider-error', insideOk: true });
  const plain = await bench.ask();
  expect(plain.outcome.attempts[0]).toMatchObject({ failure: 'upstream_error', usage: null });
});

describe('a provider that tells tokens and no cost', () => {
  const gemini = 'gemini-3.8-flash';
  let google: ServiceSimulator;
  beforeAll(async () => {
    google = await startServiceSimulator('gemini');
  });
  beforeEach(() => {
    google.reset();
    const pricing = {
      prompt: '0.000001',
      completion: '0.000002',
      input_cache_write: '0.000005',
      overrides: [{ min_prompt_tokens: 1000, prompt: '0.000003' }],
    };
    simulator.setModels([...models, { id: `google/${gemini}`, pricing }]);
  });
  afterAll(() => google.stop());

  const now = () => clock.nowMs;
  const services = (catalogue: Catalogue) => ({
    clients: [createGeminiClient({ apiKey: google.key, baseUrl: google.url, now }), clientOf(simulator, now)],
    ownModels: [geminiModel({ model: gemini, isFree: false }, catalogue)],
  });
  const bought = (providers: readonly ('gemini' | 'openrouter')[] = ['gemini', 'openrouter']) =>
    testBench(simulator, clock, { freeOnly: false, defaultModel: paid, providers }, { services });

  it('is booked at the usual price where no surcharge applies, although the most is held', async () => {
    google.play({ kind: 'answer', text: 'Yes.' });
    const { outcome, holds } = await (await bought()).ask();
    const [{ usage } = { usage: null }] = outcome.attempts;
    const { promptTokens = 0, completionTokens = 0 } = usage ?? {};
    expect(promptTokens).toBeGreaterThan(0);
    expect(usage).toMatchObject({
      source: 'estimated',
      costNanoUsd: BigInt(promptTokens * 1000 + completionTokens * 2000),
    });
    // Writing to the cache is five times as dear, and three times that for a long prompt.
    expect(holds).toMatchObject([{ nanoUsd: 6n * 15_000n + 200_000n }]);
  });

  it('is booked at the highest price where a surcharge may apply', async () => {
    google.play({ kind: 'answer', text: 'Yes.' });
    const messages = [{ role: 'user', content: 'How are you today? '.repeat(400) }] as const;
    const { outcome } = await (await bought()).ask({ request: { messages } });
    const { promptTokens = 0, completionTokens = 0, costNanoUsd } = outcome.attempts[0]?.usage ?? {};
    expect(promptTokens).toBeGreaterThan(1000);
    expect(costNanoUsd).toBe(BigInt(promptTokens * 15_000 + completionTokens * 2000));
  });

  it('is booked by all that was held where an answer breaks off', async () => {
    google.play({ kind: 'answer', text: 'one two three', fault: { kind: 'cut', afterTokens: 2 } });
    const bench = await bought();
    const { outcome, holds } = await bench.ask();
    expect(outcome).toMatchObject({ kind: 'partial' });
    expect(outcome.attempts[0]?.usage?.costNanoUsd).toBe(holds[0]?.nanoUsd);
    expect(bench.waits).toEqual([]);
  });

  it('is asked where the account with another one is short of money', async () => {
    simulator.play({ kind: 'refusal', name: 'cannot-afford', affordableTokens: 600 }, { times: 2 });
    const { outcome } = await (
      await bought(['openrouter', 'gemini'])
    ).ask({
      request: { maxTokens: 1000, allowedModels: [paid, 'google/*'] },
    });
    expect(outcome.attempts).toMatchObject([
      { provider: 'openrouter', failure: 'cannot_afford' },
      { provider: 'openrouter', failure: 'cannot_afford' },
      { provider: 'gemini', outcome: 'answered' },
    ]);
  });
});
