/**
 * When each model may be asked again. A model that throttles us cools down; one that keeps failing is not asked until a
 * single probe succeeds; one that is gone waits for the next model list. Kept in memory, for one payer's key.
 */
export interface Cooldowns {
  /** The model may be asked from then on (epoch ms, not later than now when it may at once); Infinity while it is gone. */
  readyAtMs(model: string): number;
  /** The model is asked now. Of a failing one only this call is let through until it is known how it ended. */
  begin(model: string): void;
  answered(model: string): void;
  /** Throttled: rests for what was asked, at least for a backoff that doubles from 30 s to 10 minutes. */
  throttled(model: string, retryAfterMs: number | null): void;
  /** Failed through its own fault: rests after three in a row, or when half of five and more within 60 s failed. */
  failed(model: string): void;
  /** The call ended without telling anything about the model. */
  abandoned(model: string): void;
  /** Can't serve us at the moment: rests for `ms`. */
  unusable(model: string, ms: number): void;
  /** No such model: out until a model list is fetched after now, or for good. */
  retire(model: string, until: 'refresh' | 'forever'): void;
}

export interface CooldownOptions {
  readonly now: () => number;
  /** 0 inclusive to 1 exclusive. */
  readonly random: () => number;
  readonly catalogueFetchedAtMs: () => number;
}

export function createCooldowns({ now, random, catalogueFetchedAtMs }: CooldownOptions): Cooldowns {
  const states = new Map<string, ModelState>();
  const stateOf = (model: string): ModelState => {
    const state = states.get(model) ?? freshState();
    states.set(model, state);
    return state;
  };
  return {
    readyAtMs(model) {
      const state = states.get(model);
      if (state === undefined) return 0;
      if (state.retiredAtMs !== null && state.retiredAtMs >= catalogueFetchedAtMs()) return Infinity;
      return Math.max(state.restsUntilMs, state.openUntilMs, state.probingUntilMs);
    },
    begin(model) {
      const state = stateOf(model);
      if (state.opened > 0) state.probingUntilMs = now() + longestProbeMs;
    },
    answered(model) {
      const { restsUntilMs, retiredAtMs, calls } = stateOf(model);
      states.set(model, { ...freshState(), restsUntilMs, retiredAtMs, calls: record(calls, now(), true) });
    },
    throttled(model, retryAfterMs) {
      const state = stateOf(model);
      state.probingUntilMs = 0;
      // Calls that were under way together are throttled together; that counts once.
      const isResting = state.restsUntilMs > now();
      const backoffMs = isResting ? 0 : backoff(state.throttles, random());
      if (!isResting) state.throttles += 1;
      state.restsUntilMs = Math.max(state.restsUntilMs, now() + Math.max(backoffMs, retryAfterMs ?? 0));
    },
    failed(model) {
      const state = stateOf(model);
      state.calls = record(state.calls, now(), false);
      state.failuresInARow += 1;
      state.probingUntilMs = 0;
      if (!isFailing(state) || state.openUntilMs > now()) return;
      state.openUntilMs = now() + backoff(state.opened, random());
      state.opened += 1;
    },
    abandoned(model) {
      stateOf(model).probingUntilMs = 0;
    },
    unusable(model, ms) {
      const state = stateOf(model);
      state.restsUntilMs = Math.max(state.restsUntilMs, now() + ms);
    },
    retire(model, until) {
      stateOf(model).retiredAtMs = until === 'forever' ? Infinity : now();
    },
  };
}

interface ModelState {
  restsUntilMs: number;
  /** Throttled so many times since the last answer. */
  throttles: number;
  /** Within the last 60 s. */
  calls: readonly { readonly atMs: number; readonly ok: boolean }[];
  failuresInARow: number;
  /** The breaker opened so many times since the last answer; 0 when it is closed. */
  opened: number;
  openUntilMs: number;
  probingUntilMs: number;
  retiredAtMs: number | null;
}

function freshState(): ModelState {
  return {
    restsUntilMs: 0,
    throttles: 0,
    calls: [],
    failuresInARow: 0,
    opened: 0,
    openUntilMs: 0,
    probingUntilMs: 0,
    retiredAtMs: null,
  };
}

/** A probe that never reports back blocks its model no longer than this. */
const longestProbeMs = 60_000;

function record(calls: ModelState['calls'], atMs: number, ok: boolean): ModelState['calls'] {
  return [...calls.filter((call) => call.atMs > atMs - 60_000), { atMs, ok }].slice(-100);
}

function isFailing({ calls, failuresInARow, opened }: ModelState): boolean {
  const failed = calls.filter(({ ok }) => !ok).length;
  return opened > 0 || failuresInARow >= 3 || (calls.length >= 5 && failed * 2 >= calls.length);
}

/** 30 s, doubling to 10 minutes, ±20 %. */
function backoff(times: number, random: number): number {
  return Math.min(30_000 * 2 ** times, 600_000) * (0.8 + 0.4 * random);
}
