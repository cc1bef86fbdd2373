import { MessageFlags, Routes, type REST } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import type { Address } from './address.ts';
import type { FirstAnswers } from './first-answers.ts';
import { isInteractionOver, type Outcome } from './failure.ts';
import { interactionLane } from './lane.ts';
import type { Lane, Pace } from './pacing.ts';
import type { messageBody, PostedMessage } from './post.ts';
import type { Manner, Sender } from './sender.ts';

/**
 * The way to a reply's messages through the token of the interaction that asked for it: no permission in the channel
 * is needed, and the bot's own limits are not touched. It lives for 15 minutes.
 */
export interface InteractionWebhook {
  /** False when the token has run out; no call may be made then. */
  isOpen(): boolean;
  /** The message that shows as "thinking…", or did, once it does; null where that is not known. */
  responseId(): Promise<string | null>;
  /** Whether a message can be edited only, or best, through the token. */
  owns(messageId: string): boolean;
  /** The limits of the token. */
  readonly lane: Lane;
  /** Fills the message that shows as "thinking…". */
  fill(body: Body, manner: Manner): Promise<Outcome<PostedMessage>>;
  /** Sends one more message, which shows to the interaction's person alone when it is ephemeral. */
  followUp(body: Body, isEphemeral: boolean, manner: Manner): Promise<Outcome<PostedMessage>>;
  edit(messageId: string, body: Body, manner: Manner): Promise<Outcome<unknown>>;
  remove(messageId: string, manner: Manner): Promise<Outcome<unknown>>;
  /** Takes the message away that shows as "thinking…", or did. */
  removeOriginal(manner: Manner): Promise<Outcome<unknown>>;
}

type Body = ReturnType<typeof messageBody>;

export interface InteractionWebhookOptions {
  readonly rest: REST;
  readonly sender: Sender;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly address: Address;
  readonly firstAnswers: FirstAnswers;
}

/** Null where no interaction asked, or its token can't be used any more. */
export function createInteractionWebhook({
  rest,
  sender,
  pace,
  clock,
  address,
  firstAnswers,
}: InteractionWebhookOptions): InteractionWebhook | null {
  if (address.interaction === null) return null;
  const { applicationId, token, expiresAtMs } = address.interaction;
  const endsAtMs = clock.now() + expiresAtMs - Date.now() - pace.tokenMarginMs;
  let isOver = false;
  /** The filled message, and the others that were sent with the token. */
  let originalId = address.responseId;
  const followUps = new Set<string>();
  const lane = interactionLane(address.interaction);

  const responseId = async (): Promise<string | null> => (originalId ??= await firstAnswers.response(token));

  const call = async <Value>(manner: Manner, run: () => Promise<Value>): Promise<Outcome<Value>> => {
    await responseId();
    const outcome = await sender.call(lane, manner, run);
    if (!outcome.ok && isInteractionOver(outcome.failure)) isOver = true;
    return outcome;
  };
  const routeTo = (messageId: string) =>
    Routes.webhookMessage(applicationId, token, messageId === originalId ? '@original' : messageId);

  return {
    isOpen: () => !isOver && clock.now() < endsAtMs,
    responseId,
    owns: (messageId) => messageId === originalId || followUps.has(messageId),
    lane,
    async fill(body, manner) {
      const route = Routes.webhookMessage(applicationId, token, '@original');
      const outcome = await call(
        manner,
        async () => (await rest.patch(route, { body, auth: false })) as PostedMessage,
      );
      if (outcome.ok) originalId = outcome.value.id;
      return outcome;
    },
    async followUp(message, isEphemeral, manner) {
      const flags = message.flags | (isEphemeral ? MessageFlags.Ephemeral : 0);
      const body = { ...message, flags };
      const route = Routes.webhook(applicationId, token);
      const outcome = await call(
        { ...manner, isRepeatable: false },
        async () => (await rest.post(route, { body, auth: false })) as PostedMessage,
      );
      if (outcome.ok) followUps.add(outcome.value.id);
      return outcome;
    },
    edit: (messageId, body, manner) =>
      call(manner, () => rest.patch(routeTo(messageId), { body, auth: false })),
    remove: (messageId, manner) => call(manner, () => rest.delete(routeTo(messageId), { auth: false })),
    removeOriginal(manner) {
      const route = Routes.webhookMessage(applicationId, token, '@original');
      return call(manner, () => rest.delete(route, { auth: false }));
    },
  };
}
