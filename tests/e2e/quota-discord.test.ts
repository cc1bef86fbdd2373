import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimChannel } from '../simulators/discord/channel-handle.ts';
import type { SimUser } from '../simulators/discord/handles.ts';
import { openDiscordScene, type DiscordScene } from '../support/discord-scene.ts';
import { until } from '../support/until.ts';

let scene: DiscordScene;
beforeAll(async () => {
  const settings = { MAX_TOKENS: '100', USER_RATE_LIMIT_PER_MINUTE: '1000' };
  scene = await openDiscordScene({ settings });
});
afterAll(async () => {
  expect(await scene.records.holds()).toBe(0);
  expect(await scene.records.wrongCounters()).toEqual([]);
  expect(scene.discord.violations).toEqual([]);
  await scene.stop();
});

const people = (count: number) => Array.from({ length: count }, () => scene.discord.user());
const said = async (channel: SimChannel, user: SimUser, name: string, values = {}) =>
  (await scene.slash(channel, user, name, values)).content;
const refusal = async (channel: SimChannel, user: SimUser) => {
  const { turn } = await scene.ask(channel, user, 'Hello?');
  return turn.state === 'refused' ? turn.refusal : turn.state;
};

test('of 200 people at once in a server with 50 answers left exactly 50 are answered and 150 are told', async () => {
  const owner = scene.discord.user();
  const members = people(200);
  const { channel } = scene.guild(members, { owner });
  const set = { metric: 'requests', window: 'hour', limit: '50' };
  expect(await said(channel, owner, 'quota set', set)).toBe(
    '✅ This community: at most 50 messages an hour.',
  );
  const ids = members.map((user) => scene.send(channel, user, 'Everybody at once'));
  const place = `discord:${scene.discord.bot.id}:${channel.id}`;
  await until(async () => {
    const [row] = await scene.database.sql<{ isOver: boolean }[]>`
      select count(*) = ${ids.length} as "isOver" from turns where place = ${place} and delivered_at is not null`;
    return row?.isOver;
  }, 60_000);
  const states = (await scene.records.turnsIn(place)).map(({ state }) => state);
  expect(states.filter((state) => state === 'delivered')).toHaveLength(50);
  expect(states.filter((state) => state === 'refused')).toHaveLength(150);
  const isRefusal = /^This community has used 50 of 50 messages this hour\./u;
  const told = scene.said(channel).filter(({ content }) => isRefusal.test(content));
  expect(new Set(told.map(({ replyTo }) => replyTo)).size).toBe(150);
  expect(await said(channel, owner, 'quota explain')).toMatch(
    /messages this hour: 50 counted, 50 in the records, difference 0; limit 50/u,
  );
}, 90_000);

describe('a role', () => {
  test('gives each of its members as much, counted apart; the most generous of several counts', async () => {
    const owner = scene.discord.user();
    const [ann, ben, cem, dan] = people(4) as [SimUser, SimUser, SimUser, SimUser];
    const { guild, channel } = scene.guild([ann, ben, cem, dan], {
      owner,
      roles: [
        { name: 'Readers', members: [ann, ben, cem] },
        { name: 'Patrons', members: [cem] },
      ],
    });
    const day = { metric: 'requests', window: 'day' };
    const set = (values: object) => said(channel, owner, 'quota set', { ...day, ...values });
    expect(await set({ limit: '1', role: guild.role('Readers') })).toBe(
      '✅ Each member who has that role: at most 1 message a day.',
    );
    await set({ limit: '2', role: guild.role('Patrons') });
    // The role of everybody.
    expect(await set({ limit: '0', role: guild.id })).toContain('Each member of this community: blocked');
    const states = [];
    for (const user of [ann, ann, ben, cem, cem, cem, dan]) states.push(await refusal(channel, user));
    const spent = { reason: 'quota', subject: 'member', metric: 'requests' };
    expect(states).toEqual([
      'delivered',
      expect.objectContaining({ ...spent, used: 1, limit: 1 }),
      'delivered',
      'delivered',
      'delivered',
      expect.objectContaining({ ...spent, used: 2, limit: 2 }),
      expect.objectContaining({ ...spent, used: 0, limit: 0 }),
    ]);
    expect(await said(channel, cem, 'limits show')).toMatch(
      /You, here, messages today: 2 of 2 used, 0 left.* – by a role/u,
    );
    expect(await said(channel, owner, 'quota show', { role: guild.role('Patrons') })).toContain(
      'at most 2 messages a day',
    );
    expect(await set({ limit: '3', user: cem.id })).toBe('✅ That member, here: at most 3 messages a day.');
    expect(await said(channel, owner, 'quota show', { user: cem.id })).toContain('2 of 3 used, 1 left');
    expect(await said(channel, owner, 'quota explain', { role: guild.role('Patrons') })).toContain(
      'Each member has a counter of their own',
    );
  });
});

describe('a channel', () => {
  test('has an allowance that its threads share and other channels do not', async () => {
    const owner = scene.discord.user();
    const [ann, ben] = people(2) as [SimUser, SimUser];
    const { guild, channel } = scene.guild([ann, ben], { owner, channels: ['general', 'lounge'] });
    const lounge = guild.channel('lounge');
    const values = { metric: 'requests', window: 'day', limit: '2', channel: lounge.id };
    expect(await said(channel, owner, 'quota set', values)).toBe('✅ The channel: at most 2 messages a day.');
    expect(await refusal(lounge, ann)).toBe('delivered');
    const thread = lounge.startThread(ben, 'aside');
    expect(await refusal(thread, ben)).toBe('delivered');
    const { text, turn } = await scene.ask(thread, ben, 'Hello?');
    expect(turn.refusal).toMatchObject({ subject: 'channel', limit: 2, used: 2 });
    expect(text).toMatch(/^This channel has used 2 of 2 messages today\..* does not count elsewhere/u);
    expect(await refusal(channel, ann)).toBe('delivered');
    expect(await said(thread, ann, 'limits show')).toMatch(
      /The channel, messages today: 2 of 2 used, 0 left/u,
    );
    expect(await said(channel, owner, 'quota explain', { channel: lounge.id })).toMatch(
      /messages today: 2 counted, 2 in the records, difference 0/u,
    );
  });
});
