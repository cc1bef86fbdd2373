import type { UpstreamError } from './classify-failure.ts';
import type { CompletionFailure } from './failure.ts';
import { asArray, asNumber, asObject, asString, type JsonObject } from './json.ts';
import { clampWaitMs, retryAfterMs } from './retry-after.ts';

/**
 * What an error of Google's Gemini API means: from its HTTP status or `code`, and where that leaves it open from `details`
 * (`QuotaFailure`, `RetryInfo`) and its text. Never throws.
 */
export function classifyGeminiFailure(upstream: UpstreamError, nowMs: number): CompletionFailure {
  const error = asObject(upstream.error);
  const status = upstream.httpStatus ?? asNumber(error?.['code']);
  const message = asString(error?.['message']) ?? '';
  const details = asArray(error?.['details']).map(asObject);
  const base = { httpStatus: status, detail: detailOf(status, error) };
  if (status === 429) return spent(base, { upstream, message, details, nowMs });
  const kind = error === null && status === 403 ? 'upstream_error' : kindOf(status, message);
  return kind === 'timeout' ? { ...base, kind, stage: 'first_token' } : { ...base, kind };
}

type Base = Pick<CompletionFailure, 'httpStatus' | 'detail'>;
type PlainKind =
  | 'unauthorized'
  | 'no_endpoint'
  | 'context_too_long'
  | 'model_not_found'
  | 'invalid_request'
  | 'overloaded'
  | 'timeout'
  | 'upstream_error';

function kindOf(status: number | null, message: string): PlainKind {
  const byText = status === 400 ? texts400.find(([pattern]) => pattern.test(message))?.[1] : undefined;
  return byText ?? (status === null ? undefined : statuses[status]) ?? 'upstream_error';
}

/** What is not here, 400 too, is its own affair: others take the same request. */
const statuses: Readonly<Record<number, PlainKind>> = {
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'model_not_found',
  408: 'timeout',
  413: 'invalid_request',
  503: 'overloaded',
  504: 'timeout',
};

/** Google answers a wrong key with 400. */
const texts400: readonly (readonly [RegExp, PlainKind])[] = [
  [/api.?key (not valid|not found|expired|invalid)|valid api key/iu, 'unauthorized'],
  [/location is not supported|not available in your country/iu, 'no_endpoint'],
  [/exceeds the maximum number of tokens|input token count/iu, 'context_too_long'],
];

interface Quota {
  readonly upstream: UpstreamError;
  readonly message: string;
  readonly details: readonly (JsonObject | null)[];
  readonly nowMs: number;
}

/**
 * A quota for a minute or a day, of the free tier or of a paid one. For a day's Google asks to come back in seconds, in which
 * nothing changes: it begins anew at midnight in California.
 */
function spent(base: Base, { upstream, message, details, nowMs }: Quota): CompletionFailure {
  if (/credits? (is|are|were) depleted|prepay/iu.test(message)) return { ...base, kind: 'no_credits' };
  const quotas = details.flatMap((detail) =>
    asArray(detail?.['violations']).map((violation) => asString(asObject(violation)?.['quotaId']) ?? ''),
  );
  const ofDay = quotas.find((quota) => /per.?day/iu.test(quota));
  if (ofDay !== undefined) {
    const resetsAtMs = nextMidnightMs(nowMs);
    if (/free.?tier/iu.test(ofDay)) return { ...base, kind: 'free_day_spent', resetsAtMs };
    return { ...base, kind: 'rate_limited', retryAfterMs: resetsAtMs - nowMs };
  }
  const asked =
    details.map((detail) => secondsIn(asString(detail?.['retryDelay']))).find((ms) => ms !== null) ??
    secondsIn(/retry in ([\d.]+s)/iu.exec(message)?.[1] ?? null);
  return { ...base, kind: 'rate_limited', retryAfterMs: asked ?? retryAfterMs(upstream.headers, nowMs) };
}

/** `"23s"`, also with a fraction, in milliseconds. */
function secondsIn(text: string | null): number | null {
  const seconds = asNumber(/^([\d.]+)s$/u.exec(text ?? '')?.[1]);
  return seconds === null ? null : clampWaitMs(Math.ceil(seconds * 1000));
}

function nextMidnightMs(nowMs: number): number {
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'America/Los_Angeles',
    timeStyle: 'medium',
  }).format(nowMs);
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(':').map(Number);
  return nowMs + 86_400_000 - ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** Codes only: messages may quote what a person wrote. */
function detailOf(status: number | null, error: JsonObject | null): string {
  const code = asString(error?.['status']) ?? '';
  return [
    status === null ? '' : String(status),
    /^[A-Z_]{1,40}$/u.test(code) ? code : '',
    error === null ? 'not JSON' : '',
  ]
    .filter((word) => word !== '')
    .join(', ');
}
