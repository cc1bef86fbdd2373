import { expect, test } from 'vitest';
import type { Shown } from '../../../src/conversation/ports.ts';
import { createTurnReply } from '../../../src/conversation/turn-reply.ts';
import { turnId } from '../../../src/platform/ids.ts';
import type { Delivery, FinalReply, PartRecord } from '../../../src/platform/reply.ts';

const FINAL: FinalReply = { text: 'all of it', buttons: [] };
const SHOWN: Shown = { kind: 'shown' };
const settle = () => new Promise((resolve) => setImmediate(resolve));
const part = (id: string): PartRecord => ({ index: 0, platformMessageId: id });

interface Stage {
  readonly replyOf?: string;
  readonly delivery?: Delivery;
  /** What is told of the reply before when that is asked about again. */
  readonly later?: Shown;
  readonly partsNow?: Promise<readonly PartRecord[]>;
}

/** A reply of a turn over a platform that takes down what is done, behind a reply that is completed by hand. */
function open({ replyOf, delivery = { kind: 'delivered' }, later, partsNow }: Stage = {}) {
  const log: string[] = [];
  const free = Promise.withResolvers<Shown>();
  const saved = Promise.withResolvers<void>();
  const told: Shown[] = [];
  let isOver = (): boolean => false;
  let looks = 0;
  const reply = createTurnReply(
    { id: turnId('t'), replyOf: replyOf === undefined ? null : turnId(replyOf), parts: [part('old')] },
    {
      openWith(parts) {
        log.push(`open ${parts.map(({ platformMessageId: id }) => id).join()}`);
        const show = (what: string) => Promise.resolve((log.push(what), delivery));
        return {
          reply: {
            working: () => void log.push('working'),
            append: (delta) => void log.push(`append ${delta}`),
            finish: ({ text }) => show(`finish ${text}`),
            retract: () => show('retract'),
            abandon: () => Promise.resolve(void log.push('abandon')),
          },
          saved: () => saved.promise,
        };
      },
      partsNow: () => partsNow ?? Promise.resolve([part('now')]),
      whenFree(over) {
        isOver = over;
        looks += 1;
        return looks > 1 && later !== undefined ? Promise.resolve(later) : free.promise;
      },
      complete: (shown) => void told.push(shown),
      record: (how, isRetracted) =>
        Promise.resolve(void log.push(`record ${how.kind}${isRetracted ? ' retracted' : ''}`)),
    },
  );
  const pass = async (shown: Shown = SHOWN) => {
    free.resolve(shown);
    await settle();
  };
  return { reply, log, told, pass, save: () => saved.resolve(), isOver: () => isOver() };
}

test('what comes while the reply before is incomplete shows in one piece afterwards', async () => {
  const { reply, log, pass } = open();
  expect(reply.hasText()).toBe(false);
  reply.append('a');
  reply.append('b');
  expect(reply.hasText()).toBe(true);
  expect(log).toEqual(['open old']);
  await pass();
  reply.append('c');
  expect(log).toEqual(['open old', 'append ab', 'append c']);
});

test('a sign of life is given at once, and again when the reply may begin', async () => {
  const { reply, log, pass } = open();
  reply.working();
  await pass();
  expect(log).toEqual(['open old', 'working', 'working']);
});

test('a reply that another turn began is opened with the parts that are there when it may begin', async () => {
  const { reply, log, pass } = open({ replyOf: 'root' });
  reply.working();
  reply.append('a');
  expect(log).toEqual([]);
  await pass();
  expect(log).toEqual(['open now', 'working', 'append a']);
});

test('the end is shown in its turn, noted when every part is, and told before it is noted', async () => {
  const { reply, log, told, pass, save } = open();
  const end = reply.finish(FINAL);
  expect(log).toEqual(['open old']);
  await pass();
  expect(log).toEqual(['open old', 'finish all of it']);
  expect(told).toEqual([]);
  save();
  await end;
  expect(told).toEqual([SHOWN]);
  expect(log.at(-1)).toBe('record delivered');
});

test('taking away is noted as such', async () => {
  const { reply, log, pass, save } = open();
  save();
  const end = reply.retract();
  await pass();
  await end;
  expect(log).toEqual(['open old', 'retract', 'record delivered retracted']);
});

test('who can not be reached any more keeps nobody waiting; what is put off puts off the next', async () => {
  const unreachable = open({ delivery: { kind: 'unreachable', reason: 'blocked' } });
  const later = { kind: 'postponed', retryAfterMs: 5000, reason: 'busy' } as const;
  const postponed = open({ delivery: later });
  for (const { reply, pass, save } of [unreachable, postponed]) {
    save();
    await pass();
    await reply.finish(FINAL);
  }
  expect(unreachable.told).toEqual([SHOWN]);
  expect(unreachable.log.at(-1)).toBe('record unreachable');
  expect(postponed.told).toEqual([later]);
  expect(postponed.log.at(-1)).toBe('record postponed');
});

test('behind a reply that is put off nothing shows, and this one is put off as long', async () => {
  const { reply, log, told, pass, save } = open();
  save();
  reply.append('a');
  await pass({ kind: 'postponed', retryAfterMs: 8000 });
  await reply.finish(FINAL);
  expect(log).toEqual(['open old', 'abandon', 'record postponed']);
  expect(told).toMatchObject([{ kind: 'postponed', retryAfterMs: 8000 }]);
});

test('a reply that is another process’s now stops, notes nothing and sends the next one to look itself', async () => {
  const { reply, log, told, save, isOver } = open();
  save();
  await reply.abandon();
  expect(isOver()).toBe(true);
  expect(log).toEqual(['open old', 'abandon']);
  expect(told).toEqual([{ kind: 'pending' }]);
  await reply.abandon();
  await reply.handOver();
  reply.append('late');
  expect(log).toEqual(['open old', 'abandon']);
});

test('who lets go of it a second time waits for the same', async () => {
  const released = open();
  const handedOver = open();
  void released.reply.abandon();
  void handedOver.reply.handOver();
  for (const { reply, log, save } of [released, handedOver]) {
    let isQuiet = false;
    const again = reply.abandon().then(() => (isQuiet = true));
    await settle();
    expect(isQuiet).toBe(false);
    save();
    await again;
    expect(log).toEqual(['open old', 'abandon']);
  }
});

test('it shows nothing when it is let go of while its parts are asked for', async () => {
  const asked = Promise.withResolvers<readonly PartRecord[]>();
  const { reply, log, pass, save } = open({ replyOf: 'root', later: SHOWN, partsNow: asked.promise });
  save();
  await pass({ kind: 'postponed', retryAfterMs: 0 });
  const end = reply.finish(FINAL);
  await settle();
  await reply.abandon();
  asked.resolve([part('now')]);
  await end;
  expect(log).toEqual(['open now']);
});

test('it stops also while the end is on its way, and that end is not noted', async () => {
  const { reply, log, told, pass, save } = open();
  await pass();
  const end = reply.finish(FINAL);
  await settle();
  const left = reply.abandon();
  save();
  await Promise.all([end, left]);
  expect(log.filter((line) => line.startsWith('record'))).toEqual([]);
  expect(told.length).toBeGreaterThan(0);
});

test('an end that comes after that shows nothing', async () => {
  const { reply, log, pass, save } = open();
  save();
  await reply.abandon();
  await pass();
  await reply.finish(FINAL);
  expect(log).toEqual(['open old', 'abandon']);
});

test('a reply that another turn writes on is let go with its parts known, and noted behind the one before', async () => {
  const { reply, log, told, save, pass } = open();
  const left = reply.handOver();
  await settle();
  expect(log).toEqual(['open old', 'abandon']);
  expect(told).toEqual([]);
  save();
  await settle();
  expect(told).toEqual([]);
  await pass();
  await left;
  expect(log.at(-1)).toBe('record delivered retracted');
  expect(told).toEqual([SHOWN]);
});

test('a reply of several turns that never began leaves nothing behind', async () => {
  const { reply, log, told, pass } = open({ replyOf: 'root' });
  const left = reply.handOver();
  await settle();
  expect(log).toEqual([]);
  await pass();
  await left;
  expect(log).toEqual(['record delivered retracted']);
  expect(told).toEqual([SHOWN]);
});
