import { asNumber } from './json.ts';

/** Looks a header up by its lower-case name. */
export type HeaderLookup = (name: string) => string | null;

/**
 * How long the other side asks us to wait, in milliseconds from `nowMs`, 0 to 24 hours; null when it doesn't say. Reads
 * `retry-after-ms`, then `Retry-After` in seconds or as an HTTP date (RFC 9110 §10.2.3), then `X-RateLimit-Reset`.
 */
export function retryAfterMs(header: HeaderLookup, nowMs: number): number | null {
  const wait =
    asNumber(header('retry-after-ms')) ??
    fromRetryAfter(header('retry-after'), nowMs) ??
    fromReset(header('x-ratelimit-reset'), nowMs);
  return wait === null ? null : clampWaitMs(wait);
}

/** A wait within 0 to 24 hours. */
export function clampWaitMs(ms: number): number {
  return Math.min(Math.max(ms, 0), 86_400_000);
}

function fromRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  const seconds = asNumber(value);
  if (seconds !== null) return seconds * 1000;
  const dateMs = Date.parse(value);
  return Number.isNaN(dateMs) ? null : dateMs - nowMs;
}

/** OpenRouter sends epoch milliseconds; its proxies and peers send epoch seconds or seconds to wait. The magnitude tells. */
function fromReset(value: string | null, nowMs: number): number | null {
  const reset = asNumber(value);
  if (reset === null) return null;
  if (reset > 1e11) return reset - nowMs;
  if (reset > 1e9) return reset * 1000 - nowMs;
  return reset * 1000;
}
