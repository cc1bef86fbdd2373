import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmitRequest } from '../../../src/conversation/ports.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { answered, change, deletion, finish, next, ran, remembered, repetition, stored } from './deeds.ts';
import { openStore } from './open-store.ts';
import {
  admission,
  claim,
  DELIVERED,
  nextId,
  person,
  run,
  settlement,
  texts,
  type Speech,
} from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
const NOTHING = { cancel: [], deliver: [] };

describe.each(databaseKinds)('a message that is deleted on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const someone = (): Speech => ({ author: person(), chat: nextId() });
  const remove = (...said: readonly AdmitRequest[]) => store.turns.deleteMessages(deletion(...said));
  const sweep = async (ms: number) => {
    clock = NOON + ms;
    try {
      return await store.turns.claimWork(claim({ limit: 1000 }));
    } finally {
      clock = NOON;
    }
  };

  it('that nobody knows changes nothing', async () => {
    expect(await remove(admission(someone()))).toEqual(NOTHING);
  });

  it('takes what was found for its answer with it', async () => {
    const asked = admission(someone());
    const turn = ran(await store.turns.admit(asked));
    const { answer } = settlement(turn);
    const search = { searches: 1, costNanoUsd: 7, sources: [{ url: 'https://a.example/', title: 'A' }] };
    await finish(store.turns, turn, 'x', { answer: answer && { ...answer, search } });
    await remove(asked);
    const rows = await database.sql`select text, search from messages where turn_id = ${turn.id}`;
    expect(rows).toEqual([
      { text: '', search: null },
      { text: '', search: null },
    ]);
  });

  it('leaves the others in sight for as long as they fit', async () => {
    const speech = someone();
    const window = { maxTokens: 6000, maxMessages: 6, systemTokens: 0 };
    const said: AdmitRequest[] = [];
    const say = async (text: string) => {
      const asked = admission(speech, { text, window });
      said.push(asked);
      return texts(await answered(store.turns, asked, `${text}!`));
    };
    for (const text of ['a', 'b', 'c']) await say(text);
    const [first, second] = said;
    if (first === undefined || second === undefined) throw new Error('Nothing was said.');
    await remove(second);
    await remove(first);
    expect(await say('d')).toEqual(['c', 'c!', 'd']);
    expect(await say('e')).toEqual(['c', 'c!', 'd', 'd!', 'e']);
    expect(await say('f')).toEqual(['d!', 'e', 'e!', 'f']);
    const rows = await database.sql<{ stands: string }[]>`
      select messages_before || '/' || tokens_before as stands from messages
      where deleted_at is null and conversation_id = (select conversation_id from messages where platform_message_id = ${first.envelope.messageId})
      order by messages_before`;
    expect(rows.map(({ stands }) => stands)).toEqual([
      '0/0',
      '1/1',
      '2/4',
      '3/5',
      '4/8',
      '5/9',
      '6/12',
      '7/13',
    ]);
  });

  it('ends its turn while that waits, and holds nothing', async () => {
    const speech = someone();
    const first = await run(store.turns, admission(speech, { text: 'zero' }));
    const asked = admission(speech, { text: 'one' });
    await store.turns.admit(asked);
    expect(await remove(asked)).toEqual(NOTHING);
    expect(await stored(database.sql, asked.turnId)).toEqual({
      state: 'cancelled',
      isDelivered: true,
      holds: 0,
      tokens: 0,
      usage: 0,
    });
    expect((await finish(store.turns, first, 'a')).next).toBeNull();
    expect(await remembered(store.turns, asked)).toEqual(['zero', 'a']);
  });

  it('stops its turn while that runs; nothing is kept but what it used', async () => {
    const speech = someone();
    const asked = admission(speech, { text: 'one' });
    const running = await run(store.turns, asked);
    expect(await remove(asked)).toEqual({ cancel: [running.id], deliver: [] });
    expect((await store.turns.renewLeases('one', [running], 9000)).cancelled).toEqual([running.id]);
    const result = await store.turns.settle(settlement(running));
    expect(result).toMatchObject({ kind: 'settled', fate: 'retracted' });
    expect(await stored(database.sql, running.id)).toMatchObject({
      state: 'cancelled',
      isDelivered: false,
      holds: 0,
      usage: 1,
    });
    await store.turns.markDelivered(running, { unreachable: null, isRetracted: true });
    expect(await stored(database.sql, running.id)).toMatchObject({ isDelivered: true });
    expect(await remembered(store.turns, asked)).toEqual([]);
    const words = await database.sql`select text from messages where turn_id = ${running.id}`;
    expect(words).toEqual([{ text: '' }]);
  });

  it('takes its answer away, from the chat and from what is remembered', async () => {
    const speech = someone();
    const asked = admission(speech, { text: 'one' });
    const turn = await answered(store.turns, asked, 'first answer');
    await store.turns.partSent(turn, 0, '601');
    await answered(store.turns, admission(speech, { text: 'two' }), 'second answer');
    const { cancel, deliver } = await remove(asked);
    expect(cancel).toEqual([]);
    expect(deliver).toMatchObject([
      {
        id: turn.id,
        epoch: 2,
        isRetracted: true,
        answer: null,
        after: null,
        state: 'generated',
        parts: [{ index: 0, platformMessageId: '601' }],
        leasedAtMs: expect.any(Number),
      },
    ]);
    expect(await remembered(store.turns, asked)).toEqual(['two', 'second answer']);
    const words = await database.sql`select distinct text from messages where turn_id = ${turn.id}`;
    expect(words).toEqual([{ text: '' }]);
    await store.turns.markDelivered(deliver[0] ?? turn, { unreachable: null, isRetracted: true });
    expect(await remove(asked)).toEqual(NOTHING);
    expect(await stored(database.sql, turn.id)).toMatchObject({ state: 'delivered', isDelivered: true });
  });

  it('has its answer taken away by another process when the first one is lost, however old it is', async () => {
    const asked = admission(someone());
    const turn = await answered(store.turns, asked);
    clock = NOON + 3 * DAY_MS;
    await remove(asked);
    const { deliver } = await sweep(3 * DAY_MS + MINUTE_MS);
    expect(deliver.filter(({ id }) => id === turn.id)).toMatchObject([{ epoch: 3, isRetracted: true }]);
  });

  it('is noticed by whoever shows the answer at that moment, once that is done', async () => {
    const asked = admission(someone());
    const turn = await run(store.turns, asked);
    await store.turns.settle(settlement(turn));
    expect(await remove(asked)).toEqual(NOTHING);
    await store.turns.markDelivered(turn, DELIVERED);
    expect(await stored(database.sql, turn.id)).toMatchObject({ isDelivered: false });
    const { deliver } = await sweep(1);
    const again = deliver.find(({ id }) => id === turn.id);
    expect(again).toMatchObject({ isRetracted: true, answer: null, notice: null });
    await store.turns.markDelivered(again ?? turn, { unreachable: null, isRetracted: true });
    expect(await stored(database.sql, turn.id)).toMatchObject({ isDelivered: true });
  });

  it('ends its turn also where everybody was gone for days', async () => {
    const asked = admission(someone());
    const turn = await run(store.turns, asked);
    await remove(asked);
    const { deliver } = await sweep(3 * DAY_MS);
    expect(deliver.find(({ id }) => id === turn.id)).toMatchObject({ state: 'cancelled', isRetracted: true });
    expect(await stored(database.sql, turn.id)).toMatchObject({ holds: 0 });
  });

  it('ends in another process as cancelled with nothing to say when its own is lost', async () => {
    const asked = admission(someone());
    const turn = await run(store.turns, asked);
    await remove(asked);
    const { run: begun, deliver } = await sweep(MINUTE_MS);
    expect(begun.map(({ id }) => id)).not.toContain(turn.id);
    expect(deliver.find(({ id }) => id === turn.id)).toMatchObject({
      state: 'cancelled',
      notice: null,
      answer: null,
      isRetracted: true,
    });
    expect(await stored(database.sql, turn.id)).toMatchObject({ holds: 0 });
  });

  it('takes all versions of its answer with it', async () => {
    const asked = admission(someone(), { text: 'one' });
    await answered(store.turns, asked, 'first');
    const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
    await finish(store.turns, again, 'second');
    const { deliver } = await remove(asked);
    expect(deliver).toMatchObject([{ id: again.id, isRetracted: true, answer: null }]);
    expect(await store.turns.repeat(repetition(asked, 'regenerate'))).toMatchObject({ kind: 'busy' });
    await store.turns.markDelivered(deliver[0] ?? again, { unreachable: null, isRetracted: true });
    expect(await store.turns.repeat(repetition(asked, 'regenerate'))).toEqual({ kind: 'gone' });
    expect(await remembered(store.turns, asked)).toEqual([]);
  });

  it('ends the turn that runs in its reply and the one that waits behind that', async () => {
    const asked = admission(someone(), { text: 'one' });
    const running = await run(store.turns, asked);
    const edited = change(asked, 'uno');
    await store.turns.edit(edited);
    expect(await remove(asked)).toEqual({ cancel: [running.id], deliver: [] });
    expect(await stored(database.sql, edited.turnId)).toMatchObject({ state: 'cancelled', holds: 0 });
    expect(await finish(store.turns, running, 'unused')).toMatchObject({ fate: 'retracted', next: null });
  });

  describe('with others that are answered together', () => {
    const piece = (speech: Speech, text: string) => admission(speech, { text, burstMs: 1500 });
    const burst = async () => {
      const speech = someone();
      const first = await run(store.turns, admission(speech, { text: 'zero' }));
      const said = ['one', 'two', 'three'].map((text) => piece(speech, text));
      for (const request of said) await store.turns.admit(request);
      return { speech, first, said };
    };

    it.each([
      [0, ['two', 'three']],
      [1, ['one', 'three']],
      [2, ['one', 'two']],
    ])('goes alone while they wait: number %i', async (index, rest) => {
      const { speech, first, said } = await burst();
      expect(await remove(said[index] ?? admission(speech))).toEqual(NOTHING);
      const begun = next(await finish(store.turns, first, 'a'));
      expect(texts(begun)).toEqual(['zero', 'a', ...rest]);
      await finish(store.turns, begun, 'b');
      expect(await remembered(store.turns, admission(speech))).toEqual(['zero', 'a', ...rest, 'b']);
    });

    it.each([
      [0, ['two', 'three']],
      [1, ['one', 'three']],
      [2, ['one', 'two']],
    ])('leaves the answer to the others: number %i', async (index, rest) => {
      const { speech, first, said } = await burst();
      await finish(store.turns, next(await finish(store.turns, first, 'a')), 'b');
      expect(await remove(said[index] ?? admission(speech))).toEqual(NOTHING);
      expect(await remembered(store.turns, admission(speech))).toEqual(['zero', 'a', ...rest, 'b']);
      const again = ran(await store.turns.repeat(repetition(said[0] ?? admission(speech), 'regenerate')));
      expect(texts(again)).toEqual(['zero', 'a', ...rest]);
    });

    it('takes the answer with it when it is the last of them', async () => {
      const { speech, first, said } = await burst();
      const turn = next(await finish(store.turns, first, 'a'));
      await finish(store.turns, turn, 'b');
      const { deliver } = await remove(...said);
      expect(deliver).toMatchObject([{ id: turn.id, isRetracted: true }]);
      expect(await remembered(store.turns, admission(speech))).toEqual(['zero', 'a']);
    });

    /** A turn that runs and the one that takes it over. */
    const takenOver = async () => {
      const speech = someone();
      const said = [piece(speech, 'one'), piece(speech, 'two')] as const;
      const running = await run(store.turns, said[0]);
      await store.turns.admit({ ...said[1], unshown: [running.id] });
      return { said, running };
    };

    it.each([
      [0, 'two'],
      [1, 'one'],
    ] as const)('goes alone where a turn took another one over: number %i', async (index, rest) => {
      const { said, running } = await takenOver();
      expect(await remove(said[index])).toEqual(NOTHING);
      const settled = await finish(store.turns, running, 'unused');
      expect(settled).toMatchObject({ fate: 'merged' });
      expect(texts(next(settled))).toEqual([rest]);
    });

    it.each([
      [0, 1],
      [1, 0],
    ] as const)('ends both turns when it is the last of them: number %i, then %i', async (first, last) => {
      const { said, running } = await takenOver();
      await remove(said[first]);
      expect(await remove(said[last])).toEqual({ cancel: [running.id], deliver: [] });
      expect(await finish(store.turns, running, 'unused')).toMatchObject({ fate: 'retracted', next: null });
    });
  });

  it('is decided one way when its turn is settled at the same moment', async () => {
    for (let round = 0; round < 12; round += 1) {
      const asked = admission(someone(), { text: 'one' });
      const running = await run(store.turns, asked);
      const [result, deleted] = await Promise.all([
        store.turns.settle(settlement(running)),
        remove(asked),
        remove(asked),
      ]);
      const isStopped = result.kind === 'settled' && result.fate === 'retracted';
      expect(deleted.deliver).toEqual([]);
      await store.turns.markDelivered(running, { unreachable: null, isRetracted: isStopped });
      expect(await stored(database.sql, running.id)).toMatchObject({
        isDelivered: isStopped,
        holds: 0,
        state: isStopped ? 'cancelled' : 'generated',
      });
      expect(await remembered(store.turns, asked)).toEqual([]);
    }
  });
});
