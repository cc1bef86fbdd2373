import { answerViolations } from './validation.ts';
import type { Wire } from './world.ts';

/**
 * Every way an event departs from the API's description, which describes the objects that events carry but not the events. What events
 * add to an object is taken off first.
 */
export function inspectEvent(name: string, data: Wire): string[] {
  const check = checks[name];
  return check === undefined ? [] : check(data).map((sentence) => `${name} ${sentence}`);
}

const checks: Readonly<Record<string, (data: Wire) => string[]>> = {
  MESSAGE_CREATE: eventMessage,
  MESSAGE_UPDATE: eventMessage,
  THREAD_CREATE: (data) => answerViolations('ThreadResponse', without(data, ['newly_created'])),
  THREAD_UPDATE: (data) => answerViolations('ThreadResponse', data),
  CHANNEL_CREATE: (data) => answerViolations('GuildChannelResponse', data),
  CHANNEL_UPDATE: (data) => answerViolations('GuildChannelResponse', data),
  GUILD_CREATE: guildCreate,
  INTERACTION_CREATE: interaction,
  ENTITLEMENT_CREATE: entitlement,
  ENTITLEMENT_UPDATE: entitlement,
  ENTITLEMENT_DELETE: entitlement,
};

function eventMessage(data: Wire): string[] {
  const message = without(data, ['guild_id', 'channel_type', 'member']);
  const mentions = (data['mentions'] as readonly Wire[]).map((user) => without(user, ['member']));
  return [
    ...answerViolations('MessageResponse', { ...message, mentions }),
    ...(data['member'] === undefined ? [] : memberViolations(data['member'] as Wire, data['author'])),
  ];
}

/** A membership without its user, as it stands beside an author. */
function memberViolations(member: Wire, user: unknown): string[] {
  return answerViolations('GuildMemberResponse', { ...without(member, ['permissions']), user });
}

const guildExtras = [
  'joined_at',
  'large',
  'unavailable',
  'member_count',
  'members',
  'channels',
  'threads',
  'voice_states',
  'presences',
  'stage_instances',
  'guild_scheduled_events',
  'soundboard_sounds',
];

function guildCreate(data: Wire): string[] {
  const guild = without(data, guildExtras);
  return [
    ...answerViolations('GuildWithCountsResponse', guild),
    ...answerViolations('Array of GuildMemberResponse', data['members'], 'members'),
    ...answerViolations('Array of GuildChannelResponse', data['channels'], 'channels'),
    ...answerViolations('Array of ThreadResponse', data['threads'], 'threads'),
  ];
}

function interaction(data: Wire): string[] {
  const { message, member, user } = data as { message?: Wire; member?: Wire; user?: Wire };
  const invoker = user ?? (member?.['user'] as Wire | undefined);
  const targets = Object.values(
    (data['data'] as { resolved?: { messages?: Wire } }).resolved?.messages ?? {},
  );
  return [
    ...answerViolations('UserResponse', invoker, 'user'),
    ...(member === undefined ? [] : memberViolations(member, invoker)),
    ...(message === undefined ? [] : answerViolations('MessageResponse', message, 'message')),
    ...answerViolations('Array of EntitlementResponse', data['entitlements'], 'entitlements'),
    ...targets.flatMap((target) => answerViolations('MessageResponse', target, 'resolved message')),
  ];
}

function entitlement(data: Wire): string[] {
  return answerViolations('EntitlementResponse', data);
}

function without(object: Wire, names: readonly string[]): Wire {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}
