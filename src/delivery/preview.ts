import type { ReplyButton } from '../platform/reply.ts';
import type { Clock } from './clock.ts';
import type { Parts } from './parts.ts';
import type { NextStep } from './pump.ts';

export interface EditPreviewOptions<Part, Why> {
  readonly parts: Parts<Part, Why>;
  /** Room for calls that may be dropped: the first visible text, or a later state of it. */
  readonly budget: {
    waitMs(use: 'first' | 'frame'): number;
    /** Counts a call that is about to be made. */
    take(use: 'first' | 'frame'): void;
  };
  /** The answer so far, rendered now. */
  readonly current: () => readonly Part[];
  /** What stands below the last part while it grows. */
  readonly running: readonly ReplyButton[];
  /** Keeps up the sign of work while there is nothing to see. Never rejects. */
  readonly typing: () => Promise<NextStep>;
  /** Milliseconds for which the first text is still held back, so that it is not a mere syllable. */
  readonly heldBackMs?: (current: readonly Part[]) => number;
  /** What follows from a call that failed; `failures` counts those in a row. */
  readonly afterFailure: (failure: Why, isCreate: boolean, failures: number) => NextStep;
}

/**
 * Shows a growing answer as real messages that are edited; a restart can go on from it. The step makes at most one
 * change and never rejects.
 */
export function createEditSteps<Part, Why>(options: EditPreviewOptions<Part, Why>): () => Promise<NextStep> {
  const { budget, parts } = options;
  /** Parts that the text has outgrown; the final rendering puts right what may change in them later. */
  let finished = 0;
  let failures = 0;

  const nextChange = (current: readonly Part[]) => {
    for (const [index, part] of current.entries()) {
      const isLast = index === current.length - 1;
      const look = { part, buttons: isLast ? options.running : [] };
      if (index >= finished && !parts.shows(index, look)) return { index, look, isLast };
    }
    return null;
  };

  return async () => {
    const use = parts.count() === 0 ? 'first' : 'frame';
    const waitMs = budget.waitMs(use);
    if (use === 'frame' && waitMs > 0) return { kind: 'pause', ms: waitMs };
    const current = options.current();
    if (current.length === 0) return await options.typing();
    const heldBackMs = use === 'first' ? (options.heldBackMs?.(current) ?? 0) : 0;
    if (heldBackMs > 0) return { kind: 'idle', ms: heldBackMs };
    const change = nextChange(current);
    if (change === null) return { kind: 'idle' };
    if (waitMs > 0) return { kind: 'pause', ms: waitMs };
    budget.take(use);
    const isCreate = change.index >= parts.count();
    const failure = await parts.show(change.index, change.look, 'once');
    if (failure !== null) {
      failures += 1;
      return options.afterFailure(failure, isCreate, failures);
    }
    failures = 0;
    if (!change.isLast) finished = change.index + 1;
    return { kind: 'pause', ms: 0 };
  };
}

/** The rest after so many failures in a row: it doubles, up to half a minute. */
export function restAfterFailures(frameMs: number, failures: number): NextStep {
  return { kind: 'pause', ms: Math.min(frameMs * 2 ** failures, LONGEST_REST_MS) };
}

export interface TypingOptions {
  readonly clock: Clock;
  /** Between two signs, and after how long a sign that nobody ends is stopped. */
  readonly pace: { readonly typingMs: number; readonly typingLimitMs: number };
  /** Whether a sign of work was asked for; text may not have come yet. */
  readonly isWorking: () => boolean;
  /** Sends the sign, if there is room for it. Never rejects. */
  readonly send: () => Promise<void>;
}

/** Shows "typing…" and keeps it up until somebody stops asking, or for as long as the pace allows. */
export function createTypingSign({ clock, pace, isWorking, send }: TypingOptions): () => Promise<NextStep> {
  const endsAtMs = clock.now() + pace.typingLimitMs;
  let dueAtMs = -Infinity;
  return async () => {
    const now = clock.now();
    if (!isWorking() || now >= endsAtMs) return { kind: 'idle' };
    if (now < dueAtMs) return { kind: 'idle', ms: dueAtMs - now };
    dueAtMs = now + pace.typingMs;
    await send();
    return { kind: 'idle', ms: pace.typingMs };
  };
}

const LONGEST_REST_MS = 30_000;
