import { GrammyError, HttpError } from 'grammy';
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

/** Telegram answered, and refused. */
export interface Refused {
  readonly kind: 'refused';
  readonly method: string;
  readonly code: number;
  readonly description: string;
  readonly retryAfterMs: number | null;
  readonly migratedTo: number | null;
}

export type Failure = delivery.Failure<Refused>;
export type Outcome<Value> = delivery.Outcome<Value, Failure>;

/** Makes one call; never rejects. */
export const attempt = attempting(toFailure);

export function toFailure(error: unknown): Failure {
  if (error instanceof GrammyError) {
    const { retry_after: retryAfterSeconds, migrate_to_chat_id: migratedTo } = error.parameters;
    return {
      kind: 'refused',
      method: error.method,
      code: error.error_code,
      description: error.description.slice(0, LONGEST_REASON),
      retryAfterMs: restMs(error.error_code, retryAfterSeconds),
      migratedTo: migratedTo ?? null,
    };
  }
  if (error instanceof HttpError) {
    return unreachable(/'(\w+)'/u.exec(error.message)?.[1] ?? 'unknown', networkCode(error.error));
  }
  return ours(error);
}

/** What a failed final means for the turn. */
export function toDelivery(failure: Failure): Delivery {
  // A refused token is the operator's to mend and says nothing about the chat.
  return deliveryOf(failure, describe, (refused) => isTokenRefused(refused) || isTransient(refused));
}

/** Worth trying again with the same content. */
export function isTransient(failure: Failure): boolean {
  if (failure.kind === 'unreachable') return true;
  return failure.kind === 'refused' && (failure.code >= 500 || failure.code === 429);
}

/** Telegram asked for a rest. */
export function isSlowDown(failure: Failure): boolean {
  return failure.kind === 'refused' && failure.code === 429;
}

/** The edit changed nothing that Telegram can see, which is what was wanted. */
export function isNotModified(failure: Failure): boolean {
  return refusedWith(failure, /message is not modified/iu);
}

/** The message to edit was deleted, or is none that the bot can edit. */
export function isGone(failure: Failure): boolean {
  return refusedWith(failure, /message to edit not found|message can't be edited|MESSAGE_ID_INVALID/iu);
}

/** The message to delete is not there any more. */
export function isDeleted(failure: Failure): boolean {
  return refusedWith(failure, /message to delete not found/iu);
}

/** Telegram does not accept the formatting, which plain text avoids. */
export function isAboutEntities(failure: Failure): boolean {
  return refusedWith(failure, /entit|UTF-16/iu);
}

/** The token is wrong: 401, or 404 where it is malformed (Bot API, error codes). */
export function isTokenRefused(failure: Failure): boolean {
  return failure.kind === 'refused' && (failure.code === 401 || failure.code === 404);
}

/** One safe line for logs and records. */
export function describe(failure: Failure): string {
  return describeFailure(failure, ({ method, code, description }) => `${method}: ${code} ${description}`);
}

/** A 429 asks for a rest even where the parameter is missing or 0. */
function restMs(code: number, retryAfterSeconds: number | undefined): number | null {
  if (code !== 429 && retryAfterSeconds === undefined) return null;
  return Math.max(1, retryAfterSeconds ?? 0) * 1000;
}

function refusedWith(failure: Failure, pattern: RegExp): boolean {
  return failure.kind === 'refused' && failure.code === 400 && pattern.test(failure.description);
}

/** The code of a failed request, never its message: that holds the URL, and the URL holds the token. */
function networkCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if ('type' in error && typeof error.type === 'string') return error.type;
  if (error instanceof Error) return /timed out/iu.test(error.message) ? 'timeout' : error.name;
  return 'unknown';
}
