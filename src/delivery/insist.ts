import type { Clock } from './clock.ts';
import type { Failure, Late, Outcome, Refusal } from './failure.ts';

/** How hard a call is tried: once, as for a frame that may be dropped, or until it is taken or hopeless. */
export type Urgency = 'once' | 'insist';

export interface Insistence<Why> {
  /** Waits the call's turn: 0 when it may be made now, else the milliseconds still to wait, which are too many. */
  readonly line: () => Promise<number>;
  /** Worth trying again with the same content. */
  readonly isTransient: (failure: Why) => boolean;
  /** The platform asked for a rest, which is waited out in line, as long as it takes. */
  readonly isSlowDown: (failure: Why) => boolean;
  /** Told of every repetition. */
  readonly onRepeat: (failure: Why, delayMs: number) => void;
  /**
   * False for a create without an idempotency key. When its answer is lost it is either missing or there already.
   * Silence is worse than a double: it is repeated, but twice at most.
   */
  readonly isRepeatable: boolean;
  /** The first delay before another try; doubles up to 20 times this. */
  readonly retryMs: number;
  /** Gives up so long after the first failure. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** Ends the insisting. */
  readonly signal?: AbortSignal;
  /** Whether what is written is ours at this moment; while it is not, the call waits. */
  readonly mayWrite?: () => boolean;
}

/** Repeats a call until it is taken, refused for good, or late. Never rejects if the call does not. */
export async function insist<Value, Refused extends Refusal>(
  call: () => Promise<Outcome<Value, Failure<Refused>>>,
  how: Insistence<Failure<Refused>>,
): Promise<Outcome<Value, Failure<Refused>>> {
  const { clock, signal } = how;
  let giveUpAtMs: number | null = null;
  let lostAnswers = 0;
  for (let delayMs = how.retryMs; ; delayMs = Math.min(delayMs * 2, how.retryMs * 20)) {
    const lateMs = await how.line();
    if (lateMs > 0) return tooLate(lateMs, 'the chat has to rest');
    if (!(await untilOurs(how))) return notOurs;
    if (signal?.aborted === true) return takenOver;
    const outcome = await call();
    if (outcome.ok || !how.isTransient(outcome.failure)) return outcome;
    if (how.isSlowDown(outcome.failure)) continue;
    if (!how.isRepeatable && isAnswerLost(outcome.failure)) lostAnswers += 1;
    giveUpAtMs ??= clock.now() + how.deadlineMs;
    if (lostAnswers > MAX_REPEATED_CREATES || clock.now() + delayMs > giveUpAtMs) return outcome;
    how.onRepeat(outcome.failure, delayMs);
    await clock.sleep(delayMs, signal);
  }
}

/** Waits while it is unclear whose the messages are; false when that takes too long. */
async function untilOurs<Why>({ clock, mayWrite, deadlineMs, signal }: Insistence<Why>): Promise<boolean> {
  const giveUpAtMs = clock.now() + deadlineMs;
  while (mayWrite?.() === false && signal?.aborted !== true) {
    if (clock.now() > giveUpAtMs) return false;
    await clock.sleep(GLANCE_MS, signal);
  }
  return true;
}

const GLANCE_MS = 100;

/** The lease could not be renewed: somebody else may have the messages by now. */
export const notOurs: { readonly ok: false; readonly failure: Late } = tooLate(0, 'the lease is not certain');

/** The messages are somebody else's now. */
export const takenOver: { readonly ok: false; readonly failure: Late } = tooLate(0, 'taken over');

const MAX_REPEATED_CREATES = 2;

function isAnswerLost(failure: Failure<Refusal>): boolean {
  return failure.kind === 'unreachable' && failure.applied === 'unknown';
}

/** The outcome of a call that was not made, because it would have to wait so many milliseconds; the reason is safe to log. */
export function tooLate(
  retryAfterMs: number,
  reason: string,
): { readonly ok: false; readonly failure: Late } {
  return { ok: false, failure: { kind: 'late', retryAfterMs, reason } };
}
