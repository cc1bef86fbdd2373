import { describe, expect, it } from 'vitest';
import { ask, openStage, until, type Stage } from './stage.ts';

async function askOne(stage: Stage) {
  const user = stage.telegram.user();
  const chat = user.privateChat();
  const { question, message } = await ask(stage, () => chat.send(user, 'a question'));
  const reactions = () => chat.messages().find(({ id }) => id === question)?.reactions;
  return { user, chat, question, message, reactions };
}

describe('a message that waits its turn', () => {
  it('is marked with eyes until its answer begins', async () => {
    const stage = await openStage();
    const { message, reactions } = await askOne(stage);
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => reactions()?.[0] === '👀');
    void stage.adapter.markWaiting(message.replyTarget, false);
    await until(() => reactions()?.length === 0);
    expect(stage.calls('setMessageReaction')).toHaveLength(2);
  });

  it('is not left marked when its turn comes while the mark is on its way', async () => {
    const stage = await openStage();
    const { message, reactions } = await askOne(stage);
    stage.telegram.fault('setMessageReaction', { kind: 'delay', ms: 40 });
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => stage.calls('setMessageReaction').length === 1);
    void stage.adapter.markWaiting(message.replyTarget, false);
    await until(() => stage.calls('setMessageReaction').filter(({ pending }) => !pending).length === 2);
    expect(reactions()).toEqual([]);
  });

  it.each([
    ['fails', { kind: 'status', code: 502, body: 'Bad Gateway' }],
    ['breaks the connection', { kind: 'drop', when: 'before' }],
    ['asks for a rest', { kind: 'error', code: 429, description: 'Too Many Requests', retryAfter: 1 }],
  ] as const)('loses its mark although Telegram %s at first', async (_how, fault) => {
    const stage = await openStage();
    const { message, reactions } = await askOne(stage);
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => reactions()?.[0] === '👀');
    stage.telegram.fault('setMessageReaction', fault, { times: 2 });
    void stage.adapter.markWaiting(message.replyTarget, false);
    await until(() => reactions()?.length === 0);
    expect(stage.calls('setMessageReaction')).toHaveLength(4);
  });

  it('is marked only once where that fails', async () => {
    const stage = await openStage();
    const { message } = await askOne(stage);
    stage.telegram.fault('setMessageReaction', { kind: 'status', code: 502, body: 'Bad Gateway' });
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => stage.log.some((line) => line.startsWith('waiting mark dropped')));
    await stage.adapter.stop();
    expect(stage.calls('setMessageReaction')).toHaveLength(1);
  });

  it('loses its mark also when that has to wait while the bot ends, and none is put then', async () => {
    const stage = await openStage();
    const { user, chat, reactions } = await askOne(stage);
    for (let number = 0; number < 6; number += 1) chat.send(user, `question ${number}`);
    await until(() => stage.messages.length === 7);
    const [late, ...targets] = stage.messages.map(({ replyTarget }) => replyTarget);
    const marked = () => chat.messages().filter(({ reactions }) => reactions.length > 0).length;
    for (const target of targets) void stage.adapter.markWaiting(target, true);
    await until(() => marked() >= 5);
    for (const target of targets) void stage.adapter.markWaiting(target, false);
    const stopped = stage.adapter.stop();
    void stage.adapter.markWaiting(late!, true);
    await stopped;
    await until(() => marked() === 0);
    expect(reactions()).toEqual([]);
  });

  it('is told to nobody when Telegram refuses the mark', async () => {
    const stage = await openStage();
    const { message, reactions } = await askOne(stage);
    stage.telegram.fault('setMessageReaction', {
      kind: 'error',
      code: 400,
      description: 'Bad Request: REACTION_INVALID',
    });
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => stage.log.some((line) => line.startsWith('waiting mark dropped')));
    expect(reactions()).toEqual([]);
    expect(stage.calls('setMessageReaction')).toHaveLength(1);
  });

  it('is marked at a pace, and each mark is taken away in the end', async () => {
    const stage = await openStage({ speed: 100 });
    const { user, chat } = await askOne(stage);
    for (let number = 0; number < 12; number += 1) chat.send(user, `question ${number}`);
    await until(() => stage.messages.length === 13);
    const targets = stage.messages.map(({ replyTarget }) => replyTarget);
    for (const target of targets) void stage.adapter.markWaiting(target, true);
    await until(() => chat.messages().filter(({ reactions }) => reactions.length > 0).length >= 5);
    for (const target of targets) void stage.adapter.markWaiting(target, false);
    await until(() => chat.messages().every(({ reactions }) => reactions.length === 0));
    const times = stage.calls('setMessageReaction').map(({ atMs }) => atMs);
    const busiest = Math.max(
      ...times.map((start) => times.filter((at) => at >= start && at < start + 5000).length),
    );
    // Five in five seconds leave here; the sockets let two such groups arrive closer together.
    expect(busiest).toBeLessThanOrEqual(10);
    expect(times.length).toBeGreaterThanOrEqual(10);
  });
});
