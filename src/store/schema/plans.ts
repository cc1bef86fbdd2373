import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';
import { guilds, users } from './people.ts';

/** What people can have. A version never changes: an edit makes the next one, which is then current. */
export const plans = pgTable(
  'plans',
  {
    code: text('code').notNull(),
    version: integer('version').notNull(),
    isCurrent: boolean('is_current').notNull(),
    /** False: nobody new gets it. */
    isOffered: boolean('is_offered').notNull().default(true),
    name: text('name').notNull(),
    /** Higher is better; 0 is what everybody has. */
    position: smallint('position').notNull(),
    /** A month. */
    priceUsdCents: integer('price_usd_cents'),
    /** Thirty days; null can't be bought so. */
    telegramStars: integer('telegram_stars'),
    createdAt: moment('created_at').notNull().defaultNow(),
    /** Qualified id of the operator; null for what came with the program. */
    createdBy: text('created_by'),
  },
  (table) => [
    primaryKey({ columns: [table.code, table.version] }),
    uniqueIndex('plans_current')
      .on(table.code)
      .where(sql`${table.isCurrent}`),
    check('plans_stars', sql`${table.telegramStars} between 1 and 10000`),
    check('plans_price', sql`${table.priceUsdCents} >= 0`),
  ],
);

/** What a version of a plan gives: switches and numbers; a number that is null is no limit. */
export const planEntitlements = pgTable(
  'plan_entitlements',
  {
    plan: text('plan').notNull(),
    version: integer('version').notNull(),
    feature: text('feature').notNull(),
    kind: text('kind').notNull(),
    value: jsonb('value').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.plan, table.version, table.feature] }),
    foreignKey({ columns: [table.plan, table.version], foreignColumns: [plans.code, plans.version] }),
    check(
      'plan_entitlements_value',
      sql`(${table.kind} = 'boolean' and jsonb_typeof(${table.value}) = 'boolean') or (${table.kind} = 'limit' and jsonb_typeof(${table.value}) in ('number', 'null'))`,
    ),
  ],
);

/** Who has which plan, and had. What is live is in force until its time is over, which is decided when it is read. */
export const subscriptions = pgTable(
  'subscriptions',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: uuid('user_id').references(() => users.id, { onDelete: 'cascade' }),
    guildId: uuid('guild_id').references(() => guilds.id, { onDelete: 'cascade' }),
    plan: text('plan').notNull(),
    version: integer('version').notNull(),
    source: text('source').notNull(),
    status: text('status').notNull(),
    startedAt: moment('started_at').notNull(),
    periodStart: moment('period_start').notNull(),
    /** Null: not as far as is known. */
    periodEnd: moment('period_end'),
    /** What is renewed by itself lasts until then, if the renewal is late. */
    graceUntil: moment('grace_until'),
    endedAt: moment('ended_at'),
    /** The first payment, or the id that the platform's shop gave it; null for what was given. */
    externalId: text('external_id'),
    /** Qualified id of who pays, and the payload of the invoice. */
    payer: text('payer'),
    payload: text('payload'),
    /** When the platform last told of it. */
    toldAt: moment('told_at').notNull(),
  },
  (table) => [
    foreignKey({ columns: [table.plan, table.version], foreignColumns: [plans.code, plans.version] }),
    index('subscriptions_user')
      .on(table.userId, table.status)
      .where(sql`${table.userId} is not null`),
    index('subscriptions_guild')
      .on(table.guildId, table.status)
      .where(sql`${table.guildId} is not null`),
    // Of what the platform's shop sold, each is a row of its own, whose end it tells.
    uniqueIndex('subscriptions_live_user')
      .on(table.userId, table.source)
      .where(sql`${table.status} in ('active', 'cancelled', 'past_due') and ${table.source} <> 'shop'`),
    uniqueIndex('subscriptions_live_guild')
      .on(table.guildId, table.source)
      .where(sql`${table.status} in ('active', 'cancelled', 'past_due') and ${table.source} <> 'shop'`),
    uniqueIndex('subscriptions_external').on(table.source, table.externalId),
    check('subscriptions_subject', sql`(${table.userId} is null) <> (${table.guildId} is null)`),
    check('subscriptions_source', sql`${table.source} in ('grant', 'stars', 'shop')`),
    check(
      'subscriptions_status',
      sql`${table.status} in ('active', 'cancelled', 'past_due', 'ended', 'refunded')`,
    ),
  ],
);

/** Money that came. Kept when its payer is forgotten, without them. */
export const payments = pgTable(
  'payments',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    platform: text('platform').notNull(),
    chargeId: text('charge_id').notNull(),
    userId: uuid('user_id').references(() => users.id, { onDelete: 'set null' }),
    subscriptionId: uuid('subscription_id').references(() => subscriptions.id, { onDelete: 'set null' }),
    plan: text('plan'),
    version: integer('version'),
    amount: bigint('amount', { mode: 'number' }).notNull(),
    currency: text('currency').notNull(),
    state: text('state').notNull(),
    isRenewal: boolean('is_renewal').notNull(),
    /** The time that it pays for. */
    periodStart: moment('period_start'),
    periodEnd: moment('period_end'),
    paidAt: moment('paid_at').notNull(),
    refundedAt: moment('refunded_at'),
    /** What was told when it came, so that a repeat tells the same. */
    outcome: jsonb('outcome').notNull(),
  },
  (table) => [
    uniqueIndex('payments_charge').on(table.platform, table.chargeId),
    index('payments_user').on(table.userId, table.paidAt),
    check('payments_state', sql`${table.state} in ('paid', 'refunded', 'unassigned')`),
  ],
);

/** Which plan Discord's shop sells by which name. */
export const discordSkus = pgTable(
  'discord_skus',
  {
    sku: text('sku').primaryKey(),
    plan: text('plan').notNull(),
    scope: text('scope').notNull(),
    assignedBy: text('assigned_by').notNull(),
    assignedAt: moment('assigned_at').notNull().defaultNow(),
  },
  (table) => [check('discord_skus_scope', sql`${table.scope} in ('user', 'guild')`)],
);
