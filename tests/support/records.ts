import type { Database } from '../../src/store/database.ts';

/** A turn as the database has it, with everything that hangs on it. */
export interface TurnRow {
  readonly id: string;
  readonly originKey: string;
  readonly place: string;
  readonly conversationId: string | null;
  readonly state: string;
  readonly cause: string;
  /** The turn whose reply this one writes; null for one of its own. */
  readonly replyOf: string | null;
  /** 1, unless somebody else had to take the turn over. */
  readonly epoch: number;
  readonly refusal: { readonly reason: string } | null;
  readonly notice: { readonly key: string; readonly params: Record<string, unknown> } | null;
  readonly unreachable: string | null;
  readonly isDelivered: boolean;
  readonly question: MessageRow | null;
  readonly answer: MessageRow | null;
  /** Of the reply, which may be another turn's. */
  readonly parts: readonly (string | null)[];
  readonly attempts: readonly AttemptRow[];
  readonly usage: readonly UsageRow[];
}

export interface MessageRow {
  readonly id: string;
  readonly parentId: string | null;
  readonly text: string;
  readonly model: string | null;
  readonly partial: boolean;
}

export interface AttemptRow {
  readonly provider: string | null;
  readonly modelAsked: string;
  readonly modelUsed: string | null;
  readonly generationId: string | null;
  readonly outcome: string | null;
  readonly failure: string | null;
  readonly httpStatus: number | null;
}

export interface UsageRow {
  readonly provider: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly costNanoUsd: number;
  readonly source: string;
}

/** Reads back what the bot has stored. */
export interface Records {
  turn(originKey: string): Promise<TurnRow | null>;
  /** In the order of admission. */
  turnsIn(placePrefix: string): Promise<readonly TurnRow[]>;
  error(id: string): Promise<{ readonly area: string; readonly message: string } | null>;
  errors(): Promise<readonly { readonly area: string; readonly originKey: string | null }[]>;
  /** Parts of quotas that are held for turns under way. */
  holds(): Promise<number>;
  /** Counters that are not the sum of the usage they count; empty when all is well. */
  wrongCounters(): Promise<readonly object[]>;
}

export function createRecords({ sql }: Pick<Database, 'sql'>): Records {
  const turns = async (where: ReturnType<typeof sql>): Promise<readonly TurnRow[]> => {
    const rows = await sql<{ turn: TurnRow }[]>`
      select jsonb_build_object('id', t.id, 'originKey', t.origin_key, 'place', t.place, 'conversationId', t.conversation_id,
        'state', t.state, 'cause', t.cause, 'replyOf', t.reply_of, 'epoch', t.epoch, 'refusal', t.refusal, 'notice', t.notice, 'unreachable', t.unreachable,
        'isDelivered', t.delivered_at is not null,
        'question', (select ${message(sql)} from messages m where m.id = t.question_message_id),
        'answer', (select ${message(sql)} from messages m where m.id = t.answer_message_id),
        'parts', (select coalesce(jsonb_agg(r.platform_message_id order by r.index), '[]') from reply_parts r where r.turn_id = coalesce(t.reply_of, t.id)),
        'attempts', (select coalesce(jsonb_agg(jsonb_build_object('provider', a.provider, 'modelAsked', a.model_asked, 'modelUsed', a.model_used,
          'generationId', a.generation_id, 'outcome', a.outcome, 'failure', a.failure, 'httpStatus', a.http_status)
          order by a.epoch, a.index), '[]') from attempts a where a.turn_id = t.id),
        'usage', (select coalesce(jsonb_agg(jsonb_build_object('provider', u.provider, 'requests', u.requests, 'promptTokens', u.prompt_tokens,
          'completionTokens', u.completion_tokens, 'costNanoUsd', u.cost_nano_usd, 'source', u.source)
          order by u.epoch, u.attempt), '[]') from usage u where u.turn_id = t.id)) as turn
      from turns t where ${where} order by t.seq`;
    return rows.map((row) => row.turn);
  };

  return {
    turn: async (originKey) => (await turns(sql`t.origin_key = ${originKey}`))[0] ?? null,
    turnsIn: (placePrefix) => turns(sql`starts_with(t.place, ${placePrefix})`),
    async error(id) {
      const rows = await sql<{ area: string; message: string }[]>`
        select area, message from errors where id = ${id}`;
      return rows[0] ?? null;
    },
    errors: () =>
      sql<{ area: string; originKey: string | null }[]>`
        select area, origin_key as "originKey" from errors order by at`,
    async holds() {
      const rows = await sql<{ holds: number }[]>`select count(*)::int as holds from quota_holds`;
      return rows[0]?.holds ?? -1;
    },
    wrongCounters: () => sql<object[]>`
      select q.kind, q.subject_id, q.requests_day::int, u.requests, q.tokens_day::int, u.tokens, q.cost_day::int, u.cost
      from quota_subjects q cross join lateral (
        select coalesce(sum(u.requests), 0)::int as requests, coalesce(sum(u.cost_nano_usd)
            filter (where u.payer = 'operator' or (u.payer = 'guild' and q.kind > 0)), 0)::int as cost,
          coalesce(sum(u.prompt_tokens + u.completion_tokens), 0)::int as tokens
        from usage u
        where u.at >= q.day_start and case q.kind when 1 then u.guild_id = q.subject_id
            when 2 then u.user_id = q.subject_id when 4 then u.guild_id = q.guild_id and u.channel = q.channel
            when 5 then u.guild_id = q.guild_id and u.user_id = q.user_id else true end
      ) u
      where q.cost_day <> u.cost or (q.kind > 0 and (q.requests_day <> u.requests or q.tokens_day <> u.tokens))`,
  };
}

const message = (sql: Database['sql']) => sql`jsonb_build_object('id', m.id, 'parentId', m.parent_id,
  'text', m.text, 'model', m.model, 'partial', m.partial)`;
