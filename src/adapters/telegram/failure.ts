import { GrammyError, HttpError } from 'grammy';
import type { Delivery } from '../../platform/reply.ts';

/**
 * Why a call to Telegram did not work, in words that are safe to log: grammY's own errors are not,
 * because they carry the message text or the URL with the token.
 */
export type Failure =
  /** Telegram answered, and refused. */
  | {
      readonly kind: 'refused';
      readonly method: string;
      readonly code: number;
      readonly description: string;
      readonly retryAfterMs: number | null;
      readonly migratedTo: number | null;
    }
  /** No answer. A call that is not known to be lost may have been carried out. */
  | {
      readonly kind: 'unreachable';
      readonly method: string;
      readonly reason: string;
      readonly applied: 'no' | 'unknown';
    }
  /** Telegram can't take it within the time that is worth waiting. */
  | { readonly kind: 'late'; readonly retryAfterMs: number; readonly reason: string }
  /** The store can't note down what is about to be sent. */
  | { readonly kind: 'unrecorded'; readonly reason: string }
  /** Our bug. */
  | { readonly kind: 'ours'; readonly reason: string };

export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: Failure };

/** Makes one call; never rejects. */
export async function attempt<Value>(call: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    return { ok: false, failure: toFailure(error) };
  }
}

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
    const code = networkCode(error.error);
    return {
      kind: 'unreachable',
      method: /'(\w+)'/u.exec(error.message)?.[1] ?? 'unknown',
      reason: code,
      applied: NEVER_SENT.has(code) ? 'no' : 'unknown',
    };
  }
  return { kind: 'ours', reason: describeBug(error) };
}

/** What a failed final means for the turn. */
export function toDelivery(failure: Failure): Delivery {
  switch (failure.kind) {
    case 'late':
      return { kind: 'postponed', retryAfterMs: failure.retryAfterMs, reason: failure.reason };
    case 'unreachable':
    case 'unrecorded':
      return { kind: 'postponed', retryAfterMs: RETRY_LATER_MS, reason: failure.reason };
    case 'ours':
      return { kind: 'unreachable', reason: failure.reason };
    case 'refused': {
      const reason = describe(failure);
      // A refused token is the operator's to mend and says nothing about the chat.
      const isAboutUs = failure.code === 401 || failure.code === 404;
      return isAboutUs || isTransient(failure)
        ? { kind: 'postponed', retryAfterMs: failure.retryAfterMs ?? RETRY_LATER_MS, reason }
        : { kind: 'unreachable', reason };
    }
  }
}

/** Worth trying again with the same content. */
export function isTransient(failure: Failure): boolean {
  if (failure.kind === 'unreachable') return true;
  return failure.kind === 'refused' && (failure.code >= 500 || failure.code === 429);
}

/** The edit changed nothing that Telegram can see, which is what was wanted. */
export function isNotModified(failure: Failure): boolean {
  return refusedWith(failure, /message is not modified/iu);
}

/** The message to edit was deleted, or is none that the bot can edit. */
export function isGone(failure: Failure): boolean {
  return refusedWith(failure, /message to edit not found|message can't be edited|MESSAGE_ID_INVALID/iu);
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
  switch (failure.kind) {
    case 'refused':
      return `${failure.method}: ${failure.code} ${failure.description}`;
    case 'unreachable':
      return `${failure.method}: no answer (${failure.reason})`;
    case 'late':
    case 'unrecorded':
    case 'ours':
      return failure.reason;
  }
}

const LONGEST_REASON = 200;
const RETRY_LATER_MS = 30_000;

/** Socket errors that happen before the first byte of a request leaves. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

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

/** What went wrong and where, but not the error's message: that of a failed query quotes what a person wrote. */
function describeBug(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const place = /^\s+at (.+)$/mu.exec(error.stack ?? '')?.[1];
  return `${error.name}${place === undefined ? '' : ` at ${place}`}`.slice(0, LONGEST_REASON);
}
