import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import Bottleneck from 'bottleneck';
import { createUserLimiter } from '../src/limits/user-limiter.ts';
import { userId, type UserId } from '../src/platform/ids.ts';
import { inParallel } from './in-parallel.ts';
import { formatTable, type Row } from './table.ts';

export interface LimiterOptions {
  readonly isQuick: boolean;
  /** Receives the table. */
  readonly print: (text: string) => void;
  /** Receives what is going on. */
  readonly say: (line: string) => void;
}

/** What it takes to limit so many people, each of whom asked once. */
interface LimiterResult {
  readonly cpuMsPerTurn: number;
  readonly heapBytesPerPerson: number;
  /** Of one core, while nobody asks. */
  readonly idleShare: number;
  /** Of all people, those of whom anything is kept once they have not asked for so long. */
  readonly keptAfterMs: readonly { readonly ms: number; readonly people: number }[];
}

export interface LimiterReport {
  readonly benchmark: 'limiter';
  readonly isQuick: boolean;
  readonly node: string;
  readonly people: number;
  readonly parley: LimiterResult;
  readonly group: LimiterResult;
}

interface Contestant {
  run(user: UserId): Promise<void>;
  kept(): number;
  /** Somebody else asks, so long after the others. */
  laterBy(ms: number): Promise<void>;
}

const MINUTE_MS = 60_000;
const AT_ONCE = 500;
const WAITS_MS = [0, MINUTE_MS, 2 * MINUTE_MS];

/**
 * Measures what Parley's limiter keeps of many people, beside a `Bottleneck.Group` with as many slots for each, whose idle
 * time is two minutes. What is kept later is told by a clock that is moved on; the group's is the machine's, so that of it
 * only the first figure is seen.
 */
export async function benchLimiter({ isQuick, print, say }: LimiterOptions): Promise<LimiterReport> {
  const people = isQuick ? 20_000 : 100_000;
  const contestants = { parley: parleyLimiter, group: bareGroup };
  const results: Partial<Record<keyof typeof contestants, LimiterResult>> = {};
  for (const name of ['parley', 'group'] as const) {
    say(name);
    results[name] = await measure(contestants[name](), people, isQuick ? 1000 : 5000);
  }
  const { parley, group } = results as Record<keyof typeof contestants, LimiterResult>;
  print(formatTable(`${people} people who asked once each`, rowsOf(parley, group)));
  return { benchmark: 'limiter', isQuick, node: process.version, people, parley, group };
}

async function measure(contestant: Contestant, people: number, idleMs: number): Promise<LimiterResult> {
  const users = Array.from({ length: people }, (_, index) => userId('terminal', `${index}`));
  await contestant.run(userId('terminal', 'warm-up'));
  const heapBefore = heapBytes();
  const cpuBefore = cpuMs();
  await inParallel(users, AT_ONCE, (user) => contestant.run(user));
  const cpuMsPerTurn = (cpuMs() - cpuBefore) / people;
  const heapBytesPerPerson = (heapBytes() - heapBefore) / people;
  const idleBefore = cpuMs();
  await sleep(idleMs);
  const idleShare = (cpuMs() - idleBefore) / idleMs;
  const keptAfterMs: { ms: number; people: number }[] = [];
  for (const ms of WAITS_MS) {
    if (ms > 0) await contestant.laterBy(ms - (keptAfterMs.at(-1)?.ms ?? 0));
    keptAfterMs.push({ ms, people: contestant.kept() });
  }
  return { cpuMsPerTurn, heapBytesPerPerson, idleShare, keptAfterMs };
}

function parleyLimiter(): Contestant {
  let aheadMs = 0;
  const now = (): number => Date.now() + aheadMs;
  const limiter = createUserLimiter({ now, longestTurnMs: 20 * MINUTE_MS, redis: null });
  const run = async (user: UserId): Promise<void> => {
    const place = await limiter.reserve(user, 20, now());
    if (place.full) throw new Error('refused');
    await place.run(() => Promise.resolve());
  };
  return {
    run,
    kept: () => limiter.size(),
    async laterBy(ms) {
      aheadMs += ms;
      await run(userId('terminal', `later-${aheadMs}`));
    },
  };
}

function bareGroup(): Contestant {
  const group = new Bottleneck.Group({ maxConcurrent: 3, timeout: 2 * MINUTE_MS });
  return {
    run: (user) => group.key(user).schedule(() => Promise.resolve()),
    kept: () => group.keys().length,
    laterBy: () => Promise.resolve(),
  };
}

function rowsOf(parley: LimiterResult, group: LimiterResult): readonly Row[] {
  const row = (label: string, figure: (result: LimiterResult) => string): Row => [
    label,
    figure(parley),
    figure(group),
  ];
  return [
    ['', 'Parley', 'Group'],
    row('CPU a turn', ({ cpuMsPerTurn }) => `${cpuMsPerTurn.toFixed(3)} ms`),
    row('heap a person', ({ heapBytesPerPerson }) => `${heapBytesPerPerson.toFixed(0)} B`),
    row('CPU while nobody asks', ({ idleShare }) => `${(idleShare * 100).toFixed(1)} %`),
    ...WAITS_MS.map((ms, index): Row => [
      `people kept after ${ms / MINUTE_MS} min`,
      String(parley.keptAfterMs[index]?.people),
      ms === 0 ? String(group.keptAfterMs[index]?.people) : '-',
    ]),
  ];
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
