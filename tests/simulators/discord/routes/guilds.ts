import { announceLoss } from '../guilds.ts';
import { channelObject, guildObject, memberObject, roleObject, threadMember } from '../objects.ts';
import { has, permissionsIn } from '../permissions.ts';
import { refusal } from '../refusal.ts';
import { joinedGuild } from './access.ts';
import { answered, nothing, param } from './route.ts';
import type { Handler } from './route.ts';

export const guild: Handler = (simulation, request) => {
  const found = joinedGuild(simulation, param(request, 'guild_id'));
  const counts = { approximate_member_count: found.members.size, approximate_presence_count: 1 };
  return answered({ ...guildObject(found), ...(request.query['with_counts'] === 'true' ? counts : {}) });
};

export const guildChannels: Handler = (simulation, request) => {
  const found = joinedGuild(simulation, param(request, 'guild_id'));
  const channels = [...found.channels.values()].filter(({ thread }) => thread === undefined);
  return answered(channels.map((channel) => channelObject(channel, simulation.world.bot.id)));
};

export const activeThreads: Handler = (simulation, request) => {
  const { world, now } = simulation;
  const found = joinedGuild(simulation, param(request, 'guild_id'));
  const threads = [...found.channels.values()].filter(
    (channel) =>
      channel.thread?.archived === false && has(permissionsIn(channel, world.bot, now()), 'ViewChannel'),
  );
  const members = threads.flatMap(({ id, thread }) => {
    const joinedAtMs = thread?.members.get(world.bot.id);
    return joinedAtMs === undefined ? [] : [threadMember(id, world.bot.id, joinedAtMs)];
  });
  return answered({
    threads: threads.map((thread) => channelObject(thread, world.bot.id)),
    members,
    has_more: false,
  });
};

/** Needs the portal's switch for members, whatever the session asked for. */
export const members: Handler = (simulation, request) => {
  const found = joinedGuild(simulation, param(request, 'guild_id'));
  if (!simulation.options.privilegedIntents.guildMembers) throw refusal('missingAccess');
  const { limit = '1', after = '0' } = request.query;
  const page = [...found.members.values()]
    .filter(({ user }) => BigInt(user.id) > BigInt(after))
    .toSorted((left, right) => (BigInt(left.user.id) < BigInt(right.user.id) ? -1 : 1))
    .slice(0, Number(limit));
  return answered(page.map(memberObject));
};

export const member: Handler = (simulation, request) => {
  const found = joinedGuild(simulation, param(request, 'guild_id')).members.get(param(request, 'user_id'));
  if (found === undefined) throw refusal('unknownMember');
  return answered(memberObject(found));
};

export const roles: Handler = (simulation, request) =>
  answered([...joinedGuild(simulation, param(request, 'guild_id')).roles.values()].map(roleObject));

/** The bot goes; its gateway hears of it as of a guild that has thrown it out. */
export const leaveGuild: Handler = (simulation, request) => {
  const found = joinedGuild(simulation, param(request, 'guild_id'));
  found.members.delete(simulation.world.bot.id);
  announceLoss(simulation, found, false);
  return nothing;
};
