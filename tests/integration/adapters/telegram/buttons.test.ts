import { describe, expect, it } from 'vitest';
import { BUTTON_ACTIONS } from '../../../../src/platform/command.ts';
import { answers, askInPrivate, openReply, openStage, TURN, until } from './stage.ts';

const button = (action: (typeof BUTTON_ACTIONS)[number], label: string) => ({ action, label });
const all = BUTTON_ACTIONS.map((action) => button(action, action));
const keys = (message: { replyMarkup: { inline_keyboard: object[][] } | undefined } | undefined) =>
  message?.replyMarkup?.inline_keyboard.flat() ?? [];

describe('the buttons of an answer', () => {
  it('stand below its last message only, each with its turn', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    const text = Array.from({ length: 1000 }, (_, word) => `word${word}`).join(' ');
    await reply.finish({ text, buttons: all });
    const [first, last] = answers(stage, chat);
    expect(keys(first)).toEqual([]);
    expect(keys(last)).toEqual(
      BUTTON_ACTIONS.map((action) => ({ text: action, callback_data: `${action}:${TURN}` })),
    );
  });

  it('take the place of Stop, also where the text stays the same', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    reply.append('all of it');
    const running = await until(() => answers(stage, chat)[0]);
    expect(keys(running)).toMatchObject([{ text: '■ Stop' }]);
    await reply.finish({ text: 'all of it', buttons: [button('regenerate', 'Again')] });
    expect(answers(stage, chat)).toMatchObject([{ id: running.id, text: 'all of it' }]);
    expect(keys(answers(stage, chat)[0])).toEqual([{ text: 'Again', callback_data: `regenerate:${TURN}` }]);
  });

  it('follow a message that a draft became', async () => {
    const stage = await openStage({ streaming: 'draft' });
    const { chat, reply } = await askInPrivate(stage);
    reply.append('so far');
    await until(() => chat.drafts()[0]?.text === 'so far');
    await reply.finish({ text: 'so far', buttons: [button('continue', 'On')] });
    expect(keys(answers(stage, chat)[0])).toEqual([{ text: 'On', callback_data: `continue:${TURN}` }]);
  });

  it.each(BUTTON_ACTIONS)('reach the core when %s is pressed, also after a restart', async (action) => {
    const stage = await openStage();
    const { user, chat, reply } = await askInPrivate(stage);
    await reply.finish({ text: 'an answer', buttons: all });
    await stage.adapter.stop();
    await stage.another().start(stage.handlersOf('second'));
    const [answer] = answers(stage, chat);
    const said = await chat.press(user, answer!.id, `${action}:${TURN}`);
    expect(said).toMatchObject({ text: 'Stopping.' });
    expect(stage.presses).toMatchObject([{ action, turn: TURN, author: { id: `telegram:${user.id}` } }]);
  });
});

describe('a reply that is taken back', () => {
  it('leaves none of its messages, and says so', async () => {
    const stage = await openStage();
    const { chat, reply, log } = await askInPrivate(stage);
    reply.append('half an answer');
    const [shown] = await until(() => answers(stage, chat).length === 1 && answers(stage, chat));
    expect(await reply.retract()).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat)).toEqual([]);
    expect(log.at(-1)).toBe(`removed ${shown!.id}`);
  });

  it('leaves none either where an earlier process has written it, or somebody else deleted some', async () => {
    const stage = await openStage();
    const before = await askInPrivate(stage);
    await before.reply.finish({ text: Array.from({ length: 1000 }, (_, word) => `word${word}`).join(' ') });
    const existing = answers(stage, before.chat).map(({ id }, index) => ({
      index,
      platformMessageId: String(id),
    }));
    before.chat.delete(Number(existing[0]!.platformMessageId));
    const { reply } = openReply(stage, before.message.replyTarget, existing);
    expect(await reply.retract()).toEqual({ kind: 'delivered' });
    expect(answers(stage, before.chat)).toEqual([]);
  });

  it('says what it could not take away', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    reply.append('half an answer');
    await until(() => answers(stage, chat).length === 1);
    stage.telegram.fault('deleteMessage', {
      kind: 'error',
      code: 400,
      description: "Bad Request: message can't be deleted",
    });
    expect(await reply.retract()).toEqual({
      kind: 'unreachable',
      reason: "deleteMessage: 400 Bad Request: message can't be deleted",
    });
  });

  it('shows nothing more, whatever is still appended', async () => {
    const stage = await openStage({ speed: 100 });
    const { chat, reply } = await askInPrivate(stage);
    reply.append('half');
    await until(() => answers(stage, chat).length === 1);
    const retracted = reply.retract();
    reply.append(' and more');
    await retracted;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(answers(stage, chat)).toEqual([]);
  });
});
