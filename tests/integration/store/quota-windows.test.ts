import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { originKey } from '../../../src/platform/ids.ts';
import type { Guild } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds } from '../../support/database.ts';
import { finish, ran } from './deeds.ts';
import { HOUR_MS, MORNING, openQuotaScene, place, type QuotaScene } from './quota-scene.ts';
import { admission, nextId, run, settlement } from './requests.ts';

describe.each(databaseKinds)('windows of quotas within a guild on %s', (kind) => {
  let scene: QuotaScene;
  let store: Store;

  beforeAll(async () => {
    scene = await openQuotaScene(kind);
    ({ store } = scene);
  });
  afterAll(() => scene.database.close());

  it.each([
    // The day has 23 hours where the clocks go forward, 25 where they go back, and begins on the half hour in Newfoundland.
    ['Europe/Berlin', Date.UTC(2026, 2, 28, 23), 23],
    ['Europe/Berlin', Date.UTC(2026, 9, 24, 22), 25],
    ['America/St_Johns', Date.UTC(2026, 2, 8, 3, 30), 23],
    ['America/St_Johns', Date.UTC(2026, 10, 1, 2, 30), 25],
    ['Asia/Tokyo', Date.UTC(2026, 2, 28, 15), 24],
  ])('last a day of the guild: in %s from %d for %d hours', async (zone, midnight, hours) => {
    const { guild, author } = await scene.team();
    await setZone(guild, zone);
    const chat = nextId();
    await scene.at(midnight - 1, () =>
      scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_day', 1),
    );
    await scene.at(midnight, () => scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 1));
    const ask = () => store.turns.admit(admission({ author, chat, guild }));
    const answer = async () => finish(store.turns, ran(await ask()), 'x');
    await scene.at(midnight, answer);
    const nextMidnight = midnight + hours * HOUR_MS;
    expect(await scene.at(nextMidnight - 1, ask)).toMatchObject({ refusal: { resetsAtMs: nextMidnight } });
    await scene.at(nextMidnight, answer);
  });

  it('last a month of the guild, whatever its days', async () => {
    const { guild, author } = await scene.team();
    await setZone(guild, 'America/St_Johns');
    await scene.set({ kind: 'members', guild: guild.id }, 'requests_month', 1);
    const begin = Date.UTC(2026, 1, 1, 3, 30);
    const end = Date.UTC(2026, 2, 1, 3, 30);
    const ask = () => store.turns.admit(admission({ author, chat: nextId(), guild }));
    await scene.at(begin, async () => finish(store.turns, ran(await ask()), 'x'));
    expect(await scene.at(end - 1, ask)).toMatchObject({ refusal: { subject: 'member', resetsAtMs: end } });
    expect(await scene.at(end, ask)).toMatchObject({ kind: 'run' });
  });

  it('are those of the admission for a turn that ends in the next one', async () => {
    const { guild, author } = await scene.team();
    await scene.set({ kind: 'members', guild: guild.id }, 'requests_hour', 1);
    const turn = await run(store.turns, admission({ author, chat: nextId(), guild }));
    await scene.at(MORNING + HOUR_MS, () => store.turns.settle(settlement(turn)));
    const ask = () => store.turns.admit(admission({ author, chat: nextId(), guild }));
    expect(await scene.at(MORNING + HOUR_MS, ask)).toMatchObject({ kind: 'run' });
    expect(await scene.rows(guild.id, 5)).toEqual([{ requests: 1, tokens: 120 }]);
  });

  it('never open again when the clock goes back, for channels and members either', async () => {
    const { guild, author } = await scene.team();
    const chat = nextId();
    await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_hour', 1);
    const ask = () => store.turns.admit(admission({ author, chat, guild }));
    await scene.at(MORNING + HOUR_MS, async () => finish(store.turns, ran(await ask()), 'x'));
    expect(await ask()).toMatchObject({
      refusal: { subject: 'channel', resetsAtMs: Date.UTC(2026, 6, 15, 12) },
    });
  });

  it('are opened anew when the guild moves to another time zone, with what was used in them', async () => {
    const { guild, author } = await scene.team();
    const chat = nextId();
    // In Tokyo the day has begun at 15:00 UTC of the day before; in Hawaii it begins only at 10:00 UTC.
    await scene.at(Date.UTC(2026, 6, 14, 16), () => scene.use(admission({ author, chat, guild })));
    await scene.use(admission({ author, chat, guild }));
    await scene.set({ kind: 'channel', guild: guild.id, channel: place(chat) }, 'requests_day', 3);
    await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 3);
    await run(store.turns, admission({ author, chat, guild }));
    const asked = { ...admission({ author, chat, guild }).envelope, guild };
    expect(await store.guildSettings.setTimeZone(asked, 'asia/tokyo')).toEqual({
      kind: 'changed',
      timeZone: 'Asia/Tokyo',
    });
    expect(await store.guildSettings.timeZone(guild.id)).toBe('Asia/Tokyo');
    const next = admission({ author, chat, guild });
    expect(await store.turns.admit(next)).toMatchObject({
      refusal: { used: 3, resetsAtMs: Date.UTC(2026, 6, 15, 15) },
    });
    expect(await store.guildSettings.setTimeZone(asked, 'Europe/Berlin')).toEqual({
      kind: 'changed',
      timeZone: 'Asia/Tokyo',
    });
    expect(await scene.differences({ kind: 'channel', guild: guild.id, channel: place(chat) })).toEqual([]);
    expect(await scene.differences({ kind: 'member', guild: guild.id, user: author.id })).toEqual([]);
    expect(await scene.differences({ kind: 'guild', guild: guild.id })).toEqual([]);
    const moved = {
      ...asked,
      originKey: originKey('telegram', 'bot', 'command', nextId()),
    };
    expect(await store.guildSettings.setTimeZone(moved, 'Atlantis/Capital')).toEqual({ kind: 'unknown' });
    expect(await store.guildSettings.setTimeZone(moved, 'Pacific/Honolulu')).toMatchObject({
      kind: 'changed',
    });
    expect(await store.turns.admit(admission({ author, chat, guild }))).toMatchObject({ kind: 'run' });
  });

  const setZone = (guild: Guild, zone: string) =>
    scene.database.sql`update guilds set time_zone = ${zone} where platform_guild_id = ${guild.id}`;
});
