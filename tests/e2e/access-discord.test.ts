import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SimChannel } from '../simulators/discord/channel-handle.ts';
import type { SimGuild, SimUser } from '../simulators/discord/handles.ts';
import { openDiscordScene, type DiscordScene } from '../support/discord-scene.ts';
import { until } from '../support/until.ts';

let scene: DiscordScene;
let owner: SimUser;
let mod: SimUser;
let ann: SimUser;
let boss: SimUser;
let guild: SimGuild;
let channel: SimChannel;

beforeAll(async () => {
  scene = await openDiscordScene();
  [owner, mod, ann, boss] = ['Owner', 'Mod', 'Ann', 'Boss'].map((globalName) =>
    scene.discord.user({ globalName }),
  ) as [SimUser, SimUser, SimUser, SimUser];
  const roles = [
    { name: 'mods', permissions: ['ManageGuild'] as const, members: [mod] },
    { name: 'tech', permissions: ['Administrator'] as const, members: [boss] },
  ];
  ({ guild, channel } = scene.guild([mod, ann, boss], { owner, roles }));
  await scene.restart({ OPERATOR_IDS: `discord:${boss.id}` });
});
afterAll(async () => {
  expect(scene.discord.violations).toEqual([]);
  await scene.stop();
});

const say = async (user: SimUser, name: string, values = {}) =>
  (await scene.slash(channel, user, name, values)).content;

test('who manages a server blocks a member of it, but nobody who manages it too', async () => {
  expect(await say(mod, 'block user', { user: owner.id, reason: 'spite' })).toContain('can’t be blocked');
  expect(await say(owner, 'block user', { user: mod.id })).toContain('can’t be blocked');
  expect(await say(mod, 'block user', { user: boss.id })).toContain('can’t be blocked');
  expect(await say(mod, 'block user', { user: ann.id, reason: 'shouting' })).toContain('Blocked here');
  expect((await scene.ask(channel, ann, 'Hello?')).turn.refusal).toMatchObject({ reason: 'blocked' });
  expect(await say(mod, 'block list')).toContain('shouting');
  expect(await say(owner, 'unblock', { user: ann.id })).toContain('No longer blocked here');
  expect((await scene.ask(channel, mod, 'And I?')).turn.state).toBe('delivered');
});

test('a message is reported from its menu, and told by its id', async () => {
  const { reply } = await scene.ask(channel, owner, 'Say something');
  const answer = reply[0]?.id ?? '';
  const said = await scene.answerTo(channel.messageCommand(ann, answer, 'Report this'));
  const [id = ''] = /R-[\dA-F]{8}/u.exec(said.content) ?? [];
  expect(await say(mod, 'report', { action: 'list' })).toMatch(
    new RegExp(`${id}.*about an answer.*${answer}`, 'u'),
  );
  expect(await say(mod, 'report', { action: 'done', words: id })).toContain(`Done: ${id}`);
});

test('the bot leaves a server at an operator’s word', async () => {
  channel.slash(boss, 'guild', { action: 'leave', id: `discord:${guild.id}` });
  const isLeave = ({ route, params }: { route: string; params: Readonly<Record<string, string>> }) =>
    route === 'DELETE /users/@me/guilds/{guild_id}' && params['guild_id'] === guild.id;
  await until(() => scene.discord.calls.some(isLeave));
  const [row] = await scene.database.sql<{ actor: string }[]>`
    select actor from audit where action = 'guild.leave' and subject = ${`discord:${guild.id}`}`;
  expect(row?.actor).toBe(`discord:${boss.id}`);
});
