import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SimulatedModel } from '../../../src/simulator/catalogue.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import type { CompletionLog } from '../../../src/completion/ports.ts';
import { correctEstimates, type CorrectionParts } from '../../../src/jobs/corrections.ts';
import { KEY_PROVIDER } from '../../../src/keys/ports.ts';
import { originKey } from '../../../src/platform/ids.ts';
import type { Store } from '../../../src/store/store.ts';
import { anyKinds, type TestDatabase } from '../../support/database.ts';
import { testBench, startMs, type TestBench } from '../completion/turns.ts';
import { receive } from '../completion/upstream.ts';
import { openStore } from '../store/open-store.ts';
import { admission, attempt, nextId, person, run, settlement, spent } from '../store/requests.ts';

const PAID = 'acme/paid';
const FREE = 'acme/first-70b:free';
const models: readonly SimulatedModel[] = [
  { id: PAID, pricing: { prompt: '0.000001', completion: '0.000002' } },
  { id: FREE, pricing: { prompt: '0', completion: '0' } },
];
const MINUTE_MS = 60_000;
const silent: CompletionLog = { info: () => {}, warn: () => {}, error: () => {} };

describe.each(anyKinds)('the job that corrects estimates on %s', (kind) => {
  const clock = { nowMs: startMs };
  let simulator: OpenRouterSimulator;
  let database: TestDatabase;
  let store: Store;
  let bench: TestBench;
  let parts: CorrectionParts;
  beforeAll(async () => {
    simulator = await startOpenRouterSimulator({ models, now: () => clock.nowMs });
    ({ database, store } = await openStore(kind, () => clock.nowMs));
    bench = await testBench(simulator, clock, { freeOnly: false });
    parts = { ...store, chain: bench.chain, openKey: () => null, log: silent };
  });
  afterAll(async () => {
    await simulator.stop();
    await database.close();
  });

  /** A call whose end nobody hears, booked by an estimate. */
  const lose = async (model: string, costUsd?: string) => {
    const process = new AbortController();
    const fault = { kind: 'stall', afterTokens: 2 } as const;
    simulator.play({
      kind: 'answer',
      text: 'one two three four',
      fault,
      ...(costUsd !== undefined && { costUsd }),
    });
    const { generationIds } = await receive(
      simulator,
      { model },
      { signal: process.signal, onText: (text) => text === 'one two' && process.abort() },
    );
    const [generationId = ''] = generationIds;
    await expect.poll(() => simulator.generation(generationId)).toBeDefined();
    return generationId;
  };
  const book = async (generationId: string, model: string, author = person()) => {
    const isFree = model === FREE;
    const turn = await run(store.turns, admission({ author, chat: nextId() }));
    const usage = { ...spent(1, 1, isFree ? 0n : 900_000n), source: 'estimated' as const };
    const attempts = [attempt({ modelAsked: model, modelUsed: null, generationId, isFree, usage })];
    await store.turns.settle(settlement(turn, { attempts }));
    return turn;
  };
  const sumOf = async ({ id }: { readonly id: string }) => {
    const [row] = await database.sql<{ tokens: string; cost: string; rows: number }[]>`
      select sum(prompt_tokens) || '+' || sum(completion_tokens) as tokens, sum(cost_nano_usd)::text as cost, count(*)::int as rows
      from usage where turn_id = ${id}`;
    return row;
  };
  const asked = () => simulator.calls.filter(({ path }) => path.endsWith('/generation')).length;
  const work = () => correctEstimates(parts, new AbortController().signal);

  it('asks the provider and books what it tells, to the token and nano-dollar', async () => {
    const generationId = await lose(PAID, '0.000095001');
    const turn = await book(generationId, PAID);
    clock.nowMs += MINUTE_MS;
    await work();
    const generation = simulator.generation(generationId);
    expect(await sumOf(turn)).toEqual({
      tokens: `${generation?.native_tokens_prompt}+2`,
      cost: '95001',
      rows: 2,
    });
    const before = asked();
    clock.nowMs += 10 * MINUTE_MS;
    await work();
    expect(asked()).toBe(before);
  });

  it('asks again, ever later, for what the provider does not know yet, and leaves the estimate meanwhile', async () => {
    const turn = await book('gen-1795219200-nobodyKnowsThisOne01', PAID);
    const before = asked();
    for (let minute = 0; minute < 10; minute += 1) {
      clock.nowMs += MINUTE_MS;
      await work();
    }
    expect(asked() - before).toBe(3);
    expect(await sumOf(turn)).toMatchObject({ cost: '900000', rows: 1 });
  });

  it('corrects the tokens of free models too, and tells of one that was billed', async () => {
    const [ended, billed] = [await lose(FREE), await lose(FREE, '0.0001')];
    const [first, second] = [await book(ended, FREE), await book(billed, FREE)];
    clock.nowMs += MINUTE_MS;
    await work();
    expect(await sumOf(first)).toMatchObject({ cost: '0', rows: 2 });
    expect(await sumOf(second)).toMatchObject({ cost: '100000', rows: 2 });
    expect(bench.alerts).toMatchObject([{ kind: 'free_model_cost' }]);
  });

  it('asks nobody with the operator’s key about what somebody else paid for', async () => {
    const author = person();
    const change = { originKey: originKey('telegram', 'bot', 'key', nextId()), author, guild: null };
    const key = {
      id: crypto.randomUUID(),
      provider: KEY_PROVIDER,
      sealed: 'sealed',
      last4: 'last',
      fingerprint: 'f',
    };
    await store.keys.set(change, key, 'command');
    const turn = await book(await lose(PAID), PAID, author);
    await store.keys.remove({ ...change, originKey: originKey('telegram', 'bot', 'key', nextId()) });
    const before = asked();
    clock.nowMs += MINUTE_MS;
    await work();
    expect(asked()).toBe(before);
    expect(await sumOf(turn)).toMatchObject({ cost: '900000', rows: 1 });
  });

  it('leaves the asking to the process that has the lead', async () => {
    const turn = await book(await lose(PAID), PAID);
    clock.nowMs += MINUTE_MS;
    const memory = { lead: () => Promise.resolve(false) };
    await correctEstimates({ ...parts, memory }, new AbortController().signal);
    expect(await sumOf(turn)).toMatchObject({ rows: 1 });
  });
});
