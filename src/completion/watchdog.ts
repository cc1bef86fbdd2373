import type { CallTimers } from './model-client.ts';

/** Why a call was cut short from our side. */
export type Interruption = 'cancelled' | 'first_token' | 'idle' | 'whole' | 'usage';

/** Watches one call: aborts it when a timer runs out or the caller's signal is aborted. */
export interface Watchdog {
  /** Aborted together with the call. */
  readonly signal: AbortSignal;
  readonly interruption: Interruption | null;
  /** Something of the answer came in. */
  fed(progress: { readonly hasText: boolean; readonly isFinished: boolean }): void;
  /** Ends the watch, and the call if it still runs. */
  stop(): void;
}

export function createWatchdog(timers: CallTimers, caller: AbortSignal): Watchdog {
  const controller = new AbortController();
  let interruption: Interruption | null = null;
  const interrupt = (reason: Interruption) => {
    interruption ??= reason;
    controller.abort();
  };
  const cancel = () => interrupt('cancelled');
  caller.addEventListener('abort', cancel);
  if (caller.aborted) cancel();

  const whole = setTimeout(interrupt, timers.wholeMs, 'whole');
  const firstText = setTimeout(interrupt, timers.firstTextMs, 'first_token');
  // One timer for the gap: until the first token, between tokens, and until the usage that follows the last one.
  let gap = setTimeout(interrupt, timers.firstTokenMs, 'first_token');
  let isFinishing = false;

  return {
    signal: controller.signal,
    get interruption() {
      return interruption;
    },
    fed({ hasText, isFinished }) {
      if (hasText) clearTimeout(firstText);
      if (isFinishing) return;
      clearTimeout(gap);
      isFinishing = isFinished;
      gap = isFinished
        ? setTimeout(interrupt, Math.min(usageGraceMs, timers.idleMs), 'usage')
        : setTimeout(interrupt, timers.idleMs, 'idle');
    },
    stop() {
      for (const timer of [whole, firstText, gap]) clearTimeout(timer);
      caller.removeEventListener('abort', cancel);
      controller.abort();
    },
  };
}

/** After the finish reason the answer is complete; nobody waits longer than this for its usage. */
const usageGraceMs = 3000;
