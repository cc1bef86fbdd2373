import {
  availability,
  contextTooLong,
  freeVariantEnded,
  modelNotFound,
  noEndpoints,
  noInput,
  noToolChoice,
  noToolUse,
  privacyRestricted,
  serverToolFailed,
} from './endpoint-refusals.ts';
import { refuse, unauthorizedTexts, type Refusal } from './errors.ts';

/** What a refusal's text refers to. */
export interface RefusalContext {
  modelId: string;
  provider: string;
  /** Epoch milliseconds. */
  nowMs: number;
  /** The `max_tokens` of the request, or what the service assumes without it. */
  maxTokens: number;
  /** For `cannot-afford`. */
  affordableTokens: number;
  /** The free requests of one day. */
  freePerDay: number;
  freePerMinute: number;
}

const creditsUrl = 'https://openrouter.ai/settings/credits';
const simulatedUserId = 'user_simulated';

type Build = (context: RefusalContext) => Refusal;

const builders = {
  'missing-authentication': () => refuse(401, unauthorizedTexts.missing),
  'no-credentials': () => refuse(401, unauthorizedTexts.empty),
  'no-cookie': () => refuse(401, unauthorizedTexts.notBearer),
  'unknown-user': () => refuse(401, unauthorizedTexts.unknown),
  'no-credits': () =>
    refuse(402, `Insufficient credits. Add more using ${creditsUrl}`, {
      metadata: { limit_source: 'openrouter_credits' },
      userId: simulatedUserId,
    }),
  'cannot-afford': ({ maxTokens, affordableTokens }) =>
    refuse(
      402,
      `This request requires more credits, or fewer max_tokens. You requested up to ${maxTokens} tokens, but can only afford ${affordableTokens}. To increase, visit ${creditsUrl} and add more credits`,
      {
        metadata: { limit_source: 'openrouter_credits', reason: 'weight_exceeds_budget' },
        userId: simulatedUserId,
      },
    ),
  'in-flight-budget': () =>
    refuse(402, 'Too many requests are in flight for the remaining credits. Please retry shortly.', {
      metadata: { limit_source: 'openrouter_in_flight_budget', reason: 'in_flight_budget_exhausted' },
      headers: { 'retry-after': '2' },
      userId: simulatedUserId,
    }),
  'key-limit': () =>
    refuse(403, 'Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys', {
      metadata: { limit_source: 'openrouter_key_limit', scope: 'key_limit' },
      userId: simulatedUserId,
    }),
  'workspace-budget': () =>
    refuse(403, 'Workspace monthly budget of $500.00 exceeded. Ask an administrator to raise it.', {
      metadata: { limit_source: 'openrouter_workspace_budget', scope: 'workspace', limit_usd: 500 },
    }),
  'guardrail-budget': () =>
    refuse(403, 'Guardrail daily budget of $5.00 exceeded. Ask an administrator to raise it.', {
      metadata: { limit_source: 'openrouter_guardrail_budget', scope: 'guardrail', limit_usd: 5 },
    }),
  guardrail: () =>
    refuse(403, 'Request blocked: prompt injection patterns detected', {
      metadata: { patterns: ['ignore all previous instructions'] },
    }),
  moderation: ({ modelId, provider }) =>
    refuse(403, `${modelId} requires moderation on ${provider}. Your input was flagged for "violence".`, {
      metadata: {
        error_type: 'content_policy_violation',
        reasons: ['violence'],
        flagged_input: 'The first words ... the last words',
        provider_name: provider,
        model_slug: modelId,
      },
    }),
  'region-restricted': ({ modelId }) =>
    refuse(403, 'This model is not available in your region.', {
      availability: availability('region_restricted', modelId),
    }),
  'management-only': () => refuse(403, 'Only management keys can perform this operation'),
  'model-not-found': ({ modelId }) => modelNotFound(modelId),
  'context-length': () => contextTooLong(4096, 8000, 1000),
  'no-endpoints': ({ modelId }) => noEndpoints(modelId),
  'free-variant-ended': ({ modelId }) => freeVariantEnded(modelId),
  'model-deprecated': ({ modelId }) =>
    refuse(404, `${modelId} has been deprecated.`, {
      availability: availability('model_deprecated', modelId),
    }),
  'model-unavailable-upstream': ({ modelId, provider }) =>
    refuse(404, 'Provider returned error', {
      metadata: { raw: `The model ${modelId} does not exist`, provider_name: provider },
      availability: availability('model_unavailable_upstream', modelId),
    }),
  privacy: ({ modelId }) => privacyRestricted(modelId, ['data_policy:training']),
  'no-tool-use': () => noToolUse('f'),
  'no-image-input': () => noInput('image'),
  'no-tool-choice': () => noToolChoice(),
  'operation-timeout': () => refuse(408, 'Operation timed out. Please try again later.'),
  'payload-too-large': () => refuse(413, 'Request payload too large'),
  'image-too-large': () =>
    refuse(413, 'Downloaded image content cannot exceed 30MB', {
      metadata: { error_type: 'image_too_large' },
    }),
  'invalid-argument': () => refuse(422, 'Invalid argument'),
  'free-per-minute': ({ nowMs, freePerMinute }) =>
    freeTierRefusal('free-models-per-min', freePerMinute, nextMinuteMs(nowMs)),
  'free-per-day': ({ nowMs, freePerDay }) =>
    freeTierRefusal(
      freePerDay > 50
        ? 'free-models-per-day-high-balance'
        : 'free-models-per-day. Add 10 credits to unlock 1000 free model requests per day',
      freePerDay,
      nextMidnightMs(nowMs),
    ),
  'upstream-rate-limit': ({ modelId, provider }) =>
    refuse(429, 'Provider returned error', {
      metadata: {
        raw: `${modelId} is temporarily rate-limited upstream. Please retry shortly, or add your own key to accumulate your rate limits: https://openrouter.ai/settings/integrations`,
        provider_name: provider,
        limit_source: 'upstream_provider_shared_pool',
        remedy_hint: 'Retry shortly, add your own provider key, or route to another provider',
      },
      userId: simulatedUserId,
    }),
  'capacity-exhausted': ({ modelId }) =>
    refuse(429, 'All providers for this model are at capacity. Please retry shortly.', {
      availability: { ...availability('capacity_exhausted', modelId), retryable: true, retry_after: 5 },
    }),
  /** What the service's own tools run into, whatever it is. */
  'server-tool': () => serverToolFailed(),
  internal: () => refuse(500, 'Internal Server Error'),
  'provider-error': ({ provider }) =>
    refuse(502, 'Provider returned error', {
      metadata: {
        raw: '{"error":{"message":"upstream connect error","type":"server_error"}}',
        provider_name: provider,
        provider_code: 'server_error',
      },
      userId: simulatedUserId,
    }),
  unavailable: ({ modelId }) =>
    refuse(503, 'Service temporarily unavailable', {
      availability: { ...availability('temporarily_unavailable', modelId), retryable: true },
    }),
  'gateway-timeout': () => refuse(504, 'The operation timed out.'),
  'edge-timeout': () => refuse(524, 'Request timed out. Please try again later.'),
  overloaded: ({ provider }) =>
    refuse(529, 'Provider returned error', {
      metadata: { raw: 'Overloaded', provider_name: provider },
    }),
  'proxy-page': () => ({
    status: 502,
    headers: { 'content-type': 'text/html; charset=UTF-8' },
    body: '<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>Bad gateway</h1><p>The web server reported a bad gateway error.</p></body></html>\n',
  }),
} satisfies Record<string, Build>;

export type RefusalName = keyof typeof builders;

export const refusalNames = Object.keys(builders) as [RefusalName, ...RefusalName[]];

/** The answer with which OpenRouter refuses for this reason, with its status, texts and metadata. */
export function namedRefusal(name: RefusalName, context: RefusalContext): Refusal {
  const build: Build = builders[name];
  return build(context);
}

function freeTierRefusal(message: string, limit: number, resetMs: number): Refusal {
  const source = message.includes('per-min') ? 'per_minute' : 'daily';
  return refuse(429, `Rate limit exceeded: ${message}`, {
    metadata: {
      headers: {
        'X-RateLimit-Limit': String(limit),
        'X-RateLimit-Remaining': '0',
        'X-RateLimit-Reset': String(resetMs),
      },
      limit_source: `openrouter_free_tier_${source}`,
      provider_name: null,
    },
    userId: simulatedUserId,
  });
}

function nextMinuteMs(nowMs: number): number {
  return (Math.floor(nowMs / 60_000) + 1) * 60_000;
}

function nextMidnightMs(nowMs: number): number {
  return (Math.floor(nowMs / 86_400_000) + 1) * 86_400_000;
}
