import type { UpstreamError } from './classify-failure.ts';
import type { CompletionFailure } from './failure.ts';
import { asNumber, asObject, asString } from './json.ts';
import { retryAfterMs } from './retry-after.ts';

/**
 * What an error of Hugging Face's router, or of a provider behind it, means. `error` is a sentence or an object with
 * `message` and perhaps `code`, `type` and `http_status`; the HTTP status decides first. Never throws.
 */
export function classifyHuggingFaceFailure(upstream: UpstreamError, nowMs: number): CompletionFailure {
  const error = asObject(upstream.error);
  const message = asString(upstream.error) ?? asString(error?.['message']) ?? '';
  const code = asString(error?.['code']) ?? '';
  const named = asNumber(error?.['http_status_code']) ?? asNumber(error?.['http_status']) ?? asNumber(code);
  const status = upstream.httpStatus ?? named;
  const kind = kindOf(status, message, code);
  const base = { httpStatus: status, detail: detailOf(status, code, upstream.error === undefined) };
  if (kind === 'rate_limited') return { ...base, kind, retryAfterMs: retryAfterMs(upstream.headers, nowMs) };
  return kind === 'timeout' ? { ...base, kind, stage: 'first_token' } : { ...base, kind };
}

type Kind =
  | 'unauthorized'
  | 'no_credits'
  | 'no_endpoint'
  | 'context_too_long'
  | 'model_not_found'
  | 'invalid_request'
  | 'rate_limited'
  | 'overloaded'
  | 'timeout'
  | 'upstream_error';

function kindOf(status: number | null, message: string, code: string): Kind {
  if (code === 'model_not_supported' || /is not supported by any provider/iu.test(message))
    return 'model_not_found';
  if (status === 403) return by403(message);
  if ((status === 400 || status === 422) && tooLong.test(message)) return 'context_too_long';
  return (status === null ? undefined : statuses[status]) ?? 'upstream_error';
}

/** A token without the right to call models, or a gated model; without a sentence it comes from a firewall in between. */
function by403(message: string): Kind {
  if (message === '') return 'upstream_error';
  return /permission|authenticat|token/iu.test(message) ? 'unauthorized' : 'no_endpoint';
}

const tooLong = /context (length|window)|too long|max(imum)?.{0,30} tokens/iu;

/** What is not here, 400 too, is the affair of the provider that was chosen: another one may take the request. */
const statuses: Readonly<Record<number, Kind>> = {
  401: 'unauthorized',
  402: 'no_credits',
  404: 'model_not_found',
  408: 'timeout',
  413: 'invalid_request',
  429: 'rate_limited',
  503: 'overloaded',
  504: 'timeout',
  529: 'overloaded',
};

/** Codes only: messages may quote what a person wrote. */
function detailOf(status: number | null, code: string, isUnreadable: boolean): string {
  return [
    status === null ? '' : String(status),
    /^[\w.-]{1,48}$/u.test(code) ? code : '',
    isUnreadable ? 'not JSON' : '',
  ]
    .filter((word) => word !== '')
    .join(', ');
}
