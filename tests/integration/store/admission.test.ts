import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmitVerdict } from '../../../src/conversation/ports.ts';
import { messageId, originKey, placeId, turnId, userId } from '../../../src/platform/ids.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, community, converse, nextId, person, run, settlement, texts } from './requests.ts';

const operator = userId('telegram', 1);
const NOTHING_CHOSEN = {
  model: null,
  locale: null,
  isOwnModel: false,
  temperature: null,
  maxTokens: null,
  optimises: null,
  allowsFallback: false,
  allowedModels: null,
  allowsSearch: false,
};

describe.each(databaseKinds)('admission on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind));
  });
  afterAll(() => database.close());

  const internalId = async (table: 'guilds' | 'users', id: string): Promise<string> => {
    const column = table === 'guilds' ? 'platform_guild_id' : 'platform_user_id';
    const { sql } = database;
    const [row] = await sql<{ id: string }[]>`select id from ${sql(table)} where ${sql(column)} = ${id}`;
    return row?.id ?? '';
  };

  describe('of the same event', () => {
    it('gives one turn and nineteen duplicates for twenty deliveries at once', async () => {
      const speech = { author: person(), chat: nextId(), guild: community(), message: nextId() };
      const deliveries = Array.from({ length: 20 }, () => admission(speech));
      const verdicts = await Promise.all(deliveries.map((request) => store.turns.admit(request)));
      const ran = verdicts.filter((verdict) => verdict.kind === 'run');
      expect(ran).toHaveLength(1);
      const [winner] = ran;
      expect(verdicts.filter((verdict) => verdict !== winner)).toEqual(
        Array.from({ length: 19 }, () => ({ kind: 'duplicate', turnId: winner?.turn.id, state: 'running' })),
      );
    });

    it('stays a duplicate when the second delivery would be refused', async () => {
      const speech = { author: person(), chat: nextId(), message: nextId() };
      const turn = await run(store.turns, admission(speech));
      const again = admission(speech, { refusal: { reason: 'rate_limited', retryAfterMs: 1000 } });
      expect(await store.turns.admit(again)).toEqual({
        kind: 'duplicate',
        turnId: turn.id,
        state: 'running',
      });
    });

    it('stays refused when the second delivery could run', async () => {
      const speech = { author: person(), chat: nextId(), message: nextId() };
      const refusal = { reason: 'rate_limited', retryAfterMs: 1000 } as const;
      const first = await store.turns.admit(admission(speech, { refusal }));
      expect(first).toMatchObject({ kind: 'refused', epoch: 1, refusal });
      expect(await store.turns.admit(admission(speech))).toMatchObject({
        kind: 'duplicate',
        state: 'refused',
      });
    });

    it('is decided once when half of the deliveries find the limiter full', async () => {
      const speech = { author: person(), chat: nextId(), message: nextId() };
      const refusal = { reason: 'rate_limited', retryAfterMs: 1000 } as const;
      const requests = Array.from({ length: 12 }, (_, index) =>
        admission(speech, index % 2 === 0 ? { refusal } : {}),
      );
      const verdicts = await Promise.all(requests.map((request) => store.turns.admit(request)));
      expect(verdicts.filter((verdict) => verdict.kind !== 'duplicate')).toHaveLength(1);
    });
  });

  describe('of people', () => {
    it('refuses everyone during an emergency stop, and serves them after it', async () => {
      await store.control.stop({ scope: 'all' }, 'test', operator);
      const stopped = await store.turns.admit(admission({ author: person(), chat: nextId() }));
      await store.control.resume({ scope: 'all' }, operator);
      expect(stopped).toMatchObject({ kind: 'refused', refusal: { reason: 'stopped' } });
      await run(store.turns, admission({ author: person(), chat: nextId() }));
    });

    it('stops one guild and not the others', async () => {
      const [stopped, other] = [community(), community()];
      await store.control.stop({ scope: 'guild', subject: stopped.id }, null, operator);
      const author = person();
      const verdict = await store.turns.admit(admission({ author, chat: nextId(), guild: stopped }));
      expect(verdict).toMatchObject({ kind: 'refused', refusal: { reason: 'stopped' } });
      await run(store.turns, admission({ author, chat: nextId(), guild: other }));
    });

    it('refuses a blocked person everywhere, and one blocked in a guild only there', async () => {
      const [outcast, banned] = [person(), person()];
      const guild = community();
      await store.control.block({ kind: 'user', id: outcast.id, within: null }, null, operator);
      await store.control.block({ kind: 'user', id: banned.id, within: guild.id }, null, operator);
      const blocked = { kind: 'refused', refusal: { reason: 'blocked' } };
      expect(await store.turns.admit(admission({ author: outcast, chat: nextId() }))).toMatchObject(blocked);
      expect(await store.turns.admit(admission({ author: banned, chat: nextId(), guild }))).toMatchObject(
        blocked,
      );
      await run(store.turns, admission({ author: banned, chat: nextId() }));
      await run(store.turns, admission({ author: banned, chat: nextId(), guild: community() }));
    });

    it('takes the approval of the guild in a guild, and that of the person in private', async () => {
      const author = person();
      const guild = community();
      const access = 'if_approved';
      const needed = { kind: 'refused', refusal: { reason: 'approval_needed' } };
      const inGuild = () => store.turns.admit(admission({ author, chat: nextId(), guild }, { access }));
      const inPrivate = () => store.turns.admit(admission({ author, chat: nextId() }, { access }));
      expect(await inGuild()).toMatchObject(needed);
      await store.accessRequests.approve(admission({ author, chat: nextId() }).envelope, guild.id);
      expect(await inGuild()).toMatchObject({ kind: 'run' });
      expect(await inPrivate()).toMatchObject(needed);
      await store.accessRequests.approve(admission({ author, chat: nextId() }).envelope, author.id);
      expect(await inPrivate()).toMatchObject({ kind: 'run' });
    });

    it('refuses whom the policy denies, with what they have set', async () => {
      const author = person();
      await run(store.turns, admission({ author, chat: nextId() }));
      await store.settings.write('user', await internalId('users', author.id), 'locale', 'id', author.id);
      const verdict = await store.turns.admit(admission({ author, chat: nextId() }, { access: 'denied' }));
      expect(verdict).toMatchObject({
        kind: 'refused',
        refusal: { reason: 'access_denied' },
        settings: { model: null, locale: 'id', opensThread: false },
      });
    });

    it('gives the person’s choices before those of the guild', async () => {
      const author = person();
      const guild = community();
      await run(store.turns, admission({ author, chat: nextId(), guild }));
      const [user, community_] = [await internalId('users', author.id), await internalId('guilds', guild.id)];
      await store.settings.write('guild', community_, 'model', 'acme/guild', operator);
      await store.settings.write('guild', community_, 'locale', 'id', operator);
      await store.settings.write('user', user, 'model', 'acme/mine', author.id);
      const turn = await run(store.turns, admission({ author, chat: nextId(), guild }));
      expect(turn.settings).toEqual({
        ...NOTHING_CHOSEN,
        model: 'acme/mine',
        isOwnModel: true,
        locale: 'id',
        opensThread: false,
      });
    });

    it('follows a new name, and keeps the language when an event tells none', async () => {
      const author = person('Ann');
      await run(store.turns, admission({ author, chat: nextId() }));
      const turn = await run(
        store.turns,
        admission({ author: { ...author, name: 'Bea', locale: null }, chat: nextId() }),
      );
      expect(turn.author.name).toBe('Bea');
      const [row] =
        await database.sql`select reported_locale from users where id = ${turn.author.internalId}`;
      expect(row).toEqual({ reported_locale: 'en' });
    });
  });

  describe('of any text', () => {
    it('stores what a platform may send: emoji, NUL, halves of surrogate pairs, quotes', async () => {
      const text = `a\0b \ud800 'quoted" \\ 👩‍👩‍👧 \u{1F600}`;
      const turn = await run(store.turns, admission({ author: person(), chat: nextId() }, { text }));
      expect(texts(turn)).toEqual([`ab \ufffd 'quoted" \\ 👩‍👩‍👧 \u{1F600}`]);
    });

    it('returns all that a process needs to run the turn', async () => {
      const guild = community();
      const author = person('Ann');
      const request = admission({ author, chat: nextId(), guild });
      const turn = await run(store.turns, request);
      expect(turn).toEqual({
        id: request.turnId,
        conversationId: expect.any(String),
        epoch: 1,
        platform: 'telegram',
        originKey: request.envelope.originKey,
        place: request.envelope.place,
        cause: 'message',
        author: { id: author.id, internalId: expect.any(String), name: 'Ann' },
        guild: { id: guild.id, internalId: expect.any(String) },
        payer: 'operator',
        ownKey: null,
        budget: null,
        replyTarget: request.envelope.replyTarget,
        settings: { ...NOTHING_CHOSEN, opensThread: false },
        reportedLocale: 'en',
        maxCompletionTokens: 1000,
        window: [{ role: 'user', text: request.text, authorName: 'Ann' }],
        parts: [],
        admittedAtMs: expect.any(Number),
        leasedAtMs: expect.any(Number),
        replyOf: null,
        after: null,
        previous: null,
        waited: [],
        lost: [],
      });
    });
  });

  describe('into a conversation', () => {
    it('continues a private place', async () => {
      const author = person();
      const chat = nextId();
      await converse(store.turns, admission({ author, chat }, { text: 'one' }), 'first answer');
      const turn = await run(store.turns, admission({ author, chat }, { text: 'two' }));
      expect(texts(turn)).toEqual(['one', 'first answer', 'two']);
    });

    it('begins anew after a fresh start, once however often that is delivered', async () => {
      const author = person();
      const chat = nextId();
      const first = await converse(store.turns, admission({ author, chat }, { text: 'old' }));
      const command = admission({ author, chat }).envelope;
      await store.turns.startConversation(command);
      const second = await converse(store.turns, admission({ author, chat }, { text: 'new' }));
      await store.turns.startConversation(command);
      const third = await run(store.turns, admission({ author, chat }, { text: 'more' }));
      expect(texts(second)).toEqual(['new']);
      expect(third.conversationId).toBe(second.conversationId);
      expect(third.conversationId).not.toBe(first.conversationId);
    });

    it('begins a chain with each message of a guild that answers nothing', async () => {
      const [author, guild, chat] = [person(), community(), nextId()];
      const first = await converse(store.turns, admission({ author, chat, guild }));
      const second = await run(store.turns, admission({ author, chat, guild }, { text: 'other' }));
      expect(second.conversationId).not.toBe(first.conversationId);
      expect(texts(second)).toEqual(['other']);
    });

    it('continues the chain of the answer that is replied to, from there', async () => {
      const [guild, chat] = [community(), nextId()];
      const first = await converse(
        store.turns,
        admission({ author: person('Ann'), chat, guild }, { text: 'one' }),
        'first',
      );
      await store.turns.partSent(first, 0, '9001');
      await store.turns.intendPart(first, 1);
      await store.turns.partSent(first, 1, '9002');
      const reply = { text: 'two', repliesTo: messageId('telegram', chat, 9002) };
      const second = await run(store.turns, admission({ author: person('Bea'), chat, guild }, reply));
      expect(second.conversationId).toBe(first.conversationId);
      expect(second.window).toEqual([
        { role: 'user', text: 'one', authorName: 'Ann' },
        { role: 'assistant', text: 'first', authorName: null },
        { role: 'user', text: 'two', authorName: 'Bea' },
      ]);
    });

    it('branches from an earlier answer without what was said after it', async () => {
      const [author, chat] = [person(), nextId()];
      const first = await converse(store.turns, admission({ author, chat }, { text: 'one' }), 'first');
      await store.turns.partSent(first, 0, '77');
      await converse(store.turns, admission({ author, chat }, { text: 'two' }), 'second');
      const branch = { text: 'instead', repliesTo: messageId('telegram', chat, 77) };
      const turn = await converse(store.turns, admission({ author, chat }, branch), 'third');
      expect(texts(turn)).toEqual(['one', 'first', 'instead']);
      const next = await run(store.turns, admission({ author, chat }, { text: 'go on' }));
      expect(texts(next)).toEqual(['one', 'first', 'instead', 'third', 'go on']);
    });

    it('continues from a question when that is replied to', async () => {
      const [author, guild, chat, message] = [person(), community(), nextId(), nextId()];
      const first = await converse(store.turns, admission({ author, chat, guild, message }, { text: 'one' }));
      const reply = { text: 'two', repliesTo: messageId('telegram', chat, message) };
      const second = await run(store.turns, admission({ author, chat, guild }, reply));
      expect(second.conversationId).toBe(first.conversationId);
      expect(texts(second)).toEqual(['one', 'two']);
    });

    it('never follows a reply to a message of another place or guild', async () => {
      const [author, guild, chat] = [person(), community(), nextId()];
      const first = await converse(
        store.turns,
        admission({ author, chat, guild, message: 5 }, { text: 'secret' }),
      );
      await store.turns.partSent(first, 0, '9001');
      const question = { repliesTo: messageId('telegram', chat, 5), text: 'stolen?' };
      const part = { repliesTo: messageId('telegram', chat, 9001), text: 'stolen?' };
      const elsewhere = nextId();
      const strangers = [
        admission({ author, chat: elsewhere }, question),
        admission({ author, chat: elsewhere, guild: community() }, question),
        admission({ author, chat: elsewhere, guild: community() }, part),
        admission({ author, chat, guild, topic: 3 }, part),
        admission({ author, chat: elsewhere, guild }, part),
      ];
      for (const request of strangers) {
        const verdict = await store.turns.admit(request);
        const window = verdict.kind === 'run' ? texts(verdict.turn) : [];
        expect(window).not.toContain('secret');
      }
    });

    it('begins a new chain on a reply to a message it does not know', async () => {
      const [author, guild, chat] = [person(), community(), nextId()];
      const repliesTo = messageId('telegram', chat, 123_456);
      expect(texts(await run(store.turns, admission({ author, chat, guild }, { repliesTo })))).toHaveLength(
        1,
      );
    });

    it('shares the conversation of a channel where the guild wants it so', async () => {
      const [guild, chat] = [community(), nextId()];
      await run(store.turns, admission({ author: person(), chat: nextId(), guild }));
      await store.settings.write(
        'guild',
        await internalId('guilds', guild.id),
        'conversation_style',
        'channel',
        operator,
      );
      await converse(
        store.turns,
        admission({ author: person('Ann'), chat, guild }, { text: 'one' }),
        'first',
      );
      const turn = await run(store.turns, admission({ author: person('Bea'), chat, guild }, { text: 'two' }));
      expect(texts(turn)).toEqual(['one', 'first', 'two']);
    });

    it('keeps a message that two bots hear once under its platform id', async () => {
      const [author, guild, chat, message] = [person(), community(), nextId(), nextId()];
      const first = admission({ author, chat, guild, message });
      const second = admission({ author, chat, guild, message });
      const otherBot = {
        ...second.envelope,
        place: placeId('telegram', 'bot2', chat),
        originKey: originKey('telegram', 'bot2', chat, message),
      };
      await run(store.turns, first);
      await run(store.turns, { ...second, envelope: otherBot });
      const id = messageId('telegram', chat, message);
      const kept = await database.sql`select turn_id from messages where platform_message_id = ${id}`;
      expect(kept).toEqual([{ turn_id: first.turnId }]);
    });
  });

  describe('with a window', () => {
    const history = async (author: ReturnType<typeof person>, chat: number, rounds: number) => {
      for (let round = 1; round <= rounds; round += 1)
        await converse(
          store.turns,
          admission({ author, chat }, { text: `q${round}`, estTokens: 10 }),
          `a${round}`,
        );
    };
    const windowOf = async (
      author: ReturnType<typeof person>,
      chat: number,
      window: { maxTokens: number; maxMessages: number; systemTokens: 0 },
    ) => texts(await run(store.turns, admission({ author, chat }, { text: 'now', estTokens: 10, window })));

    it('takes the newest messages up to the number allowed, the question among them, from a multiple of half of it on', async () => {
      const [author, chat] = [person(), nextId()];
      await history(author, chat, 4);
      expect(await windowOf(author, chat, { maxTokens: 6000, maxMessages: 4, systemTokens: 0 })).toEqual([
        'q4',
        'a4',
        'now',
      ]);
    });

    it('takes the newest messages while their tokens fit', async () => {
      const [author, chat] = [person(), nextId()];
      await history(author, chat, 4);
      // Questions are 10 tokens, answers 3: 10 + 3 + 10 + 3 is 26, and one more question is 36.
      expect(await windowOf(author, chat, { maxTokens: 35, maxMessages: 20, systemTokens: 0 })).toEqual([
        'a3',
        'q4',
        'a4',
        'now',
      ]);
    });

    it('includes a question that is larger than the window alone', async () => {
      const [author, chat] = [person(), nextId()];
      await history(author, chat, 1);
      expect(await windowOf(author, chat, { maxTokens: 5, maxMessages: 20, systemTokens: 0 })).toEqual([
        'now',
      ]);
    });

    it('skips deleted messages and gives their place to older ones', async () => {
      const [author, chat] = [person(), nextId()];
      await history(author, chat, 3);
      await database.sql`
        update messages set deleted_at = now()
        where text in ('q3', 'a3') and conversation_id = (select id from conversations where place = ${`telegram:bot:${chat}`})`;
      expect(await windowOf(author, chat, { maxTokens: 6000, maxMessages: 5, systemTokens: 0 })).toEqual([
        'q2',
        'a2',
        'now',
      ]);
    });
  });

  describe('behind an unfinished turn', () => {
    it('queues in order of arrival and starts the next one with each settlement', async () => {
      const [author, chat] = [person(), nextId()];
      const first = await run(store.turns, admission({ author, chat }, { text: 'one' }));
      const waiting: AdmitVerdict[] = [];
      for (const text of ['two', 'three'])
        waiting.push(await store.turns.admit(admission({ author, chat }, { text })));
      expect(waiting).toMatchObject([
        { kind: 'queued', ahead: 1 },
        { kind: 'queued', ahead: 2 },
      ]);
      expect(await store.turns.activeTurns(admission({ author, chat }).envelope.place)).toHaveLength(3);

      const afterFirst = await store.turns.settle(settlement(first));
      const second = afterFirst.kind === 'settled' ? afterFirst.next : null;
      expect(second === null ? null : texts(second)).toEqual(['one', 'A burrito.', 'two']);
      expect(second).toMatchObject({ epoch: 1, parts: [{ index: 0, platformMessageId: null }] });

      const failed = {
        state: 'failed',
        answer: null,
        attempts: [],
        notice: { key: 'turn.failed', params: {} },
      } as const;
      const afterSecond = await store.turns.settle(settlement(second ?? first, failed));
      const third = afterSecond.kind === 'settled' ? afterSecond.next : null;
      expect(third === null ? null : texts(third)).toEqual(['one', 'A burrito.', 'two', 'three']);
      expect(await store.turns.settle(settlement(third ?? first))).toMatchObject({
        kind: 'settled',
        next: null,
      });
    });

    it('runs one turn of a conversation at a time, whoever asks at once', async () => {
      const [author, chat] = [person(), nextId()];
      const requests = Array.from({ length: 15 }, () => admission({ author, chat }));
      const verdicts = await Promise.all(requests.map((request) => store.turns.admit(request)));
      expect(verdicts.filter((verdict) => verdict.kind === 'run')).toHaveLength(1);
      const places = verdicts.flatMap((verdict) => (verdict.kind === 'queued' ? [verdict.ahead] : []));
      expect(places.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 14 }, (_, index) => index + 1));
    });

    it('answers a reply to a running answer from that answer, not from what came between', async () => {
      const [author, chat] = [person(), nextId()];
      const first = await run(store.turns, admission({ author, chat }, { text: 'one' }));
      await store.turns.partSent(first, 0, '41');
      await store.turns.admit(admission({ author, chat }, { text: 'two' }));
      const repliesTo = messageId('telegram', chat, 41);
      await store.turns.admit(admission({ author, chat }, { text: 'three', repliesTo }));
      const afterFirst = await store.turns.settle(settlement(first));
      const second = afterFirst.kind === 'settled' ? afterFirst.next : null;
      const afterSecond = await store.turns.settle(settlement(second ?? first));
      const third = afterSecond.kind === 'settled' ? afterSecond.next : null;
      expect(third === null ? null : texts(third)).toEqual(['one', 'A burrito.', 'three']);
    });

    it('lets another conversation run at the same time', async () => {
      const author = person();
      const turns = await Promise.all(
        [nextId(), nextId()].map((chat) => run(store.turns, admission({ author, chat }))),
      );
      expect(new Set(turns.map((turn) => turn.conversationId)).size).toBe(2);
    });
  });

  it('keeps a refused turn without a conversation, for its notice and against redelivery', async () => {
    const request = admission({ author: person(), chat: nextId() }, { refusal: { reason: 'empty_message' } });
    await store.turns.admit(request);
    const [row] = await database.sql`
      select state, refusal, conversation_id, delivered_at, lease_owner from turns where id = ${request.turnId}`;
    expect(row).toEqual({
      state: 'refused',
      refusal: { reason: 'empty_message' },
      conversation_id: null,
      delivered_at: null,
      lease_owner: 'one',
    });
  });

  it('takes back a turn id that is not known as nothing to do', async () => {
    const unknown = { id: turnId(randomUUID()), epoch: 1 };
    expect(await store.turns.settle(settlement(unknown))).toEqual({ kind: 'lease_lost' });
    expect(
      await store.turns.requestCancel(unknown.id, { user: operator, adminOf: null, isOperator: true }),
    ).toEqual({
      kind: 'not_running',
    });
  });
});
