import type { FreePlaces } from '../../src/completion/free-places.ts';
import type { FreePoolStore } from '../../src/limits/free-ports.ts';
import { createFreePools } from '../../src/limits/free-pools.ts';

/**
 * Half an hour of a guild that asks two hundred times at once and of nine that ask every two minutes, on a simulated clock
 * over the real pool. Whoever is refused comes back when they were told to.
 */
export interface Fairness {
  readonly guilds: readonly GuildWaits[];
}

export interface GuildWaits {
  readonly guild: string;
  readonly asked: number;
  /** With guilds in turns. */
  readonly inTurns: Waits;
  /** The same questions, first come, first served. */
  readonly inOrder: Waits;
}

export interface Waits {
  readonly answered: number;
  /** Times that somebody was told to come back. */
  readonly refusals: number;
  /** From the question to its place; who got none by the end waited until then. */
  readonly p50Ms: number;
  readonly p95Ms: number;
}

interface Question {
  readonly guild: string;
  readonly user: string;
  readonly atMs: number;
}

interface Fate {
  readonly guild: string;
  readonly waitMs: number;
  readonly isAnswered: boolean;
  readonly refusals: number;
}

export const BUSY = 'busy';
const START_MS = Date.UTC(2026, 6, 15, 12);
const END_MS = START_MS + 30 * 60_000;
const PER_MINUTE = 20;

function questions(): readonly Question[] {
  const burst = Array.from({ length: 200 }, (_, index) => ({
    guild: BUSY,
    user: `${BUSY}-${index % 20}`,
    atMs: START_MS,
  }));
  const quiet = Array.from({ length: 9 }, (_guild, number) =>
    Array.from({ length: 15 }, (_, round) => ({
      guild: `quiet ${number + 1}`,
      user: `quiet-${number}`,
      atMs: START_MS + 13_000 * (number + 1) + 120_000 * round,
    })),
  );
  return [...burst, ...quiet.flat()].filter(({ atMs }) => atMs < END_MS);
}

/** `storeAt`: the pool's store by the given clock. */
export async function simulateFairness(storeAt: (now: () => number) => FreePoolStore): Promise<Fairness> {
  const inTurns = await play(storeAt, 'in turns', ({ guild, user }) => ({ subject: guild, user }));
  const inOrder = await play(storeAt, 'in order', () => ({ subject: 'all', user: 'all' }));
  const guilds = [...new Set(questions().map(({ guild }) => guild))];
  return {
    guilds: guilds.map((guild) => ({
      guild,
      asked: questions().filter((question) => question.guild === guild).length,
      inTurns: waitsOf(inTurns.filter((fate) => fate.guild === guild)),
      inOrder: waitsOf(inOrder.filter((fate) => fate.guild === guild)),
    })),
  };
}

async function play(
  storeAt: (now: () => number) => FreePoolStore,
  way: 'in turns' | 'in order',
  askerOf: (question: Question) => { subject: string; user: string },
): Promise<readonly Fate[]> {
  const clock = createClock(START_MS);
  const { store, isIdle } = watched(storeAt(clock.now));
  const log = { debug() {}, info() {}, warn: fail, error: fail };
  const pools = createFreePools({ store, perMinute: PER_MINUTE, now: clock.now, sleep: clock.sleep, log });
  const places = pools.open(`fairness ${way}`, 'openrouter');
  const longestWaitMs = way === 'in turns' ? 60_000 : Infinity;
  const fates = questions().map((question) =>
    ask(places, clock, question, { ...askerOf(question), longestWaitMs }),
  );
  await clock.run(END_MS, isIdle);
  pools.stop();
  return Promise.all(fates);
}

async function ask(
  places: FreePlaces,
  clock: Clock,
  { guild, atMs }: Question,
  asker: { subject: string; user: string; longestWaitMs: number },
): Promise<Fate> {
  let refusals = 0;
  for (let nextMs = atMs; nextMs < END_MS; refusals += 1) {
    await clock.until(nextMs);
    const wish = { ...asker, wanted: 1, isFirst: false, isBackground: false };
    const verdict = await Promise.race([places.take(wish, clock.over), clock.until(END_MS)]);
    if (verdict === undefined) break;
    if (verdict.kind === 'granted') {
      return { guild, waitMs: clock.now() - atMs, isAnswered: true, refusals };
    }
    nextMs = Math.max(verdict.failure.resetsAtMs, clock.now() + 1);
  }
  return { guild, waitMs: END_MS - atMs, isAnswered: false, refusals };
}

function waitsOf(fates: readonly Fate[]): Waits {
  const waits = fates.map(({ waitMs }) => waitMs).toSorted((a, b) => a - b);
  const at = (share: number) => waits[Math.ceil(waits.length * share) - 1] ?? 0;
  return {
    answered: fates.filter(({ isAnswered }) => isAnswered).length,
    refusals: fates.reduce((sum, { refusals }) => sum + refusals, 0),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
  };
}

function fail(fields: object, message: string): void {
  throw new Error(`${message} ${JSON.stringify(fields)}`);
}

/** Tells when nothing is asked of the store. */
function watched(store: FreePoolStore): { store: FreePoolStore; isIdle: () => boolean } {
  let running = 0;
  const take: FreePoolStore['take'] = async (asking) => {
    running += 1;
    try {
      return await store.take(asking);
    } finally {
      running -= 1;
    }
  };
  return { store: { ...store, take }, isIdle: () => running === 0 };
}

interface Clock {
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly until: (atMs: number) => Promise<void>;
  /** Aborted at the end. */
  readonly over: AbortSignal;
  /** Jumps from one thing that is waited for to the next, each time when nothing goes on any more. */
  readonly run: (endMs: number, isIdle: () => boolean) => Promise<void>;
}

function createClock(startMs: number): Clock {
  let nowMs = startMs;
  const ending = new AbortController();
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  const until = (atMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const sleeper = {
        atMs,
        wake: () => {
          sleepers.delete(sleeper);
          resolve();
        },
      };
      if (atMs <= nowMs || signal?.aborted === true) return resolve();
      sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  const settled = async (isIdle: () => boolean): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet = isIdle() ? quiet + 1 : 0) {
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  return {
    now: () => nowMs,
    sleep: (ms, signal) => until(nowMs + ms, signal),
    until: (atMs) => until(atMs),
    over: ending.signal,
    async run(endMs, isIdle) {
      for (;;) {
        await settled(isIdle);
        const nextMs = Math.min(endMs, ...[...sleepers].map(({ atMs }) => atMs));
        if (nextMs >= endMs) break;
        nowMs = nextMs;
        for (const { atMs, wake } of sleepers) if (atMs <= nowMs) wake();
      }
      nowMs = endMs;
      for (const { wake } of sleepers) wake();
      ending.abort();
      await settled(isIdle);
    },
  };
}
