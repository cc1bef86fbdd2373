import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchChain } from './chain.ts';
import { interrupt } from './child.ts';
import { benchFairness } from './fairness.ts';
import { benchLimiter } from './limiter.ts';
import { benchQuota } from './quota.ts';
import { benchStats } from './stats.ts';
import { benchTurn } from './turn.ts';

/**
 * `npm run bench turn -- --platform telegram|discord --database embedded|postgres --quick --profile --json FILE`,
 * `npm run bench chain|limiter|quota|stats -- --quick --json FILE`, `npm run bench fairness -- --database embedded|postgres`. Reports
 * go to standard output, the last line as JSON; what is going on goes to standard error.
 */
const usage = `Usage: npm run bench turn|chain|limiter|quota|stats|fairness [-- options]
turn: the bot against a bare script, whole turns
chain: what a failed attempt adds to a turn, against a bare loop over the SDK
limiter: what limiting many people keeps and takes, beside a group of Bottlenecks
quota: admissions and settlements of one guild and of a thousand, against bare inserts; needs PostgreSQL
stats: what /stats and /usage take with a million rows of usage and with ten; needs PostgreSQL
fairness: how long guilds wait that share free models, on a simulated clock, on one database
  --quick                        fewer and shorter turns
  --json FILE                    write the figures to a file as well
stats only:
  --rows N                       in place of ten million
turn only:
  --platform telegram|discord    one platform; default: both
  --database embedded|postgres   one database; default: both, or the embedded one when quick
  --profile                      also tell where Parley's CPU time goes when it is saturated, which this slows down
`;

const choices = {
  platform: ['telegram', 'discord'],
  database: ['embedded', 'postgres'],
} as const;

const benchmarks = {
  turn: benchTurn,
  chain: benchChain,
  limiter: benchLimiter,
  quota: benchQuota,
  stats: benchStats,
  fairness: benchFairness,
};
const names = Object.keys(benchmarks) as (keyof typeof benchmarks)[];

/** All choices, or the given one; throws a `TypeError` for another. */
function chosen<Choice extends string>(
  option: string,
  all: readonly Choice[],
  given: string | undefined,
): readonly Choice[] {
  const kept = all.filter((choice) => given === undefined || choice === given);
  if (kept.length === 0) throw new TypeError(`--${option} takes ${all.join(' or ')}`);
  return kept;
}

function readArguments(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      platform: { type: 'string' },
      database: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      json: { type: 'string' },
      rows: { type: 'string' },
    },
  });
  const benchmark = names.find((name) => name === positionals.join(' '));
  if (benchmark === undefined) throw new TypeError(`name what to measure: ${names.join(', ')}`);
  const rows = values.rows === undefined ? null : Number(values.rows);
  if (rows !== null && !(Number.isSafeInteger(rows) && rows > 1_000_000))
    throw new TypeError('--rows takes a whole number above a million');
  const database = values.database ?? (values.quick ? 'embedded' : undefined);
  return {
    benchmark,
    platforms: chosen('platform', choices.platform, values.platform),
    databases: chosen('database', choices.database, database),
    isQuick: values.quick,
    profiles: values.profile,
    json: values.json,
    rows,
  };
}

/** Null after telling what is wrong with the arguments. */
function readOrExplain(args: readonly string[]): ReturnType<typeof readArguments> | null {
  try {
    return readArguments(args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message}\n${usage}`);
    return null;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupt());

const options = readOrExplain(process.argv.slice(2));
if (options === null) {
  process.exitCode = 2;
} else {
  const { benchmark, ...chosenOptions } = options;
  const told = {
    ...chosenOptions,
    print: (text: string) => void process.stdout.write(`${text}\n`),
    say: (line: string) => void process.stderr.write(`${seconds(performance.now())}  ${line}\n`),
  };
  const report = await benchmarks[benchmark](told);
  const json = JSON.stringify(report);
  if (options.json !== undefined) await writeFile(options.json, `${json}\n`);
  process.stdout.write(`${json}\n`);
}
