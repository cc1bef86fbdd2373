import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { APIConnectionError, APIError } from 'openai';
import { describe, expect, test } from 'vitest';
import { chunksOf, json, key, listen, messages, paid, start, until } from './client.ts';

const text = 'one two three four five';

/** The body of a stream, in the packets in which it arrives. */
async function packets(url: string): Promise<string[]> {
  const asked = request(`${url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
  });
  asked.end(JSON.stringify({ model: paid, messages, stream: true }));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const arrived: string[] = [];
  response.on('data', (packet: Buffer) => arrived.push(packet.toString()));
  await once(response, 'end');
  return arrived;
}

describe('a stream', () => {
  test('can end in an error after some tokens, which the real client throws', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text, fault: { kind: 'error', afterTokens: 2, code: 502 } });
    const heard = await listen(client);
    expect(heard.text).toBe('one two');
    expect(heard.error).toBeInstanceOf(APIError);
    expect(heard.error).toMatchObject({
      status: undefined,
      code: 502,
      error: { metadata: { error_type: 'provider_unavailable' } },
    });
  });

  test('can begin with the error, after comments, with a code in words and no choices', async () => {
    const { simulator, post } = await start();
    const fault = {
      kind: 'error',
      afterTokens: 0,
      code: 'server_error',
      choices: 'empty',
      done: true,
    } as const;
    simulator.play({ kind: 'answer', text, comments: 2, fault });
    const stream = await (await post({ model: paid, stream: true })).text();
    expect(stream.startsWith(': OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: {')).toBe(true);
    expect(chunksOf(stream)).toMatchObject([{ choices: [], error: { code: 'server_error' } }]);
    expect(stream.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  test('can break off without a finish reason, which the real client takes for an end', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text, fault: { kind: 'cut' } });
    expect(await listen(client)).toMatchObject({ text, finishReason: undefined, error: undefined });
  });

  test('can break off after some tokens', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text, fault: { kind: 'cut', afterTokens: 2 } });
    expect(await listen(client)).toMatchObject({
      text: 'one two',
      finishReason: undefined,
      usage: undefined,
    });
  });

  test('can be reset after some tokens, which stay readable', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text, fault: { kind: 'cut', afterTokens: 2, how: 'reset' } });
    const heard = await listen(client);
    expect(heard.text).toBe('one two');
    expect(heard.error).toMatchObject({ message: 'terminated', cause: { code: 'ECONNRESET' } });
    await simulator.stop();
    expect(simulator.calls[0]).toMatchObject({ cancelled: false, usage: { completion_tokens: 2 } });
    expect(simulator.generation(simulator.calls[0]?.generationId ?? '')?.cancelled).toBe(false);
  });

  test('can finish without usage and without [DONE]', async () => {
    const { simulator, client, post } = await start();
    simulator.play({ kind: 'answer', text, usage: 'none', done: false }, { times: 2 });
    expect(await listen(client)).toMatchObject({ text, finishReason: 'stop', usage: undefined });
    expect(await (await post({ model: paid, stream: true })).text()).not.toContain('[DONE]');
  });

  test.each([0, 2])('can stall after %i tokens until the client leaves', async (afterTokens) => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text, fault: { kind: 'stall', afterTokens } });
    const leaving = new AbortController();
    const hearing = listen(client, {}, leaving.signal);
    await until(() => simulator.calls[0]?.status === 200);
    leaving.abort();
    expect((await hearing).finishReason).toBeUndefined();
    await until(() => simulator.calls[0]?.cancelled === true);
  });

  test('can stall with comments going on', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text, fault: { kind: 'stall', afterTokens: 1, commentEveryMs: 1 } });
    const response = await post({ model: paid, stream: true });
    let seen = '';
    for await (const bytes of response.body ?? []) {
      seen += Buffer.from(bytes).toString();
      if (seen.split(': OPENROUTER PROCESSING').length > 3) break;
    }
    expect(chunksOf(seen).at(-1).choices[0].delta.content).toBe('one');
  });

  test('can hold a line that is no JSON, and go on', async () => {
    const { simulator, client, post } = await start();
    const fault = { kind: 'malformed', afterTokens: 1, line: '{"choices":[{' } as const;
    simulator.play({ kind: 'answer', text, fault }, { times: 2 });
    expect((await listen(client)).error).toBeInstanceOf(SyntaxError);
    const stream = await (await post({ model: paid, stream: true })).text();
    expect(stream.split('data: {"choices":[{\n\n')).toHaveLength(2);
    expect(stream).toContain('data: [DONE]');
  });

  test('can be answered with one JSON body, of which the real client hears nothing', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text, as: 'json' });
    expect(await listen(client)).toMatchObject({ chunks: 0, error: undefined });
    expect(simulator.calls[0]?.usage?.completion_tokens).toBe(5);
  });

  test('can be empty, or reasoning only', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: '' });
    simulator.play({ kind: 'answer', reasoning: 'Hm.' });
    expect(await listen(client)).toMatchObject({ text: '', reasoning: '', finishReason: 'stop' });
    expect(await listen(client)).toMatchObject({ text: '', reasoning: 'Hm.', finishReason: 'stop' });
  });

  test('can hide a failure behind an ordinary stop', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text: '', finishReason: 'stop', nativeFinishReason: 'network_error' });
    const chunks = chunksOf(await (await post({ model: paid, stream: true })).text());
    expect(chunks.at(-2).choices[0]).toMatchObject({
      finish_reason: 'stop',
      native_finish_reason: 'network_error',
    });
  });

  test.each(['length', 'content_filter', 'error'] as const)('can finish with %s', async (finishReason) => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text, finishReason });
    expect(await listen(client)).toMatchObject({ text, finishReason });
  });

  test.each([
    ['finish', 1],
    ['both', 2],
  ] as const)('can carry its usage on: %s', async (usage, times) => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text, usage });
    const chunks = chunksOf(await (await post({ model: paid, stream: true })).text());
    const carriers = chunks.filter((chunk) => chunk.usage !== undefined);
    expect(carriers).toHaveLength(times);
    expect(carriers[0].choices[0].finish_reason).toBe('stop');
  });

  test('can carry its finish reason on the last piece of text', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text: 'one two', finishWithText: true });
    const chunks = chunksOf(await (await post({ model: paid, stream: true })).text());
    const last = chunks.filter((chunk) => chunk.choices[0]?.finish_reason === 'stop');
    expect(last).toMatchObject([{ choices: [{ delta: { content: ' two' } }] }]);
  });

  test.each([
    { splitBytes: 1 },
    { splitBytes: 7, crlf: true },
    { eventsPerPacket: 5 },
    { noBlankAfterData: true },
    { byteOrderMark: true },
  ])('means the same however it is framed: %o', async (framing) => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: 'Grüße, 世界! 👩‍🚀', framing, emptyDeltas: 1 });
    expect(await listen(client)).toMatchObject({
      text: 'Grüße, 世界! 👩‍🚀',
      finishReason: 'stop',
      error: undefined,
    });
  });

  test('puts lines, events and packets together as the framing says', async () => {
    const { simulator } = await start();
    const play = (framing: object) => {
      simulator.play({ kind: 'answer', text: 'one two three four', framing });
      return packets(simulator.url);
    };
    const plain = await play({});
    expect(plain.every((packet) => packet.endsWith('\n\n'))).toBe(true);
    expect(plain).toHaveLength(8);
    const split = await play({ splitBytes: 50 });
    expect(Math.max(...split.map((packet) => packet.length))).toBe(50);
    const joined = await play({ eventsPerPacket: 3 });
    expect(joined.map((packet) => packet.split('data: ').length - 1)).toEqual([3, 3, 2]);
    const dressed = (await play({ crlf: true, noBlankAfterData: true, byteOrderMark: true })).join('');
    expect(dressed.startsWith('\uFEFFdata:{')).toBe(true);
    expect(dressed.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });

  test('splits bytes inside a character', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'raw', packets: [{ base64: '4pg=' }, { base64: 'gw==', delayMs: 5 }] });
    expect(await (await post({ model: paid, stream: true })).text()).toBe('☃');
  });

  test('plays pieces in their order, each after its own delay', async () => {
    const { simulator, client } = await start();
    const pieces = [{ reasoning: 'Hm' }, { text: 'one', delayMs: 2 }, { text: ' two', delayMs: 2 }];
    simulator.play({ kind: 'answer', pieces, commentEveryMs: 1 });
    expect(await listen(client)).toMatchObject({ text: 'one two', reasoning: 'Hm' });
  });

  test('keeps the client waiting with comments before the first token', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text, firstTokenMs: 20, commentEveryMs: 4, headersAfterMs: 1 });
    const stream = await (await post({ model: paid, stream: true })).text();
    expect(stream.startsWith(': OPENROUTER PROCESSING\n\n')).toBe(true);
  });

  test('can run away beyond max_tokens until the client leaves', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: 'again and ', runawayTokens: 1_000_000 });
    const stream = await client.chat.completions.create({
      model: paid,
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
      max_tokens: 5,
    });
    let chunks = 0;
    for await (const _chunk of stream) {
      chunks += 1;
      if (chunks === 200) break;
    }
    await until(() => simulator.calls[0]?.cancelled === true);
    await until(() => simulator.calls[0]?.usage !== undefined);
    expect(simulator.calls[0]?.usage?.completion_tokens).toBeLessThan(1_000_000);
  });
});

describe('a whole answer', () => {
  test('can hold an error and half the text under status 200', async () => {
    const { simulator, post } = await start();
    simulator.play({ kind: 'answer', text, fault: { kind: 'error', afterTokens: 2 } });
    const response = await post({ model: paid });
    expect(response.status).toBe(200);
    expect((await json(response)).choices[0]).toMatchObject({
      finish_reason: 'error',
      error: { code: 502 },
      message: { content: 'one two' },
    });
  });

  test.each(['end', 'reset'] as const)('can break off in the middle: %s', async (how) => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text, fault: { kind: 'cut', how } });
    const asking = client.chat.completions.create({
      model: paid,
      messages: [{ role: 'user', content: 'x' }],
    });
    await expect(asking).rejects.toThrow(/terminated|JSON|Connection error/);
  });
});

describe('before any answer', () => {
  test.each([
    ['reset', 'ECONNRESET'],
    ['close', 'UND_ERR_SOCKET'],
  ] as const)('the connection can break: %s', async (event, code) => {
    const { simulator, client, post } = await start();
    simulator.play({ kind: 'connection', event, afterMs: 1 }, { times: 2 });
    expect((await listen(client)).error).toBeInstanceOf(APIConnectionError);
    await expect(post({ model: paid })).rejects.toMatchObject({ cause: { code } });
    await simulator.stop();
    expect(simulator.calls).toMatchObject([
      { status: undefined, cancelled: false },
      { status: undefined, cancelled: false },
    ]);
  });

  test('the service can stay silent until the client leaves', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'connection', event: 'stall' });
    const leaving = new AbortController();
    const hearing = listen(client, {}, leaving.signal);
    await until(() => simulator.calls.length === 1);
    leaving.abort();
    expect((await hearing).error).toBeInstanceOf(Error);
    await until(() => simulator.calls[0]?.cancelled === true);
    expect(simulator.calls[0]?.status).toBeUndefined();
  });

  test('stopping the simulator ends what is open', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'connection', event: 'stall' });
    const hearing = listen(client);
    await until(() => simulator.calls.length === 1);
    await simulator.stop();
    expect((await hearing).error).toBeInstanceOf(APIConnectionError);
  });
});
