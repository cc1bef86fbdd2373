import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../../src/platform/adapter.ts';
import { ask, openStage, until } from './stage.ts';

describe('an edit', () => {
  it('comes as the message reads now, each version with an origin of its own', async () => {
    const stage = await openStage({ speed: 100 });
    const user = stage.telegram.user();
    const chat = user.privateChat();
    const { question, message } = await ask(stage, () => chat.send(user, 'what is tow plus two?'));
    chat.edit(user, question, 'what is two plus two?');
    await until(() => stage.edits.length === 1);
    // Telegram dates edits by the second.
    await new Promise((resolve) => setTimeout(resolve, 30));
    chat.edit(user, question, 'what is two plus three?');
    await until(() => stage.edits.length === 2);
    expect(stage.edits).toMatchObject([
      { text: 'what is two plus two?', messageId: message.messageId, replyTarget: message.replyTarget },
      { text: 'what is two plus three?', messageId: message.messageId },
    ]);
    const origin = new RegExp(`^${message.originKey}:edit:\\d{10}:\\d+$`, 'u');
    const origins = stage.edits.map(({ originKey }) => originKey);
    expect(origins).toEqual([expect.stringMatching(origin), expect.stringMatching(origin)]);
    expect(new Set(origins).size).toBe(2);
    expect(stage.messages).toHaveLength(1);
  });

  it('in a group is told also where it does not address the bot any more', async () => {
    const stage = await openStage({ simulator: { privacyMode: false } });
    const user = stage.telegram.user();
    const group = stage.telegram.group({ members: [user] });
    const { question } = await ask(stage, () => group.send(user, '@parley_bot a question'));
    group.edit(user, question, 'never mind');
    const edit = await until(() => stage.edits[0]);
    expect(edit).toMatchObject({ text: 'never mind', addressing: { mentionsBot: false } });
  });

  it('of a command does not give it again', async () => {
    const stage = await openStage();
    const user = stage.telegram.user();
    const chat = user.privateChat();
    const id = chat.send(user, '/usage');
    await until(() => stage.commands.length === 1);
    chat.edit(user, id, '/usage day');
    await ask(stage, () => chat.send(user, 'behind it'));
    expect(stage.commands).toHaveLength(1);
    expect(stage.edits).toEqual([]);
  });

  it('waits behind the message itself, and comes again while the store is away', async () => {
    let isAway = true;
    const order: string[] = [];
    const take = (text: string) => {
      if (isAway) return Promise.reject(new StoreUnavailable());
      order.push(text);
      return Promise.resolve('no_reply' as const);
    };
    const stage = await openStage({
      handlers: { onMessage: ({ text }) => take(text), onEdit: ({ text }) => take(text) },
    });
    const user = stage.telegram.user();
    const chat = user.privateChat();
    const id = chat.send(user, 'first');
    chat.edit(user, id, 'second');
    await until(() => stage.log.some((line) => line.startsWith('update not taken')));
    isAway = false;
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(order).toEqual(['first', 'second']);
  });

  it('that is nobody’s doing is not told', async () => {
    const stage = await openStage();
    const user = stage.telegram.user();
    const chat = user.privateChat();
    const { question } = await ask(stage, () => chat.send(user, 'a question'));
    const message = {
      message_id: question,
      date: 1,
      chat: { id: chat.id, type: 'private', first_name: 'A' },
      from: { id: user.id, is_bot: false, first_name: 'A' },
    };
    stage.telegram.pushUpdate({ edited_message: { ...message, text: 'a question' } });
    const location = { latitude: 1, longitude: 2, live_period: 900 };
    stage.telegram.pushUpdate({ edited_message: { ...message, edit_date: 2, location } });
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.edits).toEqual([]);
    expect(stage.poison).toEqual([]);
  });
});
