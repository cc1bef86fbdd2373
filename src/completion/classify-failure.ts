import type { CompletionFailure } from './failure.ts';
import { asNumber, asObject, asString, type JsonObject } from './json.ts';
import { clampWaitMs, retryAfterMs, type HeaderLookup } from './retry-after.ts';

/** An error as a provider told it, by HTTP status or inside an answer with status 200. */
export interface UpstreamError {
  /** Null when the error came inside a 200. */
  readonly httpStatus: number | null;
  /** The value of `error` in the body or event; anything at all when the body was no JSON. */
  readonly error: unknown;
  readonly headers: HeaderLookup;
}

/** What a provider's errors mean. Never throws. */
export type FailureReader = (upstream: UpstreamError, nowMs: number) => CompletionFailure;

/** What the other side can tell us; the rest are our own findings. */
type Kind = Exclude<
  CompletionFailure['kind'],
  'budget_spent' | 'no_candidate' | 'cannot_afford' | 'search_not_allowed' | 'own_key'
>;
type Rule = readonly [pattern: RegExp, kind: Kind];

/**
 * What an error of OpenRouter's means, from its codes first (`metadata.limit_source`, `availability.code`,
 * `metadata.error_type`) and from its text only where there is no code. `httpStatus` of the result is the HTTP status,
 * or the code that the error names itself when the status was 200. Never throws.
 */
export function classifyFailure(upstream: UpstreamError, nowMs: number): CompletionFailure {
  const facts = factsOf(upstream);
  return describe(blamed(kindOf(facts), facts), facts, nowMs);
}

interface Facts {
  readonly status: number | null;
  readonly isJson: boolean;
  readonly message: string;
  readonly limitSource: string;
  readonly reason: string;
  readonly errorType: string;
  readonly availability: string;
  readonly provider: string;
  readonly providerCode: string;
  readonly isModeration: boolean;
  readonly retryAfterMs: (nowMs: number) => number | null;
}

function factsOf({ httpStatus, error: raw, headers }: UpstreamError): Facts {
  const error = asObject(raw);
  const metadata = asObject(error?.['metadata']);
  const availability = asObject(error?.['availability']);
  const code = error?.['code'];
  const codeNumber = asNumber(code) ?? asNumber(error?.['http_status']);
  const namedStatus = codeNumber !== null && codeNumber >= 400 && codeNumber <= 599 ? codeNumber : null;
  const codeText = asNumber(code) === null ? asString(code) : null;
  return {
    status: httpStatus ?? namedStatus,
    isJson: error !== null,
    message: asString(error?.['message']) ?? '',
    limitSource: text(metadata, 'limit_source'),
    reason: text(metadata, 'reason'),
    errorType: text(metadata, 'error_type') || text(error, 'error_type') || (codeText ?? ''),
    availability: text(availability, 'code'),
    provider: text(metadata, 'provider_name'),
    providerCode: text(metadata, 'provider_code'),
    isModeration: ['flagged_input', 'reasons', 'patterns'].some((key) => metadata?.[key] !== undefined),
    retryAfterMs: (nowMs) =>
      retryAfterMs(headers, nowMs) ??
      retryAfterSeconds(availability?.['retry_after']) ??
      retryAfterMs(headersInside(metadata), nowMs),
  };
}

function text(object: JsonObject | null, key: string): string {
  return asString(object?.[key]) ?? '';
}

function retryAfterSeconds(value: unknown): number | null {
  const seconds = asNumber(value);
  return seconds === null ? null : clampWaitMs(seconds * 1000);
}

/** OpenRouter repeats rate limit headers in `metadata.headers`, or sends them only there. */
function headersInside(metadata: JsonObject | null): HeaderLookup {
  const entries = Object.entries(asObject(metadata?.['headers']) ?? {});
  const lowerCased = new Map(entries.map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => {
    const value = lowerCased.get(name);
    return typeof value === 'number' ? String(value) : asString(value);
  };
}

function kindOf(facts: Facts): Kind {
  return (
    match(limitSources, facts.limitSource) ??
    match(reasons, facts.reason) ??
    availabilityCodes[facts.availability] ??
    errorTypes[facts.errorType] ??
    byStatus(facts, statusOfType[facts.errorType]) ??
    byStatus(facts, facts.status) ??
    'upstream_error'
  );
}

/**
 * A provider that rejects a request which OpenRouter let pass says something about itself (a chat template without a
 * system role, a parameter it doesn't take): another model may well serve it. Only its size is the request's own.
 */
function blamed(kind: Kind, { provider, status }: Facts): Kind {
  return kind === 'invalid_request' && provider !== '' && status !== 413 ? 'upstream_error' : kind;
}

function match(rules: readonly Rule[], value: string): Kind | null {
  if (value === '') return null;
  return rules.find(([pattern]) => pattern.test(value))?.[1] ?? null;
}

const limitSources: readonly Rule[] = [
  [/^upstream/i, 'rate_limited'],
  [/daily|per.?day/i, 'free_day_spent'],
  [/per.?min/i, 'free_minute_spent'],
  [/in.?flight/i, 'in_flight_budget'],
  [/^openrouter_credits/i, 'no_credits'],
  [/^openrouter_.*(limit|budget)/i, 'key_limit'],
];

const reasons: readonly Rule[] = [
  [/^in_flight_budget_exhausted$/, 'in_flight_budget'],
  [/^weight_exceeds_budget$/, 'no_credits'],
];

const availabilityCodes: Readonly<Record<string, Kind>> = {
  model_not_found: 'model_not_found',
  model_deprecated: 'model_not_found',
  free_variant_ended: 'model_not_found',
  wrong_endpoint: 'no_endpoint',
  no_endpoints: 'no_endpoint',
  model_unavailable_upstream: 'no_endpoint',
  region_restricted: 'no_endpoint',
  privacy_restricted: 'no_endpoint',
  constraint_filtered: 'no_endpoint',
  capacity_exhausted: 'rate_limited',
  temporarily_unavailable: 'overloaded',
};

/** `metadata.error_type`, and the string codes that some providers put into `code`. */
const errorTypes: Readonly<Record<string, Kind>> = {
  context_length_exceeded: 'context_too_long',
  max_tokens_exceeded: 'context_too_long',
  token_limit_exceeded: 'context_too_long',
  string_too_long: 'context_too_long',
  content_policy_violation: 'moderated',
  content_filter: 'moderated',
  refusal: 'moderated',
  provider_overloaded: 'overloaded',
  overloaded_error: 'overloaded',
  provider_unavailable: 'upstream_error',
  server: 'upstream_error',
  server_error: 'upstream_error',
  timeout: 'timeout',
  payload_too_large: 'invalid_request',
  unprocessable: 'invalid_request',
  precondition_failed: 'invalid_request',
  invalid_image: 'invalid_request',
  image_too_large: 'invalid_request',
  image_too_small: 'invalid_request',
  unsupported_image_format: 'invalid_request',
  image_not_found: 'invalid_request',
  image_download_failed: 'invalid_request',
};

/** Types that say no more than a status does: the status' rules apply, also where the error came inside a 200. */
const statusOfType: Readonly<Record<string, number>> = {
  authentication: 401,
  payment_required: 402,
  permission_denied: 403,
  not_found: 404,
  rate_limit_exceeded: 429,
  invalid_request: 400,
  invalid_request_error: 400,
  invalid_prompt: 400,
};

function byStatus(facts: Facts, status: number | null | undefined): Kind | null {
  const rule = status === null || status === undefined ? undefined : statuses[status];
  return typeof rule === 'function' ? rule(facts) : (rule ?? null);
}

const statuses: Readonly<Record<number, Kind | ((facts: Facts) => Kind)>> = {
  400: ({ message }) => match(texts400, message) ?? 'invalid_request',
  // With a provider's name it is OpenRouter's own key or balance there that failed, not ours.
  401: ({ provider }) => (provider === '' ? 'unauthorized' : 'upstream_error'),
  402: ({ provider }) => (provider === '' ? 'no_credits' : 'upstream_error'),
  403: by403,
  404: ({ message }) => match(texts404, message) ?? 'no_endpoint',
  408: 'timeout',
  412: 'invalid_request',
  413: 'invalid_request',
  422: 'invalid_request',
  429: ({ message }) => match(texts429, message) ?? 'rate_limited',
  503: 'overloaded',
  504: 'timeout',
  524: 'timeout',
  529: 'overloaded',
};

function by403(facts: Facts): Kind {
  if (facts.isModeration) return 'moderated';
  // A page instead of JSON comes from a firewall in between.
  if (!facts.isJson) return 'upstream_error';
  return match(texts403, facts.message) ?? 'no_endpoint';
}

const texts400: readonly Rule[] = [
  [/is not a valid model/i, 'model_not_found'],
  [/maximum context length|context window/i, 'context_too_long'],
  [/^server tool request failed/i, 'search_failed'],
];
const texts403: readonly Rule[] = [
  [/key limit exceeded|budget of .* exceeded/i, 'key_limit'],
  [/^request blocked|moderation|flagged/i, 'moderated'],
];
const texts404: readonly Rule[] = [
  [/^no endpoints found for /i, 'model_not_found'],
  // The only tool that is ever sent.
  [/^no endpoints found that support tool use/i, 'search_unsupported'],
];
const texts429: readonly Rule[] = [
  [/free-models-per-day/i, 'free_day_spent'],
  [/free-models-per-min/i, 'free_minute_spent'],
];

function describe(kind: Kind, facts: Facts, nowMs: number): CompletionFailure {
  const base = { httpStatus: facts.status, detail: detailOf(facts) };
  const waitMs = facts.retryAfterMs(nowMs);
  if (kind === 'free_minute_spent' || kind === 'free_day_spent') {
    const spanMs = kind === 'free_minute_spent' ? 60_000 : 86_400_000;
    return { ...base, kind, resetsAtMs: waitMs === null ? nextMultiple(nowMs, spanMs) : nowMs + waitMs };
  }
  if (kind === 'rate_limited' || kind === 'in_flight_budget') return { ...base, kind, retryAfterMs: waitMs };
  if (kind === 'timeout') return { ...base, kind, stage: 'first_token' };
  const affordableTokens = kind === 'no_credits' ? affordable(facts) : 0;
  if (affordableTokens >= SHORTEST_ANSWER_TOKENS) return { ...base, kind: 'cannot_afford', affordableTokens };
  if (kind === 'no_endpoint' && isPrivacy(facts)) return { ...base, kind, byPrivacySettings: true };
  return { ...base, kind };
}

/** Only the text says it: `… requires more credits, or fewer max_tokens. You requested up to 64000 tokens, but can only afford 2666.` */
function affordable({ message }: Facts): number {
  return Number(/can only afford (\d{1,9})\b/i.exec(message)?.[1] ?? 0);
}

/** A shorter one is not worth the call. */
const SHORTEST_ANSWER_TOKENS = 256;

function isPrivacy({ availability, message }: Facts): boolean {
  return availability === 'privacy_restricted' || /data policy/i.test(message);
}

function nextMultiple(nowMs: number, spanMs: number): number {
  return (Math.floor(nowMs / spanMs) + 1) * spanMs;
}

/** Codes only: messages, `raw` and `flagged_input` may quote what a person wrote. */
function detailOf(facts: Facts): string {
  const { errorType, limitSource, availability, reason, providerCode, provider } = facts;
  return [
    facts.status === null ? '' : String(facts.status),
    ...[errorType, limitSource, availability, reason, providerCode].filter((code) => CODE.test(code)),
    DISPLAY_NAME.test(provider) ? `provider ${provider}` : '',
    facts.isJson ? '' : 'not JSON',
  ]
    .filter((word) => word !== '' && !/\bsk-/u.test(word))
    .join(', ');
}

const CODE = /^[\w.:/-]{1,48}$/u;
const DISPLAY_NAME = /^[\w .()-]{1,32}$/u;
