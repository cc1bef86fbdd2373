import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { moment, tally } from './columns.ts';
import { turns } from './conversations.ts';
import { guilds } from './people.ts';

/** Append-only; partitioned by month of `at` (see the migrations). A forgotten person's rows stay, without the person. */
export const usage = pgTable(
  'usage',
  {
    /** Decides the quota windows the row counts in. */
    at: moment('at').notNull(),
    id: uuid('id').notNull().defaultRandom(),
    kind: text('kind').notNull().default('completion'),
    turnId: uuid('turn_id').notNull(),
    epoch: integer('epoch').notNull(),
    attempt: integer('attempt').notNull(),
    guildId: uuid('guild_id'),
    userId: uuid('user_id'),
    payer: text('payer').notNull(),
    provider: text('provider').notNull(),
    modelAsked: text('model_asked').notNull(),
    modelUsed: text('model_used'),
    /** 1 on the one row of a turn that carries its request, else 0. */
    requests: integer('requests').notNull(),
    promptTokens: integer('prompt_tokens').notNull(),
    completionTokens: integer('completion_tokens').notNull(),
    cachedTokens: integer('cached_tokens').notNull(),
    reasoningTokens: integer('reasoning_tokens').notNull(),
    images: integer('images').notNull().default(0),
    costNanoUsd: bigint('cost_nano_usd', { mode: 'bigint' }).notNull(),
    isFree: boolean('is_free').notNull(),
    source: text('source').notNull(),
    recordedAt: moment('recorded_at').notNull().defaultNow(),
    /** Part of `promptTokens` that was written to a provider's cache. */
    cacheWriteTokens: integer('cache_write_tokens').notNull().default(0),
    /** The place whose quota it counts in, qualified; null in private and in older rows. */
    channel: text('channel'),
  },
  (table) => [
    primaryKey({ columns: [table.at, table.id] }),
    uniqueIndex('usage_one_per_attempt')
      .on(table.turnId, table.epoch, table.attempt, table.at)
      .where(sql`${table.kind} = 'completion'`),
    index('usage_guild_at').on(table.guildId, table.at),
    index('usage_user_at').on(table.userId, table.at),
    check('usage_kind', sql`${table.kind} in ('completion', 'adjustment')`),
    check('usage_cost', sql`${table.kind} = 'adjustment' or ${table.costNanoUsd} >= 0`),
  ],
);

/** Sums of usage and of how turns ended, by UTC hour of the booking. Written with the usage itself. */
export const usageHourly = pgTable(
  'usage_hourly',
  {
    hour: moment('hour').notNull(),
    guildId: uuid('guild_id'),
    userId: uuid('user_id'),
    /** The model that answered, else the one asked; empty for a turn that reached none. */
    model: text('model').notNull(),
    provider: text('provider').notNull(),
    payer: text('payer').notNull(),
    requests: tally('requests'),
    answered: tally('answered'),
    failed: tally('failed'),
    attempts: tally('attempts'),
    attemptFailures: tally('attempt_failures'),
    promptTokens: tally('prompt_tokens'),
    completionTokens: tally('completion_tokens'),
    cachedTokens: tally('cached_tokens'),
    reasoningTokens: tally('reasoning_tokens'),
    images: tally('images'),
    costNanoUsd: tally('cost_nano_usd'),
    firstTokenMsSum: tally('first_token_ms_sum'),
    firstTokenCount: tally('first_token_count'),
    cacheWriteTokens: tally('cache_write_tokens'),
  },
  (table) => [
    unique('usage_hourly_key')
      .on(table.hour, table.guildId, table.userId, table.model, table.provider, table.payer)
      .nullsNotDistinct(),
    index('usage_hourly_guild').on(table.guildId, table.hour),
    index('usage_hourly_user').on(table.userId, table.hour),
  ],
);

/**
 * Settled use of one subject in its present windows, and the allowances that were set for it. In each of them absent = nobody
 * said, null = unlimited, 0 = blocked; costs are nano-USD. Channels and members have a row only while an allowance applies to
 * them; these rows are changed under the lock of their guild's row.
 */
export const quotaSubjects = pgTable(
  'quota_subjects',
  {
    /** 0 the instance (money only), 1 a guild, 2 a user, 4 a channel of a guild, 5 a user within one guild; locks are taken in this order. */
    kind: smallint('kind').notNull(),
    subjectId: uuid('subject_id').notNull(),
    limits: jsonb('limits').notNull().default({}),
    timeZone: text('time_zone').notNull().default('UTC'),
    hourStart: moment('hour_start')
      .notNull()
      .default(sql`'-infinity'`),
    dayStart: moment('day_start')
      .notNull()
      .default(sql`'-infinity'`),
    monthStart: moment('month_start')
      .notNull()
      .default(sql`'-infinity'`),
    requestsHour: tally('requests_hour'),
    requestsDay: tally('requests_day'),
    requestsMonth: tally('requests_month'),
    tokensHour: tally('tokens_hour'),
    tokensDay: tally('tokens_day'),
    tokensMonth: tally('tokens_month'),
    costHour: tally('cost_hour'),
    costDay: tally('cost_day'),
    costMonth: tally('cost_month'),
    imagesHour: tally('images_hour'),
    imagesDay: tally('images_day'),
    imagesMonth: tally('images_month'),
    /** What the subject's own side decided: a guild's admins, or the person. Lowers what the operator or the default allow. */
    own: jsonb('own').notNull().default({}),
    /** In place of an entry of `limits`, or of `own`, until a moment: `{"limit": n|null, "untilMs": epoch ms}`. */
    temporary: jsonb('temporary').notNull().default({}),
    ownTemporary: jsonb('own_temporary').notNull().default({}),
    /** Of channels and members. */
    guildId: uuid('guild_id'),
    /** Of members. */
    userId: uuid('user_id'),
    /** Of channels: the qualified place. */
    channel: text('channel'),
    /** Of members: the roles that they were last seen with, qualified. */
    roles: jsonb('roles').notNull().default([]),
  },
  (table) => [
    primaryKey({ columns: [table.kind, table.subjectId] }),
    index('quota_subjects_member')
      .on(table.userId)
      .where(sql`${table.userId} is not null`),
  ],
);

/**
 * Allowances that a guild's admins give to each member of it, or to each member who has a role, counted by the member's own
 * counter. Keyed as in `quota_subjects`. Of several roles the most generous counts.
 */
export const quotaRules = pgTable(
  'quota_rules',
  {
    guildId: uuid('guild_id')
      .notNull()
      .references(() => guilds.id, { onDelete: 'cascade' }),
    kind: text('kind').notNull(),
    /** Qualified; empty for `members`. */
    role: text('role').notNull().default(''),
    limits: jsonb('limits').notNull().default({}),
    temporary: jsonb('temporary').notNull().default({}),
  },
  (table) => [
    primaryKey({ columns: [table.guildId, table.kind, table.role] }),
    check(
      'quota_rules_kind',
      sql`(${table.kind} = 'members') = (${table.role} = '') and ${table.kind} in ('role', 'members')`,
    ),
  ],
);

/** What unfinished turns may still use. A hold counts while its turn exists; without a turn, until it expires. */
export const quotaHolds = pgTable(
  'quota_holds',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    turnId: uuid('turn_id').references(() => turns.id, { onDelete: 'set null' }),
    /** Which claim of the turn made it. */
    epoch: integer('epoch').notNull(),
    /** −1 for the turn's requests and tokens; the attempt whose money it is otherwise. */
    attempt: smallint('attempt').notNull(),
    /** 3: a person's own money, which counts against no quota. */
    kind: smallint('kind').notNull(),
    subjectId: uuid('subject_id').notNull(),
    payer: text('payer').notNull().default('operator'),
    requests: integer('requests').notNull().default(0),
    tokens: integer('tokens').notNull().default(0),
    images: integer('images').notNull().default(0),
    nanoUsd: bigint('nano_usd', { mode: 'bigint' })
      .notNull()
      .default(sql`0`),
    reservedAt: moment('reserved_at').notNull(),
    expiresAt: moment('expires_at').notNull(),
  },
  (table) => [
    uniqueIndex('quota_holds_once').on(table.turnId, table.epoch, table.attempt, table.kind, table.subjectId),
    index('quota_holds_subject').on(table.kind, table.subjectId),
    check(
      'quota_holds_amounts',
      sql`least(${table.requests}, ${table.tokens}, ${table.images}, ${table.nanoUsd}) >= 0`,
    ),
  ],
);
