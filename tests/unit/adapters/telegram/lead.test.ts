import { describe, expect, it, onTestFinished } from 'vitest';
import { createLead } from '../../../../src/adapters/telegram/lead.ts';
import type { Clock } from '../../../../src/delivery/clock.ts';
import { StoreUnavailable } from '../../../../src/platform/adapter.ts';

const pace = { holdMs: 9000, renewMs: 3000, standbyMs: 1500, marginMs: 500 };

/** A clock that stands until it is moved, and wakes who sleeps on its way; a freeze wakes nobody before its end. */
function createHandClock() {
  let now = 0;
  const sleepers = new Set<{ readonly atMs: number; wake(): void }>();
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const wakeDue = async () => {
    const due = [...sleepers].filter(({ atMs }) => atMs <= now).toSorted((a, b) => a.atMs - b.atMs);
    for (const sleeper of due) sleeper.wake();
    await settle();
  };
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const sleeper = {
          atMs: now + ms,
          wake() {
            sleepers.delete(sleeper);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => sleeper.wake(), { once: true });
      }),
  };
  return {
    clock,
    settle,
    async pass(ms: number) {
      const endMs = now + ms;
      // Whoever is about to sleep does so first.
      await settle();
      while (now < endMs) {
        now = Math.min(endMs, ...[...sleepers].map(({ atMs }) => atMs).filter((atMs) => atMs > now));
        await wakeDue();
      }
    },
    freeze: (ms: number) => void (now += ms),
    wakeDue,
  };
}

/** Whether it is granted can be changed; `answer` may also hold an answer back. */
function openLead(first: () => Promise<boolean> = () => Promise.resolve(true)) {
  const time = createHandClock();
  const asks: number[] = [];
  let answer = first;
  let resigned = 0;
  const lead = createLead({
    ask: () => {
      asks.push(time.clock.now());
      return answer();
    },
    resign: () => Promise.resolve(void (resigned += 1)),
    pace,
    clock: time.clock,
    logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  onTestFinished(() => lead.end());
  lead.start();
  return {
    lead,
    time,
    asks,
    answering: (next: () => Promise<boolean>) => void (answer = next),
    resigned: () => resigned,
  };
}

const away = () => Promise.reject(new StoreUnavailable());

describe('a lead', () => {
  it('is asked for three times as often as it ends', async () => {
    const { lead, time, asks } = openLead();
    await time.pass(30_000);
    expect(lead.isHeld()).toBe(true);
    expect(asks.slice(0, 4)).toEqual([0, 3000, 6000, 9000]);
  });

  it('is over shortly before its end when it can not be asked for', async () => {
    const { lead, time, answering } = openLead();
    await time.pass(100);
    const lost = lead.lost();
    answering(away);
    await time.pass(8300);
    expect([lead.isHeld(), lost.aborted]).toEqual([true, false]);
    await time.pass(200);
    expect([lead.isHeld(), lost.aborted]).toEqual([false, true]);
  });

  it('is over in time also while an ask gets no answer', async () => {
    const { lead, time, answering } = openLead();
    await time.pass(100);
    const lost = lead.lost();
    const late = Promise.withResolvers<boolean>();
    answering(() => late.promise);
    await time.pass(9000);
    expect([lead.isHeld(), lost.aborted]).toEqual([false, true]);
    // It was granted for 9 seconds from the question on, which are over.
    await time.pass(5000);
    late.resolve(true);
    await time.settle();
    expect(lead.isHeld()).toBe(false);
  });

  it('is over at once when somebody else has it', async () => {
    const { lead, time, answering } = openLead();
    await time.pass(100);
    const lost = lead.lost();
    answering(() => Promise.resolve(false));
    await time.pass(3000);
    expect([lead.isHeld(), lost.aborted]).toEqual([false, true]);
  });

  it('is waited for by who does not have it, until it comes or the waiting is ended', async () => {
    const { lead, time, answering } = openLead(() => Promise.resolve(false));
    let isHeld = false;
    void lead.hold(new AbortController().signal).then(() => (isHeld = true));
    await time.pass(10_000);
    expect(isHeld).toBe(false);
    answering(() => Promise.resolve(true));
    await time.pass(1500);
    expect(isHeld).toBe(true);
    answering(() => Promise.resolve(false));
    await time.pass(3000);
    const ended = new AbortController();
    const waiting = lead.hold(ended.signal);
    ended.abort();
    await waiting;
    expect(lead.isHeld()).toBe(false);
  });

  it('after a freeze that outlasted it is asked for before anything is done, and what hung on it has ended', async () => {
    const { lead, time, asks, answering } = openLead();
    await time.pass(100);
    const lost = lead.lost();
    time.freeze(20_000);
    expect(lead.isHeld()).toBe(false);
    answering(() => Promise.resolve(true));
    const held = lead.hold(new AbortController().signal);
    await time.wakeDue();
    await held;
    expect(asks).toEqual([0, 20_100]);
    expect(lost.aborted).toBe(true);
    expect(lead.lost().aborted).toBe(false);
  });

  it('after a shorter freeze is asked for as well, because the answer is old', async () => {
    const { lead, time, asks, answering } = openLead();
    await time.pass(100);
    time.freeze(5000);
    answering(() => Promise.resolve(false));
    let isHeld = false;
    void lead.hold(new AbortController().signal).then(() => (isHeld = true));
    await time.settle();
    expect(asks).toEqual([0, 5100]);
    expect(isHeld).toBe(false);
  });

  it('is given back at the end, and only by who has it', async () => {
    const held = openLead();
    await held.time.pass(100);
    await held.lead.end();
    expect(held.resigned()).toBe(1);
    const standing = openLead(() => Promise.resolve(false));
    await standing.time.pass(100);
    await standing.lead.end();
    expect(standing.resigned()).toBe(0);
  });
});
