import { sql } from 'drizzle-orm';
import { bigint, date, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';

const count = (name: string) => integer(name).notNull().default(0);
/** Counters of 61 seconds, the last of which is `second`: what they hold, no 60 seconds pass. */
const minute = () =>
  integer('minute')
    .array()
    .notNull()
    .default(sql`array_fill(0, array[61])`);
const second = () =>
  bigint('second', { mode: 'bigint' })
    .notNull()
    .default(sql`0`);

/** What an account has used of a provider's free models: `operator`, or the id of the key that pays. */
export const freePools = pgTable(
  'free_pools',
  {
    payer: text('payer').notNull(),
    provider: text('provider').notNull(),
    /** UTC; never goes back, whatever the clock does. */
    day: date('day').notNull(),
    dayUsed: count('day_used'),
    /** Of `day_used`, what nobody waited for. */
    backgroundUsed: count('background_used'),
    /** As the provider tells it; null where it does not, or has not yet. */
    dayLimit: integer('day_limit'),
    dayLimitReadAt: moment('day_limit_read_at'),
    minute: minute(),
    second: second(),
    /** Refusals of the provider: it knows more than we do where others use the account too. */
    minuteRestUntil: moment('minute_rest_until'),
    dayRestUntil: moment('day_rest_until'),
    /** Who asked last, and when somebody else did so last: whether others are there to be left something. */
    lastSubject: text('last_subject'),
    lastAt: moment('last_at'),
    beforeAt: moment('before_at'),
  },
  (table) => [primaryKey({ columns: [table.payer, table.provider] })],
);

/** What one of those who share a pool has taken: a guild's internal id, or a person's in private. */
export const freePoolShares = pgTable(
  'free_pool_shares',
  {
    payer: text('payer').notNull(),
    provider: text('provider').notNull(),
    subject: text('subject').notNull(),
    day: date('day').notNull(),
    used: count('used'),
    minute: minute(),
    second: second(),
    lastAt: moment('last_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.payer, table.provider, table.subject] })],
);
