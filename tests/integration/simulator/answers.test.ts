import { describe, expect, test } from 'vitest';
import { problemsWith } from './schema.ts';
import { chunksOf, free, json, listen, messages, paid, start } from './client.ts';

describe('an answer', () => {
  test('comes whole, as the description of the API demands', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text: 'A monoid, of course.', reasoning: 'Think.' });
    const response = await post({ model: paid });
    const body = await json(response);
    expect(problemsWith('ChatResult', body)).toEqual([]);
    expect(response.headers.get('x-generation-id')).toBe(body.id);
    expect(body.id).toMatch(/^gen-\d{10}-[A-Za-z0-9]{20}$/);
    expect(body.choices[0].message).toMatchObject({ content: 'A monoid, of course.', reasoning: 'Think.' });
    expect(body.choices[0]).toMatchObject({ finish_reason: 'stop', native_finish_reason: 'stop' });
    expect(body).toMatchObject({ provider: 'OpenAI', model: 'openai/gpt-6-luna-20260402' });
  });

  test('comes as a stream of chunks, as the description of the API demands', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text: 'A monoid, of course.', reasoning: 'Think.' });
    const response = await post({ model: paid, stream: true });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const stream = await response.text();
    const chunks = chunksOf(stream);
    expect(chunks.flatMap((chunk) => problemsWith('ChatStreamChunk', chunk))).toEqual([]);
    expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set([response.headers.get('x-generation-id')]));
    expect(chunks[0].choices[0].delta).toEqual({ role: 'assistant', content: '' });
    expect(chunks.at(-2).choices[0].finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 7 } });
    expect(chunks.filter(({ usage }) => usage !== undefined)).toHaveLength(1);
    expect(stream.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  test('is read by the real client, text, reasoning and usage', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: 'Grüße, 世界! 👩‍🚀', reasoning: 'Überlegen …' });
    const heard = await listen(client);
    expect(heard).toMatchObject({
      text: 'Grüße, 世界! 👩‍🚀',
      reasoning: 'Überlegen …',
      finishReason: 'stop',
      error: undefined,
    });
    expect(heard.usage).toEqual(simulator.calls[0]?.usage);
  });

  test('reports reasoning tokens but hides the reasoning that a request excludes', async () => {
    const { simulator, client, post } = await start();
    simulator.play({ kind: 'answer', text: 'Yes.', reasoning: 'Let me see.' });
    const heard = await listen(client, { reasoning: { exclude: true } });
    expect(heard).toMatchObject({ text: 'Yes.', reasoning: '' });
    expect(heard.usage.completion_tokens_details.reasoning_tokens).toBeGreaterThan(0);
    simulator.play({ kind: 'answer', text: 'Yes.', reasoning: 'Let me see.' });
    const whole = await json(await post({ model: paid, reasoning: { exclude: true } }));
    expect(whole.choices[0].message).toMatchObject({ content: 'Yes.', reasoning: null });
  });

  test('ends with length at max_tokens and counts exactly those', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: 'one two three four five' });
    const heard = await listen(client, { max_tokens: 3 });
    expect(heard).toMatchObject({ text: 'one two three', finishReason: 'length' });
    expect(heard.usage.completion_tokens).toBe(3);
  });

  test('can lose all of max_tokens to reasoning', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: 'never said', reasoning: 'on and on and on' });
    expect(await listen(client, { max_tokens: 2 })).toMatchObject({ text: '', finishReason: 'length' });
  });

  test('ends before a stop sequence', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: 'first\n###\nsecond' });
    expect(await listen(client, { stop: ['###', 'zzz'] })).toMatchObject({
      text: 'first\n',
      finishReason: 'stop',
    });
  });

  test('calls functions, in fragments when streamed and in one piece when whole', async () => {
    const { simulator, post } = await start();
    const toolCalls = [
      { name: 'get_weather', arguments: '{"city":"Jakarta"}' },
      { name: 'get_time', arguments: '{}' },
    ];
    simulator.play({ kind: 'answer', toolCalls }, { times: 2 });
    const tools = [{ type: 'function', function: { name: 'get_weather', parameters: {} } }];
    const whole = await json(await post({ model: paid, tools }));
    expect(problemsWith('ChatResult', whole)).toEqual([]);
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    expect(whole.choices[0].message.tool_calls.map((call: { function: object }) => call.function)).toEqual(
      toolCalls,
    );
    const chunks = chunksOf(await (await post({ model: paid, tools, stream: true })).text());
    expect(chunks.flatMap((chunk) => problemsWith('ChatStreamChunk', chunk))).toEqual([]);
    const spoken = ['', ''];
    for (const chunk of chunks) {
      for (const call of chunk.choices[0]?.delta.tool_calls ?? [])
        spoken[call.index] += call.function.arguments;
    }
    expect(spoken).toEqual(toolCalls.map((call) => call.arguments));
  });

  test('leaves out the index of function call fragments when the scenario says so', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', toolCalls: [{ name: 'f', arguments: '{}' }], indexless: true });
    const calls = chunksOf(await (await post({ model: paid, stream: true })).text()).flatMap(
      (chunk) => chunk.choices[0]?.delta.tool_calls ?? [],
    );
    expect(calls.length).toBeGreaterThan(0);
    expect(calls.every((call) => !('index' in call))).toBe(true);
  });

  test('fits the JSON schema of the request', async () => {
    const { post } = await start();
    const schema = {
      type: 'object',
      properties: { mood: { enum: ['good', 'bad'] }, scores: { type: 'array', items: { type: 'integer' } } },
      required: ['mood', 'scores'],
    };
    const body = await json(
      await post({
        model: paid,
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
      }),
    );
    expect(JSON.parse(body.choices[0].message.content)).toEqual({ mood: 'good', scores: [1] });
  });

  test('carries annotations', async () => {
    const { simulator, post } = await start();
    const annotations = [{ type: 'url_citation', url_citation: { url: 'https://example.com/' } }];
    simulator.play({ kind: 'answer', text: 'See there.', annotations }, { times: 2 });
    expect((await json(await post({ model: paid }))).choices[0].message.annotations).toEqual(annotations);
    const chunks = chunksOf(await (await post({ model: paid, stream: true })).text());
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.delta.annotations ?? [])).toEqual(annotations);
  });
});

describe('without a scenario', () => {
  const say = async (content: string) => {
    const { client } = await start();
    return listen(client, { model: free, messages: [{ role: 'user', content }] });
  };

  test('an answer quotes the question, says that it is simulated and is the same every time', async () => {
    const first = await say('How do magnets work?');
    expect(first.text).toContain('How do magnets work?');
    expect(first.text).toMatch(/simulated answer/);
    expect((await say('How do magnets work?')).text).toBe(first.text);
  });

  test('an Indonesian question gets an Indonesian answer', async () => {
    const { text } = await say('Tolong jelaskan, bagaimana cara kerja magnet?');
    expect(text).toContain('Pertanyaanmu');
    expect(text).toContain('jawaban simulasi');
  });

  test.each([
    ['Show me some code', '```ts'],
    ['Make a table', '|---|'],
    ['A list of steps', '1. '],
  ])('%s brings a sample', async (question, sample) => {
    expect((await say(question)).text).toContain(sample);
  });

  test('a long answer is longer than one message of either platform', async () => {
    expect((await say('Write a long essay')).text.length).toBeGreaterThan(4096);
  });

  test('100,000 characters of input are answered, and only a short quote of them comes back', async () => {
    const { text } = await say(`why ${'`*_ x'.repeat(20_000)}`);
    expect(text).toContain('why');
    expect(text.length).toBeLessThan(1000);
  });

  test('a model that cannot be kept from thinking thinks', async () => {
    const { client } = await start();
    const heard = await listen(client, { model: 'thinkingmachines/inkling-2-small:free' });
    expect(heard.reasoning).not.toBe('');
    expect(await listen(client, { model: free })).toMatchObject({ reasoning: '' });
    expect((await listen(client, { model: free, reasoning: { effort: 'low' } })).reasoning).not.toBe('');
  });

  test('a message of parts is read like a plain one', async () => {
    const { client } = await start();
    const parts = [
      { type: 'text', text: 'What is in this picture?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
    ];
    const heard = await listen(client, { messages: [{ role: 'user', content: parts }] });
    expect(heard.text).toContain('What is in this picture?');
  });
});

test('the simulator records every request with its answer', async () => {
  const { simulator, client } = await start({ now: () => 1_795_219_200_000 });
  await listen(client, { model: free, user: 'u1' });
  expect(simulator.calls).toHaveLength(1);
  expect(simulator.calls[0]).toMatchObject({
    method: 'POST',
    path: '/api/v1/chat/completions',
    body: { model: free, messages, user: 'u1' },
    status: 200,
    model: free,
    cancelled: false,
    atMs: 1_795_219_200_000,
  });
  expect(simulator.calls[0]?.headers['accept']).toBe('application/json');
  expect(simulator.calls[0]?.generationId).toMatch(/^gen-1795219200-/);
});
