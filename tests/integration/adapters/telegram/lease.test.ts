import { describe, expect, it } from 'vitest';
import { answers, ask, askInPrivate, openReply, openStage, until, type Stage } from './stage.ts';

async function askUnder(stage: Stage, mayWrite: () => boolean) {
  const user = stage.telegram.user();
  const chat = user.privateChat();
  const { message } = await ask(stage, () => chat.send(user, 'a question'));
  return { chat, ...openReply(stage, message.replyTarget, [], { mayWrite }) };
}

/** The calls that change what a reader sees of an answer. */
function writes(stage: Stage): string[] {
  const methods = ['sendMessage', 'editMessageText', 'deleteMessage', 'sendMessageDraft'];
  return stage.telegram.calls.map(({ method }) => method).filter((method) => methods.includes(method));
}

describe('while it is unclear whose a reply is', () => {
  it.each(['edit', 'draft'] as const)(
    'no frame is shown, and afterwards the newest (%s)',
    async (streaming) => {
      let isOurs = false;
      const stage = await openStage({ streaming, speed: 40 });
      const { chat, reply } = await askUnder(stage, () => isOurs);
      reply.append('one');
      reply.append(' two');
      await new Promise((resolve) => setTimeout(resolve, 80));
      expect(writes(stage)).toEqual([]);
      isOurs = true;
      await until(() => [...chat.drafts(), ...answers(stage, chat)].some(({ text }) => text === 'one two'));
      await reply.finish({ text: 'one two' });
    },
  );

  it('the final text waits, and is shown as soon as it is clear', async () => {
    let isOurs = false;
    const stage = await openStage();
    const { chat, reply } = await askUnder(stage, () => isOurs);
    const delivery = reply.finish({ text: 'the answer' });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(writes(stage)).toEqual([]);
    isOurs = true;
    expect(await delivery).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat)).toMatchObject([{ text: 'the answer' }]);
  });

  it('the final text is put off when it stays unclear', async () => {
    const stage = await openStage({ speed: 1000 });
    const { reply } = await askUnder(stage, () => false);
    expect(await reply.finish({ text: 'the answer' })).toMatchObject({ kind: 'postponed' });
    expect(writes(stage)).toEqual([]);
  });

  it('nothing is deleted', async () => {
    let isOurs = true;
    const stage = await openStage();
    const { chat, reply } = await askUnder(stage, () => isOurs);
    reply.append('half');
    await until(() => answers(stage, chat).length === 1);
    isOurs = false;
    const retraction = reply.retract();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(answers(stage, chat)).toHaveLength(1);
    isOurs = true;
    expect(await retraction).toEqual({ kind: 'delivered' });
  });
});

describe('a reply that is given up', () => {
  it('says so only when no call is on its way any more', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', { kind: 'delay', ms: 80 });
    reply.append('mine');
    await until(() => stage.calls('sendMessage').length === 1);
    await reply.abandon();
    expect(stage.calls('sendMessage').filter(({ pending }) => pending)).toEqual([]);
    expect(answers(stage, chat)).toMatchObject([{ text: 'mine' }]);
  });

  it('waits for no rest that Telegram has asked for', async () => {
    const stage = await openStage({ speed: 1 });
    const { reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', {
      kind: 'error',
      code: 429,
      description: 'Too Many Requests: retry after 50',
      retryAfter: 50,
    });
    const delivery = reply.finish({ text: 'mine' });
    await until(() => stage.calls('sendMessage').length === 1);
    await reply.abandon();
    expect(await delivery).toMatchObject({ kind: 'postponed' });
    expect(stage.calls('sendMessage')).toHaveLength(1);
  });
});
