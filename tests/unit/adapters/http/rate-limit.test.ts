import { expect, onTestFinished, test } from 'vitest';
import { createHttpAdapter } from '../../../../src/adapters/http/adapter.ts';
import { askerOf } from '../../../../src/adapters/http/asker.ts';
import { limited } from '../../../../src/adapters/http/rate-limit.ts';
import { refuseSignIn, SIGN_IN_PATH, signInRoute } from '../../../../src/adapters/http/sign-in.ts';
import { createMeter } from '../../../../src/limits/meter.ts';

const ID = '01234567-89ab-4def-8123-456789abcdef';

async function serve(perMinute: number) {
  let nowMs = 1_000_000;
  let ended = 0;
  const meter = createMeter(perMinute, () => nowMs);
  const http = createHttpAdapter({
    host: '127.0.0.1',
    port: 0,
    notReady: () => Promise.resolve([]),
    routes: (path) => {
      const route = signInRoute(path, () => {
        ended += 1;
        return Promise.resolve({ notice: { key: 'key.page_missing' }, locale: null });
      });
      return route && limited(route, { meter, refuse: refuseSignIn });
    },
  });
  const port = await http.start();
  onTestFinished(() => http.stop());
  const ask = (from: string) =>
    fetch(`http://127.0.0.1:${port}${SIGN_IN_PATH}${ID}?code=abc`, { headers: { 'x-forwarded-for': from } });
  return { ask, wait: (ms: number) => void (nowMs += ms), ended: () => ended };
}

const headersOf = ({ status, headers }: Response) => [
  status,
  ...['limit', 'remaining', 'reset'].map((name) => Number(headers.get(`ratelimit-${name}`))),
  headers.get('retry-after'),
];

test('each answer tells what is left of the minute; one too many is refused with the wait', async () => {
  const { ask, wait, ended } = await serve(2);
  expect(headersOf(await ask('203.0.113.7'))).toEqual([200, 2, 1, 60, null]);
  wait(20_000);
  expect(headersOf(await ask('203.0.113.7'))).toEqual([200, 2, 0, 40, null]);
  const refused = await ask('203.0.113.7');
  expect(headersOf(refused)).toEqual([429, 2, 0, 40, '40']);
  expect(await refused.text()).toContain('try again in 40 seconds');
  expect(ended()).toBe(2);
  expect(headersOf(await ask('203.0.113.8'))).toEqual([200, 2, 1, 60, null]);
  wait(40_000);
  expect(headersOf(await ask('203.0.113.7'))).toEqual([200, 2, 0, 20, null]);
});

test('all addresses of one IPv6 network are one asker', async () => {
  const { ask } = await serve(1);
  expect((await ask('2001:db8:1:2::1')).status).toBe(200);
  expect((await ask('2001:db8:1:2:ffff:0:1:9')).status).toBe(429);
  expect((await ask('2001:db8:1:3::1')).status).toBe(200);
});

test('only a proxy beside us is believed who asked', () => {
  expect(askerOf('127.0.0.1', '198.51.100.1, 203.0.113.7')).toBe('203.0.113.7');
  expect(askerOf('::ffff:10.0.0.2', '203.0.113.7')).toBe('203.0.113.7');
  expect(askerOf('203.0.113.9', '198.51.100.1')).toBe('203.0.113.9');
  expect(askerOf('127.0.0.1', null)).toBe('127.0.0.1');
});
