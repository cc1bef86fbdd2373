import { LONGEST_SLEEP_MS, type Clock } from './clock.ts';

/** What a step wants next: a fixed rest, or to be woken by news (or after `ms` at the latest), or to be left alone. */
export type NextStep =
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'idle'; readonly ms?: number }
  | { readonly kind: 'over' };

/** A reason of our own spares the making of an error, which costs more than all else here. */
const NEWS = 'news';

export interface Pump {
  /** There is news; runs the step unless one is running or resting. */
  wake(): void;
  /** No further step; resolves when the one in hand has ended. */
  stop(): Promise<void>;
}

/**
 * Runs one step at a time, never two, however often it is woken: each step shows the newest state,
 * so what came in between is dropped instead of queued. The step must not reject.
 */
export function createPump(step: () => Promise<NextStep>, clock: Clock): Pump {
  const stopping = new AbortController();
  let nudge = new AbortController();
  let hasNews = false;
  let running: Promise<void> | null = null;

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      hasNews = false;
      const rest = await step();
      if (rest.kind === 'over') return;
      if (rest.kind === 'pause') await clock.sleep(rest.ms, stopping.signal);
      else if (!hasNews && !stopping.signal.aborted) {
        nudge = new AbortController();
        await clock.sleep(rest.ms ?? LONGEST_SLEEP_MS, nudge.signal);
      }
    }
  };

  return {
    wake() {
      hasNews = true;
      nudge.abort(NEWS);
      if (!stopping.signal.aborted) running ??= run();
    },
    async stop() {
      stopping.abort();
      nudge.abort();
      await running;
    },
  };
}
