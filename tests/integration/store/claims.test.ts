import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClaimLost, type ClaimRequest, type TurnClaim } from '../../../src/conversation/ports.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, claim, DELIVERED, nextId, person, run, settlement } from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

describe.each(databaseKinds)('claims on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const later = async <Result>(ms: number, work: () => Promise<Result>): Promise<Result> => {
    clock = NOON + ms;
    try {
      return await work();
    } finally {
      clock = NOON;
    }
  };
  const sweep = (ms: number, changes: Partial<ClaimRequest> = {}) =>
    later(ms, () => store.turns.claimWork(claim({ limit: 1000, ...changes })));
  const begin = () => run(store.turns, admission({ author: person(), chat: nextId() }));
  const finish = async () => {
    const turn = await begin();
    await store.turns.settle(settlement(turn));
    return turn;
  };
  /** A turn, its first claim over, and the claim that took it over. */
  const overtake = async () => {
    const turn = await begin();
    const claimed = (await sweep(MINUTE_MS)).run.find(({ id }) => id === turn.id);
    if (claimed === undefined) throw new Error('The turn was not claimed.');
    return { stale: turn, current: claimed };
  };
  const endEverything = () =>
    database.sql`update turns set state = 'failed', delivered_at = now() where delivered_at is null`;
  const turnRow = async (id: string) => {
    const [row] = await database.sql`
      select state, notice, unreachable, delivered_at is not null as delivered from turns where id = ${id}`;
    return row;
  };
  const partsOf = async ({ id }: TurnClaim) => {
    const rows = await database.sql<{ part: string | null }[]>`
      select platform_message_id as part from reply_parts where turn_id = ${id} order by index`;
    return rows.map(({ part }) => part);
  };

  describe('of work', () => {
    it('leave out what the claimer works on, even when its lease has run out', async () => {
      const [mine, other] = [await begin(), await begin()];
      const undelivered = await finish();
      const work = await sweep(MINUTE_MS, { held: [mine.id, undelivered.id] });
      const claimed = [...work.run, ...work.deliver].map(({ id }) => id);
      expect(claimed).toContain(other.id);
      expect(claimed).not.toContain(mine.id);
      expect(claimed).not.toContain(undelivered.id);
      expect((await sweep(MINUTE_MS)).run.map(({ id }) => id)).toContain(mine.id);
    });

    it('come in the order of admission, whichever lease ran out first', async () => {
      const [first, second, third] = [await begin(), await begin(), await begin()];
      const [early, late] = [await finish(), await finish()];
      for (const [index, turn] of [third, late, first, early, second].entries())
        await later(1000 * index, () => store.turns.renewLeases('one', [turn], 9000));
      const work = await sweep(MINUTE_MS);
      const order = (claimed: readonly TurnClaim[], of: readonly TurnClaim[]) =>
        claimed.filter(({ id }) => of.some((each) => each.id === id)).map(({ id }) => id);
      const ran = [first, second, third];
      expect(order(work.run, ran)).toEqual(ran.map(({ id }) => id));
      expect(order(work.deliver, [early, late])).toEqual([early.id, late.id]);
    });

    it('start waiting turns however many have lapsed', async () => {
      await endEverything();
      const [author, chat] = [person(), nextId()];
      const first = await run(store.turns, admission({ author, chat }));
      const queued = admission({ author, chat });
      await store.turns.admit(queued);
      await database.sql`update turns set state = 'failed', delivered_at = now() where id = ${first.id}`;
      const lapsed = [await begin(), await begin(), await begin()];
      const work = await sweep(MINUTE_MS, { limit: 2 });
      expect(work.run.map(({ id }) => id)).toEqual([queued.turnId, lapsed[0]?.id, lapsed[1]?.id]);
    });

    /** A turn that runs, and behind it two messages that wait together for one. */
    const waiting = async () => {
      const speech = { author: person(), chat: nextId() };
      const first = await run(store.turns, admission(speech));
      const [queued, merged] = [1, 2].map(() => admission(speech, { burstMs: 1500 }));
      if (queued === undefined || merged === undefined) throw new Error('There are two.');
      for (const request of [queued, merged]) await store.turns.admit(request);
      return { first, queued, marked: [queued, merged].map(({ envelope }) => envelope.replyTarget) };
    };

    it('tell where messages are marked that waited for a turn which ends without having begun', async () => {
      const { first, queued, marked } = await waiting();
      const told = async (ms: number, turn: string) =>
        (await sweep(ms)).deliver.find(({ id }) => id === turn);
      expect(await told(30 * MINUTE_MS, first.id)).toMatchObject({ state: 'interrupted', waited: [] });
      const interrupted = { state: 'interrupted', waited: marked };
      expect(await told(30 * MINUTE_MS, queued.turnId)).toMatchObject(interrupted);
      // Who claimed it may have ended before it took the marks away.
      expect(await told(31 * MINUTE_MS, queued.turnId)).toMatchObject(interrupted);
      const refused = admission(
        { author: person(), chat: nextId() },
        { refusal: { reason: 'empty_message' } },
      );
      await store.turns.admit(refused);
      expect(await told(MINUTE_MS, refused.turnId)).toMatchObject({ state: 'refused', waited: [] });
    });

    it('tell the same of a turn that was begun and given back, and nothing of one that never waited', async () => {
      const { first, queued, marked } = await waiting();
      const settled = await later(1000, () => store.turns.settle(settlement(first)));
      const begun = settled.kind === 'settled' ? settled.next : null;
      expect(begun).toMatchObject({ id: queued.turnId, waited: marked });
      await later(1000, () => store.turns.releaseLeases('one', begun === null ? [] : [begun]));
      const direct = await begin();
      const { run: ran } = await sweep(MINUTE_MS);
      expect(ran.find(({ id }) => id === queued.turnId)?.waited).toEqual(marked);
      expect(ran.find(({ id }) => id === direct.id)?.waited).toEqual([]);
    });

    it('tell it also of what has its end, for who settled it may have ended before the marks were away', async () => {
      const { first, queued, marked } = await waiting();
      const settled = await later(1000, () => store.turns.settle(settlement(first)));
      const begun = settled.kind === 'settled' ? settled.next : null;
      if (begun?.id !== queued.turnId) throw new Error('It is the next.');
      await later(1000, () => store.turns.settle(settlement(begun)));
      const { deliver } = await sweep(MINUTE_MS);
      const told = (turn: string) => deliver.find(({ id }) => id === turn);
      expect(told(queued.turnId)).toMatchObject({ state: 'generated', waited: marked });
      expect(told(first.id)).toMatchObject({ state: 'generated', waited: [] });
    });

    it('end what its author had stopped as cancelled, with a notice and what it spent', async () => {
      const author = person();
      const turn = await run(store.turns, admission({ author, chat: nextId() }));
      await store.turns.holdCost(turn, 0, 900n);
      await store.turns.requestCancel(turn.id, { user: author.id, adminOf: null, isOperator: false });
      const work = await sweep(MINUTE_MS);
      expect(work.run.map(({ id }) => id)).not.toContain(turn.id);
      expect(work.deliver.find(({ id }) => id === turn.id)).toMatchObject({
        state: 'cancelled',
        answer: null,
        notice: { key: 'turn.cancelled', params: {} },
        epoch: 2,
      });
      expect(await database.sql`select 1 from quota_holds where turn_id = ${turn.id}`).toHaveLength(0);
      expect(
        await database.sql`select cost_nano_usd::text as cost, requests from usage where turn_id = ${turn.id}`,
      ).toEqual([{ cost: '900', requests: 0 }]);
      expect(await store.turns.settle(settlement(turn))).toEqual({ kind: 'lease_lost' });
    });

    it('give up what could not be delivered for too long, and nothing younger', async () => {
      const [old, young] = [await finish(), await later(DAY_MS / 2, finish)];
      const work = await sweep(DAY_MS + MINUTE_MS);
      const handed = work.deliver.map(({ id }) => id);
      expect(handed).toContain(young.id);
      expect(handed).not.toContain(old.id);
      expect(await turnRow(old.id)).toMatchObject({
        state: 'delivered',
        unreachable: 'given up',
        delivered: true,
      });
    });

    it('of a conversation that is gone are over for its process', async () => {
      const turn = await begin();
      await database.sql`delete from turns where id = ${turn.id}`;
      expect((await store.turns.renewLeases('one', [turn], 9000)).lost).toEqual([turn.id]);
    });
  });

  describe('that are over', () => {
    it('are told to the same process, too, when it took the turn over from itself', async () => {
      const turn = await begin();
      const again = (await sweep(MINUTE_MS, { instance: 'one' })).run.find(({ id }) => id === turn.id);
      if (again === undefined) throw new Error('The turn was not claimed.');
      const renew = (claims: readonly TurnClaim[]) =>
        later(2 * MINUTE_MS, () => store.turns.renewLeases('one', claims, 9000));
      expect((await renew([turn])).lost).toEqual([turn.id]);
      // The claim that is over extended nothing.
      const [row] = await database.sql<{ until: number }[]>`
        select epoch_ms_v1(lease_until)::float8 as until from turns where id = ${turn.id}`;
      expect(row?.until).toBe(NOON + MINUTE_MS + 9000);
      expect((await renew([again])).lost).toEqual([]);
    });

    it('are told when the turn is delivered', async () => {
      const turn = await finish();
      await store.turns.markDelivered(turn, DELIVERED);
      expect((await store.turns.renewLeases('one', [turn], 9000)).lost).toEqual([turn.id]);
    });

    it('may not create a part', async () => {
      const { stale, current } = await overtake();
      await expect(store.turns.intendPart(stale, 1)).rejects.toThrow(ClaimLost);
      expect(await partsOf(stale)).toEqual([null]);
      await store.turns.intendPart(current, 1);
      await store.turns.intendPart(current, 1);
      expect(await partsOf(current)).toEqual([null, null]);
    });

    it('may not create a part of what is delivered, or gone', async () => {
      const turn = await finish();
      await store.turns.markDelivered(turn, { unreachable: 'blocked by the user', isRetracted: false });
      await expect(store.turns.intendPart(turn, 1)).rejects.toThrow(ClaimLost);
      await database.sql`delete from turns where id = ${turn.id}`;
      await expect(store.turns.intendPart(turn, 1)).rejects.toThrow(ClaimLost);
    });

    it('note no part, and are told that it is nobody’s', async () => {
      const { stale, current } = await overtake();
      expect(await store.turns.partSent(stale, 0, '801')).toBe(false);
      expect(await partsOf(stale)).toEqual([null]);
      expect(await store.turns.partSent(current, 0, '802')).toBe(true);
      expect(await store.turns.partSent(stale, 0, '803')).toBe(false);
      expect(await store.turns.partSent(stale, 1, '804')).toBe(false);
      expect(await store.turns.partSent(current, 0, '805')).toBe(true);
      expect(await partsOf(stale)).toEqual(['805']);
    });

    it('are told that their part is known where the answer to the first noting was lost', async () => {
      const turn = await begin();
      expect(await store.turns.partSent(turn, 0, '806')).toBe(true);
      await sweep(MINUTE_MS);
      expect(await store.turns.partSent(turn, 0, '806')).toBe(true);
      expect(await partsOf(turn)).toEqual(['806']);
    });

    it('store no generation, mark nothing delivered and postpone nothing', async () => {
      const { stale, current } = await overtake();
      await store.turns.attemptStarted(stale, {
        index: 0,
        provider: 'openrouter',
        model: 'm',
        generationId: 'g',
      });
      expect(await database.sql`select 1 from attempts where turn_id = ${stale.id}`).toHaveLength(0);
      await later(MINUTE_MS, () => store.turns.settle(settlement(current)));
      await store.turns.markDelivered(stale, DELIVERED);
      await store.turns.postpone(stale, DAY_MS / 2);
      expect(await turnRow(stale.id)).toMatchObject({ state: 'generated', delivered: false });
      expect((await sweep(2 * MINUTE_MS)).deliver.map(({ id }) => id)).toContain(stale.id);
    });
  });

  describe('on a delivery that is postponed', () => {
    const handed = async (ms: number, changes: Partial<ClaimRequest> = {}) =>
      (await sweep(ms, changes)).deliver.map(({ id }) => id);

    it('wait for as long as the platform asks', async () => {
      const turn = await finish();
      await store.turns.postpone(turn, 5 * MINUTE_MS);
      expect(await handed(5 * MINUTE_MS)).not.toContain(turn.id);
      expect(await handed(5 * MINUTE_MS + 1)).toContain(turn.id);
    });

    it('wait at least 15 seconds, and a day at most', async () => {
      const [soon, never] = [await finish(), await finish()];
      await store.turns.postpone(soon, 0);
      await store.turns.postpone(never, Number.MAX_VALUE);
      expect(await handed(15_000)).not.toContain(soon.id);
      expect(await handed(15_001)).toContain(soon.id);
      expect(await handed(DAY_MS - 1)).not.toContain(never.id);
      await handed(DAY_MS + 1);
      expect(await turnRow(never.id)).toMatchObject({ unreachable: 'given up' });
    });

    it('are not brought forward by a renewal that was under way', async () => {
      const turn = await finish();
      await store.turns.postpone(turn, 5 * MINUTE_MS);
      expect((await store.turns.renewLeases('one', [turn], 9000)).lost).toEqual([]);
      expect(await handed(MINUTE_MS)).not.toContain(turn.id);
    });

    it('try at once in a new life that is alone', async () => {
      const turn = await finish();
      await store.turns.postpone(turn, 5 * MINUTE_MS);
      expect(await handed(0, { instance: 'new life', takeOver: true })).toContain(turn.id);
    });

    it('do nothing to a turn that still runs or is delivered', async () => {
      const [running, delivered] = [await begin(), await finish()];
      await store.turns.markDelivered(delivered, DELIVERED);
      for (const turn of [running, delivered]) await store.turns.postpone(turn, 5 * MINUTE_MS);
      expect((await sweep(MINUTE_MS)).run.map(({ id }) => id)).toContain(running.id);
      expect(await database.sql`select lease_until from turns where id = ${delivered.id}`).toEqual([
        { lease_until: null },
      ]);
    });
  });
});
