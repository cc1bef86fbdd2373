import type { Sql } from '../../../src/store/connection.ts';

/** A fault that somebody might build into the database's functions one day. */
export interface Mutant {
  readonly name: string;
  readonly changes: readonly Change[];
  /** The promises it may be seen by. */
  readonly seenAs: RegExp;
}

/** Replaces text of a function, or runs a statement. `as` makes a changed copy and leaves the original. */
type Change =
  | { readonly change: string; readonly from: string; readonly to: string; readonly as?: string }
  | { readonly statement: string };

export const mutants: readonly Mutant[] = [
  {
    name: 'subjects are not locked',
    changes: [{ change: 'lock_quota_subjects_v1', from: 'FOR NO KEY UPDATE', to: '' }],
    seenAs: /^I[123] /,
  },
  {
    name: 'settling does not look at the state of the turn',
    changes: [{ change: 'settle_v2', from: "v_turn.state <> 'running'", to: 'false' }],
    seenAs: /^I5 /,
  },
  {
    name: 'settling does not look at the epoch',
    changes: [{ change: 'settle_v2', from: "v_turn.epoch <> (p ->> 'epoch')::int", to: 'false' }],
    seenAs: /^I9 /,
  },
  {
    name: 'settling locks the person before the guild',
    changes: [
      {
        change: 'lock_quota_subjects_v1',
        from: 'ORDER BY s.kind, s.subject_id\n  FOR',
        to: 'ORDER BY s.kind DESC, s.subject_id\n  FOR',
        as: 'lock_backwards',
      },
      { change: 'settle_v2', from: 'lock_quota_subjects_v1', to: 'lock_backwards' },
    ],
    seenAs: /^I7 /,
  },
  {
    name: 'locks and check are one statement',
    changes: [
      {
        change: 'enter_quotas_v1',
        from: 'at := lock_quota_subjects_v2(p, false, p_guild.id, p_user.id, p_channel);',
        to: "at := '-infinity';",
      },
      {
        change: 'admit_v3',
        from: 'v_at := greatest(v_now, v_at);',
        to: 'v_at := v_now;',
      },
      {
        change: 'store_turn_v1',
        from: 'SELECT * INTO v_grant FROM quota_grant_v2(p_draft.guild_id, p_draft.user_id, p_draft.channel, p_draft.charged_at,',
        to: `SELECT g.* INTO v_grant FROM lock_quota_subjects_v1(false, p_draft.guild_id, p_draft.user_id) l
          CROSS JOIN LATERAL quota_grant_v2(p_draft.guild_id, p_draft.user_id, p_draft.channel, greatest(p_draft.charged_at, l),`,
      },
      {
        change: 'store_turn_v1',
        from: "(p #>> '{hold,maxCompletionTokens}')::int, v_images);\n  refusal",
        to: "(p #>> '{hold,maxCompletionTokens}')::int, v_images) g;\n  refusal",
      },
    ],
    seenAs: /^I[12] /,
  },
  {
    name: 'who is counted from now on is not held for what runs',
    changes: [{ change: 'open_subject_v1', from: 'WHERE h.kind = 1', to: 'WHERE false' }],
    seenAs: /^I23 /,
  },
  {
    name: 'who is counted from now on begins at nothing',
    changes: [
      {
        change: 'subject_within_v1',
        from: 'v_subject := counted_subject_v1(v_subject, p_at);',
        to: '',
      },
    ],
    seenAs: /^I[13] /,
  },
  {
    name: 'limits of channels and members come without a lock of the guild',
    changes: [
      {
        change: 'change_quota_v1',
        from: "lock_quota_subjects_v2(p, v_to ->> 'kind' = 'instance', (v_target.guild).id, (v_target.person).id, v_to ->> 'channel')",
        to: "'-infinity'::timestamptz",
      },
    ],
    seenAs: /^I(3|5|7|23) /,
  },
  {
    name: 'of what a turn takes only the guild and the person are told',
    changes: [{ change: 'book_turn_v2', from: 'q.kind = 4', to: 'false' }],
    seenAs: /^I3 /,
  },
  {
    name: 'images are held for nobody',
    changes: [{ change: 'store_turn_v1', from: "coalesce((p #>> '{hold,images}')::int, 0)", to: '0' }],
    seenAs: /^I[12] /,
  },
  {
    name: 'holds are not counted',
    changes: [{ change: 'subject_standings_v1', from: 'WHERE h.kind = p_subject.kind', to: 'WHERE false' }],
    seenAs: /^I[12] /,
  },
  {
    name: 'redelivered messages are not recognised',
    changes: [
      { change: 'known_turn_v1', from: 'WHERE t.origin_key = p_origin_key', to: 'WHERE false' },
      { change: 'store_turn_v1', from: 'ON CONFLICT (origin_key) DO NOTHING', to: '' },
      { change: 'refuse_turn_v1', from: 'ON CONFLICT (origin_key) DO NOTHING', to: '' },
      { statement: 'alter table turns drop constraint turns_origin_key_unique' },
    ],
    seenAs: /^I5 admitted once/,
  },
  {
    name: 'a window opens again when the clock goes back',
    changes: [
      {
        change: 'quota_rolled_v1',
        from: 'v_start > p_subject.hour_start',
        to: 'v_start <> p_subject.hour_start',
      },
    ],
    seenAs: /^I[123] /,
  },
  {
    name: 'a settlement is booked in the window in which it arrives',
    changes: [{ change: 'book_turn_v2', from: 'c.at >= r.hour_start', to: 'true' }],
    seenAs: /^I3 /,
  },
  {
    name: 'what people pay themselves counts as the operator’s money',
    changes: [{ change: 'money_counts_v1', from: "p_payer = 'operator' OR", to: 'true OR' }],
    seenAs: /^I(3|22) /,
  },
  {
    name: 'a larger amount is held without a check',
    changes: [
      {
        change: 'hold_cost_v1',
        from: 'v_amount - coalesce(v_held, 0) > s.lim',
        to: 'CASE WHEN v_held IS NULL THEN v_amount ELSE -s.held END > s.lim',
      },
    ],
    seenAs: /^I[12] /,
  },
  {
    name: 'money is held for a claim that is over',
    changes: [{ change: 'hold_cost_v1', from: "OR v_turn.epoch <> (p ->> 'epoch')::int", to: '' }],
    seenAs: /^I9 /,
  },
  {
    name: 'a claim that is over may create parts',
    changes: [{ change: 'intend_part_v2', from: "AND t.epoch = (p ->> 'epoch')::int", to: '' }],
    seenAs: /^I9 /,
  },
  {
    name: 'a claim that is over is renewed when its process has the turn again',
    changes: [{ change: 'renew_leases_v2', from: 'OR t.epoch <> a.epoch', to: '' }],
    seenAs: /^I9 /,
  },
  {
    name: 'a claim that is over replaces the parts of the good one',
    changes: [
      { change: 'part_sent_v3', from: "v_turn.epoch = (p ->> 'epoch')::int", to: 'v_turn.id IS NOT NULL' },
    ],
    seenAs: /^I11 /,
  },
  {
    name: 'a process claims what it works on itself',
    changes: [{ change: 'claim_work_v2', from: "(p -> 'held') h(id)", to: "('[]') h(id)" }],
    seenAs: /^I12 /,
  },
  {
    name: 'a deleted message keeps what follows it',
    changes: [
      {
        change: 'delete_messages_v1',
        from: "WHERE parent_id = v_message.id AND role = 'user'",
        to: 'WHERE false',
      },
    ],
    seenAs: /^I14 /,
  },
  {
    name: 'a turn that is dropped from the queue keeps its holds',
    changes: [
      {
        change: 'delete_messages_v1',
        from: 'DELETE FROM quota_holds WHERE turn_id = v_turn.id',
        to: 'PERFORM 1',
      },
    ],
    seenAs: /^I6 /,
  },
  {
    name: 'a finished turn keeps its holds',
    changes: [
      {
        change: 'book_turn_v2',
        from: 'DELETE FROM quota_holds WHERE turn_id = p_turn.id',
        to: 'SELECT 1 INTO STRICT p_turn.epoch',
      },
    ],
    seenAs: /^I[16] /,
  },
];

/** Fails when the text that it replaces is not there any more: such a mutant would prove nothing. */
export async function applyMutant(sql: Sql, mutant: Mutant): Promise<void> {
  for (const change of mutant.changes) {
    if ('statement' in change) {
      await sql.unsafe(change.statement);
      continue;
    }
    const [row] = await sql<{ text: string }[]>`select pg_get_functiondef(${change.change}::regproc) as text`;
    const text = row?.text ?? '';
    if (!text.includes(change.from)) throw new Error(`${change.change} does not contain “${change.from}”.`);
    const changed = text.replaceAll(change.from, change.to);
    await sql.unsafe(change.as === undefined ? changed : changed.replace(change.change, change.as));
  }
}
