import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyFailure } from '../../../src/completion/classify-failure.ts';
import type { CompletionFailure } from '../../../src/completion/failure.ts';

const nowMs = Date.UTC(2026, 10, 21, 12, 0, 30);
const classify = (httpStatus: number | null, error: unknown, headers: Record<string, string> = {}) =>
  classifyFailure({ httpStatus, error, headers: (name) => headers[name] ?? null }, nowMs);

describe('an error', () => {
  it.each<[string, number | null, object, CompletionFailure['kind']]>([
    ['a search that failed', 400, { message: 'Server tool request failed' }, 'search_failed'],
    [
      'a model without tools',
      404,
      { message: 'No endpoints found that support tool use. Try disabling "openrouter:web_search".' },
      'search_unsupported',
    ],
    [
      'a free day by its source',
      429,
      { metadata: { limit_source: 'openrouter_free_tier_daily' } },
      'free_day_spent',
    ],
    [
      'a free minute by its source',
      429,
      { metadata: { limit_source: 'openrouter_free_tier_per_minute' } },
      'free_minute_spent',
    ],
    [
      'a free day by its text',
      429,
      { message: 'Rate limit exceeded: free-models-per-day-high-balance' },
      'free_day_spent',
    ],
    [
      'a free minute by its text',
      429,
      { message: 'Rate limit exceeded: free-models-per-min' },
      'free_minute_spent',
    ],
    [
      'a shared pool upstream',
      429,
      { metadata: { limit_source: 'upstream_provider_shared_pool' } },
      'rate_limited',
    ],
    ['tokens per minute upstream', 429, { message: 'tokens per min (TPM)' }, 'rate_limited'],
    [
      'an in-flight budget by its reason',
      402,
      { metadata: { reason: 'in_flight_budget_exhausted' } },
      'in_flight_budget',
    ],
    ['too few credits for this answer', 402, { metadata: { reason: 'weight_exceeds_budget' } }, 'no_credits'],
    ['a key limit under 402', 402, { metadata: { limit_source: 'openrouter_key_limit' } }, 'key_limit'],
    ['a key limit by its text', 403, { message: 'Key limit exceeded (total limit).' }, 'key_limit'],
    ['a blocked request', 403, { message: 'Request blocked: x' }, 'moderated'],
    ['an unexplained 403', 403, { message: 'no' }, 'no_endpoint'],
    ['an unknown model', 400, { message: 'acme/x is not a valid model ID' }, 'model_not_found'],
    [
      'a long context by its text',
      400,
      { message: "This endpoint's maximum context length is 9 tokens." },
      'context_too_long',
    ],
    ['a dead model', 404, { message: 'No endpoints found for x:free.' }, 'model_not_found'],
    ['a missing ability', 404, { message: 'No endpoints found that support image input' }, 'no_endpoint'],
    [
      'a type that contradicts the status',
      502,
      { metadata: { error_type: 'content_policy_violation' } },
      'moderated',
    ],
    [
      'a type outside the metadata',
      null,
      { error_type: 'provider_overloaded', http_status: 503 },
      'overloaded',
    ],
    ['a string code', null, { code: 'rate_limit_exceeded' }, 'rate_limited'],
    ['a number as a string', null, { code: '503' }, 'overloaded'],
    ['a code inside a 200', null, { code: 524 }, 'timeout'],
    ["a provider's own authentication", 401, { metadata: { provider_name: 'Acme' } }, 'upstream_error'],
    [
      'a request that one provider rejects',
      400,
      {
        message: 'Provider returned error',
        metadata: { provider_name: 'Acme', error_type: 'invalid_request' },
      },
      'upstream_error',
    ],
    [
      'a request that OpenRouter rejects',
      400,
      { metadata: { error_type: 'invalid_request' } },
      'invalid_request',
    ],
    ['an unknown code', null, { code: 'mystery' }, 'upstream_error'],
    ['an unknown status', 418, {}, 'upstream_error'],
  ])('about %s is told apart', (_, status, error, kind) => {
    expect(classify(status, error).kind).toBe(kind);
  });

  it('that is a firewall page with status 403 is no refusal of ours', () => {
    expect(classify(403, undefined)).toMatchObject({ kind: 'upstream_error', detail: '403, not JSON' });
  });

  it('names the end of a free allowance from the headers inside its metadata', () => {
    const metadata = {
      limit_source: 'openrouter_free_tier_daily',
      headers: { 'X-RateLimit-Reset': String(nowMs + 5000) },
    };
    expect(classify(429, { metadata })).toMatchObject({ resetsAtMs: nowMs + 5000 });
  });

  it('names the next UTC midnight or minute where the end of an allowance is not told', () => {
    expect(classify(429, { message: 'free-models-per-day' })).toMatchObject({
      resetsAtMs: Date.UTC(2026, 10, 22),
    });
    expect(classify(429, { message: 'free-models-per-min' })).toMatchObject({
      resetsAtMs: Date.UTC(2026, 10, 21, 12, 1),
    });
  });

  it('says how long to wait from the header before the body', () => {
    const error = { availability: { code: 'capacity_exhausted', retry_after: 5 } };
    expect(classify(429, error)).toMatchObject({ kind: 'rate_limited', retryAfterMs: 5000 });
    expect(classify(429, error, { 'retry-after': '9' })).toMatchObject({ retryAfterMs: 9000 });
  });

  it('marks what only the privacy settings can change', () => {
    expect(classify(404, { availability: { code: 'privacy_restricted' } })).toMatchObject({
      byPrivacySettings: true,
    });
    expect(classify(404, { availability: { code: 'no_endpoints' } })).not.toHaveProperty('byPrivacySettings');
  });

  it('keeps its codes in the detail', () => {
    const metadata = {
      error_type: 'provider_unavailable',
      provider_name: 'Acme',
      provider_code: 'server_error',
    };
    expect(classify(502, { metadata }).detail).toBe('502, provider_unavailable, server_error, provider Acme');
  });

  it('leaves out of the detail what is no code, for it may be what a person wrote', () => {
    const metadata = { error_type: 'my cat is ill', provider_code: 'tell nobody', provider_name: 'Acme' };
    expect(classify(502, { metadata }).detail).toBe('502, provider Acme');
  });

  it('of any shape whatever is classified, in 300 characters and without what it quotes', () => {
    const secret = 'sk-or-v1-0123456789';
    const value = fc.oneof(fc.jsonValue(), fc.constant(`"${secret}"`), fc.constant(secret));
    const error = fc.record(
      {
        code: value,
        message: value,
        error_type: value,
        metadata: fc.oneof(
          value,
          fc.record({
            limit_source: value,
            raw: value,
            provider_name: value,
            headers: value,
            flagged_input: value,
          }),
        ),
        availability: fc.oneof(value, fc.record({ code: value, retry_after: value })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 400, max: 599 })), fc.oneof(value, error), (status, body) => {
        const { detail } = classify(status, body);
        expect(detail.length).toBeLessThanOrEqual(300);
        expect(detail).not.toContain(secret);
      }),
    );
  });
});
