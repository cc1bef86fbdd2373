import type { Notice } from '../i18n/translate.ts';
import type { QuotaKey } from '../limits/ports.ts';
import type { QuotaMetric, QuotaWindow } from '../limits/quota.ts';
import type { CommandOption } from '../platform/command.ts';
import type { CommandOptions } from './command.ts';

export const METRICS = ['requests', 'tokens', 'cost', 'images'] as const satisfies readonly QuotaMetric[];
export const WINDOWS = ['hour', 'day', 'month'] as const satisfies readonly QuotaWindow[];

/** Of which allowance, where one has to be named. */
export const KEY_OPTIONS: readonly CommandOption[] = [
  { name: 'metric', kind: 'text', required: true, choices: METRICS },
  { name: 'window', kind: 'text', required: true, choices: WINDOWS },
];
export const LIMIT_OPTION: CommandOption = { name: 'limit', kind: 'text', required: true };
export const UNTIL_OPTION: CommandOption = { name: 'until', kind: 'text', required: false };

type Read<Value> =
  | { readonly kind: 'read'; readonly value: Value }
  | { readonly kind: 'wrong'; readonly problem: Notice };

const read = <Value>(value: Value): Read<Value> => ({ kind: 'read', value });
const wrong = (problem: Notice): Read<never> => ({ kind: 'wrong', problem });

/** One kind of allowance, by its two halves. */
export interface Allowance {
  readonly metric: QuotaMetric;
  readonly window: QuotaWindow;
}

export const keyOf = ({ metric, window }: Allowance): QuotaKey => `${metric}_${window}`;

export function readKey(options: CommandOptions): Read<Allowance | null> {
  const metric = METRICS.find((known) => known === options['metric']);
  const window = WINDOWS.find((known) => known === options['window']);
  if (metric === undefined && window === undefined) return read(null);
  return metric === undefined || window === undefined
    ? wrong({ key: 'quota.key_half' })
    : read({ metric, window });
}

/** No sum of use comes near: 10^15, or a million dollars. */
const MOST = { count: 1e15, nanoUsd: 1e15 };
const NANO_DIGITS = 9;
const NEGATIVE = /^-\$?\d+(?:[.,]\d+)?$/u;
const WHOLE = /^\+?(\d+)$/u;
/** A comma with three digits behind it may stand between thousands as well, and is refused. */
const DOLLARS = /^\+?\$?(\d+)(?:\.(?=\d{1,9}$)|,(?=\d{1,2}$))?(\d*)$/u;

/** An allowance as people write it: a whole number, for cost dollars with at most nine decimals, or `none`. */
export function readLimit(metric: QuotaMetric, written: string): Read<number | null> {
  const text = written.trim().toLowerCase();
  if (text === 'none') return read(null);
  const isCost = metric === 'cost';
  if (NEGATIVE.test(text)) return wrong({ key: 'quota.limit_negative' });
  const [, whole, decimals = ''] = (isCost ? DOLLARS : WHOLE).exec(text) ?? [];
  if (whole === undefined) return wrong({ key: 'quota.limit_wrong', params: { metric } });
  const most = isCost ? MOST.nanoUsd : MOST.count;
  // Digits, not a product: tenths of a dollar have no exact binary form.
  const digits = isCost ? whole + decimals.padEnd(NANO_DIGITS, '0') : whole;
  const limit = BigInt(digits);
  return limit > BigInt(most)
    ? wrong({ key: 'quota.limit_huge', params: { metric, most } })
    : read(Number(limit));
}

const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };
/** A year, leap years too. */
const LONGEST_MS = 366 * DAY_MS;

/**
 * When something ends, in milliseconds since 1970: after so long (`90m`, `12h`, `3d`, `2w`), at a moment, or with a day. Without
 * a zone both are UTC.
 */
export function readUntil(written: string, nowMs: number): Read<number> {
  const text = written.trim();
  const [, count, unit = ''] = /^(\d{1,6})([mhdw])$/iu.exec(text) ?? [];
  const untilMs =
    count === undefined ? momentOf(text) : nowMs + Number(count) * (UNITS[unit.toLowerCase()] ?? 0);
  if (untilMs === null) return wrong({ key: 'quota.until_wrong' });
  if (untilMs <= nowMs) return wrong({ key: 'quota.until_past' });
  return untilMs - nowMs > LONGEST_MS ? wrong({ key: 'quota.until_far' }) : read(untilMs);
}

const MOMENT = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?)?$/iu;

function momentOf(text: string): number | null {
  const [, day, time, zone = 'Z'] = MOMENT.exec(text) ?? [];
  if (day === undefined) return null;
  const dayMs = Date.parse(`${day}T00:00Z`);
  // A day that no month has would roll over into the next one.
  if (Number.isNaN(dayMs) || new Date(dayMs).toISOString().slice(0, 10) !== day) return null;
  if (time === undefined) return dayMs + DAY_MS;
  const atMs = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  return Number.isNaN(atMs) ? null : atMs;
}

/** A limit as `set` takes it. */
export interface WrittenLimit {
  readonly allowance: Allowance;
  /** Null for none. */
  readonly limit: number | null;
  /** Null for one that stays. */
  readonly untilMs: number | null;
}

export function readWrittenLimit(options: CommandOptions, nowMs: number): Read<WrittenLimit> {
  const key = readKey(options);
  if (key.kind === 'wrong') return key;
  const allowance = key.value;
  if (allowance === null) return wrong({ key: 'quota.key_half' });
  const limit = readLimit(allowance.metric, String(options['limit']));
  if (limit.kind === 'wrong') return limit;
  const until = options['until'];
  const end = until === undefined ? read(null) : readUntil(String(until), nowMs);
  return end.kind === 'wrong' ? end : read({ allowance, limit: limit.value, untilMs: end.value });
}
