import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createReplyDesk, type Answerable } from '../../../src/conversation/reply-desk.ts';
import type { TurnStore } from '../../../src/conversation/ports.ts';
import type { PlatformAdapter } from '../../../src/platform/adapter.ts';
import { turnId } from '../../../src/platform/ids.ts';
import type { Reply } from '../../../src/platform/reply.ts';

const silent = () => undefined;
const turn: Answerable = {
  id: turnId('t'),
  epoch: 1,
  platform: 'telegram',
  replyTarget: { message: 1 },
  settings: { model: null, locale: null, opensThread: false },
  reportedLocale: null,
  parts: [],
  replyOf: null,
  after: null,
  waited: [{ message: 1 }],
};

/** A desk that is told when the marks are away. */
function openDesk() {
  const log: string[] = [];
  const removal = Promise.withResolvers<void>();
  const reply: Reply = {
    working: silent,
    append: silent,
    finish: () => Promise.resolve({ kind: 'delivered' }),
    retract: () => Promise.resolve({ kind: 'delivered' }),
    abandon: () => Promise.resolve(),
  };
  const desk = createReplyDesk({
    store: { markDelivered: () => Promise.resolve(void log.push('noted')) } as unknown as TurnStore,
    adapterOf: () => ({ openReply: () => reply }) as unknown as PlatformAdapter,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    sleep: () => Promise.resolve(),
    marks: { remove: () => removal.promise },
  });
  const open = () => desk.open(turn, { subject: '', onUnseen: silent, mayWrite: () => true });
  return { desk, log, removal, open };
}

const FINAL = { text: 'the answer', buttons: [] };

it('notes a delivery only when no question is marked as waiting any more', async () => {
  const { log, removal, open } = openDesk();
  const finished = open().finish(FINAL);
  await sleep(20);
  expect(log).toEqual([]);
  removal.resolve();
  await finished;
  expect(log).toEqual(['noted']);
});

it('does the same where there is nothing to show', async () => {
  const { desk, log, removal } = openDesk();
  const closed = desk.close(turn);
  await sleep(20);
  expect(log).toEqual([]);
  removal.resolve();
  await closed;
  expect(log).toEqual(['noted']);
});
