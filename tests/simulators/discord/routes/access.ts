import { has, permissionsIn } from '../permissions.ts';
import type { PermissionName } from '../permissions.ts';
import { refusal } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { channelTypes, liveMessage } from '../world.ts';
import type { ChannelState, GuildState, StoredMessage } from '../world.ts';

/** The channel, if the bot may see it. Refuses with 10003 when there is none and with 50001 when it may not. */
export function visibleChannel(simulation: Simulation, id: string): ChannelState {
  const channel = simulation.world.channels.get(id);
  if (channel === undefined) throw refusal('unknownChannel');
  if (!allows(simulation, channel, 'ViewChannel')) throw refusal('missingAccess');
  return channel;
}

export function allows(simulation: Simulation, channel: ChannelState, name: PermissionName): boolean {
  return has(permissionsIn(channel, simulation.world.bot, simulation.now()), name);
}

/** Refuses with 50013 when the bot lacks a permission. */
export function demand(
  simulation: Simulation,
  channel: ChannelState,
  ...names: readonly PermissionName[]
): void {
  if (names.some((name) => !allows(simulation, channel, name))) throw refusal('missingPermissions');
}

/** The channel, if the bot may write there now. */
export function writableChannel(simulation: Simulation, id: string): ChannelState {
  const channel = visibleChannel(simulation, id);
  if (channel.type === channelTypes.forum || channel.type === channelTypes.media)
    throw refusal('forumChannel');
  if (channel.type === channelTypes.category) throw refusal('notText');
  if (channel.type === channelTypes.dm) checkReachable(simulation, channel);
  demand(simulation, channel, channel.thread === undefined ? 'SendMessages' : 'SendMessagesInThreads');
  checkUnlocked(simulation, channel);
  return channel;
}

/** A person can be written to while they accept it and share a guild with the bot or have written first. */
function checkReachable({ world }: Simulation, channel: ChannelState): void {
  const [person] = channel.recipients.filter((user) => user !== world.bot);
  if (person === undefined || !person.acceptsDms) throw refusal('unreachableUser');
  const sharesGuild = [...world.guilds.values()].some(
    ({ members }) => members.has(person.id) && members.has(world.bot.id),
  );
  const hasWritten = [...channel.messages.values()].some(({ author }) => author === person);
  if (!sharesGuild && !hasWritten) throw refusal('noMutualGuilds');
}

/** In a locked thread only those who manage threads may write or edit (topics/threads). */
export function checkUnlocked(simulation: Simulation, channel: ChannelState): void {
  if (channel.thread?.locked === true && !allows(simulation, channel, 'ManageThreads'))
    throw refusal('lockedThread');
}

/** In an archived thread nothing can be edited or reacted to. */
export function checkActive({ thread }: ChannelState): void {
  if (thread?.archived === true) throw refusal('archivedThread');
}

/** The message, if everyone may see it. An ephemeral one does not exist on these routes. */
export function knownMessage(channel: ChannelState, id: string): StoredMessage {
  const message = liveMessage(channel, id);
  if (message === undefined || message.ephemeralTo !== undefined) throw refusal('unknownMessage');
  return message;
}

/** The guild, if the bot is in it. */
export function joinedGuild({ world }: Simulation, id: string): GuildState {
  const guild = world.guilds.get(id);
  if (guild === undefined) throw refusal('unknownGuild');
  if (!guild.members.has(world.bot.id)) throw refusal('missingAccess');
  return guild;
}
