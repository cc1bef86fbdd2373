import type { ChannelState, GuildState, MemberState, UserState } from './world.ts';

/** Permission bits by Discord's names (topics/permissions). Those no part of the simulator asks for are left out. */
const bits = {
  KickMembers: 1n << 1n,
  Administrator: 1n << 3n,
  ManageChannels: 1n << 4n,
  ManageGuild: 1n << 5n,
  AddReactions: 1n << 6n,
  ViewChannel: 1n << 10n,
  SendMessages: 1n << 11n,
  ManageMessages: 1n << 13n,
  EmbedLinks: 1n << 14n,
  AttachFiles: 1n << 15n,
  ReadMessageHistory: 1n << 16n,
  MentionEveryone: 1n << 17n,
  UseExternalEmojis: 1n << 18n,
  ManageRoles: 1n << 28n,
  UseApplicationCommands: 1n << 31n,
  ManageThreads: 1n << 34n,
  CreatePublicThreads: 1n << 35n,
  CreatePrivateThreads: 1n << 36n,
  SendMessagesInThreads: 1n << 38n,
  ModerateMembers: 1n << 40n,
  SendVoiceMessages: 1n << 46n,
  UseExternalApps: 1n << 50n,
  BypassSlowmode: 1n << 52n,
} as const;

export type PermissionName = keyof typeof bits;

/** What everyone may do in a new guild; Discord includes mentioning everyone. */
export const defaultPermissions: readonly PermissionName[] = [
  'AddReactions',
  'ViewChannel',
  'SendMessages',
  'EmbedLinks',
  'AttachFiles',
  'ReadMessageHistory',
  'MentionEveryone',
  'UseExternalEmojis',
  'UseApplicationCommands',
  'CreatePublicThreads',
  'CreatePrivateThreads',
  'SendMessagesInThreads',
  'SendVoiceMessages',
  'UseExternalApps',
];

const all = Object.values(bits).reduce((sum, bit) => sum | bit, 0n);

/** What a direct message allows both sides. */
const inDms = permissionBits(defaultPermissions.filter((name) => !name.includes('Threads')));

export function permissionBits(names: readonly PermissionName[]): bigint {
  return names.reduce((sum, name) => sum | bits[name], 0n);
}

export function has(permissions: bigint, name: PermissionName): boolean {
  return (permissions & bits[name]) !== 0n;
}

/** What a user may do in a channel or thread, as Discord computes it from roles, overwrites, timeouts and implied permissions. */
export function permissionsIn(channel: ChannelState, user: UserState, nowMs: number): bigint {
  const { guild } = channel;
  if (guild === undefined) return channel.recipients.includes(user) ? inDms : 0n;
  const member = guild.members.get(user.id);
  if (member === undefined) return 0n;
  const base = guildPermissions(guild, member);
  if (has(base, 'Administrator')) return all;
  const overwritten = withOverwrites(
    base,
    channel.parent !== undefined && channel.thread !== undefined ? channel.parent : channel,
    member,
  );
  return withImplied(overwritten, channel, member, nowMs);
}

/** What a member's roles allow in the whole guild. */
export function guildPermissions(guild: GuildState, member: MemberState): bigint {
  if (guild.ownerId === member.user.id) return all;
  const roles = [guild.id, ...member.roles].map((id) => guild.roles.get(id)?.permissions ?? 0n);
  const sum = roles.reduce((left, right) => left | right, 0n);
  return has(sum, 'Administrator') ? all : sum;
}

/** Order of overwrites: everyone, then all roles together, then the member; denials before what is allowed. */
function withOverwrites(base: bigint, channel: ChannelState, member: MemberState): bigint {
  const apply = (permissions: bigint, ids: readonly string[]): bigint => {
    const found = channel.overwrites.filter(({ id }) => ids.includes(id));
    const deny = found.reduce((sum, overwrite) => sum | overwrite.deny, 0n);
    const allow = found.reduce((sum, overwrite) => sum | overwrite.allow, 0n);
    return (permissions & ~deny) | allow;
  };
  return apply(apply(apply(base, [channel.guild?.id ?? '']), [...member.roles]), [member.user.id]);
}

function withImplied(permissions: bigint, channel: ChannelState, member: MemberState, nowMs: number): bigint {
  const { thread } = channel;
  const isHidden =
    thread?.isPrivate === true && !thread.members.has(member.user.id) && !has(permissions, 'ManageThreads');
  if (!has(permissions, 'ViewChannel') || isHidden) return 0n;
  if (nowMs < member.timedOutUntilMs)
    return permissions & permissionBits(['ViewChannel', 'ReadMessageHistory']);
  if (has(permissions, thread === undefined ? 'SendMessages' : 'SendMessagesInThreads')) return permissions;
  return permissions & ~permissionBits(['MentionEveryone', 'AttachFiles', 'EmbedLinks', 'SendVoiceMessages']);
}
