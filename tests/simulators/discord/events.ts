import { intents } from './intents.ts';
import { messageEvent } from './message-object.ts';
import { channelObject, memberObject, threadMember } from './objects.ts';
import { has, permissionsIn } from './permissions.ts';
import type { Simulation } from './simulation.ts';
import type { ChannelState, GuildState, StoredMessage, UserState, Wire } from './world.ts';

/** Tells the bot of a new message, if it sees the channel. */
export function announceMessage(
  simulation: Simulation,
  name: 'MESSAGE_CREATE' | 'MESSAGE_UPDATE',
  message: StoredMessage,
): void {
  // An ephemeral message exists for one person only; the bot knows of it from its own request.
  if (message.ephemeralTo !== undefined) return;
  dispatchIn(
    simulation,
    message.channel,
    name,
    [intents.guildMessages, intents.directMessages],
    (hasIntent) => messageEvent(simulation.view(hasIntent), message),
  );
}

export function announceDeletion(simulation: Simulation, { channel, id, ephemeralTo }: StoredMessage): void {
  if (ephemeralTo !== undefined) return;
  dispatchIn(simulation, channel, 'MESSAGE_DELETE', [intents.guildMessages, intents.directMessages], () => ({
    id,
    channel_id: channel.id,
    ...guildId(channel),
  }));
}

export function announceBulkDeletion(
  simulation: Simulation,
  channel: ChannelState,
  ids: readonly string[],
): void {
  dispatchIn(
    simulation,
    channel,
    'MESSAGE_DELETE_BULK',
    [intents.guildMessages, intents.directMessages],
    () => ({
      ids,
      channel_id: channel.id,
      ...guildId(channel),
    }),
  );
}

export function announceTyping(simulation: Simulation, channel: ChannelState, user: UserState): void {
  const member = channel.guild?.members.get(user.id);
  dispatchIn(simulation, channel, 'TYPING_START', [intents.guildTyping, intents.directTyping], () => ({
    channel_id: channel.id,
    user_id: user.id,
    timestamp: Math.floor(simulation.now() / 1000),
    ...guildId(channel),
    ...(member === undefined ? {} : { member: memberObject(member) }),
  }));
}

export function announceReaction(
  simulation: Simulation,
  name: 'MESSAGE_REACTION_ADD' | 'MESSAGE_REACTION_REMOVE',
  message: StoredMessage,
  user: UserState,
  emoji: string,
): void {
  const { channel } = message;
  const member = channel.guild?.members.get(user.id);
  dispatchIn(simulation, channel, name, [intents.guildReactions, intents.directReactions], () => ({
    user_id: user.id,
    channel_id: channel.id,
    message_id: message.id,
    emoji: { id: null, name: emoji },
    burst: false,
    type: 0,
    ...guildId(channel),
    ...(name === 'MESSAGE_REACTION_ADD' ? { message_author_id: message.author.id } : {}),
    ...(name === 'MESSAGE_REACTION_ADD' && member !== undefined ? { member: memberObject(member) } : {}),
  }));
}

/** Tells of a channel or thread that was made, changed or removed. */
export function announceChannel(
  simulation: Simulation,
  change: 'CREATE' | 'UPDATE' | 'DELETE',
  channel: ChannelState,
): void {
  const isThread = channel.thread !== undefined;
  const name = `${isThread ? 'THREAD' : 'CHANNEL'}_${change}`;
  dispatchIn(simulation, channel, name, [intents.guilds, 0], () => {
    const object = channelObject(channel, simulation.world.bot.id);
    if (isThread && change === 'CREATE') return { ...object, newly_created: true };
    if (!isThread || change !== 'DELETE') return object;
    const { id, guild_id, parent_id, type } = object;
    return { id, guild_id, parent_id, type };
  });
}

/** Tells the bot that it is in a thread now. */
export function announceJoin(simulation: Simulation, channel: ChannelState): void {
  const botId = simulation.world.bot.id;
  dispatchIn(simulation, channel, 'THREAD_MEMBERS_UPDATE', [intents.guilds, 0], () => ({
    id: channel.id,
    guild_id: channel.guild?.id,
    member_count: channel.thread?.members.size,
    added_members: [threadMember(channel.id, botId, simulation.now())],
    removed_member_ids: [],
  }));
}

export function announceMember(
  simulation: Simulation,
  name: 'GUILD_MEMBER_ADD' | 'GUILD_MEMBER_UPDATE' | 'GUILD_MEMBER_REMOVE',
  guild: GuildState,
  user: UserState,
): void {
  const member = guild.members.get(user.id);
  // A bot hears of changes to itself whatever it asked for.
  const isSelf = user === simulation.world.bot && name === 'GUILD_MEMBER_UPDATE';
  simulation.gateway.dispatch({
    name,
    guildId: guild.id,
    intent: isSelf ? 0 : intents.guildMembers,
    payload: () => ({
      guild_id: guild.id,
      ...(member === undefined || name === 'GUILD_MEMBER_REMOVE'
        ? {
            user: {
              id: user.id,
              username: user.username,
              discriminator: '0',
              avatar: null,
              global_name: null,
            },
          }
        : memberObject(member)),
    }),
  });
}

function dispatchIn(
  simulation: Simulation,
  channel: ChannelState,
  name: string,
  [inGuild, inDms]: readonly [number, number],
  payload: (hasContentIntent: boolean) => Wire,
): void {
  const { bot } = simulation.world;
  if (!has(permissionsIn(channel, bot, simulation.now()), 'ViewChannel')) return;
  simulation.gateway.dispatch({
    name,
    guildId: channel.guild?.id,
    intent: channel.guild === undefined ? inDms : inGuild,
    payload,
  });
}

function guildId({ guild }: ChannelState): Wire {
  return guild === undefined ? {} : { guild_id: guild.id };
}
