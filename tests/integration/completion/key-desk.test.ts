import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createHash } from 'node:crypto';
import { createKeyDesk } from '../../../src/completion/key-desk.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import { newKey } from '../../support/own-keys.ts';

let simulator: OpenRouterSimulator;
const clock = { nowMs: Date.UTC(2026, 10, 21, 12) };
beforeAll(async () => {
  simulator = await startOpenRouterSimulator({ now: () => clock.nowMs });
});
afterAll(() => simulator.stop());

/** A service that answers everything in one way. */
async function service(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
}

describe('a key', () => {
  it('tells what it was billed today, to the nano-dollar, and nothing where nobody is reached', async () => {
    const desk = createKeyDesk({ baseUrl: simulator.url });
    expect(await desk.billedToday(newKey(simulator))).toBe(0n);
    expect(await desk.billedToday('sk-or-v1-nobody')).toBeNull();
    const url = await service((_request, response) =>
      response.end('{"data":{"usage_daily":1.200000001,"byok_usage_daily":0.5}}'),
    );
    expect(await createKeyDesk({ baseUrl: url }).billedToday('any')).toBe(1_700_000_001n);
    const silent = await service((_request, response) => response.end('{"data":{}}'));
    expect(await createKeyDesk({ baseUrl: silent }).billedToday('any')).toBeNull();
  });

  it('is told apart: good, with what is left; managing; refused', async () => {
    const desk = createKeyDesk({ baseUrl: simulator.url });
    expect(await desk.look(newKey(simulator, { limitUsd: '2.5' }))).toEqual({
      kind: 'good',
      remainingUsd: 2.5,
      usedUsd: 0,
      freeDay: { used: 0, limit: 1000 },
    });
    expect(await desk.look(newKey(simulator))).toMatchObject({ kind: 'good', remainingUsd: null });
    expect(await desk.look(newKey(simulator, { management: true }))).toEqual({ kind: 'management' });
    expect(await desk.look(newKey(simulator, { disabled: true }))).toEqual({ kind: 'refused' });
    expect(await desk.look('sk-or-v1-nobody')).toEqual({ kind: 'refused' });
  });

  it.each<[string, RequestListener]>([
    ['fails', (_request, response) => response.writeHead(502).end('<html>bad gateway</html>')],
    ['is behind a wall', (_request, response) => response.writeHead(403).end('<html>Blocked</html>')],
    [
      'refuses for a reason of its own',
      (_request, response) =>
        response.writeHead(403).end('{"error":{"code":403,"message":"Not available in your region"}}'),
    ],
    ['is behind a page to sign in at', (_request, response) => response.writeHead(401).end('<html></html>')],
    ['throttles', (_request, response) => response.writeHead(429).end('{}')],
    ['answers something else', (_request, response) => response.end('[]')],
    ['answers without end', (_request, response) => response.end('x'.repeat(1_000_000))],
    ['hangs up', (request) => request.socket.destroy()],
    ['says nothing', () => {}],
    [
      'sends elsewhere',
      (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    ],
  ])('is neither good nor bad where the service %s', async (_what, listener) => {
    const desk = createKeyDesk({ baseUrl: await service(listener), timeoutMs: 300 });
    expect(await desk.look('sk-or-v1-mine')).toEqual({ kind: 'unreachable' });
    expect(await desk.trade('code', 'verifier')).toEqual({ kind: 'unreachable' });
  });
});

describe('a sign-in', () => {
  const verifier = 'a-verifier-that-is-long-enough-for-everybody-123';
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const begin = async (callback: string | null = null) => {
    const desk = createKeyDesk({ baseUrl: simulator.url });
    const url = desk.signInUrl(challenge, callback);
    const allowed = await fetch(url, { method: 'POST', redirect: 'manual' });
    return { desk, url, allowed };
  };

  it('gives a code that is good once, with its verifier, for ten minutes', async () => {
    const { desk, url, allowed } = await begin();
    expect((await fetch(url)).status).toBe(200);
    const code = await allowed.text();
    expect(await desk.trade(code, 'another verifier')).toEqual({ kind: 'refused' });
    const traded = await desk.trade(code, verifier);
    expect(traded).toMatchObject({
      kind: 'traded',
      apiKey: expect.stringMatching(/^sk-or-v1-[\da-f]{64}$/u),
    });
    expect(await desk.look(traded.kind === 'traded' ? traded.apiKey : '')).toMatchObject({ kind: 'good' });
    expect(await desk.trade(code, verifier)).toEqual({ kind: 'refused' });
    const late = await (await begin()).allowed.text();
    clock.nowMs += 600_000;
    expect(await desk.trade(late, verifier)).toEqual({ kind: 'expired' });
  });

  it('carries the code to a callback, which keeps its own parameters', async () => {
    const { allowed } = await begin('https://parley.example/oauth/openrouter/one?x=1');
    expect(allowed.status).toBe(302);
    expect(allowed.headers.get('location')).toMatch(
      /^https:\/\/parley\.example\/oauth\/openrouter\/one\?x=1&code=[\w-]+$/u,
    );
  });

  it('is refused by the simulator as the real service does', async () => {
    const page = (query: string) => fetch(`${new URL('/auth', simulator.url).href}?${query}`);
    expect((await page('')).status).toBe(400);
    expect((await page(`code_challenge=${challenge}&code_challenge_method=S512`)).status).toBe(400);
    expect((await page(`code_challenge=${challenge}&callback_url=http://elsewhere.example/`)).status).toBe(
      400,
    );
    expect((await page(`code_challenge=${challenge}&callback_url=http://localhost:5/`)).status).toBe(200);
    expect((await fetch(`${simulator.url}/auth/keys`)).status).toBe(405);
    const trade = async (body: object) => {
      const response = await fetch(`${simulator.url}/auth/keys`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as object };
    };
    expect(await trade({ code: 'x', code_verifier: 'y', code_challenge_method: 'none' })).toMatchObject({
      status: 400,
      body: { error: { message: 'Invalid code_challenge_method' } },
    });
    expect(await trade({ code: 'x', code_verifier: 'y' })).toMatchObject({
      status: 403,
      body: { error: { message: 'Invalid code or code_verifier' } },
    });
    expect(simulator.calls.some(({ path, status }) => path.endsWith('/auth/keys') && status === 405)).toBe(
      true,
    );
  });
});
