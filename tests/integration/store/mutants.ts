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
    changes: [{ change: 'settle_v1', from: "v_turn.state <> 'running'", to: 'false' }],
    seenAs: /^I5 /,
  },
  {
    name: 'settling does not look at the epoch',
    changes: [{ change: 'settle_v1', from: "v_turn.epoch <> (p ->> 'epoch')::int", to: 'false' }],
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
      { change: 'settle_v1', from: 'lock_quota_subjects_v1', to: 'lock_backwards' },
    ],
    seenAs: /^I7 /,
  },
  {
    name: 'locks and check are one statement',
    changes: [
      {
        change: 'admit_v1',
        from: 'v_at := lock_quota_subjects_v1(false, v_guild.id, v_user.id);',
        to: "v_at := '-infinity';",
      },
      {
        change: 'admit_v1',
        from: 'SELECT * INTO v_grant FROM quota_grant_v1(v_guild.id, v_user.id, v_at,',
        to: `SELECT g.* INTO v_grant FROM lock_quota_subjects_v1(false, v_guild.id, v_user.id) l
          CROSS JOIN LATERAL quota_grant_v1(v_guild.id, v_user.id, greatest(v_at, l),`,
      },
      {
        change: 'admit_v1',
        from: "(p #>> '{hold,maxCompletionTokens}')::int);\n  IF v_grant.refusal",
        to: "(p #>> '{hold,maxCompletionTokens}')::int) g;\n  IF v_grant.refusal",
      },
    ],
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
      { change: 'admit_v1', from: 'ON CONFLICT (origin_key) DO NOTHING', to: '' },
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
    changes: [{ change: 'book_turn_v1', from: 'c.at >= r.hour_start', to: 'true' }],
    seenAs: /^I3 /,
  },
  {
    name: 'a finished turn keeps its holds',
    changes: [
      {
        change: 'book_turn_v1',
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
