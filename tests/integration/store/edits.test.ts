import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import {
  answered,
  asker,
  change,
  deletion,
  finish,
  next,
  ran,
  remembered,
  repetition,
  stored,
} from './deeds.ts';
import { openStore } from './open-store.ts';
import { admission, claim, nextId, person, run, settlement, texts, type Speech } from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);
const MINUTE_MS = 60_000;

describe.each(databaseKinds)('a message that its author changes on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const someone = (): Speech => ({ author: person(), chat: nextId() });
  const editsOf = async (text: string) => {
    const rows = await database.sql<{ edits: number }[]>`select edits from messages where text = ${text}`;
    return rows.map(({ edits }) => edits);
  };

  it('is none of ours, or the same, or somebody else’s: nothing happens', async () => {
    const asked = admission(someone());
    expect(await store.turns.edit(change(asked, 'new'))).toEqual({ kind: 'unknown' });
    await answered(store.turns, asked);
    expect(await store.turns.edit(change(asked, asked.text))).toEqual({ kind: 'unchanged' });
    const forged = change(asked, 'forged');
    const { envelope } = admission(someone());
    expect(
      await store.turns.edit({ ...forged, envelope: { ...forged.envelope, author: envelope.author } }),
    ).toEqual({ kind: 'unknown' });
  });

  it('is read as it is now by the turn that waits, which holds what is more', async () => {
    const speech = someone();
    const first = await run(store.turns, admission(speech, { text: 'zero' }));
    const asked = admission(speech, { text: 'one' });
    await store.turns.admit(asked);
    const before = await stored(database.sql, asked.turnId);
    const longer = change(asked, 'y'.repeat(303));
    expect(await store.turns.edit(longer)).toEqual({ kind: 'revised', turnId: asked.turnId });
    const after = await stored(database.sql, asked.turnId);
    expect((after?.tokens ?? 0) - (before?.tokens ?? 0)).toBe(100);
    await store.turns.edit(change(asked, 'ones'));
    // Delivered once more, an older change does not come back.
    expect(await store.turns.edit(longer)).toEqual({
      kind: 'duplicate',
      turnId: asked.turnId,
      state: 'queued',
    });
    expect(texts(next(await finish(store.turns, first, 'a')))).toEqual(['zero', 'a', 'ones']);
  });

  it('is not read by a turn that waits where the quota has no room for it', async () => {
    const defaults = { user: { tokens_day: 2300 }, guild: {}, instance: {} };
    const speech = someone();
    const first = await run(store.turns, admission(speech, { text: 'zero', defaults }));
    const asked = admission(speech, { text: 'one', defaults });
    await store.turns.admit(asked);
    expect(await store.turns.edit(change(asked, 'y'.repeat(3000)))).toMatchObject({
      kind: 'refused',
      refusal: { reason: 'quota', metric: 'tokens' },
    });
    expect(texts(next(await finish(store.turns, first, 'a')))).toEqual(['zero', 'a', 'one']);
  });

  it('is answered anew in the same reply, and its old answer is forgotten', async () => {
    const speech = someone();
    const asked = admission(speech, { text: 'one' });
    const first = await answered(store.turns, asked, 'old answer');
    await store.turns.partSent(first, 0, '501');
    await answered(store.turns, admission(speech, { text: 'two' }), 'second answer');

    const turn = ran(await store.turns.edit(change(asked, 'uno')));
    expect(turn).toMatchObject({
      cause: 'edit',
      replyOf: first.id,
      after: null,
      previous: null,
      replyTarget: asked.envelope.replyTarget,
      parts: [{ index: 0, platformMessageId: '501' }],
    });
    expect(texts(turn)).toEqual(['uno']);
    expect(await finish(store.turns, turn, 'new answer')).toMatchObject({ versions: { index: 1, count: 1 } });
    expect(await remembered(store.turns, asked)).toEqual(['uno', 'new answer', 'two', 'second answer']);
    expect(await stored(database.sql, turn.id)).toMatchObject({ holds: 0, usage: 1 });
  });

  it('is followed by what was said after it also where its new answer never comes', async () => {
    const speech = someone();
    const asked = admission(speech, { text: 'one' });
    await answered(store.turns, asked, 'old answer');
    await answered(store.turns, admission(speech, { text: 'two' }), 'second answer');
    const turn = ran(await store.turns.edit(change(asked, 'uno')));
    await store.turns.settle(settlement(turn, { state: 'failed', answer: null, attempts: [] }));
    expect(await remembered(store.turns, asked)).toEqual(['uno', 'two', 'second answer']);
  });

  it('stops its turn while that runs, and the new one follows', async () => {
    const asked = admission(someone(), { text: 'one' });
    const running = await run(store.turns, asked);
    const edited = change(asked, 'uno');
    const verdict = await store.turns.edit(edited);
    expect(verdict).toMatchObject({ kind: 'queued', turnId: edited.turnId, supersedes: running.id });
    expect((await store.turns.renewLeases('one', [running], 9000)).cancelled).toEqual([running.id]);
    const settled = await finish(store.turns, running, 'unused');
    expect(settled).toMatchObject({ fate: 'superseded' });
    const begun = next(settled);
    expect(begun).toMatchObject({ id: edited.turnId, replyOf: running.id, after: running.id });
    expect(texts(begun)).toEqual(['uno']);
    await finish(store.turns, begun, 'new answer');
    expect(await remembered(store.turns, asked)).toEqual(['uno', 'new answer']);
    expect(await stored(database.sql, running.id)).toMatchObject({ state: 'superseded', isDelivered: true });
  });

  it('tells a second delivery of a settlement what became of the turn', async () => {
    const asked = admission(someone());
    const running = await run(store.turns, asked);
    await store.turns.edit(change(asked, 'uno'));
    const request = settlement(running);
    await store.turns.settle(request);
    expect(await store.turns.settle(request)).toEqual({
      kind: 'already_settled',
      state: 'superseded',
      fate: 'superseded',
    });
  });

  it('ends as superseded in another process, too, when its own is lost', async () => {
    const asked = admission(someone(), { text: 'one' });
    const running = await run(store.turns, asked);
    await store.turns.holdCost(running, 0, 900n);
    const edited = change(asked, 'uno');
    await store.turns.edit(edited);
    clock = NOON + MINUTE_MS;
    const work = await store.turns.claimWork(claim({ limit: 1000 }));
    expect([...work.run, ...work.deliver].map(({ id }) => id)).not.toContain(running.id);
    const { run: begun } = await store.turns.claimWork(claim({ limit: 1000 }));
    clock = NOON;
    expect(await stored(database.sql, running.id)).toMatchObject({ state: 'superseded', isDelivered: true });
    expect(begun.filter(({ replyOf }) => replyOf === running.id)).toMatchObject([{ id: edited.turnId }]);
    const costs = await database.sql`
      select cost_nano_usd::text as cost, requests from usage where turn_id = ${running.id}`;
    expect(costs).toEqual([{ cost: '900', requests: 0 }]);
  });

  it('lets its turn end as stopped where the new one is cancelled before it begins', async () => {
    const asked = admission(someone(), { text: 'one' });
    const running = await run(store.turns, asked);
    const edited = change(asked, 'uno');
    await store.turns.edit(edited);
    await store.turns.requestCancel(edited.turnId, asker(running));
    const result = await store.turns.settle(settlement(running, { state: 'cancelled', answer: null }));
    expect(result).toMatchObject({ kind: 'settled', fate: null });
    expect(await stored(database.sql, running.id)).toMatchObject({ state: 'cancelled' });
  });

  it('takes the place that it never got where its turn was cancelled in the queue', async () => {
    const speech = someone();
    const first = await run(store.turns, admission(speech, { text: 'zero' }));
    const asked = admission(speech, { text: 'one' });
    await store.turns.admit(asked);
    await store.turns.requestCancel(asked.turnId, asker(first));
    await finish(store.turns, first, 'a');
    const turn = ran(await store.turns.edit(change(asked, 'uno')));
    expect(texts(turn)).toEqual(['zero', 'a', 'uno']);
    await finish(store.turns, turn, 'b');
    expect(await remembered(store.turns, asked)).toEqual(['zero', 'a', 'uno', 'b']);
  });

  it('replaces a repetition that waits: the old text has no use for another answer', async () => {
    const speech = someone();
    const asked = admission(speech, { text: 'one' });
    await answered(store.turns, asked, 'old answer');
    const busy = await run(store.turns, admission(speech, { text: 'two' }));
    const repeated = repetition(asked, 'regenerate');
    await store.turns.repeat(repeated);
    const edited = change(asked, 'uno');
    expect(await store.turns.edit(edited)).toMatchObject({ kind: 'queued', supersedes: null });
    expect(await stored(database.sql, repeated.turnId)).toEqual({
      state: 'superseded',
      isDelivered: true,
      holds: 0,
      tokens: 0,
      usage: 0,
    });
    const begun = next(await finish(store.turns, busy, 'second answer'));
    expect(begun.id).toBe(edited.turnId);
    expect(await finish(store.turns, begun, 'new answer')).toMatchObject({
      versions: { index: 1, count: 1 },
    });
  });

  it('is taken five times, each of which is a request', async () => {
    const speech = someone();
    const asked = admission(speech, { text: 'v0' });
    await answered(store.turns, asked);
    for (let version = 1; version <= 5; version += 1)
      await finish(store.turns, ran(await store.turns.edit(change(asked, `v${version}`))), 'again');
    expect(await store.turns.edit(change(asked, 'v6'))).toEqual({ kind: 'too_late' });
    const [sum] = await database.sql`
      select sum(u.requests)::int as requests from usage u join turns t on t.id = u.turn_id where t.place = ${asked.envelope.place}`;
    expect(sum).toEqual({ requests: 6 });
    const spare = admission(speech, { defaults: { user: { requests_day: 6 }, guild: {}, instance: {} } });
    expect(await store.turns.admit(spare)).toMatchObject({ kind: 'refused', refusal: { used: 6 } });
  });

  it('is taken within a quarter of an hour', async () => {
    const asked = admission(someone());
    await answered(store.turns, asked);
    clock = NOON + 15 * MINUTE_MS + 1;
    expect(await store.turns.edit(change(asked, 'late'))).toEqual({ kind: 'too_late' });
    clock = NOON + 15 * MINUTE_MS;
    expect(await store.turns.edit(change(asked, 'in time'))).toMatchObject({ kind: 'run' });
    clock = NOON;
  });

  it('is refused as any message is, and reads as before', async () => {
    const asked = admission(someone(), { text: 'one' });
    await answered(store.turns, asked);
    const refusal = { reason: 'rate_limited', retryAfterMs: 1000 } as const;
    const refused = change(asked, 'uno', { refusal });
    expect(await store.turns.edit(refused)).toMatchObject({
      kind: 'refused',
      refusal,
      epoch: 1,
      isTold: false,
      leasedAtMs: expect.any(Number),
    });
    expect(await store.turns.edit({ ...refused, refusal: null })).toMatchObject({
      kind: 'duplicate',
      state: 'refused',
    });
    expect(await remembered(store.turns, asked)).toEqual(['one', 'first']);
  });

  it('is forgotten once it was deleted', async () => {
    const asked = admission(someone());
    await answered(store.turns, asked);
    await store.turns.deleteMessages(deletion(asked));
    expect(await store.turns.edit(change(asked, 'uno'))).toEqual({ kind: 'unknown' });
  });

  it('is changed once when one change comes ten times at once, under one key or several', async () => {
    const asked = admission(someone(), { text: 'one' });
    await answered(store.turns, asked);
    const edited = change(asked, 'uno - at once');
    const deliveries = [
      ...Array.from({ length: 5 }, () => ({ ...edited, turnId: change(asked, '').turnId })),
      ...Array.from({ length: 5 }, () => change(asked, 'uno - at once')),
    ];
    const verdicts = await Promise.all(deliveries.map((request) => store.turns.edit(request)));
    expect(verdicts.filter((verdict) => verdict.kind === 'run')).toHaveLength(1);
    expect(await editsOf('uno - at once')).toEqual([1]);
  });

  it('is never changed more than five times, however many changes come at once', async () => {
    const asked = admission(someone(), { text: 'v0' });
    const running = await run(store.turns, asked);
    const changes = Array.from({ length: 12 }, (_, index) => change(asked, `at once ${index}`));
    const verdicts = await Promise.all(changes.map((request) => store.turns.edit(request)));
    expect(verdicts.filter(({ kind: is }) => is === 'queued' || is === 'revised')).toHaveLength(5);
    expect(verdicts.filter(({ kind: is }) => is === 'too_late')).toHaveLength(7);
    const begun = next(await finish(store.turns, running, 'unused'));
    expect(await finish(store.turns, begun, 'once')).toMatchObject({ next: null });
  });

  it('is decided one way when its turn is settled at the same moment', async () => {
    for (let round = 0; round < 12; round += 1) {
      const asked = admission(someone(), { text: 'one' });
      const running = await run(store.turns, asked);
      const [result, verdict] = await Promise.all([
        store.turns.settle(settlement(running)),
        store.turns.edit(change(asked, 'uno')),
      ]);
      const isSuperseded = result.kind === 'settled' && result.fate === 'superseded';
      expect(verdict).toMatchObject(
        isSuperseded
          ? { kind: 'queued', supersedes: running.id }
          : { kind: 'run', supersedes: null, turn: { after: running.id, replyOf: running.id } },
      );
      await store.turns.markDelivered(running, { unreachable: null, isRetracted: isSuperseded });
      const turn = isSuperseded ? next(result) : ran(verdict);
      await finish(store.turns, turn, 'new answer');
      expect(await remembered(store.turns, asked)).toEqual(['uno', 'new answer']);
    }
  });
});
