import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from './in-parallel.ts';
import type { PlatformCall, Seat } from './platform.ts';
import type { World } from './processes.ts';
import { LAST_WORDS } from './upstream.ts';

/** A question that was asked at a seat. */
export interface Asked {
  readonly seat: Seat;
  readonly question: string;
}

/** What became of a question. Times in epoch milliseconds of the simulators, which share a machine's clock. */
export interface TurnRecord {
  readonly askedAtMs: number;
  readonly requestAtMs: number;
  readonly firstTokenAtMs: number;
  readonly upstreamEndAtMs: number;
  /** The call arrived that first showed a part of the answer, or all of it. */
  readonly firstVisibleAtMs: number;
  readonly finalAtMs: number;
  readonly calls: readonly PlatformCall[];
}

/** Control requests of the benchmark under way at once. */
const WIDTH = 16;
/** A generation's record can be read this long after its end. */
const SPREAD_MS = 750;

let questions = 0;

/** Asks one question at each seat, with pauses of `everyMs` between them. Resolves when all were sent. */
export async function ask(seats: readonly Seat[], everyMs = 0): Promise<readonly Asked[]> {
  const startedAtMs = performance.now();
  return await inParallel([...seats.entries()], WIDTH, async ([index, seat]) => {
    const dueInMs = startedAtMs + index * everyMs - performance.now();
    if (dueInMs > 0) await sleep(dueInMs);
    questions += 1;
    const question = `Question ${questions}`;
    await seat.ask(question);
    return { seat, question };
  });
}

/**
 * Waits until each question is answered in full. Looks at one at a time, the last one first, every `lookMs`, because
 * looking takes time from what is measured. Throws when it takes longer than `patienceMs`.
 */
export async function untilAnswered(
  asked: readonly Asked[],
  patienceMs: number,
  lookMs = 100,
): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  for (const one of asked.toReversed()) {
    while (!(await isAnswered(one))) {
      if (performance.now() > deadlineMs) throw new Error(await countUnanswered(asked));
      await sleep(lookMs);
    }
  }
}

async function countUnanswered(asked: readonly Asked[]): Promise<string> {
  const answered = await inParallel(asked, WIDTH, isAnswered);
  return `${answered.filter((is) => !is).length} of ${asked.length} questions were not answered`;
}

async function isAnswered({ seat }: Asked): Promise<boolean> {
  const last = (await seat.said()).at(-1);
  return last?.isByBot === true && last.text.endsWith(LAST_WORDS);
}

/** Reads from the simulators' logs what became of answered questions. */
export async function readTurns(
  { platform, upstream }: World,
  asked: readonly Asked[],
): Promise<readonly TurnRecord[]> {
  await sleep(SPREAD_MS);
  const exchanges = await upstream.exchanges(asked.map(({ question }) => question));
  const calls = Map.groupBy(await platform.calls(), ({ place }) => place);
  return await inParallel(asked, WIDTH, async ({ seat, question }) => {
    const said = await seat.said();
    const askedAtMs = said.find(({ text }) => text === question)?.atMs;
    const exchange = exchanges.get(question);
    if (askedAtMs === undefined || exchange === undefined) throw new Error(`no trace of ${question}`);
    const own = (calls.get(seat.place) ?? []).filter(({ atMs }) => atMs >= askedAtMs);
    const taken = own.filter(({ isOk }) => isOk);
    // An edit before it belongs to the answer before.
    const shown = taken.slice(taken.findIndex(({ kind }) => kind === 'create'));
    const [first] = shown;
    const final = shown.find(({ text }) => text.endsWith(LAST_WORDS));
    if (first === undefined || final === undefined)
      throw new Error(`no call shows the answer to ${question}`);
    return {
      askedAtMs,
      requestAtMs: exchange.requestAtMs,
      firstTokenAtMs: exchange.firstTokenAtMs,
      upstreamEndAtMs: exchange.endAtMs,
      firstVisibleAtMs: first.atMs,
      finalAtMs: final.atMs,
      calls: own,
    };
  });
}
