/** Counts how often the bot starts sessions. */
export interface SessionStarts {
  /** Counts one IDENTIFY. Past the day's limit the token is reset; too soon after another of its group it is refused with op 9. */
  identify(shardId: number): 'fine' | 'too soon' | 'revoked';
  /** `session_start_limit` of GET /gateway/bot. */
  limit(): { total: number; remaining: number; reset_after: number; max_concurrency: number };
}

export interface StartLimits {
  /** Sessions a bot may start in 24 hours. */
  readonly total: number;
  /** Groups of shards that may start at the same time. */
  readonly maxConcurrency: number;
  /** Time between two starts in a group, in milliseconds. */
  readonly intervalMs: number;
}

const dayMs = 86_400_000;

export function createSessionStarts(limits: StartLimits, now: () => number): SessionStarts {
  let startedAtMs: number[] = [];
  const lastOfGroup = new Map<number, number>();
  const today = (): number[] => startedAtMs.filter((at) => at > now() - dayMs);
  return {
    identify(shardId) {
      const group = shardId % limits.maxConcurrency;
      const last = lastOfGroup.get(group);
      if (last !== undefined && now() - last < limits.intervalMs) return 'too soon';
      lastOfGroup.set(group, now());
      startedAtMs = [...today(), now()];
      return startedAtMs.length > limits.total ? 'revoked' : 'fine';
    },
    limit() {
      const started = today();
      const [first] = started;
      return {
        total: limits.total,
        remaining: Math.max(0, limits.total - started.length),
        reset_after: first === undefined ? 0 : first + dayMs - now(),
        max_concurrency: limits.maxConcurrency,
      };
    },
  };
}
