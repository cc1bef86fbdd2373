import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CompletionFailure } from '../../../src/completion/failure.ts';
import type { FreePlace } from '../../../src/completion/free-places.ts';
import type { SimulatedModel } from '../../../src/simulator/catalogue.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { grantNothing, startMs, testBench, type Asked } from './turns.ts';

const free = { prompt: '0', completion: '0' };
const first = 'acme/first-70b:free';
const second = 'acme/second-70b:free';
const third = 'acme/third-70b:free';
const fourth = 'acme/fourth-70b:free';
const paid = 'acme/paid';
const dear = 'acme/dear';
const models: readonly SimulatedModel[] = [
  { id: first, pricing: free, contextLength: 300_000 },
  { id: second, pricing: free, contextLength: 200_000 },
  { id: third, pricing: free, contextLength: 100_000 },
  { id: 'openrouter/free', pricing: free, contextLength: 200_000 },
  { id: paid, pricing: { prompt: '0.000001', completion: '0.000002' }, contextLength: 1_000_000 },
  { id: dear, pricing: { prompt: '0.00001', completion: '0.00002' } },
];

/** The same, and all of them call tools. */
const able = models.map((model) => ({
  ...model,
  supportedParameters: ['tools', 'temperature', 'max_tokens'],
}));

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

const asked = () =>
  simulator.calls
    .filter(({ path }) => path.endsWith('/chat/completions'))
    .map(({ body }) => (body as { model: string }).model);
const failure = ({ outcome }: Asked): CompletionFailure => {
  if (outcome.kind !== 'failed') throw new Error(`ended as ${outcome.kind}`);
  return outcome.failure;
};
const refuse = (name: Extract<Scenario, { kind: 'refusal' }>['name'], model?: string, times = 1) =>
  simulator.play({ kind: 'refusal', name }, { ...(model !== undefined && { model }), times });

describe('the order of models', () => {
  it('is up to three discovered free ones, then the free router', async () => {
    refuse('upstream-rate-limit', undefined, 3);
    const bench = await testBench(simulator, clock);
    const { outcome } = await bench.ask();
    expect(asked()).toEqual([first, second, third, 'openrouter/free']);
    expect(outcome.kind).toBe('answered');
    expect(outcome.attempts.map(({ outcome: end, failure: kind }) => [end, kind])).toEqual([
      ['failed', 'rate_limited'],
      ['failed', 'rate_limited'],
      ['failed', 'rate_limited'],
      ['answered', null],
    ]);
  });

  it('puts a discovered one back that failed lately, for a while', async () => {
    refuse('provider-error', undefined, 2);
    const seen = [{ model: first, calls: 20, failures: 18, askedAgain: 0, firstTokenMs: 900 }];
    const bench = await testBench(simulator, clock, {}, { seen });
    await bench.ask();
    expect(asked().slice(0, 3)).toEqual([second, third, first]);
  });

  it('begins with the preferred model, then the default and the fallback', async () => {
    refuse('provider-error', undefined, 3);
    const bench = await testBench(simulator, clock, { defaultModel: second, fallbackModels: [first] });
    await bench.ask({ request: { preferredModel: third } });
    expect(asked()).toEqual([third, second, first, 'openrouter/free']);
  });

  it('has no place for a preferred model that nobody lists', async () => {
    const bench = await testBench(simulator, clock);
    await bench.ask({ request: { preferredModel: 'nobody/knows:free' } });
    expect(asked()).toEqual([first]);
  });

  it('holds nothing but the preferred model where the wish is strict', async () => {
    refuse('provider-error', undefined, 2);
    const bench = await testBench(simulator, clock, { defaultModel: second });
    const { outcome } = await bench.ask({ request: { preferredModel: third, isStrict: true } });
    expect(new Set(asked())).toEqual(new Set([third]));
    expect(outcome).toMatchObject({ kind: 'failed' });
    const gone = await bench.ask({ request: { preferredModel: 'nobody/knows:free', isStrict: true } });
    expect(gone.outcome).toMatchObject({ kind: 'failed', failure: { kind: 'no_candidate' }, attempts: [] });
  });

  it('holds only what the guild allows', async () => {
    refuse('provider-error', undefined, 4);
    const bench = await testBench(simulator, clock, { defaultModel: second, fallbackModels: [first] });
    await bench.ask({ request: { preferredModel: third, allowedModels: [first, second] } });
    expect(new Set(asked())).toEqual(new Set([second, first]));
    const { outcome } = await bench.ask({ request: { allowedModels: ['nobody/*'] } });
    expect(outcome).toMatchObject({ kind: 'failed', failure: { kind: 'no_candidate', retryAtMs: null } });
  });

  it('looks for what the guild allows among all that are free, and then among those it names', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: second });
    const { chosen } = { chosen: bench.catalogue.freeModels().at(-2)?.id ?? '' };
    await bench.ask({ request: { allowedModels: [chosen] } });
    await bench.ask({ request: { allowedModels: [dear] } });
    expect(asked()).toEqual([chosen, dear]);
  });

  it('names each model once', async () => {
    refuse('provider-error', undefined, 2);
    const bench = await testBench(simulator, clock, { defaultModel: first, fallbackModels: [first, second] });
    await bench.ask({ request: { preferredModel: first } });
    expect(asked()).toEqual([first, second, 'openrouter/free']);
  });

  it('gives the fourth and last attempt to the emergency model where paid models are allowed', async () => {
    refuse('provider-error', undefined, 3);
    const bench = await testBench(simulator, clock, { freeOnly: false, emergencyModel: paid });
    const { outcome, holds } = await bench.ask();
    expect(asked()).toEqual([first, second, third, paid]);
    expect(outcome).toMatchObject({ kind: 'answered' });
    expect(holds.map(({ attempt }) => attempt)).toEqual([3]);
  });

  it('names free ones that would not have their turn in the last call, before the last resort', async () => {
    simulator.setModels([...models, { id: fourth, pricing: free, contextLength: 90_000 }]);
    refuse('provider-error', undefined, 4);
    simulator.play(
      { kind: 'answer', text: 'Hello.', reportedModel: 'acme/other' },
      { model: 'openrouter/free' },
    );
    const bench = await testBench(simulator, clock, { defaultModel: first, fallbackModels: [second, third] });
    const { outcome } = await bench.ask({ request: { preferredModel: fourth } });
    const bodies = simulator.calls.flatMap(({ body }) => (typeof body === 'object' ? [body] : []));
    expect(bodies).toMatchObject([
      { model: fourth },
      { model: first },
      { model: second },
      { model: third, models: ['openrouter/free'] },
    ]);
    expect(bodies.filter((body) => 'models' in (body ?? {}))).toHaveLength(1);
    expect(outcome).toMatchObject({ kind: 'answered' });
    // The third one failed as well, so the router's answer is an attempt of its own.
    expect(outcome.attempts.map(({ index, modelAsked, outcome: end }) => [index, modelAsked, end])).toEqual([
      [0, fourth, 'failed'],
      [1, first, 'failed'],
      [2, second, 'failed'],
      [3, third, 'failed'],
      [4, 'openrouter/free', 'answered'],
    ]);
    expect(outcome.attempts[3]?.usage).toBeNull();
  });

  it('blames each of them where all of the last call fail', async () => {
    simulator.setModels([...models, { id: fourth, pricing: free, contextLength: 90_000 }]);
    refuse('provider-error', undefined, 9);
    const bench = await testBench(simulator, clock, { defaultModel: first, fallbackModels: [second, third] });
    const result = await bench.ask({ request: { preferredModel: fourth } });
    expect(failure(result).kind).toBe('upstream_error');
    expect(result.outcome.attempts).toHaveLength(5);
    expect(asked()).toEqual([fourth, first, second, third]);
  });

  it('never names a paid model beside another one, or one that looks at prompts first', async () => {
    simulator.setModels([
      ...models,
      { id: fourth, pricing: free, contextLength: 90_000 },
      { id: 'acme/strict:free', pricing: free, isModerated: true },
    ]);
    refuse('provider-error', undefined, 9);
    const bench = await testBench(simulator, clock, {
      freeOnly: false,
      defaultModel: first,
      fallbackModels: [second, third, paid, 'acme/strict:free'],
    });
    await bench.ask({ request: { preferredModel: fourth } });
    expect(
      simulator.calls.flatMap(({ body }) => (body as { models?: string[] } | undefined)?.models ?? []),
    ).toEqual(['openrouter/free']);
  });

  it('holds only models that can do what is needed', async () => {
    simulator.setModels([
      { id: first, pricing: free },
      { id: second, pricing: free, inputModalities: ['text', 'image'] },
      { id: third, pricing: free, inputModalities: ['text', 'image'], supportedParameters: ['tools'] },
      { id: fourth, pricing: free, supportedParameters: ['structured_outputs'] },
    ]);
    const none = { inputs: [], tools: false, jsonSchema: false } as const;
    const bench = await testBench(simulator, clock, { defaultModel: first });
    await bench.ask({ request: { needs: { ...none, inputs: ['image'] } } });
    await bench.ask({ request: { needs: { ...none, inputs: ['image'], tools: true } } });
    await bench.ask({ request: { needs: { ...none, jsonSchema: true } } });
    await bench.ask({ request: { needs: none } });
    expect(asked()).toEqual([second, third, fourth, first]);
    const deaf = await bench.ask({
      request: { preferredModel: first, isStrict: true, needs: { ...none, inputs: ['audio'] } },
    });
    expect(failure(deaf).kind).toBe('no_candidate');
  });

  it('has models last whose context may be too short, but for the one that was wished for', async () => {
    simulator.setModels([
      { id: first, pricing: free, contextLength: 150 },
      { id: second, pricing: free, contextLength: 4000 },
    ]);
    const bench = await testBench(simulator, clock, { defaultModel: first, fallbackModels: [second] });
    const messages = [{ role: 'user', content: 'How are you today? '.repeat(20) }] as const;
    await bench.ask({ request: { messages } });
    await bench.ask({ request: { messages: messages, preferredModel: first } });
    expect(asked()).toEqual([second, first, second]);
  });

  it('has the last resort last all the same, and names none beside it that may be too short', async () => {
    simulator.setModels([
      { id: first, pricing: free, contextLength: 4000 },
      { id: second, pricing: free, contextLength: 220 },
      { id: third, pricing: free, contextLength: 220 },
      { id: fourth, pricing: free, contextLength: 220 },
      { id: 'openrouter/free', pricing: free, contextLength: 200_000 },
    ]);
    refuse('upstream-rate-limit', undefined, 4);
    const bench = await testBench(simulator, clock, {
      defaultModel: second,
      fallbackModels: [first, third, fourth, fourth],
    });
    const messages = [{ role: 'user', content: 'How are you today? '.repeat(20) }] as const;
    await bench.ask({ request: { messages } });
    expect(asked()).toEqual([first, second, third, 'openrouter/free']);
    expect(simulator.calls.at(-1)!.body).not.toHaveProperty('models');
  });

  it('has models of little context last for a search, which reads more than the question', async () => {
    simulator.setModels([
      { ...able[0]!, contextLength: 20_000 },
      { ...able[1]!, contextLength: 32_000 },
      { ...able[3]! },
    ]);
    const bench = await testBench(simulator, clock, {
      freeOnly: false,
      defaultModel: first,
      fallbackModels: [second],
    });
    await bench.ask({ request: { search: true } });
    await bench.ask();
    expect(asked()).toEqual([second, first]);
  });

  it('ends after four attempts', async () => {
    refuse('provider-error', undefined, 9);
    const bench = await testBench(simulator, clock);
    const result = await bench.ask();
    expect(failure(result).kind).toBe('upstream_error');
    expect(result.outcome.attempts).toHaveLength(4);
    expect(asked()).toHaveLength(4);
  });
});

describe('a fault', () => {
  const faults: readonly [
    string,
    NonNullable<Extract<Scenario, { kind: 'answer' }>['fault']>,
    CompletionFailure['kind'],
  ][] = [
    ['an error event', { kind: 'error' }, 'upstream_error'],
    ['a truncated stream', { kind: 'cut' }, 'truncated'],
    ['a reset socket', { kind: 'cut', how: 'reset' }, 'truncated'],
    ['a malformed event', { kind: 'malformed' }, 'upstream_error'],
    ['a stall', { kind: 'stall' }, 'timeout'],
  ];

  it.each(faults)('%s before the first text lets the next model take over unseen', async (_, fault, kind) => {
    simulator.play(
      { kind: 'answer', text: 'lost words', fault: { ...fault, afterTokens: 0 } },
      { model: first },
    );
    simulator.play({ kind: 'answer', text: 'All is well.' }, { model: second });
    const bench = await testBench(simulator, clock, { firstTokenTimeoutMs: 500 });
    const { outcome, text } = await bench.ask();
    expect(outcome).toMatchObject({ kind: 'answered', text: 'All is well.', finish: 'stop' });
    expect(text).toBe('All is well.');
    expect(outcome.attempts.map((attempt) => attempt.failure)).toEqual([kind, null]);
  });

  it.each(faults)(
    '%s after the first text keeps the text and asks no other model',
    async (_, fault, kind) => {
      simulator.play({ kind: 'answer', text: 'one two three', fault: { ...fault, afterTokens: 2 } });
      const bench = await testBench(simulator, clock, { idleTokenTimeoutMs: 500 });
      const { outcome, text } = await bench.ask();
      expect(outcome).toMatchObject({ kind: 'partial', text: 'one two', failure: { kind } });
      expect(text).toBe('one two');
      expect(outcome.attempts).toMatchObject([
        {
          outcome: 'partial',
          failure: kind,
          usage: { source: 'estimated', promptTokens: 6, completionTokens: 3, costNanoUsd: 0n },
        },
      ]);
      expect(asked()).toEqual([first]);
    },
  );

  it.each<[Parameters<typeof refuse>[0], readonly string[], CompletionFailure['kind'] | 'answered']>([
    ['unknown-user', [first], 'unauthorized'],
    ['moderation', [first], 'moderated'],
    ['guardrail', [first], 'moderated'],
    ['payload-too-large', [first], 'invalid_request'],
    ['invalid-argument', [first], 'invalid_request'],
    ['free-per-day', [first], 'free_day_spent'],
    ['free-per-minute', [first], 'free_minute_spent'],
    ['no-credits', [first], 'no_credits'],
    ['context-length', [first], 'context_too_long'],
    ['model-deprecated', [first, second], 'answered'],
    ['privacy', [first, second], 'answered'],
    ['operation-timeout', [first, second], 'answered'],
    ['upstream-rate-limit', [first, second], 'answered'],
    ['overloaded', [first, second], 'answered'],
    ['proxy-page', [first, second], 'answered'],
  ])('%s leads to %j and then %s', async (name, models, kind) => {
    refuse(name);
    const bench = await testBench(simulator, clock);
    const { outcome } = await bench.ask();
    expect(asked()).toEqual(models);
    expect(outcome.kind === 'failed' ? outcome.failure.kind : outcome.kind).toBe(kind);
    expect(outcome.attempts[0]!.usage).toBeNull();
  });

  it('of the length goes on with a longer context only', async () => {
    refuse('context-length');
    const bench = await testBench(simulator, clock, { defaultModel: third, fallbackModels: [first] });
    await bench.ask();
    expect(asked()).toEqual([third, first]);
  });

  it('of the last model is retried once after a moment', async () => {
    const bench = await testBench(simulator, clock, { defaultModel: first });
    refuse('provider-error', undefined, 3);
    const { outcome } = await bench.ask();
    expect(asked()).toEqual([first, 'openrouter/free', 'openrouter/free']);
    expect(bench.waits).toEqual([625]);
    expect(outcome.kind).toBe('failed');
  });

  it('of a budget in flight is waited for and retried on the same model', async () => {
    refuse('in-flight-budget');
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: paid });
    const { outcome, holds } = await bench.ask();
    expect(asked()).toEqual([paid, paid]);
    expect(bench.waits).toEqual([2000]);
    expect(holds.map(({ attempt }) => attempt)).toEqual([0, 1]);
    expect(outcome.kind).toBe('answered');
  });
});

describe('the account', () => {
  it('whose free day is spent leaves free models alone until the reset and tells the operator once', async () => {
    refuse('free-per-day');
    const bench = await testBench(simulator, clock);
    await bench.ask();
    const resetsAtMs = Date.UTC(2026, 10, 22);
    const again = await bench.ask();
    expect(asked()).toHaveLength(1);
    expect(failure(again)).toMatchObject({ kind: 'free_day_spent', resetsAtMs });
    expect(bench.alerts.map(({ kind }) => kind)).toEqual(['free_day_spent']);
    bench.clock.nowMs = resetsAtMs - 10_000;
    expect((await bench.ask()).outcome.kind).toBe('failed');
    bench.clock.nowMs = resetsAtMs;
    expect((await bench.ask()).outcome.kind).toBe('answered');
  });

  it('whose free day is spent goes on with a paid model where that is allowed', async () => {
    refuse('free-per-day');
    const bench = await testBench(simulator, clock, { freeOnly: false, emergencyModel: paid });
    const { outcome } = await bench.ask();
    expect(outcome.kind).toBe('answered');
    expect(asked()).toEqual([first, paid]);
  });

  it('without credits goes on with free models', async () => {
    refuse('no-credits', paid);
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: paid });
    await bench.ask();
    await bench.ask();
    expect(asked()).toEqual([paid, 'openrouter/free', 'openrouter/free']);
    bench.clock.nowMs += 300_001;
    await bench.ask();
    expect(asked().at(-1)).toBe(paid);
    expect(bench.alerts.map(({ kind }) => kind)).toEqual(['no_credits']);
    refuse('no-credits', paid);
    await bench.ask();
    expect(bench.alerts.map(({ kind }) => kind)).toEqual(['no_credits', 'no_credits']);
  });

  it('with a bad key is left alone, alerted once, and asked again later', async () => {
    refuse('unknown-user', undefined, 2);
    const bench = await testBench(simulator, clock);
    await bench.ask();
    expect(failure(await bench.ask()).kind).toBe('unauthorized');
    expect(asked()).toHaveLength(1);
    bench.clock.nowMs += 300_001;
    await bench.ask();
    bench.clock.nowMs += 300_001;
    expect((await bench.ask()).outcome.kind).toBe('answered');
    expect(bench.alerts.map(({ kind }) => kind)).toEqual(['unauthorized']);
  });

  it('is never asked for more free answers a minute than nine tenths of its allowance', async () => {
    const bench = await testBench(simulator, clock, {}, { freePerMinute: 20 });
    await Promise.all(Array.from({ length: 18 }, () => bench.ask()));
    expect(bench.waits).toEqual([]);
    expect(asked()).toHaveLength(18);
    // Where nothing else could answer, the next one waits for its place.
    expect((await bench.ask()).outcome.kind).toBe('answered');
    expect(bench.waits).toEqual([60_000]);
  });

  it('with its minute spent lets a turn wait up to three seconds, off the clock', async () => {
    const timers = { modelTimeoutMs: 1000, firstTokenTimeoutMs: 1000 };
    const bench = await testBench(simulator, clock, timers, { freePerMinute: 2 });
    await bench.ask();
    bench.clock.nowMs += 57_500;
    const { outcome } = await bench.ask();
    expect(bench.waits).toEqual([2500]);
    expect(outcome.kind).toBe('answered');
  });

  it('with its minute spent goes on with a paid model rather than wait long', async () => {
    const settings = { freeOnly: false, emergencyModel: paid };
    const bench = await testBench(simulator, clock, settings, { freePerMinute: 2 });
    await bench.ask();
    await bench.ask();
    expect(asked()).toEqual([first, paid]);
    expect(bench.waits).toEqual([]);
  });
});

describe('a refusal for want of money', () => {
  const affordable: Scenario = { kind: 'refusal', name: 'cannot-afford', affordableTokens: 600 };
  const longest = () =>
    simulator.calls
      .filter(({ path }) => path.endsWith('/chat/completions'))
      .map(({ body }) => (body as { max_tokens: number }).max_tokens);

  it('shortens the answer of that attempt alone, and holds no more for it', async () => {
    simulator.play(affordable, { model: paid });
    refuse('model-not-found', paid);
    const bench = await testBench(simulator, clock, {
      freeOnly: false,
      defaultModel: paid,
      fallbackModels: [dear],
    });
    const { holds } = await bench.ask({ request: { maxTokens: 1000 } });
    expect(asked()).toEqual([paid, paid, dear]);
    expect(longest()).toEqual([1000, 600, 1000]);
    expect(holds.map(({ nanoUsd }) => nanoUsd)).toEqual([2_006_000n, 1_206_000n, 20_060_000n]);
  });

  it('asks the same model again although the last attempt is kept for the last resort', async () => {
    refuse('provider-error', first);
    refuse('provider-error', second);
    simulator.play(affordable, { model: paid });
    const bench = await testBench(simulator, clock, {
      freeOnly: false,
      defaultModel: first,
      fallbackModels: [second, paid, third],
    });
    const { outcome } = await bench.ask({ request: { maxTokens: 1000 } });
    expect(asked()).toEqual([first, second, paid, paid]);
    expect(outcome).toMatchObject({ kind: 'answered' });
  });
});

describe('a model', () => {
  it('that throttles rests for what it asks, and then serves again', async () => {
    simulator.play({ kind: 'refusal', name: 'upstream-rate-limit', retryAfter: 120 }, { model: first });
    const bench = await testBench(simulator, clock);
    await bench.ask();
    bench.clock.nowMs += 119_000;
    await bench.ask();
    bench.clock.nowMs += 2000;
    await bench.ask();
    expect(asked()).toEqual([first, second, second, first]);
  });

  it('that fails three times in a row is passed over, then probed once', async () => {
    refuse('provider-error', first, 3);
    const bench = await testBench(simulator, clock);
    for (let turn = 0; turn < 5; turn += 1) await bench.ask();
    expect(asked().filter((model) => model === first)).toHaveLength(3);
    bench.clock.nowMs += 31_000;
    await bench.ask();
    expect(asked().at(-1)).toBe(first);
  });

  it('that is gone is out until a newer model list, and the operator is told', async () => {
    refuse('model-deprecated', first);
    const bench = await testBench(simulator, clock);
    await bench.ask();
    await bench.ask();
    expect(asked()).toEqual([first, second, second]);
    expect(bench.alerts.map(({ kind }) => kind)).toEqual(['model_gone']);
    bench.clock.nowMs += 1;
    await bench.catalogue.refresh();
    await bench.ask();
    expect(asked().at(-1)).toBe(first);
  });

  it('that is gone makes the model list be fetched again, not more often than every five minutes', async () => {
    const bench = await testBench(simulator, clock);
    const fetched = () => simulator.calls.filter(({ path }) => path.endsWith('/models')).length;
    refuse('model-deprecated', first);
    await bench.ask();
    expect(fetched()).toBe(1);
    clock.nowMs += 300_000;
    refuse('model-deprecated', second);
    await bench.ask();
    await expect.poll(fetched).toBe(2);
  });

  it('that is excluded by the privacy settings is reported to the operator', async () => {
    refuse('privacy', first);
    const bench = await testBench(simulator, clock);
    await bench.ask();
    expect(bench.alerts).toMatchObject([{ kind: 'data_policy' }]);
  });

  it('that is free but reports a cost is recorded with it, alerted and never asked again', async () => {
    simulator.play({ kind: 'answer', text: 'Costly.', costUsd: '0.0001' }, { model: first });
    const bench = await testBench(simulator, clock);
    const { outcome } = await bench.ask();
    expect(outcome).toMatchObject({ kind: 'answered', attempts: [{ usage: { costNanoUsd: 100_000n } }] });
    expect(bench.alerts).toMatchObject([{ kind: 'free_model_cost' }]);
    bench.clock.nowMs += 86_400_000;
    await bench.catalogue.refresh();
    await bench.ask();
    expect(asked()).toEqual([first, second]);
  });
});

describe('when every model rests', () => {
  const restAll = async () => {
    const bench = await testBench(simulator, clock);
    simulator.play({ kind: 'refusal', name: 'upstream-rate-limit', retryAfter: 60 }, { times: 4 });
    await bench.ask();
    return bench;
  };

  it('one turn tries the model that is back first, the others are told when that is', async () => {
    const bench = await restAll();
    refuse('upstream-rate-limit');
    expect(failure(await bench.ask()).kind).toBe('rate_limited');
    expect(asked()).toHaveLength(5);
    const told = failure(await bench.ask());
    expect(told).toMatchObject({ kind: 'no_candidate', retryAtMs: startMs + 60_000 });
    expect(asked()).toHaveLength(5);
  });

  it('a turn waits when one is back within three seconds', async () => {
    const bench = await restAll();
    bench.clock.nowMs = startMs + 57_500;
    const { outcome } = await bench.ask();
    expect(outcome.kind).toBe('answered');
    expect(bench.waits).toEqual([2500]);
  });
});

describe('money', () => {
  it('is held for the worst case before a paid attempt and settled exactly', async () => {
    simulator.play({ kind: 'answer', text: 'Yes.', costUsd: '0.00001234' });
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: paid });
    const { outcome, holds } = await bench.ask();
    // ⌈18 bytes ÷ 3⌉ × 1,000 nano-USD and 100 × 2,000 nano-USD.
    expect(holds).toEqual([{ attempt: 0, nanoUsd: 206_000n }]);
    expect(outcome.attempts).toMatchObject([
      { isFree: false, usage: { costNanoUsd: 12_340n, source: 'reported' } },
    ]);
  });

  it('is held for searches on a free model, which then is not taken for one that broke its word', async () => {
    simulator.setModels(able);
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: first });
    const { outcome, holds } = await bench.ask({ request: { search: true } });
    expect(holds).toEqual([{ attempt: 0, nanoUsd: 14_000_000n }]);
    expect(outcome).toMatchObject({ kind: 'answered', search: { searches: 1, costNanoUsd: 7_000_000 } });
    expect(outcome.attempts).toMatchObject([{ isFree: false, usage: { costNanoUsd: 7_000_000n } }]);
    expect(bench.alerts).toEqual([]);
    simulator.play({ kind: 'answer', text: 'Yes.', costUsd: '0.5' });
    await bench.ask({ request: { search: true } });
    expect(bench.alerts.map(({ kind }) => kind)).toEqual(['free_model_cost']);
  });

  it('that is not there for a search leaves the place of the free model to others', async () => {
    simulator.setModels(able);
    const left: FreePlace[] = [];
    const settings = { freeOnly: false, defaultModel: first };
    const bench = await testBench(simulator, clock, settings, { left });
    await bench.ask({ request: { search: true }, grant: grantNothing });
    expect(left).toMatchObject([{ provider: 'openrouter', granted: 1 }]);
    expect(asked()).toEqual([]);
  });

  it('leaves the place that came with the admission as soon as a paid model is asked', async () => {
    const left: FreePlace[] = [];
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: paid }, { left });
    const given = { payer: 'operator', provider: 'openrouter', subject: 'a', granted: 1, second: 1, day: '' };
    const asker = { subject: 'a', user: 'a', isFirst: false, isBackground: false };
    let atFirst = 0;
    await bench.ask({
      request: { free: { ...asker, place: { given, ageMs: 0 } } },
      onText: () => (atFirst ||= left.length),
    });
    expect(atFirst).toBe(1);
    expect(left).toEqual([given]);
  });

  it('leaves a model that can’t search as good as before for whoever wants no search', async () => {
    simulator.setModels(able);
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: first });
    const message = 'No endpoints found that support tool use. Try disabling "openrouter:web_search".';
    const http = { kind: 'http', status: 404, body: { error: { code: 404, message } } } as const;
    simulator.play(http, { model: first, times: 6 });
    for (let asks = 0; asks < 6; asks += 1) await bench.ask({ request: { search: true } });
    expect(asked().filter((model) => model === first)).toHaveLength(6);
    await bench.ask();
    expect(asked().at(-1)).toBe(first);
  });

  it('is spent on a search by the best free model that can, wherever it ranks, and not by a default that can’t', async () => {
    const late = { id: 'acme/late-70b:free', pricing: free, contextLength: 50_000 };
    const all = [...models, { ...late, supportedParameters: ['tools'] }];
    simulator.setModels(all.map((model) => ({ supportedParameters: ['temperature'], ...model })));
    for (const defaultModel of [null, paid]) {
      const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel });
      const { outcome } = await bench.ask({ request: { search: true } });
      expect(outcome).toMatchObject({ kind: 'answered' });
    }
    expect(asked()).toEqual([late.id, late.id]);
    const bench = await testBench(simulator, clock, { freeOnly: false });
    const strict = await bench.ask({ request: { search: true, preferredModel: first, isStrict: true } });
    expect(failure(strict)).toMatchObject({ kind: 'search_unsupported' });
  });

  it('is never spent on a search where it is not granted, or where only free answers are allowed', async () => {
    simulator.setModels(able);
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: first });
    const { outcome } = await bench.ask({ request: { search: true }, grant: grantNothing });
    expect(outcome).toMatchObject({ kind: 'failed', failure: { kind: 'budget_spent' } });
    const free = await testBench(simulator, clock);
    const refused = await free.ask({ request: { search: true } });
    expect(refused.outcome).toMatchObject({ failure: { kind: 'search_not_allowed' }, attempts: [] });
    expect(asked()).toEqual([]);
  });

  it('is not spent on endpoints that ask more than was held for', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: paid });
    await bench.ask();
    expect(simulator.calls.at(-1)!.body).toMatchObject({
      provider: { max_price: { prompt: '1', completion: '2' } },
    });
  });

  it('that is not granted leads to the next free model', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: paid });
    const { outcome } = await bench.ask({ grant: grantNothing });
    expect(asked()).toEqual([first]);
    expect(outcome.kind).toBe('answered');
  });

  it('that is not granted ends the turn as spent when nothing free answers', async () => {
    refuse('provider-error', undefined, 3);
    const bench = await testBench(simulator, clock, { freeOnly: false, emergencyModel: paid });
    const result = await bench.ask({ grant: grantNothing });
    expect(asked()).toEqual([first, second, third, 'openrouter/free']);
    expect(result.outcome.kind).toBe('answered');
    refuse('free-per-day');
    const spent = await bench.ask({ grant: grantNothing });
    expect(failure(spent)).toMatchObject({ kind: 'budget_spent', budget: { resetsAtMs: 5 } });
  });

  it('that cannot be held because the store is away passes the paid model over', async () => {
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: paid });
    const { outcome } = await bench.ask({ grant: () => Promise.reject(new Error('store away')) });
    expect(asked()).toEqual(['openrouter/free']);
    expect(outcome.kind).toBe('answered');
  });

  it('is never asked for on behalf of a model of an unknown price', async () => {
    simulator.setModels([...models, { id: 'acme/unpriced', pricing: { prompt: '-1', completion: '-1' } }]);
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: 'acme/unpriced' });
    const { holds } = await bench.ask();
    expect(holds).toEqual([]);
    expect(asked()).toEqual([first]);
  });
});

describe('free only', () => {
  it('drops paid models from every place and warns once about each configured one', async () => {
    refuse('provider-error', undefined, 3);
    const bench = await testBench(simulator, clock, {
      defaultModel: paid,
      fallbackModels: [dear],
      emergencyModel: paid,
    });
    await bench.ask({ request: { preferredModel: dear } });
    await bench.ask();
    expect(asked().slice(0, 4)).toEqual([first, second, third, 'openrouter/free']);
    expect(bench.warnings.filter((warning) => warning.includes('left out'))).toHaveLength(2);
  });

  it('sends a ceiling of nothing with every request', async () => {
    const bench = await testBench(simulator, clock);
    await bench.ask();
    expect(simulator.calls.at(-1)!.body).toMatchObject({
      provider: { max_price: { prompt: '0', completion: '0', request: '0', image: '0', audio: '0' } },
    });
  });

  it('survives that a free model has become a paid one since the list was read', async () => {
    const bench = await testBench(simulator, clock);
    simulator.setModels(
      models.map((model) =>
        model.id === first ? { ...model, pricing: { prompt: '0.01', completion: '0.01' } } : model,
      ),
    );
    const { outcome } = await bench.ask();
    expect(asked()).toEqual([first, second]);
    expect(outcome.attempts.map(({ failure: kind }) => kind)).toEqual(['no_endpoint', null]);
  });
});

describe('time', () => {
  it('left for a first model that stays silent leaves the second its try', async () => {
    simulator.play({ kind: 'connection', event: 'stall' }, { model: first });
    simulator.play({ kind: 'answer', text: 'Here.', firstTokenMs: 300 }, { model: second });
    const running = {
      get nowMs() {
        return startMs + performance.now();
      },
    };
    const bench = await testBench(simulator, running, { modelTimeoutMs: 1600, firstTokenTimeoutMs: 1500 });
    const { outcome } = await bench.ask();
    expect(outcome).toMatchObject({ kind: 'answered', text: 'Here.' });
    expect(outcome.attempts.map(({ failure: kind }) => kind)).toEqual(['timeout', null]);
  });

  it('that is used up ends the turn with the last failure', async () => {
    simulator.play({ kind: 'connection', event: 'stall' }, { model: first });
    const bench = await testBench(simulator, clock, { firstTokenTimeoutMs: 500 });
    const result = bench.ask();
    await expect.poll(() => asked().length).toBe(1);
    bench.clock.nowMs += 46_000;
    expect(failure(await result)).toMatchObject({ kind: 'timeout', stage: 'connect' });
    expect(asked()).toEqual([first]);
  });
});

describe('an abort', () => {
  it('while the answer streams ends as cancelled with the text so far and its estimate', async () => {
    simulator.play({ kind: 'answer', text: 'one two three', fault: { kind: 'stall', afterTokens: 2 } });
    const bench = await testBench(simulator, clock);
    const controller = new AbortController();
    const { outcome, generations } = await bench.ask({
      signal: controller.signal,
      onText: (text) => text === 'one two' && controller.abort(),
    });
    expect(outcome).toMatchObject({ kind: 'cancelled', text: 'one two' });
    expect(outcome.attempts).toMatchObject([
      { outcome: 'cancelled', usage: { source: 'estimated', completionTokens: 3 } },
    ]);
    expect(generations).toMatchObject([
      { index: 0, model: first, generationId: outcome.attempts[0]!.generationId },
    ]);
    await expect.poll(() => simulator.calls.at(-1)!.cancelled).toBe(true);
  });

  it('before the turn asks nobody', async () => {
    const bench = await testBench(simulator, clock);
    const { outcome } = await bench.ask({ signal: AbortSignal.abort() });
    expect(outcome).toEqual({ kind: 'cancelled', text: '', search: null, model: null, attempts: [] });
    expect(asked()).toEqual([]);
  });
});

it('serves again without a restart once the upstream is back', async () => {
  simulator.play({ kind: 'connection', event: 'reset' }, { times: 12 });
  const bench = await testBench(simulator, clock);
  for (let turn = 0; turn < 3; turn += 1) expect((await bench.ask()).outcome.kind).toBe('failed');
  expect(asked()).toHaveLength(12);
  expect((await bench.ask()).outcome.kind).toBe('answered');
});

it('asks a model that reasons unasked for little of it, and gives it twice the time to begin', async () => {
  simulator.setModels([
    { ...models[0]!, reasoning: { mandatory: true }, supportedParameters: ['reasoning'] },
    ...models.slice(1),
  ]);
  simulator.play({ kind: 'answer', text: 'Well.', firstTokenMs: 800 }, { model: first });
  const bench = await testBench(simulator, clock, { firstTokenTimeoutMs: 600, defaultModel: first });
  const { outcome } = await bench.ask();
  expect(simulator.calls.at(-1)!.body).toMatchObject({ model: first, reasoning: { effort: 'low' } });
  expect(outcome.attempts).toHaveLength(1);
});

it('can serve with no model list at all', async () => {
  simulator.setModels([]);
  const bench = await testBench(simulator, clock, { defaultModel: first });
  expect(bench.catalogue.snapshot().fetchedAtMs).toBe(0);
  simulator.setModels(models);
  const { outcome } = await bench.ask();
  expect(outcome.kind).toBe('answered');
  expect(asked()).toEqual([first]);
});
