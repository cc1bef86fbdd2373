import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../../src/platform/adapter.ts';
import { openStage, until, type Stage } from './stage.ts';

const photo = (name: string) => ({
  kind: 'photo' as const,
  name,
  mimeType: 'image/jpeg',
  content: Buffer.from(name),
});

/** A person sends pieces of an album, with these captions. */
function sendPieces(stage: Stage, captions: readonly string[], album = 'g1') {
  const user = stage.telegram.user();
  const chat = user.privateChat();
  const send = (caption: string) =>
    chat.send(user, caption, { attachment: photo('a.jpg'), mediaGroupId: album });
  return { user, chat, send, ids: captions.map(send) };
}

describe('an album', () => {
  it('is one message: the first piece’s, with the captions of all', async () => {
    const stage = await openStage();
    const { chat, ids } = sendPieces(stage, ['look at @parley_bot these', '', 'and that']);
    const message = await until(() => stage.messages[0]);
    expect(message).toMatchObject({
      text: 'look at these\n\nand that',
      messageId: `telegram:${chat.id}:${ids[0]}`,
      originKey: `telegram:${stage.telegram.bot.id}:${chat.id}:album:g1`,
      addressing: { mentionsBot: true },
    });
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages).toHaveLength(1);
  });

  it('without a caption is one message without text', async () => {
    const stage = await openStage();
    sendPieces(stage, ['', '']);
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages).toMatchObject([{ text: '' }]);
  });

  it('is collected over several polls', async () => {
    // In real time: the server gives a single update to a poll that repeats its offset within half a second.
    const stage = await openStage({ speed: 1 });
    const { send, ids } = sendPieces(stage, ['one']);
    await until(() => stage.calls('getUpdates').filter(({ pending, ok }) => ok && !pending).length > 0);
    ids.push(send('two'));
    const message = await until(() => stage.messages[0]);
    expect(message.text).toBe('one\n\ntwo');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages).toHaveLength(1);
  });

  it('is not overtaken by what is written behind it', async () => {
    const stage = await openStage();
    const { user, chat } = sendPieces(stage, ['album', '']);
    chat.send(user, 'and a word on it');
    await until(() => stage.messages.length === 2);
    expect(stage.messages.map(({ text }) => text)).toEqual(['album', 'and a word on it']);
  });

  it('does not wait for those of other chats', async () => {
    const stage = await openStage();
    sendPieces(stage, ['ada’s', ''], 'g1');
    sendPieces(stage, ['ben’s', ''], 'g2');
    await until(() => stage.messages.length === 2);
    expect(stage.messages.map(({ text }) => text).toSorted()).toEqual(['ada’s', 'ben’s']);
  });

  it('is confirmed as a whole, and only when it is stored', async () => {
    let isAway = true;
    const stage = await openStage({
      handlers: {
        onMessage: () => (isAway ? Promise.reject(new StoreUnavailable()) : Promise.resolve('no_reply')),
      },
    });
    sendPieces(stage, ['', 'caption', '']);
    await until(() => stage.log.some((line) => line.startsWith('update not taken')));
    await until(() => stage.calls('getUpdates').length > 3);
    expect(stage.telegram.unconfirmed()).toHaveLength(3);
    isAway = false;
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages).toMatchObject([{ text: 'caption' }]);
  });

  it('that was not complete when the process stopped is taken whole by the next', async () => {
    const stage = await openStage({ speed: 1 });
    const { send } = sendPieces(stage, ['one']);
    await until(() => stage.calls('getUpdates').some(({ pending, ok }) => ok && !pending));
    await stage.adapter.stop();
    send('two');
    expect(stage.messages).toEqual([]);
    expect(stage.telegram.unconfirmed()).toHaveLength(2);
    await stage.another().start(stage.handlersOf('second'));
    const message = await until(() => stage.messages[0]);
    expect(message.text).toBe('one\n\ntwo');
  });

  it('keeps its origin when a piece comes again after a restart', async () => {
    const stage = await openStage();
    const { chat, user, ids } = sendPieces(stage, ['one', '']);
    const first = await until(() => stage.messages[0]);
    await stage.adapter.stop();
    stage.telegram.pushUpdate({
      message: {
        message_id: ids[1],
        date: 1,
        chat: { id: chat.id, type: 'private', first_name: 'A' },
        from: { id: user.id, is_bot: false, first_name: 'A' },
        photo: [{ file_id: 'x', file_unique_id: 'x', width: 1, height: 1 }],
        media_group_id: 'g1',
      },
    });
    await stage.another().start(stage.handlersOf('second'));
    const again = await until(() => stage.messages[1]);
    expect(again.originKey).toBe(first.originKey);
  });

  it('that can not be taken is given up as one', async () => {
    const stage = await openStage({ handlers: { onMessage: () => Promise.reject(new TypeError('a bug')) } });
    sendPieces(stage, ['', 'caption']);
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.poison).toHaveLength(1);
  });

  it('that is not even readable is given up, and nothing behind it waits for long', async () => {
    const stage = await openStage();
    const user = stage.telegram.user();
    const piece = {
      message_id: 1,
      date: 1,
      chat: { id: user.id, type: 'private', first_name: 'A' },
      media_group_id: 'g1',
      caption: 'x',
      caption_entities: 'nonsense',
    };
    stage.telegram.pushUpdate({ message: piece });
    stage.telegram.pushUpdate({ message: { ...piece, message_id: 2, caption_entities: 7 } });
    user.privateChat().send(user, 'behind it');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.poison).toHaveLength(1);
    expect(stage.messages.map(({ text }) => text)).toEqual(['behind it']);
  });

  it('may hold a command', async () => {
    const stage = await openStage();
    sendPieces(stage, ['/usage day', '']);
    const command = await until(() => stage.commands[0]);
    expect(command).toMatchObject({ name: 'usage', line: 'day' });
    expect(stage.messages).toEqual([]);
  });
});
