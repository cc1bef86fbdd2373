import { getEventListeners } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CompletionFailure } from '../../../src/completion/failure.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { freeModel, key, patient, receive } from './upstream.ts';

let simulator: OpenRouterSimulator;
beforeAll(async () => {
  simulator = await startOpenRouterSimulator({ freeLimits: { perMinute: 10_000, perDay: 10_000 } });
});
beforeEach(() => simulator.reset());
afterEach(() => vi.unstubAllEnvs());
afterAll(() => simulator.stop());

function failureOf(end: Awaited<ReturnType<typeof receive>>['end']): CompletionFailure {
  if (end.kind !== 'failed') throw new Error(`ended as ${end.kind}`);
  return end.failure;
}

describe('a streamed answer', () => {
  it('comes in as visible text in order, with its generation, model and reported usage', async () => {
    simulator.play({ kind: 'answer', text: 'Quite well, thank you.' });
    const { end, text, deltas, generationIds, firstTokens } = await receive(simulator);
    expect(text).toBe('Quite well, thank you.');
    expect(deltas.length).toBeGreaterThan(1);
    expect(firstTokens).toBe(1);
    expect(generationIds).toEqual([simulator.calls[0]!.generationId]);
    expect(end).toMatchObject({ kind: 'ended', finish: 'stop', began: true, generationId: generationIds[0] });
    expect(end.modelUsed).toContain('google/gemma-4-31b-it');
    expect(end.usage).toMatchObject({
      promptTokens: simulator.calls[0]!.usage!.prompt_tokens,
      completionTokens: simulator.calls[0]!.usage!.completion_tokens,
      costNanoUsd: 0n,
    });
  });

  it('reports an exact cost in nano-USD for a paid model', async () => {
    simulator.play({ kind: 'answer', text: 'Hi', costUsd: '0.000095001' });
    const { end } = await receive(simulator, { model: 'openai/gpt-6-luna' });
    expect(end.usage?.costNanoUsd).toBe(95_001n);
  });

  it('goes out without what other programs left in the environment', async () => {
    vi.stubEnv('OPENAI_ORG_ID', 'org-of-another-program');
    vi.stubEnv('OPENAI_PROJECT_ID', 'project-of-another-program');
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:1');
    await receive(simulator);
    expect(JSON.stringify(simulator.calls[0]!.headers)).not.toContain('another-program');
  });

  it('leaves nothing behind on the signal of its caller', async () => {
    const { signal } = new AbortController();
    await receive(simulator, {}, { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('asks with attribution, limits, the person, the conversation, and every default plugin off', async () => {
    await receive(simulator, { maxPrices: { prompt: 0 }, lowEffort: true });
    const { headers, body } = simulator.calls[0]!;
    expect(headers).toMatchObject({
      authorization: `Bearer ${key}`,
      'http-referer': 'https://parley.example',
      'x-openrouter-title': 'Parley',
      'x-openrouter-categories': 'general-chat,personal-agent',
    });
    expect(headers['openai-organization']).toBeUndefined();
    expect(body).toMatchObject({
      model: freeModel,
      stream: true,
      max_tokens: 200,
      temperature: 0.7,
      user: 'person-1',
      session_id: 'conversation-1',
      reasoning: { effort: 'low' },
      provider: { max_price: { prompt: '0' } },
      plugins: expect.arrayContaining([{ id: 'web', enabled: false }]),
    });
  });

  it.each<[string, Scenario, 'stop' | 'length' | 'filtered']>([
    ['cut by length', { kind: 'answer', text: 'a b c', finishReason: 'length' }, 'length'],
    ['cut by a filter', { kind: 'answer', text: 'a b c', finishReason: 'content_filter' }, 'filtered'],
    ['with an unknown end', { kind: 'answer', text: 'a b c', finishReason: 'tool_calls' }, 'stop'],
    ['without [DONE] and usage', { kind: 'answer', text: 'a b c', done: false, usage: 'none' }, 'stop'],
    ['with usage on the last piece', { kind: 'answer', text: 'a b c', usage: 'finish' }, 'stop'],
    ['with usage twice', { kind: 'answer', text: 'a b c', usage: 'both' }, 'stop'],
    ['with its end on the last piece', { kind: 'answer', text: 'a b c', finishWithText: true }, 'stop'],
    ['between empty deltas', { kind: 'answer', text: 'a b c', emptyDeltas: 2, comments: 3 }, 'stop'],
    ['in one JSON body', { kind: 'answer', text: 'a b c', as: 'json' }, 'stop'],
    [
      'split inside characters',
      { kind: 'answer', text: 'a b c', framing: { splitBytes: 1, crlf: true } },
      'stop',
    ],
  ])('is complete %s', async (_, scenario, finish) => {
    simulator.play(scenario);
    const { end, text } = await receive(simulator);
    expect({ text, kind: end.kind, finish: end.kind === 'ended' && end.finish }).toEqual({
      text: 'a b c',
      kind: 'ended',
      finish,
    });
  });

  it('keeps the last of several usages', async () => {
    simulator.play({ kind: 'answer', text: 'a b c', usage: 'both' });
    const { end } = await receive(simulator);
    expect(end.usage?.completionTokens).toBe(simulator.calls[0]!.usage!.completion_tokens);
  });

  it('counts reasoning as life but not as text', async () => {
    simulator.play({ kind: 'answer', reasoning: 'They greet me.', text: 'Hello!' });
    const { text, firstTokens, end } = await receive(simulator);
    expect(text).toBe('Hello!');
    expect(firstTokens).toBe(1);
    expect(end.estimatedTokens.reasoning).toBe(Math.ceil('They greet me.'.length / 3));
  });

  it('holds leading blanks back until something can be seen', async () => {
    simulator.play({ kind: 'answer', pieces: [{ text: '\n' }, { text: ' \u200b' }, { text: ' Hi' }] });
    const { deltas } = await receive(simulator);
    expect(deltas).toEqual(['\n \u200b Hi']);
  });

  it('goes on after a tool of the service, and has the sources of all its chunks', async () => {
    const cite = (url: string) => [{ type: 'url_citation', url_citation: { url } }];
    const chunks = [
      { choices: [{ delta: { content: 'I look. ' } }] },
      { choices: [{ delta: { content: '' }, finish_reason: 'tool_calls' }] },
      { choices: [{ delta: { content: 'Tea.', annotations: cite('https://a.example/') } }] },
      { choices: [{ delta: { annotations: cite('https://b.example/') }, finish_reason: 'stop' }] },
      { choices: [{ delta: { annotations: cite('https://c.example/') } }] },
    ];
    simulator.play({
      kind: 'raw',
      headers: { 'content-type': 'text/event-stream' },
      packets: [
        ...chunks.map((chunk) => ({ text: `data: ${JSON.stringify(chunk)}\n\n` })),
        { text: 'data: [DONE]\n\n' },
      ],
    });
    const { end, text } = await receive(simulator);
    expect(text).toBe('I look. Tea.');
    expect(end).toMatchObject({ kind: 'ended', finish: 'stop' });
    expect(end.sources?.map(({ url }) => url)).toEqual([
      'https://a.example/',
      'https://b.example/',
      'https://c.example/',
    ]);
  });

  it('is cut off by length when the model does not stop', async () => {
    const endless = `data: ${JSON.stringify({ choices: [{ delta: { content: 'word '.repeat(4000) } }] })}\n\n`;
    simulator.play({
      kind: 'raw',
      headers: { 'content-type': 'text/event-stream' },
      packets: Array.from({ length: 20 }, () => ({ text: endless })),
      end: 'stall',
    });
    const { end, text } = await receive(simulator, { maxTokens: 100, timers: { ...patient, idleMs: 50 } });
    expect(end).toMatchObject({ kind: 'ended', finish: 'length' });
    expect(text.length).toBeLessThan(60_000);
  });
});

/** Faults of an answer that has begun; `fault` is played before the first token and after some. */
const streamFaults: readonly [
  string,
  Extract<Scenario, { kind: 'answer' }>['fault'],
  CompletionFailure['kind'],
][] = [
  ['an error event', { kind: 'error' }, 'upstream_error'],
  [
    'an error event with a string code',
    { kind: 'error', code: 'server_error', errorType: 'server' },
    'upstream_error',
  ],
  ['an error event without choices', { kind: 'error', choices: 'empty', done: true }, 'upstream_error'],
  ['an overloaded provider', { kind: 'error', code: 529, errorType: 'provider_overloaded' }, 'overloaded'],
  ['an upstream rate limit', { kind: 'error', code: 429, errorType: 'rate_limit_exceeded' }, 'rate_limited'],
  ['a stream that just ends', { kind: 'cut', how: 'end' }, 'truncated'],
  ['a reset socket', { kind: 'cut', how: 'reset' }, 'truncated'],
  ['a line that is no JSON', { kind: 'malformed' }, 'upstream_error'],
];

describe.each(streamFaults)('%s', (_, fault, kind) => {
  it.each([
    ['before the first text leaves none', 0, ''],
    ['after the first text keeps it', 2, 'one two'],
  ])(`fails as ${kind}; %s`, async (_name, afterTokens, kept) => {
    simulator.play({ kind: 'answer', text: 'one two three four', fault: { ...fault!, afterTokens } });
    const { end, text } = await receive(simulator);
    expect(failureOf(end).kind).toBe(kind);
    expect(text).toBe(kept);
    expect(end.generationId).toBe(simulator.calls[0]!.generationId);
    expect(end.estimatedTokens.completion).toBe(Math.ceil(kept.length / 3));
  });
});

describe('an answer without visible text', () => {
  it.each<[string, Scenario, CompletionFailure['kind']]>([
    ['empty', { kind: 'answer', text: '' }, 'empty_answer'],
    ['of blanks', { kind: 'answer', pieces: [{ text: ' \n ' }] }, 'empty_answer'],
    [
      'of reasoning alone',
      { kind: 'answer', text: '', reasoning: 'Hm.', finishReason: 'length' },
      'empty_answer',
    ],
    ['filtered as a whole', { kind: 'answer', text: '', finishReason: 'content_filter' }, 'moderated'],
    ['ended by an error', { kind: 'answer', text: '', finishReason: 'error' }, 'upstream_error'],
    [
      'stopped by a raw error',
      { kind: 'answer', text: '', nativeFinishReason: 'network_error' },
      'upstream_error',
    ],
    [
      'an error in place of the stream',
      { kind: 'refusal', name: 'provider-error', insideOk: true },
      'upstream_error',
    ],
    [
      'a JSON body with an error in its choice',
      {
        kind: 'answer',
        as: 'json',
        text: 'x',
        fault: { kind: 'error', afterTokens: 0, code: 429, errorType: 'rate_limit_exceeded' },
      },
      'rate_limited',
    ],
    [
      'an empty body',
      { kind: 'http', status: 200, headers: { 'content-type': 'text/event-stream' } },
      'truncated',
    ],
    [
      'a web page with status 200',
      { kind: 'http', status: 200, body: '<html>hello</html>' },
      'upstream_error',
    ],
  ])('%s fails', async (_, scenario, kind) => {
    simulator.play(scenario);
    const { end, deltas } = await receive(simulator);
    expect(failureOf(end).kind).toBe(kind);
    expect(deltas).toEqual([]);
  });
});

describe('a refusal', () => {
  it.each<[Extract<Scenario, { kind: 'refusal' }>['name'], CompletionFailure['kind'], number]>([
    ['unknown-user', 'unauthorized', 401],
    ['no-credits', 'no_credits', 402],
    ['cannot-afford', 'no_credits', 402],
    ['in-flight-budget', 'in_flight_budget', 402],
    ['key-limit', 'key_limit', 403],
    ['workspace-budget', 'key_limit', 403],
    ['guardrail-budget', 'key_limit', 403],
    ['guardrail', 'moderated', 403],
    ['moderation', 'moderated', 403],
    ['region-restricted', 'no_endpoint', 403],
    ['model-not-found', 'model_not_found', 400],
    ['context-length', 'context_too_long', 400],
    ['no-endpoints', 'no_endpoint', 404],
    ['free-variant-ended', 'model_not_found', 404],
    ['model-deprecated', 'model_not_found', 404],
    ['privacy', 'no_endpoint', 404],
    ['operation-timeout', 'timeout', 408],
    ['payload-too-large', 'invalid_request', 413],
    ['invalid-argument', 'invalid_request', 422],
    ['free-per-minute', 'free_minute_spent', 429],
    ['free-per-day', 'free_day_spent', 429],
    ['upstream-rate-limit', 'rate_limited', 429],
    ['capacity-exhausted', 'rate_limited', 429],
    ['internal', 'upstream_error', 500],
    ['provider-error', 'upstream_error', 502],
    ['unavailable', 'overloaded', 503],
    ['gateway-timeout', 'timeout', 504],
    ['edge-timeout', 'timeout', 524],
    ['overloaded', 'overloaded', 529],
    ['proxy-page', 'upstream_error', 502],
  ])('%s is %s and used nothing', async (name, kind, status) => {
    simulator.play({ kind: 'refusal', name });
    const { end } = await receive(simulator);
    expect(failureOf(end)).toMatchObject({ kind, httpStatus: status });
    expect(end).toMatchObject({ began: false, usage: null, generationId: null });
  });

  it('never shows in the detail what a person wrote, nor a key', async () => {
    simulator.play({
      kind: 'http',
      status: 403,
      body: {
        error: {
          code: 403,
          message: `Flagged: "my secret diary" ${key}`,
          metadata: { flagged_input: 'my secret diary', raw: 'my secret diary', provider_code: key },
        },
      },
    });
    const { detail } = failureOf((await receive(simulator)).end);
    expect(detail).not.toMatch(/diary|sk-or/);
    expect(detail).toContain('403');
  });

  it('that never ends is not read to its end', async () => {
    simulator.play({ kind: 'raw', status: 502, packets: [{ text: '<html>'.repeat(20_000) }], end: 'stall' });
    const failure = failureOf((await receive(simulator)).end);
    expect(failure).toMatchObject({ kind: 'upstream_error', httpStatus: 502, detail: '502, not JSON' });
  });

  it('is asked only once, whatever it says about retrying', async () => {
    simulator.play({ kind: 'refusal', name: 'upstream-rate-limit', retryAfter: 0 });
    const { end } = await receive(simulator);
    expect(failureOf(end)).toMatchObject({ kind: 'rate_limited', retryAfterMs: 0 });
    expect(simulator.calls).toHaveLength(1);
  });
});

describe('a connection', () => {
  it('that is reset before the headers is unreachable', async () => {
    simulator.play({ kind: 'connection', event: 'reset' });
    const { end } = await receive(simulator);
    expect(failureOf(end).kind).toBe('unreachable');
    expect(end.began).toBe(false);
  });

  it('that nobody accepts is unreachable, with the system code as detail', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { end } = await receive({ url: `http://127.0.0.1:${port}/api/v1` });
    expect(failureOf(end)).toMatchObject({ kind: 'unreachable', detail: 'no connection (ECONNREFUSED)' });
  });
});

describe('a timer', () => {
  it.each<[string, Scenario, Partial<typeof patient>, string, string]>([
    ['before the headers', { kind: 'connection', event: 'stall' }, { firstTokenMs: 60 }, 'connect', ''],
    [
      'before the first token, comments notwithstanding',
      { kind: 'answer', text: 'x', fault: { kind: 'stall', afterTokens: 0, commentEveryMs: 10 } },
      { firstTokenMs: 300 },
      'first_token',
      '',
    ],
    [
      'while the model reasons without end',
      { kind: 'answer', reasoning: 'hm '.repeat(200), text: 'x', tokensPerSecond: 50 },
      { firstTextMs: 400 },
      'first_token',
      '',
    ],
    [
      'between tokens',
      { kind: 'answer', text: 'one two three', fault: { kind: 'stall', afterTokens: 2, commentEveryMs: 10 } },
      { idleMs: 200 },
      'idle',
      'one two',
    ],
    [
      'over the whole answer',
      { kind: 'answer', pieces: Array.from({ length: 100 }, () => ({ text: 'a', delayMs: 20 })) },
      { wholeMs: 500 },
      'whole',
      'a',
    ],
  ])('runs out %s and ends the call upstream', async (_, scenario, timers, stage, start) => {
    simulator.play(scenario);
    const { end, text } = await receive(simulator, { timers: { ...patient, ...timers } });
    expect(failureOf(end)).toMatchObject({ kind: 'timeout', stage });
    expect(text.startsWith(start)).toBe(true);
    expect(text === '').toBe(start === '');
    expect(end.began).toBe(true);
    await expect.poll(() => simulator.calls[0]!.cancelled).toBe(true);
  });

  it('for the first token is satisfied by reasoning', async () => {
    simulator.play({
      kind: 'answer',
      pieces: [{ reasoning: 'hm' }, { text: 'Well.', delayMs: 800 }],
    });
    const { end, text } = await receive(simulator, { timers: { ...patient, firstTokenMs: 600 } });
    expect({ kind: end.kind, text }).toEqual({ kind: 'ended', text: 'Well.' });
  });

  it('for the first text stops at the first text', async () => {
    simulator.play({ kind: 'answer', pieces: [{ text: 'Well,' }, { text: ' yes.', delayMs: 800 }] });
    const { end, text } = await receive(simulator, { timers: { ...patient, firstTextMs: 600 } });
    expect({ kind: end.kind, text }).toEqual({ kind: 'ended', text: 'Well, yes.' });
  });

  it('does not take the answer away when only its usage fails to come', async () => {
    const text = [
      'data: {"id":"gen-1-a","choices":[{"delta":{"content":"Done."},"finish_reason":"stop"}]}\n\n',
    ].join('');
    const headers = { 'content-type': 'text/event-stream' };
    simulator.play({ kind: 'raw', headers, packets: [{ text }], end: 'stall' });
    const { end } = await receive(simulator, { timers: { ...patient, idleMs: 50 } });
    expect(end).toMatchObject({ kind: 'ended', finish: 'stop', usage: null, generationId: 'gen-1-a' });
  });
});

describe('an abort by the caller', () => {
  it('before the call sends nothing', async () => {
    const { end } = await receive(simulator, {}, { signal: AbortSignal.abort() });
    expect(end).toMatchObject({ kind: 'cancelled', began: false });
    expect(simulator.calls).toHaveLength(0);
  });

  it('before the headers cancels the call', async () => {
    simulator.play({ kind: 'connection', event: 'stall' });
    const controller = new AbortController();
    const receiving = receive(simulator, {}, { signal: controller.signal });
    await expect.poll(() => simulator.calls.length).toBe(1);
    controller.abort();
    expect((await receiving).end).toMatchObject({ kind: 'cancelled', began: true });
  });

  it('while the answer streams keeps its text and closes the connection', async () => {
    simulator.play({ kind: 'answer', text: 'one two three', fault: { kind: 'stall', afterTokens: 2 } });
    const controller = new AbortController();
    const { end, text } = await receive(
      simulator,
      {},
      { signal: controller.signal, onText: (seen) => seen === 'one two' && controller.abort() },
    );
    expect(end.kind).toBe('cancelled');
    expect(text).toBe('one two');
    await expect.poll(() => simulator.calls[0]!.cancelled).toBe(true);
  });
});

it('an exception of the sink ends the call and reaches the caller', async () => {
  simulator.play({ kind: 'answer', text: 'one two', fault: { kind: 'stall', afterTokens: 1 } });
  const bug = new Error('ours');
  await expect(
    receive(
      simulator,
      {},
      {
        onText: () => {
          throw bug;
        },
      },
    ),
  ).rejects.toBe(bug);
  await expect.poll(() => simulator.calls[0]!.cancelled).toBe(true);
});
