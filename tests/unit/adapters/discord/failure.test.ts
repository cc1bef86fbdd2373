import { DiscordAPIError, HTTPError, RateLimitError } from 'discord.js';
import { describe, expect, it } from 'vitest';
import {
  describe as inWords,
  isClosed,
  isTransient,
  toDelivery,
  toFailure,
} from '../../../../src/adapters/discord/failure.ts';

const WEBHOOK = 'http://127.0.0.1:9/api/v10/webhooks/1100000000000000002/the-token/messages/@original?x=1';
const CHANNEL = 'https://discord.com/api/v10/channels/1100000000000000001/messages/1100000000000000003';

function refused(status: number, code: number, url = CHANNEL, errors: object = {}) {
  const raw = { code, message: 'quotes the-text', errors };
  return toFailure(
    new DiscordAPIError(raw as never, code, status, 'PATCH', url, { body: 'the-text', files: [] }),
  );
}

function limited(global: boolean, retryAfter: number) {
  const ids = {
    hash: 'h',
    majorParameter: '1',
    url: WEBHOOK,
    route: '/webhooks/:id/:token',
    method: 'PATCH',
  };
  const times = { timeToReset: retryAfter, retryAfter, sublimitTimeout: 0, limit: 5 };
  return toFailure(new RateLimitError({ ...ids, ...times, global, scope: 'user' }));
}

const socket = (code: string) => Object.assign(new Error('connect http://the-token'), { code });
const timeout = Object.assign(new Error('the-token'), { name: 'AbortError' });

describe('a failure of Discord', () => {
  it('names the path, but neither ids nor the token in it, nor what was sent', () => {
    expect(inWords(refused(404, 10008))).toBe('PATCH /channels/:id/messages/:id: 404 10008');
    expect(inWords(refused(404, 10015, WEBHOOK))).toBe(
      'PATCH /webhooks/:id/:token/messages/@original: 404 10015',
    );
  });

  it('says which fields are malformed, and how, without the sentences', () => {
    const wrong = (code: string) => ({ _errors: [{ code, message: 'the-text' }] });
    const errors = {
      content: wrong('BASE_TYPE_MAX_LENGTH'),
      components: { 0: { label: wrong('BASE_TYPE_REQUIRED') } },
    };
    const words = inWords(refused(400, 50035, CHANNEL, errors));
    expect(words).toContain('content:BASE_TYPE_MAX_LENGTH');
    expect(words).toContain('0.label:BASE_TYPE_REQUIRED');
    expect(words).not.toContain('the-text');
  });

  it.each([
    ['a rate limit', limited(false, 300), true, 'postponed'],
    ['a server error', toFailure(new HTTPError(502, 'Bad Gateway', 'POST', CHANNEL, {})), true, 'postponed'],
    ['a broken connection', toFailure(socket('ECONNRESET')), true, 'postponed'],
    ['a connection that is closed', toFailure(socket('UND_ERR_SOCKET')), true, 'postponed'],
    ['no answer in time', toFailure(timeout), true, 'postponed'],
    ['a page instead of JSON', toFailure(new SyntaxError('the-text')), true, 'postponed'],
    ['a refused token', refused(401, 0), false, 'postponed'],
    [
      'a token that was refused before',
      toFailure(new Error('Expected token to be set for this request')),
      false,
      'postponed',
    ],
    ['too many edits of an old message', refused(400, 30046), false, 'postponed'],
    ['the token of an interaction', refused(401, 50027, WEBHOOK), false, 'unreachable'],
    ['missing permissions', refused(403, 50013), false, 'unreachable'],
    ['too many follow-ups', refused(400, 40094, WEBHOOK), false, 'unreachable'],
    ['our bug', toFailure(new TypeError('x is not the-text')), false, 'unreachable'],
  ])('by %s is transient or final as it should be', (_, failure, transient, kind) => {
    expect(isTransient(failure)).toBe(transient);
    expect(toDelivery(failure)).toMatchObject({ kind });
    expect(inWords(failure)).not.toMatch(/the-token|the-text/u);
  });

  it('tells how long to rest, and who has to', () => {
    expect(limited(false, 300)).toMatchObject({ retryAfterMs: 300, isGlobal: false });
    expect(limited(true, 0)).toMatchObject({ retryAfterMs: 100, isGlobal: true });
    expect(toDelivery(limited(true, 7000))).toMatchObject({ retryAfterMs: 7000 });
  });

  it('tells a call that never left from one that may have arrived', () => {
    expect(toFailure(socket('ECONNREFUSED'))).toMatchObject({ applied: 'no' });
    expect(toFailure(socket('ECONNRESET'))).toMatchObject({ applied: 'unknown' });
  });

  it.each([10003, 10004, 50001, 50007, 50013, 50278, 160005])('with code %i closes the place', (code) => {
    expect(isClosed(refused(403, code))).toBe(true);
    expect(isClosed(refused(404, 10008))).toBe(false);
  });
});
