import type { Clock } from '../../delivery/clock.ts';

/** Lets nobody pass before it is opened, but holds nobody up for ever. */
export interface Gate {
  open(): void;
  /** Resolves when it is open, or the first who came has waited for long enough. */
  passed(): Promise<void>;
}

export interface GateOptions {
  readonly holdMs: number;
  /** Opens it as well. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export function createGate({ holdMs, signal, clock }: GateOptions): Gate {
  const opened = new AbortController();
  const either = AbortSignal.any([opened.signal, signal]);
  let waiting: Promise<void> | null = null;
  return {
    open: () => opened.abort(),
    passed: () => (waiting ??= clock.sleep(holdMs, either)),
  };
}
