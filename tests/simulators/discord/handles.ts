import { channelHandle, knownUser } from './channel-handle.ts';
import type { SimChannel } from './channel-handle.ts';
import { announceChannel, announceMember } from './events.ts';
import { addBot, addChannel, addMember, announceGuild, announceLoss, roleNamed, setRoles } from './guilds.ts';
import type { ChannelOptions } from './guilds.ts';
import type { PermissionName } from './permissions.ts';
import type { Simulation } from './simulation.ts';
import type { GuildState, MemberState, UserState } from './world.ts';

type Who = Pick<UserState, 'id'>;

/** A person, as tests hold it. */
export interface SimUser {
  readonly id: string;
  readonly username: string;
  readonly globalName: string | null;
  readonly locale: string;
  /** The direct messages with the bot. */
  dm(): SimChannel;
  /** Whether the person takes direct messages from the bot. */
  setDms(areOpen: boolean): void;
}

/** A guild, as tests hold it. */
export interface SimGuild {
  readonly id: string;
  readonly name: string;
  /** A channel or thread by name; throws when there is none. */
  channel(name: string): SimChannel;
  addChannel(channel: string | ChannelOptions): SimChannel;
  /** The id of a role by name, for mentions and options; throws when there is none. */
  role(name: string): string;
  join(user: Who): void;
  leave(user: Who): void;
  /** Gives a member exactly the roles of these names. */
  setRoles(user: Who, names: readonly string[]): void;
  /** Silences a member, also the bot, for so many milliseconds. */
  timeOut(user: Who, ms: number): void;
  addBot(permissions?: readonly PermissionName[]): void;
  removeBot(): void;
  /** The guild fails, or is back. */
  setAvailable(isAvailable: boolean): void;
}

export function userHandle(simulation: Simulation, user: UserState): SimUser {
  return {
    id: user.id,
    username: user.username,
    globalName: user.globalName,
    locale: user.locale,
    dm: () => channelHandle(simulation, simulation.world.directMessages(user)),
    setDms(areOpen) {
      user.acceptsDms = areOpen;
    },
  };
}

export function guildHandle(simulation: Simulation, guild: GuildState): SimGuild {
  const { bot } = simulation.world;
  return {
    id: guild.id,
    name: guild.name,
    channel(name) {
      const channel = [...guild.channels.values()].find((candidate) => candidate.name === name);
      if (channel === undefined) throw new Error(`There is no channel "${name}".`);
      return channelHandle(simulation, channel);
    },
    addChannel(options) {
      const channel = addChannel(
        simulation,
        guild,
        typeof options === 'string' ? { name: options } : options,
      );
      announceChannel(simulation, 'CREATE', channel);
      return channelHandle(simulation, channel);
    },
    role: (name) => roleNamed(guild, name).id,
    join(user) {
      announceMember(simulation, 'GUILD_MEMBER_ADD', guild, addMember(simulation, guild, user).user);
    },
    leave(user) {
      const { user: left } = memberOf(guild, user);
      announceMember(simulation, 'GUILD_MEMBER_REMOVE', guild, left);
      guild.members.delete(left.id);
    },
    setRoles: (user, names) => setRoles(simulation, guild, memberOf(guild, user), names),
    timeOut(user, ms) {
      memberOf(guild, user).timedOutUntilMs = simulation.now() + ms;
      announceMember(simulation, 'GUILD_MEMBER_UPDATE', guild, knownUser(simulation, user));
    },
    addBot(permissions) {
      addBot(simulation, guild, permissions);
      announceGuild(simulation, guild);
    },
    removeBot() {
      guild.members.delete(bot.id);
      announceLoss(simulation, guild, false);
    },
    setAvailable(isAvailable) {
      guild.isAvailable = isAvailable;
      if (isAvailable) announceGuild(simulation, guild);
      else announceLoss(simulation, guild, true);
    },
  };
}

/** The guild with this id; throws when there is none. */
export function knownGuild({ world }: Simulation, { id }: Pick<GuildState, 'id'>): GuildState {
  const guild = world.guilds.get(id);
  if (guild === undefined) throw new Error(`There is no guild ${id}.`);
  return guild;
}

function memberOf(guild: GuildState, { id }: Who): MemberState {
  const member = guild.members.get(id);
  if (member === undefined) throw new Error(`User ${id} is not in guild ${guild.id}.`);
  return member;
}
