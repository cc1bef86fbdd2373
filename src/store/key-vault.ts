import type { KeyVault, SealedRow } from '../keys/ports.ts';
import type { Sql } from './connection.ts';
import { reach } from './failure.ts';
import { instanceSubject } from './settings-store.ts';

const CANARY = 'key_canary';
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** All sealed keys, for the care of them. */
export function createKeyVault(sql: Sql): KeyVault {
  return {
    async canary() {
      const rows = await reach(
        () => sql<{ sealed: string }[]>`
          select value #>> '{}' as sealed from settings
          where scope = 'instance' and subject_id = ${instanceSubject} and key = ${CANARY}`,
      );
      return rows[0]?.sealed ?? null;
    },
    async setCanary(sealed, before) {
      const rows = await reach(
        () => sql`
          insert into settings as s (scope, subject_id, key, value)
          values ('instance', ${instanceSubject}, ${CANARY}, to_jsonb(${sealed}::text))
          on conflict (scope, subject_id, key) do update set value = excluded.value, updated_at = now()
          where s.value #>> '{}' = ${before}
          returning 1`,
      );
      return rows.length > 0;
    },
    page: async (after, limit) =>
      await reach(
        () => sql<SealedRow[]>`
          select k.id, k.provider, k.sealed, jsonb_build_object('scope', k.scope,
            'id', coalesce(u.platform_user_id, g.platform_guild_id)) as subject
          from provider_keys k left join users u on u.id = k.user_id left join guilds g on g.id = k.guild_id
          where k.id > ${after ?? BEFORE_ALL} order by k.id limit ${limit}`,
      ),
    async reseal(row, sealed, fingerprint) {
      const rows = await reach(
        () => sql`
          update provider_keys set sealed = ${sealed}, fingerprint = ${fingerprint}, unreadable_since = null
          where id = ${row.id} and sealed = ${row.sealed} returning 1`,
      );
      return rows.length > 0;
    },
    async noteRotation(counts) {
      const { resealed, unreadable } = counts;
      await reach(
        () => sql`
          insert into audit (actor, action, subject, details)
          values ('system', 'key.rotate', 'instance', jsonb_build_object('resealed', ${resealed}::int, 'unreadable', ${unreadable}::int))`,
      );
    },
  };
}
