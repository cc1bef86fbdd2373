import { APIError, RateLimitError } from 'openai';
import { describe, expect, test } from 'vitest';
import { refusalNames } from '../../../src/simulator/refusals.ts';
import { problemsWith } from './schema.ts';
import { free, json, listen, paid, start } from './client.ts';

const schemaByStatus: Readonly<Record<number, string>> = {
  400: 'BadRequestResponse',
  401: 'UnauthorizedResponse',
  402: 'PaymentRequiredResponse',
  403: 'ForbiddenResponse',
  404: 'NotFoundResponse',
  408: 'RequestTimeoutResponse',
  413: 'PayloadTooLargeResponse',
  422: 'UnprocessableEntityResponse',
  429: 'TooManyRequestsResponse',
  500: 'InternalServerResponse',
  502: 'BadGatewayResponse',
  503: 'ServiceUnavailableResponse',
  504: 'BadGatewayResponse',
  524: 'EdgeNetworkTimeoutResponse',
  529: 'ProviderOverloadedResponse',
};

describe('a refusal', () => {
  test.each(refusalNames.filter((name) => name !== 'proxy-page'))(
    '%s has the shape of the API and a stable error type',
    async (name) => {
      const { simulator, post } = await start();
      simulator.play({ kind: 'refusal', name });
      const response = await post({ model: paid, stream: true });
      const body = await json(response);
      expect(problemsWith(schemaByStatus[response.status] ?? '', body)).toEqual([]);
      expect(body.error.code).toBe(response.status);
      expect(body.error.metadata.error_type).toMatch(/^[a-z_]+$/);
      expect(body.error.metadata.error_type).not.toBe('unmapped');
      expect(simulator.calls[0]).toMatchObject({ status: response.status, model: paid, usage: undefined });
    },
  );

  test('reaches the real client with its metadata', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'refusal', name: 'upstream-rate-limit', retryAfter: 3 });
    const { error } = await listen(client);
    expect(error).toBeInstanceOf(RateLimitError);
    const { headers, error: inner } = error as RateLimitError;
    expect(headers?.get('retry-after')).toBe('3');
    expect(inner).toMatchObject({
      code: 429,
      metadata: { limit_source: 'upstream_provider_shared_pool', provider_name: 'OpenAI' },
    });
  });

  test('has no Retry-After unless the scenario gives one, which may be a date', async () => {
    const { simulator, post } = await start();
    const date = 'Sat, 21 Nov 2026 12:00:00 GMT';
    simulator.play({ kind: 'refusal', name: 'upstream-rate-limit' });
    simulator.play({ kind: 'refusal', name: 'unavailable', retryAfter: date });
    expect((await post({ model: paid })).headers.has('retry-after')).toBe(false);
    expect((await post({ model: paid })).headers.get('retry-after')).toBe(date);
  });

  test.each([['{"error":"busy"}'], [{ error: 'busy' }]])('may carry raw metadata as %o', async (raw) => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'refusal', name: 'provider-error', metadata: { raw } });
    expect((await json(await post({ model: paid }))).error.metadata).toMatchObject({
      raw,
      provider_name: 'OpenAI',
    });
  });

  test('may come inside a 200, which the real client takes for an answer', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'refusal', name: 'provider-error', insideOk: true });
    const answer = await client.chat.completions.create({
      model: paid,
      messages: [{ role: 'user', content: 'x' }],
    });
    expect(answer).toMatchObject({ error: { code: 502 } });
    expect(answer.choices).toBeUndefined();
  });

  test('says how many tokens can be afforded', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'refusal', name: 'cannot-afford', affordableTokens: 2666 });
    const { error } = await json(await post({ model: paid, max_tokens: 64_000 }));
    expect(error.message).toContain('You requested up to 64000 tokens, but can only afford 2666.');
  });

  test('of the free tier tells the reset in metadata, and in headers when the scenario says so', async () => {
    const { simulator, post } = await start({ now: () => 1_795_219_230_000 });
    simulator.play({ kind: 'refusal', name: 'free-per-minute' });
    simulator.play({ kind: 'refusal', name: 'free-per-day', rateLimitHeaders: true });
    const minute = await post({ model: free });
    expect(minute.headers.has('x-ratelimit-reset')).toBe(false);
    expect((await json(minute)).error.metadata).toMatchObject({
      limit_source: 'openrouter_free_tier_per_minute',
      headers: { 'X-RateLimit-Reset': '1795219260000' },
    });
    const day = await post({ model: free });
    expect(day.headers.get('x-ratelimit-reset')).toBe('1795305600000');
  });
});

describe('an answer of HTTP', () => {
  test('may be a page of HTML, which becomes the message of the error', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'refusal', name: 'proxy-page' });
    const { error } = await listen(client);
    expect(error).toBeInstanceOf(APIError);
    expect((error as APIError).status).toBe(502);
    expect((error as APIError).message).toContain('<html>');
  });

  test('may be of any size, status and headers', async () => {
    const { simulator, post } = await start();
    const body = '<h1>Worker exceeded resource limits</h1>';
    const headers = { 'content-type': 'text/plain', 'cf-ray': 'abc' };
    simulator.play({ kind: 'http', status: 503, body, headers, padToBytes: 86_000 });
    const response = await post({ model: paid });
    expect(response.status).toBe(503);
    expect(response.headers.get('cf-ray')).toBe('abc');
    expect(await response.text()).toBe(body.padEnd(86_000));
  });

  test('may be JSON, or nothing at all', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'http', status: 200, body: { error: { message: 'odd' } }, afterMs: 1 });
    simulator.play({ kind: 'http', status: 200 });
    expect(await json(await post({ model: paid }))).toEqual({ error: { message: 'odd' } });
    expect(await (await post({ model: paid })).text()).toBe('');
  });
});

describe('a request', () => {
  test.each([
    [{}, 'Missing Authentication header'],
    [{ authorization: 'Bearer ' }, 'No auth credentials found'],
    [{ authorization: 'Basic abc' }, 'No cookie auth credentials found'],
    [{ authorization: 'Bearer sk-or-v1-unknown' }, 'User not found.'],
    [{ authorization: 'Bearer sk-or-v1-revoked' }, 'User not found.'],
  ])('with the headers %o is not let in', async (headers, message) => {
    const { get, post } = await start({ keys: [{ key: 'sk-or-v1-revoked', disabled: true }] });
    for (const response of [await post({ model: paid }, { headers }), await get('/key', headers)]) {
      expect(response.status).toBe(401);
      expect((await json(response)).error).toMatchObject({ code: 401, message });
    }
  });

  test.each([
    [{ models: ['a/b', 'c/d', 'e/f', 'g/h'] }, "'models' array must have 3 items or fewer."],
    [{ messages: undefined }, 'Input required'],
    [{ messages: [] }, 'messages'],
    [{ messages: [{ role: 'user' }] }, 'messages.0.content'],
    [{ messages: [{ role: 'boss', content: 'x' }] }, 'messages.0.role'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.tool_call_id'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages.0.content'],
    [{ temperature: 2.1 }, 'temperature'],
    [{ temperature: '0.7' }, 'temperature'],
    [{ top_p: -0.1 }, 'top_p'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ max_completion_tokens: 1.5 }, 'max_completion_tokens'],
    [{ frequency_penalty: 3 }, 'frequency_penalty'],
    [{ stop: ['1', '2', '3', '4', '5'] }, 'stop'],
    [{ stream: 'yes' }, 'stream'],
    [{ session_id: 's'.repeat(257) }, 'session_id'],
    [{ reasoning: { effort: 'huge' } }, 'reasoning.effort'],
    [{ reasoning: { effort: 'low', max_tokens: 10 } }, 'reasoning'],
    [{ provider: { max_price: { prompt: 'cheap' } } }, 'provider.max_price.prompt'],
    [{ plugins: [{ id: 'teleport' }] }, 'plugins.0.id'],
    [{ tools: [{ type: 'function', function: { name: 'no spaces' } }] }, 'tools.0.function.name'],
    [{ metadata: { a: 'x'.repeat(513) } }, 'metadata.a'],
  ])('with %o is refused', async (wrong, message) => {
    const { post } = await start();
    const response = await post({ model: paid, ...wrong });
    expect(response.status).toBe(400);
    const body = await json(response);
    expect(problemsWith('BadRequestResponse', body)).toEqual([]);
    expect(body.error.message).toContain(message);
  });

  test('that is no JSON is refused and recorded as it came', async () => {
    const { simulator, post } = await start();
    expect((await post({}, { body: '{"model":' })).status).toBe(400);
    expect(simulator.calls[0]?.body).toBe('{"model":');
  });

  test('may hold fields that nobody knows, null for a default, and every kind of content part', async () => {
    const { post } = await start();
    const parts = [
      { type: 'text', text: 'x' },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'ogg' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } },
      { type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } },
    ];
    const response = await post({
      model: 'google/gemini-3.8-flash',
      temperature: null,
      novelty: { level: 11 },
      status: 'x',
      headers: {},
      body: '',
      messages: [
        { role: 'developer', content: 'x' },
        { role: 'user', content: parts, name: 'ada' },
        { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function', function: {} }] },
        { role: 'tool', tool_call_id: 'c', content: 'y' },
        { role: 'assistant', content: 'prefill' },
      ],
    });
    expect(response.status).toBe(200);
  });

  test('that is too large is refused', async () => {
    const { post } = await start({ maxBodyBytes: 1000 });
    const response = await post({ model: paid, user: 'x'.repeat(1000) });
    expect(response.status).toBe(413);
    expect((await json(response)).error.message).toBe('Request payload too large');
  });

  test.each(['/nowhere', '/chat', '/models/openai', '/images'])('to %s finds nothing', async (path) => {
    const { get } = await start();
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(problemsWith('NotFoundResponse', await json(response))).toEqual([]);
  });
});
