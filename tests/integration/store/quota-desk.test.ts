import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds } from '../../support/database.ts';
import { askerOf, HOUR_MS, MORNING, openQuotaScene, place, type QuotaScene } from './quota-scene.ts';
import { admission, attempt, nextId, person, run, settlement, spent } from './requests.ts';

const MIDNIGHT = Date.UTC(2026, 6, 16);
const DEFAULTS = { user: { requests_day: 5 }, guild: { tokens_month: 9000 }, instance: { cost_day: 1000 } };

describe.each(databaseKinds)('the desk of quotas on %s', (kind) => {
  let scene: QuotaScene;
  let store: Store;

  beforeAll(async () => {
    scene = await openQuotaScene(kind, DEFAULTS);
    ({ store } = scene);
  });
  afterAll(() => scene.database.close());

  const audit = (guild: string | null) => scene.database.sql`
    select actor, action, subject, before, after, details from audit where guild is not distinct from ${guild} order by id`;
  const asking = (changes: Parameters<typeof admission>[0]) => admission(changes, { defaults: DEFAULTS });

  it('tells every limit that a turn would meet, whose word it is, and until when', async () => {
    const { guild, author } = await scene.team();
    const chat = nextId();
    const until = MORNING + HOUR_MS;
    await scene.set({ kind: 'guild', guild: guild.id }, 'requests_day', 50);
    await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_day', 20, {
      untilMs: until,
    });
    await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 2);
    await scene.set({ kind: 'role', guild: guild.id, role: 'discord:7' }, 'requests_day', 10);
    await scene.set({ kind: 'user', user: author.id }, 'requests_day', 4);
    const member = { ...author, roles: ['discord:7'] };
    await scene.use(asking({ author: member, chat, guild }));
    await run(store.turns, asking({ author: member, chat, guild }));
    const same = {
      metric: 'requests',
      window: 'day',
      used: 1,
      held: 1,
      resetsAtMs: MIDNIGHT,
      role: null,
      untilMs: null,
    };
    const told = await store.quotas.applying({ author: member, guild, channel: place(chat) });
    expect(told).toEqual([
      { ...same, subject: 'instance', metric: 'cost', used: 0, held: 0, limit: 1000, by: 'default' },
      { ...same, subject: 'guild', limit: 50, by: 'admins' },
      {
        ...same,
        subject: 'guild',
        metric: 'tokens',
        window: 'month',
        used: 120,
        held: expect.any(Number),
        limit: 9000,
        resetsAtMs: Date.UTC(2026, 7, 1),
        by: 'default',
      },
      { ...same, subject: 'user', limit: 4, by: 'self' },
      { ...same, subject: 'channel', limit: 20, by: 'admins', untilMs: until },
      { ...same, subject: 'member', limit: 10, by: 'admins', role: 'discord:7' },
    ]);
    const elsewhere = await store.quotas.applying({ author: member, guild: null, channel: null });
    expect(elsewhere.map(({ subject }) => subject)).toEqual(['instance', 'user']);
    const stranger = await store.quotas.applying({ author: person(), guild, channel: place(chat) });
    expect(stranger.find(({ subject }) => subject === 'member')).toMatchObject({
      used: 0,
      limit: 2,
      role: null,
    });
  });

  it('lets people and admins lower what the operator allows, and not raise it', async () => {
    const { guild, author } = await scene.team();
    const own = { kind: 'user', user: author.id } as const;
    expect(await scene.set(own, 'requests_day', 9)).toEqual({ kind: 'changed', inForce: 5 });
    expect(await scene.set(own, 'requests_day', null)).toEqual({ kind: 'changed', inForce: 5 });
    expect(await scene.set(own, 'requests_day', 0)).toEqual({ kind: 'changed', inForce: 0 });
    expect(await store.turns.admit(asking({ author, chat: nextId() }))).toMatchObject({
      refusal: { subject: 'user', limit: 0 },
    });
    const byOperator = { by: 'operator' } as const;
    expect(await scene.set(own, 'requests_day', 8, byOperator)).toEqual({ kind: 'changed', inForce: 0 });
    expect(await scene.clear(own, 'requests_day')).toEqual({ kind: 'changed', inForce: 8 });
    expect(await scene.clear(own, 'requests_day')).toEqual({ kind: 'unchanged', inForce: 8 });
    const all = { kind: 'guild', guild: guild.id } as const;
    expect(await scene.set(all, 'tokens_month', 90_000)).toMatchObject({ inForce: 9000 });
    expect(await scene.set(all, 'tokens_month', null, byOperator)).toMatchObject({ inForce: 90_000 });
    expect(await scene.set({ kind: 'instance' }, 'cost_day', 7, byOperator)).toMatchObject({ inForce: 7 });
    await store.quotas.clear({
      asker: askerOf(person()),
      target: { kind: 'instance' },
      by: 'operator',
      key: null,
    });
  });

  it('puts back what was set before when an override ends', async () => {
    const { guild, author } = await scene.team();
    const target = { kind: 'member', guild: guild.id, user: author.id } as const;
    const ask = () => store.turns.admit(asking({ author, chat: nextId(), guild }));
    await scene.set(target, 'requests_day', 0);
    await scene.set(target, 'requests_day', 1, { untilMs: MORNING + HOUR_MS });
    expect(await store.quotas.show(target)).toEqual({
      inForce: [expect.objectContaining({ limit: 1, by: 'admins', untilMs: MORNING + HOUR_MS })],
      set: [
        { key: 'requests_day', limit: 0, by: 'admins', untilMs: null },
        { key: 'requests_day', limit: 1, by: 'admins', untilMs: MORNING + HOUR_MS },
      ],
    });
    expect(await ask()).toMatchObject({ kind: 'run' });
    expect(await ask()).toMatchObject({ refusal: { subject: 'member', limit: 1 } });
    expect(await scene.at(MORNING + HOUR_MS, ask)).toMatchObject({ refusal: { limit: 0 } });
    const { set, inForce } = await scene.at(MORNING + HOUR_MS, () => store.quotas.show(target));
    expect([set, inForce]).toMatchObject([[{ limit: 0, untilMs: null }], [{ limit: 0, untilMs: null }]]);
  });

  it('changes once per origin key, on record with before and after', async () => {
    const { guild, author } = await scene.team();
    const asker = askerOf(author, guild);
    const change = {
      asker,
      target: { kind: 'role', guild: guild.id, role: 'discord:7' },
      by: 'admins',
      key: 'tokens_day',
      limit: 100,
      untilMs: null,
    } as const;
    const outcomes = await Promise.all([1, 2].map(() => store.quotas.set(change)));
    expect(outcomes).toEqual([1, 2].map(() => ({ kind: 'changed', inForce: null })));
    expect(await store.quotas.set({ ...change, limit: 7 })).toEqual({ kind: 'changed', inForce: null });
    expect(await store.quotas.show(change.target)).toEqual({
      inForce: [],
      set: [{ key: 'tokens_day', limit: 100, by: 'admins', untilMs: null }],
    });
    await scene.clear(change.target);
    const none = { limits: {}, temporary: {} };
    const some = { limits: { tokens_day: 100 }, temporary: {} };
    expect(await audit(guild.id)).toEqual([
      {
        actor: author.id,
        action: 'quota.set',
        subject: 'discord:7',
        before: none,
        after: some,
        details: { for: 'role', by: 'admins', key: 'tokens_day' },
      },
      expect.objectContaining({ action: 'quota.clear', before: some, after: none }),
    ]);
  });

  it('records an attempt that was not allowed, once, and changes nothing for whom nobody knows', async () => {
    const { guild, author } = await scene.team();
    const asker = askerOf(author, guild);
    const attempted = { action: 'quota.set', subject: guild.id, why: 'not_admin' } as const;
    await store.quotas.refuse(asker, attempted);
    await store.quotas.refuse(asker, attempted);
    expect(await audit(guild.id)).toEqual([
      expect.objectContaining({
        actor: author.id,
        action: 'quota.set.refused',
        details: { why: 'not_admin' },
      }),
    ]);
    const stranger = person();
    expect(
      await scene.set({ kind: 'member', guild: guild.id, user: stranger.id }, 'requests_day', 1),
    ).toEqual({
      kind: 'unknown',
    });
    expect(await scene.rows(guild.id, 5)).toEqual([]);
  });

  it('explains counters by the usage behind them, and each live hold', async () => {
    const { guild, author } = await scene.team();
    const target = { kind: 'guild', guild: guild.id } as const;
    const done = await run(store.turns, asking({ author, chat: nextId(), guild }));
    await store.turns.settle(
      settlement(done, { attempts: [attempt({ isFree: false, usage: spent(100, 20, 7n) })] }),
    );
    const running = await run(store.turns, asking({ author, chat: nextId(), guild }));
    await store.turns.holdCost(running, 0, 30n);
    const { counters, holds } = await store.quotas.explain(target);
    expect(counters.filter(({ window }) => window === 'month')).toEqual([
      expect.objectContaining({ metric: 'requests', used: 1, rebuilt: 1, difference: 0, limit: null }),
      expect.objectContaining({ metric: 'tokens', used: 120, rebuilt: 120, difference: 0, limit: 9000 }),
      expect.objectContaining({ metric: 'cost', used: 7, rebuilt: 7, resetsAtMs: Date.UTC(2026, 7, 1) }),
    ]);
    const hold = { turn: running.id, state: 'running', sinceMs: MORNING, images: 0 };
    expect(holds).toEqual([
      { ...hold, requests: 1, tokens: expect.any(Number), nanoUsd: 0 },
      { ...hold, requests: 0, tokens: 0, nanoUsd: 30 },
    ]);
    await scene.database.sql`
      update quota_subjects set tokens_day = tokens_day + 3
      where subject_id = (select id from guilds where platform_guild_id = ${guild.id})`;
    expect(await scene.differences(target)).toEqual([
      expect.objectContaining({ metric: 'tokens', window: 'day', used: 123, rebuilt: 120, difference: 3 }),
    ]);
    expect(await store.quotas.explain({ kind: 'members', guild: guild.id })).toEqual({
      counters: [],
      holds: [],
    });
  });
});
