import { expect, test } from 'vitest';
import type { ReplyDesk } from '../../../src/conversation/reply-desk.ts';
import { createRunner, type RunnerParts, type Undelivered } from '../../../src/conversation/runner.ts';
import type { TurnReply } from '../../../src/conversation/turn-reply.ts';
import { turnId } from '../../../src/platform/ids.ts';

/** A runner over a desk that takes down what it is asked for; `over` tells when a turn's reply is let go of. */
function setting(over: Readonly<Record<string, Promise<void>>> = {}) {
  const log: string[] = [];
  const silent = () => undefined;
  const done = () => Promise.resolve();
  const reply: TurnReply = {
    working: silent,
    append: silent,
    hasText: () => false,
    finish: ({ text }) => Promise.resolve(void log.push(`finish ${text}`)),
    retract: done,
    handOver: done,
    abandon: done,
  };
  const desk: ReplyDesk = {
    open: ({ id }) => {
      const end = over[id];
      return end === undefined ? reply : { ...reply, finish: () => end, abandon: () => end };
    },
    compose: (_turn, { notice }) => ({ text: notice?.key ?? '', buttons: [] }),
    close: done,
  };
  const runner = createRunner({
    desk,
    store: {
      releaseLeases: (_instance: string, claims: readonly { id: string }[]) =>
        Promise.resolve(void log.push(`let go ${claims.map(({ id }) => id).join()}`)),
    },
    log: { debug: silent, info: silent, warn: silent, error: silent },
    instance: 'one',
    leaseMs: 9000,
    now: () => 0,
    monotonicNow: () => 0,
    sleep: done,
  } as unknown as RunnerParts);
  return { runner, log };
}

const interrupted: Undelivered = {
  id: turnId('t'),
  epoch: 1,
  leasedAtMs: 0,
  platform: 'telegram',
  replyTarget: { message: 1 },
  settings: { model: null, locale: null, opensThread: false },
  reportedLocale: null,
  state: 'interrupted',
  answer: null,
  isPartial: false,
  notice: { key: 'turn.interrupted', params: {} },
  versions: { index: 1, count: 1 },
  isRetracted: false,
  waited: [{ message: 1 }, { message: 2 }],
  parts: [],
  replyOf: null,
  after: null,
};

test('what is to be delivered by a runner that has let go of everything is let go, too', async () => {
  const { runner, log } = setting();
  await runner.release();
  runner.deliver(interrupted);
  await runner.idle();
  expect(log).toEqual(['let go t']);
});

test('at the end only turns are let go of whose calls are over; the leases of others run out', async () => {
  const { runner, log } = setting({ hanging: new Promise(() => undefined), silent: Promise.resolve() });
  for (const id of ['hanging', 'silent']) runner.deliver({ ...interrupted, id: turnId(id), waited: [] });
  await runner.release();
  expect(log.filter((line) => line.startsWith('let go'))).toEqual(['let go silent']);
});

test('at the end nothing is let go of where all calls hang', async () => {
  const { runner, log } = setting({ hanging: new Promise(() => undefined) });
  runner.deliver({ ...interrupted, id: turnId('hanging'), waited: [] });
  await runner.release();
  expect(log).toEqual([]);
});
