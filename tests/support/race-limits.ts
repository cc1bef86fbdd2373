import { randomUUID } from 'node:crypto';
import type { QuotaChange, QuotaTarget } from '../../src/limits/ports.ts';
import { guildId, originKey, placeId, turnId, userId } from '../../src/platform/ids.ts';
import { call, count, pick, someInstance, type Course, type Operation } from './race-course.ts';
import { MINUTE_MS, PEOPLE, RACE_LIMITS, ZONES } from './race-requests.ts';

/**
 * Limits within guilds, which change while turns run. Some are only ever changed below a ceiling, by
 * which the watcher judges; the others come and go, and what counts for them is made anew each time.
 */
type Key = QuotaChange['key'];
interface Bounded {
  readonly key: Key;
  readonly ceiling: number;
}

const bounded = (limits: Readonly<Partial<Record<Key, number>>>): readonly Bounded[] =>
  Object.entries(limits).map(([key, ceiling]) => ({ key: key as Key, ceiling }));

/** The first chat of each guild, whose limits stay. */
const firstChannel = (guild: number): QuotaTarget => ({
  kind: 'channel',
  guild: guildId('telegram', -1 - guild),
  channel: placeId('telegram', 'race', 100 * (guild + 1)),
});
/** The second chat of each, whose limits come and go. */
const secondChannel = (guild: number): QuotaTarget => ({
  ...firstChannel(guild),
  kind: 'channel',
  guild: guildId('telegram', -1 - guild),
  channel: placeId('telegram', 'race', 100 * (guild + 1) + 1),
});
const members = (guild: number): QuotaTarget => ({ kind: 'members', guild: guildId('telegram', -1 - guild) });
const role = (guild: number, name: number): QuotaTarget => ({
  kind: 'role',
  guild: guildId('telegram', -1 - guild),
  role: `race:${name}`,
});
const member = (guild: number, who: number): QuotaTarget => ({
  kind: 'member',
  guild: guildId('telegram', -1 - guild),
  user: userId('telegram', who),
});

/** Guilds whose rules for members stay; the watcher knows them by these numbers. */
const STEADY_GUILDS = [0, 1];

export const LIMIT_CHANGES: readonly Operation[] = [
  [3, 'change a limit that stays', (course) => change(course, ...someSteady(course))],
  [4, 'change a limit that comes and goes', changePassing],
  [1, 'cancel what waits', cancelQueued],
];

/** Before anybody is admitted: what stays has to hold from the first turn on. */
export async function prepareLimits(course: Course): Promise<void> {
  for (const guild of ZONES.keys())
    for (const { key, ceiling } of bounded(RACE_LIMITS.channel))
      await write(course, firstChannel(guild), key, ceiling, null);
  for (const guild of STEADY_GUILDS)
    for (const { key, ceiling } of bounded(RACE_LIMITS.member))
      await write(course, members(guild), key, ceiling, null);
}

function someSteady(course: Course): readonly [QuotaTarget, readonly Bounded[]] {
  const guild = STEADY_GUILDS[pick(course, STEADY_GUILDS.length)]!;
  const ofMembers = [members(guild), role(guild, pick(course, 2)), member(guild, pick(course, PEOPLE))];
  return course.random() < 0.4
    ? [firstChannel(pick(course, ZONES.length)), bounded(RACE_LIMITS.channel)]
    : [ofMembers[pick(course, 3)]!, bounded(RACE_LIMITS.member)];
}

/** Half of the ceiling at least; now and then for some hours only. */
async function change(course: Course, target: QuotaTarget, limits: readonly Bounded[]): Promise<void> {
  const { key, ceiling } = limits[pick(course, limits.length)]!;
  const limit = Math.ceil(ceiling * (0.5 + course.random() / 2));
  const untilMs = course.random() < 0.3 ? Math.floor(course.clock) + pick(course, 300) * MINUTE_MS : null;
  await write(course, target, key, limit, untilMs);
}

async function changePassing(course: Course): Promise<void> {
  const guild = pick(course, ZONES.length);
  const passing = STEADY_GUILDS.includes(guild) ? [] : [members(guild), role(guild, pick(course, 2))];
  const targets = [
    ...passing,
    secondChannel(guild),
    // What people and admins decide for themselves never lets anybody pass what the operator allows.
    { kind: 'guild', guild: guildId('telegram', -1 - guild) } as const,
    { kind: 'user', user: userId('telegram', pick(course, PEOPLE)) } as const,
  ];
  const target = targets[pick(course, targets.length)]!;
  if (course.random() < 0.5) return await write(course, target, null, null, null);
  await change(course, target, bounded(RACE_LIMITS.channel));
}

async function write(
  course: Course,
  target: QuotaTarget,
  key: Key | null,
  limit: number | null,
  untilMs: number | null,
): Promise<void> {
  const outcome = (await call(course, 'change_quota_v1', {
    originKey: originKey('telegram', 'race', 'limit', randomUUID()),
    author: { id: userId('telegram', 2), name: 'p2', locale: null },
    guild: null,
    target,
    by: target.kind === 'user' ? 'self' : 'admins',
    key,
    limit,
    untilMs,
    isClearing: key === null,
    defaults: RACE_LIMITS,
  })) as { readonly kind: string };
  count(course, `limit: ${outcome.kind}`);
}

/** Ends without being booked. */
async function cancelQueued(course: Course): Promise<void> {
  const { sql } = course.options;
  const [turn] = await sql<{ id: string; user: string }[]>`
    select t.id, u.platform_user_id as user from turns t join users u on u.id = t.user_id
    where t.state = 'queued' order by t.seq desc limit 1`;
  if (turn === undefined) return;
  await call(course, 'request_cancel_v2', {
    turnId: turnId(turn.id),
    by: { user: turn.user, adminOf: null, isOperator: false },
    instance: someInstance(course),
  });
}
