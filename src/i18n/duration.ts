/**
 * A wait in words, rounded up so that a promise made with it holds: seconds below 90 s, minutes
 * below 90 min, hours below 36 h, then days.
 */
export function formatDuration(locale: string, durationMs: number): string {
  const { value, unit } = roundUp(Math.max(0, durationMs));
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
}

function roundUp(durationMs: number): { value: number; unit: 'second' | 'minute' | 'hour' | 'day' } {
  const seconds = Math.max(1, Math.ceil(durationMs / 1000));
  if (seconds < 90) return { value: seconds, unit: 'second' };
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return { value: minutes, unit: 'minute' };
  const hours = Math.ceil(minutes / 60);
  if (hours < 36) return { value: hours, unit: 'hour' };
  return { value: Math.ceil(hours / 24), unit: 'day' };
}

/** A time that was measured, in words: seconds to a tenth below 90 s, then as a wait. */
export function formatElapsed(locale: string, durationMs: number): string {
  if (durationMs >= 90_000) return formatDuration(locale, durationMs);
  const seconds = Math.round(durationMs / 100) / 10;
  return new Intl.NumberFormat(locale, { style: 'unit', unit: 'second', unitDisplay: 'long' }).format(
    seconds,
  );
}

/** US dollars from integer nano-USD, with as many digits as a small amount needs to be seen. */
export function formatUsd(locale: string, nanoUsd: number): string {
  const usd = nanoUsd / 1e9;
  const digits = usd === 0 || usd >= 1 ? 2 : usd >= 0.01 ? 4 : 9;
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  }).format(usd);
}

export function formatCount(locale: string, count: number): string {
  return new Intl.NumberFormat(locale).format(count);
}

/** A moment to the minute, the same in every language: `2027-01-31 18:00 UTC`. */
export function formatMoment(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
