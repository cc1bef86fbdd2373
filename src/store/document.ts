import type { Sql } from './connection.ts';
import { reach } from './failure.ts';

/** Names of the database's functions that take one JSON document and return one. */
export type DocumentFunction =
  | 'admit_v4'
  | 'repeat_turn_v1'
  | 'edit_message_v1'
  | 'delete_messages_v1'
  | 'select_version_v1'
  | 'settle_v2'
  | 'hold_cost_v1'
  | 'renew_leases_v2'
  | 'release_leases_v1'
  | 'claim_work_v2'
  | 'attempt_started_v2'
  | 'intend_part_v2'
  | 'part_sent_v3'
  | 'part_removed_v1'
  | 'turn_parts_v1'
  | 'shown_v1'
  | 'mark_delivered_v2'
  | 'postpone_v2'
  | 'lead_v1'
  | 'request_cancel_v2'
  | 'start_conversation_v1'
  | 'set_guild_setting_v1'
  | 'set_user_settings_v1'
  | 'set_provider_key_v1'
  | 'remove_provider_key_v1'
  | 'mark_provider_key_v1'
  | 'ask_key_v1'
  | 'take_key_request_v1'
  | 'end_key_request_v1'
  | 'forget_sealed_v2'
  | 'rebuild_counters_v1'
  | 'housekeeping_v1'
  | 'take_free_v1'
  | 'give_back_free_v1'
  | 'correct_free_v1'
  | 'free_left_v1'
  | 'forget_free_v1';

/**
 * Calls a function of the database: one document in, one out, one round trip. Times in it are
 * milliseconds, so that no date crosses the driver. Rejects as `reach` does.
 */
export async function callFunction(
  sql: Sql,
  name: DocumentFunction,
  document: object,
  deadlineMs?: number,
): Promise<unknown> {
  const text = storableJson(document);
  const rows = await reach(
    () => sql<{ outcome: unknown }[]>`select ${sql(name)}(${text}::text::jsonb) as outcome`,
    deadlineMs,
  );
  return rows[0]?.outcome;
}

/**
 * JSON that the database takes: without NUL characters and halves of surrogate pairs, which jsonb
 * and text refuse and which any platform's message may contain. Big integers become strings.
 */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'string') return item.replaceAll('\0', '').toWellFormed();
    return typeof item === 'bigint' ? item.toString() : item;
  });
}
