import { guildCreate } from './connection.ts';
import { announceChannel, announceMember } from './events.ts';
import { intents } from './intents.ts';
import { defaultPermissions, permissionBits } from './permissions.ts';
import type { PermissionName } from './permissions.ts';
import type { Simulation } from './simulation.ts';
import { channelTypes } from './world.ts';
import type { ChannelState, GuildState, MemberState, OverwriteState, UserState } from './world.ts';

type Who = Pick<UserState, 'id'>;

export interface RoleOptions {
  readonly name: string;
  readonly permissions?: readonly PermissionName[];
  readonly isMentionable?: boolean;
  readonly members?: readonly Who[];
}

/** An exception in one channel. `for` is `everyone`, `bot`, a role's name or a user's id. */
export interface OverwriteOptions {
  readonly for: string;
  readonly allow?: readonly PermissionName[];
  readonly deny?: readonly PermissionName[];
}

export interface ChannelOptions {
  readonly name: string;
  /** `text` unless told. */
  readonly type?: 'text' | 'announcement' | 'forum' | 'media' | 'voice' | 'category';
  readonly topic?: string;
  readonly isNsfw?: boolean;
  readonly slowModeSeconds?: number;
  readonly overwrites?: readonly OverwriteOptions[];
}

export interface GuildOptions {
  readonly name?: string;
  readonly locale?: string;
  /** Somebody nobody else is, unless told. */
  readonly owner?: Who;
  readonly members?: readonly Who[];
  /** One text channel `general` unless told. */
  readonly channels?: readonly (string | ChannelOptions)[];
  readonly roles?: readonly RoleOptions[];
  /** What everyone may do. */
  readonly everyone?: readonly PermissionName[];
  /** What the bot may do besides. */
  readonly botPermissions?: readonly PermissionName[];
  /** False for a guild the bot is not in; true unless told. */
  readonly hasBot?: boolean;
}

/** Makes a guild and tells the bot of it, if it is in. */
export function createGuild(simulation: Simulation, options: GuildOptions): GuildState {
  const { world } = simulation;
  const id = world.ids.nextApart();
  const owner = options.owner ?? world.addUser({ username: 'owner', globalName: 'Owner' });
  const guild: GuildState = {
    id,
    name: options.name ?? 'Guild',
    ownerId: owner.id,
    locale: options.locale ?? 'en-US',
    roles: new Map(),
    members: new Map(),
    channels: new Map(),
    isAvailable: true,
  };
  world.guilds.set(id, guild);
  addRole(guild, { id, name: '@everyone', permissions: options.everyone ?? defaultPermissions });
  for (const person of [owner, ...(options.members ?? [])]) addMember(simulation, guild, person);
  for (const role of options.roles ?? []) {
    const added = addRole(guild, { ...role, id: world.ids.next() });
    for (const { id: userId } of role.members ?? []) guild.members.get(userId)?.roles.add(added.id);
  }
  if (options.hasBot !== false) addBot(simulation, guild, options.botPermissions);
  for (const channel of options.channels ?? ['general']) {
    addChannel(simulation, guild, typeof channel === 'string' ? { name: channel } : channel);
  }
  announceGuild(simulation, guild);
  return guild;
}

/** Makes a channel without telling anybody. */
export function addChannel(simulation: Simulation, guild: GuildState, options: ChannelOptions): ChannelState {
  return simulation.world.addChannel({
    type: channelTypes[options.type ?? 'text'],
    name: options.name,
    guild,
    topic: options.topic ?? null,
    isNsfw: options.isNsfw ?? false,
    slowModeSeconds: options.slowModeSeconds ?? 0,
    overwrites: (options.overwrites ?? []).map((overwrite) => overwriteOf(simulation, guild, overwrite)),
  });
}

function addRole(
  guild: GuildState,
  role: RoleOptions & { readonly id: string; readonly isManaged?: boolean },
): { readonly id: string } {
  guild.roles.set(role.id, {
    id: role.id,
    name: role.name,
    permissions: permissionBits(role.permissions ?? []),
    position: guild.roles.size,
    isMentionable: role.isMentionable ?? false,
    isManaged: role.isManaged ?? false,
  });
  return role;
}

/** Puts a person into a guild without telling anybody. */
export function addMember({ world, now }: Simulation, guild: GuildState, { id }: Who): MemberState {
  const user = world.users.get(id);
  if (user === undefined) throw new Error(`There is no user ${id}.`);
  const member = { user, nick: null, roles: new Set<string>(), joinedAtMs: now(), timedOutUntilMs: 0 };
  guild.members.set(id, member);
  return member;
}

/** The bot joins with a role of its own, as an invite gives it. */
export function addBot(
  simulation: Simulation,
  guild: GuildState,
  permissions: readonly PermissionName[] = [],
): void {
  const { world } = simulation;
  const role = addRole(guild, {
    id: world.ids.next(),
    name: world.bot.username,
    permissions,
    isManaged: true,
  });
  addMember(simulation, guild, world.bot).roles.add(role.id);
}

/** Tells the bot that a guild is there: it joined, or an outage ended. */
export function announceGuild(simulation: Simulation, guild: GuildState): void {
  if (!guild.members.has(simulation.world.bot.id)) return;
  const payload = (): ReturnType<typeof guildCreate> => guildCreate(simulation, guild);
  simulation.gateway.dispatch({ name: 'GUILD_CREATE', guildId: guild.id, intent: intents.guilds, payload });
}

/** Tells the bot that a guild is gone: it was removed, or, when unavailable, an outage began. */
export function announceLoss({ gateway }: Simulation, { id }: GuildState, isOutage: boolean): void {
  const payload = (): Readonly<Record<string, unknown>> => ({
    id,
    ...(isOutage ? { unavailable: true } : {}),
  });
  gateway.dispatch({ name: 'GUILD_DELETE', guildId: id, intent: intents.guilds, payload });
}

/** Sets a channel's exception for one role or user, in place of the one it had. */
export function setOverwrite(simulation: Simulation, channel: ChannelState, options: OverwriteOptions): void {
  if (channel.guild === undefined) throw new Error('Direct messages have no permissions of their own.');
  const overwrite = overwriteOf(simulation, channel.guild, options);
  channel.overwrites = [...channel.overwrites.filter(({ id }) => id !== overwrite.id), overwrite];
  announceChannel(simulation, 'UPDATE', channel);
}

/** Gives a member exactly the roles of these names. */
export function setRoles(
  simulation: Simulation,
  guild: GuildState,
  member: MemberState,
  names: readonly string[],
): void {
  const managed = [...guild.roles.values()].filter(({ id, isManaged }) => isManaged && member.roles.has(id));
  const ids = [...managed, ...names.map((name) => roleNamed(guild, name))].map(({ id }) => id);
  member.roles.clear();
  for (const id of ids) member.roles.add(id);
  announceMember(simulation, 'GUILD_MEMBER_UPDATE', guild, member.user);
}

/** The role with this name; throws when there is none. */
export function roleNamed(guild: GuildState, name: string): { readonly id: string } {
  const role = [...guild.roles.values()].find((candidate) => candidate.name === name);
  if (role === undefined) throw new Error(`There is no role "${name}".`);
  return role;
}

function overwriteOf(simulation: Simulation, guild: GuildState, options: OverwriteOptions): OverwriteState {
  const userId = options.for === 'bot' ? simulation.world.bot.id : options.for;
  const isUser = guild.members.has(userId) || options.for === 'bot';
  const roleId = options.for === 'everyone' ? guild.id : undefined;
  return {
    id: isUser ? userId : (roleId ?? roleNamed(guild, options.for).id),
    isUser,
    allow: permissionBits(options.allow ?? []),
    deny: permissionBits(options.deny ?? []),
  };
}
