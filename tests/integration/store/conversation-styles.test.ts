import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TurnClaim } from '../../../src/conversation/ports.ts';
import { placeId } from '../../../src/platform/ids.ts';
import type { Guild, ReplyTarget } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { finish, ran, repetition } from './deeds.ts';
import { openStore } from './open-store.ts';
import { admission, community, converse, nextId, person, run, texts, type Speech } from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);

describe.each(databaseKinds)('conversations on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let now = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => now));
  });
  afterAll(() => database.close());

  /** A guild that has set its style, which makes it known. */
  const styled = async (style: 'chain' | 'thread' | 'channel'): Promise<Guild> => {
    const guild = community();
    const { envelope } = admission({ author: person(), chat: nextId(), guild });
    await store.guildSettings.setConversationStyle(envelope, style);
    return guild;
  };
  const threadAt = (thread: number) => placeId('telegram', 'bot', thread);
  const inThread = (speech: Omit<Speech, 'thread'>): Speech => ({ ...speech, thread: 'here' });

  describe('in a guild that wants threads', () => {
    it('begin a thread with each question, whose answer is looked for there', async () => {
      const guild = await styled('thread');
      const [author, chat, message] = [person(), nextId(), nextId()];
      const thread = threadAt(message);
      const turn = await converse(store.turns, admission({ author, chat, guild, message, thread }));
      expect(turn).toMatchObject({ place: thread, settings: { opensThread: true } });
      const [row] = await database.sql`
        select c.place, c.style, r.place as part_place from conversations c
        join turns t on t.conversation_id = c.id join reply_parts r on r.turn_id = t.id where t.id = ${turn.id}`;
      expect(row).toEqual({ place: thread, style: 'thread', part_place: thread });

      const other = nextId();
      const next = await run(
        store.turns,
        admission({ author, chat, guild, message: other, thread: threadAt(other) }, { text: 'Another?' }),
      );
      expect(texts(next)).toEqual(['Another?']);
      expect(next.conversationId).not.toBe(turn.conversationId);
    });

    it('go on with whatever is said in the thread, by whomever, and open none inside it', async () => {
      const guild = await styled('thread');
      const [chat, message] = [nextId(), nextId()];
      const first = await converse(
        store.turns,
        admission({ author: person(), chat, guild, message, thread: threadAt(message) }),
      );
      const speech = inThread({ author: person('Bob'), chat: message, guild });
      const next = await run(store.turns, admission(speech, { text: 'And then?' }));
      expect(next).toMatchObject({ conversationId: first.conversationId, settings: { opensThread: false } });
      expect(texts(next)).toEqual(['What is a monad?', 'A burrito.', 'And then?']);
    });

    it('are chains where no thread can start', async () => {
      const guild = await styled('thread');
      const speech = { author: person(), chat: nextId(), guild };
      const turn = await run(store.turns, admission(speech));
      expect(turn.settings.opensThread).toBe(false);
      const next = await run(store.turns, admission(speech));
      expect(next.conversationId).not.toBe(turn.conversationId);
    });

    it('stay where they are when a reply goes on with one that stands in the channel', async () => {
      const [author, chat, message, guild] = [person(), nextId(), nextId(), community()];
      const first = await converse(store.turns, admission({ author, chat, guild, message }));
      await store.turns.partSent({ id: first.id, epoch: first.epoch }, 0, '777');
      const { envelope } = admission({ author, chat, guild });
      await store.guildSettings.setConversationStyle(envelope, 'thread');
      const id = nextId();
      const repliesTo = admission({ author, chat, message: 777 }).envelope.messageId;
      const next = await run(
        store.turns,
        admission({ author, chat, guild, message: id, thread: threadAt(id) }, { repliesTo }),
      );
      expect(next).toMatchObject({
        conversationId: first.conversationId,
        place: first.place,
        settings: { opensThread: false },
      });
    });
  });

  it('are one in a thread, whatever the guild wants of its channels, and begin anew when told so', async () => {
    const guild = await styled('chain');
    const speech = inThread({ author: person(), chat: nextId(), guild });
    const first = await converse(store.turns, admission(speech));
    const second = await converse(store.turns, admission(speech));
    expect(second.conversationId).toBe(first.conversationId);
    await store.turns.startConversation(admission(speech).envelope);
    const third = await run(store.turns, admission(speech));
    expect(third.conversationId).not.toBe(first.conversationId);
  });

  it('are one in a channel that wants it, however a message comes', async () => {
    const guild = await styled('channel');
    const [chat, message] = [nextId(), nextId()];
    const first = await converse(store.turns, admission({ author: person(), chat, guild }));
    const next = await run(
      store.turns,
      admission({ author: person('Bob'), chat, guild, message, thread: threadAt(message) }),
    );
    expect(next).toMatchObject({ conversationId: first.conversationId, settings: { opensThread: false } });
  });

  it('are chains until a guild wants something else, which is on record once with who wanted it', async () => {
    const guild = community();
    expect(await store.guildSettings.conversationStyle(guild.id)).toBe('chain');
    const { envelope } = admission({ author: person(), chat: nextId(), guild });
    await store.guildSettings.setConversationStyle(envelope, 'channel');
    await store.guildSettings.setConversationStyle({ ...envelope }, 'thread'); // the same event, delivered again
    expect(await store.guildSettings.conversationStyle(guild.id)).toBe('channel');
    const rows =
      await database.sql`select actor, action, before, after from audit where subject = ${guild.id}`;
    expect([...rows]).toEqual([
      { actor: envelope.author.id, action: 'set conversation_style', before: null, after: 'channel' },
    ]);
  });

  it('keep the name of their guild where an event does not tell it', async () => {
    const guild = community('Readers');
    await run(store.turns, admission({ author: person(), chat: nextId(), guild }));
    await run(store.turns, admission({ author: person(), chat: nextId(), guild: { ...guild, name: '' } }));
    const [row] = await database.sql`select name from guilds where platform_guild_id = ${guild.id}`;
    expect(row?.['name']).toBe('Readers');
  });

  it('speak the language that a person was last known to read where an event does not tell', async () => {
    const author = { ...person(), locale: 'id' };
    const silent = { ...author, locale: null };
    await run(store.turns, admission({ author, chat: nextId() }));
    const turn = await run(store.turns, admission({ author: silent, chat: nextId() }));
    expect(turn.reportedLocale).toBe('id');
    const refused = await store.turns.admit(
      admission({ author: silent, chat: nextId() }, { refusal: { reason: 'text_withheld' } }),
    );
    expect(refused).toMatchObject({ kind: 'refused', reportedLocale: 'id' });
    const stranger = await run(
      store.turns,
      admission({ author: { ...person(), locale: null }, chat: nextId() }),
    );
    expect(stranger.reportedLocale).toBeNull();
  });

  describe('forget the sealed part of an address', () => {
    /** A turn whose address has a sealed part. */
    const admitted = async (replyTarget: ReplyTarget) => {
      const request = admission({ author: person(), chat: nextId() });
      const asked = { ...request, envelope: { ...request.envelope, replyTarget } };
      return { asked, turn: await run(store.turns, asked) };
    };
    const target = async ({ id }: TurnClaim) => {
      const [row] = await database.sql`select reply_target from turns where id = ${id}`;
      return row?.['reply_target'] as object;
    };
    const forgetAt = async (ms: number) => {
      now = ms;
      await store.forgetSealed();
      now = NOON;
    };
    const expiresAtMs = NOON + 900_000;
    const sealed = { chat: 1, expiresAtMs, sealed: 'v1.secret' };

    it('when it ends, and nothing else of it', async () => {
      const { turn } = await admitted(sealed);
      await forgetAt(expiresAtMs - 1);
      expect(await target(turn)).toEqual(sealed);
      await forgetAt(expiresAtMs);
      expect(await target(turn)).toEqual({ chat: 1, expiresAtMs });
    });

    it('at the same time on a turn that repeats another one', async () => {
      const { asked, turn } = await admitted(sealed);
      await finish(store.turns, turn, 'v1');
      now = NOON + 14 * 60_000;
      const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
      expect(await target(again)).toEqual(sealed);
      await forgetAt(expiresAtMs);
      for (const each of [turn, again]) expect(await target(each)).toEqual({ chat: 1, expiresAtMs });
    });

    it('at once where it does not tell its end', async () => {
      const { turn } = await admitted({ chat: 1, sealed: 'v1.secret' });
      await forgetAt(NOON);
      expect(await target(turn)).toEqual({ chat: 1 });
    });
  });
});
