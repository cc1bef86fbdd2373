import { describe, expect, it } from 'vitest';
import { answers, askInGroup, askInPrivate, openStage, STOP_DATA, TURN, until } from './stage.ts';

describe('a message', () => {
  it('arrives as it is, in private and in groups', async () => {
    const stage = await openStage();
    const { user, question, message } = await askInPrivate(stage);
    expect(message).toMatchObject({
      text: 'a question',
      originKey: `telegram:${stage.telegram.bot.id}:${user.id}:${question}`,
      addressing: { isPrivate: true },
      guild: null,
    });
    const group = await askInGroup(stage, { title: 'Engines' });
    expect(group.message).toMatchObject({
      text: 'a question',
      addressing: { isPrivate: false, mentionsBot: true },
      guild: { id: `telegram:${group.chat.id}`, name: 'Engines' },
    });
  });

  it('that replies to an answer names it', async () => {
    const stage = await openStage();
    const { user, chat, reply } = await askInGroup(stage);
    await reply.finish({ text: 'an answer' });
    const [answer] = answers(stage, chat);
    chat.send(user, 'go on', { replyTo: answer!.id });
    const message = await until(() => stage.messages[1]);
    expect(message).toMatchObject({
      repliesTo: `telegram:${chat.id}:${answer!.id}`,
      addressing: { repliesToBot: true, mentionsBot: false },
    });
  });

  it('that is delivered again has the same origin', async () => {
    const stage = await openStage();
    const { user, chat } = await askInPrivate(stage);
    const { update_id: _, ...update } = { update_id: 0, message: messageOf(stage, chat.id, user.id) };
    stage.telegram.pushUpdate(update);
    stage.telegram.pushUpdate(update);
    await until(() => stage.messages.length === 3);
    expect(stage.messages[1]!.originKey).toBe(stage.messages[2]!.originKey);
  });
});

describe('a command', () => {
  it('is answered where it was given, in as many messages as it takes', async () => {
    const text = `**Usage**\n\n${'many words '.repeat(600)}`;
    const stage = await openStage({ handlers: { onCommand: () => Promise.resolve({ text }) } });
    const user = stage.telegram.user();
    const chat = user.privateChat();
    const asked = chat.send(user, '/usage@parley_bot');
    await until(() => answers(stage, chat).length === 2);
    expect(answers(stage, chat)[0]).toMatchObject({
      replyTo: asked,
      entities: [{ type: 'bold', offset: 0, length: 5 }],
    });
  });

  it('is answered after a rest that Telegram asked for', async () => {
    const stage = await openStage({ handlers: { onCommand: () => Promise.resolve({ text: 'here' }) } });
    stage.telegram.fault('sendMessage', {
      kind: 'error',
      code: 429,
      description: 'Too Many Requests: retry after 2',
      retryAfter: 2,
    });
    const user = stage.telegram.user();
    user.privateChat().send(user, '/usage');
    await until(() => answers(stage, user.privateChat())[0]?.text === 'here');
    expect(stage.telegram.unconfirmed()).toEqual([]);
  });

  it('stays silent when the core says nothing', async () => {
    const stage = await openStage();
    const user = stage.telegram.user();
    user.privateChat().send(user, '/usage');
    await until(() => stage.telegram.unconfirmed().length === 0 && stage.commands.length === 1);
    await stage.adapter.stop();
    expect(stage.calls('sendMessage')).toEqual([]);
  });

  it('tells who administrates the group, and asks Telegram once for many', async () => {
    const stage = await openStage();
    const [admin, member] = [stage.telegram.user(), stage.telegram.user()];
    const group = stage.telegram.group({ members: [member], admins: [admin] });
    group.send(admin, '/settings@parley_bot');
    group.send(member, '/settings@parley_bot');
    group.send(admin, '/settings@parley_bot', { anonymous: true });
    await until(() => stage.commands.length === 3);
    expect(stage.commands.map(({ author }) => author.isGuildAdmin)).toEqual([true, false, true]);
    expect(stage.calls('getChatAdministrators')).toHaveLength(1);
  });

  it("is an ordinary member's when Telegram does not tell the administrators", async () => {
    const stage = await openStage();
    const admin = stage.telegram.user();
    const group = stage.telegram.group({ admins: [admin] });
    stage.telegram.fault('getChatAdministrators', {
      kind: 'error',
      code: 500,
      description: 'Internal Server Error',
    });
    group.send(admin, '/settings@parley_bot');
    group.send(admin, '/settings@parley_bot');
    await until(() => stage.commands.length === 2);
    expect(stage.commands.map(({ author }) => author.isGuildAdmin)).toEqual([false, true]);
  });
});

describe('a press of Stop', () => {
  it('while the answer runs reaches the core and is answered in private', async () => {
    const stage = await openStage();
    const { user, chat, reply } = await askInPrivate(stage);
    reply.append('on and on');
    const running = await until(() => answers(stage, chat)[0]);
    const answer = await chat.press(user, running.id, STOP_DATA);
    expect(answer).toMatchObject({ text: 'Stopping.' });
    expect(stage.presses).toMatchObject([
      { action: 'stop', turn: TURN, author: { id: `telegram:${user.id}` } },
    ]);
    await reply.finish({ text: 'on and on' });
    expect(answers(stage, chat)).toMatchObject([{ text: 'on and on', replyMarkup: undefined }]);
  });

  it('is answered within the 200 characters that Telegram allows', async () => {
    const stage = await openStage({ handlers: { onPress: () => Promise.resolve('😀'.repeat(300)) } });
    const { user, chat, reply } = await askInPrivate(stage);
    reply.append('x');
    const running = await until(() => answers(stage, chat)[0]);
    const { text } = await chat.press(user, running.id, STOP_DATA);
    expect(text.length).toBeGreaterThan(100);
    expect(text.length).toBeLessThanOrEqual(200);
    await reply.finish({ text: 'x' });
  });

  it('that Telegram no longer waits for does no harm', async () => {
    const stage = await openStage();
    const { user, chat, reply } = await askInPrivate(stage);
    reply.append('x');
    const running = await until(() => answers(stage, chat)[0]);
    stage.telegram.fault('answerCallbackQuery', {
      kind: 'error',
      code: 400,
      description: 'Bad Request: query is too old and response timeout expired or query ID is invalid',
    });
    void chat.press(user, running.id, STOP_DATA).catch(() => undefined);
    await until(
      () => stage.calls('answerCallbackQuery').length === 1 && stage.telegram.unconfirmed().length === 0,
    );
    expect(stage.poison).toEqual([]);
    expect(stage.presses).toHaveLength(1);
    await reply.finish({ text: 'x' });
  });

  it('on a button of another time is answered with nothing', async () => {
    const stage = await openStage();
    const user = stage.telegram.user();
    stage.telegram.pushUpdate({
      callback_query: {
        id: '77',
        from: { id: user.id, is_bot: false, first_name: 'A' },
        chat_instance: '1',
        message: { message_id: 1, date: 0, chat: { id: user.id, type: 'private', first_name: 'A' } },
        data: 'buy:1',
      },
    });
    await until(() => stage.calls('answerCallbackQuery').length === 1);
    expect(stage.presses).toEqual([]);
  });
});

function messageOf(stage: Awaited<ReturnType<typeof openStage>>, chatId: number, userId: number) {
  const [shown] = stage.telegram.visible({ id: chatId }).messages;
  const who = { id: userId, is_bot: false, first_name: 'A' };
  return {
    message_id: shown!.id,
    date: 1,
    chat: { id: chatId, type: 'private', first_name: 'A' },
    from: who,
    text: shown!.text,
  };
}
