import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseKinds, type DatabaseKind } from '../tests/support/database.ts';
import { busyCores } from './machine.ts';
import type { PlatformName } from './platform.ts';
import { buildPrograms } from './processes.ts';
import { reportProfiles } from './profile.ts';
import { measureBare, measureParley, type Bench, type ProgramResult } from './programs.ts';
import { LEGEND, writeReport } from './report.ts';
import { FULL, QUICK } from './size.ts';

export interface TurnOptions {
  readonly platforms: readonly PlatformName[];
  readonly databases: readonly DatabaseKind[];
  readonly isQuick: boolean;
  readonly profiles: boolean;
  /** Receives reports. */
  readonly print: (text: string) => void;
  /** Receives what is going on. */
  readonly say: (line: string) => void;
}

/** One program against the other. */
interface Comparison {
  readonly platform: PlatformName;
  readonly database: DatabaseKind;
  readonly parley: ProgramResult;
  readonly bare: ProgramResult;
}

/** Everything that was measured, as JSON says it. */
export interface TurnReport {
  readonly benchmark: 'turn';
  readonly isQuick: boolean;
  readonly node: string;
  readonly cores: number;
  /** By other processes. */
  readonly coresBusyBefore: number;
  readonly comparisons: readonly Comparison[];
}

/**
 * Measures Parley against a bare script that gives the same answers with as many calls. Prints a table for each platform
 * and database. Rejects when a turn was not answered or a process failed, never because of a figure.
 */
export async function benchTurn(options: TurnOptions): Promise<TurnReport> {
  const { isQuick, print, say } = options;
  const databases = options.databases.filter((kind) => databaseKinds.includes(kind));
  for (const kind of options.databases)
    if (!databases.includes(kind))
      print(`${kind}: skipped, no server at TEST_DATABASE_URL or on this machine\n`);

  const coresBusyBefore = await busyCores();
  const program = await buildPrograms();
  const comparisons: Comparison[] = [];
  try {
    for (const platform of options.platforms) {
      const bench = { program, platform, size: isQuick ? QUICK : FULL, profileFolder: null, say };
      comparisons.push(...(await comparePlatform(bench, databases, options)));
    }
  } finally {
    await program.remove();
  }
  const cores = availableParallelism();
  print(
    `${LEGEND}Other processes kept ${coresBusyBefore.toFixed(1)} of ${cores} cores busy before the start.\n`,
  );
  return {
    benchmark: 'turn',
    isQuick,
    node: process.version,
    cores,
    coresBusyBefore,
    comparisons,
  };
}

/** The bare script has no database, so it is measured once. */
async function comparePlatform(
  bench: Bench,
  databases: readonly DatabaseKind[],
  { profiles, print }: TurnOptions,
): Promise<readonly Comparison[]> {
  const { platform } = bench;
  const results: { readonly database: DatabaseKind; readonly parley: ProgramResult }[] = [];
  const reports: string[] = [];
  for (const database of databases) {
    const measured = profiles ? await measureProfiled(bench, database) : undefined;
    if (measured !== undefined) reports.push(`${platform}, ${database}\n${measured.report}`);
    results.push({ database, parley: measured?.parley ?? (await measureParley(bench, database)) });
  }
  const [first] = results;
  if (first === undefined) return [];
  const bare = await measureBare(bench, first.parley);
  for (const { database, parley } of results)
    print(`${writeReport(`${platform}, ${database}`, parley, bare)}\n`);
  for (const report of reports) print(`${report}\n`);
  return results.map((result) => ({ platform, ...result, bare }));
}

async function measureProfiled(
  bench: Bench,
  database: DatabaseKind,
): Promise<{ readonly parley: ProgramResult; readonly report: string }> {
  const profileFolder = await mkdtemp(join(tmpdir(), 'parley-profile-'));
  try {
    const parley = await measureParley({ ...bench, profileFolder }, database);
    return { parley, report: await reportProfiles(profileFolder, parley.saturation) };
  } finally {
    await rm(profileFolder, { recursive: true });
  }
}
