import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { originKey } from '../../../src/platform/ids.ts';
import type { Author, Guild } from '../../../src/platform/message.ts';
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
    const spent = { refusal: { subject: 'channel', resetsAtMs: Date.UTC(2026, 6, 15, 12) } };
    expect(await ask()).toMatchObject(spent);
    await store.counters.rebuild();
    expect(await ask()).toMatchObject(spent);
  });

  describe('of a guild that moves to another time zone', () => {
    const LIMITS = { user: {}, guild: { requests_day: 1, requests_month: 2 }, instance: {} };
    const moveTo = (zone: string, guild: Guild, author: Author, isOperator = false) =>
      store.guildSettings.setTimeZone(
        {
          ...admission({ author, chat: nextId(), guild }).envelope,
          originKey: originKey('telegram', 'bot', 'command', nextId()),
        },
        zone,
        isOperator,
      );
    const ask = (guild: Guild, author: Author) =>
      store.turns.admit(admission({ author, chat: nextId(), guild }, { defaults: LIMITS }));
    const answer = async (guild: Guild, author: Author) =>
      finish(store.turns, ran(await ask(guild, author)), 'x');
    const AUGUST = Date.UTC(2026, 7, 1);

    it.each([
      // In Kiritimati the next day begins at 10:00 UTC, in Honolulu too; in Tokyo at 15:00 UTC.
      ['Pacific/Kiritimati', Date.UTC(2026, 7, 31, 10)],
      ['Asia/Tokyo', Date.UTC(2026, 7, 31, 15)],
      ['Pacific/Honolulu', Date.UTC(2026, 8, 1, 10)],
    ])('stay as they are until the month has ended: on the way to %s', async (zone, end) => {
      const { guild, author } = await scene.team();
      await answer(guild, author);
      expect(await moveTo(zone, guild, author)).toEqual({
        kind: 'changed',
        timeZone: zone,
        limitsFromMs: AUGUST,
      });
      expect(await store.guildSettings.timeZone(guild.id)).toBe(zone);
      expect(await store.guildSettings.timeZoneBefore(guild.id)).toEqual({
        timeZone: 'UTC',
        untilMs: AUGUST,
      });
      const midnight = Date.UTC(2026, 6, 16);
      for (const at of [MORNING, MORNING + 5 * HOUR_MS, midnight - 1]) {
        expect(await scene.at(at, () => ask(guild, author))).toMatchObject({
          refusal: { window: 'day', resetsAtMs: midnight },
        });
      }
      await scene.at(midnight, () => answer(guild, author));
      expect(await scene.at(AUGUST - 1, () => ask(guild, author))).toMatchObject({
        refusal: { window: 'month', resetsAtMs: AUGUST },
      });
      await scene.at(Date.UTC(2026, 7, 2), () => answer(guild, author));
      await scene.at(Date.UTC(2026, 7, 4), () => answer(guild, author));
      expect(await scene.at(Date.UTC(2026, 7, 5), () => ask(guild, author))).toMatchObject({
        refusal: { window: 'month', resetsAtMs: end },
      });
      await scene.at(Date.UTC(2026, 7, 5), async () => {
        expect(await scene.differences({ kind: 'guild', guild: guild.id })).toEqual([]);
      });
    });

    it('stay used up where the new zone is still in the month before', async () => {
      const { guild, author } = await scene.team();
      await answer(guild, author);
      await moveTo('Pacific/Honolulu', guild, author);
      await scene.at(AUGUST - HOUR_MS, () => answer(guild, author));
      const begin = AUGUST + 10 * HOUR_MS;
      expect(await scene.at(AUGUST, () => ask(guild, author))).toMatchObject({
        refusal: { resetsAtMs: begin },
      });
      expect(await scene.at(begin, () => ask(guild, author))).toMatchObject({ kind: 'run' });
    });

    it('move at once where nothing was used in the month, channels and members too', async () => {
      const { guild, author } = await scene.team();
      expect(await moveTo('Asia/Tokyo', guild, author)).toEqual({
        kind: 'changed',
        timeZone: 'Asia/Tokyo',
        limitsFromMs: null,
      });
      await scene.set({ kind: 'members', guild: guild.id }, 'requests_day', 1);
      await answer(guild, author);
      expect(await ask(guild, author)).toMatchObject({ refusal: { resetsAtMs: Date.UTC(2026, 6, 15, 15) } });
    });

    it('move again within 30 days by an operator’s word only, and who tried is on record', async () => {
      const { guild, author } = await scene.team();
      await moveTo('Asia/Tokyo', guild, author);
      await answer(guild, author);
      const days = 24 * HOUR_MS;
      const from = MORNING + 30 * days;
      expect(await scene.at(from - 1, () => moveTo('Europe/Berlin', guild, author))).toEqual({
        kind: 'too_soon',
        fromMs: from,
      });
      expect(await store.guildSettings.timeZone(guild.id)).toBe('Asia/Tokyo');
      expect(
        await scene.database.sql`
          select details from audit where guild = ${guild.id} and action = 'set time_zone.refused'`,
      ).toEqual([{ details: { why: 'too_soon', timeZone: 'Europe/Berlin' } }]);
      expect(await moveTo('Mars/Olympus', guild, author)).toEqual({ kind: 'unknown' });
      expect(await moveTo('europe/berlin', guild, author, true)).toMatchObject({
        kind: 'changed',
        timeZone: 'Europe/Berlin',
        limitsFromMs: Date.UTC(2026, 6, 31, 15),
      });
      expect(await scene.at(from, () => moveTo('Asia/Tokyo', guild, author))).toMatchObject({
        kind: 'changed',
      });
    });
  });

  const setZone = (guild: Guild, zone: string) =>
    scene.database.sql`update guilds set time_zone = ${zone} where platform_guild_id = ${guild.id}`;
});
