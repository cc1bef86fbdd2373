import type { Sql } from './connection.ts';
import { reach } from './failure.ts';

/** Names of the database's functions that take one JSON document and return one. */
export type DocumentFunction =
  | 'admit_v4'
  | 'repeat_turn_v1'
  | 'edit_message_v1'
  | 'delete_messages_v1'
  | 'select_version_v1'
  | 'settle_v3'
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
  | 'budget_v1'
  | 'set_budget_v1'
  | 'set_guild_setting_v1'
  | 'set_user_settings_v1'
  | 'set_provider_key_v1'
  | 'remove_provider_key_v1'
  | 'mark_provider_key_v1'
  | 'ask_key_v1'
  | 'take_key_request_v1'
  | 'end_key_request_v1'
  | 'plan_offer_v1'
  | 'plan_checkout_v1'
  | 'plan_pay_v1'
  | 'plan_refund_v1'
  | 'plan_subscription_changed_v1'
  | 'plan_entitlement_v1'
  | 'plan_end_missing_v1'
  | 'change_plan_v1'
  | 'assign_sku_v1'
  | 'edit_plan_v1'
  | 'refuse_plan_v1'
  | 'plan_view_v1'
  | 'forget_sealed_v2'
  | 'set_block_v1'
  | 'approve_v1'
  | 'leave_guild_v1'
  | 'report_v1'
  | 'end_report_v1'
  | 'note_refused_v1'
  | 'rebuild_counters_v1'
  | 'due_corrections_v1'
  | 'correct_usage_v1'
  | 'audit_counters_v1'
  | 'audit_hour_v1'
  | 'audit_day_v1'
  | 'applying_quotas_v1'
  | 'show_quota_v1'
  | 'change_quota_v1'
  | 'explain_quota_v1'
  | 'refuse_quota_v1'
  | 'set_time_zone_v1'
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
 * As `callFunction`, with what the plans say of an admission put into the document first, in the same round trip. The
 * outcome tells the plan beside what it is.
 */
export async function callPlanned(sql: Sql, name: DocumentFunction, document: object): Promise<unknown> {
  const text = storableJson(document);
  const rows = await reach(
    () => sql<{ outcome: unknown }[]>`
      with asked as materialized (select with_plan_v1(${text}::text::jsonb) as p)
      select ${sql(name)}(asked.p) || jsonb_build_object('plan', asked.p #> '{planSettings,plan}') as outcome from asked`,
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
