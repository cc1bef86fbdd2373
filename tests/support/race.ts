import { randomUUID } from 'node:crypto';
import type {
  AdmitRequest,
  AdmitVerdict,
  ClaimedWork,
  CostHold,
  LeaseNews,
  SettleRequest,
  SettleResult,
} from '../../src/conversation/ports.ts';
import type { RunnableTurn } from '../../src/conversation/turn.ts';
import { guildId, turnId } from '../../src/platform/ids.ts';
import type { Sql } from '../../src/store/connection.ts';
import { errorCode, isAway } from '../../src/store/failure.ts';
import {
  call,
  count,
  delivered,
  give,
  note,
  pick,
  someInstance,
  take,
  type Course,
  type Operation,
  type RaceOptions,
} from './race-course.ts';
import { changeKey, prepareKeys } from './race-keys.ts';
import { LIMIT_CHANGES, prepareLimits } from './race-limits.ts';
import { observe, observeEnd, type Sighting } from './race-invariants.ts';
import {
  admission,
  BEGIN,
  createRandom,
  HOUR_MS,
  LEASE_MS,
  MINUTE_MS,
  RACE_LIMITS,
  settlement,
  WINDOW,
  ZONES,
  type Held,
} from './race-requests.ts';
import { SUCCESSIONS } from './race-successions.ts';

export interface RaceReport {
  /** How many of each operation, and of each outcome of an admission. */
  readonly operations: Readonly<Record<string, number>>;
  readonly simulatedHours: number;
  /** How often the watcher looked. */
  readonly looks: number;
  readonly sightings: readonly Sighting[];
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
    answerable: [],
    repeated: [],
    epochs: new Map(),
    partEpochs: new Map(),
    ended: new Set(),
    clock: BEGIN,
  };
  await prepareGuilds(options.sql);
  await prepareKeys(options.sql);
  await prepareLimits(course);
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
  if (options.stopAt === undefined) await finish(course);
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

const OPERATIONS: readonly Operation[] = [
  [34, 'admit', admit],
  [22, 'settle', settleOne],
  [2, 'fail', failOne],
  [2, 'cancel', cancelOne],
  [3, 'crash', abandonOne],
  [7, 'settle again', settleAgain],
  [7, 'redeliver', redeliver],
  [12, 'hold cost', holdCost],
  [6, 'send a part', sendSomePart],
  [6, 'claim', claimWork],
  [4, 'come back late', comeBackLate],
  [2, 'renew', renew],
  [1, 'change a key', changeKey],
  ...SUCCESSIONS,
  ...LIMIT_CHANGES,
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
  const request = admission(course.random, someInstance(course));
  course.admitted.push(request);
  await deliver(course, request);
  // Some say it in several messages.
  while (course.random() < 0.25) {
    const next = admission(course.random, request.instance);
    const { author, guild, place, channel } = request.envelope;
    const envelope = { ...next.envelope, author, guild, place, channel };
    const unshown = course.random() < 0.7 ? course.held.map(({ turn }) => turn.id) : [];
    const said = { ...next, envelope, unshown, isPrivate: request.isPrivate };
    course.admitted.push(said);
    await deliver(course, said);
  }
  // Redelivered while the first delivery is still being decided.
  if (course.random() < 0.1)
    await Promise.all([1, 2].map(() => deliver(course, { ...request, turnId: turnId(randomUUID()) })));
}

async function deliver(course: Course, request: AdmitRequest): Promise<void> {
  const verdict = (await call(course, 'admit_v3', request)) as AdmitVerdict;
  count(course, `admit: ${verdict.kind}`);
  if (verdict.kind === 'run') take(course, verdict.turn, request.instance);
  if (verdict.kind === 'run' || verdict.kind === 'queued' || verdict.kind === 'merged')
    course.answerable.push(request);
  if (verdict.kind === 'refused') await delivered(course, verdict.turnId, verdict.epoch);
}

async function redeliver(course: Course): Promise<void> {
  const request = course.admitted[pick(course, course.admitted.length)];
  if (request === undefined) return;
  await deliver(course, { ...request, turnId: turnId(randomUUID()) });
}

async function settleOne(course: Course): Promise<void> {
  const held = give(course);
  if (held !== null) await settle(course, settlement(course.random, held, 'generated'));
}

async function failOne(course: Course): Promise<void> {
  const held = give(course);
  if (held === null) return;
  await settle(course, { ...settlement(course.random, held, 'failed'), answer: null, attempts: [] });
}

async function cancelOne(course: Course): Promise<void> {
  const held = give(course);
  if (held === null) return;
  await call(course, 'request_cancel_v2', {
    turnId: held.turn.id,
    by: { user: held.turn.author.id, adminOf: null, isOperator: false },
  });
  // Some processes die before they act on the wish.
  if (course.random() < 0.2) course.abandoned.push(held);
  else await settle(course, { ...settlement(course.random, held, 'cancelled'), answer: null });
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
  if (held === undefined) return;
  if (isOvertaken(held)) await actOvertaken(course, held);
  await settle(course, settlement(course.random, held, 'generated'));
}

/** Whatever a claim tries after another one was given out, it is refused. */
async function actOvertaken(course: Course, { turn, instance, costs }: Held): Promise<void> {
  const claim = { turnId: turn.id, epoch: turn.epoch };
  const fail = (what: string) =>
    course.sightings.push({
      invariant: 'I9 fenced',
      detail: `${what} of turn ${turn.id} in epoch ${turn.epoch}`,
    });
  await sendPart(course, turn);
  if (await call(course, 'intend_part_v2', { ...claim, index: 1 })) fail('an intent');
  const hold = (await call(course, 'hold_cost_v1', {
    ...claim,
    attempt: costs.size,
    nanoUsd: 1n,
  })) as CostHold;
  if (hold.kind === 'held') fail('a hold');
  const claims = [{ id: turn.id, epoch: turn.epoch }];
  const news = (await call(course, 'renew_leases_v2', { instance, claims, leaseMs: LEASE_MS })) as LeaseNews;
  if (!news.lost.includes(turn.id)) fail('a renewal');
  count(course, 'overtaken');
}

async function sendSomePart(course: Course): Promise<void> {
  const held = course.held[pick(course, course.held.length)];
  if (held !== undefined) await sendPart(course, held.turn);
}

/** The id tells the epoch of its sender: in one place it never goes back. */
async function sendPart(
  course: Course,
  { id, epoch, replyOf }: Pick<RunnableTurn, 'id' | 'epoch' | 'replyOf'>,
): Promise<void> {
  const platformMessageId = `${id}.${epoch}.${randomUUID()}`;
  await call(course, 'part_sent_v3', { turnId: id, epoch, index: 0, platformMessageId });
  const seenBefore = course.partEpochs.get(id) ?? 0;
  const { sql } = course.options;
  const [row] = await sql<{ part: string | null }[]>`
    select platform_message_id as part from reply_parts where turn_id = ${replyOf ?? id} and index = 0`;
  // The reply may be another turn’s by now, or a claim that is over noted nothing.
  if (row?.part?.startsWith(id) !== true) return;
  const stored = Number(row.part.split('.')[1]);
  if (stored < seenBefore)
    course.sightings.push({
      invariant: 'I11 no part replaced by an old claim',
      detail: `turn ${id}: ${stored} after ${seenBefore}`,
    });
  course.partEpochs.set(id, Math.max(stored, course.partEpochs.get(id) ?? 0));
}

async function settleAgain(course: Course): Promise<void> {
  const request = course.settled[pick(course, course.settled.length)];
  if (request !== undefined) await settle(course, request);
}

async function settle(course: Course, request: SettleRequest): Promise<void> {
  const epochBefore = course.epochs.get(request.turnId) ?? 0;
  const result = (await call(course, 'settle_v2', request)) as SettleResult;
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
  if (result.next !== null) take(course, result.next, request.instance);
  const claim = { turnId: request.turnId, epoch: request.epoch };
  const dice = course.random();
  if (dice < 0.92) await delivered(course, request.turnId, request.epoch, result.fate !== null);
  else if (dice < 0.96) await call(course, 'postpone_v2', { ...claim, retryAfterMs: HOUR_MS });
}

async function holdCost(course: Course): Promise<void> {
  const held = give(course);
  if (held === null) return;
  // One attempt in three turns out to need more.
  const isRaised = held.costs.size > 0 && course.random() < 0.33;
  const attempt = isRaised ? held.costs.size - 1 : held.costs.size;
  const nanoUsd = (held.costs.get(attempt) ?? 0n) + BigInt(1 + pick(course, isRaised ? 9000 : 3000));
  const { id, epoch } = held.turn;
  const hold = (await call(course, 'hold_cost_v1', { turnId: id, epoch, attempt, nanoUsd })) as CostHold;
  count(course, `hold cost: ${hold.kind}`);
  if (hold.kind === 'held') held.costs.set(attempt, nanoUsd);
  course.held.push(held);
}

async function claimWork(course: Course): Promise<void> {
  const instance = someInstance(course);
  const held = course.held.filter((each) => each.instance === instance).map(({ turn }) => turn.id);
  const work = (await call(course, 'claim_work_v2', {
    instance,
    held,
    leaseMs: LEASE_MS,
    limit: 5,
    platforms: ['telegram'],
    maxAgeMs: 24 * HOUR_MS,
    deliveryMaxAgeMs: 24 * HOUR_MS,
    interruptedNotice: { key: 'turn.interrupted', params: {} },
    window: WINDOW,
  })) as ClaimedWork;
  for (const { id } of [...work.run, ...work.deliver])
    if (held.includes(id))
      course.sightings.push({ invariant: 'I12 nothing claimed from oneself', detail: `turn ${id}` });
  for (const turn of work.run) {
    take(course, turn, instance);
    await sendPart(course, turn);
  }
  for (const turn of work.deliver) {
    note(course, turn.id, turn.epoch);
    await delivered(course, turn.id, turn.epoch, turn.isRetracted);
  }
}

/** Everybody is gone, and one process takes up all that is left. */
async function finish(course: Course): Promise<void> {
  course.held.length = 0;
  for (let left = 1000; left > 0; left -= 1) {
    course.clock += 2 * LEASE_MS;
    const known = course.held.length;
    await claimWork(course);
    if (course.held.length === known && !(await isUnfinished(course))) break;
    for (const held of course.held.splice(0))
      await settle(course, settlement(course.random, held, 'generated'));
  }
  course.sightings.push(...(await observe(course.options.sql, RACE_LIMITS)));
  course.sightings.push(...(await observeEnd(course.options.sql)));
}

async function isUnfinished({ options: { sql } }: Course): Promise<boolean> {
  const left = await sql`select 1 from turns where delivered_at is null limit 1`;
  return left.length > 0;
}

async function renew(course: Course): Promise<void> {
  const instance = someInstance(course);
  const mine = course.held.filter((each) => each.instance === instance).slice(0, 10);
  const claims = mine.map(({ turn: { id, epoch } }) => ({ id, epoch }));
  await call(course, 'renew_leases_v2', { instance, claims, leaseMs: LEASE_MS });
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
