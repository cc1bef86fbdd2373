import { describe, expect, it } from 'vitest';
import { answers, askInGroup, askInPrivate, openReply, openStage, TURN, until } from './stage.ts';

describe('a reply in draft mode', () => {
  it('thinks, grows as a draft that can be stopped, and becomes one real message', async () => {
    const stage = await openStage({ streaming: 'draft' });
    const { chat, question, reply } = await askInPrivate(stage);
    reply.working();
    await until(() => chat.drafts()[0]?.text === '');
    reply.append('Hel');
    await until(() => chat.drafts()[0]?.text === 'Hel');
    expect(chat.drafts()).toMatchObject([{ canStop: true }]);
    reply.append('lo **you**');
    await until(() => chat.drafts()[0]?.text === 'Hello you');
    expect(answers(stage, chat)).toEqual([]);
    expect(await reply.finish({ text: 'Hello **you**!' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat)).toMatchObject([
      { text: 'Hello you!', replyTo: question, replyMarkup: undefined },
    ]);
    expect(stage.calls('sendChatAction')).toEqual([]);
    expect(stage.telegram.ghosts()).toEqual([]);
  });

  it('ends its drafts with the text of the message, so that clients turn one into the other', async () => {
    const stage = await openStage({ streaming: 'draft' });
    const { chat, reply } = await askInPrivate(stage);
    reply.append('almost');
    await until(() => chat.drafts()[0]?.text === 'almost');
    await reply.finish({ text: 'almost done' });
    const order = stage.telegram.calls
      .filter((call) => call.chatId === chat.id)
      .map(({ method, params }) => [method, params['text']]);
    expect(order.slice(-2)).toEqual([
      ['sendMessageDraft', 'almost done'],
      ['sendMessage', 'almost done'],
    ]);
  });

  it('keeps one id for all frames and stays below the rate that Telegram allows', async () => {
    const stage = await openStage({ streaming: 'draft', speed: 20 });
    const { chat, reply } = await askInPrivate(stage);
    for (let word = 0; word < 60; word += 1) {
      reply.append(`${word} `);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await reply.finish({ text: 'done' });
    const frames = stage.calls('sendMessageDraft');
    expect(new Set(frames.map((frame) => frame.params['draft_id'])).size).toBe(1);
    const busiest = Math.max(
      ...frames.map(
        ({ atMs }) => frames.filter((other) => other.atMs >= atMs && other.atMs < atMs + 5000).length,
      ),
    );
    expect(frames.length).toBeGreaterThan(5);
    expect(busiest).toBeLessThanOrEqual(20);
    expect(answers(stage, chat)).toMatchObject([{ text: 'done' }]);
  });

  it('is kept alive while the model says nothing', async () => {
    const stage = await openStage({ streaming: 'draft', speed: 400 });
    const { chat, reply } = await askInPrivate(stage);
    reply.append('thinking it over');
    await until(() => stage.calls('sendMessageDraft').length >= 3);
    expect(chat.drafts()).toMatchObject([{ text: 'thinking it over' }]);
    await reply.finish({ text: 'thinking it over' });
  });

  it('sends a part for good once the text has outgrown it, and drafts the rest anew', async () => {
    const stage = await openStage({ streaming: 'draft', speed: 40 });
    const { chat, reply, log } = await askInPrivate(stage);
    const words = Array.from({ length: 700 }, (_, index) => `word${index}`).join(' ');
    reply.append(words);
    await until(() => answers(stage, chat).length === 1 && chat.drafts().length === 1);
    expect(`${answers(stage, chat)[0]!.text} ${chat.drafts()[0]!.text}`).toBe(words);
    expect(await reply.finish({ text: words })).toEqual({ kind: 'delivered' });
    const messages = answers(stage, chat);
    expect(messages.map(({ text }) => text).join(' ')).toBe(words);
    expect(log).toEqual([`sent 0 ${messages[0]!.id}`, 'intend 1', `sent 1 ${messages[1]!.id}`]);
    expect(stage.telegram.ghosts()).toEqual([]);
  });

  it('turns Stop on the draft into a press for its turn', async () => {
    const stage = await openStage({ streaming: 'draft' });
    const { user, chat, reply } = await askInPrivate(stage);
    reply.append('on and on');
    await until(() => chat.drafts()[0]?.text === 'on and on');
    chat.stopDraft(user);
    const press = await until(() => stage.presses[0]);
    expect(press).toMatchObject({ action: 'stop', turn: TURN, author: { id: `telegram:${user.id}` } });
    await reply.finish({ text: 'on and on' });
    expect(answers(stage, chat)).toMatchObject([{ text: 'on and on' }]);
  });

  it('ignores a Stop that comes after the end', async () => {
    const stage = await openStage({ streaming: 'draft' });
    const { chat, reply } = await askInPrivate(stage);
    reply.append('short');
    await until(() => chat.drafts()[0]?.text === 'short');
    const draftId = chat.drafts()[0]!.draftId;
    await reply.finish({ text: 'short' });
    stage.telegram.pushUpdate({
      stopped_message_generation: {
        chat: { id: chat.id, type: 'private', first_name: 'A' },
        draft_id: String(draftId),
      },
    });
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.presses).toEqual([]);
    expect(stage.poison).toEqual([]);
  });

  it('falls back to edits where drafts are refused, and remembers it for the chat', async () => {
    const stage = await openStage({ streaming: 'draft' });
    const first = await askInPrivate(stage);
    stage.telegram.fault('sendMessageDraft', {
      kind: 'error',
      code: 400,
      description: 'Bad Request: TEXTDRAFT_PEER_INVALID',
    });
    first.reply.append('Hel');
    await until(() => answers(stage, first.chat)[0]?.text === 'Hel');
    expect(answers(stage, first.chat)[0]!.replyMarkup).toBeDefined();
    await first.reply.finish({ text: 'Hello' });
    expect(answers(stage, first.chat)).toMatchObject([{ text: 'Hello' }]);
    first.chat.send(first.user, 'again');
    const message = await until(() => stage.messages[1]);
    const { reply: second } = openReply(stage, message.replyTarget);
    second.append('second');
    await until(() => answers(stage, first.chat).length === 2);
    await second.finish({ text: 'second' });
    expect(stage.calls('sendMessageDraft')).toHaveLength(1);
  });

  it('drops refused frames and still delivers the message', async () => {
    const stage = await openStage({ streaming: 'draft' });
    const { chat, reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessageDraft', {
      kind: 'error',
      code: 429,
      description: 'Too Many Requests: retry after 2',
      retryAfter: 2,
    });
    reply.append('one');
    await until(() => stage.calls('sendMessageDraft').length === 1);
    reply.append(' two');
    expect(await reply.finish({ text: 'one two' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat)).toMatchObject([{ text: 'one two' }]);
    expect(stage.telegram.ghosts()).toEqual([]);
  });

  it('is an edited message in groups', async () => {
    const stage = await openStage({ streaming: 'draft' });
    const { chat, reply } = await askInGroup(stage);
    reply.append('Hel');
    await until(() => answers(stage, chat)[0]?.text === 'Hel');
    await reply.finish({ text: 'Hello' });
    expect(stage.calls('sendMessageDraft')).toEqual([]);
  });

  it('edits the messages that an earlier process left instead of drafting beside them', async () => {
    const stage = await openStage({ streaming: 'draft' });
    const before = await askInPrivate(stage);
    await before.reply.finish({ text: 'half' });
    const [old] = answers(stage, before.chat);
    const existing = [{ index: 0, platformMessageId: String(old!.id) }];
    const { reply } = openReply(stage, before.message.replyTarget, existing);
    reply.append('all of it');
    await until(() => answers(stage, before.chat)[0]?.text === 'all of it');
    await reply.finish({ text: 'all of it' });
    expect(answers(stage, before.chat)).toHaveLength(1);
    expect(stage.calls('sendMessageDraft')).toEqual([]);
  });
});
