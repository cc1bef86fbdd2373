import { createdContent } from '../content.ts';
import type { MessageBody } from '../content.ts';
import { announceChannel, announceJoin } from '../events.ts';
import { computeMentions } from '../mentions.ts';
import { messageObject } from '../message-object.ts';
import { post } from '../messages.ts';
import { channelObject } from '../objects.ts';
import { invalidField, refusal } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { isForum, openThread } from '../threads.ts';
import type { ThreadPlan } from '../threads.ts';
import { channelTypes } from '../world.ts';
import type { ChannelState, ThreadState } from '../world.ts';
import { allows, checkActive, demand, knownMessage, visibleChannel } from './access.ts';
import { answered, nothing, param } from './route.ts';
import type { Handler } from './route.ts';

interface ThreadBody {
  readonly name: string;
  readonly auto_archive_duration?: number | null;
  readonly rate_limit_per_user?: number | null;
  readonly applied_tags?: readonly string[] | null;
  readonly type?: number | null;
  readonly message?: MessageBody;
}

/** Starts a thread from a message. */
export const startThread: Handler<ThreadBody> = (simulation, request) => {
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  if (channel.type !== channelTypes.text && channel.type !== channelTypes.announcement)
    throw refusal('wrongChannelType');
  const message = knownMessage(channel, param(request, 'message_id'));
  demand(simulation, channel, 'CreatePublicThreads');
  if (message.thread !== undefined) throw refusal('threadExists');
  const thread = openThread(simulation, channel, {
    ...planOf(request.body),
    owner: simulation.world.bot,
    starter: message,
  });
  return answered(channelObject(thread, simulation.world.bot.id), 201);
};

/** Opens a thread without a message or, in a forum, with its first one. */
export const createThread: Handler<ThreadBody> = (simulation, request) => {
  const { body, files } = request;
  const { bot, ids } = simulation.world;
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  const plan = { ...planOf(body), owner: bot };
  if (!isForum(channel)) {
    if (channel.type !== channelTypes.text) throw refusal('wrongChannelType');
    // A thread is private unless its type says otherwise.
    const isPrivate = (body.type ?? channelTypes.privateThread) === channelTypes.privateThread;
    demand(simulation, channel, isPrivate ? 'CreatePrivateThreads' : 'CreatePublicThreads');
    return answered(channelObject(openThread(simulation, channel, { ...plan, isPrivate }), bot.id), 201);
  }
  if (body.message === undefined)
    throw invalidField('message', 'BASE_TYPE_REQUIRED', 'This field is required');
  demand(simulation, channel, 'SendMessages');
  const content = createdContent(ids, body.message, files);
  const thread = openThread(simulation, channel, plan);
  const mentions = computeMentions(content.content, body.message.allowed_mentions, {
    channel: thread,
    author: bot,
    nowMs: simulation.now(),
    replied: undefined,
    isAnswer: false,
  });
  const message = post(simulation, thread, bot, content, { mentions });
  return answered(
    { ...channelObject(thread, bot.id), message: messageObject(simulation.restView(), message) },
    201,
  );
};

interface ThreadPatch {
  readonly name?: string | null;
  readonly archived?: boolean | null;
  readonly locked?: boolean | null;
  readonly auto_archive_duration?: number | null;
  readonly rate_limit_per_user?: number | null;
}

/** Changes a thread (topics/threads "Editing & Deleting Threads"). */
export const editThread: Handler<ThreadPatch> = (simulation, request) => {
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  const { thread } = channel;
  if (thread === undefined) throw refusal('wrongChannelType');
  const { body } = request;
  checkMayEdit(simulation, channel, thread, body);
  if (body.archived !== false) checkActive(channel);
  channel.name = body.name ?? channel.name;
  channel.slowModeSeconds = body.rate_limit_per_user ?? channel.slowModeSeconds;
  thread.locked = body.locked ?? thread.locked;
  thread.autoArchiveMinutes = body.auto_archive_duration ?? thread.autoArchiveMinutes;
  if (typeof body.archived === 'boolean') {
    Object.assign(thread, { archived: body.archived, archivedAtMs: simulation.now() });
  }
  announceChannel(simulation, 'UPDATE', channel);
  return answered(channelObject(channel, simulation.world.bot.id));
};

/** Who opened a thread may change most of it, and every member may open it again unless it is locked. */
function checkMayEdit(
  simulation: Simulation,
  channel: ChannelState,
  thread: ThreadState,
  patch: ThreadPatch,
): void {
  if (allows(simulation, channel, 'ManageThreads')) return;
  const { bot } = simulation.world;
  const needsManager = typeof patch.locked === 'boolean' || typeof patch.rate_limit_per_user === 'number';
  const onlyReopens = patch.archived === false && !thread.locked && patch.name === undefined;
  const mayOpen = onlyReopens && thread.members.has(bot.id);
  if (needsManager || !(thread.ownerId === bot.id || mayOpen)) throw refusal('missingPermissions');
}

export const joinThread: Handler = (simulation, request) => {
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  const { thread } = channel;
  if (thread === undefined) throw refusal('wrongChannelType');
  checkActive(channel);
  const { bot } = simulation.world;
  if (!thread.members.has(bot.id)) thread.members.set(bot.id, simulation.now());
  announceJoin(simulation, channel);
  return nothing;
};

function planOf(body: ThreadBody): Omit<ThreadPlan, 'owner'> {
  return {
    name: body.name,
    autoArchiveMinutes: body.auto_archive_duration ?? 4320,
    slowModeSeconds: body.rate_limit_per_user ?? 0,
    appliedTags: body.applied_tags ?? [],
  };
}
