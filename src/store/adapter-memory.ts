import type { ActivePlace, AdapterMemory, Rest } from '../platform/adapter.ts';
import type { Sql } from './connection.ts';
import { callFunction, storableJson } from './document.ts';
import { reach } from './failure.ts';

/** Who asks: this life of the process. Nobody else can have the database where it is alone. */
interface Asker {
  readonly instance: string;
  readonly isAlone: boolean;
}

/** What adapters keep and share. */
export function createAdapterMemory(sql: Sql, { instance, isAlone }: Asker): AdapterMemory {
  return {
    lead: async (what, holdMs) =>
      (await callFunction(sql, 'lead_v1', { what, instance, isAlone, holdMs })) === true,
    async resign(what) {
      await reach(() => sql`delete from leads where what = ${what} and owner = ${instance}`);
    },
    // A thread for each question must not push those places out in which people ask. What `event_chat_v1` does is written
    // out, for a function that can't be inlined makes the turns of a busy week last longer than a statement may.
    activePlaces: (platform, sinceMs) =>
      reach(
        () => sql<ActivePlace[]>`
          select s.place, max(g.platform_guild_id) as guild
          from turns t
          cross join lateral (values (t.place, (t.settings ->> 'opensThread')::boolean),
            (array_to_string((string_to_array(t.origin_key, ':'))[1:3], ':'), false)) s (place, is_opened)
          left join guilds g on g.id = t.guild_id
          where t.platform = ${platform} and t.admitted_at > to_timestamp(${sinceMs / 1000})
            and t.conversation_id is not null
          group by s.place order by bool_or(s.is_opened) is true, max(t.admitted_at) desc limit ${MOST_PLACES}`,
      ),
    async noteRest(what, forMs) {
      await reach(
        () => sql`
          with over as (delete from rests where until < now() and what <> ${what})
          insert into rests as r (what, until) values (${what}, now() + ${forMs} * interval '1 millisecond')
          on conflict (what) do update set until = greatest(r.until, excluded.until)`,
      );
    },
    rests: (prefix) =>
      reach(
        () => sql<Rest[]>`
          select what, (extract(epoch from until - now()) * 1000)::float8 as "forMs" from rests
          where until > now() and starts_with(what, ${prefix})`,
      ),
    async bookmark(key) {
      const rows = await reach(
        () => sql<{ value: string }[]>`select value from bookmarks where key = ${key}`,
      );
      return rows[0]?.value ?? null;
    },
    async setBookmark(key, value) {
      await reach(
        () => sql`
          insert into bookmarks (key, value) values (${key}, ${value})
          on conflict (key) do update set value = excluded.value, at = now()`,
      );
    },
    async amendTarget(event, additions) {
      const patch = storableJson(additions);
      await reach(
        () => sql`
          update turns set reply_target = reply_target || ${patch}::text::jsonb
          where origin_key = ${event} and delivered_at is null`,
      );
    },
  };
}

const MOST_PLACES = 1000;
