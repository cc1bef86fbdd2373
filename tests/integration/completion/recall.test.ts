import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LostAttempt } from '../../../src/completion/attempt.ts';
import type { SimulatedModel } from '../../../src/simulator/catalogue.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import {
  notFound,
  sends,
  stallsInside,
  withGenerationFaults,
  type GenerationFault,
} from './generation-faults.ts';
import { startMs, testBench } from './turns.ts';
import { clientOf, key, receive } from './upstream.ts';

const free = 'acme/first-70b:free';
const second = 'acme/second-70b:free';
const paid = 'acme/paid';
const nothing = { prompt: '0', completion: '0' };
const models: readonly SimulatedModel[] = [
  { id: free, pricing: nothing, contextLength: 300_000 },
  { id: second, pricing: nothing, contextLength: 200_000 },
  { id: 'openrouter/free', pricing: nothing },
  { id: paid, pricing: { prompt: '0.000001', completion: '0.000002' }, contextLength: 1_000_000 },
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

const lostAttempt = (changes: Partial<LostAttempt> = {}): LostAttempt => ({
  index: 1,
  epoch: 3,
  model: paid,
  generationId: 'gen-1795219200-nobodyKnowsThisOne01',
  startedAtMs: startMs,
  provider: 'openrouter',
  heldNanoUsd: '2345678',
  ...changes,
});

/** An answer whose reader is gone after the second of its tokens, as the provider has it on its books. */
async function lose(model: string, changes: Partial<Extract<Scenario, { kind: 'answer' }>> = {}) {
  const fault = { kind: 'stall', afterTokens: 2 } as const;
  simulator.play({ kind: 'answer', text: 'one two three four', fault, ...changes });
  const process = new AbortController();
  const { generationIds } = await receive(
    simulator,
    { model },
    {
      signal: process.signal,
      onText: (text) => {
        if (text === 'one two') process.abort();
      },
    },
  );
  const [generationId = ''] = generationIds;
  await expect.poll(() => simulator.generation(generationId)).toBeDefined();
  return { generationId, generation: simulator.generation(generationId)! };
}

const questions = () => simulator.calls.filter(({ path }) => path.endsWith('/generation'));

describe('an attempt whose process was lost', () => {
  it('is recorded with what the provider tells: model, tokens and the exact cost', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false });
    const { generationId, generation } = await lose(paid, { costUsd: '0.000095001', cachedTokens: 1 });
    clock.nowMs += 60_000;
    const record = await bench.recall(lostAttempt({ generationId }));
    expect(record).toEqual({
      index: 1,
      epoch: 3,
      provider: 'openrouter',
      modelAsked: paid,
      modelUsed: generation.model,
      generationId,
      outcome: 'cancelled',
      failure: 'lost',
      httpStatus: null,
      isFree: false,
      startedAtMs: startMs,
      firstTokenMs: null,
      durationMs: generation['generation_time'],
      usage: {
        promptTokens: generation.native_tokens_prompt,
        completionTokens: 2,
        cachedTokens: 1,
        reasoningTokens: 0,
        costNanoUsd: 95_001n,
        source: 'reported',
      },
    });
    expect(generation.native_tokens_prompt).toBeGreaterThan(0);
    expect(bench.waits).toEqual([]);
    expect(bench.warnings).toEqual([]);
    expect(bench.alerts).toEqual([]);
  });

  it('is asked for once, by its id and with the key that pays', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false });
    const { generationId } = await lose(paid);
    clock.nowMs += 60_000;
    await bench.recall(lostAttempt({ generationId }));
    expect(questions()).toMatchObject([
      { method: 'GET', query: { id: generationId }, headers: { authorization: `Bearer ${key}` } },
    ]);
  });

  it('costs the prompt and what was written of the answer, at the prices of its model', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false });
    const { generationId, generation } = await lose(paid);
    clock.nowMs += 60_000;
    const { usage } = await bench.recall(lostAttempt({ generationId }));
    expect(usage?.costNanoUsd).toBe(BigInt(generation.native_tokens_prompt) * 1000n + 4000n);
  });

  it('is asked for again while the provider does not know it yet', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false });
    const { generationId } = await lose(paid, { costUsd: '0.0005' });
    const { usage } = await bench.recall(lostAttempt({ generationId }));
    expect(usage).toMatchObject({ costNanoUsd: 500_000n, source: 'reported' });
    expect(bench.waits).toEqual([250, 500, 1000, 2000]);
    expect(questions().map(({ status }) => status)).toEqual([404, 404, 404, 404, 200]);
  });

  it('costs the whole hold when the provider never knows it', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false });
    const record = await bench.recall(lostAttempt({ heldNanoUsd: '9007199254740993' }));
    expect(record).toMatchObject({
      outcome: 'cancelled',
      failure: 'lost',
      modelUsed: null,
      durationMs: null,
    });
    expect(record.usage).toEqual({
      promptTokens: 0,
      completionTokens: 0,
      cachedTokens: 0,
      reasoningTokens: 0,
      costNanoUsd: 9_007_199_254_740_993n,
      source: 'estimated',
    });
    expect(questions()).toHaveLength(5);
    expect(bench.warnings).toHaveLength(1);
  });

  it.for(['gemini', 'a provider that is gone'])(
    'of %s, which tells nothing afterwards, costs the whole hold, unasked',
    async (provider) => {
      const bench = await testBench(simulator, clock, { freeOnly: false });
      const record = await bench.recall(lostAttempt({ provider, model: 'gemini-3.8-flash' }));
      expect(record).toMatchObject({
        provider,
        modelAsked: 'gemini-3.8-flash',
        isFree: false,
        usage: { costNanoUsd: 2_345_678n, source: 'estimated' },
      });
      expect(questions()).toHaveLength(0);
      expect(await bench.recall(lostAttempt({ provider, heldNanoUsd: null }))).toMatchObject({
        isFree: true,
      });
    },
  );

  it('costs the whole hold, unasked, when its generation was never named', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false });
    const { usage, generationId } = await bench.recall(lostAttempt({ generationId: null }));
    expect(usage).toMatchObject({ costNanoUsd: 2_345_678n, source: 'estimated' });
    expect(generationId).toBeNull();
    expect(questions()).toEqual([]);
  });

  it('is estimated at once when there is no more time to ask', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false });
    const { usage } = await bench.recall(lostAttempt(), AbortSignal.abort());
    expect(usage).toMatchObject({ costNanoUsd: 2_345_678n, source: 'estimated' });
    expect(questions()).toEqual([]);
  });
});

describe('a provider that fails when it is asked', () => {
  const failures: readonly [string, GenerationFault, string][] = [
    [
      'by an error of its own',
      sends(500, '{"error":{"code":500,"message":"Internal Server Error"}}'),
      'upstream_error',
    ],
    ['by a page of its proxy', sends(503, '<html>busy</html>'.repeat(10_000), 'text/html'), 'overloaded'],
    ['by a refusal', sends(401, '{"error":{"code":401,"message":"User not found."}}'), 'unauthorized'],
    ['by something else than a record', sends(200, '{"data":[]}'), 'no record'],
    ['by no JSON', sends(200, 'OK', 'text/plain'), 'no record'],
    [
      'by a record of unlikely length',
      sends(200, `{"data":{"total_cost":0.1,"x":"${'x'.repeat(300_000)}"}}`),
      'no record',
    ],
    ['by leaving', (response) => void response.destroy(), 'unreachable'],
  ];
  it.each(failures)('%s is not asked again; the hold stands', async (_, fault, reason) => {
    const upstream = await withGenerationFaults(simulator, [fault]);
    const bench = await testBench(upstream, clock, { freeOnly: false });
    const { usage } = await bench.recall(lostAttempt());
    expect(usage).toMatchObject({ costNanoUsd: 2_345_678n, source: 'estimated' });
    expect(upstream.asked()).toBe(1);
    expect(bench.warnings).toEqual([expect.stringContaining(reason)]);
  });

  it.each<[string, GenerationFault[]]>([
    ['before it answers', []],
    ['in the middle of its answer', [stallsInside]],
  ])('by silence %s is given up when the time for all questions is over', async (_, silence) => {
    const late: GenerationFault = (response) => {
      clock.nowMs += 4700;
      notFound(response);
    };
    const upstream = await withGenerationFaults(simulator, [late, ...silence]);
    const bench = await testBench(upstream, clock, { freeOnly: false });
    const { usage } = await bench.recall(lostAttempt());
    expect(usage).toMatchObject({ costNanoUsd: 2_345_678n, source: 'estimated' });
    expect(upstream.asked()).toBe(2);
    expect(bench.warnings).toEqual([expect.stringContaining('timeout')]);
  });

  it('by not knowing it is asked no more once the time for all questions is over', async () => {
    const late: GenerationFault = (response) => {
      clock.nowMs += 4900;
      notFound(response);
    };
    const upstream = await withGenerationFaults(simulator, [late, notFound]);
    const bench = await testBench(upstream, clock, { freeOnly: false });
    const { usage } = await bench.recall(lostAttempt());
    expect(usage).toMatchObject({ costNanoUsd: 2_345_678n, source: 'estimated' });
    expect(upstream.asked()).toBe(1);
    expect(bench.waits).toEqual([]);
  });

  it('by silence is left at once when the caller has no more time, and the signal keeps no listener', async () => {
    const caller = new AbortController();
    const upstream = await withGenerationFaults(simulator, [() => caller.abort()]);
    const bench = await testBench(upstream, clock, { freeOnly: false });
    const { usage } = await bench.recall(lostAttempt(), caller.signal);
    expect(usage).toMatchObject({ costNanoUsd: 2_345_678n, source: 'estimated' });
    expect(upstream.asked()).toBe(1);
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
  });

  it('by silence is waited for no longer than each question may take', async () => {
    const { url } = await withGenerationFaults(simulator, []);
    const lookup = await clientOf({ url }).lookUp?.('gen-1-x', 30, new AbortController().signal);
    expect(lookup).toMatchObject({ kind: 'failed', failure: { kind: 'timeout' } });
  });
});

describe('a lost attempt on a free model', () => {
  it('costs nothing when nobody tells', async () => {
    const bench = await testBench(simulator, clock);
    const record = await bench.recall(lostAttempt({ model: free, generationId: null, heldNanoUsd: null }));
    expect(record).toMatchObject({ isFree: true, usage: { costNanoUsd: 0n, source: 'estimated' } });
    expect(bench.alerts).toEqual([]);
  });

  it('is recorded with the cost that is told for it, alerted, and the model is never asked again', async () => {
    const bench = await testBench(simulator, clock);
    const { generationId } = await lose(free, { costUsd: '0.0001' });
    clock.nowMs += 60_000;
    const record = await bench.recall(lostAttempt({ model: free, generationId, heldNanoUsd: null }));
    expect(record).toMatchObject({ isFree: true, usage: { costNanoUsd: 100_000n, source: 'reported' } });
    expect(bench.alerts).toMatchObject([
      { kind: 'free_model_cost', detail: expect.stringContaining(generationId) },
    ]);
    const { outcome } = await bench.ask();
    expect(outcome.attempts.map(({ modelAsked }) => modelAsked)).toEqual([second]);
  });

  it('is told from one on a paid model of which no hold is known: that one raises no alert', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false });
    const { generationId } = await lose(paid, { costUsd: '0.0001' });
    clock.nowMs += 60_000;
    const record = await bench.recall(lostAttempt({ generationId, heldNanoUsd: null }));
    expect(record).toMatchObject({ isFree: false, usage: { costNanoUsd: 100_000n, source: 'reported' } });
    expect(bench.alerts).toEqual([]);
  });

  it('is no free one if money was held for it, though the list calls the model free by now', async () => {
    const bench = await testBench(simulator, clock);
    const { generationId } = await lose(free, { costUsd: '0.0001' });
    clock.nowMs += 60_000;
    const record = await bench.recall(lostAttempt({ model: free, generationId, heldNanoUsd: '200000' }));
    expect(record).toMatchObject({ isFree: false, usage: { costNanoUsd: 100_000n, source: 'reported' } });
    expect(bench.alerts).toEqual([]);
  });
});
