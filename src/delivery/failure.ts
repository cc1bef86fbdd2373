import type { Delivery } from '../platform/reply.ts';

/**
 * Why a call to a platform did not work, in words that are safe to log; clients' own errors are not, because they
 * carry the text that was sent, or a URL with a token. `Refused` is what the platform's own answer tells.
 */
export type Failure<Refused extends Refusal> = Refused | Unreachable | Late | Unrecorded | Ours;

/** The platform answered, and refused. */
export interface Refusal {
  readonly kind: 'refused';
}

/** No answer. A call that is not known to be lost may have been carried out. */
export interface Unreachable {
  readonly kind: 'unreachable';
  readonly method: string;
  readonly reason: string;
  readonly applied: 'no' | 'unknown';
}

/** The platform can't take it within the time that is worth waiting. */
export interface Late {
  readonly kind: 'late';
  readonly retryAfterMs: number;
  readonly reason: string;
}

/** The store can't note down what is about to be sent. */
export interface Unrecorded {
  readonly kind: 'unrecorded';
  readonly reason: string;
}

/** Our bug. */
export interface Ours {
  readonly kind: 'ours';
  readonly reason: string;
}

export type Outcome<Value, Why> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: Why };

/** Makes of a call that rejects one that tells: it never rejects. `toFailure` reads what the platform's client throws. */
export function attempting<Why>(toFailure: (error: unknown) => Why) {
  return async <Value>(call: () => Promise<Value>): Promise<Outcome<Value, Why>> => {
    try {
      return { ok: true, value: await call() };
    } catch (error) {
      return { ok: false, failure: toFailure(error) };
    }
  };
}

/** Nothing was heard back. `reason` is a code such as ECONNRESET, never a message: that may hold a URL. */
export function unreachable(method: string, reason: string): Unreachable {
  return { kind: 'unreachable', method, reason, applied: NEVER_SENT.has(reason) ? 'no' : 'unknown' };
}

/** An error that nobody expected: its name and place. Its message is left out, for it may quote what a person wrote. */
export function ours(error: unknown): Ours {
  if (!(error instanceof Error)) return { kind: 'ours', reason: typeof error };
  const place = /^\s+at (.+)$/mu.exec(error.stack ?? '')?.[1];
  const reason = `${error.name}${place === undefined ? '' : ` at ${place}`}`;
  return { kind: 'ours', reason: reason.slice(0, LONGEST_REASON) };
}

/** What a failed final means for the turn; `isPassing` tells of a refusal whether it may be lifted. */
export function deliveryOf<Refused extends Refusal & { readonly retryAfterMs: number | null }>(
  failure: Failure<Refused>,
  describe: (failure: Failure<Refused>) => string,
  isPassing: (refused: Refused) => boolean,
): Delivery {
  const reason = failure.kind === 'unreachable' ? failure.reason : describe(failure);
  if (failure.kind === 'ours' || (failure.kind === 'refused' && !isPassing(failure)))
    return { kind: 'unreachable', reason };
  const askedForMs = 'retryAfterMs' in failure ? failure.retryAfterMs : null;
  return { kind: 'postponed', retryAfterMs: askedForMs ?? RETRY_LATER_MS, reason };
}

/** One safe line for logs and records; the platform's own answer is put into words by `ofRefusal`. */
export function describeFailure<Refused extends Refusal>(
  failure: Failure<Refused>,
  ofRefusal: (refused: Refused) => string,
): string {
  switch (failure.kind) {
    case 'refused':
      return ofRefusal(failure);
    case 'unreachable':
      return `${failure.method}: no answer (${failure.reason})`;
    case 'late':
    case 'unrecorded':
    case 'ours':
      return failure.reason;
  }
}

const RETRY_LATER_MS = 30_000;

/** What a reason is cut to, in UTF-16 units. */
export const LONGEST_REASON = 200;

/** Socket errors that happen before the first byte of a request leaves. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
