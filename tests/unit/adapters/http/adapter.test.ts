import { expect, onTestFinished, test } from 'vitest';
import { createHttpAdapter, type Route } from '../../../../src/adapters/http/adapter.ts';

async function serve(routes: Map<string, Route>) {
  const http = createHttpAdapter({
    host: '127.0.0.1',
    port: 0,
    notReady: () => Promise.resolve(['database']),
    routes: (path) => routes.get(path),
  });
  const port = await http.start();
  onTestFinished(() => http.stop());
  return { http, url: `http://127.0.0.1:${port}` };
}

test('a route is found when the request comes, though it was not there at the start', async () => {
  const routes = new Map<string, Route>();
  const { url } = await serve(routes);
  expect((await fetch(`${url}/hook`, { method: 'POST' })).status).toBe(404);
  routes.set('/hook', async (request) => new Response(`got ${await request.text()}`, { status: 202 }));
  const response = await fetch(`${url}/hook?x=1`, { method: 'POST', body: 'this' });
  expect([response.status, await response.text()]).toEqual([202, 'got this']);
});

test('health is answered whatever the routes are', async () => {
  const { url } = await serve(new Map([['/healthz', () => Promise.resolve(new Response('mine'))]]));
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'not ready', missing: ['database'] }]);
});

test('an answer that is on its way goes out before the stop', async () => {
  let release = (): void => undefined;
  let isBegun = (): void => undefined;
  const begun = new Promise<void>((resolve) => (isBegun = resolve));
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow: Route = async () => {
    isBegun();
    await held;
    return new Response('in time');
  };
  const { http, url } = await serve(new Map([['/slow', slow]]));
  const response = fetch(`${url}/slow`);
  await begun;
  const stopped = http.stop();
  release();
  expect(await (await response).text()).toBe('in time');
  await stopped;
  await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed');
});
