import { pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';

export const users = pgTable('users', {
  id: uuid('id').primaryKey().defaultRandom(),
  /** Qualified: `telegram:42`. */
  platformUserId: text('platform_user_id').notNull().unique(),
  name: text('name').notNull(),
  reportedLocale: text('reported_locale'),
  approvedAt: moment('approved_at'),
  /** When first refused for want of an approval. */
  accessAskedAt: moment('access_asked_at'),
  createdAt: moment('created_at').notNull().defaultNow(),
  /** Touched at most once a day, so that a message costs no write here. */
  lastSeenAt: moment('last_seen_at').notNull().defaultNow(),
});

export const guilds = pgTable('guilds', {
  id: uuid('id').primaryKey().defaultRandom(),
  platformGuildId: text('platform_guild_id').notNull().unique(),
  name: text('name').notNull(),
  /** IANA name; the guild's quota windows begin at its midnight. */
  timeZone: text('time_zone').notNull().default('UTC'),
  approvedAt: moment('approved_at'),
  /** When first refused for want of an approval. */
  accessAskedAt: moment('access_asked_at'),
  createdAt: moment('created_at').notNull().defaultNow(),
});
