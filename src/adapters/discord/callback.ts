import {
  InteractionResponseType,
  MessageFlags,
  Routes,
  type APIInteractionResponse,
  type BaseInteraction,
  type REST,
  type RESTGetAPIInteractionOriginalResponseResult,
  type RESTPostAPIInteractionCallbackWithResponseResult,
} from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { attempt, describe, type Failure, isAnsweredAlready, isGone, isTransient } from './failure.ts';

/** What calls about an interaction need of it. */
export type InteractionRef = Pick<BaseInteraction, 'id' | 'token' | 'applicationId'>;

/** What became of the first answer to an interaction. */
export type Answered =
  /** Discord took it; the id of the message that it made, if it made one. */
  | { readonly kind: 'taken'; readonly messageId: string | null }
  /** It was answered before: the event came twice. */
  | { readonly kind: 'known' }
  /** The person does not wait any more; Discord does this at times to answers that are in time too. */
  | { readonly kind: 'gone' };

/** The first answer to an interaction, which has to come within 3 seconds (interactions/receiving-and-responding). */
export interface Callbacks {
  /** Never rejects. */
  answer(interaction: InteractionRef, body: APIInteractionResponse): Promise<Answered>;
  /** The message that the first answer made; null where Discord does not tell. Never rejects. */
  originalId(interaction: InteractionRef): Promise<string | null>;
  /** Takes the first answer away. Never rejects. */
  remove(interaction: InteractionRef): Promise<void>;
}

export interface CallbackOptions {
  readonly rest: REST;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The loading state, which the answer replaces later. */
export const DEFER: APIInteractionResponse = {
  type: InteractionResponseType.DeferredChannelMessageWithSource,
};

/** The same for an answer that only its person sees. */
export const DEFER_PRIVATELY: APIInteractionResponse = {
  type: InteractionResponseType.DeferredChannelMessageWithSource,
  data: { flags: MessageFlags.Ephemeral },
};

/** A whole answer that only its person sees. `content` is Discord's Markdown. */
export function privateMessage(content: string): APIInteractionResponse {
  return {
    type: InteractionResponseType.ChannelMessageWithSource,
    data: {
      content,
      flags: MessageFlags.Ephemeral | MessageFlags.SuppressEmbeds,
      allowed_mentions: { parse: [] },
    },
  };
}

export function createCallbacks({ rest, clock, logger }: CallbackOptions): Callbacks {
  const post = async (interaction: InteractionRef, body: APIInteractionResponse): Promise<string | null> => {
    const answer = (await rest.post(Routes.interactionCallback(interaction.id, interaction.token), {
      body,
      auth: false,
      signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
      query: new URLSearchParams({ with_response: 'true' }),
    })) as Partial<RESTPostAPIInteractionCallbackWithResponseResult>;
    return answer.interaction?.response_message_id ?? null;
  };

  return {
    async answer(interaction, body) {
      let isMaybeTaken = false;
      for (let tries = 1; ; tries += 1) {
        const outcome = await attempt(() => post(interaction, body));
        if (outcome.ok) return { kind: 'taken', messageId: outcome.value };
        const { failure } = outcome;
        if (isAnsweredAlready(failure))
          return isMaybeTaken ? { kind: 'taken', messageId: null } : { kind: 'known' };
        isMaybeTaken ||= isUnclear(failure);
        if (!isTransient(failure) || tries === MOST_TRIES) {
          logger.warn({ reason: describe(failure), tries }, 'interaction not answered');
          // Where it shows "thinking…" after all, the answer has to go there.
          return isMaybeTaken ? { kind: 'taken', messageId: null } : { kind: 'gone' };
        }
        await clock.sleep(RETRY_MS);
      }
    },
    async originalId({ applicationId, token }) {
      const outcome = await attempt(
        () =>
          rest.get(Routes.webhookMessage(applicationId, token), {
            auth: false,
          }) as Promise<RESTGetAPIInteractionOriginalResponseResult>,
      );
      return outcome.ok ? outcome.value.id : null;
    },
    async remove({ applicationId, token }) {
      for (let tries = 1; ; tries += 1) {
        const outcome = await attempt(() =>
          rest.delete(Routes.webhookMessage(applicationId, token), { auth: false }),
        );
        if (outcome.ok || isGone(outcome.failure)) return;
        if (!isTransient(outcome.failure) || tries === MOST_REMOVALS) {
          logger.warn({ reason: describe(outcome.failure) }, 'deferred response not removed');
          return;
        }
        await clock.sleep(RETRY_MS * tries);
      }
    },
  };
}

/** With their rests they must fit into the 3 seconds that Discord waits. */
const MOST_TRIES = 2;
const TRY_TIMEOUT_MS = 1200;
const RETRY_MS = 250;
const MOST_REMOVALS = 5;

/** It may have been carried out although nobody heard so. */
function isUnclear(failure: Failure): boolean {
  return failure.kind === 'unreachable'
    ? failure.applied === 'unknown'
    : failure.kind === 'refused' && failure.status >= 500;
}
