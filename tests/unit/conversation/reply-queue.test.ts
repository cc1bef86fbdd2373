import { expect, test } from 'vitest';
import type { Shown } from '../../../src/conversation/ports.ts';
import { createReplyQueue } from '../../../src/conversation/reply-queue.ts';
import { StoreUnavailable } from '../../../src/platform/adapter.ts';
import { turnId } from '../../../src/platform/ids.ts';

const [first, second] = [turnId('first'), turnId('second')];
const never = () => false;
const SHOWN: Shown = { kind: 'shown' };
const PENDING: Shown = { kind: 'pending' };

/** A queue over what the store says about other processes' replies, one after the other. */
function queueOf(...answers: readonly (Shown | Error)[]) {
  const sleeps: number[] = [];
  const warnings: string[] = [];
  const whispers: string[] = [];
  let looks = 0;
  const silent = () => undefined;
  const queue = createReplyQueue({
    store: {
      async shown() {
        const answer = answers[looks] ?? SHOWN;
        looks += 1;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    log: {
      debug: (_fields: unknown, text: unknown) => whispers.push(String(text)),
      info: silent,
      error: silent,
      warn: (_fields: unknown, text: unknown) => warnings.push(String(text)),
    },
    sleep: async (ms) => void sleeps.push(ms),
  });
  return { queue, sleeps, warnings, whispers, looks: () => looks };
}

/** Whether a promise is settled once everything that can happen has happened. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.finally(() => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('a reply behind none is free, and asks nobody', async () => {
  const { queue, looks } = queueOf();
  expect(await queue.whenFree(null, never)).toEqual(SHOWN);
  expect(looks()).toBe(0);
});

test('a reply waits for the one before it that is written here, without asking the store', async () => {
  const { queue, looks } = queueOf();
  const complete = queue.enter(first);
  const free = queue.whenFree(first, never);
  expect(await isSettled(free)).toBe(false);
  complete(SHOWN);
  expect(await free).toEqual(SHOWN);
  expect(looks()).toBe(0);
});

test('a reply that is put off here puts off the one behind it', async () => {
  const { queue } = queueOf();
  const complete = queue.enter(first);
  const free = queue.whenFree(first, never);
  complete({ kind: 'postponed', retryAfterMs: 7000 });
  expect(await free).toEqual({ kind: 'postponed', retryAfterMs: 7000 });
});

test('a reply that is left here is looked at in the store, as somebody else may finish it', async () => {
  const { queue, sleeps } = queueOf(PENDING, PENDING, SHOWN);
  const complete = queue.enter(first);
  const free = queue.whenFree(first, never);
  complete(PENDING);
  expect(await free).toEqual(SHOWN);
  expect(sleeps).toHaveLength(2);
});

test('a reply of another process is looked at until it is complete or put off, also while the store is away', async () => {
  const later: Shown = { kind: 'postponed', retryAfterMs: 9000 };
  const away = queueOf(new StoreUnavailable('away'), PENDING, later);
  expect(await away.queue.whenFree(first, never)).toEqual(later);
  expect(away.warnings).toEqual([]);
  const broken = queueOf(new Error('broken'), new Error('broken'), new Error('broken'), SHOWN);
  expect(await broken.queue.whenFree(first, never)).toEqual(SHOWN);
  expect(broken.warnings).toHaveLength(1);
  expect(broken.whispers).toHaveLength(2);
});

test('nobody looks any more for a reply that is over', async () => {
  const { queue, looks } = queueOf(PENDING, PENDING, PENDING, PENDING);
  let isOver = false;
  const free = queue.whenFree(first, () => looks() >= 2 || isOver);
  expect(await free).toEqual(PENDING);
  isOver = true;
  expect(await queue.whenFree(second, () => isOver)).toEqual(PENDING);
  expect(looks()).toBe(2);
});

test('what a reply tells counts for the one who entered it last', async () => {
  const { queue } = queueOf();
  const earlier = queue.enter(first);
  const complete = queue.enter(first);
  earlier(SHOWN);
  const free = queue.whenFree(first, never);
  expect(await isSettled(free)).toBe(false);
  complete({ kind: 'postponed', retryAfterMs: 1 });
  expect(await free).toEqual({ kind: 'postponed', retryAfterMs: 1 });
});

test('a question is put to the store until it answers; what is wrong with the question is not repeated', async () => {
  const { queue, sleeps } = queueOf();
  let asked = 0;
  const ask = async () => {
    asked += 1;
    if (asked < 3) throw new StoreUnavailable('away');
    return 'answer';
  };
  expect(await queue.insist(ask)).toBe('answer');
  expect(sleeps).toHaveLength(2);
  await expect(queue.insist(() => Promise.reject(new Error('wrong')))).rejects.toThrow('wrong');
});
