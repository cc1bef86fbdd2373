import type { DatabaseKind } from '../tests/support/database.ts';
import { createStorage, type Program, type Storage } from '../tests/support/process.ts';
import { killChildren } from './child.ts';
import { spreadOf } from './figures.ts';
import type { PlatformName } from './platform.ts';
import {
  startBare,
  startParley,
  startWorld,
  type BarePace,
  type BotOptions,
  type RunningBot,
} from './processes.ts';
import type { Size } from './size.ts';
import {
  runSaturation,
  runStreams,
  runTurns,
  type Effort,
  type SaturationResult,
  type Stage,
  type StreamsResult,
  type TurnsResult,
} from './stages.ts';

/** What was measured of one program on one platform. */
export interface ProgramResult {
  /** From the start of the process until it was ready; the median of the three stages' starts. */
  readonly startMs: number;
  readonly turns: TurnsResult;
  readonly streams: StreamsResult;
  readonly saturation: SaturationResult;
}

/** Where and with what programs are measured. */
export interface Bench {
  readonly program: Program;
  readonly platform: PlatformName;
  readonly size: Size;
  /** Where V8 puts a profile of Parley's saturation; null for none. */
  readonly profileFolder: string | null;
  /** Tells what is going on. */
  readonly say: (line: string) => void;
}

type StageName = 'turns' | 'streams' | 'saturation';
type StartBot = (options: BotOptions, stage: StageName) => Promise<RunningBot>;

export async function measureParley(bench: Bench, database: DatabaseKind): Promise<ProgramResult> {
  const profiling =
    bench.profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${bench.profileFolder}`];
  const storages: Storage[] = [];
  try {
    return await measure(bench, `Parley, ${database}`, async (options, stage) => {
      const storage = await createStorage(database);
      storages.push(storage);
      return await startParley(options, storage, stage === 'saturation' ? profiling : []);
    });
  } finally {
    for (const storage of storages) await storage.remove();
  }
}

/** Measures the bare script with as many calls to the platform as Parley needed. */
export async function measureBare(bench: Bench, parley: ProgramResult): Promise<ProgramResult> {
  const { size } = bench;
  const paces: Readonly<Record<StageName, BarePace>> = {
    turns: paceOf(parley.turns.effort, size.togetherMs),
    streams: paceOf(parley.streams.effort, size.streamsMs),
    saturation: paceOf(parley.saturation.effort, 0),
  };
  return await measure(bench, 'bare', (options, stage) => startBare(options, paces[stage]));
}

/** One call to create and one for the last state; the others are spread evenly, and the last interval is half used. */
function paceOf({ typing, shows }: Effort, streamedMs: number): BarePace {
  return { types: typing >= 0.5, editMs: streamedMs / Math.max(1, shows - 1.5) };
}

/** Each stage has a fresh bot and a fresh outside, so that none suffers from the one before. */
async function measure(bench: Bench, name: string, start: StartBot): Promise<ProgramResult> {
  const startsMs: number[] = [];
  const inStage = async <Result>(
    stage: StageName,
    run: (stage: Stage) => Promise<Result>,
  ): Promise<Result> => {
    bench.say(`${bench.platform}: ${name}: ${stage}`);
    const isUnpaced = stage === 'saturation';
    const world = await startWorld(bench.platform, !isUnpaced);
    const bot = await start({ program: bench.program, world, isUnpaced }, stage);
    startsMs.push(bot.startMs);
    const died = bot.ended.then(() => Promise.reject(new Error('the bot has ended by itself')));
    const running = Promise.race([run({ world, bot, size: bench.size }), died]);
    const result = await running.catch((cause: unknown) => {
      throw new Error(`${name}: ${stage} failed; the bot's last complaints: ${bot.complaints()}`, { cause });
    });
    await bot.stop();
    await world.stop();
    return result;
  };
  try {
    const turns = await inStage('turns', runTurns);
    const streams = await inStage('streams', runStreams);
    const saturation = await inStage('saturation', runSaturation);
    return { startMs: spreadOf(startsMs)?.median ?? Number.NaN, turns, streams, saturation };
  } finally {
    await killChildren();
  }
}
