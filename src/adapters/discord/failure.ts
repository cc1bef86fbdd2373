import { DiscordAPIError, HTTPError, RateLimitError, RESTJSONErrorCodes as Codes } from 'discord.js';
import type * as delivery from '../../delivery/failure.ts';
import {
  attempting,
  deliveryOf,
  describeFailure,
  LONGEST_REASON,
  ours,
  unreachable,
} from '../../delivery/failure.ts';
import type { Delivery } from '../../platform/reply.ts';

/**
 * Discord answered, and refused. Nothing of discord.js' errors is kept but codes: they carry the message that was
 * sent, and URLs with the tokens of interactions.
 */
export interface Refused {
  readonly kind: 'refused';
  /** Method and path with names for ids and tokens, as in `PATCH /channels/:id/messages/:id`. */
  readonly method: string;
  readonly status: number;
  /** Discord's own code (topics/opcodes-and-status-codes "JSON"); 0 where there is none. */
  readonly code: number;
  /** The fields that a 50035 complains about, and how; else empty. */
  readonly fields: string;
  readonly retryAfterMs: number | null;
  /** The rest is for all calls of the bot. */
  readonly isGlobal: boolean;
}

export type Failure = delivery.Failure<Refused>;
export type Outcome<Value> = delivery.Outcome<Value, Failure>;

/** Makes one call; never rejects. */
export const attempt = attempting(toFailure);

/**
 * What discord.js threw, in words that are safe to log: its refusals with their codes, a request that got no answer,
 * and as ours everything else.
 */
export function toFailure(error: unknown): Failure {
  if (error instanceof RateLimitError) {
    const retryAfterMs = Math.max(MIN_REST_MS, error.retryAfter, error.sublimitTimeout);
    const method = `${error.method} ${error.route}`;
    return { ...refusal(method, 429, 0), retryAfterMs, isGlobal: error.global };
  }
  if (error instanceof DiscordAPIError) {
    const code = typeof error.code === 'number' ? error.code : 0;
    const fields = wrongFields(error.rawError).join(', ').slice(0, LONGEST_REASON);
    return { ...refusal(methodOf(error), error.status, code), fields };
  }
  if (error instanceof HTTPError) return refusal(methodOf(error), error.status, 0);
  if (!(error instanceof Error)) return ours(error);
  // discord.js forgets a token that was refused once, and says this from then on.
  if (error.message.startsWith('Expected token to be set')) return refusal('any', 401, 0);
  const reason = networkCode(error);
  return reason === null ? ours(error) : unreachable('Discord', reason);
}

/** What a failed final means for the turn. */
export function toDelivery(failure: Failure): Delivery {
  return deliveryOf(
    failure,
    describe,
    (refused) =>
      isTransient(refused) ||
      isTokenRefused(refused) ||
      refusedWith(refused, Codes.MaximumNumberOfEditsToMessagesOlderThanOneHourReached),
  );
}

/** Worth trying again with the same content. */
export function isTransient(failure: Failure): boolean {
  if (failure.kind === 'unreachable') return true;
  return failure.kind === 'refused' && (failure.status >= 500 || failure.status === 429);
}

/** Discord asked for a rest. */
export function isSlowDown(failure: Failure): boolean {
  return failure.kind === 'refused' && failure.status === 429;
}

/** The bot's own token is wrong. */
export function isTokenRefused(failure: Failure): boolean {
  return (
    failure.kind === 'refused' && failure.status === 401 && !refusedWith(failure, Codes.InvalidWebhookToken)
  );
}

/** Nothing may be seen, or written, by the bot there. */
export function isShutOut(failure: Failure): boolean {
  return refusedWith(failure, Codes.MissingAccess, Codes.MissingPermissions);
}

/** An interaction has been answered already. */
export function isAnsweredAlready(failure: Failure): boolean {
  return refusedWith(failure, Codes.InteractionHasAlreadyBeenAcknowledged);
}

/** Refused with one of these codes of Discord's. */
function refusedWith(failure: Failure, ...codes: readonly number[]): boolean {
  return failure.kind === 'refused' && codes.includes(failure.code);
}

/** The message was deleted. */
export function isGone(failure: Failure): boolean {
  return refusedWith(failure, Codes.UnknownMessage);
}

/** The message was deleted, or all of the place in which it stood. */
export function isNowhere(failure: Failure): boolean {
  return refusedWith(failure, Codes.UnknownMessage, Codes.UnknownChannel);
}

/** Nothing can be written there any more: the channel or guild is gone or closed to the bot, or the person took it out. */
export function isClosed(failure: Failure): boolean {
  return refusedWith(
    failure,
    Codes.UnknownChannel,
    Codes.UnknownGuild,
    Codes.MissingAccess,
    Codes.CannotSendMessagesToThisUser,
    Codes.MissingPermissions,
    Codes.CannotSendMessagesToThisUserDueToHavingNoMutualGuilds,
    Codes.ThreadLocked,
  );
}

/** The token of an interaction has run out, or never came to life. */
export function isInteractionOver(failure: Failure): boolean {
  return refusedWith(failure, Codes.UnknownWebhook, Codes.UnknownInteraction, Codes.InvalidWebhookToken);
}

/** The bot may write there, but not see what it would reply to. */
export function isReplyRefused(failure: Failure): boolean {
  return refusedWith(failure, Codes.CannotReplyWithoutPermissionToReadMessageHistory);
}

/** The thread is archived, which forbids edits. */
export function isArchived(failure: Failure): boolean {
  return refusedWith(failure, Codes.InvalidActionOnArchivedThread);
}

/** A thread has already been started from the message. */
export function hasThreadAlready(failure: Failure): boolean {
  return refusedWith(failure, Codes.ThreadAlreadyCreatedForMessage);
}

/** The place, or Discord, does not take what the message says. */
export function isContentRefused(failure: Failure): boolean {
  return refusedWith(
    failure,
    Codes.MessageWasBlockedByAutomaticModeration,
    Codes.MessageBlockedByHarmfulLinksFilter,
    Codes.ExplicitContentCannotBeSentToTheDesiredRecipient,
  );
}

/** The request was malformed, or had nothing to show. */
export function isMalformed(failure: Failure): boolean {
  return refusedWith(failure, Codes.InvalidFormBodyOrContentType, Codes.CannotSendAnEmptyMessage);
}

/** One safe line for logs and records. */
export function describe(failure: Failure): string {
  return describeFailure(failure, ({ method, status, code, fields }) =>
    [`${method}: ${status}`, ...(code === 0 ? [] : [code]), ...(fields === '' ? [] : [fields])].join(' '),
  );
}

/** What Discord says of an interaction whose token can't be used any more. */
export const interactionIsOver: Failure = refusal('interaction', 404, Codes.UnknownInteraction);

/** A 429 asks for a rest even where it does not say how long. */
const MIN_REST_MS = 100;

function refusal(method: string, status: number, code: number): Refused {
  return { kind: 'refused', method, status, code, fields: '', retryAfterMs: null, isGlobal: false };
}

function methodOf({ method, url }: { readonly method: string; readonly url: string }): string {
  const path = (URL.parse(url)?.pathname ?? '')
    .replace(/^.*?\/v\d+(?=\/)/, '')
    .replace(/^\/(webhooks|interactions)\/[^/]+\/[^/]+/, '/$1/:id/:token')
    .replaceAll(/\/\d+/g, '/:id');
  return `${method} ${path}`;
}

/** Paths and codes of Discord's error tree (reference "Error Messages"), without its sentences, which may quote. */
function wrongFields(node: unknown, path = ''): string[] {
  if (typeof node !== 'object' || node === null) return [];
  if (path === '') return 'errors' in node ? wrongFields(node.errors, 'form') : [];
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
    key === '_errors' && Array.isArray(value)
      ? value.map((error: unknown) => `${path}:${codeOf(error)}`)
      : wrongFields(value, `${path}.${key}`),
  );
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
}

/** The code of a failed request; null for any other error. */
function networkCode(error: Error): string | null {
  if (error.name === 'AbortError') return 'timeout';
  // A proxy's page instead of JSON: nobody knows what became of the call.
  if (error instanceof SyntaxError) return 'unreadable';
  if (!('code' in error) || typeof error.code !== 'string') return null;
  return /^(?:E[A-Z]|UND_ERR)/.test(error.code) && !error.code.startsWith('ERR_') ? error.code : null;
}
