import type { Created, Look, Spot } from '../../delivery/parts.ts';
import { createChannel, type Channel, type ChannelOptions } from './channel.ts';
import {
  describe,
  interactionIsOver,
  isClosed,
  isGone,
  isInteractionOver,
  isMalformed,
  isReplyRefused,
  isShutOut,
  isTransient,
  type Failure,
  type Outcome,
} from './failure.ts';
import { isDeferred } from './address.ts';
import type { InteractionWebhook, InteractionWebhookOptions } from './interaction-webhook.ts';
import { createNonces, isAsSent, messageBody, referenceTo, type Appearance } from './post.ts';
import type { DiscordPart } from './render.ts';
import type { Manner } from './sender.ts';
import type { Whereabouts, WhereaboutsOptions } from './thread.ts';

/** The messages of one reply, by whichever way is open: the interaction's token, the thread or the channel. */
export interface Messages {
  create(spot: Spot, look: Look<DiscordPart>, manner: Manner): Promise<Outcome<Created>>;
  edit(id: string, look: Look<DiscordPart>, manner: Manner): Promise<Failure | null>;
  remove(id: string, manner: Manner): Promise<Failure | null>;
}

export interface MessagesOptions
  extends WhereaboutsOptions, InteractionWebhookOptions, ChannelOptions, Appearance {
  /**
   * Later messages are follow-ups of the interaction. Those of a turn are not: they must outlive its token, for they
   * are edited as long as the turn runs, and after a restart by another process.
   */
  readonly sendsFollowUps: boolean;
  /** Nothing shows to anybody but the interaction's person. */
  readonly isEphemeral: boolean;
}

/** `webhook` is null where there is no interaction. */
export function createMessages(
  options: MessagesOptions,
  webhook: InteractionWebhook | null,
  where: Whereabouts,
): Messages {
  const { address, logger, isEphemeral } = options;
  const channel = createChannel(options);
  const inChannel = createChannelMessages(options, channel, where);

  /** Puts the first part into the deferred response; null when nothing can be put there any more. */
  const fill = async (look: Look<DiscordPart>, manner: Manner): Promise<Outcome<Created> | null> => {
    const body = messageBody(look, options);
    const filled = (await whileOpen(webhook)?.fill(body, manner)) ?? null;
    if (filled?.ok === true) return created(filled.value.id);
    if (filled !== null && !isInteractionOver(filled.failure)) return filled;
    const { responseId, channelId } = address;
    if (responseId === null || isEphemeral) return null;
    const edited = await channel.edit(channelId, responseId, body, manner);
    if (edited.ok) return created(responseId);
    if (!isFinal(edited.failure) || isMalformed(edited.failure)) return edited;
    logger.info({ reason: describe(edited.failure) }, 'deferred response out of reach; answered anew');
    return null;
  };

  /** Null when there is no token to send it with. */
  const followUp = async (look: Look<DiscordPart>, manner: Manner): Promise<Outcome<Created> | null> => {
    const open = whileOpen(webhook);
    if (open === null) return null;
    const sent = await open.followUp(messageBody(look, options), isEphemeral, manner);
    return sent.ok ? created(sent.value.id) : sent;
  };

  const editElsewhere = createElsewhere(channel, webhook, where);
  /** Of this process. */
  const made = new Set<string>();
  const noted = (outcome: Outcome<Created>): Outcome<Created> => {
    if (outcome.ok) made.add(outcome.value.id);
    return outcome;
  };

  return {
    async create(spot, look, manner) {
      const filled = spot.index === 0 && isDeferred(address) ? await fill(look, manner) : null;
      if (filled !== null) return noted(filled);
      const followed = options.sendsFollowUps && spot.index > 0 ? await followUp(look, manner) : null;
      if (followed !== null) return noted(followed);
      if (isEphemeral) return { ok: false, failure: interactionIsOver };
      const sent = await inChannel.create(spot, look, manner);
      if (sent.ok || !isShutOut(sent.failure)) return noted(sent);
      return noted((await followUp(look, manner)) ?? sent);
    },
    async edit(id, look, manner) {
      const body = messageBody(look, options);
      const byToken = (await ownerOf(id, webhook)?.edit(id, body, manner)) ?? null;
      if (byToken?.ok === true) return null;
      if (byToken !== null && !isInteractionOver(byToken.failure)) return byToken.failure;
      if (isEphemeral) return interactionIsOver;
      const unsettled = await where.settle(manner.urgency);
      if (unsettled !== null) return unsettled;
      const edited = await channel.edit(where.channelId(), id, body, manner);
      if (edited.ok) return null;
      const isFound = !made.has(id) && (await editElsewhere(id, body, manner, edited.failure));
      return isFound ? null : edited.failure;
    },
    async remove(id, manner) {
      const removed =
        (await ownerOf(id, webhook)?.remove(id, manner)) ??
        (await channel.remove(where.channelId(), id, manner));
      return removed.ok || isGone(removed.failure) ? null : removed.failure;
    },
  };
}

/**
 * Looks for a message of an earlier process where it may stand instead, for that is not on record: in the thread or not,
 * as the bot or by the token. Resolves with whether it is edited now.
 */
function createElsewhere(channel: Channel, webhook: InteractionWebhook | null, where: Whereabouts) {
  return async (
    id: string,
    body: ReturnType<typeof messageBody>,
    manner: Manner,
    failure: Failure,
  ): Promise<boolean> => {
    if (isShutOut(failure)) return (await whileOpen(webhook)?.edit(id, body, manner))?.ok === true;
    const other = isGone(failure) ? where.otherChannelId() : null;
    if (other === null || !(await channel.edit(other, id, body, manner)).ok) return false;
    where.move();
    return true;
  };
}

function whileOpen(webhook: InteractionWebhook | null): InteractionWebhook | null {
  return webhook?.isOpen() === true ? webhook : null;
}

/** The way by the token to a message that is its own. */
function ownerOf(messageId: string, webhook: InteractionWebhook | null): InteractionWebhook | null {
  return webhook?.owns(messageId) === true ? whileOpen(webhook) : null;
}

/** New messages as the bot itself: a chain of replies that begins at the question, or a thread's. */
function createChannelMessages(options: MessagesOptions, channel: Channel, where: Whereabouts) {
  const nonceOf = createNonces(options.turn);
  let mayReply = true;

  /** What a message replies to: the question, or the part before. A thread begins at the question anyway. */
  const repliesTo = ({ index, previousId }: Spot): string | null => {
    if (index > 0) return previousId;
    return where.isInThread() ? null : options.address.questionId;
  };

  const send = async (spot: Spot, look: Look<DiscordPart>, manner: Manner): Promise<Outcome<Created>> => {
    const message = messageBody(look, options);
    const reference = mayReply ? referenceTo(repliesTo(spot)) : {};
    const body = { ...message, ...reference, nonce: nonceOf(spot.index), enforce_nonce: true };
    const sent = await channel.create(where.channelId(), body, manner);
    if (sent.ok) return created(sent.value.id, isAsSent(sent.value, message));
    const { failure } = sent;
    if (mayReply && isReplyRefused(failure)) {
      mayReply = false;
      return await send(spot, look, manner);
    }
    // What comes next is plainer text, and it may as well have been the reference.
    if (isMalformed(failure)) mayReply = false;
    if (spot.index > 0 || !where.isInThread() || !isClosed(failure)) return sent;
    where.leaveThread();
    return await send(spot, look, manner);
  };

  /** The message that an earlier process was about to create, if it did. */
  const find = async (spot: Spot, manner: Manner): Promise<Outcome<Created> | null> => {
    const anchor = repliesTo(spot);
    const afterId = anchor ?? options.address.questionId;
    if (afterId === null) return null;
    const found = await channel.find(where.channelId(), afterId, anchor, manner);
    if (!found.ok) return isFinal(found.failure) ? null : found;
    return found.value === null ? null : created(found.value.id, false);
  };

  return {
    async create(spot: Spot, look: Look<DiscordPart>, manner: Manner): Promise<Outcome<Created>> {
      const unsettled = await where.settle(manner.urgency);
      if (unsettled !== null) return { ok: false, failure: unsettled };
      const found = spot.isUnsure ? await find(spot, manner) : null;
      return found ?? (await send(spot, look, manner));
    },
  };
}

function created(id: string, isAsSent = true): Outcome<Created> {
  return { ok: true, value: { id, isAsSent } };
}

/** Refused, and no later try would change that. */
function isFinal(failure: Failure): boolean {
  return failure.kind === 'refused' && !isTransient(failure);
}
