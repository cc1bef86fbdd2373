import {
  KEY_PROVIDER,
  type Kept,
  type KeyStore,
  type Removed,
  type SealedKey,
  type StoredKey,
  type TakenRequest,
} from '../keys/ports.ts';
import type { Payer } from '../completion/ports.ts';
import type { Sql } from './connection.ts';
import { callFunction, type DocumentFunction } from './document.ts';
import { reach } from './failure.ts';

/** Keys of people and guilds, by the qualified ids of their subjects. What is sealed comes and goes as it is. */
export function createProviderKeys(sql: Sql, now?: () => number): KeyStore {
  const call = (name: DocumentFunction, document: object): Promise<unknown> =>
    callFunction(sql, name, { ...document, ...(now !== undefined && { nowMs: now() }) });
  return {
    async find(subject) {
      const rows = await reach(
        () => sql<Omit<StoredKey, 'subject'>[]>`
          select k.id, k.scope, k.provider, k.sealed, k.state, k.revision, k.last4, coalesce(b.name, '') as "givenBy",
            epoch_ms_v1(k.created_at)::float8 as "createdAtMs", epoch_ms_v1(k.used_at)::float8 as "usedAtMs"
          from provider_keys k
          left join users u on u.id = k.user_id
          left join guilds g on g.id = k.guild_id
          left join users b on b.platform_user_id = k.given_by
          where k.id = case ${subject.scope}
            when 'user' then (select key_of_v1(null, (select id from users where platform_user_id = ${subject.id}), ${KEY_PROVIDER}))
            else (select key_of_v1(g.id, null, ${KEY_PROVIDER}) from guilds g where g.platform_guild_id = ${subject.id}) end`,
      );
      return rows[0] === undefined ? null : { ...rows[0], subject };
    },
    async ofTurn(turn) {
      const rows = await reach(
        () => sql<{ key: SealedKey | null }[]>`select own_key_v1(t) as key from turns t where t.id = ${turn}`,
      );
      return rows[0]?.key ?? null;
    },
    async payer(user, guild) {
      const rows = await reach(
        () => sql<{ payer: Payer }[]>`
          select payer_v1((select id from guilds where platform_guild_id = ${guild}),
            (select id from users where platform_user_id = ${user})) as payer`,
      );
      return rows[0]?.payer ?? 'operator';
    },
    async outcome(originKey) {
      const rows = await reach(
        () => sql<{ outcome: Kept | Removed }[]>`
          select key_outcome_v1(outcome) as outcome from command_outcomes where origin_key = ${originKey} and outcome ? 'kind'`,
      );
      return rows[0]?.outcome ?? null;
    },
    set: async (change, key, by) => (await call('set_provider_key_v1', { ...change, key, by })) as Kept,
    remove: async (change) =>
      (await call('remove_provider_key_v1', { ...change, provider: KEY_PROVIDER })) as Removed,
    async mark({ id, revision }, as, actor) {
      await call('mark_provider_key_v1', { id, revision, as, actor });
    },
    async ask({ author, guild }, request, forMs) {
      await call('ask_key_v1', { author, guild, ...request, forMs });
    },
    take: async (kind, which) => (await call('take_key_request_v1', { kind, ...which })) as TakenRequest,
    async end(id, again) {
      await call('end_key_request_v1', { id, again });
    },
  };
}
