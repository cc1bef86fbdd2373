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
import { attempt, describe, isTransient, refusedWith } from './failure.ts';

/** What of an interaction its answer needs. */
export type Answerable = Pick<BaseInteraction, 'id' | 'token' | 'applicationId'>;

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
  answer(interaction: Answerable, body: APIInteractionResponse): Promise<Answered>;
  /** The message that the first answer made; null where Discord does not tell. Never rejects. */
  originalId(interaction: Answerable): Promise<string | null>;
  /** Takes the first answer away. Never rejects. */
  remove(interaction: Answerable): Promise<void>;
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
  const post = async (interaction: Answerable, body: APIInteractionResponse): Promise<string | null> => {
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
        if (refusedWith(failure, ALREADY_ACKNOWLEDGED))
          return isMaybeTaken ? { kind: 'taken', messageId: null } : { kind: 'known' };
        if (!isTransient(failure) || tries === MOST_TRIES) {
          logger.warn({ reason: describe(failure), tries }, 'interaction not answered');
          return { kind: 'gone' };
        }
        isMaybeTaken = true;
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
      const outcome = await attempt(() =>
        rest.delete(Routes.webhookMessage(applicationId, token), { auth: false }),
      );
      if (!outcome.ok) logger.debug({ reason: describe(outcome.failure) }, 'deferred response not removed');
    },
  };
}

/** 3 seconds are all there is. */
const MOST_TRIES = 3;
const TRY_TIMEOUT_MS = 1200;
const RETRY_MS = 250;

/** "Interaction has already been acknowledged." */
const ALREADY_ACKNOWLEDGED = 40_060;
