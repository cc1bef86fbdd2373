import { createdContent, editedContent, messageFlags } from '../content.ts';
import type { MessageBody, MessageContent } from '../content.ts';
import { announceBulkDeletion } from '../events.ts';
import { isReadable } from '../intents.ts';
import { computeMentions } from '../mentions.ts';
import { messageObject } from '../message-object.ts';
import { post, referenceTo, remove, revise } from '../messages.ts';
import type { MessageExtras } from '../messages.ts';
import { DiscordRefusal, invalidField, refusal } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import { channelTypes, liveMessage } from '../world.ts';
import type { ChannelState, StoredMessage } from '../world.ts';
import {
  allows,
  checkActive,
  checkUnlocked,
  demand,
  knownMessage,
  visibleChannel,
  writableChannel,
} from './access.ts';
import { answered, nothing, param } from './route.ts';
import type { Handler } from './route.ts';

interface CreateBody extends MessageBody {
  readonly nonce?: string | number | null;
  readonly enforce_nonce?: boolean | null;
  readonly message_reference?: ReferenceBody | null;
}

interface ReferenceBody {
  readonly message_id: string;
  readonly channel_id?: string | null;
  readonly fail_if_not_exists?: boolean | null;
  readonly type?: number | null;
}

export const createMessage: Handler<CreateBody> = (simulation, request) => {
  const { body } = request;
  const channel = writableChannel(simulation, param(request, 'channel_id'));
  const nonce = body.nonce ?? undefined;
  const first =
    nonce === undefined || body.enforce_nonce !== true
      ? undefined
      : simulation.nonces.find(channel.id, nonce);
  if (first !== undefined) return answered(messageObject(simulation.restView(), first));
  const reference = referenceOf(simulation, channel, body.message_reference);
  const { ids } = simulation.world;
  const content = reference.snapshot === undefined ? createdContent(ids, body, request.files) : emptyContent;
  checkContentPermissions(simulation, channel, content);
  const message = post(simulation, channel, simulation.world.bot, content, {
    ...reference,
    ...(nonce === undefined ? {} : { nonce }),
    mentions: computeMentions(content.content, body.allowed_mentions, {
      channel,
      author: simulation.world.bot,
      nowMs: simulation.now(),
      replied: targetOf(channel, reference),
      isAnswer: false,
    }),
  });
  if (nonce !== undefined) simulation.nonces.keep(message, nonce);
  return answered(messageObject(simulation.restView(), message));
};

export const editMessage: Handler<MessageBody> = (simulation, request) => {
  const { body } = request;
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  const message = knownMessage(channel, param(request, 'message_id'));
  if (message.author !== simulation.world.bot) throw refusal('notAuthor');
  if (message.type === systemTypes.threadStarter) throw refusal('systemMessage');
  if ((message.flags & messageFlags.voice) !== 0) throw refusal('voiceNotEditable');
  checkActive(channel);
  checkUnlocked(simulation, channel);
  const content = editedContent(simulation.world.ids, message, body, request.files);
  checkContentPermissions(simulation, channel, content);
  const mentions = computeMentions(content.content, body.allowed_mentions, {
    channel,
    author: message.author,
    nowMs: simulation.now(),
    replied: targetOf(channel, message),
    isAnswer: message.interaction !== undefined,
  });
  revise(simulation, message, content, mentions);
  return answered(messageObject(simulation.restView(), message));
};

export const deleteMessage: Handler = (simulation, request) => {
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  const message = knownMessage(channel, param(request, 'message_id'));
  if (message.author !== simulation.world.bot) {
    if (channel.type === channelTypes.dm) throw refusal('notInDms');
    demand(simulation, channel, 'ManageMessages');
  }
  remove(simulation, message);
  return nothing;
};

const oldestForBulkMs = 14 * 86_400_000;

export const bulkDelete: Handler<{ messages: readonly string[] }> = (simulation, request) => {
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  if (channel.guild === undefined) throw refusal('notInDms');
  demand(simulation, channel, 'ManageMessages');
  const messages = request.body.messages.flatMap((id) => liveMessage(channel, id) ?? []);
  if (messages.some(({ atMs }) => atMs < simulation.now() - oldestForBulkMs)) {
    throw new DiscordRefusal(400, 50034, 'You can only bulk delete messages that are under 14 days old.');
  }
  for (const message of messages) message.deleted = true;
  announceBulkDeletion(
    simulation,
    channel,
    messages.map(({ id }) => id),
  );
  return nothing;
};

export const getMessage: Handler = (simulation, request) => {
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  if (!allows(simulation, channel, 'ReadMessageHistory')) throw refusal('missingAccess');
  return answered(messageObject(simulation.restView(), knownMessage(channel, param(request, 'message_id'))));
};

export const listMessages: Handler = (simulation, request) => {
  const channel = visibleChannel(simulation, param(request, 'channel_id'));
  if (!allows(simulation, channel, 'ReadMessageHistory')) return answered([]);
  const { before, after, around } = request.query;
  if ([before, after, around].filter((anchor) => anchor !== undefined).length > 1) {
    throw invalidField(
      '',
      'MESSAGE_LIST_ANCHORS_EXCLUSIVE',
      'before, after and around are mutually exclusive',
    );
  }
  const limit = Number(request.query['limit'] ?? 50);
  const newestFirst = [...channel.messages.values()]
    .filter(({ deleted, ephemeralTo }) => !deleted && ephemeralTo === undefined)
    .toReversed();
  return answered(
    pageOf(newestFirst, { before, after, around }, limit).map((message) =>
      messageObject(simulation.restView(), message),
    ),
  );
};

interface Anchors {
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly around: string | undefined;
}

function pageOf(
  newestFirst: readonly StoredMessage[],
  { before, after, around }: Anchors,
  limit: number,
): StoredMessage[] {
  if (after !== undefined) return newestFirst.filter(({ id }) => BigInt(id) > BigInt(after)).slice(-limit);
  if (around !== undefined) {
    const at = newestFirst.findIndex(({ id }) => BigInt(id) <= BigInt(around));
    const from = Math.max(0, (at < 0 ? newestFirst.length : at) - Math.floor(limit / 2));
    return newestFirst.slice(from, from + limit);
  }
  return newestFirst.filter(({ id }) => before === undefined || BigInt(id) < BigInt(before)).slice(0, limit);
}

/** Message types that cannot be edited or replied to. */
const systemTypes = { threadStarter: 21 } as const;

const emptyContent: MessageContent = { content: '', embeds: [], components: [], attachments: [], flags: 0 };

function checkContentPermissions(
  simulation: Simulation,
  channel: ChannelState,
  content: MessageContent,
): void {
  if (content.attachments.length > 0) demand(simulation, channel, 'AttachFiles');
  if (content.embeds.length > 0) demand(simulation, channel, 'EmbedLinks');
}

/** The message that a reply in a channel answers, if it is still there. */
function targetOf(
  channel: ChannelState,
  { reference }: Pick<MessageExtras, 'reference'>,
): StoredMessage | undefined {
  return reference?.type === 0 ? liveMessage(channel, reference.messageId ?? '') : undefined;
}

function referenceOf(
  simulation: Simulation,
  channel: ChannelState,
  reference: ReferenceBody | null | undefined,
): MessageExtras {
  if (reference === undefined || reference === null) return {};
  const origin = visibleChannel(simulation, reference.channel_id ?? channel.id);
  const target = liveMessage(origin, reference.message_id);
  const isForward = reference.type === 1;
  if (target === undefined || target.ephemeralTo !== undefined || (!isForward && origin !== channel)) {
    if (reference.fail_if_not_exists === false) return {};
    throw invalidField('message_reference', 'MESSAGE_REFERENCE_UNKNOWN_MESSAGE', 'Unknown message');
  }
  if (isForward) {
    const { world, options } = simulation;
    if (!isReadable(target, world.bot.id, options.privilegedIntents.messageContent))
      throw refusal('unreadableForward');
    return { reference: referenceTo(origin, target.id, 1), snapshot: { ...target } };
  }
  if (!allows(simulation, channel, 'ReadMessageHistory')) throw refusal('cannotReply');
  if (target.type === systemTypes.threadStarter) {
    throw invalidField(
      'message_reference',
      'REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE',
      'Cannot reply to a system message',
    );
  }
  return { type: 19, reference: referenceTo(channel, target.id, 0) };
}
