import type {
  QuotaChangeOutcome,
  QuotaExplanation,
  QuotaInForce,
  QuotaOverview,
  QuotaSetting,
} from '../limits/ports.ts';
import type { Notice } from '../i18n/translate.ts';
import { METRICS, WINDOWS, type Allowance } from './quota-options.ts';
import { lines } from './command.ts';

type Say = (notice: Notice) => string;

/** For whom a limit is, as sentences call it. */
export type Whose =
  | 'instance'
  | 'guild'
  | 'channel'
  | 'role'
  | 'members'
  | 'member'
  | 'user'
  | 'other_guild'
  | 'self';

/** Stands for no limit where a sentence takes a number. */
const NONE = -1;
const MOST_HOLDS = 10;

/** One line for each limit. `isReader`: it is the reader whom it counts for. */
export function inForceLines(
  limits: readonly QuotaInForce[],
  { nowMs, isReader }: { readonly nowMs: number; readonly isReader: boolean },
  say: Say,
): string[] {
  return limits.map(({ subject, metric, window, limit, used, held, resetsAtMs, by, role, untilMs }) =>
    say({
      key: 'quota.line',
      params: {
        subject,
        metric,
        window,
        limit,
        used,
        held,
        by,
        waitMs: resetsAtMs - nowMs,
        isByRole: Number(role !== null),
        isReader: Number(isReader),
        untilMs: untilMs ?? 0,
      },
    }),
  );
}

export function overviewWords(
  { inForce, set }: QuotaOverview,
  whose: Whose,
  nowMs: number,
  say: Say,
): string {
  const isEmpty = inForce.length === 0 && set.length === 0;
  return lines(
    say({ key: 'quota.title', params: { whose } }),
    ...(isEmpty ? [say({ key: 'quota.none' })] : inForceLines(inForce, { nowMs, isReader: false }, say)),
    ...(set.length === 0 ? [] : ['', say({ key: 'quota.rules' }), ...set.map((one) => ruleLine(one, say))]),
    '',
    say({ key: 'quota.how' }),
  );
}

function ruleLine({ key, limit, by, untilMs }: QuotaSetting, say: Say): string {
  const metric = METRICS.find((known) => key.startsWith(`${known}_`)) ?? '';
  const window = WINDOWS.find((known) => key.endsWith(`_${known}`)) ?? '';
  const params = { metric, window, limit: limit ?? NONE, by, untilMs: untilMs ?? 0 };
  return say({ key: 'quota.rule', params });
}

export interface Changed extends Allowance {
  readonly whose: Whose;
  readonly limit: number | null;
  readonly untilMs: number | null;
  /** What the subject was called when it was named. */
  readonly id: string;
}

export function changeWords(outcome: QuotaChangeOutcome, change: Changed, say: Say): string {
  if (outcome.kind === 'unknown') return say({ key: 'quota.unknown', params: { id: change.id } });
  const { whose, metric, window, limit, untilMs } = change;
  const params = { whose, metric, window, limit: limit ?? NONE, untilMs: untilMs ?? 0 };
  const { inForce } = outcome;
  const isLower = inForce !== null && (limit === null || inForce < limit);
  return lines(
    say({ key: outcome.kind === 'changed' ? 'quota.changed' : 'quota.same', params }),
    ...(limit === 0 ? [say({ key: 'quota.blocks' })] : []),
    ...(isLower ? [say({ key: 'quota.lower_holds', params: { metric, window, limit: inForce } })] : []),
  );
}

export function clearWords(
  outcome: QuotaChangeOutcome,
  {
    whose,
    id,
    allowance,
  }: { readonly whose: Whose; readonly id: string; readonly allowance: Allowance | null },
  say: Say,
): string {
  if (outcome.kind === 'unknown') return say({ key: 'quota.unknown', params: { id } });
  const { metric, window } = allowance ?? { metric: '', window: '' };
  const { inForce } = outcome;
  return lines(
    outcome.kind === 'changed'
      ? say({ key: 'quota.cleared', params: { whose, metric, window } })
      : say({ key: 'quota.nothing' }),
    ...(allowance !== null && inForce !== null
      ? [say({ key: 'quota.in_force', params: { metric, window, limit: inForce } })]
      : []),
  );
}

export function explanationWords(
  { counters, holds }: QuotaExplanation,
  whose: Whose,
  nowMs: number,
  say: Say,
): string {
  return lines(
    say({ key: 'quota.explain_title', params: { whose } }),
    ...(counters.length === 0 ? [say({ key: 'quota.explain_none' })] : []),
    ...counters.map(({ limit, resetsAtMs, ...counter }) =>
      say({
        key: 'quota.explain_counter',
        params: { ...counter, limit: limit ?? NONE, waitMs: resetsAtMs - nowMs },
      }),
    ),
    '',
    say({ key: 'quota.explain_holds', params: { holds: holds.length } }),
    ...holds.slice(0, MOST_HOLDS).map(({ turn, state, sinceMs, ...hold }) =>
      say({
        key: 'quota.explain_hold',
        params: { ...hold, turn: turn ?? '', state: state ?? '', sinceMs: nowMs - sinceMs },
      }),
    ),
    ...(holds.length > MOST_HOLDS
      ? [say({ key: 'quota.explain_more', params: { more: holds.length - MOST_HOLDS } })]
      : []),
  );
}
