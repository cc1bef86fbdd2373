import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { originKey, placeId } from '../../../src/platform/ids.ts';
import { createAdapterMemory } from '../../../src/store/adapter-memory.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import {
  admission,
  claim,
  community,
  DELIVERED,
  nextId,
  person,
  run,
  settlement,
  type Speech,
} from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);
const MINUTE_MS = 60_000;

const memoryOf = ({ sql }: TestDatabase, instance: string, isAlone = false) =>
  createAdapterMemory(sql, { instance, isAlone });

describe.each(databaseKinds)('what was said while nobody listened on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const old = (speech: Speech) => admission(speech, { refusal: { reason: 'too_old' } });
  const isTold = async (speech: Speech) => {
    const verdict = await store.turns.admit(old(speech));
    return verdict.kind === 'refused' ? verdict.isTold : verdict.kind;
  };

  it('is told once in a place, whoever said it, and again after ten minutes', async () => {
    const [chat, guild] = [nextId(), community()];
    expect(await isTold({ author: person(), chat, guild })).toBe(false);
    expect(await isTold({ author: person(), chat, guild })).toBe(true);
    expect(await isTold({ author: person(), chat: nextId(), guild })).toBe(false);
    clock = NOON + 10 * MINUTE_MS;
    expect(await isTold({ author: person(), chat, guild })).toBe(false);
    clock = NOON;
  });

  it('is told once of twenty at the same moment; the others have nothing left to show', async () => {
    const [chat, guild] = [nextId(), community()];
    const told = await Promise.all(
      Array.from({ length: 20 }, () => isTold({ author: person(), chat, guild })),
    );
    expect(told.filter((each) => !each)).toHaveLength(1);
    const open = await database.sql`
      select 1 from turns where place = ${`telegram:bot:${chat}`} and delivered_at is null`;
    expect(open).toHaveLength(1);
  });

  it('is a duplicate when it comes once more', async () => {
    const speech = { author: person(), chat: nextId(), message: nextId() };
    expect(await isTold(speech)).toBe(false);
    expect(await store.turns.admit(old(speech))).toEqual({
      kind: 'duplicate',
      turnId: expect.any(String),
      state: 'refused',
    });
  });

  it('silences no other refusal', async () => {
    const speech = { author: person(), chat: nextId() };
    for (let round = 0; round < 2; round += 1) {
      const request = admission(speech, { refusal: { reason: 'rate_limited', retryAfterMs: 1000 } });
      expect(await store.turns.admit(request)).toMatchObject({ kind: 'refused', isTold: false });
    }
  });

  it('is looked for where people were answered lately, the newest place first', async () => {
    const guild = community();
    const memory = memoryOf(database, 'one');
    const early = await run(store.turns, admission({ author: person(), chat: nextId() }));
    clock = NOON + 60 * MINUTE_MS;
    const turns = [
      await run(store.turns, admission({ author: person(), chat: nextId(), guild })),
      await run(store.turns, admission({ author: person(), chat: nextId() })),
    ];
    clock += 1;
    turns.push(await run(store.turns, admission({ author: person(), chat: nextId() })));
    clock = NOON;
    const places = await memory.activePlaces('telegram', NOON + 59 * MINUTE_MS);
    expect(places[0]).toEqual({ place: turns[2]?.place, guild: null });
    expect(places).toContainEqual({ place: turns[0]?.place, guild: guild.id });
    expect(places.map(({ place }) => place)).not.toContain(early.place);
    expect(await memory.activePlaces('discord', 0)).toEqual([]);
  });

  describe('in a guild where each question opens a thread', () => {
    const LATER = NOON + 120 * MINUTE_MS;
    const inThread = async () => {
      const [guild, chat, message] = [community(), nextId(), nextId()];
      const request = admission({
        author: person(),
        chat,
        guild,
        message,
        thread: placeId('telegram', 'bot', message),
      });
      await store.guildSettings.setConversationStyle(request.envelope, 'thread');
      return { turn: await run(store.turns, request), channel: placeId('telegram', 'bot', chat), guild };
    };

    it('is looked for in the channel as well, before the thread', async () => {
      const { turn, channel, guild } = await inThread();
      const places = await memoryOf(database, 'one').activePlaces('telegram', NOON - MINUTE_MS);
      const mine = places.filter((active) => active.guild === guild.id).map(({ place }) => place);
      expect(turn.place).not.toBe(channel);
      expect(mine).toEqual([channel, turn.place]);
    });

    it('is looked for in quiet channels although more threads were begun since than are read', async () => {
      clock = LATER;
      const quiet = await run(store.turns, admission({ author: person(), chat: nextId() }));
      clock += MINUTE_MS;
      const { turn, channel, guild } = await inThread();
      clock = NOON;
      await database.sql`
        insert into turns (id, origin_key, cause, platform, place, state, conversation_id, guild_id, reply_target, settings,
          max_completion_tokens, admitted_at, charged_at, delivered_at)
        select gen_random_uuid(), t.origin_key || 'x' || n, t.cause, t.platform, t.place || 'x' || n, 'delivered', t.conversation_id,
          t.guild_id, t.reply_target, t.settings, t.max_completion_tokens, t.admitted_at, t.charged_at, t.admitted_at
        from turns t, generate_series(1, 1000) n where t.id = ${turn.id}`;
      const places = await memoryOf(database, 'one').activePlaces('telegram', LATER - 1);
      expect(places).toHaveLength(1000);
      expect(places.slice(0, 2)).toEqual([
        { place: channel, guild: guild.id },
        { place: quiet.place, guild: null },
      ]);
    });
  });

  it('is read on from where a bookmark was left', async () => {
    const memory = memoryOf(database, 'one');
    expect(await memory.bookmark('somewhere')).toBeNull();
    await memory.setBookmark('somewhere', '41');
    await memory.setBookmark('somewhere', '42');
    await memory.setBookmark('elsewhere', '7');
    expect(await memory.bookmark('somewhere')).toBe('42');
  });
});

describe.each(databaseKinds)('the address of a turn on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind));
  });
  afterAll(() => database.close());

  it('is known with what was added to it to whoever takes the turn over', async () => {
    const memory = memoryOf(database, 'one');
    const request = admission({ author: person(), chat: nextId() }, { leaseMs: -1 });
    await run(store.turns, request);
    const { originKey: event, replyTarget } = request.envelope;
    await memory.amendTarget(event, { responseId: '5', message: 'other' });
    const { run: runs } = await store.turns.claimWork(claim());
    expect(runs.map((turn) => turn.replyTarget)).toEqual([
      { ...replyTarget, responseId: '5', message: 'other' },
    ]);
  });

  it('stays as it is when all of the turn is delivered, and of an event without a turn nothing is kept', async () => {
    const memory = memoryOf(database, 'one');
    const request = admission({ author: person(), chat: nextId() });
    const turn = await run(store.turns, request);
    await store.turns.settle(settlement(turn));
    await store.turns.markDelivered(turn, DELIVERED);
    await memory.amendTarget(request.envelope.originKey, { responseId: '5' });
    await memory.amendTarget(originKey('telegram', 'bot', nextId(), nextId()), { responseId: '5' });
    expect(
      await database.sql`select 1 from turns where reply_target ? 'responseId' and delivered_at is not null`,
    ).toEqual([]);
  });
});

describe.each(databaseKinds)('a lead on %s', (kind) => {
  let database: TestDatabase;

  beforeAll(async () => {
    ({ database } = await openStore(kind));
  });
  afterAll(() => database.close());

  it('has one process of ten that ask at once, for as long as it holds it', async () => {
    const processes = Array.from({ length: 10 }, (_, index) => memoryOf(database, `p${index}`));
    const leads = await Promise.all(processes.map((memory) => memory.lead('polling', 60_000)));
    expect(leads.filter((isLeading) => isLeading)).toHaveLength(1);
    const leader = processes[leads.indexOf(true)];
    expect(await leader?.lead('polling', 60_000)).toBe(true);
    const again = await Promise.all(processes.map((memory) => memory.lead('polling', 60_000)));
    expect(again).toEqual(leads);
  });

  it('goes to the next one when it is resigned, or was held no longer', async () => {
    const [one, two] = ['one', 'two'].map((instance) => memoryOf(database, instance));
    expect(await one?.lead('a', 60_000)).toBe(true);
    await two?.resign('a');
    expect(await two?.lead('a', 60_000)).toBe(false);
    await one?.resign('a');
    expect(await two?.lead('a', 60_000)).toBe(true);
    expect(await one?.lead('b', -1)).toBe(true);
    expect(await two?.lead('b', 60_000)).toBe(true);
    expect(await one?.lead('b', 60_000)).toBe(false);
  });

  it('is taken at once by a process that has the database for itself', async () => {
    await memoryOf(database, 'earlier life').lead('c', 60_000);
    expect(await memoryOf(database, 'this life', true).lead('c', 60_000)).toBe(true);
  });
});
