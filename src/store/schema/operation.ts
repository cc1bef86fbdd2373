import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';
import { turns } from './conversations.ts';
import { guilds, users } from './people.ts';

/** What a guild, a user or the operator chose. `subject_id` is all zeros for the instance. */
export const settings = pgTable(
  'settings',
  {
    scope: text('scope').notNull(),
    subjectId: uuid('subject_id').notNull(),
    key: text('key').notNull(),
    value: jsonb('value').notNull(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    updatedBy: text('updated_by'),
  },
  (table) => [
    primaryKey({ columns: [table.scope, table.subjectId, table.key] }),
    check('settings_scope', sql`${table.scope} in ('guild', 'user', 'instance')`),
  ],
);

/** A row stops what it names. The subject is a qualified guild id, a model id, or empty for all. */
export const controlFlags = pgTable(
  'control_flags',
  {
    scope: text('scope').notNull(),
    subject: text('subject').notNull().default(''),
    reason: text('reason'),
    setBy: text('set_by').notNull(),
    setAt: moment('set_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.scope, table.subject] }),
    check('control_flags_scope', sql`${table.scope} in ('all', 'guild', 'model')`),
  ],
);

/** Who is not served. By platform id: a block outlives the person's record. */
export const blocks = pgTable(
  'blocks',
  {
    subjectKind: text('subject_kind').notNull(),
    subject: text('subject').notNull(),
    /** Qualified guild id in which the user is blocked; empty everywhere. */
    withinGuild: text('within_guild').notNull().default(''),
    reason: text('reason'),
    setBy: text('set_by').notNull(),
    setAt: moment('set_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.subjectKind, table.subject, table.withinGuild] }),
    check('blocks_subject_kind', sql`${table.subjectKind} in ('user', 'guild')`),
  ],
);

export const errors = pgTable(
  'errors',
  {
    id: text('id').primaryKey(),
    area: text('area').notNull(),
    message: text('message').notNull(),
    originKey: text('origin_key'),
    at: moment('at').notNull().defaultNow(),
  },
  (table) => [index('errors_at').on(table.at)],
);

/** Who changed what; append-only. */
export const audit = pgTable(
  'audit',
  {
    id: bigint('id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    at: moment('at').notNull().defaultNow(),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    subject: text('subject').notNull(),
    /** Qualified id of the community that it concerns; null for none. */
    guild: text('guild'),
    before: jsonb('before'),
    after: jsonb('after'),
    /** What else there is to know; never a value that is secret. */
    details: jsonb('details'),
  },
  (table) => [
    index('audit_at').on(table.at),
    index('audit_guild_at').on(table.guild, table.at),
    index('audit_guild_id').on(table.guild, table.id),
  ],
);

/** What people told those who manage a guild, or the operators: something is wrong here. */
export const reports = pgTable(
  'reports',
  {
    /** As it is told to people: `R-1A2B3C4D`. */
    id: text('id').primaryKey(),
    at: moment('at').notNull().defaultNow(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** Null in private: for operators. */
    guildId: uuid('guild_id').references(() => guilds.id),
    place: text('place').notNull(),
    /** Qualified; the message that it is about, if any. */
    platformMessageId: text('platform_message_id'),
    /** The turn whose question or answer that is, if it is one's. */
    turnId: uuid('turn_id').references(() => turns.id, { onDelete: 'set null' }),
    words: text('words').notNull(),
    doneAt: moment('done_at'),
    doneBy: text('done_by'),
  },
  (table) => [
    index('reports_guild').on(table.guildId, table.at),
    index('reports_user').on(table.userId, table.at),
    index('reports_turn').on(table.turnId),
  ],
);

/** What a command that changed something answered, so that a redelivery changes nothing. */
export const commandOutcomes = pgTable(
  'command_outcomes',
  {
    originKey: text('origin_key').primaryKey(),
    outcome: jsonb('outcome').notNull(),
    at: moment('at').notNull().defaultNow(),
  },
  (table) => [index('command_outcomes_at').on(table.at)],
);

/** The last catalogue of models that could be fetched. */
export const models = pgTable('models', {
  id: text('id').primaryKey(),
  /** Place in the fetched list. */
  position: integer('position').notNull(),
  entry: jsonb('entry').notNull(),
});

export const catalogueMeta = pgTable(
  'catalogue_meta',
  {
    id: smallint('id').primaryKey().default(1),
    fetchedAt: moment('fetched_at').notNull(),
  },
  (table) => [check('catalogue_meta_single', sql`${table.id} = 1`)],
);

/** Which process is the one to do something, and until when. */
export const leads = pgTable('leads', {
  what: text('what').primaryKey(),
  owner: text('owner').notNull(),
  until: moment('until').notNull(),
});

/** Where a platform has asked for silence, by the adapter's own key. */
export const rests = pgTable('rests', {
  what: text('what').primaryKey(),
  until: moment('until').notNull(),
});

/** How far an adapter has come with something, by its own key. */
export const bookmarks = pgTable('bookmarks', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
  at: moment('at').notNull().defaultNow(),
});
