import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Author, Guild } from '../src/platform/message.ts';
import { createUsageReader } from '../src/store/usage-reader.ts';
import type { UsageReader } from '../src/usage/ports.ts';
import { spreadOf, type Spread } from './figures.ts';
import { openScratch } from './scratch.ts';
import { formatTable } from './table.ts';
import { BUSY, fillUpTo, prepare, STEADY } from './usage-rows.ts';

export interface StatsOptions {
  readonly isQuick: boolean;
  /** How many rows there are in the end; null for ten million. */
  readonly rows: number | null;
  /** Receives the table. */
  readonly print: (text: string) => void;
  /** Receives what is going on. */
  readonly say: (line: string) => void;
}

/** How long an answer takes with fewer and with more usage in the table, in milliseconds. */
interface QuestionResult {
  readonly question: string;
  readonly fewMs: Spread;
  readonly manyMs: Spread;
  /** Of the medians. */
  readonly ratio: number;
}

export interface StatsBenchReport {
  readonly benchmark: 'stats';
  readonly isQuick: boolean;
  readonly node: string;
  readonly rows: readonly [few: number, many: number];
  readonly questions: readonly QuestionResult[];
}

/** A row with its share of all indexes, rollups and the log of the server, roughly. */
const BYTES_OF_A_ROW = 2000;
const NO_DEFAULTS = { user: {}, guild: {}, instance: {} };
const WARM_UP = 10;

/**
 * Measures what `/stats` and `/usage` take, through the store's own reader, on a scratch database with a million rows of usage and
 * with ten. Rejects where no PostgreSQL answers or the disk is too small.
 */
export async function benchStats({
  isQuick,
  rows: most,
  print,
  say,
}: StatsOptions): Promise<StatsBenchReport> {
  const rows = isQuick ? ([100_000, 1_000_000] as const) : ([1_000_000, most ?? 10_000_000] as const);
  const times = isQuick ? 60 : 200;
  await expectRoom(rows[1] * BYTES_OF_A_ROW);
  const scratch = await openScratch(1);
  try {
    const { patient, database } = scratch;
    const questions = questionsTo(createUsageReader(database.sql, NO_DEFAULTS, { plansEnabled: false }));
    await prepare(patient);
    const samples: (readonly number[][])[] = [];
    for (const size of rows) {
      await fillUpTo(patient, size, say);
      say(`asking, with ${size} rows`);
      samples.push(await sampleAll([...questions.values()], times));
    }
    const [few = [], many = []] = samples;
    const results = [...questions.keys()].map((question, index) =>
      compare(question, few[index] ?? [], many[index] ?? []),
    );
    print(
      formatTable(`what figures of usage take with ${rows.join(' and ')} rows, ${times} times each`, [
        ['', 'few: median', 'p95', 'many: median', 'p95', 'ratio'],
        ...results.map(
          ({ question, fewMs, manyMs, ratio }) =>
            [
              question,
              ms(fewMs.median),
              ms(fewMs.p95),
              ms(manyMs.median),
              ms(manyMs.p95),
              ratio.toFixed(2),
            ] as const,
        ),
      ]),
    );
    print(LEGEND);
    return { benchmark: 'stats', isQuick, node: process.version, rows, questions: results };
  } finally {
    await scratch.remove();
  }
}

const LEGEND = `The first guild has the same 20,000 answers of the last month in both cases, and the table grows around it: its ratio is
to stay below 1.2. The busy guild has a tenth of all rows, all of them in the last month.
`;

const ms = (value: number): string => `${value.toFixed(2)} ms`;

function questionsTo(reader: UsageReader): ReadonlyMap<string, () => Promise<unknown>> {
  const author = (id: Author['id']): Author => ({
    id,
    name: 'bench',
    locale: null,
    isBot: false,
    isGuildAdmin: true,
    roles: [],
  });
  const guild = (id: Guild['id']): Guild => ({ id, name: 'bench' });
  const [person, place] = [author(STEADY.user), guild(STEADY.guild)];
  return new Map<string, () => Promise<unknown>>([
    ['/stats', () => reader.statsOf(person, place, 30)],
    ['/usage', () => reader.usageOf(person, place)],
    [
      '/usage by model',
      () => reader.breakdownOf({ author: person, guild: place, span: 'month', by: 'model' }),
    ],
    [
      '/usage by conversation',
      () => reader.breakdownOf({ author: person, guild: null, span: 'month', by: 'conversation' }),
    ],
    ['/stats, busy guild', () => reader.statsOf(author(BUSY.user), guild(BUSY.guild), 30)],
    ['/usage, in the busy guild', () => reader.usageOf(author(BUSY.user), guild(BUSY.guild))],
  ]);
}

/** By turns, so that what slows the machine down for a while slows all of them. */
async function sampleAll(questions: readonly (() => Promise<unknown>)[], times: number): Promise<number[][]> {
  const samples = questions.map((): number[] => []);
  for (let count = -WARM_UP; count < times; count += 1) {
    for (const [index, ask] of questions.entries()) {
      const fromMs = performance.now();
      await ask();
      if (count >= 0) samples[index]?.push(performance.now() - fromMs);
    }
  }
  return samples;
}

function compare(question: string, few: readonly number[], many: readonly number[]): QuestionResult {
  const [fewMs, manyMs] = [spreadOf(few), spreadOf(many)];
  if (fewMs === null || manyMs === null) throw new Error('nothing was measured');
  return { question, fewMs, manyMs, ratio: manyMs.median / fewMs.median };
}

/** Where the server has a disk of its own, this tells nothing of it. */
async function expectRoom(bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(tmpdir());
  if (bavail * bsize < 2 * bytes)
    throw new Error(`this takes ${bytes / 1e9} GB, and the disk has little more`);
}
