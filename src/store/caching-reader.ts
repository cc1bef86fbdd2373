import type { ConversationSpot, CachingReport } from '../usage/ports.ts';
import type { Sql } from './connection.ts';
import { reach } from './failure.ts';

/** Further back nobody's newest turn in a place is looked for. */
const NEWEST_TURNS = 100;

/**
 * The conversation that is meant at a spot: that of the reply which is answered, the place's own, or, where each chain of
 * replies is one, the last in which the person asked something here. Null when there is none.
 */
export async function selectCaching(sql: Sql, spot: ConversationSpot): Promise<CachingReport | null> {
  const { author, place, repliesTo } = spot;
  const rows = await reach(
    () => sql<(Omit<CachingReport, 'savedNanoUsd'> & { readonly savedNanoUsd: string })[]>`
      with meant as (
        select t.conversation_id as id, 0 as rank, t.seq from reply_parts r join turns t on t.id = r.turn_id
        where r.place = ${place} and r.platform_message_id in (${repliesTo}::text, split_part(${repliesTo}::text, ':', -1))
        union all
        select c.id, 1, 0 from conversations c where c.place_key = ${place} and c.active
        union all
        select t.conversation_id, 2, t.seq from (
          select t.conversation_id, t.seq, t.place from turns t join users u on u.id = t.user_id
          where u.platform_user_id = ${author.id} order by t.seq desc limit ${NEWEST_TURNS}
        ) t join conversations c on c.id = t.conversation_id
        where t.place = ${place} and c.style = 'chain'
      )
      select coalesce(m.messages_before + 1, 0)::int as messages, c.prompt_tokens::float8 as "promptTokens",
        c.cached_tokens::float8 as "cachedTokens", c.saved_nano_usd::text as "savedNanoUsd"
      from meant join conversations c on c.id = meant.id left join messages m on m.id = c.head_message_id
      order by meant.rank, meant.seq desc limit 1`,
  );
  const [row] = rows;
  return row === undefined ? null : { ...row, savedNanoUsd: BigInt(row.savedNanoUsd) };
}
