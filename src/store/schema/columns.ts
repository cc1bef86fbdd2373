import { sql } from 'drizzle-orm';
import { bigint, timestamp } from 'drizzle-orm/pg-core';

/** A moment. Every time in the database is `timestamptz`. */
export const moment = (name: string) => timestamp(name, { withTimezone: true });

/** A sum that starts at 0. */
export const tally = (name: string) =>
  bigint(name, { mode: 'bigint' })
    .notNull()
    .default(sql`0`);
