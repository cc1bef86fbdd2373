import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmitRequest } from '../../../src/conversation/ports.ts';
import type { Author } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { asker, finish, ran, repetition } from './deeds.ts';
import { openQuotaScene, place, type QuotaScene } from './quota-scene.ts';
import { admission, attempt, nextId, person, run, settlement, spent } from './requests.ts';

const inRole = (author: Author, ...roles: readonly string[]): Author => ({ ...author, roles });

describe.each(databaseKinds)('quotas within a guild on %s', (kind) => {
  let scene: QuotaScene;
  let store: Store;

  beforeAll(async () => {
    scene = await openQuotaScene(kind);
    ({ store } = scene);
  });
  afterAll(() => scene.database.close());

  describe('of a channel', () => {
    it('refuse there and not elsewhere, with the channel, the limit, what is used and when it ends', async () => {
      const { guild, author } = await scene.team();
      const chat = nextId();
      await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_day', 1);
      await scene.use(admission({ author, chat, guild }));
      expect(await store.turns.admit(admission({ author: person(), chat, guild }))).toMatchObject({
        refusal: {
          reason: 'quota',
          subject: 'channel',
          metric: 'requests',
          window: 'day',
          limit: 1,
          used: 1,
          resetsAtMs: Date.UTC(2026, 6, 16),
        },
      });
      await run(store.turns, admission({ author, chat: nextId(), guild }));
    });

    it('count what was used and what runs there before they were set', async () => {
      const { guild, author } = await scene.team();
      const chat = nextId();
      await scene.use(admission({ author, chat, guild }));
      await run(store.turns, admission({ author, chat, guild }));
      await scene.use(admission({ author, chat: nextId(), guild }));
      await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_day', 3);
      expect(await scene.rows(guild.id, 4)).toEqual([{ requests: 1, tokens: 120 }]);
      await run(store.turns, admission({ author, chat, guild }));
      expect(await store.turns.admit(admission({ author, chat, guild }))).toMatchObject({
        refusal: { subject: 'channel', used: 3 },
      });
    });

    it('leave no row behind when the last one is cleared', async () => {
      const { guild, author } = await scene.team();
      const chat = nextId();
      const target = { kind: 'channel', guild: guild.id, channel: place(chat) } as const;
      await scene.set(target, 'requests_day', 0);
      await scene.set(target, 'tokens_day', 5);
      expect(await store.turns.admit(admission({ author, chat, guild }))).toMatchObject({ kind: 'refused' });
      await scene.clear(target, 'tokens_day');
      expect(await scene.rows(guild.id, 4)).toHaveLength(1);
      await scene.clear(target);
      expect(await scene.rows(guild.id, 4)).toEqual([]);
      await scene.use(admission({ author, chat, guild }));
    });

    it('hold for an answer that is written again what they held for the first', async () => {
      const { guild, author } = await scene.team();
      const chat = nextId();
      await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_day', 2);
      const asked = admission({ author, chat, guild });
      const first = ran(await store.turns.admit(asked));
      await finish(store.turns, first, 'one');
      const again = repetition(asked, 'regenerate', { by: asker(first) });
      await finish(store.turns, ran(await store.turns.repeat(again)), 'two');
      expect(await scene.rows(guild.id, 4)).toMatchObject([{ requests: 2 }]);
      expect(await store.turns.repeat(repetition(asked, 'regenerate', { by: asker(first) }))).toMatchObject({
        refusal: { subject: 'channel' },
      });
    });

    it('check money before each paid attempt', async () => {
      const { guild, author } = await scene.team();
      const chat = nextId();
      await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'cost_month', 500);
      const turn = await run(store.turns, admission({ author, chat, guild }));
      expect(await store.turns.holdCost(turn, 0, 501n)).toMatchObject({ refusal: { subject: 'channel' } });
      expect(await store.turns.holdCost(turn, 0, 400n)).toEqual({ kind: 'held' });
      await store.turns.settle(
        settlement(turn, { attempts: [attempt({ isFree: false, usage: spent(1, 1, 450n) })] }),
      );
      const next = await run(store.turns, admission({ author, chat, guild }));
      expect(await store.turns.holdCost(next, 0, 51n)).toMatchObject({ refusal: { used: 450 } });
    });
  });

  describe('of members', () => {
    it('count each member for themselves, with the most generous of their roles', async () => {
      const { guild } = await scene.team();
      await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 1);
      await scene.set({ kind: 'role', guild: guild.id, role: 'discord:1' }, 'requests_day', 2);
      await scene.set({ kind: 'role', guild: guild.id, role: 'discord:2' }, 'requests_day', 3);
      const allowed = async (author: Author) => {
        for (let turns = 0; ; turns += 1) {
          const verdict = await store.turns.admit(admission({ author, chat: nextId(), guild }));
          if (verdict.kind === 'refused') return { turns, refusal: verdict.refusal };
        }
      };
      const refusedAfter = (turns: number) => ({
        turns,
        refusal: { subject: 'member', limit: turns, used: turns },
      });
      expect(await allowed(person())).toMatchObject(refusedAfter(1));
      expect(await allowed(inRole(person(), 'discord:1'))).toMatchObject(refusedAfter(2));
      expect(await allowed(inRole(person(), 'discord:2', 'discord:1', 'discord:9'))).toMatchObject(
        refusedAfter(3),
      );
    });

    it('take what is set for the very member before their roles, also where it is more', async () => {
      const { guild, author } = await scene.team();
      await scene.set({ kind: 'role', guild: guild.id, role: 'discord:1' }, 'requests_day', 0);
      const ask = () =>
        store.turns.admit(admission({ author: inRole(author, 'discord:1'), chat: nextId(), guild }));
      expect(await ask()).toMatchObject({ refusal: { subject: 'member', limit: 0 } });
      await scene.set({ kind: 'member', guild: guild.id, user: author.id }, 'requests_day', 1);
      expect(await ask()).toMatchObject({ kind: 'run' });
      expect(await ask()).toMatchObject({ refusal: { limit: 1 } });
      await scene.set({ kind: 'member', guild: guild.id, user: author.id }, 'requests_day', null);
      expect(await ask()).toMatchObject({ kind: 'run' });
    });

    it('know the roles that somebody was last seen with where an event does not tell them', async () => {
      const { guild, author } = await scene.team();
      await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 1);
      await scene.set({ kind: 'role', guild: guild.id, role: 'discord:1' }, 'requests_day', 2);
      await scene.use(admission({ author: inRole(author, 'discord:1'), chat: nextId(), guild }));
      const untold = admission({ author, chat: nextId(), guild });
      const { roles: _, ...old } = untold.envelope.author;
      const request = { ...untold, envelope: { ...untold.envelope, author: old } } as AdmitRequest;
      expect(await store.turns.admit(request)).toMatchObject({ kind: 'run' });
    });

    it('count what a member has used and what runs for them when a rule comes', async () => {
      const { guild, author } = await scene.team();
      await scene.use(admission({ author, chat: nextId(), guild }));
      const running = await run(store.turns, admission({ author, chat: nextId(), guild }));
      await scene.use(admission({ author, chat: nextId() }));
      await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 2);
      expect(await scene.rows(guild.id, 5)).toEqual([]);
      expect(await store.turns.admit(admission({ author, chat: nextId(), guild }))).toMatchObject({
        refusal: { subject: 'member', used: 2 },
      });
      await store.turns.settle(settlement(running, { state: 'failed', answer: null, attempts: [] }));
      await scene.use(admission({ author, chat: nextId(), guild }));
      expect(await scene.rows(guild.id, 5)).toEqual([{ requests: 2, tokens: 240 }]);
      expect(await scene.differences({ kind: 'member', guild: guild.id, user: author.id })).toEqual([]);
    });

    it('keep no row where no rule applies any more', async () => {
      const { guild, author } = await scene.team();
      await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 2);
      const turn = await run(store.turns, admission({ author, chat: nextId(), guild }));
      await scene.clear({ kind: 'members', guild: guild.id });
      await scene.use(admission({ author, chat: nextId(), guild }));
      expect(await scene.rows(guild.id, 5)).toEqual([]);
      await store.turns.settle(settlement(turn));
    });

    it('shorten an answer to what the narrowest of all leaves', async () => {
      const { guild, author } = await scene.team();
      await scene.set({ kind: 'members', guild: guild.id }, 'tokens_day', 700);
      await scene.set({ kind: 'guild', guild: guild.id }, 'tokens_day', 900);
      const turn = await run(store.turns, admission({ author, chat: nextId(), guild }));
      expect(turn.maxCompletionTokens).toBeLessThan(700);
      const held = await scene.database.sql`
        select kind, tokens from quota_holds where turn_id = ${turn.id} order by kind`;
      expect(held).toEqual([1, 2, 5].map((each) => ({ kind: each, tokens: 700 })));
    });

    it('are forgotten with the person, and leave the sums of the guild as they are', async () => {
      const { guild, author } = await scene.team();
      const chat = nextId();
      await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 5);
      await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_day', 5);
      await scene.use(admission({ author, chat, guild }));
      await scene.database.sql`select forget_user_v1(${JSON.stringify({ user: author.id })}::text::jsonb)`;
      expect(await scene.rows(guild.id, 5)).toEqual([]);
      expect(await scene.rows(guild.id, 4)).toEqual([{ requests: 1, tokens: 120 }]);
      expect(await scene.differences({ kind: 'channel', guild: guild.id, channel: place(chat) })).toEqual([]);
    });
  });

  it('are made anew from usage, with what differed', async () => {
    const { guild, author } = await scene.team();
    const chat = nextId();
    await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_day', 5);
    await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 5);
    await scene.use(admission({ author, chat, guild }));
    await scene.database.sql`
      update quota_subjects set requests_day = 4
      where guild_id = (select id from guilds where platform_guild_id = ${guild.id})`;
    const differences = await store.counters.rebuild();
    expect(differences.map(({ subject, changes }) => ({ subject, changes }))).toEqual([
      { subject: 'channel', changes: { requests_day: [4, 1] } },
      { subject: 'member', changes: { requests_day: [4, 1] } },
    ]);
    expect(await scene.rows(guild.id, 4)).toEqual([{ requests: 1, tokens: 120 }]);
  });

  it('hold all or nothing: who refuses leaves nothing held of the others', async () => {
    const { guild, author } = await scene.team();
    const chat = nextId();
    await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_day', 0);
    await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 5);
    await store.turns.admit(admission({ author, chat, guild }));
    const held = await scene.database.sql`
      select 1 from quota_holds where subject_id in (select id from guilds where platform_guild_id = ${guild.id})
        or subject_id in (select id from users where platform_user_id = ${author.id})
        or subject_id in (select subject_id from quota_subjects where guild_id = (select id from guilds where platform_guild_id = ${guild.id}))`;
    expect(held).toEqual([]);
  });

  it('lock and hold nothing more where no channel and no member has limits', async () => {
    const { guild, author } = await scene.team();
    const turn = await scene.use(admission({ author, chat: nextId(), guild }));
    const next = await run(store.turns, admission({ author, chat: nextId(), guild }));
    expect(turn.id).not.toBe(next.id);
    expect(
      await scene.database.sql`select kind from quota_holds where turn_id = ${next.id} order by kind`,
    ).toEqual([{ kind: 1 }, { kind: 2 }]);
    expect(await scene.rows(guild.id, 5)).toEqual([]);
  });

  it('let in who is forgotten while they wait for the locks as somebody new', async () => {
    const { database } = scene;
    if (database.url === null) return; // The embedded one does one thing at a time.
    const { guild, author } = await scene.team();
    await scene.use(admission({ author, chat: nextId(), guild }));
    let asked: Promise<unknown> = Promise.resolve();
    await database.sql.begin(async (sql) => {
      const [user] = await sql<{ id: string }[]>`
        select s.subject_id as id from quota_subjects s join users u on u.id = s.subject_id
        where u.platform_user_id = ${author.id} for update of s`;
      asked = store.turns.admit(admission({ author, chat: nextId(), guild }));
      await until(async () => {
        const waiting = await sql`
          select 1 from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))`;
        return waiting.length > 0;
      });
      await sql`update usage set user_id = null where user_id = ${user?.id ?? null}`;
      await sql`delete from turns where user_id = ${user?.id ?? null}`;
      await sql`delete from users where id = ${user?.id ?? null}`;
    });
    expect(await asked).toMatchObject({ kind: 'run' });
  });

  describe('of images', () => {
    const drawing = (images: number, changes: Partial<AdmitRequest> = {}) => ({
      hold: { systemTokens: 0, maxCompletionTokens: 100, images },
      ...changes,
    });

    it('are held, booked as they were made, and refused where they would be passed', async () => {
      const { guild, author } = await scene.team();
      await scene.set({ kind: 'members', guild: guild.id }, 'images_day', 3);
      const ask = (images: number) =>
        store.turns.admit(admission({ author, chat: nextId(), guild }, drawing(images)));
      const turn = ran(await ask(2));
      expect(await ask(2)).toMatchObject({ refusal: { metric: 'images', limit: 3, used: 2 } });
      await store.turns.settle(
        settlement(turn, { attempts: [attempt({ usage: { ...spent(10, 0), images: 1 } })] }),
      );
      expect(await ask(3)).toMatchObject({ refusal: { used: 1 } });
      expect(await ask(2)).toMatchObject({ kind: 'run' });
      const booked = await scene.database.sql`
        select sum(images)::int as images from usage_hourly where guild_id = (select id from guilds where platform_guild_id = ${guild.id})`;
      expect(booked).toEqual([{ images: 1 }]);
      expect(await scene.differences({ kind: 'member', guild: guild.id, user: author.id })).toEqual([]);
    });

    it('that are blocked leave answers in words alone', async () => {
      const { guild, author } = await scene.team();
      await scene.set({ kind: 'guild', guild: guild.id }, 'images_month', 0);
      expect(await store.turns.admit(admission({ author, chat: nextId(), guild }, drawing(1)))).toMatchObject(
        { refusal: { subject: 'guild', metric: 'images' } },
      );
      await run(store.turns, admission({ author, chat: nextId(), guild }));
    });
  });

  it('book what was written to caches and where', async () => {
    const { guild, author } = await scene.team();
    const chat = nextId();
    const turn = await run(store.turns, admission({ author, chat, guild }));
    const usage = { ...spent(100, 20), cacheWriteTokens: 64 };
    await store.turns.settle(settlement(turn, { attempts: [attempt({ usage })] }));
    expect(
      await scene.database
        .sql`select cache_write_tokens as written, channel from usage where turn_id = ${turn.id}`,
    ).toEqual([{ written: 64, channel: place(chat) }]);
  });
});
