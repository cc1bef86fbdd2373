import { parseArgs } from 'node:util';
import { databaseKinds, type DatabaseKind } from '../support/database.ts';
import { buildProgram, endAllProcesses } from '../support/process.ts';
import { describeRun, isClean } from './report.ts';
import { runChaos } from './run.ts';
import { WINDOWS } from './windows.ts';

/**
 * `npm run chaos`: many conversations on both platforms while processes are killed in named windows and everything
 * outside goes wrong; then an audit of the promises from outside. Ends with 1 when one is broken, with 2 for wrong
 * options.
 */
const usage = `Usage: npm run chaos [-- options]
  --seed N                       repeats the choices of a run; default: another one each time
  --kills N                      processes to kill; default 8
  --turns N                      questions to ask; default 110
  --database embedded|postgres   one database; default: both, where a server is there
  --processes 1|2                processes that serve together; 2 needs postgres
  --telegram polling|webhook     how updates come
  --window NAME                  the only window to kill in, such as 'during a create'; default: all
  --stops N                      processes to stop for two leases, and to end by SIGTERM; default: one for 20 kills
  --minutes N                    no kills and no questions after so long; default 30
`;

/** One stop for so many kills, if nothing is told. */
const KILLS_PER_STOP = 20;

function readArguments(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      kills: { type: 'string', default: '8' },
      turns: { type: 'string', default: '110' },
      database: { type: 'string' },
      processes: { type: 'string', default: '1' },
      telegram: { type: 'string', default: 'polling' },
      window: { type: 'string' },
      stops: { type: 'string' },
      minutes: { type: 'string', default: '30' },
    },
  });
  const processes = count('processes', values.processes, 1, 2);
  const usual: readonly DatabaseKind[] = processes > 1 ? ['postgres'] : databaseKinds;
  const databases =
    values.database === undefined ? usual : [oneOf('database', values.database, databaseKinds)];
  if (processes > 1 && databases.includes('embedded'))
    throw new TypeError('--processes 2 needs --database postgres');
  const kills = count('kills', values.kills, 0, 100_000);
  const { window, stops } = values;
  return {
    seed: count('seed', values.seed, 0, 2 ** 31),
    kills,
    windows: window === undefined ? WINDOWS : [oneOf('window', window, WINDOWS)],
    stops: stops === undefined ? Math.floor(kills / KILLS_PER_STOP) : count('stops', stops, 0, kills),
    turns: count('turns', values.turns, 1, 1_000_000),
    databases,
    processes,
    telegram: oneOf('telegram', values.telegram, ['polling', 'webhook'] as const),
    mostMs: count('minutes', values.minutes, 1, 1440) * 60_000,
  };
}

function count(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/u.test(text) || value < least || value > most)
    throw new TypeError(`--${option} takes a whole number from ${least} to ${most}`);
  return value;
}

function oneOf<Choice extends string>(option: string, given: string, all: readonly Choice[]): Choice {
  const choice = all.find((candidate) => candidate === given);
  if (choice === undefined) throw new TypeError(`--${option} takes ${all.join(' or ')}`);
  return choice;
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

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const options = readOrExplain(process.argv.slice(2));
if (options === null) {
  process.exitCode = 2;
} else {
  const program = await buildProgram();
  const say = (line: string): void =>
    void process.stderr.write(`${(performance.now() / 1000).toFixed(1).padStart(7)} s  ${line}\n`);
  try {
    for (const database of options.databases) {
      const result = await runChaos({ ...options, database, program, say });
      process.stdout.write(`${describeRun(result)}\n`);
      if (!isClean(result)) process.exitCode = 1;
    }
  } finally {
    await endAllProcesses();
    await program.remove();
  }
}
