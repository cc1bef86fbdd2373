import { setTimeout as sleep } from 'node:timers/promises';
import { spreadOf, sum, type Spread } from './figures.ts';
import type { PlatformCall, Seat } from './platform.ts';
import { busyMs, cpuMs, memoryOf, monotonicMs } from './machine.ts';
import type { RunningBot, World } from './processes.ts';
import type { Size } from './size.ts';
import { ask, readTurns, untilAnswered, type Asked, type TurnRecord } from './turns.ts';
import type { PlannedAnswer } from './upstream.ts';

/** A bot in its world, not disturbed by anything else. */
export interface Stage {
  readonly world: World;
  readonly bot: RunningBot;
  readonly size: Size;
}

/** How long parts of a turn took, in milliseconds. */
export interface Latencies {
  /** From the message on the platform until the request reached OpenRouter. */
  readonly toRequestMs: Spread | null;
  /** From OpenRouter's first token until some text could be seen. */
  readonly toFirstWordMs: Spread | null;
  /** From OpenRouter's last token until the whole text could be seen. */
  readonly toFinalMs: Spread | null;
}

/** Calls to the platform for one turn. */
export interface Effort {
  readonly typing: number;
  /** Messages sent and edited, refused calls included. */
  readonly shows: number;
  readonly others: number;
  /** Of them, those answered with 429. */
  readonly limited: number;
}

export interface TurnsResult {
  readonly alone: Latencies;
  readonly together: Latencies;
  readonly effort: Effort;
  readonly idleBytes: number;
}

/** What a model needs before its first token. */
const FIRST_TOKEN_MS = 50;
const TOKENS_PER_SECOND = 17;
const PATIENCE_MS = 60_000;

/** How long a turn takes: one at a time, and with others under way. */
export async function runTurns(stage: Stage): Promise<TurnsResult> {
  const { world, bot, size } = stage;
  await sleep(size.idleMs);
  const { residentBytes: idleBytes } = await memoryOf(bot.pid);
  const short = await askShort(stage);
  const long = await askLong(stage);
  const crowd = await askTogether(stage);

  const records = await readTurns(world, [...short, ...long, ...crowd]);
  const together = latenciesOf(records.slice(-crowd.length));
  const alone = records.slice(0, -crowd.length);
  return {
    // A short answer ends before there can be a second edit, which is what a last state waits for.
    alone: { ...latenciesOf(alone), toFinalMs: latenciesOf(alone.slice(-long.length)).toFinalMs },
    together,
    effort: effortOf(records.slice(-crowd.length)),
    idleBytes,
  };
}

async function askShort({ world: { platform, upstream }, size }: Stage): Promise<readonly Asked[]> {
  const seats = await platform.seats(size.shortTurns);
  await upstream.play({ tokens: 10, firstTokenMs: 0 }, seats.length);
  await untilAnswered(await ask(seats), PATIENCE_MS);
  await sleep(WARM_UP_REST_MS);
  await upstream.play({ tokens: 10, firstTokenMs: FIRST_TOKEN_MS }, seats.length);
  const asked: Asked[] = [];
  for (const seat of seats) asked.push(...(await askAlone(seat)));
  return asked;
}

async function askLong({ world: { platform, upstream }, size }: Stage): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  for (const streamedMs of size.longTurnsMs) {
    await upstream.play(streamed(streamedMs), 1);
    for (const seat of await platform.seats(1)) asked.push(...(await askAlone(seat)));
  }
  return asked;
}

/** In chats of their own, because platforms count what was sent to a chat in the last seconds. */
async function askTogether({ world: { platform, upstream }, size }: Stage): Promise<readonly Asked[]> {
  await upstream.play(streamed(size.togetherMs), size.togetherTurns);
  const asked = await ask(await platform.seats(size.togetherTurns), size.togetherEveryMs);
  await untilAnswered(asked, PATIENCE_MS);
  return asked;
}

async function askAlone(seat: Seat): Promise<readonly Asked[]> {
  const asked = await ask([seat]);
  await untilAnswered(asked, PATIENCE_MS, 20);
  return asked;
}

function streamed(forMs: number): PlannedAnswer {
  const tokens = Math.round((forMs / 1000) * TOKENS_PER_SECOND);
  return { tokens, firstTokenMs: FIRST_TOKEN_MS, tokensPerSecond: TOKENS_PER_SECOND };
}

export interface StreamsResult {
  readonly toFinalMs: Spread | null;
  readonly cpuMsPerTurn: number;
  readonly effort: Effort;
}

/** Many answers at once, each long enough to be edited many times. */
export async function runStreams({ world, bot, size }: Stage): Promise<StreamsResult> {
  const seats = await world.platform.seats(size.streams);
  await world.upstream.play(streamed(size.streamsMs), size.streams);
  const before = await cpuMs(bot.pid);
  const asked = await ask(seats, size.streamsEveryMs);
  await untilAnswered(asked, size.streamsMs + PATIENCE_MS, 250);
  const spent = (await cpuMs(bot.pid)) - before;
  const records = await readTurns(world, asked);
  return {
    toFinalMs: latenciesOf(records).toFinalMs,
    cpuMsPerTurn: spent / size.streams,
    effort: effortOf(records),
  };
}

export interface SaturationResult {
  readonly turnsPerSecond: number;
  readonly cpuMsPerTurn: number;
  /** Cores that the bot had in use on average, and those in use by everything on the machine. */
  readonly ownCores: number;
  readonly allCores: number;
  readonly effort: Effort;
  /** After the conversations were begun, some at a time. */
  readonly loadedBytes: number;
  /** The most there was. */
  readonly highestBytes: number;
  /** When the work was there and when it was done, on the machine's monotonic clock. */
  readonly fromMs: number;
  readonly untilMs: number;
}

const WARM_UP_AT_ONCE = 50;
/** Edits of the warm-up may still come. */
const WARM_UP_REST_MS = 500;

/**
 * Everybody asks at once and every answer is there at once. The bot is held still while people write, so that neither
 * this process nor the part of the simulator that plays people takes time from it. A first round opens the
 * conversations and warms everything up; the second one counts.
 */
export async function runSaturation({ world, bot, size }: Stage): Promise<SaturationResult> {
  const seats = await world.platform.seats(size.conversations);
  await world.upstream.play({ tokens: 50, firstTokenMs: 0 }, size.conversations * 2);
  for (let begun = 0; begun < seats.length; begun += WARM_UP_AT_ONCE)
    await untilAnswered(await ask(seats.slice(begun, begun + WARM_UP_AT_ONCE)), PATIENCE_MS, 20);
  await sleep(WARM_UP_REST_MS);
  const { residentBytes: loadedBytes } = await memoryOf(bot.pid);
  const callsBefore = (await world.platform.calls()).length;

  process.kill(bot.pid, 'SIGSTOP');
  const asked = await ask(seats);
  const before = await cpuMs(bot.pid);
  const busyBefore = busyMs();
  const fromAtMs = Date.now();
  const fromMs = monotonicMs();
  process.kill(bot.pid, 'SIGCONT');
  // Most of the work is done when the last one is answered, and nobody else has looked until then.
  await untilAnswered(asked.slice(-1), PATIENCE_MS, 20);
  const allCores = (busyMs() - busyBefore) / (monotonicMs() - fromMs);
  await untilAnswered(asked, PATIENCE_MS);
  const spent = (await cpuMs(bot.pid)) - before;

  const calls = (await world.platform.calls()).slice(callsBefore);
  const wallMs = Math.max(...calls.map(({ atMs }) => atMs)) - fromAtMs;
  return {
    turnsPerSecond: (seats.length / wallMs) * 1000,
    cpuMsPerTurn: spent / seats.length,
    ownCores: spent / wallMs,
    allCores,
    effort: effortOfCalls(calls, seats.length),
    loadedBytes,
    highestBytes: (await memoryOf(bot.pid)).highestBytes,
    fromMs,
    untilMs: fromMs + wallMs,
  };
}

function latenciesOf(turns: readonly TurnRecord[]): Latencies {
  return {
    toRequestMs: spreadOf(turns.map(({ askedAtMs, requestAtMs }) => requestAtMs - askedAtMs)),
    toFirstWordMs: spreadOf(
      turns.map(({ firstTokenAtMs, firstVisibleAtMs }) => firstVisibleAtMs - firstTokenAtMs),
    ),
    toFinalMs: spreadOf(turns.map(({ upstreamEndAtMs, finalAtMs }) => finalAtMs - upstreamEndAtMs)),
  };
}

function effortOf(turns: readonly TurnRecord[]): Effort {
  return effortOfCalls(
    turns.flatMap(({ calls }) => calls),
    turns.length,
  );
}

function effortOfCalls(calls: readonly PlatformCall[], turns: number): Effort {
  const share = (counts: (call: PlatformCall) => boolean): number =>
    sum(calls.map((call) => (counts(call) ? 1 : 0))) / turns;
  return {
    typing: share(({ kind }) => kind === 'typing'),
    shows: share(({ kind }) => kind === 'create' || kind === 'edit'),
    others: share(({ kind }) => kind === 'other'),
    limited: share(({ isLimited }) => isLimited),
  };
}
