import { channelTypes } from './world.ts';
import type { ChannelState, GuildState, MemberState, RoleState, UserState, Wire } from './world.ts';

export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '000+00:00');
}

/** UserResponse. */
export function userObject(user: UserState): Wire {
  return {
    id: user.id,
    username: user.username,
    avatar: null,
    // Bots keep a discriminator of four digits; people have none any more.
    discriminator: user.isBot ? '0001' : '0',
    public_flags: 0,
    flags: 0,
    ...(user.isBot ? { bot: true } : {}),
    banner: null,
    accent_color: null,
    global_name: user.globalName,
    primary_guild: null,
  };
}

/** GuildMemberResponse without `user`, as it stands beside a message's author. */
export function partialMember(member: MemberState): Wire {
  return {
    avatar: null,
    banner: null,
    communication_disabled_until: member.timedOutUntilMs === 0 ? null : isoTime(member.timedOutUntilMs),
    flags: 0,
    joined_at: isoTime(member.joinedAtMs),
    nick: member.nick,
    pending: false,
    premium_since: null,
    roles: [...member.roles],
    mute: false,
    deaf: false,
  };
}

/** GuildMemberResponse. */
export function memberObject(member: MemberState): Wire {
  return { ...partialMember(member), user: userObject(member.user) };
}

/** GuildRoleResponse. */
export function roleObject(role: RoleState): Wire {
  return {
    id: role.id,
    name: role.name,
    permissions: String(role.permissions),
    position: role.position,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    managed: role.isManaged,
    mentionable: role.isMentionable,
    icon: null,
    unicode_emoji: null,
    flags: 0,
  };
}

/** GuildChannelResponse, ThreadResponse or PrivateChannelResponse, as the bot sees the channel. */
export function channelObject(channel: ChannelState, botId: string): Wire {
  if (channel.thread !== undefined) return threadObject(channel, botId);
  const shared = { id: channel.id, type: channel.type, flags: 0, last_message_id: channel.lastMessageId };
  if (channel.guild === undefined) {
    return { ...shared, recipients: channel.recipients.filter(({ id }) => id !== botId).map(userObject) };
  }
  return {
    ...shared,
    guild_id: channel.guild.id,
    name: channel.name,
    parent_id: channel.parent?.id ?? null,
    rate_limit_per_user: channel.slowModeSeconds,
    topic: channel.topic,
    nsfw: channel.isNsfw,
    position: channel.position,
    permission_overwrites: channel.overwrites.map(({ id, isUser, allow, deny }) => ({
      id,
      type: isUser ? 1 : 0,
      allow: String(allow),
      deny: String(deny),
    })),
    ...(channel.type === channelTypes.forum || channel.type === channelTypes.media
      ? { available_tags: [] }
      : {}),
    ...(channel.type === channelTypes.voice ? { bitrate: 64_000, user_limit: 0, rtc_region: null } : {}),
  };
}

function threadObject(channel: ChannelState, botId: string): Wire {
  const { thread } = channel;
  if (thread === undefined) return {};
  const shown = [...channel.messages.values()].filter(({ deleted }) => !deleted).length;
  const joinedAtMs = thread.members.get(botId);
  return {
    id: channel.id,
    type: channel.type,
    flags: 0,
    last_message_id: channel.lastMessageId,
    guild_id: channel.guild?.id,
    name: channel.name,
    parent_id: channel.parent?.id ?? null,
    rate_limit_per_user: channel.slowModeSeconds,
    owner_id: thread.ownerId,
    thread_metadata: {
      archived: thread.archived,
      archive_timestamp: isoTime(thread.archivedAtMs),
      auto_archive_duration: thread.autoArchiveMinutes,
      locked: thread.locked,
      create_timestamp: isoTime(thread.createdAtMs),
      ...(thread.isPrivate ? { invitable: true } : {}),
    },
    message_count: shown,
    member_count: thread.members.size,
    total_message_sent: thread.messagesEver,
    applied_tags: [...thread.appliedTags],
    ...(joinedAtMs === undefined ? {} : { member: threadMember(channel.id, botId, joinedAtMs) }),
  };
}

/** ThreadMemberResponse. */
export function threadMember(threadId: string, userId: string, joinedAtMs: number): Wire {
  return { id: threadId, user_id: userId, join_timestamp: isoTime(joinedAtMs), flags: 0 };
}

/** GuildWithCountsResponse, without the counts. */
export function guildObject(guild: GuildState): Wire {
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    description: null,
    home_header: null,
    splash: null,
    discovery_splash: null,
    features: [],
    banner: null,
    owner_id: guild.ownerId,
    application_id: null,
    region: 'us-east',
    afk_channel_id: null,
    afk_timeout: 300,
    system_channel_id: null,
    system_channel_flags: 0,
    widget_enabled: false,
    widget_channel_id: null,
    verification_level: 0,
    roles: [...guild.roles.values()].map(roleObject),
    default_message_notifications: 0,
    mfa_level: 0,
    explicit_content_filter: 0,
    max_presences: null,
    max_members: 500_000,
    max_stage_video_channel_users: 50,
    max_video_channel_users: 25,
    vanity_url_code: null,
    premium_tier: 0,
    premium_subscription_count: 0,
    preferred_locale: guild.locale,
    rules_channel_id: null,
    safety_alerts_channel_id: null,
    public_updates_channel_id: null,
    premium_progress_bar_enabled: false,
    premium_progress_bar_enabled_user_updated_at: null,
    nsfw: false,
    nsfw_level: 0,
    emojis: [],
    stickers: [],
    incidents_data: null,
  };
}
