import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseKind } from '../support/database.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';
import { createStorage, type Program, type Storage } from '../support/process.ts';
import { audit } from './auditor.ts';
import { readBooks } from './books.ts';
import { clockJumpsOf, environmentOf, LONGEST_JUMP_MS } from './environment.ts';
import type { Evidence } from './evidence.ts';
import { createTroublemaker } from './faults.ts';
import { startBalancer, type Balancer } from './balancer.ts';
import { createFleet, hostOf, type Fleet } from './fleet.ts';
import { createKiller, type Killer } from './killer.ts';
import { openLock } from './lock.ts';
import { createOutages, type Outages } from './outage.ts';
import { untilTrue } from './patience.ts';
import { createRandom, type Random } from './random.ts';
import { watchPace } from './refused.ts';
import type { RunResult } from './report.ts';
import { startStage, type Stage } from './stage.ts';
import { recordStories } from './stories.ts';
import { converse, introduce, watchActivity } from './talk.ts';
import type { WindowContext } from './aiming.ts';
import type { WindowName } from './windows.ts';
import { createWorld, type World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  readonly kills: number;
  readonly turns: number;
  /** Those to kill in. */
  readonly windows: readonly WindowName[];
  /** How many processes are stopped for a while, and go on; as many are asked to end. */
  readonly stops: number;
  readonly database: DatabaseKind;
  readonly processes: number;
  readonly telegram: 'polling' | 'webhook';
  /** Kills and questions end after this long, whatever is left of them. */
  readonly mostMs: number;
  readonly program: Program;
  readonly say: (line: string) => void;
}

/** Everything a run works with. */
interface Run {
  readonly options: RunOptions;
  readonly random: Random;
  readonly stage: Stage;
  readonly storage: Storage;
  readonly database: Gateway | null;
  readonly balancer: Balancer | null;
  readonly fleet: Fleet;
  readonly world: World;
  readonly killer: Killer;
  readonly outages: Outages;
  /** What the processes log goes there, and the stories of violations. */
  readonly logFolder: string;
}

/** A killed process's turns are free after so long. */
const LEASE_MS = 9000;
/** Between two faults: none, while a process starts, is worth less. */
const FAULT_EVERY_MS = { least: 300, most: 2500 };
/** After the last write, what is postponed or left to recovery has shown by now. */
const QUIET_MS = 30_000;
const SETTLED_MS = 2500;
const LONGEST_END_MS = 240_000;

/** Lets people talk, kills and disturbs meanwhile, waits until all is quiet, and has it audited. */
export async function runChaos(options: RunOptions): Promise<RunResult> {
  const startedMs = performance.now();
  const run = await prepare(options);
  const { fleet, stage, storage, killer, world } = run;
  try {
    const pace = watchPace(stage);
    const stories = recordStories(stage);
    const activity = watchActivity(stage);
    const trouble = createTroublemaker(
      stage,
      createRandom(options.seed + 1),
      run.database === null ? null : { gateway: run.database, outages: run.outages },
    );
    await Promise.all(Array.from({ length: options.processes }, (_, slot) => fleet.start(slot).ready));
    await untilTrue(() => stage.discord.commands().length > 0, 20_000);
    await introduce(options, world);
    await disturb(run, trouble.order);
    options.say(`${world.asked.length} questions, ${killer.kills} kills; waiting for quiet`);
    await untilTrue(() => {
      const quietMs = Date.now() - activity.lastMs();
      return quietMs > QUIET_MS || (quietMs > SETTLED_MS && world.open().length === 0);
    }, LONGEST_END_MS);
    await fleet.stop();
    const books = await readBooks(storage);
    const evidence = collect(run, books, { paceRefusals: pace(killer.absences), breaksMs: trouble.breaksMs });
    const verdict = audit(evidence);
    await writeFile(
      join(run.logFolder, 'stories.txt'),
      stories.tell(verdict.violations, world.asked, evidence),
    );
    return {
      title: `${options.database}, ${options.processes} process(es), Telegram by ${options.telegram}`,
      seed: options.seed,
      durationMs: performance.now() - startedMs,
      asked: world.asked.length,
      kills: killer.kills,
      hits: killer.hits(books.turns),
      missed: killer.missed,
      stops: killer.stops,
      ends: killer.ends,
      faults: new Map([...trouble.counts, ...run.world.troubles]),
      crashes: fleet.crashes,
      verdict,
    };
  } finally {
    await fleet.kill();
    await stage.stop();
    await run.database?.down();
    await run.balancer?.stop();
    await storage.remove();
  }
}

async function prepare(options: RunOptions): Promise<Run> {
  const random = createRandom(options.seed);
  const stage = await startStage(options.seed);
  const storage = await createStorage(options.database);
  const url = storage.environment['DATABASE_URL'];
  const database = url === undefined ? null : await startGateway(url);
  const balancer =
    options.telegram === 'polling'
      ? null
      : await startBalancer({ slots: options.processes, hostOf, pass: (call) => stage.pass(call) });
  const outages = createOutages();
  const jumping = createRandom(options.seed + 3);
  const logFolder = await mkdtemp(join(tmpdir(), 'parley-chaos-'));
  options.say(
    `seed ${options.seed}; the logs of the processes and the stories of violations are in ${logFolder}`,
  );
  const world = createWorld(stage, random, sizeFor(options.turns));
  const fleet = createFleet({
    program: options.program,
    processes: options.processes,
    environmentOf: (slot, life) => ({
      ...storage.environment,
      ...(database !== null && { DATABASE_URL: database.url }),
      ...environmentOf(stage, {
        slot,
        life,
        host: hostOf(slot),
        processes: options.processes,
        webhook: balancer === null ? null : { publicUrl: balancer.url, port: balancer.portOf(slot) },
        clockJumps: clockJumpsOf(jumping),
      }),
    }),
    preloaded: new URL('clock.ts', import.meta.url),
    logFolder,
  });
  const killer = createKiller({ stage, world, fleet, outages }, options.database === 'postgres');
  return { options, random, stage, storage, database, balancer, fleet, world, killer, outages, logFolder };
}

/** Enough places that each is asked a few times, and no more than keep the platforms' limits out of the way. */
function sizeFor(turns: number) {
  const share = Math.min(1, turns / 1000);
  const many = (most: number): number => Math.max(Math.ceil(most / 4), Math.round(most * share));
  return {
    privateChats: many(70),
    groups: many(12),
    directMessages: many(50),
    channels: many(24),
    threads: many(12),
  };
}

/** Questions, kills, stops and faults side by side, until enough of all have been. */
async function disturb(run: Run, orderFault: () => Promise<void>): Promise<void> {
  const { options, random, killer, storage } = run;
  const deadlineMs = performance.now() + options.mostMs;
  const over = new AbortController();
  const url = storage.environment['DATABASE_URL'];
  const lock = url === undefined ? null : openLock(url, run.outages);
  const context: WindowContext = {
    ...run,
    lockTurns: lock === null ? null : () => lock.take(),
    isInterrupted: (question) => killer.isInterrupted(question),
  };
  const isLate = (): boolean => performance.now() > deadlineMs;
  const talking = converse(run, () => isLate() || over.signal.aborted);
  const faults = (async () => {
    while (!over.signal.aborted) {
      await sleep(random.between(FAULT_EVERY_MS.least, FAULT_EVERY_MS.most));
      await orderFault();
    }
  })();
  try {
    const queue: Aimed[] = [];
    while (killer.kills < options.kills && !isLate()) {
      if (queue.length === 0) queue.push(...roundOfKills(random, options.windows));
      await sleep(random.between(200, 800));
      const next = queue.pop();
      if (next !== undefined) await killer.kill(next.window, next.isFollowed, context);
      if (killer.kills * options.stops >= (killer.stops + 1) * options.kills) {
        await killer.stop(context, 2 * LEASE_MS);
        await killer.end(context);
      }
      options.say(`${killer.kills} kills, ${killer.missed} missed, ${run.world.asked.length} questions`);
    }
    await talking;
  } finally {
    over.abort();
    await faults;
    await lock?.close();
  }
}

interface Aimed {
  readonly window: Exclude<WindowName, 'during recovery'>;
  /** Whether a kill during the recovery follows. */
  readonly isFollowed: boolean;
}

/** Each window once, in any order; one kill of them is followed by one in the recovery from it, where that is wanted. */
function roundOfKills(random: Random, wanted: readonly WindowName[]): Aimed[] {
  const isFollowing = wanted.includes('during recovery');
  const direct = wanted.filter((name) => name !== 'during recovery');
  const names = direct.length > 0 ? direct : (['while streaming'] as const);
  const followed = isFollowing ? random.pick(names) : null;
  return random.shuffle(names).map((window) => ({ window, isFollowed: window === followed }));
}

/** A connection that was broken is made anew. */
const COMING_BACK_MS = 3000;
/** For the answer to a command, and a little more. */
const DISCORD_WAITS_MS = 3500;

/** A dead process's connection is noticed a little late. */
function isJustAfter(atMs: number, killedAtMs: number): boolean {
  return atMs >= killedAtMs && atMs - killedAtMs < 1500;
}

function collect(
  { options, stage, world, killer, outages }: Run,
  books: Awaited<ReturnType<typeof readBooks>>,
  { paceRefusals, breaksMs }: { paceRefusals: readonly string[]; breaksMs: readonly number[] },
): Evidence {
  const wasDisturbed = (askedAtMs: number): boolean => {
    const [fromMs, toMs] = [askedAtMs - COMING_BACK_MS, askedAtMs + DISCORD_WAITS_MS];
    return (
      killer.absences.some((absence) => absence.fromMs < toMs && absence.toMs > fromMs) ||
      breaksMs.some((atMs) => atMs > fromMs && atMs < toMs) ||
      outages.overlaps(askedAtMs, toMs)
    );
  };
  return {
    ...books,
    questions: world.asked.map(({ eventId, isOver: _isOver, ...question }) => ({
      ...question,
      wasHeard: question.wasHeard && !killer.log.some(({ atMs }) => isJustAfter(question.askedAtMs, atMs)),
      wasDisturbed: wasDisturbed(question.askedAtMs),
      isDeclaredFailed: question.kind === 'command' && stage.discord.interaction(eventId).state === 'failed',
    })),
    messages: world.places.flatMap((place) => place.messages()),
    marked: world.places.flatMap((place) => place.marked().map((id) => `${place.key}/${id}`)),
    generations: stage.model.generations,
    createsCutOff: killer.createsCutOff,
    kills: killer.log,
    paceRefusals,
    objections: [...stage.telegram.violations, ...stage.discord.violations],
    changes: world.changes,
    // The embedded database goes by the clock of its process.
    clockErrorMs: options.database === 'embedded' ? LONGEST_JUMP_MS : 0,
  };
}
