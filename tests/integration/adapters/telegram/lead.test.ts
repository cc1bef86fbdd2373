import { describe, expect, it } from 'vitest';
import { DEFAULT_POLLING_PACE } from '../../../../src/adapters/telegram/polling.ts';
import { StoreUnavailable, type Handlers } from '../../../../src/platform/adapter.ts';
import { openStage, until, type Stage } from './stage.ts';

/** The real pace, twenty times as fast. */
const inEarnest = { speed: 20, pollingPace: { lead: DEFAULT_POLLING_PACE.lead } };

/** Polls that were refused for another one; a poller's own former poll, which it has broken off, is none. */
const conflicts = (stage: Stage) =>
  stage.calls('getUpdates').filter(({ errorCode, aborted }) => errorCode === 409 && aborted !== true);
const asksOf = (stage: Stage, process: string) => stage.leadAsks.filter((ask) => ask.process === process);

/** A core whose store a process can be cut off from. */
function cuttable(handlers: Handlers) {
  let isCut = false;
  const lead: Handlers['memory']['lead'] = async (what, holdMs) => {
    if (isCut) throw new StoreUnavailable();
    return await handlers.memory.lead(what, holdMs);
  };
  return {
    handlers: { ...handlers, memory: { ...handlers.memory, lead } },
    cut: (is: boolean) => void (isCut = is),
  };
}

describe('of two processes with one token', () => {
  it('one polls, the other makes no such call, and takes over at once when the first stops', async () => {
    const stage = await openStage(inEarnest);
    await until(() => stage.calls('getUpdates').length === 1);
    await stage.another().start(stage.handlersOf('second'));
    await until(() => asksOf(stage, 'second').length >= 3);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'to the first');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(conflicts(stage)).toEqual([]);
    expect(asksOf(stage, 'second').every(({ isGranted }) => !isGranted)).toBe(true);

    await stage.adapter.stop();
    user.privateChat().send(user, 'to the second');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages.map(({ text }) => text)).toEqual(['to the first', 'to the second']);
    expect(conflicts(stage)).toEqual([]);
    expect(new Set(stage.leadAsks.map(({ what }) => what))).toEqual(
      new Set([`telegram-poller:${stage.telegram.bot.id}`]),
    );
  });

  it('the other takes over when the first can not ask any more, which has stopped by then', async () => {
    const stage = await openStage({ ...inEarnest, isStarted: false });
    const first = cuttable(stage.handlersOf('first'));
    await stage.adapter.start(first.handlers);
    await until(() => stage.calls('getUpdates').length === 1);
    await stage.another().start(stage.handlersOf('second'));
    first.cut(true);
    const cutAtMs = stage.telegram.calls.at(-1)!.atMs;
    const user = stage.telegram.user();
    await until(() => asksOf(stage, 'second').some(({ isGranted }) => isGranted));
    user.privateChat().send(user, 'to the second');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages.map(({ text }) => text)).toEqual(['to the second']);
    expect(conflicts(stage)).toEqual([]);
    const [before, after] = stage.calls('getUpdates');
    expect(before!.aborted).toBe(true);
    expect(after!.atMs - cutAtMs).toBeLessThan(60_000);
  });

  it('the first does not poll again before it is granted the lead anew', async () => {
    const stage = await openStage({ ...inEarnest, isStarted: false });
    const first = cuttable(stage.handlersOf('first'));
    await stage.adapter.start(first.handlers);
    const second = stage.another();
    await second.start(stage.handlersOf('second'));
    first.cut(true);
    await until(() => asksOf(stage, 'second').some(({ isGranted }) => isGranted));
    first.cut(false);
    const { length } = asksOf(stage, 'first');
    await until(() => asksOf(stage, 'first').length >= length + 3);
    expect(conflicts(stage)).toEqual([]);
    await second.stop();
    const user = stage.telegram.user();
    user.privateChat().send(user, 'to the first');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages).toHaveLength(1);
    expect(conflicts(stage)).toEqual([]);
  });
});

describe('the one who leads', () => {
  it('asks for it again in time, all through a long poll', async () => {
    const stage = await openStage(inEarnest);
    await until(() => asksOf(stage, 'first').length >= 10);
    expect(stage.calls('getUpdates')).toHaveLength(1);
  });

  it('stops polling while the store is away, and finds what waited at Telegram afterwards', async () => {
    const stage = await openStage({ ...inEarnest, isStarted: false });
    const first = cuttable(stage.handlersOf('first'));
    await stage.adapter.start(first.handlers);
    await until(() => stage.calls('getUpdates').length === 1);
    first.cut(true);
    await until(() => stage.calls('getUpdates')[0]!.aborted === true);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'meanwhile');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(stage.calls('getUpdates')).toHaveLength(1);
    expect(stage.telegram.unconfirmed()).toHaveLength(1);
    first.cut(false);
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages.map(({ text }) => text)).toEqual(['meanwhile']);
    const complaints = stage.log.filter((line) =>
      line.startsWith('the lead in polling can not be asked for'),
    );
    expect(complaints.length).toBeGreaterThan(1);
  });

  it('finishes what is in hand though the lead is lost meanwhile, and leaves its confirmation to the next', async () => {
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => (release = resolve));
    const stage = await openStage({
      ...inEarnest,
      isStarted: false,
      handlers: { onMessage: async () => (await slow, 'no_reply') },
    });
    const first = cuttable(stage.handlersOf('first'));
    await stage.adapter.start(first.handlers);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'in hand');
    await until(() => stage.calls('getUpdates').length > 1);
    first.cut(true);
    await until(() => stage.log.some((line) => line.startsWith('another process may poll')));
    release();
    await until(() => stage.messages.length === 1);
    expect(stage.telegram.unconfirmed()).toHaveLength(1);
    await stage.another().start(stage.handlersOf('second'));
    await until(() => stage.telegram.unconfirmed().length === 0);
    const origins = stage.messages.map(({ originKey }) => originKey);
    expect(new Set(origins).size).toBe(1);
  });

  it('confirms before it resigns', async () => {
    const stage = await openStage({ ...inEarnest, speed: 5, isStarted: false });
    const handlers = stage.handlersOf('first');
    let unconfirmedThen: number | null = null;
    const resign = async (what: string) => {
      unconfirmedThen = stage.telegram.unconfirmed().length;
      await handlers.memory.resign(what);
    };
    await stage.adapter.start({ ...handlers, memory: { ...handlers.memory, resign } });
    const user = stage.telegram.user();
    user.privateChat().send(user, 'the last');
    await until(() => stage.messages.length === 1);
    await stage.adapter.stop();
    expect(unconfirmedThen).toBe(0);
  });
});
