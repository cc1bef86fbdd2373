import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenUsage } from '../../../src/completion/attempt.ts';
import type { AdmitRequest } from '../../../src/conversation/ports.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { answered, finish, next, ran } from './deeds.ts';
import { openStore } from './open-store.ts';
import {
  admission,
  attempt,
  community,
  nextId,
  person,
  run,
  settlement,
  spent,
  texts,
  type Speech,
} from './requests.ts';

describe.each(databaseKinds)('caching on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  beforeAll(async () => {
    ({ database, store } = await openStore(kind));
  });
  afterAll(() => database.close());

  const someone = (): Speech => ({ author: person(), chat: nextId() });
  const reportOf = (speech: Speech, repliesTo: AdmitRequest['repliesTo'] = null) => {
    const { envelope } = admission(speech);
    return store.usage.cachingOf({ author: envelope.author, place: envelope.place, repliesTo });
  };
  const used = (changes: Partial<TokenUsage>): TokenUsage => ({ ...spent(1000, 10), ...changes });

  describe('of a conversation', () => {
    it('is the sum over its attempts, whoever tells of them and however often', async () => {
      const speech = someone();
      const first = await run(store.turns, admission(speech));
      await store.turns.attemptStarted(first, {
        index: 0,
        provider: 'openrouter',
        model: 'acme/small',
        generationId: 'gen-1',
      });
      const attempts = [
        attempt({ index: 0, outcome: 'failed', usage: null }),
        attempt({ index: 1, usage: used({ cacheWriteTokens: 800, savedNanoUsd: -200n }) }),
      ];
      const settled = settlement(first, { attempts });
      await store.turns.settle(settled);
      await store.turns.settle(settled);
      expect(await reportOf(speech)).toEqual({
        messages: 2,
        promptTokens: 1000,
        cachedTokens: 0,
        savedNanoUsd: -200n,
      });
      const second = await run(store.turns, admission(speech));
      const usage = used({ cachedTokens: 800, savedNanoUsd: 3_000_000_000_000n });
      await finish(store.turns, second, 'x', { attempts: [attempt({ usage })] });
      expect(await reportOf(speech)).toEqual({
        messages: 4,
        promptTokens: 2000,
        cachedTokens: 800,
        savedNanoUsd: 2_999_999_999_800n,
      });
      const [row] = await database.sql<{ writes: number }[]>`
        select cache_write_tokens::int as writes from conversations where id = ${first.conversationId}`;
      expect(row?.writes).toBe(800);
    });

    it('counts attempts of releases that knew nothing of it for their tokens', async () => {
      const speech = someone();
      const turn = await run(store.turns, admission(speech));
      await finish(store.turns, turn, 'x', { attempts: [attempt({ usage: used({ cachedTokens: 5 }) })] });
      expect(await reportOf(speech)).toMatchObject({ promptTokens: 1000, cachedTokens: 5, savedNanoUsd: 0n });
    });

    it('is corrected where what an attempt used is told anew', async () => {
      const speech = someone();
      const turn = await answered(store.turns, admission(speech));
      await database.sql`
        update attempts set usage = usage || '{"promptTokens": 7, "cachedTokens": 3, "savedNanoUsd": "-9"}' where turn_id = ${turn.id}`;
      expect(await reportOf(speech)).toEqual({
        messages: 2,
        promptTokens: 7,
        cachedTokens: 3,
        savedNanoUsd: -9n,
      });
    });
  });

  describe('where it is asked for', () => {
    it('is nothing before a conversation begins, and again once it is closed', async () => {
      const speech = someone();
      expect(await reportOf(speech)).toBeNull();
      await answered(store.turns, admission(speech));
      expect(await reportOf({ ...speech, author: person() })).toMatchObject({ messages: 2 });
      await store.turns.startConversation(admission(speech).envelope);
      expect(await reportOf(speech)).toBeNull();
    });

    it('is of the chain that is answered, else of the one in which the person asked last', async () => {
      const [guild, chat] = [community(), nextId()];
      const [ann, bob] = [person(), person('Bob')].map((author) => ({ author, chat, guild }));
      if (ann === undefined || bob === undefined) throw new Error('Somebody is missing.');
      const [first, second] = [admission(ann), admission(ann)];
      await answered(store.turns, first);
      await answered(store.turns, second);
      await answered(store.turns, admission(bob, { repliesTo: first.envelope.messageId }));
      const third = admission(bob);
      const turn = await run(store.turns, third);
      await store.turns.partSent(turn, 0, '77');
      await finish(store.turns, turn, 'x', { attempts: [attempt({ usage: used({ promptTokens: 3 }) })] });
      expect(await reportOf(ann)).toMatchObject({ messages: 2, promptTokens: 100 });
      expect(await reportOf(bob)).toMatchObject({ promptTokens: 3 });
      const answerOf = (message: string) => `telegram:${chat}:${message}` as AdmitRequest['repliesTo'];
      expect(await reportOf(ann, answerOf('77'))).toMatchObject({ promptTokens: 3 });
      expect(await reportOf({ ...ann, author: person() })).toBeNull();
      expect(await reportOf({ ...ann, chat: nextId() })).toBeNull();
    });
  });

  it('keeps where messages stand, also of those that waited together', async () => {
    const speech = someone();
    await answered(store.turns, admission(speech, { estTokens: 10 }));
    const first = await run(store.turns, admission(speech, { estTokens: 20 }));
    const burst = { burstMs: 60_000 };
    const waiting = [100, 200, 300].map((estTokens) => admission(speech, { estTokens, ...burst }));
    for (const request of waiting) await store.turns.admit(request);
    await finish(store.turns, next(await finish(store.turns, first, 'b')), 'c');
    await finish(store.turns, ran(await store.turns.admit(admission(speech, { estTokens: 5 }))), 'd');
    const rows = await database.sql<{ stands: string }[]>`
      select m.messages_before || '/' || m.tokens_before as stands from messages m
      where m.conversation_id = ${first.conversationId} order by m.messages_before`;
    expect(rows.map(({ stands }) => stands)).toEqual(
      // An answer has 3 tokens.
      ['0/0', '1/10', '2/13', '3/33', '4/36', '5/136', '6/336', '7/636', '8/639', '9/644'],
    );
  });

  it('lets a conversation that is older than what is kept of it begin as late as it has to', async () => {
    const speech = someone();
    const window = { maxTokens: 6000, maxMessages: 6, systemTokens: 0 };
    const say = async (text: string) => {
      const turn = await run(store.turns, admission(speech, { text, window }));
      await finish(store.turns, turn, `${text}!`);
      return texts(turn);
    };
    for (const text of ['a', 'b', 'c', 'd']) await say(text);
    await database.sql`
      update messages set messages_before = null, tokens_before = null
      where conversation_id = (select id from conversations where place = ${admission(speech).envelope.place})`;
    expect(await say('e')).toEqual(['b!', 'c', 'c!', 'd', 'd!', 'e']);
    expect(await say('f')).toEqual(['c!', 'd', 'd!', 'e', 'e!', 'f']);
    // What is known begins to count: of six messages three go at a time.
    for (const text of ['g', 'h']) await say(text);
    expect(await say('i')).toEqual(['g!', 'h', 'h!', 'i']);
    expect(await say('j')).toEqual(['g!', 'h', 'h!', 'i', 'i!', 'j']);
  });
});
