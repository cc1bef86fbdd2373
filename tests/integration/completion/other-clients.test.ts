import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createGeminiClient } from '../../../src/completion/gemini.ts';
import { createHuggingFaceClient } from '../../../src/completion/huggingface.ts';
import type { CallEnd, ModelCall, ModelClient } from '../../../src/completion/model-client.ts';
import type { ServiceScenario } from '../../../src/simulator/compatible/scenario.ts';
import { startServiceSimulator, type ServiceSimulator } from '../../../src/simulator/compatible/server.ts';
import { patient } from './upstream.ts';

/** 5 in the morning in California; midnight there is 19 hours off. */
const nowMs = Date.UTC(2026, 10, 21, 13, 0, 0);
const now = () => nowMs;
const hour = 3_600_000;

let google: ServiceSimulator;
let router: ServiceSimulator;
beforeAll(async () => {
  google = await startServiceSimulator('gemini');
  router = await startServiceSimulator('huggingface');
});
afterEach(() => {
  google.reset();
  router.reset();
});
afterAll(async () => {
  await google.stop();
  await router.stop();
});

const gemini = (apiKey = google.key) => createGeminiClient({ apiKey, baseUrl: google.url, now });
const huggingFace = (apiKey = router.key) => createHuggingFaceClient({ apiKey, baseUrl: router.url, now });

async function receive(
  client: ModelClient,
  call: Partial<ModelCall>,
): Promise<{ end: CallEnd; text: string; ids: readonly string[] }> {
  const ids: string[] = [];
  let text = '';
  const end = await client.run(
    {
      model: client.provider === 'gemini' ? 'gemini-3.8-flash' : 'openai/gpt-oss-120b:groq',
      alternatives: [],
      breakpoints: [],
      messages: [{ role: 'user', content: 'How are you?' }],
      maxTokens: 200,
      temperature: 0.7,
      endUser: 'person-1',
      sessionId: 'conversation-1',
      lowEffort: false,
      maxPrices: { prompt: 1 },
      timers: patient,
      ...call,
    },
    {
      onGeneration: (id) => void ids.push(id),
      onFirstToken: () => undefined,
      onText: (delta) => void (text += delta),
    },
    new AbortController().signal,
  );
  return { end, text, ids };
}

describe('Gemini', () => {
  const failureOf = async (scenario: ServiceScenario) => {
    google.play(scenario);
    const { end } = await receive(gemini(), {});
    return end.kind === 'failed' ? end.failure : end;
  };

  test('bills what it thought, which it counts in the total alone', async () => {
    google.play({ kind: 'answer', reasoning: 'one two three four', text: 'Fine, thanks.' });
    const { end, text, ids } = await receive(gemini(), { lowEffort: true });
    const told = google.calls[0]?.usage;
    const thought = (told?.total_tokens ?? 0) - (told?.prompt_tokens ?? 0) - (told?.completion_tokens ?? 0);
    expect(thought).toBeGreaterThan(0);
    expect(text).toBe('Fine, thanks.');
    expect(end).toMatchObject({
      kind: 'ended',
      finish: 'stop',
      modelUsed: 'gemini-3.8-flash',
      usage: {
        promptTokens: told?.prompt_tokens,
        completionTokens: (told?.completion_tokens ?? 0) + thought,
        reasoningTokens: thought,
        costNanoUsd: null,
      },
    });
    expect(ids).toHaveLength(1);
    expect(google.calls[0]?.body).toMatchObject({ reasoning_effort: 'low' });
    expect(google.calls[0]?.headers).not.toHaveProperty('x-openrouter-title');
  });

  test('is believed when it refuses a key, with 400', async () => {
    const { end } = await receive(gemini('AIza-wrong'), {});
    expect(end).toMatchObject({
      kind: 'failed',
      began: false,
      failure: { kind: 'unauthorized', httpStatus: 400 },
    });
  });

  test('knows no other models than its own', async () => {
    const { end } = await receive(gemini(), { model: 'gemini-0' });
    expect(end).toMatchObject({
      failure: { kind: 'model_not_found', httpStatus: 404, detail: '404, NOT_FOUND' },
    });
  });

  test.for([
    ['rate-limited', { kind: 'rate_limited', retryAfterMs: 23_000 }],
    ['day-spent', { kind: 'free_day_spent', resetsAtMs: nowMs + 19 * hour }],
    ['paid-day-spent', { kind: 'rate_limited', retryAfterMs: 19 * hour }],
    ['overloaded', { kind: 'overloaded', httpStatus: 503 }],
    ['internal', { kind: 'upstream_error', httpStatus: 500 }],
    ['unauthorized', { kind: 'unauthorized', httpStatus: 401 }],
    ['key-leaked', { kind: 'unauthorized', httpStatus: 403 }],
    ['credits-depleted', { kind: 'no_credits', httpStatus: 429 }],
    ['location', { kind: 'no_endpoint', httpStatus: 400 }],
    ['too-long', { kind: 'context_too_long' }],
    ['deadline', { kind: 'timeout', stage: 'first_token' }],
  ] as const)('says %s in its own way', async ([name, failure]) => {
    expect(await failureOf({ kind: 'refusal', name })).toMatchObject(failure);
  });

  test('may ask for a wait in its text alone, or by a header', async () => {
    const error = {
      code: 429,
      message: 'Quota exceeded. Please retry in 45.5s.',
      status: 'RESOURCE_EXHAUSTED',
    };
    expect(await failureOf({ kind: 'http', status: 429, body: [{ error }] })).toMatchObject({
      retryAfterMs: 45_500,
    });
    const headers = { 'retry-after': '7' };
    expect(
      await failureOf({ kind: 'http', status: 429, headers, body: { error: { code: 429, message: '' } } }),
    ).toMatchObject({ kind: 'rate_limited', retryAfterMs: 7000 });
  });

  test('may filter an answer, may give none, and may fail in its midst', async () => {
    expect(await failureOf({ kind: 'answer', text: '', finishReason: 'content_filter' })).toMatchObject({
      kind: 'moderated',
    });
    const filtered = { index: 0, delta: {}, finish_reason: 'content_filter: PROHIBITED_CONTENT' };
    const packets = [{ text: `data: ${JSON.stringify({ choices: [filtered] })}\n\ndata: [DONE]\n\n` }];
    expect(await failureOf({ kind: 'raw', packets })).toMatchObject({ kind: 'moderated' });
    const empty = [{ text: `data: ${JSON.stringify({ id: 'x', choices: [] })}\n\ndata: [DONE]\n\n` }];
    expect(await failureOf({ kind: 'raw', packets: empty })).toMatchObject({ kind: 'truncated' });
    const fault = { kind: 'error', afterTokens: 1, code: 503, message: 'overloaded' } as const;
    expect(await failureOf({ kind: 'answer', text: 'one two three', fault })).toMatchObject({
      kind: 'overloaded',
    });
  });

  test('behind a page of somebody else is not blamed on the key', async () => {
    expect(await failureOf({ kind: 'http', status: 403, body: '<html>no</html>' })).toMatchObject({
      kind: 'upstream_error',
      detail: '403, not JSON',
    });
  });
});

describe('Hugging Face', () => {
  const failureOf = async (scenario: ServiceScenario) => {
    router.play(scenario);
    const { end } = await receive(huggingFace(), {});
    return end.kind === 'failed' ? end.failure : end;
  };

  test('answers, and tells tokens without a cost', async () => {
    router.play({ kind: 'answer', reasoning: 'well now', text: 'Fine, thanks.' });
    const { end, text } = await receive(huggingFace(), {});
    const told = router.calls[0]?.usage;
    expect(text).toBe('Fine, thanks.');
    expect(end).toMatchObject({
      kind: 'ended',
      usage: {
        promptTokens: told?.prompt_tokens,
        completionTokens: told?.completion_tokens,
        reasoningTokens: told?.completion_tokens_details?.reasoning_tokens,
        costNanoUsd: null,
      },
    });
    expect(Object.keys(router.calls[0]?.body as object).toSorted()).toEqual([
      'max_tokens',
      'messages',
      'model',
      'stream',
      'stream_options',
      'temperature',
    ]);
  });

  test('is believed when it refuses a token, or knows no model', async () => {
    expect((await receive(huggingFace('hf_wrong'), {})).end).toMatchObject({
      began: false,
      failure: { kind: 'unauthorized', httpStatus: 401 },
    });
    expect((await receive(huggingFace(), { model: 'acme/none' })).end).toMatchObject({
      failure: { kind: 'model_not_found', httpStatus: 400, detail: '400, model_not_supported' },
    });
  });

  test.for([
    ['no-credits', { kind: 'no_credits', httpStatus: 402 }],
    ['rate-limited', { kind: 'rate_limited', retryAfterMs: 17_000 }],
    ['loading', { kind: 'overloaded', httpStatus: 503 }],
    ['unauthorized', { kind: 'unauthorized', httpStatus: 401 }],
    ['no-permission', { kind: 'unauthorized', httpStatus: 403 }],
    ['gated', { kind: 'no_endpoint', httpStatus: 403 }],
    ['too-long', { kind: 'context_too_long', httpStatus: 400 }],
    ['internal', { kind: 'upstream_error', httpStatus: 500 }],
  ] as const)('says %s in its own way', async ([name, failure]) => {
    expect(await failureOf({ kind: 'refusal', name })).toMatchObject(failure);
  });

  test('may fail in the midst of an answer', async () => {
    const fault = { kind: 'error', afterTokens: 1, code: 429, message: 'Too many requests' } as const;
    expect(await failureOf({ kind: 'answer', text: 'one two three', fault })).toMatchObject({
      kind: 'rate_limited',
      httpStatus: 429,
    });
  });
});

describe('the stand-ins refuse', () => {
  const post = (simulator: ServiceSimulator, body: object) =>
    fetch(`${simulator.url}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${simulator.key}` },
      body: JSON.stringify(body),
    });

  test('fields that the services do not know', async () => {
    const messages = [{ role: 'user', content: 'Hello' }];
    const google400 = await post(google, { model: 'gemini-3.8-flash', messages, session_id: 'x' });
    expect(google400.status).toBe(400);
    expect(await google400.json()).toMatchObject([
      {
        error: {
          message: 'Invalid JSON payload received. Unknown name "session_id": Cannot find field.',
          status: 'INVALID_ARGUMENT',
        },
      },
    ]);
    expect((await post(router, { model: 'openai/gpt-oss-120b', messages, plugins: [] })).status).toBe(422);
  });

  test('what is no chat request, what is no path, and refusals that nobody knows', async () => {
    expect((await post(google, { model: 'gemini-3.8-flash' })).status).toBe(400);
    expect((await fetch(`${router.url}/nowhere`)).status).toBe(401);
    expect((await fetch(`${google.url}/models`)).status).toBe(400);
    expect(() => google.play({ kind: 'refusal', name: 'tired' })).toThrow(/tired/);
  });
});
