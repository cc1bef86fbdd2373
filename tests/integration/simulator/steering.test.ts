import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { json, key, listen, paid, start } from './client.ts';

describe('scenarios', () => {
  test('play in their order, once each, and then the demo answers go on', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: 'first' });
    simulator.play({ kind: 'answer', text: 'second' }, { times: 2 });
    const texts: string[] = [];
    for (let asked = 0; asked < 4; asked += 1) texts.push((await listen(client)).text);
    expect(texts.slice(0, 3)).toEqual(['first', 'second', 'second']);
    expect(texts[3]).toContain('simulated');
  });

  test('for one model leave the others alone, and may last for ever', async () => {
    const { simulator, client } = await start();
    simulator.play({ kind: 'answer', text: 'mine' }, { model: 'openrouter/free', times: Infinity });
    expect((await listen(client)).text).toContain('simulated');
    for (let asked = 0; asked < 3; asked += 1) {
      expect((await listen(client, { model: 'openrouter/free' })).text).toBe('mine');
    }
  });

  test('are not used up by requests that are refused at the door', async () => {
    const { simulator, client, post } = await start();
    simulator.play({ kind: 'answer', text: 'mine' });
    await post({ model: 'acme/x' });
    await post({ model: paid, temperature: 9 });
    expect((await listen(client)).text).toBe('mine');
  });

  test('with a field that does not exist are an error', async () => {
    const { simulator } = await start();
    const wrong = { kind: 'answer', txet: 'x' } as unknown as { kind: 'answer' };
    expect(() => simulator.play(wrong)).toThrow(/txet/);
    expect(() => simulator.play({ kind: 'answer' }, { times: 0 })).toThrow(/times/);
  });

  test('are forgotten by a reset, with calls, counters and costs', async () => {
    const { simulator, client, get } = await start();
    await listen(client);
    const id = simulator.calls[0]?.generationId ?? '';
    simulator.play({ kind: 'answer', text: 'never' });
    simulator.reset();
    expect(simulator.calls).toEqual([]);
    expect(simulator.generation(id)).toBeUndefined();
    expect((await json(await get('/key'))).data.usage).toBe(0);
    expect((await listen(client)).text).toContain('simulated');
  });
});

describe('another process', () => {
  const steer = (url: string, order: string, body?: object) =>
    fetch(url.replace('/api/v1', `/__simulator/${order}`), {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });

  test('can play scenarios, read the calls, change the models and reset', async () => {
    const { simulator, client } = await start();
    const match = { model: paid, times: Infinity };
    const played = await steer(simulator.url, 'play', {
      scenario: { kind: 'answer', text: 'over HTTP' },
      match,
    });
    expect(await json(played)).toEqual({ ok: true });
    for (let asked = 0; asked < 2; asked += 1) expect((await listen(client)).text).toBe('over HTTP');
    const calls = await json(await steer(simulator.url, 'calls'));
    expect(calls).toMatchObject([{ status: 200, body: { model: paid }, model: paid, cancelled: false }, {}]);
    await steer(simulator.url, 'models', { models: [] });
    expect((await listen(client)).error).toMatchObject({ status: 400 });
    await steer(simulator.url, 'reset', {});
    expect(await json(await steer(simulator.url, 'calls'))).toEqual([]);
  });

  test.each([
    ['play', { scenario: { kind: 'miracle' } }],
    ['play', {}],
    ['models', { models: 'all' }],
    ['dance', {}],
  ])('is told when it orders %s %o', async (order, body) => {
    const { simulator } = await start();
    const response = await steer(simulator.url, order, body);
    expect(response.status).toBe(400);
    expect((await json(response)).error).toEqual(expect.any(String));
    expect(simulator.calls).toEqual([]);
  });
});

test('two simulators do not know of each other', async () => {
  const [one, other] = [await start(), await start()];
  one.simulator.play({ kind: 'answer', text: 'one' });
  expect((await listen(other.client)).text).toContain('simulated');
  expect(one.simulator.calls).toEqual([]);
});

test('a port that is taken is an error', async () => {
  const { simulator } = await start();
  await expect(start({ port: Number(new URL(simulator.url).port) })).rejects.toThrow(/EADDRINUSE/);
});

test('the calls that are kept are limited to the latest', async () => {
  const { simulator, get } = await start({ keptCalls: 2 });
  for (const path of ['/a', '/b', '/c', '/d']) await get(path);
  expect(simulator.calls.map(({ path }) => path)).toEqual(['/api/v1/c', '/api/v1/d']);
});

describe('the command', () => {
  const run = (argv: string[]) => {
    const module = new URL('../../../src/simulator/command.ts', import.meta.url).href;
    const script = `import(${JSON.stringify(module)}).then((command) => command.runOpenRouterSimulatorCommand(process.argv.slice(1)))`;
    const child = spawn(process.execPath, ['-e', script, '--', ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    return child;
  };

  test('prints its address, answers with its keys at its pace and stops on SIGTERM', async () => {
    const child = run(['--keys', `${key},sk-or-v1-b`, '--pace', '1,1000']);
    const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/v1$/);
    const response = await fetch(`${url}/key`, { headers: { authorization: 'Bearer sk-or-v1-b' } });
    expect(response.status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test.each([
    ['gemini', '/v1beta/openai', 'AIza-mine'],
    ['huggingface', '/v1', 'hf_mine'],
  ])('plays %s as well', async (service, path, serviceKey) => {
    const main = fileURLToPath(new URL('../../simulators/main.ts', import.meta.url));
    const child = spawn(process.execPath, [main, service, '--key', serviceKey, '--pace', '1,1000']);
    onTestFinished(() => void child.kill('SIGKILL'));
    const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
    expect(new URL(url).pathname).toBe(path);
    const headers = { authorization: `Bearer ${serviceKey}` };
    expect((await fetch(`${url}/models`, { headers })).status).toBe(200);
    const steer = (order: string, body?: object) =>
      fetch(new URL(`/__simulator/${order}`, url), body && { method: 'POST', body: JSON.stringify(body) });
    expect((await steer('play', { scenario: { kind: 'refusal', name: 'rate-limited' } })).status).toBe(200);
    expect((await steer('play', { scenario: { kind: 'refusal', name: 'tired' } })).status).toBe(400);
    const { data } = await json(await fetch(`${url}/models`, { headers }));
    const body = { model: data[0].id, messages: [{ role: 'user', content: 'Hello' }] };
    const ask = () =>
      fetch(`${url}/chat/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect((await ask()).status).toBe(429);
    expect((await json(await ask())).choices[0].message.content).toContain('simulated');
    expect(await json(await steer('calls'))).toHaveLength(4);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test.each([
    ['--port', 'x'],
    ['--pace', '5'],
    ['--speed', '9'],
  ])('refuses %s %s', async (...argv) => {
    const child = run(argv);
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(1);
  });
});
