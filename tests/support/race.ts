import { randomUUID } from 'node:crypto';
import type { AttemptRecord } from '../../src/completion/attempt.ts';
import type {
  AdmitRequest,
  AdmitVerdict,
  ClaimedWork,
  CostHold,
  SettleRequest,
  SettleResult,
} from '../../src/conversation/ports.ts';
import type { RunnableTurn } from '../../src/conversation/turn.ts';
import { guildId, messageId, originKey, placeId, turnId, userId } from '../../src/platform/ids.ts';
import type { Sql } from '../../src/store/connection.ts';
import { storableJson } from '../../src/store/document.ts';
import { errorCode, isAway } from '../../src/store/failure.ts';
import { observe, type Sighting } from './race-invariants.ts';

/**
 * Many workers admit, settle, fail, cancel, crash, settle again and redeliver at random, on a clock
 * that runs through hour, day and month ends in several time zones, while a watcher looks for
 * broken promises in the database. Calls go to the database's functions without retries, so that a
 * deadlock is seen and not cured.
 */
export interface RaceOptions {
  readonly sql: Sql;
  readonly operations: number;
  readonly workers: number;
  readonly seed: number;
  /** Ends early once this was seen; for races that are expected to fail. */
  readonly stopAt?: RegExp;
}

export interface RaceReport {
  /** How many of each operation, and of each outcome of an admission. */
  readonly operations: Readonly<Record<string, number>>;
  readonly simulatedHours: number;
  /** How often the watcher looked. */
  readonly looks: number;
  readonly sightings: readonly Sighting[];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LEASE_MS = 5 * HOUR_MS;
const WINDOW = { maxTokens: 400, maxMessages: 6 };
const SYSTEM_TOKENS = 40;
/** An evening before a month ends, and in Newfoundland before the clocks go back. */
const BEGIN = Date.UTC(2026, 9, 30, 20);
const ZONES = ['UTC', 'Asia/Tokyo', 'America/St_Johns', 'Asia/Tokyo', 'America/St_Johns'];
const PEOPLE = 10;

const RACE_LIMITS = {
  user: { requests_hour: 14, requests_day: 90, tokens_hour: 16_000, cost_hour: 9000, cost_day: 40_000 },
  guild: {
    requests_hour: 24,
    tokens_hour: 30_000,
    tokens_day: 250_000,
    cost_hour: 12_000,
    requests_month: 4000,
  },
  instance: { cost_hour: 20_000, cost_day: 120_000 },
};

interface Held {
  readonly turn: RunnableTurn;
  readonly costs: Map<number, bigint>;
}

/** What all workers of one race share. */
interface Course {
  readonly options: RaceOptions;
  readonly random: () => number;
  readonly counts: Map<string, number>;
  readonly sightings: Sighting[];
  /** Turns that some worker is working on. */
  readonly held: Held[];
  /** Turns whose worker is gone, but who may come back too late. */
  readonly abandoned: Held[];
  readonly settled: SettleRequest[];
  readonly admitted: AdmitRequest[];
  /** The highest epoch that a claim returned, by turn. */
  readonly epochs: Map<string, number>;
  /** Turns for which `settled` was answered. */
  readonly ended: Set<string>;
  clock: number;
}

export async function race(options: RaceOptions): Promise<RaceReport> {
  const course: Course = {
    options,
    random: createRandom(options.seed),
    counts: new Map(),
    sightings: [],
    held: [],
    abandoned: [],
    settled: [],
    admitted: [],
    epochs: new Map(),
    ended: new Set(),
    clock: BEGIN,
  };
  await prepareGuilds(options.sql);
  let left = options.operations;
  const isOver = () => left <= 0 || course.sightings.some(({ invariant }) => options.stopAt?.test(invariant));
  const work = async () => {
    while (!isOver()) {
      left -= 1;
      await step(course);
    }
  };
  const watching = watch(course, isOver);
  await Promise.all(Array.from({ length: options.workers }, work));
  left = 0;
  const looks = await watching;
  return {
    operations: Object.fromEntries([...course.counts].toSorted(([a], [b]) => a.localeCompare(b))),
    simulatedHours: Math.round((course.clock - BEGIN) / HOUR_MS),
    looks,
    sightings: course.sightings,
  };
}

/** Looks again and again while the race runs, and once more when everything is quiet. */
async function watch(course: Course, isOver: () => boolean): Promise<number> {
  let looks = 0;
  while (!isOver()) {
    await look(course);
    looks += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await look(course);
  return looks + 1;
}

async function look(course: Course): Promise<void> {
  course.sightings.push(...(await observe(course.options.sql, RACE_LIMITS)));
}

const OPERATIONS: readonly (readonly [
  weight: number,
  name: string,
  run: (course: Course) => Promise<void>,
])[] = [
  [34, 'admit', admit],
  [22, 'settle', settleOne],
  [2, 'fail', failOne],
  [2, 'cancel', cancelOne],
  [3, 'crash', abandonOne],
  [7, 'settle again', settleAgain],
  [7, 'redeliver', redeliver],
  [12, 'hold cost', holdCost],
  [6, 'claim', claimWork],
  [4, 'come back late', comeBackLate],
  [2, 'renew', renew],
];
const TOTAL_WEIGHT = OPERATIONS.reduce((sum, [weight]) => sum + weight, 0);

async function step(course: Course): Promise<void> {
  course.clock += nextTick(course);
  let ticket = course.random() * TOTAL_WEIGHT;
  const chosen = OPERATIONS.find(([weight]) => (ticket -= weight) < 0) ?? OPERATIONS[0]!;
  try {
    await chosen[2](course);
    count(course, chosen[1]);
  } catch (cause) {
    const code = errorCode(cause);
    // A server that is full or busy with other tests says nothing about the functions.
    if (isAway(cause)) return count(course, 'not reached');
    const invariant = code === '40P01' ? 'I7 no deadlock' : 'I5 booked once';
    course.sightings.push({ invariant, detail: `${chosen[1]}: ${code} ${String(cause)}` });
  }
}

/** Mostly minutes; now and then to the very end of an hour, where windows turn. */
function nextTick(course: Course): number {
  const dice = course.random();
  if (dice < 0.02) return HOUR_MS - (course.clock % HOUR_MS) - Math.floor(course.random() * 50);
  if (dice < 0.6) return Math.floor(course.random() * 100);
  return Math.floor(course.random() * 6 * MINUTE_MS);
}

async function admit(course: Course): Promise<void> {
  const who = pick(course, PEOPLE);
  const guild = course.random() < 0.8 ? pick(course, ZONES.length) : null;
  const chat = guild === null ? 5000 + who : 100 * (guild + 1) + pick(course, 2);
  const event = randomUUID();
  const text = 'x'.repeat(1 + pick(course, 900));
  const request: AdmitRequest = {
    turnId: turnId(randomUUID()),
    cause: 'message',
    envelope: {
      platform: 'telegram',
      originKey: originKey('telegram', 'race', chat, event),
      author: {
        id: userId('telegram', who),
        name: `p${who}`,
        locale: null,
        isBot: false,
        isGuildAdmin: false,
      },
      guild: guild === null ? null : { id: guildId('telegram', -1 - guild), name: `g${guild}` },
      place: placeId('telegram', 'race', chat),
      messageId: messageId('telegram', chat, event),
      sentAtMs: 0,
      replyTarget: { chat },
    },
    isPrivate: guild === null,
    repliesTo: null,
    text,
    estTokens: Math.ceil(text.length / 4),
    access: 'granted',
    refusal: course.random() < 0.03 ? { reason: 'rate_limited', retryAfterMs: 1000 } : null,
    window: WINDOW,
    hold: { systemTokens: SYSTEM_TOKENS, maxCompletionTokens: 100 + pick(course, 900) },
    defaults: RACE_LIMITS,
    instance: 'race',
    leaseMs: LEASE_MS,
  };
  course.admitted.push(request);
  await deliver(course, request);
  // Redelivered while the first delivery is still being decided.
  if (course.random() < 0.1)
    await Promise.all([1, 2].map(() => deliver(course, { ...request, turnId: turnId(randomUUID()) })));
}

async function deliver(course: Course, request: AdmitRequest): Promise<void> {
  const verdict = (await call(course, 'admit_v1', request)) as AdmitVerdict;
  count(course, `admit: ${verdict.kind}`);
  if (verdict.kind === 'run') take(course, verdict.turn);
  if (verdict.kind === 'refused') await delivered(course, verdict.turnId, verdict.epoch);
}

async function redeliver(course: Course): Promise<void> {
  const request = course.admitted[pick(course, course.admitted.length)];
  if (request === undefined) return;
  await deliver(course, { ...request, turnId: turnId(randomUUID()) });
}

async function settleOne(course: Course): Promise<void> {
  const held = give(course);
  if (held !== null) await settle(course, settlement(course, held, 'generated'));
}

async function failOne(course: Course): Promise<void> {
  const held = give(course);
  if (held === null) return;
  await settle(course, { ...settlement(course, held, 'failed'), answer: null, attempts: [] });
}

async function cancelOne(course: Course): Promise<void> {
  const held = give(course);
  if (held === null) return;
  await call(course, 'request_cancel_v1', {
    turnId: held.turn.id,
    by: { user: held.turn.author.id, isGuildAdmin: false },
  });
  await settle(course, { ...settlement(course, held, 'cancelled'), answer: null });
}

async function abandonOne(course: Course): Promise<void> {
  const held = give(course);
  if (held !== null) course.abandoned.push(held);
}

/** Best of all while another worker is already at it. */
async function comeBackLate(course: Course): Promise<void> {
  const isOvertaken = ({ turn }: Held) =>
    (course.epochs.get(turn.id) ?? 0) > turn.epoch && !course.ended.has(turn.id);
  const overtaken = course.abandoned.findIndex(isOvertaken);
  if (overtaken === -1 && course.random() < 0.8) return;
  const index = overtaken === -1 ? pick(course, course.abandoned.length) : overtaken;
  const [held] = course.abandoned.splice(index, 1);
  if (held !== undefined) await settle(course, settlement(course, held, 'generated'));
}

async function settleAgain(course: Course): Promise<void> {
  const request = course.settled[pick(course, course.settled.length)];
  if (request !== undefined) await settle(course, request);
}

async function settle(course: Course, request: SettleRequest): Promise<void> {
  const epochBefore = course.epochs.get(request.turnId) ?? 0;
  const result = (await call(course, 'settle_v1', request)) as SettleResult;
  count(course, `settle: ${result.kind}`);
  if (result.kind !== 'settled') return;
  course.settled.push(request);
  if (course.ended.has(request.turnId))
    course.sightings.push({
      invariant: 'I5 booked once',
      detail: `turn ${request.turnId} was settled twice`,
    });
  if (request.epoch < epochBefore)
    course.sightings.push({
      invariant: 'I9 fenced',
      detail: `epoch ${request.epoch} settled after ${epochBefore}`,
    });
  course.ended.add(request.turnId);
  if (result.next !== null) take(course, result.next);
  if (course.random() < 0.95)
    await call(course, 'mark_delivered_v1', {
      turnId: request.turnId,
      epoch: request.epoch,
      unreachable: null,
    });
}

async function delivered(course: Course, turn: string, epoch: number): Promise<void> {
  await call(course, 'mark_delivered_v1', { turnId: turn, epoch, unreachable: null });
}

async function holdCost(course: Course): Promise<void> {
  const held = give(course);
  if (held === null) return;
  const attempt = held.costs.size;
  const nanoUsd = BigInt(1 + pick(course, 3000));
  const hold = (await call(course, 'hold_cost_v1', { turnId: held.turn.id, attempt, nanoUsd })) as CostHold;
  count(course, `hold cost: ${hold.kind}`);
  if (hold.kind === 'held') held.costs.set(attempt, nanoUsd);
  course.held.push(held);
}

async function claimWork(course: Course): Promise<void> {
  const work = (await call(course, 'claim_work_v1', {
    instance: `race ${pick(course, 4)}`,
    leaseMs: LEASE_MS,
    limit: 5,
    platforms: ['telegram'],
    maxAgeMs: 24 * HOUR_MS,
    interruptedNotice: { key: 'turn.interrupted', params: {} },
    window: WINDOW,
  })) as ClaimedWork;
  for (const turn of work.run) take(course, turn);
  for (const turn of work.deliver) {
    note(course, turn.id, turn.epoch);
    await delivered(course, turn.id, turn.epoch);
  }
}

async function renew(course: Course): Promise<void> {
  const turns = course.held.slice(0, 10).map((held) => held.turn.id);
  await call(course, 'renew_leases_v1', { instance: 'race', turns, leaseMs: LEASE_MS });
}

/** Never more than was held: the whole prompt at most, the whole answer at most. */
function settlement(course: Course, { turn, costs }: Held, state: SettleRequest['state']): SettleRequest {
  const bytes = turn.window.map((message) => Math.ceil(Buffer.byteLength(message.text) / 3));
  const most = bytes.reduce((sum, tokens) => sum + tokens, SYSTEM_TOKENS);
  const share = course.random() < 0.3 ? 1 : course.random();
  const completionTokens = Math.floor(turn.maxCompletionTokens * share);
  const answer = 'y'.repeat(Math.min(completionTokens, 300));
  const paid = [...costs].map(([index, nanoUsd]) =>
    record(
      index,
      index === costs.size - 1 ? Math.floor(most * share) : 0,
      0,
      (nanoUsd * BigInt(Math.floor(share * 100))) / 100n,
    ),
  );
  const free = record(costs.size, costs.size === 0 ? Math.floor(most * share) : 0, completionTokens, 0n);
  return {
    turnId: turn.id,
    epoch: turn.epoch,
    state,
    answer: {
      messageId: randomUUID(),
      text: answer,
      estTokens: Math.ceil(answer.length / 4),
      model: 'm',
      partial: false,
    },
    notice: null,
    attempts: [...paid, free],
    window: WINDOW,
    instance: 'race',
    leaseMs: LEASE_MS,
  };
}

function record(
  index: number,
  promptTokens: number,
  completionTokens: number,
  costNanoUsd: bigint,
): AttemptRecord {
  return {
    index,
    provider: 'openrouter',
    modelAsked: `model-${index % 3}`,
    modelUsed: null,
    generationId: null,
    outcome: 'answered',
    failure: null,
    httpStatus: 200,
    isFree: costNanoUsd === 0n,
    startedAtMs: BEGIN,
    firstTokenMs: 100,
    durationMs: 500,
    usage: {
      promptTokens,
      completionTokens,
      cachedTokens: 0,
      reasoningTokens: 0,
      costNanoUsd,
      source: 'reported',
    },
  };
}

async function call(course: Course, name: string, document: object): Promise<unknown> {
  const { sql } = course.options;
  const text = storableJson({ ...document, nowMs: Math.floor(course.clock) });
  const rows = await sql<{ outcome: unknown }[]>`select ${sql(name)}(${text}::text::jsonb) as outcome`;
  return rows[0]?.outcome;
}

/** Guilds have their zones from the start; their subjects are made by the first admission. */
async function prepareGuilds(sql: Sql): Promise<void> {
  for (const [index, zone] of ZONES.entries())
    await sql`insert into guilds (platform_guild_id, name, time_zone)
      values (${guildId('telegram', -1 - index)}, ${`g${index}`}, ${zone}) on conflict do nothing`;
  // Most guilds talk in shared channels, where turns queue.
  await sql`insert into settings (scope, subject_id, key, value)
    select 'guild', id, 'conversation_style', '"channel"' from guilds where platform_guild_id <> ${guildId('telegram', -1)}
    on conflict do nothing`;
}

function take(course: Course, turn: RunnableTurn): void {
  note(course, turn.id, turn.epoch);
  course.held.push({ turn, costs: new Map() });
}

function note(course: Course, id: string, epoch: number): void {
  course.epochs.set(id, Math.max(epoch, course.epochs.get(id) ?? 0));
}

function give(course: Course): Held | null {
  return course.held.splice(pick(course, course.held.length), 1)[0] ?? null;
}

const pick = (course: Course, below: number): number => Math.floor(course.random() * below);

function count(course: Course, name: string): void {
  course.counts.set(name, (course.counts.get(name) ?? 0) + 1);
}

/** mulberry32: small, and good enough to shuffle operations. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
