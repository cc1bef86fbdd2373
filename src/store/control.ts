import type { BlockSubject } from '../conversation/operation-ports.ts';
import type { GuildId, UserId } from '../platform/ids.ts';
import type { Sql } from './connection.ts';
import type { Database } from './database.ts';
import { reach } from './failure.ts';

/** What an emergency stop covers: everything, one guild, or one model. */
export type StopScope =
  | { readonly scope: 'all' }
  | { readonly scope: 'guild'; readonly subject: GuildId }
  | { readonly scope: 'model'; readonly subject: string };

/**
 * What operators decide. Takes effect with the next admission, and for running turns with the next
 * renewal of their leases. Each change is recorded with who made it; repeating one changes nothing
 * and records nothing. Rejects with `StoreUnavailable`.
 */
export interface Control {
  stop(what: StopScope, reason: string | null, by: UserId): Promise<void>;
  resume(what: StopScope, by: UserId): Promise<void>;
  block(whom: BlockSubject, reason: string | null, by: UserId): Promise<void>;
  unblock(whom: BlockSubject, by: UserId): Promise<void>;
  /** Deletes a person's words, name and settings; sums stay without them. False when unknown. */
  forgetUser(user: UserId, by: UserId): Promise<boolean>;
}

export function createControl({ sql }: Database): Control {
  return {
    async stop(what, reason, by) {
      await insertFlag(sql, what, reason, by);
    },
    async resume(what, by) {
      await deleteFlag(sql, what, by);
    },
    async block(whom, reason, by) {
      await insertBlock(sql, whom, reason, by);
    },
    async unblock(whom, by) {
      await deleteBlock(sql, whom, by);
    },
    forgetUser: (user, by) => forgetUser(sql, user, by),
  };
}

const flagSubject = (what: StopScope): string => (what.scope === 'all' ? '' : what.subject);
const stoppedGuild = (what: StopScope): string | null => (what.scope === 'guild' ? what.subject : null);
const auditGuild = (whom: BlockSubject): string | null => (whom.kind === 'user' ? whom.within : whom.id);
export const blockGuild = (whom: BlockSubject): string => (whom.kind === 'user' ? (whom.within ?? '') : '');

const insertFlag = (sql: Sql, what: StopScope, reason: string | null, by: UserId) =>
  reach(
    () => sql`
      with changed as (
        insert into control_flags (scope, subject, reason, set_by)
        values (${what.scope}, ${flagSubject(what)}, ${reason}, ${by})
        on conflict do nothing returning *
      )
      insert into audit (actor, action, subject, guild, after)
      select ${by}, 'stop', scope || ':' || subject, ${stoppedGuild(what)}, to_jsonb(changed) from changed`,
  );

const deleteFlag = (sql: Sql, what: StopScope, by: UserId) =>
  reach(
    () => sql`
      with changed as (
        delete from control_flags where scope = ${what.scope} and subject = ${flagSubject(what)} returning *
      )
      insert into audit (actor, action, subject, guild, before)
      select ${by}, 'resume', scope || ':' || subject, ${stoppedGuild(what)}, to_jsonb(changed) from changed`,
  );

const insertBlock = (sql: Sql, whom: BlockSubject, reason: string | null, by: UserId) =>
  reach(
    () => sql`
      with changed as (
        insert into blocks (subject_kind, subject, within_guild, reason, set_by)
        values (${whom.kind}, ${whom.id}, ${blockGuild(whom)}, ${reason}, ${by})
        on conflict do nothing returning *
      )
      insert into audit (actor, action, subject, guild, after)
      select ${by}, 'block', subject, ${auditGuild(whom)}, to_jsonb(changed) from changed`,
  );

const deleteBlock = (sql: Sql, whom: BlockSubject, by: UserId) =>
  reach(
    () => sql`
      with changed as (
        delete from blocks
        where subject_kind = ${whom.kind} and subject = ${whom.id} and within_guild = ${blockGuild(whom)}
        returning *
      )
      insert into audit (actor, action, subject, guild, before)
      select ${by}, 'unblock', subject, ${auditGuild(whom)}, to_jsonb(changed) from changed`,
  );

/** The audit names who asked, not who was forgotten. */
async function forgetUser(sql: Sql, user: UserId, by: UserId): Promise<boolean> {
  const document = JSON.stringify({ user });
  const rows = await reach(
    () => sql<{ forgotten: boolean }[]>`
      with changed as materialized (select forget_user_v1(${document}::text::jsonb) as forgotten), noted as (
        insert into audit (actor, action, subject) select ${by}, 'forget', 'user' from changed where forgotten
      )
      select forgotten from changed`,
  );
  return rows[0]?.forgotten ?? false;
}
