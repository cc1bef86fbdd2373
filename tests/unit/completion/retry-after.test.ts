import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../../src/completion/retry-after.ts';

const nowMs = Date.UTC(2026, 10, 21, 12, 0, 0);
const dayMs = 86_400_000;

describe('the wait that was asked for', () => {
  it.each<[Record<string, string>, number | null]>([
    [{}, null],
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': 'Sat, 21 Nov 2026 12:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 11:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '-5' }, 0],
    [{ 'retry-after': '9999999' }, dayMs],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'x-ratelimit-reset': String(nowMs + 7000) }, 7000],
    [{ 'x-ratelimit-reset': String(nowMs / 1000 + 7) }, 7000],
    [{ 'x-ratelimit-reset': '7' }, 7000],
    [{ 'x-ratelimit-reset': String(nowMs - 1) }, 0],
    [{ 'retry-after': '1', 'x-ratelimit-reset': '7' }, 1000],
  ])('with %j is %s ms', (headers, expected) => {
    expect(retryAfterMs((name) => headers[name] ?? null, nowMs)).toBe(expected);
  });
});
