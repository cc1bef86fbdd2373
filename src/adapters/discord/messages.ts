import type { Created, Look, Spot } from '../../delivery/parts.ts';
import { createChannel, type Channel, type ChannelOptions } from './channel.ts';
import {
  describe,
  interactionIsOver,
  isClosed,
  isInteractionOver,
  isMalformed,
  isNowhere,
  isReplyRefused,
  isShutOut,
  isTransient,
  type Failure,
  type Outcome,
} from './failure.ts';
import { isDeferred, type Address } from './address.ts';
import type { InteractionWebhook, InteractionWebhookOptions } from './interaction-webhook.ts';
import { createNonces, isAsSent, messageBody, referenceTo } from './post.ts';
import type { TurnId } from '../../platform/ids.ts';
import type { DiscordPart } from './render.ts';
import type { Manner } from './sender.ts';
import type { Whereabouts, WhereaboutsOptions } from './thread.ts';

/** The messages of one reply, by whichever way is open: the interaction's token, the thread or the channel. */
export interface Messages {
  create(spot: Spot, look: Look<DiscordPart>, manner: Manner): Promise<Outcome<Created>>;
  edit(id: string, look: Look<DiscordPart>, manner: Manner): Promise<Failure | null>;
  remove(id: string, manner: Manner): Promise<Failure | null>;
  /** Deletes the message of which nobody knows whether it was created, if it was. */
  removeUnsure(spot: Spot, manner: Manner): Promise<Failure | null>;
  /** Takes the response away in which nothing of the answer stands yet ("thinking…"), if there is one. */
  removeResponse(manner: Manner): Promise<Failure | null>;
}

export interface MessagesOptions extends WhereaboutsOptions, InteractionWebhookOptions, ChannelOptions {
  /** Null for what is said outside of turns. */
  readonly turn: TurnId | null;
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
    const body = messageBody(look, options.turn);
    const filled = (await whileOpen(webhook)?.fill(body, manner)) ?? null;
    if (filled?.ok === true) return created(filled.value.id);
    if (filled !== null && !isInteractionOver(filled.failure)) return filled;
    const responseId = await responseOf(address, webhook);
    if (responseId === null || isEphemeral) return null;
    const edited = await channel.edit(address.channelId, responseId, body, manner);
    if (edited.ok) return created(responseId);
    if (!isFinal(edited.failure) || isMalformed(edited.failure)) return edited;
    logger.info({ reason: describe(edited.failure) }, 'deferred response out of reach; answered anew');
    return null;
  };

  /** Null when there is no token to send it with. */
  const followUp = async (look: Look<DiscordPart>, manner: Manner): Promise<Outcome<Created> | null> => {
    const open = whileOpen(webhook);
    if (open === null) return null;
    const sent = await open.followUp(messageBody(look, options.turn), isEphemeral, manner);
    return sent.ok ? created(sent.value.id) : sent;
  };

  const elsewhere = createElsewhere(webhook, where);
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
      const body = messageBody(look, options.turn);
      const byToken = (await ownerOf(id, webhook)?.edit(id, body, manner)) ?? null;
      if (byToken?.ok === true) return null;
      if (byToken !== null && !isInteractionOver(byToken.failure)) return byToken.failure;
      if (isEphemeral) return interactionIsOver;
      const unsettled = await where.settle(manner.urgency);
      if (unsettled !== null) return unsettled;
      const edited = await channel.edit(where.channelId(), id, body, manner);
      if (edited.ok) return null;
      if (made.has(id)) return edited.failure;
      const found = await elsewhere(edited.failure, {
        byToken: (open) => open.edit(id, body, manner),
        inChannel: (channelId) => channel.edit(channelId, id, body, manner),
      });
      return found?.ok === true ? null : edited.failure;
    },
    ...createRemoval({ address, channel, inChannel, webhook, elsewhere, where, made }),
  };
}

interface RemovalOptions {
  readonly address: Address;
  readonly channel: Channel;
  readonly inChannel: ReturnType<typeof createChannelMessages>;
  readonly webhook: InteractionWebhook | null;
  readonly elsewhere: ReturnType<typeof createElsewhere>;
  readonly where: Whereabouts;
  /** The messages of this process, whose place is known. */
  readonly made: ReadonlySet<string>;
}

function createRemoval({ address, channel, inChannel, webhook, elsewhere, where, made }: RemovalOptions) {
  const remove = async (id: string, manner: Manner): Promise<Failure | null> => {
    const byToken = (await ownerOf(id, webhook)?.remove(id, manner)) ?? null;
    if (byToken?.ok === true) return null;
    if (byToken !== null && !isInteractionOver(byToken.failure)) return leftBehind(byToken.failure);
    const removed = await channel.remove(where.channelId(), id, manner);
    if (removed.ok) return null;
    if (made.has(id)) return leftBehind(removed.failure);
    const found = await elsewhere(removed.failure, {
      byToken: (open) => open.remove(id, manner),
      inChannel: (channelId) => channel.remove(channelId, id, manner),
    });
    if (found?.ok === true) return null;
    return leftBehind(found !== null && isNowhere(removed.failure) ? found.failure : removed.failure);
  };

  return {
    remove,
    async removeUnsure(spot: Spot, manner: Manner): Promise<Failure | null> {
      const found = await inChannel.lookFor(spot, manner);
      if (!found.ok) return found.failure;
      return found.value === null ? null : await remove(found.value.id, manner);
    },
    async removeResponse(manner: Manner): Promise<Failure | null> {
      if (!isDeferred(address)) return null;
      const byToken = (await whileOpen(webhook)?.removeOriginal(manner)) ?? null;
      if (byToken?.ok === true) return null;
      if (byToken !== null && !isInteractionOver(byToken.failure)) return leftBehind(byToken.failure);
      const responseId = await responseOf(address, webhook);
      return responseId === null ? null : await remove(responseId, manner);
    },
  };
}

async function responseOf(
  { responseId }: Address,
  webhook: InteractionWebhook | null,
): Promise<string | null> {
  return responseId ?? (await webhook?.responseId()) ?? null;
}

/** What is no more there need not be deleted. */
function leftBehind(failure: Failure): Failure | null {
  return isNowhere(failure) ? null : failure;
}

/**
 * Looks for a message of an earlier process where it may stand instead, for that is not on record: in the thread or not,
 * as the bot or by the token. Resolves with what came of it there; null where there is no other way.
 */
function createElsewhere(webhook: InteractionWebhook | null, where: Whereabouts) {
  return async (
    failure: Failure,
    ways: {
      readonly byToken: (open: InteractionWebhook) => Promise<Outcome<unknown>>;
      readonly inChannel: (channelId: string) => Promise<Outcome<unknown>>;
    },
  ): Promise<Outcome<unknown> | null> => {
    const open = whileOpen(webhook);
    if (isShutOut(failure)) return open === null ? null : await ways.byToken(open);
    const other = isNowhere(failure) ? where.otherChannelId() : null;
    if (other === null) return null;
    const outcome = await ways.inChannel(other);
    if (outcome.ok) where.move();
    return outcome;
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
    const message = messageBody(look, options.turn);
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
  const find = async (spot: Spot, manner: Manner): Promise<Outcome<Created | null>> => {
    const anchor = repliesTo(spot);
    const afterId = anchor ?? options.address.questionId;
    if (afterId === null) return nothingFound;
    const found = await channel.find(where.channelId(), afterId, anchor, manner);
    if (!found.ok) return isFinal(found.failure) ? nothingFound : found;
    return found.value === null ? nothingFound : created(found.value.id, false);
  };

  return {
    async create(spot: Spot, look: Look<DiscordPart>, manner: Manner): Promise<Outcome<Created>> {
      const unsettled = await where.settle(manner.urgency);
      if (unsettled !== null) return { ok: false, failure: unsettled };
      const found = spot.isUnsure ? await find(spot, manner) : nothingFound;
      if (!found.ok) return found;
      return found.value === null ? await send(spot, look, manner) : { ok: true, value: found.value };
    },
    /** Looks for it in every place in which it may stand. */
    async lookFor(spot: Spot, manner: Manner): Promise<Outcome<Created | null>> {
      const here = await find(spot, manner);
      if (!here.ok || here.value !== null || where.otherChannelId() === null) return here;
      where.move();
      return await find(spot, manner);
    },
  };
}

const nothingFound: Outcome<null> = { ok: true, value: null };

function created(id: string, isAsSent = true): Outcome<Created> {
  return { ok: true, value: { id, isAsSent } };
}

/** Refused, and no later try would change that. */
function isFinal(failure: Failure): boolean {
  return failure.kind === 'refused' && !isTransient(failure);
}
