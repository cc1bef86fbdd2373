import { describe, expect, it } from 'vitest';
import { until } from '../../../support/until.ts';
import { asked, openInbound, scene, type InboundStage } from './inbound-stage.ts';

const COMMANDS = 'PUT /applications/{application_id}/commands';

const connected = ({ discord }: InboundStage) =>
  discord.gateway.sessions().filter((session) => session.connected);

/** Guilds until each of so many shards has one, the one of shard 0 first. */
function guildsOf(stage: InboundStage, count: number) {
  const scenes: ReturnType<typeof scene>[] = [];
  while (scenes.filter(Boolean).length < count) {
    const next = scene(stage);
    scenes[Number((BigInt(next.guild.id) >> 22n) % BigInt(count))] ??= next;
  }
  return scenes;
}

describe('two processes that share the shards', () => {
  it('hear each their own guilds, direct messages on shard 0, and publish the commands once', async () => {
    const stage = await openInbound({ isStarted: false, shards: { ids: [0, 1], count: 3 } });
    const other = await openOther(stage, { ids: [2], count: 3 });
    const scenes = guildsOf(stage, 3);
    await stage.adapter.start(stage.handlers);
    await other.adapter.start(other.handlers);
    expect(connected(stage).map(({ shard }) => shard)).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
    scenes.forEach(({ user, channel }, shard) =>
      channel.send(user, `shard ${shard}`, { mentions: [stage.discord.bot] }),
    );
    const { user } = scenes[2]!;
    user.dm().send(user, 'in private');
    await until(() => stage.messages.length === 3 && other.messages.length === 1);
    expect(stage.messages.map(({ text }) => text).toSorted()).toEqual(['in private', 'shard 0', 'shard 1']);
    expect(other.messages.map(({ text }) => text)).toEqual(['shard 2']);
    await until(() => stage.discord.commands().length > 0);
    await Promise.all([stage.adapter.stop(), other.adapter.stop()]);
    expect(stage.discord.calls.filter(({ route }) => route === COMMANDS)).toHaveLength(1);
  });

  it('read what was missed each in their own guilds, and note it apart', async () => {
    const stage = await openInbound({ isStarted: false, shards: { ids: [0], count: 2 } });
    const other = await openOther(stage, { ids: [1], count: 2 });
    const scenes = guildsOf(stage, 2);
    const mentions = [stage.discord.bot];
    for (const { user, channel } of scenes) {
      asked(stage, channel);
      channel.send(user, 'missed', { mentions });
    }
    const { user } = scenes[1]!;
    asked(stage, user.dm());
    user.dm().send(user, 'missed in private');
    other.memory.places.push(...stage.memory.places);
    await stage.adapter.start(stage.handlers);
    await other.adapter.start(other.handlers);
    await until(() => stage.messages.length === 2 && other.messages.length === 1);
    expect(stage.messages.map(({ guild }) => guild?.id ?? null)).toContain(null);
    expect(other.messages[0]!.guild?.id).toBe(`discord:${scenes[1]!.guild.id}`);
    await Promise.all([stage.adapter.stop(), other.adapter.stop()]);
    const bot = stage.discord.bot.id;
    expect([...stage.memory.bookmarks.keys()]).toEqual([`discord-seen:${bot}:0:2`]);
    expect([...other.memory.bookmarks.keys()]).toEqual([`discord-seen:${bot}:1:2`]);
  });

  it('end with a sentence on what to set where a number is not below the count', async () => {
    const stage = await openInbound({ isStarted: false, shards: { ids: [2], count: 2 } });
    await expect(stage.adapter.start(stage.handlers)).rejects.toThrow(/DISCORD_SHARD_COUNT/);
  });
});

/** A second process on the same Discord, with a core of its own to tell what it heard. */
async function openOther({ discord }: InboundStage, shards: { ids: number[]; count: number }) {
  return await openInbound({ discord, shards, isStarted: false });
}
