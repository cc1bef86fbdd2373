import type { AdmitRequest } from '../src/conversation/ports.ts';
import { guildId, userId } from '../src/platform/ids.ts';
import type { Author, Guild } from '../src/platform/message.ts';
import type { Database } from '../src/store/database.ts';
import { createStore } from '../src/store/store.ts';
import { silentLog } from '../tests/support/database.ts';
import { admission, attempt, nextId, settlement, spent } from '../tests/integration/store/requests.ts';
import { spreadOf, type Spread } from './figures.ts';
import { startRelay } from './relay.ts';
import { openAt, openScratch, type Scratch } from './scratch.ts';
import { formatTable } from './table.ts';

export interface QuotaBenchOptions {
  readonly isQuick: boolean;
  /** Receives the table. */
  readonly print: (text: string) => void;
  /** Receives what is going on. */
  readonly say: (line: string) => void;
}

/** What workers that admit and settle side by side came to. */
interface LoadResult {
  readonly load: string;
  /** Turns that were admitted and settled; for the bare script, pairs of inserts. */
  readonly pairsPerSecond: number;
  readonly admitMs: Spread;
  readonly settleMs: Spread;
}

export interface QuotaReport {
  readonly benchmark: 'quota';
  readonly isQuick: boolean;
  readonly node: string;
  readonly loads: readonly LoadResult[];
  /** Of one admission, and of one settlement, on the wire. */
  readonly roundTrips: { readonly admission: number; readonly settlement: number };
}

const WORKERS = 32;
const GUILDS = 1000;
/** As many as serve a busy bot. */
const POOL = 10;
const PEOPLE = 200;
/** High enough that nobody is refused: every limit is checked all the same. */
const PLENTY = 1e12;
const LIMITS = {
  requests_hour: PLENTY,
  requests_day: PLENTY,
  tokens_day: PLENTY,
  tokens_month: PLENTY,
  cost_day: PLENTY,
  cost_month: PLENTY,
};
const DEFAULTS = { user: LIMITS, guild: LIMITS, instance: { cost_day: PLENTY, cost_month: PLENTY } };

/**
 * Measures admission and settlement on PostgreSQL, by 32 workers at once: all in one guild, spread over a thousand, and beside both a
 * script that makes one bare insert in the place of each. Rejects where no PostgreSQL answers.
 */
export async function benchQuota({ isQuick, print, say }: QuotaBenchOptions): Promise<QuotaReport> {
  const pairs = isQuick ? 1000 : 10_000;
  const scratch = await openScratch(POOL);
  try {
    await scratch.patient`
      create table bare_rows (id bigint generated always as identity primary key, origin_key text unique, body jsonb, at timestamptz default now())`;
    const guilds = Array.from({ length: GUILDS }, (_, index) => communityOf(index));
    const people = Array.from({ length: PEOPLE }, (_, index) => personOf(index));
    const pairIn = pairOf(scratch.database);
    const loads: LoadResult[] = [];
    const runs: Readonly<Record<string, (index: number) => Promise<Times>>> = {
      'bare inserts': (index) => barePair(scratch.database, pick(people, index)),
      'one guild': (index) => pairIn(pick(people, index), pick(guilds, 0)),
      '1,000 guilds': (index) => pairIn(pick(people, index), pick(guilds, index * 7)),
      'bare inserts, again': (index) => barePair(scratch.database, pick(people, index)),
    };
    for (const [load, pair] of Object.entries(runs)) {
      say(load);
      await runLoad(load, pair, Math.min(pairs, 500));
      loads.push(await runLoad(load, pair, pairs));
    }
    say('round trips');
    const roundTrips = await countRoundTrips(scratch);
    print(
      formatTable(
        `admissions and settlements, ${WORKERS} workers, ${POOL} connections, ${pairs} pairs of each kind`,
        [
          ['', 'pairs a second', 'admission median', 'p95', 'settlement median', 'p95'],
          ...loads.map(
            ({ load, pairsPerSecond, admitMs, settleMs }) =>
              [
                load,
                pairsPerSecond.toFixed(0),
                ms(admitMs.median),
                ms(admitMs.p95),
                ms(settleMs.median),
                ms(settleMs.p95),
              ] as const,
          ),
        ],
      ),
    );
    print(
      `Round trips on the wire: ${roundTrips.admission} an admission, ${roundTrips.settlement} a settlement.\n${LEGEND}`,
    );
    return { benchmark: 'quota', isQuick, node: process.version, loads, roundTrips };
  } finally {
    await scratch.remove();
  }
}

const LEGEND = `The bare script inserts the same document twice, by the same driver and as many workers. Waiting for one of the connections, and
for the row of the guild, is part of each time.
`;

const ms = (value: number): string => `${value.toFixed(2)} ms`;

interface Times {
  readonly admitMs: number;
  readonly settleMs: number;
}

const personOf = (index: number): Author => ({
  id: userId('telegram', 1_000_000 + index),
  name: `person ${index}`,
  locale: 'en',
  isBot: false,
  isGuildAdmin: false,
  roles: [],
});
const communityOf = (index: number): Guild => ({
  id: guildId('telegram', -1_000_000 - index),
  name: `guild ${index}`,
});
const pick = <Item>(items: readonly Item[], index: number): Item => items[index % items.length] as Item;

/** A question in a conversation of its own, so that none waits for another one. */
const question = (author: Author, guild: Guild): AdmitRequest =>
  admission({ author, guild, chat: nextId() }, { defaults: DEFAULTS });

function pairOf(database: Database): (author: Author, guild: Guild) => Promise<Times> {
  const { turns } = createStore(database, { log: silentLog, defaults: DEFAULTS, instance: 'bench' });
  return async (author, guild) => {
    const fromMs = performance.now();
    const verdict = await turns.admit(question(author, guild));
    if (verdict.kind !== 'run') throw new Error(`an admission ended as ${verdict.kind}`);
    const admittedMs = performance.now();
    const attempts = [attempt({ isFree: false, usage: spent(900, 200, 12_345n) })];
    await turns.settle(settlement(verdict.turn, { attempts }));
    return { admitMs: admittedMs - fromMs, settleMs: performance.now() - admittedMs };
  };
}

async function barePair({ sql }: Database, author: Author): Promise<Times> {
  const { envelope } = question(author, communityOf(0));
  const body = JSON.stringify(envelope);
  const insert = (key: string) =>
    sql`insert into bare_rows (origin_key, body) values (${key}, ${body}::text::jsonb) returning id`;
  const fromMs = performance.now();
  await insert(envelope.originKey);
  const admittedMs = performance.now();
  await insert(`${envelope.originKey}:settled`);
  return { admitMs: admittedMs - fromMs, settleMs: performance.now() - admittedMs };
}

async function runLoad(
  load: string,
  pair: (index: number) => Promise<Times>,
  pairs: number,
): Promise<LoadResult> {
  const times: Times[] = [];
  let next = 0;
  const fromMs = performance.now();
  const worker = async (): Promise<void> => {
    while (next < pairs) {
      next += 1;
      times.push(await pair(next));
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  const tookMs = performance.now() - fromMs;
  const [admitMs, settleMs] = [
    spreadOf(times.map((time) => time.admitMs)),
    spreadOf(times.map((time) => time.settleMs)),
  ];
  if (admitMs === null || settleMs === null) throw new Error('nothing was measured');
  return { load, pairsPerSecond: (pairs / tookMs) * 1000, admitMs, settleMs };
}

/** By one worker, after the driver has prepared its statements. Rejects where they are not the same each time. */
async function countRoundTrips({ url }: Scratch): Promise<QuotaReport['roundTrips']> {
  const relay = await startRelay(url);
  const database = await openAt(relay.url, 1);
  try {
    const { turns } = createStore(database, { log: silentLog, defaults: DEFAULTS, instance: 'bench' });
    const [author, guild] = [personOf(0), communityOf(0)];
    const counts: (readonly [number, number])[] = [];
    for (let pair = 0; pair < 12; pair += 1) {
      const before = relay.roundTrips();
      const verdict = await turns.admit(question(author, guild));
      const admitted = relay.roundTrips();
      if (verdict.kind !== 'run') throw new Error(`an admission ended as ${verdict.kind}`);
      await turns.settle(settlement(verdict.turn));
      counts.push([admitted - before, relay.roundTrips() - admitted]);
    }
    const [, , ...warm] = counts;
    const [[admitted, settled] = [0, 0]] = warm;
    if (warm.some(([one, other]) => one !== admitted || other !== settled))
      throw new Error(`round trips differ: ${JSON.stringify(counts)}`);
    return { admission: admitted, settlement: settled };
  } finally {
    await database.close();
    await relay.stop();
  }
}
