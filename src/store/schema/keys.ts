import { sql } from 'drizzle-orm';
import { check, index, integer, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';
import { guilds, users } from './people.ts';

/** Keys that people and guilds pay with themselves: one of each subject for each provider. Gone with their subject. */
export const providerKeys = pgTable(
  'provider_keys',
  {
    id: uuid('id').primaryKey(),
    scope: text('scope').notNull(),
    userId: uuid('user_id').references(() => users.id, { onDelete: 'cascade' }),
    guildId: uuid('guild_id').references(() => guilds.id, { onDelete: 'cascade' }),
    provider: text('provider').notNull(),
    /** `v1.<key id>.<…>`, bound to this row, its subject and its provider. */
    sealed: text('sealed').notNull(),
    last4: text('last4').notNull(),
    /** An HMAC under the encryption key: tells whether two are the same, and nothing else. */
    fingerprint: text('fingerprint').notNull(),
    state: text('state').notNull().default('valid'),
    /** Rises when a key that was refused is found good again. */
    revision: integer('revision').notNull().default(1),
    /** Qualified id of who gave it. */
    givenBy: text('given_by').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    checkedAt: moment('checked_at').notNull().defaultNow(),
    /** Touched at most once a day. */
    usedAt: moment('used_at'),
    /** The encryption key that it was sealed with is not there, since then. */
    unreadableSince: moment('unreadable_since'),
  },
  (table) => [
    uniqueIndex('provider_keys_user')
      .on(table.userId, table.provider)
      .where(sql`${table.userId} is not null`),
    uniqueIndex('provider_keys_guild')
      .on(table.guildId, table.provider)
      .where(sql`${table.guildId} is not null`),
    check('provider_keys_state', sql`${table.state} in ('valid', 'invalid')`),
    check(
      'provider_keys_subject',
      sql`(${table.scope} = 'user' and ${table.userId} is not null and ${table.guildId} is null) or (${table.scope} = 'guild' and ${table.guildId} is not null and ${table.userId} is null)`,
    ),
  ],
);

/** Somebody is about to give a key: by a sign-in, or with their next message. */
export const keyRequests = pgTable(
  'key_requests',
  {
    id: uuid('id').primaryKey(),
    kind: text('kind').notNull(),
    /** Who asked, and alone may finish. */
    askedBy: uuid('asked_by')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** The guild whose key it is to be; null for the person's own. */
    guildId: uuid('guild_id').references(() => guilds.id, { onDelete: 'cascade' }),
    /** The verifier of a sign-in, sealed. */
    sealed: text('sealed'),
    createdAt: moment('created_at').notNull().defaultNow(),
    expiresAt: moment('expires_at').notNull(),
    usedAt: moment('used_at'),
  },
  (table) => [
    index('key_requests_asked_by').on(table.askedBy, table.kind, table.createdAt),
    index('key_requests_expires').on(table.expiresAt),
    check('key_requests_kind', sql`${table.kind} in ('sign_in', 'message')`),
  ],
);
