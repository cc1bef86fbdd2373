import { describe, expect, it } from 'vitest';
import type { Failure, Outcome, Refusal } from '../../../src/delivery/failure.ts';
import { insist, type Insistence } from '../../../src/delivery/insist.ts';
import { createFakeClock } from './fake-clock.ts';

interface Refused extends Refusal {
  readonly status: number;
}
const refused = (status: number): Refused => ({ kind: 'refused', status });
const lost = { kind: 'unreachable', method: 'm', reason: 'ECONNRESET', applied: 'unknown' } as const;
const unsent = { ...lost, reason: 'ECONNREFUSED', applied: 'no' } as const;

/** Insists on a call that fails in these ways, one after another, and then works. */
async function insistOn(
  failures: readonly Failure<Refused>[],
  overrides: Partial<Insistence<Failure<Refused>>> = {},
) {
  const clock = createFakeClock();
  let calls = 0;
  const call = (): Promise<Outcome<string, Failure<Refused>>> => {
    const failure = failures[calls];
    calls += 1;
    return Promise.resolve(failure === undefined ? { ok: true, value: 'taken' } : { ok: false, failure });
  };
  const outcome = await insist(call, {
    line: () => Promise.resolve(0),
    isTransient: (failure) =>
      failure.kind === 'unreachable' || (failure.kind === 'refused' && failure.status >= 429),
    isSlowDown: (failure) => failure.kind === 'refused' && failure.status === 429,
    onRepeat: () => undefined,
    isRepeatable: true,
    retryMs: 500,
    deadlineMs: 120_000,
    clock,
    ...overrides,
  });
  return { outcome, calls, sleeps: clock.sleeps };
}

describe('a call that is insisted on', () => {
  it('is repeated with growing rests until it is taken', async () => {
    const { outcome, sleeps } = await insistOn([refused(500), lost, unsent]);
    expect(outcome).toEqual({ ok: true, value: 'taken' });
    expect(sleeps).toEqual([500, 1000, 2000]);
  });

  it('is given up at once when it is refused for good', async () => {
    const { outcome, calls } = await insistOn([refused(403)]);
    expect(outcome).toEqual({ ok: false, failure: refused(403) });
    expect(calls).toBe(1);
  });

  it('is given up when it fails for too long, with the last failure', async () => {
    const { outcome, sleeps } = await insistOn(Array.from({ length: 100 }, () => refused(500)));
    expect(outcome).toEqual({ ok: false, failure: refused(500) });
    expect(sleeps.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(120_000);
    expect(Math.max(...sleeps)).toBe(10_000);
  });

  it('waits out a rest in line alone, as often as it takes', async () => {
    const { outcome, calls, sleeps } = await insistOn(Array.from({ length: 30 }, () => refused(429)));
    expect(outcome.ok).toBe(true);
    expect(calls).toBe(31);
    expect(sleeps).toEqual([]);
  });

  it('is not made when the line is too long', async () => {
    const { outcome, calls } = await insistOn([], { line: () => Promise.resolve(90_000) });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'late', retryAfterMs: 90_000 } });
    expect(calls).toBe(0);
  });

  it('is repeated twice at most when each time it may have been carried out', async () => {
    const { outcome, calls } = await insistOn([lost, lost, lost, lost], { isRepeatable: false });
    expect(outcome).toEqual({ ok: false, failure: lost });
    expect(calls).toBe(3);
    const sure = await insistOn([unsent, unsent, unsent, unsent], { isRepeatable: false });
    expect(sure.outcome.ok).toBe(true);
  });

  it('is not made any more once it is somebody else’s', async () => {
    const { outcome, calls } = await insistOn([], { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: 'late' } });
    expect(calls).toBe(0);
  });
});
