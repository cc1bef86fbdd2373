import { expect, test } from 'vitest';
import { createHeldTurns } from '../../../src/conversation/held-turns.ts';
import type { TurnReply } from '../../../src/conversation/turn-reply.ts';
import { turnId, userId } from '../../../src/platform/ids.ts';

const LEASE_MS = 9000;
const [ann, bob] = [userId('terminal', 'ann'), userId('terminal', 'bob')];

function setting() {
  let nowMs = 100_000;
  const errors: unknown[] = [];
  const silent = () => undefined;
  const turns = createHeldTurns({
    leaseMs: LEASE_MS,
    monotonicNow: () => nowMs,
    log: { debug: silent, info: silent, warn: silent, error: (fields: unknown) => errors.push(fields) },
  });
  return { turns, errors, startMs: nowMs, at: (ms: number) => void (nowMs = 100_000 + ms) };
}

const claimed = (id: string, leasedAtMs = 100_000, epoch = 1) => ({ id: turnId(id), epoch, leasedAtMs });

/** A reply that tells how often it was abandoned. */
function replyOf(text = ''): TurnReply & { readonly abandoned: () => number } {
  let abandoned = 0;
  return {
    working: () => undefined,
    append: () => undefined,
    hasText: () => text !== '',
    finish: () => Promise.resolve(),
    retract: () => Promise.resolve(),
    handOver: () => Promise.resolve(),
    abandon: () => Promise.resolve(void (abandoned += 1)),
    abandoned: () => abandoned,
  };
}

test('nothing is written in the last second and a half of a lease, counted from before it was asked for', () => {
  const { turns, at } = setting();
  const held = turns.hold(claimed('t', 99_000), ann);
  at(LEASE_MS - 1000 - 1501);
  expect(held.mayWrite()).toBe(true);
  at(LEASE_MS - 1000 - 1500);
  expect(held.mayWrite()).toBe(false);
});

test('a renewal counts from when it was asked for, and one that comes late takes nothing back', () => {
  const { turns, at, startMs } = setting();
  const held = turns.hold(claimed('t'), ann);
  at(LEASE_MS);
  expect(held.mayWrite()).toBe(false);
  held.renew(startMs + 3000);
  expect(held.mayWrite()).toBe(true);
  held.renew(startMs + 1000);
  at(3000 + LEASE_MS - 1501);
  expect(held.mayWrite()).toBe(true);
  at(3000 + LEASE_MS - 1500);
  expect(held.mayWrite()).toBe(false);
});

test('a turn is held until its work ends, whatever the end, and its reply is over then', async () => {
  const { turns, errors } = setting();
  const work = Promise.withResolvers<void>();
  const reply = replyOf();
  turns.hold(claimed('t'), ann).begin(reply, work.promise);
  expect(turns.claims()).toEqual([{ id: 't', epoch: 1 }]);
  expect(turns.has({ id: turnId('t'), epoch: 1 })).toBe(true);
  expect(turns.has({ id: turnId('t'), epoch: 2 })).toBe(false);
  work.reject(new Error('broken'));
  await turns.idle();
  expect(turns.claims()).toEqual([]);
  expect(turns.get(turnId('t'))).toBeUndefined();
  expect(reply.abandoned()).toBe(1);
  expect(errors).toMatchObject([{ turn: 't' }]);
});

test('the end of an earlier claim does not let go of the later one', async () => {
  const { turns } = setting();
  const [earlier, later] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  turns.hold(claimed('t'), ann).begin(null, earlier.promise);
  turns.hold(claimed('t', 100_000, 2), ann).begin(null, later.promise);
  earlier.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  expect(turns.claims()).toEqual([{ id: 't', epoch: 2 }]);
  later.resolve();
  await turns.idle();
  expect(turns.claims()).toEqual([]);
});

test('only turns of the person without any text are unseen', () => {
  const { turns } = setting();
  const never = new Promise<void>(() => undefined);
  turns.hold(claimed('silent'), ann).begin(replyOf(), never);
  turns.hold(claimed('speaking'), ann).begin(replyOf('a'), never);
  turns.hold(claimed('delivered'), null).begin(replyOf(), never);
  turns.hold(claimed('closed'), ann).begin(null, never);
  turns.hold(claimed('other'), bob).begin(replyOf(), never);
  expect(turns.unshown(ann)).toEqual(['silent']);
});

test('letting go of all aborts each for the reason, waits for their replies, and tells whose is over', async () => {
  const { turns } = setting();
  const never = new Promise<void>(() => undefined);
  const [reply, call] = [replyOf('a'), Promise.withResolvers<void>()];
  const held = turns.hold(claimed('t'), ann);
  held.begin(reply, never);
  turns.hold(claimed('closed'), null).begin(null, never);
  turns.hold(claimed('hanging', 100_000, 2), ann).begin({ ...reply, abandon: () => call.promise }, never);
  const quiet: unknown[] = [];
  const left = turns.abandon('released', (claim) => quiet.push(claim));
  await new Promise((resolve) => setImmediate(resolve));
  expect(held.abort.signal.reason).toBe('released');
  expect(reply.abandoned()).toBe(1);
  const others = ['t', 'closed'].map((id) => ({ id, epoch: 1 }));
  expect(new Set(quiet)).toEqual(new Set(others));
  call.resolve();
  await left;
  expect(new Set(quiet)).toEqual(new Set([...others, { id: 'hanging', epoch: 2 }]));
});

test('a turn that was stopped before it came from the store is aborted as soon as it is held', () => {
  const { turns } = setting();
  turns.cancel(turnId('t'));
  expect(turns.hold(claimed('other'), ann).abort.signal.aborted).toBe(false);
  expect(turns.hold(claimed('t'), ann).abort.signal.aborted).toBe(true);
});
