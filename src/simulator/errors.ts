import type { Availability, ErrorBody } from './wire.ts';

/** An HTTP answer that is not a completion. `body` is sent as JSON unless it is a string. */
export interface Refusal {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: ErrorBody | string;
}

export interface RefusalDetails {
  metadata?: Readonly<Record<string, unknown>>;
  availability?: Availability;
  headers?: Readonly<Record<string, string>>;
  userId?: string;
}

/**
 * Builds an error answer in OpenRouter's shape: `error.code` repeats the status, `error.metadata.error_type` is always present and follows from
 * the status unless `details.metadata` names another one.
 */
export function refuse(status: number, message: string, details: RefusalDetails = {}): Refusal {
  const errorType = errorTypeByStatus[status] ?? 'unmapped';
  return {
    status,
    headers: details.headers ?? {},
    body: {
      error: {
        message,
        code: status,
        metadata: { error_type: errorType, ...details.metadata },
        ...(details.availability && { availability: details.availability }),
      },
      ...(details.userId !== undefined && { user_id: details.userId }),
    },
  };
}

export function isRefusal(value: object): value is Refusal {
  return 'status' in value && 'headers' in value && 'body' in value;
}

const errorTypeByStatus: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'authentication',
  402: 'payment_required',
  403: 'permission_denied',
  404: 'not_found',
  408: 'timeout',
  412: 'precondition_failed',
  413: 'payload_too_large',
  422: 'unprocessable',
  429: 'rate_limit_exceeded',
  500: 'server',
  502: 'provider_unavailable',
  503: 'provider_unavailable',
  504: 'timeout',
  524: 'timeout',
  529: 'provider_overloaded',
};

/** The texts of a 401, by what is wrong with the `Authorization` header. */
export const unauthorizedTexts = {
  missing: 'Missing Authentication header',
  empty: 'No auth credentials found',
  notBearer: 'No cookie auth credentials found',
  /** An unknown, revoked or disabled key. */
  unknown: 'User not found.',
} as const;
