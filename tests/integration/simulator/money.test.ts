import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { billFor, parseDecimal, toNanoUsd, toUsd } from '../../../src/simulator/billing.ts';
import { problemsWith } from './schema.ts';
import { chunksOf, free, json, key, listen, paid, start, until, type Json } from './client.ts';

const google = 'google/gemini-3.8-flash';

describe('the cost of an answer', () => {
  test('is exact in nano-USD', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text: 'one two three' });
    const { usage } = await json(
      await post({ model: google, messages: [{ role: 'user', content: 'four' }] }),
    );
    // 5 prompt tokens at 0.825 and 3 completion tokens at 4.125 USD for a million.
    expect(usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 3, total_tokens: 8, cost: 0.0000165 });
    expect(usage.cost_details).toEqual({
      upstream_inference_cost: null,
      upstream_inference_prompt_cost: 0.000004125,
      upstream_inference_completions_cost: 0.000012375,
    });
  });

  test('is the rounded product of price and tokens, without any loss in the sum, for any prices and sizes', () => {
    const pico = fc.bigInt({ min: 0n, max: 10n ** 9n });
    const tokens = fc.bigInt({ min: 0n, max: 1_000_000n });
    fc.assert(
      fc.property(pico, pico, tokens, tokens, (prompt, completion, promptTokens, completionTokens) => {
        const pricing = { prompt: toDecimal(prompt), completion: toDecimal(completion) };
        const consumption = {
          promptTokens: Number(promptTokens),
          completionTokens: Number(completionTokens),
          cachedTokens: 0,
          cacheWriteTokens: 0,
          reasoningTokens: 0,
          webSearches: 1,
          ocrPages: 2,
        };
        const nano = (picoUsd: bigint) => (picoUsd + 500n) / 1000n;
        const expected = nano(prompt * promptTokens) + nano(completion * completionTokens) + 11_000_000n;
        const { totalNanoUsd } = billFor(pricing, consumption);
        expect(totalNanoUsd).toBe(expected);
        expect(toNanoUsd(parseDecimal(toUsd(totalNanoUsd).toFixed(9)))).toBe(expected);
      }),
    );
  });

  test('is zero on a free model, unless the scenario says otherwise', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text: 'free' });
    simulator.play({ kind: 'answer', text: 'not so free', costUsd: '0.000123' });
    expect((await json(await post({ model: free }))).usage.cost).toBe(0);
    expect((await json(await post({ model: free }))).usage.cost).toBe(0.000123);
  });

  test('falls with cached tokens and rises with a long prompt', async () => {
    const model = {
      id: 'sim/tiered',
      pricing: {
        prompt: '0.000001',
        completion: '0',
        input_cache_read: '0.0000001',
        overrides: [{ min_prompt_tokens: 100, prompt: '0.000002' }],
      },
    };
    const { simulator, post } = await start({ models: [model] });
    const cost = async (characters: number) => {
      const prompt = [{ role: 'user', content: 'x'.repeat(characters) }];
      return (await json(await post({ model: 'sim/tiered', messages: prompt }))).usage.cost;
    };
    expect(await cost(24)).toBe(0.00001);
    simulator.play({ kind: 'answer', text: 'x', cachedTokens: 5 });
    expect(await cost(24)).toBe(0.0000055);
    expect(await cost(384)).toBe(0.0002);
  });

  test('is nothing for a failed answer', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text: 'one two', fault: { kind: 'error', afterTokens: 1 } });
    simulator.play({ kind: 'answer', text: 'one two', finishReason: 'error' });
    simulator.play({ kind: 'answer', text: '', finishReason: null });
    for (let asked = 0; asked < 3; asked += 1) await (await post({ model: paid, stream: true })).text();
    expect(simulator.calls.map(({ usage }) => usage?.cost)).toEqual([0, 0, 0]);
  });

  test.each([
    [{ plugins: [{ id: 'web' }] }, 0.007],
    [{ plugins: [{ id: 'web', enabled: false }] }, 0],
    [{ model: `${free}:online` }, 0.007],
    [{ tools: [{ type: 'openrouter:web_search' }] }, 0.007],
    [{}, 0],
  ])('on a free model with %o is %d USD', async (body, cost) => {
    const { post } = await start();
    const { usage } = await json(
      await post({ model: free, provider: { max_price: { prompt: 0 } }, ...body }),
    );
    expect(usage.cost).toBe(cost);
    expect(usage.server_tool_use_details?.web_search_requests ?? 0).toBe(cost > 0 ? 1 : 0);
  });

  test('counts searches of the web as often as the model makes them, within the bounds of the request', async () => {
    const { simulator, post } = await start();
    const ask = async (webSearches: number, parameters: object, rest: object = {}) => {
      simulator.play({ kind: 'answer', text: 'x', webSearches });
      const tools = [{ type: 'openrouter:web_search', parameters }];
      const { usage, choices } = await json(await post({ model: free, tools, ...rest }));
      return { usage, cited: choices[0].message.annotations?.length ?? 0 };
    };
    const three = await ask(3, { max_uses: 2 });
    expect(three.usage).toMatchObject({ cost: 0.014, cost_details: { server_tool_cost: 0.014 } });
    expect(three.usage.server_tool_use_details.web_search_requests).toBe(2);
    expect(three.cited).toBe(2);
    expect((await ask(3, {}, { max_tool_calls: 1 })).usage.cost).toBe(0.007);
    const none = await ask(0, {});
    expect(none).toMatchObject({ usage: { cost: 0 }, cited: 0 });
    expect(three.usage.prompt_tokens).toBeGreaterThan(2 * none.usage.prompt_tokens);
  });

  test.each([
    [{ models: [paid] }, 'Server tool request failed'],
    [
      { tools: [{ type: 'openrouter:web_search', parameters: { engine: 'google' } }] },
      'tools.parameters.engine',
    ],
    [{ tools: [{ type: 'openrouter:web_search', parameters: { uses: 2 } }] }, 'tools.parameters'],
  ])('refuses a search of the web with %o', async (body, text) => {
    const { post } = await start();
    const tools = [{ type: 'openrouter:web_search' }];
    const response = await post({ model: free, tools, ...body });
    expect(response.status).toBe(400);
    expect((await json(response)).error.message).toContain(text);
  });

  test('holds a web search that the account has on by default until the request turns it off', async () => {
    const { post } = await start({ defaultPlugins: ['web'] });
    expect((await json(await post({ model: free }))).usage.cost).toBe(0.007);
    const plugins = [{ id: 'web', enabled: false }];
    expect((await json(await post({ model: free, plugins }))).usage.cost).toBe(0);
  });

  test('holds the reading of a PDF, unless a free engine reads it or an annotation spares it', async () => {
    const { post } = await start();
    const file = { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA' } };
    const question = { role: 'user', content: [file] };
    const first = await json(await post({ model: free, messages: [question] }));
    expect(first.usage.cost).toBe(0.002);
    const [annotation] = first.choices[0].message.annotations;
    expect(annotation).toMatchObject({ type: 'file', file: { name: 'a.pdf' } });
    const answer = { role: 'assistant', content: 'x', annotations: [annotation] };
    const again = await json(await post({ model: free, messages: [question, answer, question] }));
    expect(again.usage.cost).toBe(0);
    const plugins = [{ id: 'file-parser', pdf: { engine: 'cloudflare-ai' } }];
    expect((await json(await post({ model: free, messages: [question], plugins }))).usage.cost).toBe(0);
    expect(
      (await json(await post({ model: paid, messages: [question] }))).choices[0].message.annotations,
    ).toBeUndefined();
  });
});

describe('a client that leaves', () => {
  const leave = async (model: string) => {
    const { simulator, client } = await start();
    const fault = { kind: 'stall', afterTokens: 2 } as const;
    simulator.play({ kind: 'answer', text: 'one two three four', fault });
    const leaving = new AbortController();
    const stream = await client.chat.completions.create(
      { model, messages: [{ role: 'user', content: 'x' }], stream: true },
      { signal: leaving.signal },
    );
    let text = '';
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (text === 'one two') leaving.abort();
    }
    await until(() => simulator.calls[0]?.usage !== undefined);
    const [call] = simulator.calls;
    return { call: call!, generation: simulator.generation(call!.generationId!) };
  };

  test('pays what was written where the provider supports cancellation', async () => {
    const { call, generation } = await leave(paid);
    expect(call).toMatchObject({ cancelled: true, usage: { completion_tokens: 2 } });
    expect(generation).toMatchObject({ cancelled: true, finish_reason: null, native_tokens_completion: 2 });
  });

  test('pays the whole answer where it does not', async () => {
    const { call, generation } = await leave(google);
    expect(call).toMatchObject({ cancelled: true, usage: { completion_tokens: 4 } });
    expect(generation?.total_cost).toBe(call.usage?.cost);
  });

  test('pays a whole answer that is no stream', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: 'one two', firstTokenMs: 60_000 });
    const leaving = new AbortController();
    const asking = client.chat.completions.create(
      { model: paid, messages: [{ role: 'user', content: 'x' }] },
      { signal: leaving.signal },
    );
    await until(() => simulator.calls[0]?.generationId !== undefined);
    leaving.abort();
    await expect(asking).rejects.toThrow('aborted');
    await until(() => simulator.calls[0]?.usage !== undefined);
    expect(simulator.calls[0]).toMatchObject({ cancelled: true, usage: { completion_tokens: 2 } });
  });
});

describe('GET /key', () => {
  test('agrees with the sum of all costs, by day, week and month', async () => {
    // A Sunday, so that the next day begins a week, and the month after begins on Tuesday.
    let nowMs = Date.UTC(2026, 10, 29, 12);
    const { simulator, client, get } = await start({ now: () => nowMs });
    const spend = async () => {
      await listen(client, { model: google });
      return simulator.calls.at(-1)!.usage!.cost;
    };
    const sunday = await spend();
    nowMs += 86_400_000;
    const monday = await spend();
    let facts = (await json(await get('/key'))).data;
    expect(facts.usage).toBeCloseTo(sunday + monday, 12);
    expect(facts.usage_daily).toBe(monday);
    expect(facts.usage_weekly).toBe(monday);
    expect(facts.usage_monthly).toBe(facts.usage);
    nowMs += 86_400_000;
    facts = (await json(await get('/auth/key'))).data;
    expect(facts).toMatchObject({ usage_daily: 0, usage_monthly: 0, usage_weekly: monday });
  });

  test('has the shape of the API, with and without a limit', async () => {
    const keys = [key, { key: 'sk-or-v1-limited', limitUsd: '0.5', limitReset: 'daily' as const }];
    const { get } = await start({ keys });
    const unlimited = await json(await get('/key'));
    const limited = await json(await get('/key', { authorization: 'Bearer sk-or-v1-limited' }));
    expect([...problemsWith('KeyResponse', unlimited), ...problemsWith('KeyResponse', limited)]).toEqual([]);
    expect(unlimited.data).toMatchObject({ limit: null, limit_remaining: null });
    expect(limited.data).toMatchObject({ limit: 0.5, limit_remaining: 0.5, limit_reset: 'daily' });
  });
});

describe('GET /generation', () => {
  test('shows a generation only after a while, and agrees with the answer', async () => {
    let nowMs = 1_795_219_200_000;
    const { get, post } = await start({ now: () => nowMs });
    const stream = await (await post({ model: google, stream: true, user: 'u1', session_id: 's1' })).text();
    const { id, usage } = chunksOf(stream).at(-1);
    expect((await get(`/generation?id=${id}`)).status).toBe(404);
    nowMs += 700;
    const body = await json(await get(`/generation?id=${id}`));
    expect(problemsWith('GenerationResponse', body)).toEqual([]);
    expect(body.data).toMatchObject({
      id,
      total_cost: usage.cost,
      native_tokens_completion: usage.completion_tokens,
      tokens_prompt: usage.prompt_tokens,
      cancelled: false,
      streamed: true,
      external_user: 'u1',
      session_id: 's1',
    });
  });

  test('takes longer to show one whose client left', async () => {
    let nowMs = 1_795_219_200_000;
    const { simulator, client, get } = await start({ now: () => nowMs });
    simulator.play({ kind: 'answer', text: 'one two', fault: { kind: 'stall', afterTokens: 1 } });
    const leaving = new AbortController();
    const listening = listen(client, {}, leaving.signal);
    await until(() => simulator.calls[0]?.generationId !== undefined);
    leaving.abort();
    await listening;
    await until(() => simulator.calls[0]?.usage !== undefined);
    const id = simulator.calls[0]?.generationId;
    nowMs += 1999;
    expect((await get(`/generation?id=${id}`)).status).toBe(404);
    nowMs += 1;
    expect((await json(await get(`/generation?id=${id}`))).data).toMatchObject({ id, cancelled: true });
  });

  test('knows no other id', async () => {
    const { get } = await start();
    expect((await get('/generation?id=gen-1-x')).status).toBe(404);
    expect((await get('/generation')).status).toBe(404);
  });
});

describe('GET /credits', () => {
  test('answers management keys only, with the spendings of the whole account', async () => {
    const keys = [key, { key: 'sk-or-v1-manager', management: true }];
    const { simulator, client, get } = await start({ keys, creditsUsd: '10.5' });
    await listen(client, { model: google });
    expect((await get('/credits')).status).toBe(403);
    const body = await json(await get('/credits', { authorization: 'Bearer sk-or-v1-manager' }));
    expect(problemsWith('CreditsResponse', body)).toEqual([]);
    expect(body.data).toEqual({ total_credits: 10.5, total_usage: simulator.calls[0]?.usage?.cost });
  });
});

describe('an account', () => {
  const ask = async (creditsUsd: string, body: object) => {
    const { post } = await start({ creditsUsd });
    const response = await post({ messages: [{ role: 'user', content: 'x' }], ...body });
    return { status: response.status, error: (await json(response)).error as Json };
  };

  test('in debt is refused even on free models', async () => {
    const { status, error } = await ask('-0.000000001', { model: free });
    expect(status).toBe(402);
    expect(error.metadata.limit_source).toBe('openrouter_credits');
  });

  test('without credits may use free models only', async () => {
    expect((await ask('0', { model: free })).status).toBe(200);
    expect((await ask('0', { model: paid })).status).toBe(402);
  });

  test('is told how many tokens it can afford, and can afford exactly those', async () => {
    // 5 prompt tokens cost 500 nano-USD, each token of the answer another 500.
    const { status, error } = await ask('0.000005', { model: paid, max_tokens: 1000 });
    expect(status).toBe(402);
    expect(error.message).toContain('You requested up to 1000 tokens, but can only afford 9.');
    expect((await ask('0.000005', { model: paid, max_tokens: 9 })).status).toBe(200);
    expect((await ask('0.000005', { model: paid, max_tokens: 10 })).status).toBe(402);
  });

  test('keeps a key to its limit, but not from free models', async () => {
    const { post } = await start({ keys: [{ key, limitUsd: '0' }] });
    const response = await post({ model: paid });
    expect(response.status).toBe(403);
    expect((await json(response)).error.metadata.limit_source).toBe('openrouter_key_limit');
    expect((await post({ model: free })).status).toBe(200);
  });
});

describe('free requests', () => {
  const limits = { perMinute: 2, perDay: 5 };

  test('are limited by the minute, and the limit ends with the minute', async () => {
    let nowMs = Date.UTC(2026, 10, 21, 12, 0, 59, 900);
    const { post, get } = await start({ freeLimits: limits, now: () => nowMs });
    for (let asked = 0; asked < 2; asked += 1) expect((await post({ model: free })).status).toBe(200);
    const refused = await post({ model: 'openrouter/free' });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('x-ratelimit-reset')).toBe(String(nowMs + 100));
    expect((await json(refused)).error).toMatchObject({
      message: 'Rate limit exceeded: free-models-per-min',
      metadata: { limit_source: 'openrouter_free_tier_per_minute', headers: { 'X-RateLimit-Limit': '2' } },
    });
    nowMs += 100;
    expect((await post({ model: free })).status).toBe(200);
    expect((await json(await get('/key'))).data.free_model_daily_requests).toEqual({
      used: 4,
      limit: 5,
      remaining: 1,
    });
  });

  test('are limited by the UTC day, failed and refused ones included, over all keys of the account', async () => {
    let nowMs = Date.UTC(2026, 10, 21, 23, 0);
    const other = { headers: { authorization: 'Bearer sk-or-v1-second' } };
    const keys = [key, 'sk-or-v1-second', { key: 'sk-or-v1-other', account: 'other' }];
    const { simulator, post } = await start({
      freeLimits: { perMinute: 9, perDay: 2 },
      keys,
      now: () => nowMs,
    });
    simulator.play({ kind: 'refusal', name: 'upstream-rate-limit' });
    expect((await post({ model: free })).status).toBe(429);
    expect((await post({ model: free }, other)).status).toBe(200);
    const refused = await post({ model: free }, other);
    expect((await json(refused)).error.metadata).toMatchObject({
      limit_source: 'openrouter_free_tier_daily',
      headers: { 'X-RateLimit-Reset': String(Date.UTC(2026, 10, 22)) },
    });
    const stranger = { headers: { authorization: 'Bearer sk-or-v1-other' } };
    expect((await post({ model: free }, stranger)).status).toBe(200);
    nowMs += 3_600_000;
    expect((await post({ model: free })).status).toBe(200);
  });

  test('of a model that costs nothing without being a free variant count only through the router', async () => {
    const models = [{ id: 'sim/stealth', pricing: { prompt: '0', completion: '0' } }];
    const { post, get } = await start({ models });
    await post({ model: 'sim/stealth' });
    await post({ model: 'openrouter/free' });
    expect((await json(await get('/key'))).data.free_model_daily_requests.used).toBe(1);
  });

  test('do not count paid models or bad requests', async () => {
    const { post, get } = await start({ freeLimits: limits });
    for (let asked = 0; asked < 6; asked += 1) expect((await post({ model: paid })).status).toBe(200);
    await post({ model: free, temperature: 9 });
    expect((await json(await get('/key'))).data.free_model_daily_requests.used).toBe(0);
  });
});

function toDecimal(pico: bigint): string {
  const digits = String(pico).padStart(13, '0');
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`;
}
