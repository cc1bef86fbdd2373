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
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { moment, tally } from './columns.ts';
import { guilds, users } from './people.ts';

export const conversations = pgTable(
  'conversations',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    /** Where it takes place. */
    place: text('place').notNull(),
    /** What makes it unique while active: the place, or for a reply chain `<place>#<first message>`. */
    placeKey: text('place_key').notNull(),
    guildId: uuid('guild_id').references(() => guilds.id),
    /** The person, when the place is private. */
    userId: uuid('user_id').references(() => users.id),
    style: text('style').notNull(),
    title: text('title'),
    /** The newest message of the selected branch: parent of what comes next. */
    headMessageId: uuid('head_message_id'),
    active: boolean('active').notNull().default(true),
    /** Sums over the attempts of its turns, which a trigger keeps. What caching saved is below zero where it cost more. */
    promptTokens: tally('prompt_tokens'),
    cachedTokens: tally('cached_tokens'),
    cacheWriteTokens: tally('cache_write_tokens'),
    savedNanoUsd: tally('saved_nano_usd'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('conversations_active_place_key')
      .on(table.placeKey)
      .where(sql`${table.active}`),
    index('conversations_user').on(table.userId),
    check('conversations_style', sql`${table.style} in ('private', 'chain', 'thread', 'channel')`),
  ],
);

export const messages = pgTable(
  'messages',
  {
    id: uuid('id').primaryKey(),
    conversationId: uuid('conversation_id')
      .notNull()
      .references(() => conversations.id, { onDelete: 'cascade' }),
    /** Null at the root, and for a queued question until its turn starts. */
    parentId: uuid('parent_id'),
    role: text('role').notNull(),
    userId: uuid('user_id').references(() => users.id, { onDelete: 'set null' }),
    turnId: uuid('turn_id'),
    /** Qualified: `telegram:<chat>:<message>`. An answer's platform messages are its reply's parts. */
    platformMessageId: text('platform_message_id'),
    text: text('text').notNull(),
    estTokens: integer('est_tokens').notNull(),
    /** What stands before it on its path, as it was when it got its parent; a trigger keeps both. Null in older rows. */
    messagesBefore: integer('messages_before'),
    tokensBefore: bigint('tokens_before', { mode: 'bigint' }),
    model: text('model'),
    partial: boolean('partial').notNull().default(false),
    /** What a search of the web gave to an answer: how often, at which cost, and the sources; null where nobody searched. */
    search: jsonb('search'),
    /** How often its author has changed it and it was answered anew. */
    edits: integer('edits').notNull().default(0),
    deletedAt: moment('deleted_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('messages_platform_message').on(table.platformMessageId),
    index('messages_conversation').on(table.conversationId),
    index('messages_parent').on(table.parentId),
    index('messages_user').on(table.userId),
    check('messages_role', sql`${table.role} in ('user', 'assistant')`),
  ],
);

export const turns = pgTable(
  'turns',
  {
    id: uuid('id').primaryKey(),
    originKey: text('origin_key').notNull().unique(),
    /** Order of admission. */
    seq: bigint('seq', { mode: 'bigint' }).notNull().generatedAlwaysAsIdentity(),
    cause: text('cause').notNull(),
    platform: text('platform').notNull(),
    place: text('place').notNull(),
    state: text('state').notNull(),
    conversationId: uuid('conversation_id').references(() => conversations.id, { onDelete: 'cascade' }),
    userId: uuid('user_id').references(() => users.id, { onDelete: 'set null' }),
    guildId: uuid('guild_id').references(() => guilds.id),
    replyTarget: jsonb('reply_target').notNull(),
    settings: jsonb('settings').notNull(),
    reportedLocale: text('reported_locale'),
    payer: text('payer').notNull().default('operator'),
    /** The last message that this turn answers. */
    questionMessageId: uuid('question_message_id'),
    /** The first of them, when there are several; each continues from the one before. */
    firstQuestionId: uuid('first_question_id'),
    answerMessageId: uuid('answer_message_id'),
    /** The turn whose reply this one writes; null writes one of its own. */
    replyOf: uuid('reply_of'),
    /** The version that shows, on the turn that the reply belongs to; null shows its own answer. */
    selectedAnswerId: uuid('selected_answer_id'),
    /** The turn that answers this one's message together with its own. */
    mergedInto: uuid('merged_into'),
    /** The turn that answers what the message was changed to. */
    supersededBy: uuid('superseded_by'),
    /** The question was deleted: what shows of the reply is to be taken away. */
    retractedAt: moment('retracted_at'),
    /** The message that was replied to; null continues from the conversation's head. */
    parentMessageId: uuid('parent_message_id'),
    /** The turn whose reply was replied to: its answer, once there, is the parent. */
    parentTurnId: uuid('parent_turn_id'),
    maxCompletionTokens: integer('max_completion_tokens').notNull(),
    /** Default allowances of money at admission, by subject; absent when there are none. */
    costDefaults: jsonb('cost_defaults'),
    /** Rises with each claim and fences a writer that lost its lease. */
    epoch: integer('epoch').notNull().default(0),
    leaseOwner: text('lease_owner'),
    leaseUntil: moment('lease_until'),
    cancelRequestedAt: moment('cancel_requested_at'),
    refusal: jsonb('refusal'),
    notice: jsonb('notice'),
    admittedAt: moment('admitted_at').notNull(),
    /** Decides the quota windows this turn is booked in; never before the window it was checked against. */
    chargedAt: moment('charged_at').notNull(),
    startedAt: moment('started_at'),
    /** When it ended, whatever the end was. */
    generatedAt: moment('generated_at'),
    /** The platform could not take the reply for now; nobody tries again before. */
    postponedUntil: moment('postponed_until'),
    /** Nothing of this turn is on its way any more. */
    deliveredAt: moment('delivered_at'),
    unreachable: text('unreachable'),
    /** The place whose quota counts, qualified; null in private. */
    channel: text('channel'),
  },
  (table) => [
    uniqueIndex('turns_one_running')
      .on(table.conversationId)
      .where(sql`${table.state} = 'running'`),
    index('turns_unfinished')
      .on(table.conversationId, table.seq)
      .where(sql`${table.state} in ('queued', 'running')`),
    index('turns_active_in_place')
      .on(table.place, table.seq)
      .where(sql`${table.state} in ('queued', 'running')`),
    index('turns_open_leases')
      .on(table.leaseUntil)
      .where(sql`${table.deliveredAt} is null`),
    index('turns_undelivered')
      .on(table.conversationId, table.seq)
      .where(sql`${table.deliveredAt} is null`),
    index('turns_of_reply')
      .on(table.replyOf)
      .where(sql`${table.replyOf} is not null`),
    index('turns_merged')
      .on(table.mergedInto)
      .where(sql`${table.mergedInto} is not null`),
    index('turns_recent').on(table.platform, table.admittedAt),
    index('turns_shown_in_place')
      .on(table.place, table.seq)
      .where(sql`${table.state} not in ('refused', 'merged', 'superseded')`),
    index('turns_refused')
      .on(table.userId, table.place, table.seq)
      .where(sql`${table.state} = 'refused'`),
    index('turns_backlog_refused')
      .on(table.place, table.admittedAt)
      .where(sql`${table.refusal} ->> 'reason' = 'too_old'`),
    index('turns_conversation').on(table.conversationId),
    index('turns_user_newest').on(table.userId, table.seq),
    index('turns_sealed')
      .on(table.admittedAt)
      .where(sql`${table.replyTarget} ? 'sealed'`),
    check(
      'turns_state',
      sql`${table.state} in ('queued', 'running', 'generated', 'delivered', 'refused', 'failed', 'cancelled', 'interrupted', 'merged', 'superseded')`,
    ),
  ],
);

export const replyParts = pgTable(
  'reply_parts',
  {
    turnId: uuid('turn_id')
      .notNull()
      .references(() => turns.id, { onDelete: 'cascade' }),
    index: integer('index').notNull(),
    place: text('place').notNull(),
    /** The platform's own id, unique only within the place. */
    platformMessageId: text('platform_message_id'),
    intendedAt: moment('intended_at').notNull().defaultNow(),
    sentAt: moment('sent_at'),
  },
  (table) => [
    primaryKey({ columns: [table.turnId, table.index] }),
    index('reply_parts_platform_message').on(table.place, table.platformMessageId),
  ],
);

export const attempts = pgTable(
  'attempts',
  {
    turnId: uuid('turn_id')
      .notNull()
      .references(() => turns.id, { onDelete: 'cascade' }),
    /** A turn that is run anew numbers its attempts from 0 again. */
    epoch: integer('epoch').notNull(),
    index: integer('index').notNull(),
    payer: text('payer').notNull().default('operator'),
    provider: text('provider'),
    modelAsked: text('model_asked').notNull(),
    modelUsed: text('model_used'),
    generationId: text('generation_id'),
    /** Null while it runs, and for good when its process died. */
    outcome: text('outcome'),
    failure: text('failure'),
    httpStatus: integer('http_status'),
    isFree: boolean('is_free'),
    startedAt: moment('started_at').notNull(),
    firstTokenMs: integer('first_token_ms'),
    durationMs: integer('duration_ms'),
    usage: jsonb('usage'),
  },
  (table) => [
    primaryKey({ columns: [table.turnId, table.epoch, table.index] }),
    index('attempts_recent').on(table.startedAt),
  ],
);
