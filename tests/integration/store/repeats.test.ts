import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import {
  answer,
  answered,
  change,
  finish,
  next,
  ran,
  remembered,
  repetition,
  selection,
  stored,
  stranger,
} from './deeds.ts';
import { openStore } from './open-store.ts';
import {
  admission,
  claim,
  community,
  DELIVERED,
  nextId,
  NOTICE,
  person,
  run,
  settlement,
  texts,
  type Speech,
} from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

describe.each(databaseKinds)('answers that are asked for again on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const someone = (): Speech => ({ author: person(), chat: nextId() });
  /** A question with so many answers. */
  const versions = async (count: number, speech = someone()) => {
    const asked = admission(speech, { text: 'one' });
    const turns = [await answered(store.turns, asked, 'v1')];
    for (let version = 2; version <= count; version += 1) {
      const turn = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
      await finish(store.turns, turn, `v${version}`);
      turns.push(turn);
    }
    return { asked, turns };
  };

  it('search the web again where the first did, and hold as much for it; what is continued does not', async () => {
    const speech = someone();
    const hold = { systemTokens: 0, maxCompletionTokens: 1000, searchTokens: 5000 };
    const asked = admission(speech, { cause: 'command', search: true, hold });
    const turn = ran(await store.turns.admit(asked));
    expect(turn.settings.search).toBe(true);
    const search = { searches: 1, costNanoUsd: 7, sources: [{ url: 'https://a.example/', title: 'A' }] };
    const half = answer('half');
    await finish(store.turns, turn, 'half', { answer: half && { ...half, partial: true, search } });
    const on = ran(await store.turns.repeat(repetition(asked, 'continue', { hold })));
    expect(on.previous).toEqual({ text: 'half', isPartial: true, search });
    const { tokens = 0 } = (await stored(database.sql, on.id)) ?? {};
    await finish(store.turns, on, 'whole');
    const again = ran(await store.turns.repeat(repetition(asked, 'regenerate', { hold })));
    expect(again.settings.search).toBe(true);
    const more = (await stored(database.sql, again.id))?.tokens ?? 0;
    // The question is read once more after each of two searches.
    expect(more - tokens).toBe(5000 + 2 * Math.ceil(asked.text.length / 3) - Math.ceil('half'.length / 3));
    await finish(store.turns, again, 'new');
    const shown = await store.turns.selectVersion(selection(asked, -1));
    expect(shown).toMatchObject({ kind: 'selected', turn: { answer: 'whole', search: null } });
  });

  it('are searched for again only where whoever asked has them written again', async () => {
    const asked = admission(someone(), { cause: 'command', search: true });
    await finish(store.turns, ran(await store.turns.admit(asked)), 'one');
    const by = { user: stranger().user, adminOf: null, isOperator: true };
    const theirs = ran(await store.turns.repeat(repetition(asked, 'regenerate', { by })));
    expect(theirs.settings).not.toHaveProperty('search');
    await finish(store.turns, theirs, 'two');
    expect(ran(await store.turns.repeat(repetition(asked, 'regenerate'))).settings.search).toBe(true);
  });

  describe('and search the web', () => {
    const hold = { systemTokens: 0, maxCompletionTokens: 1000, searchTokens: 5000 };
    const window = { maxTokens: 6000, maxMessages: 20, systemTokens: 0, searchTokens: 5000 };
    const searching = (speech: Speech, text = 'a'.repeat(300)) =>
      admission(speech, { cause: 'command', search: true, text, hold, window });
    const held = async (id: string) => (await stored(database.sql, id))?.tokens;

    it('hold for the searches of what goes on where no part of an answer shows', async () => {
      const asked = searching(someone());
      const turn = ran(await store.turns.admit(asked));
      await store.turns.settle(settlement(turn, { state: 'interrupted', answer: null, attempts: [] }));
      await store.turns.markDelivered(turn, { unreachable: null, isRetracted: false });
      const on = ran(await store.turns.repeat(repetition(asked, 'continue')));
      expect(on.previous).toBeNull();
      expect(await held(on.id)).toBe(3 * 100 + 5000 + 1000);
    });

    it('hold for each reading of the history, as it is or may become', async () => {
      const speech = someone();
      await answered(store.turns, admission(speech, { text: 'b'.repeat(600) }), 'c'.repeat(900));
      const first = searching(speech);
      const running = ran(await store.turns.admit(first));
      expect(await held(running.id)).toBe(3 * (200 + 300 + 100) + 5000 + 1000);
      const second = searching(speech);
      await store.turns.admit(second);
      // What waits reckons with what the turn before it may have become: its questions, and an answer of up to 1000 tokens.
      const before = 3 * (200 + 300 + 100 + 100 + (100 + 1000)) + 5000 + 1000;
      expect(await held(second.turnId)).toBe(before);
      await store.turns.edit(change(second, 'a'.repeat(600)));
      expect(await held(second.turnId)).toBe(before + 3 * 100);
    });

    it('read no more than what is held for all readings of it', async () => {
      const speech = someone();
      const running = ran(await store.turns.admit(searching(speech)));
      const second = searching(speech);
      await store.turns.admit(second);
      // Longer than was to be expected of it: three times that is more than what is held.
      const begun = next(await finish(store.turns, running, 'c'.repeat(3900), { window }));
      expect(begun.window.map(({ text }) => text.length)).toEqual([300]);
    });
  });

  describe('anew', () => {
    it('are versions of one answer in one reply, of which the newest counts', async () => {
      const speech = someone();
      const asked = admission(speech, { text: 'one' });
      const first = await answered(store.turns, asked, 'v1');
      await store.turns.partSent(first, 0, '701');
      const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
      expect(again).toMatchObject({
        cause: 'regenerate',
        replyOf: first.id,
        after: null,
        waited: [],
        previous: { text: 'v1', isPartial: false },
        replyTarget: asked.envelope.replyTarget,
        parts: [{ index: 0, platformMessageId: '701' }],
      });
      expect(texts(again)).toEqual(['one']);
      expect(await finish(store.turns, again, 'v2')).toMatchObject({ versions: { index: 2, count: 2 } });
      expect(await remembered(store.turns, asked)).toEqual(['one', 'v2']);
      expect(await stored(database.sql, again.id)).toMatchObject({ holds: 0, usage: 1 });
    });

    it('leave what was said since where it was', async () => {
      const { asked } = await versions(1);
      const { author } = asked.envelope;
      const chat = Number(asked.envelope.place.split(':')[2]);
      await answered(store.turns, admission({ author, chat }, { text: 'two' }), 'second');
      const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
      expect(texts(again)).toEqual(['one']);
      await finish(store.turns, again, 'v2');
      expect(await remembered(store.turns, asked)).toEqual(['one', 'v1', 'two', 'second']);
    });

    it('keep the answer that shows where none comes', async () => {
      const { asked, turns } = await versions(1);
      const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
      const failed = { state: 'failed', answer: null, attempts: [], notice: NOTICE } as const;
      expect(await store.turns.settle(settlement(again, failed))).toMatchObject({
        versions: { index: 1, count: 1 },
      });
      clock = NOON + MINUTE_MS;
      const { deliver } = await store.turns.claimWork(claim({ limit: 1000 }));
      clock = NOON;
      expect(deliver.find(({ id }) => id === again.id)).toMatchObject({
        state: 'failed',
        answer: 'v1',
        notice: NOTICE,
        replyOf: turns[0]?.id,
        versions: { index: 1, count: 1 },
      });
      expect(await remembered(store.turns, asked)).toEqual(['one', 'v1']);
    });

    it('are given to a question that had none, with its place in the conversation', async () => {
      const speech = someone();
      const asked = admission(speech, { text: 'one' });
      const failed = await run(store.turns, asked);
      await store.turns.settle(settlement(failed, { state: 'failed', answer: null, attempts: [] }));
      await store.turns.markDelivered(failed, DELIVERED);
      await answered(store.turns, admission(speech, { text: 'two' }), 'second');
      const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
      expect(again.previous).toBeNull();
      await finish(store.turns, again, 'late answer');
      expect(await remembered(store.turns, asked)).toEqual(['one', 'late answer', 'two', 'second']);
    });

    it('are given at the end of the conversation to a question that was given up in the queue', async () => {
      const speech = someone();
      const first = await run(store.turns, admission(speech, { text: 'zero' }));
      const asked = admission(speech, { text: 'one' });
      await store.turns.admit(asked);
      await finish(store.turns, first, 'a', { instance: 'one' });
      // Its turn began with that settlement; it is put back as if it had waited for too long.
      await database.sql`update turns set state = 'queued', started_at = null, epoch = 0 where id = ${asked.turnId}`;
      await database.sql`update messages set parent_id = null where turn_id = ${asked.turnId}`;
      await database.sql`update conversations set head_message_id = (select answer_message_id from turns where id = ${first.id})
        where id = ${first.conversationId}`;
      clock = NOON + MINUTE_MS;
      const { deliver } = await store.turns.claimWork(claim({ limit: 1000, maxAgeMs: 30_000 }));
      const given = deliver.find(({ id }) => id === asked.turnId);
      expect(given).toMatchObject({ state: 'interrupted', notice: NOTICE });
      await store.turns.markDelivered(given ?? first, DELIVERED);
      const again = ran(await store.turns.repeat(repetition(asked, 'continue')));
      clock = NOON;
      expect(texts(again)).toEqual(['zero', 'a', 'one']);
      await finish(store.turns, again, 'b');
      expect(await remembered(store.turns, asked)).toEqual(['zero', 'a', 'one', 'b']);
    });

    it('wait behind what runs in the conversation', async () => {
      const { asked } = await versions(1);
      const chat = Number(asked.envelope.place.split(':')[2]);
      const busy = await run(store.turns, admission({ author: asked.envelope.author, chat }));
      const request = repetition(asked, 'regenerate');
      expect(await store.turns.repeat(request)).toMatchObject({ kind: 'queued', ahead: 1 });
      const begun = next(await finish(store.turns, busy, 'other'));
      expect(begun).toMatchObject({ id: request.turnId, after: busy.id, waited: [] });
      expect(texts(begun)).toEqual(['one']);
    });
  });

  describe('further', () => {
    it('take the place of the part that was there, also for what was said since', async () => {
      const speech = someone();
      const asked = admission(speech, { text: 'one' });
      const turn = await run(store.turns, asked);
      await store.turns.settle(settlement(turn, { answer: answer('Half a ', true) }));
      await store.turns.markDelivered(turn, DELIVERED);
      await answered(store.turns, admission(speech, { text: 'two' }), 'second');
      const more = ran(await store.turns.repeat(repetition(asked, 'continue')));
      expect(more).toMatchObject({ cause: 'continue', previous: { text: 'Half a ', isPartial: true } });
      expect(texts(more)).toEqual(['one']);
      expect(await finish(store.turns, more, 'Half a burrito.')).toMatchObject({
        versions: { index: 1, count: 1 },
      });
      expect(await remembered(store.turns, asked)).toEqual(['one', 'Half a burrito.', 'two', 'second']);
    });

    it('hold what there is of the answer, too', async () => {
      const asked = admission(someone(), { text: 'one' });
      const turn = await run(store.turns, asked);
      await store.turns.settle(settlement(turn, { answer: answer('x'.repeat(600), true) }));
      await store.turns.markDelivered(turn, DELIVERED);
      const more = ran(await store.turns.repeat(repetition(asked, 'continue')));
      expect(await stored(database.sql, more.id)).toMatchObject({ tokens: 1 + 200 + 1000 });
    });
  });

  describe('by a press', () => {
    it('are for the asker, an admin of the guild and operators, each at their own cost', async () => {
      const guild = community();
      const speech = { author: person(), chat: nextId(), guild };
      const { asked } = await versions(1, speech);
      const nobody = stranger();
      const others = [nobody, { ...nobody, adminOf: community().id }];
      for (const by of others)
        expect(await store.turns.repeat(repetition(asked, 'regenerate', { by }))).toEqual({
          kind: 'not_yours',
        });
      const admins = [
        { ...stranger(), adminOf: guild.id },
        { ...stranger(), isOperator: true },
      ];
      for (const by of admins) {
        const turn = ran(await store.turns.repeat(repetition(asked, 'regenerate', { by })));
        expect(turn.author.id).toBe(by.user);
        await finish(store.turns, turn, 'again');
        const [row] = await database.sql`
          select u.platform_user_id as payer from usage join users u on u.id = usage.user_id where turn_id = ${turn.id}`;
        expect(row).toEqual({ payer: by.user });
      }
    });

    it('in another guild, or in private, are not there', async () => {
      const { asked } = await versions(1, { author: person(), chat: nextId(), guild: community() });
      const elsewhere = repetition(asked, 'regenerate');
      for (const guild of [null, community()])
        expect(
          await store.turns.repeat({ ...elsewhere, envelope: { ...elsewhere.envelope, guild } }),
        ).toEqual({
          kind: 'gone',
        });
    });

    it('are refused by the quota and for other reasons, and change nothing', async () => {
      const { asked } = await versions(1);
      const defaults = { user: { requests_day: 1 }, guild: {}, instance: {} };
      expect(await store.turns.repeat(repetition(asked, 'regenerate', { defaults }))).toMatchObject({
        kind: 'refused',
        refusal: { reason: 'quota', metric: 'requests' },
      });
      const refusal = { reason: 'rate_limited', retryAfterMs: 1000 } as const;
      expect(await store.turns.repeat(repetition(asked, 'regenerate', { refusal }))).toEqual({
        kind: 'refused',
        refusal,
      });
      expect(await remembered(store.turns, asked)).toEqual(['one', 'v1']);
    });

    it('on something unknown, or refused, are for nothing', async () => {
      const refused = admission(someone(), { refusal: { reason: 'empty_message' } });
      await store.turns.admit(refused);
      for (const asked of [admission(someone()), refused])
        expect(await store.turns.repeat(repetition(asked, 'regenerate'))).toEqual({ kind: 'gone' });
    });

    it('wait until the reply is complete', async () => {
      const asked = admission(someone());
      const turn = await run(store.turns, asked);
      expect(await store.turns.repeat(repetition(asked, 'regenerate'))).toEqual({ kind: 'busy' });
      await store.turns.settle(settlement(turn));
      expect(await store.turns.repeat(repetition(asked, 'regenerate'))).toEqual({ kind: 'busy' });
      await store.turns.markDelivered(turn, DELIVERED);
      expect(await store.turns.repeat(repetition(asked, 'regenerate'))).toMatchObject({ kind: 'run' });
    });

    it('count once, however often they are delivered, and once of several at a time', async () => {
      const { asked } = await versions(1);
      const press = repetition(asked, 'regenerate');
      const presses = [
        ...Array.from({ length: 5 }, () => ({ ...press, turnId: repetition(asked, 'regenerate').turnId })),
        ...Array.from({ length: 5 }, () => repetition(asked, 'continue')),
      ];
      const verdicts = await Promise.all(presses.map((request) => store.turns.repeat(request)));
      expect(verdicts.filter((verdict) => verdict.kind === 'run')).toHaveLength(1);
      expect(new Set(verdicts.map((verdict) => verdict.kind))).toEqual(
        verdicts.some((verdict) => verdict.kind === 'duplicate')
          ? new Set(['run', 'duplicate', 'busy'])
          : new Set(['run', 'busy']),
      );
    });
  });

  describe('and shown by choice', () => {
    it('go round, and what shows is what is remembered', async () => {
      const { asked, turns } = await versions(3);
      const shown: unknown[] = [];
      for (const step of [-1, -1, -1, 1, 1] as const) {
        const verdict = await store.turns.selectVersion(selection(asked, step));
        if (verdict.kind !== 'selected') throw new Error(verdict.kind);
        const { id, answer: text, versions: of, replyOf } = verdict.turn;
        shown.push([text, of.index, of.count]);
        expect(id).toBe(turns[of.index - 1]?.id);
        expect(replyOf).toBe(of.index === 1 ? null : turns[0]?.id);
        await store.turns.markDelivered(verdict.turn, DELIVERED);
      }
      expect(shown).toEqual([
        ['v2', 2, 3],
        ['v1', 1, 3],
        ['v3', 3, 3],
        ['v1', 1, 3],
        ['v2', 2, 3],
      ]);
      expect(await remembered(store.turns, asked)).toEqual(['one', 'v2']);
      const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
      expect(again.previous).toEqual({ text: 'v2', isPartial: false, search: null });
    });

    it('are delivered again, by another process when the first is lost, however old they are', async () => {
      const { asked, turns } = await versions(2);
      clock = NOON + 3 * DAY_MS;
      const verdict = await store.turns.selectVersion(selection(asked, -1));
      expect(verdict).toMatchObject({
        kind: 'selected',
        turn: { id: turns[0]?.id, epoch: 2, state: 'generated', leasedAtMs: expect.any(Number) },
      });
      clock += MINUTE_MS;
      const { deliver } = await store.turns.claimWork(claim({ limit: 1000 }));
      clock = NOON;
      const found = deliver.find(({ id }) => id === turns[0]?.id);
      expect(found).toMatchObject({ answer: 'v1', epoch: 3, versions: { index: 1, count: 2 } });
      await store.turns.markDelivered(found ?? { id: asked.turnId, epoch: 0 }, DELIVERED);
      expect(await stored(database.sql, asked.turnId)).toMatchObject({
        state: 'delivered',
        isDelivered: true,
      });
    });

    it('are not there where there is one only, or the question was changed', async () => {
      const { asked } = await versions(1);
      expect(await store.turns.selectVersion(selection(asked, 1))).toEqual({ kind: 'gone' });
      expect(await store.turns.selectVersion(selection(admission(someone()), 1))).toEqual({ kind: 'gone' });
      const many = await versions(3);
      await finish(store.turns, ran(await store.turns.edit(change(many.asked, 'uno'))), 'new');
      expect(await store.turns.selectVersion(selection(many.asked, 1))).toEqual({ kind: 'gone' });
    });

    it('are for those who may decide, and wait for the reply', async () => {
      const { asked } = await versions(2);
      expect(await store.turns.selectVersion(selection(asked, 1, { by: stranger() }))).toEqual({
        kind: 'not_yours',
      });
      const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
      expect(await store.turns.selectVersion(selection(asked, 1))).toEqual({ kind: 'busy' });
      await finish(store.turns, again, 'v3');
      expect(await store.turns.selectVersion(selection(asked, 1))).toMatchObject({ kind: 'selected' });
      expect(await store.turns.repeat(repetition(asked, 'regenerate'))).toEqual({ kind: 'busy' });
    });

    it('move one step for a press that is delivered ten times, and for ten presses at once', async () => {
      const { asked } = await versions(3);
      const press = selection(asked, 1);
      const presses = [
        ...Array.from({ length: 5 }, () => press),
        ...Array.from({ length: 5 }, () => selection(asked, -1)),
      ];
      const verdicts = await Promise.all(presses.map((request) => store.turns.selectVersion(request)));
      const selected = verdicts.flatMap((verdict) => (verdict.kind === 'selected' ? [verdict.turn] : []));
      expect(selected).toHaveLength(1);
    });

    it('stay as they are when a press is delivered again, while they are shown and after that', async () => {
      const { asked } = await versions(3);
      const press = selection(asked, 1);
      const verdict = await store.turns.selectVersion(press);
      expect(await store.turns.selectVersion(press)).toEqual({ kind: 'duplicate' });
      const shown = verdict.kind === 'selected' ? verdict.turn : { id: asked.turnId, epoch: 0 };
      await store.turns.markDelivered(shown, DELIVERED);
      expect(await store.turns.selectVersion(press)).toEqual({ kind: 'duplicate' });
      expect(await remembered(store.turns, asked)).toEqual(['one', 'v1']);
    });
  });
});
