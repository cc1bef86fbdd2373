import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmitVerdict } from '../../../src/conversation/ports.ts';
import { messageId } from '../../../src/platform/ids.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { answered, answer, asker, finish, next, ran, stored } from './deeds.ts';
import { openStore } from './open-store.ts';
import {
  admission,
  claim,
  community,
  nextId,
  person,
  run,
  settlement,
  texts,
  type AdmitChanges,
  type Speech,
} from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);

describe.each(databaseKinds)('messages in quick succession on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const piece = (speech: Speech, text: string, changes: AdmitChanges = {}) =>
    admission(speech, { text, burstMs: 1500, ...changes });
  const someone = (): Speech => ({ author: person(), chat: nextId() });

  describe('behind a turn that waits', () => {
    /** A turn that runs, and one of the same person that waits behind it. */
    const waiting = async (speech = someone()) => {
      const first = await run(store.turns, admission(speech, { text: 'zero' }));
      const one = piece(speech, 'one');
      expect(await store.turns.admit(one)).toMatchObject({ kind: 'queued' });
      return { speech, first, one };
    };

    it('are answered together with it, each in its place', async () => {
      const { speech, first, one } = await waiting();
      const [two, three] = [piece(speech, 'two'), piece(speech, 'three')];
      for (const request of [two, three])
        expect(await store.turns.admit(request)).toEqual({
          kind: 'merged',
          turnId: request.turnId,
          into: one.turnId,
        });
      const begun = next(await finish(store.turns, first, 'a'));
      expect(begun).toMatchObject({ id: one.turnId, replyTarget: one.envelope.replyTarget });
      expect(texts(begun)).toEqual(['zero', 'a', 'one', 'two', 'three']);
      expect(begun.waited).toEqual([one, two, three].map(({ envelope }) => envelope.replyTarget));
      await finish(store.turns, begun, 'b');
      expect(texts(await run(store.turns, admission(speech, { text: 'four' })))).toEqual([
        'zero',
        'a',
        'one',
        'two',
        'three',
        'b',
        'four',
      ]);
    });

    it('are known when they are delivered again, and hold what they add', async () => {
      const { speech, one } = await waiting();
      const before = await stored(database.sql, one.turnId);
      const two = piece(speech, 'x'.repeat(300));
      await store.turns.admit(two);
      expect(await store.turns.admit({ ...two, turnId: admission(speech).turnId })).toEqual({
        kind: 'duplicate',
        turnId: two.turnId,
        state: 'merged',
      });
      const after = await stored(database.sql, one.turnId);
      expect((after?.tokens ?? 0) - (before?.tokens ?? 0)).toBe(100);
      expect(await stored(database.sql, two.turnId)).toMatchObject({ isDelivered: true, holds: 0 });
    });

    it('get a turn of their own where the quota has no room in it', async () => {
      const defaults = { user: { tokens_day: 2300 }, guild: {}, instance: {} };
      const speech = someone();
      await run(store.turns, piece(speech, 'zero', { defaults }));
      await store.turns.admit(piece(speech, 'one', { defaults }));
      expect(await store.turns.admit(piece(speech, 'x'.repeat(3000), { defaults }))).toMatchObject({
        kind: 'refused',
        refusal: { reason: 'quota', metric: 'tokens' },
      });
    });

    it('count in the hour in which that turn was admitted, where they are booked', async () => {
      const speech = someone();
      clock = NOON - 100;
      await answered(store.turns, admission(speech));
      const { first, one } = await waiting(speech);
      clock = NOON + 100;
      const holds = await Promise.all([first.id, one.turnId].map((id) => stored(database.sql, id)));
      const held = holds.reduce((sum, row) => sum + (row?.tokens ?? 0), 0);
      // 120 are used in the hour before, which has room for 60 beside the new text.
      const within = (tokens: number) => ({ user: { tokens_hour: tokens }, guild: {}, instance: {} });
      const tooMuch = piece(speech, 'x'.repeat(3000), { defaults: within(held + 1000 + 60) });
      const fitting = piece(speech, 'x'.repeat(3000), { defaults: within(held + 1000 + 120) });
      expect(await store.turns.admit(tooMuch)).toMatchObject({ kind: 'refused' });
      expect(await store.turns.admit(fitting)).toMatchObject({ kind: 'merged' });
      clock = NOON;
    });

    it('of another person, elsewhere, too late or in reply to something wait by themselves', async () => {
      const guild = community();
      const chat = nextId();
      await store.guildSettings.setConversationStyle(
        admission({ author: person(), chat, guild }).envelope,
        'channel',
      );
      const { speech } = await waiting({ author: person(), chat, guild });
      const others: readonly [Speech, AdmitChanges][] = [
        [{ ...speech, author: person() }, {}],
        [speech, { burstMs: 0 }],
      ];
      for (const [who, changes] of others)
        expect(await store.turns.admit(piece(who, 'two', changes))).toMatchObject({ kind: 'queued' });
      const alone = await waiting();
      const repliesTo = alone.one.envelope.messageId;
      expect(await store.turns.admit(piece(alone.speech, 'two', { repliesTo }))).toMatchObject({
        kind: 'queued',
      });
      clock = NOON + 1501;
      const late = await waiting();
      clock += 1501;
      expect(await store.turns.admit(piece(late.speech, 'two'))).toMatchObject({ kind: 'queued' });
      clock = NOON;
    });

    it('all go the same way when they come at once', async () => {
      const { speech, first } = await waiting();
      const pieces = Array.from({ length: 8 }, (_, index) => piece(speech, `p${index}`));
      const verdicts = await Promise.all(pieces.map((request) => store.turns.admit(request)));
      expect(verdicts.map((verdict: AdmitVerdict) => verdict.kind)).toEqual(pieces.map(() => 'merged'));
      const begun = next(await finish(store.turns, first, 'a'));
      expect(texts(begun).toSorted()).toEqual(
        ['zero', 'a', 'one', ...pieces.map(({ text }) => text)].toSorted(),
      );
    });

    it('are never lost to a turn that is cancelled at the same moment', async () => {
      for (let round = 0; round < 12; round += 1) {
        const { speech, first, one } = await waiting();
        const two = piece(speech, 'two');
        const [verdict, cancel] = await Promise.all([
          store.turns.admit(two),
          store.turns.requestCancel(one.turnId, asker(first)),
        ]);
        expect(cancel).toMatchObject({ kind: 'cancelling' });
        // Before it was cancelled it was part of that turn; after that it waits by itself.
        const kept = await stored(database.sql, two.turnId);
        expect([verdict.kind, kept?.state]).toEqual(
          verdict.kind === 'merged' ? ['merged', 'merged'] : ['queued', 'queued'],
        );
        expect(await stored(database.sql, one.turnId)).toMatchObject({ state: 'cancelled', holds: 0 });
      }
    });
  });

  describe('behind a turn of which nobody has seen anything', () => {
    /** A turn that runs unseen, and the message that takes it over. */
    const takenOver = async (speech = someone(), changes: AdmitChanges = {}) => {
      const first = piece(speech, 'one', changes);
      const running = await run(store.turns, first);
      const second = piece(speech, 'two', { ...changes, unshown: [running.id] });
      const verdict = await store.turns.admit(second);
      return { speech, first, running, second, verdict };
    };

    it('take its reply and its question over, and stop it', async () => {
      const { speech, first, running, second, verdict } = await takenOver();
      expect(verdict).toMatchObject({ kind: 'queued', ahead: 1, absorbs: running.id });
      const settled = await finish(store.turns, running, 'unused');
      expect(settled).toMatchObject({ fate: 'merged' });
      const begun = next(settled);
      expect(begun).toMatchObject({
        id: second.turnId,
        replyOf: running.id,
        after: running.id,
        replyTarget: first.envelope.replyTarget,
      });
      expect(texts(begun)).toEqual(['one', 'two']);
      expect(await stored(database.sql, running.id)).toMatchObject({ state: 'merged', holds: 0, usage: 1 });
      expect(await finish(store.turns, begun, 'both')).toMatchObject({ versions: { index: 1, count: 1 } });
      expect(texts(await run(store.turns, admission(speech, { text: 'more' })))).toEqual([
        'one',
        'two',
        'both',
        'more',
      ]);
    });

    it('keep the first message, too, where both answer an older one', async () => {
      const speech = someone();
      const old = await answered(store.turns, admission(speech, { text: 'old' }), 'old answer');
      await store.turns.partSent(old, 0, '71');
      await answered(store.turns, admission(speech, { text: 'between' }), 'between answer');
      const repliesTo = messageId('telegram', speech.chat, 71);
      const { running } = await takenOver(speech, { repliesTo });
      expect(texts(next(await finish(store.turns, running, 'unused')))).toEqual([
        'old',
        'old answer',
        'one',
        'two',
      ]);
    });

    it('go on with the parts that are there', async () => {
      const { running } = await takenOver();
      await store.turns.partSent(running, 0, '801');
      const begun = next(await finish(store.turns, running, 'unused'));
      expect(begun.parts).toEqual([{ index: 0, platformMessageId: '801' }]);
      await store.turns.partSent(begun, 1, '802');
      expect(await store.turns.parts(begun.id)).toEqual([
        { index: 0, platformMessageId: '801' },
        { index: 1, platformMessageId: '802' },
      ]);
    });

    it('take over again and again', async () => {
      const { speech, running } = await takenOver();
      expect(await store.turns.admit(piece(speech, 'three'))).toMatchObject({ kind: 'merged' });
      const begun = next(await finish(store.turns, running, 'unused'));
      expect(texts(begun)).toEqual(['one', 'two', 'three']);
      const four = piece(speech, 'four', { unshown: [begun.id] });
      expect(await store.turns.admit(four)).toMatchObject({ kind: 'queued', absorbs: begun.id });
      const last = next(await finish(store.turns, begun, 'unused'));
      expect(texts(last)).toEqual(['one', 'two', 'three', 'four']);
      expect(last.replyOf).toBe(running.id);
    });

    it('wait behind it once something was seen, or it was stopped', async () => {
      const speech = someone();
      const seen = await run(store.turns, piece(speech, 'one'));
      expect(await store.turns.admit(piece(speech, 'two'))).toMatchObject({ kind: 'queued', absorbs: null });
      const other = someone();
      const stopped = await run(store.turns, piece(other, 'one'));
      await store.turns.requestCancel(stopped.id, asker(stopped));
      const unshown = [stopped.id, seen.id];
      expect(await store.turns.admit(piece(other, 'two', { unshown }))).toMatchObject({
        kind: 'queued',
        absorbs: null,
      });
    });

    it('leave it alone when it was settled first', async () => {
      const speech = someone();
      const running = await run(store.turns, piece(speech, 'one'));
      await finish(store.turns, running, 'a');
      const second = ran(await store.turns.admit(piece(speech, 'two', { unshown: [running.id] })));
      expect(second.replyOf).toBeNull();
      expect(texts(second)).toEqual(['one', 'a', 'two']);
    });

    it('are decided one way when it is settled at the same moment', async () => {
      for (let round = 0; round < 12; round += 1) {
        const speech = someone();
        const running = await run(store.turns, piece(speech, 'one'));
        const second = piece(speech, 'two', { unshown: [running.id] });
        const [result, verdict] = await Promise.all([
          store.turns.settle(settlement(running, { answer: answer('a') })),
          store.turns.admit(second),
        ]);
        const isTakenOver = result.kind === 'settled' && result.fate === 'merged';
        expect(verdict.kind).toBe(isTakenOver ? 'queued' : 'run');
        expect(await stored(database.sql, running.id)).toMatchObject({
          state: isTakenOver ? 'merged' : 'generated',
          holds: 0,
        });
      }
    });

    it('let it end as stopped where they are cancelled before they begin', async () => {
      const { running, second } = await takenOver();
      await store.turns.requestCancel(second.turnId, asker(running));
      const notice = { key: 'turn.cancelled', params: {} };
      const stopped = { state: 'cancelled', answer: null, notice } as const;
      expect(await store.turns.settle(settlement(running, stopped))).toMatchObject({
        kind: 'settled',
        fate: null,
        next: null,
      });
      expect(await stored(database.sql, running.id)).toMatchObject({ state: 'cancelled', holds: 0 });
    });

    it('are answered by another process when theirs is lost', async () => {
      const { running, second } = await takenOver();
      clock = NOON + 60_000;
      const ended = await store.turns.claimWork(claim({ limit: 1000 }));
      expect([...ended.run, ...ended.deliver].map(({ id }) => id)).not.toContain(running.id);
      expect(await stored(database.sql, running.id)).toMatchObject({ state: 'merged', isDelivered: true });
      const work = await store.turns.claimWork(claim({ limit: 1000 }));
      clock = NOON;
      const begun = work.run.find(({ id }) => id === second.turnId);
      expect(begun === undefined ? null : texts(begun)).toEqual(['one', 'two']);
      expect(begun?.after).toBeNull();
      expect(await store.turns.settle(settlement(running))).toEqual({ kind: 'lease_lost' });
    });
  });
});
