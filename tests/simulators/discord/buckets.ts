import { createHash } from 'node:crypto';

/** So many requests in so many milliseconds. */
export interface BucketRule {
  readonly limit: number;
  readonly windowMs: number;
}

/**
 * Discord publishes none of these figures. 5 in 5 s for messages is what was seen; the others are generous enough that only a flood meets
 * them.
 */
export const bucketRules = {
  createMessage: { limit: 5, windowMs: 5000 },
  editMessage: { limit: 5, windowMs: 5000 },
  deleteMessage: { limit: 5, windowMs: 1000 },
  readMessages: { limit: 50, windowMs: 1000 },
  typing: { limit: 5, windowMs: 5000 },
  reaction: { limit: 1, windowMs: 250 },
  thread: { limit: 10, windowMs: 10_000 },
  followUp: { limit: 5, windowMs: 5000 },
  editAnswer: { limit: 5, windowMs: 5000 },
  other: { limit: 50, windowMs: 1000 },
} as const satisfies Readonly<Record<string, BucketRule>>;

export type BucketName = keyof typeof bucketRules;

/** Why a request was refused with 429, and for how long. */
export interface Limited {
  readonly scope: 'user' | 'global' | 'shared';
  readonly retryAfterMs: number;
}

export interface Charge {
  /** The hash of X-RateLimit-Bucket. */
  readonly hash: string | undefined;
  readonly limit: number;
  readonly remaining: number;
  readonly resetAtMs: number;
  readonly limited: Limited | undefined;
}

export interface RateGate {
  /** Counts a request against the bot's 50 a second and its bucket. `major` is the channel, guild or webhook in its path. */
  charge(bucket: BucketName, major: string, isGlobal: boolean): Charge;
  clear(): void;
}

export interface RateOptions {
  readonly rules: Readonly<Record<BucketName, BucketRule>>;
  readonly globalPerSecond: number;
  /** Whether sending and editing messages share one bucket, as was once seen. */
  readonly sharedMessageBucket: boolean;
}

interface Window {
  count: number;
  resetAtMs: number;
}

export function createRateGate(options: RateOptions, now: () => number): RateGate {
  const windows = new Map<string, Window>();
  const windowOf = (key: string, windowMs: number): Window => {
    const current = windows.get(key);
    if (current !== undefined && now() < current.resetAtMs) return current;
    const fresh = { count: 0, resetAtMs: now() + windowMs };
    windows.set(key, fresh);
    return fresh;
  };
  return {
    charge(bucket, major, isGlobal) {
      const name = options.sharedMessageBucket && bucket === 'editMessage' ? 'createMessage' : bucket;
      const { limit, windowMs } = options.rules[name];
      const all = isGlobal ? windowOf('global', 1000) : undefined;
      if (all !== undefined && all.count >= options.globalPerSecond) {
        const limited = { scope: 'global', retryAfterMs: all.resetAtMs - now() } as const;
        return { hash: undefined, limit, remaining: 0, resetAtMs: all.resetAtMs, limited };
      }
      if (all !== undefined) all.count += 1;
      const window = windowOf(`${name}:${major}`, windowMs);
      const shared = { hash: hashOf(name), limit, resetAtMs: window.resetAtMs };
      if (window.count >= limit) {
        const limited = { scope: 'user', retryAfterMs: window.resetAtMs - now() } as const;
        return { ...shared, remaining: 0, limited };
      }
      window.count += 1;
      return { ...shared, remaining: limit - window.count, limited: undefined };
    },
    clear: () => windows.clear(),
  };
}

/** The headers of an answer that counted against a bucket (topics/rate-limits). */
export function rateHeaders(charge: Charge, nowMs: number): Record<string, string> {
  if (charge.hash === undefined) return {};
  return {
    'x-ratelimit-limit': String(charge.limit),
    'x-ratelimit-remaining': String(charge.remaining),
    'x-ratelimit-reset': seconds(charge.resetAtMs),
    'x-ratelimit-reset-after': seconds(Math.max(0, charge.resetAtMs - nowMs)),
    'x-ratelimit-bucket': charge.hash,
  };
}

/** Headers and body of a 429. */
export function limitedAnswer({ scope, retryAfterMs }: Limited): {
  headers: Record<string, string>;
  body: object;
} {
  const isShared = scope === 'shared';
  return {
    headers: {
      'retry-after': String(Math.ceil(retryAfterMs / 1000)),
      'x-ratelimit-scope': scope,
      ...(scope === 'global' ? { 'x-ratelimit-global': 'true' } : {}),
    },
    body: {
      message: isShared ? 'The resource is being rate limited.' : 'You are being rate limited.',
      retry_after: retryAfterMs / 1000,
      global: scope === 'global',
    },
  };
}

export interface InvalidRequests {
  /** Counts an answer of 401, 403 or 429, unless the limit was a shared one. */
  count(): void;
  /** How many there were in the last ten minutes. */
  recent(): number;
  clear(): void;
}

const invalidWindowMs = 600_000;

export function createInvalidRequests(now: () => number): InvalidRequests {
  let atMs: number[] = [];
  const recent = (): number[] => atMs.filter((at) => at > now() - invalidWindowMs);
  return {
    count() {
      atMs = [...recent(), now()];
    },
    recent: () => recent().length,
    clear() {
      atMs = [];
    },
  };
}

function hashOf(bucket: string): string {
  return createHash('md5').update(bucket).digest('hex');
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
