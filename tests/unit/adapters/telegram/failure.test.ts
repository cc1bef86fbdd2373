import { GrammyError, HttpError } from 'grammy';
import { describe, expect, it } from 'vitest';
import {
  describe as describeFailure,
  isTransient,
  toDelivery,
  toFailure,
} from '../../../../src/adapters/telegram/failure.ts';

const secretText = 'my private question';
const token = '123456789:AA-secret-token-AAAAAAAAAAAAAAAAAA';

function refusal(code: number, description: string, parameters = {}): GrammyError {
  return new GrammyError(
    "Call to 'sendMessage' failed!",
    { ok: false, error_code: code, description, parameters },
    'sendMessage',
    { chat_id: 1, text: secretText },
  );
}

function lost(code: string): HttpError {
  const cause = Object.assign(
    new Error(`request to https://api.telegram.org/bot${token}/sendMessage failed`),
    { code },
  );
  return new HttpError("Network request for 'sendMessage' failed!", cause);
}

describe('a failure', () => {
  it.each([
    refusal(400, 'Bad Request: chat not found'),
    lost('ECONNRESET'),
    new HttpError('x', new Error(token)),
    new Error(`Failed query, params: ${secretText}`),
  ])('carries neither the text nor the token: %#', (error) => {
    const failure = toFailure(error);
    expect(JSON.stringify(failure) + describeFailure(failure)).not.toMatch(
      new RegExp(`${secretText}|${token}`, 'u'),
    );
  });

  it.each([
    [refusal(403, 'Forbidden: bot was blocked by the user'), 'unreachable'],
    [refusal(400, 'Bad Request: chat not found'), 'unreachable'],
    [refusal(429, 'Too Many Requests: retry after 90', { retry_after: 90 }), 'postponed'],
    [refusal(500, 'Internal Server Error'), 'postponed'],
    [refusal(401, 'Unauthorized'), 'postponed'],
    [refusal(404, 'Not Found'), 'postponed'],
    [lost('ECONNREFUSED'), 'postponed'],
    [new TypeError('x is undefined'), 'unreachable'],
  ])('becomes a delivery: %s', (error, kind) => {
    expect(toDelivery(toFailure(error)).kind).toBe(kind);
  });

  it('says how long a refused call has to wait', () => {
    const failure = toFailure(refusal(429, 'Too Many Requests: retry after 90', { retry_after: 90 }));
    expect(toDelivery(failure)).toMatchObject({ retryAfterMs: 90_000 });
  });

  it('knows a request that was never sent from one whose answer was lost', () => {
    expect(toFailure(lost('ECONNREFUSED'))).toMatchObject({ kind: 'unreachable', applied: 'no' });
    expect(toFailure(lost('ECONNRESET'))).toMatchObject({ kind: 'unreachable', applied: 'unknown' });
  });

  it('is worth another try only where the same content may be taken later', () => {
    expect([500, 502, 429].map((code) => isTransient(toFailure(refusal(code, ''))))).toEqual([
      true,
      true,
      true,
    ]);
    expect([400, 401, 403, 404].map((code) => isTransient(toFailure(refusal(code, ''))))).not.toContain(true);
  });
});
