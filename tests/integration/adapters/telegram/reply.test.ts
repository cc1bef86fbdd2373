import { describe, expect, it } from 'vitest';
import { answers, ask, askInGroup, askInPrivate, openReply, openStage, STOP_DATA, until } from './stage.ts';

describe('a reply in edit mode', () => {
  it('shows typing, then the first text with a Stop button, then the rest, and ends without the button', async () => {
    const stage = await openStage();
    const { chat, question, reply } = await askInPrivate(stage);
    reply.working();
    await until(() => stage.calls('sendChatAction').length === 1);
    reply.append('Hel');
    const first = await until(() => answers(stage, chat)[0]);
    expect(first).toMatchObject({ text: 'Hel', replyTo: question });
    expect(first.replyMarkup?.inline_keyboard).toEqual([[{ text: '■ Stop', callback_data: STOP_DATA }]]);
    reply.append('lo **you**');
    await until(() => answers(stage, chat)[0]?.text === 'Hello you');
    expect(await reply.finish({ text: 'Hello **you**!' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat)).toMatchObject([
      { text: 'Hello you!', entities: [{ type: 'bold', offset: 6, length: 3 }], replyMarkup: undefined },
    ]);
  });

  it('formats by entities alone and lets Telegram fetch no link', async () => {
    const stage = await openStage();
    const { reply } = await askInPrivate(stage);
    await reply.finish({ text: 'see [this](https://example.org/x) & `code`' });
    const { params } = stage.calls('sendMessage')[0]!;
    expect(params).toMatchObject({ link_preview_options: { is_disabled: true } });
    expect(params).not.toHaveProperty('parse_mode');
    expect(params['entities']).toContainEqual({
      type: 'text_link',
      offset: 4,
      length: 4,
      url: 'https://example.org/x',
    });
  });

  it('drops what came while a frame was on its way and shows the newest text', async () => {
    const stage = await openStage({ speed: 50 });
    const { chat, reply } = await askInPrivate(stage);
    reply.append('0');
    await until(() => answers(stage, chat).length === 1);
    stage.telegram.fault('editMessageText', { kind: 'delay', ms: 50 });
    for (let word = 1; word <= 300; word += 1) reply.append(` ${word}`);
    await until(() => answers(stage, chat)[0]?.text.endsWith(' 300'));
    expect(stage.calls('editMessageText').length).toBeLessThanOrEqual(2);
    await reply.finish({ text: 'done' });
  });

  it('never has two calls for a chat under way', async () => {
    const stage = await openStage({ speed: 200 });
    const { chat, reply } = await askInPrivate(stage);
    stage.telegram.fault('editMessageText', { kind: 'delay', ms: 15 }, { times: 4 });
    let isOverlapping = false;
    for (let word = 0; word < 40; word += 1) {
      reply.append(`${word} `);
      await new Promise((resolve) => setTimeout(resolve, 2));
      const pending = stage.telegram.calls.filter((call) => call.pending && call.chatId === chat.id);
      isOverlapping ||= pending.length > 1;
    }
    await reply.finish({ text: 'done' });
    expect(isOverlapping).toBe(false);
    expect(answers(stage, chat)).toMatchObject([{ text: 'done' }]);
  });

  it('sends no frame while there is nothing to see', async () => {
    const stage = await openStage();
    const { reply } = await askInPrivate(stage);
    reply.append(' \n\n ');
    reply.append('**');
    expect(await reply.finish({ text: 'text' })).toEqual({ kind: 'delivered' });
    const texts = stage.calls('sendMessage').map((call) => String(call.params['text']).trim());
    expect(texts).not.toContain('');
    expect(stage.telegram.calls.filter((call) => call.errorCode !== undefined)).toEqual([]);
  });

  it('takes "message is not modified" for success', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage, []);
    reply.append('all of it');
    await until(() => answers(stage, chat).length === 1);
    stage.telegram.fault('editMessageText', {
      kind: 'error',
      code: 400,
      description:
        'Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
    });
    expect(await reply.finish({ text: 'all of it' })).toEqual({ kind: 'delivered' });
    expect(stage.calls('editMessageText')).toHaveLength(1);
  });

  it('keeps up the typing sign until text comes', async () => {
    const stage = await openStage({ speed: 200 });
    const { chat, reply } = await askInPrivate(stage);
    reply.working();
    await until(() => stage.calls('sendChatAction').length > 3);
    reply.append('text');
    await until(() => answers(stage, chat).length === 1);
    const { length } = stage.calls('sendChatAction');
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(stage.calls('sendChatAction')).toHaveLength(length);
    await reply.finish({ text: 'text' });
  });

  it('ends a typing sign that nobody else ends', async () => {
    const stage = await openStage({ speed: 10, pace: { typingMs: 1000, typingLimitMs: 8000 } });
    const { reply } = await askInPrivate(stage);
    reply.working();
    await until(() => stage.calls('sendChatAction').length > 1);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(stage.calls('sendChatAction').length).toBeLessThanOrEqual(8);
    await reply.finish({ text: 'x' });
  });

  it('says at least something when an answer has nothing to show', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    expect(await reply.finish({ text: ' \n ' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat)).toMatchObject([{ text: '…' }]);
  });

  it('writes nothing more once it is abandoned', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    reply.append('mine');
    await until(() => answers(stage, chat).length === 1);
    void reply.abandon();
    reply.append(' and more');
    expect(await reply.finish({ text: 'mine, all of it' })).toMatchObject({ kind: 'postponed' });
    expect(answers(stage, chat)).toMatchObject([{ text: 'mine' }]);
  });
});

describe('a long answer', () => {
  const code = Array.from({ length: 420 }, (_, line) => `print(${line}) # line`).join('\n');
  const markdown = `Intro\n\n\`\`\`python\n${code}\n\`\`\`\n\nOutro`;

  it('grows over several messages, each noted before and after it is sent, Stop only under the last', async () => {
    const stage = await openStage({ speed: 40 });
    const { chat, reply, log } = await askInPrivate(stage);
    for (let at = 0; at < markdown.length; at += 2500) {
      reply.append(markdown.slice(at, at + 2500));
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    await until(() => answers(stage, chat).length >= 2);
    const running = answers(stage, chat);
    expect(running.filter((message) => message.replyMarkup !== undefined)).toEqual(running.slice(-1));
    expect(await reply.finish({ text: markdown })).toEqual({ kind: 'delivered' });
    const messages = answers(stage, chat);
    const shown = messages.map(({ text }) => text).join('\n');
    expect(shown.split(/\s+/u)).toEqual(`Intro ${code} Outro`.split(/\s+/u));
    for (const { entities, replyMarkup } of messages) {
      expect(entities).toContainEqual(expect.objectContaining({ type: 'pre', language: 'python' }));
      expect(replyMarkup).toBeUndefined();
    }
    expect(log).toEqual(
      messages.flatMap(({ id }, index) =>
        (index === 0 ? [] : [`intend ${index}`]).concat(`sent ${index} ${id}`),
      ),
    );
  });

  it('replies to the question with its first message only', async () => {
    const stage = await openStage();
    const { chat, question, reply } = await askInPrivate(stage);
    await reply.finish({ text: markdown });
    const [first, ...others] = answers(stage, chat).map(({ replyTo }) => replyTo);
    expect(first).toBe(question);
    expect(new Set(others)).toEqual(new Set([undefined]));
  });

  it('is put off while the store cannot note its next message', async () => {
    const stage = await openStage();
    const { message } = await askInPrivate(stage);
    const intend = () => Promise.reject(new Error('away'));
    const { reply } = openReply(stage, message.replyTarget, [], { intend });
    expect(await reply.finish({ text: markdown })).toMatchObject({ kind: 'postponed' });
    expect(stage.calls('sendMessage')).toHaveLength(1);
  });
});

describe('a reply that an earlier process began', () => {
  it('is edited in place, and what is left over is deleted', async () => {
    const stage = await openStage();
    const before = await askInPrivate(stage);
    await before.reply.finish({ text: Array.from({ length: 1000 }, (_, word) => `word${word}`).join(' ') });
    const old = answers(stage, before.chat);
    expect(old.length).toBe(2);
    const existing = old.map(({ id }, index) => ({ index, platformMessageId: String(id) }));
    const { reply, log } = openReply(stage, before.message.replyTarget, existing);
    expect(await reply.finish({ text: 'short now' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, before.chat)).toMatchObject([{ id: old[0]!.id, text: 'short now' }]);
    expect(log).toEqual([`removed ${old[1]!.id}`]);
  });

  it('is sent anew where only the intent is known', async () => {
    const stage = await openStage();
    const { chat, reply, log } = await askInPrivate(stage, [{ index: 0, platformMessageId: null }]);
    expect(await reply.finish({ text: 'again' })).toEqual({ kind: 'delivered' });
    const [message] = answers(stage, chat);
    expect(message).toMatchObject({ text: 'again' });
    expect(log).toEqual([`sent 0 ${message!.id}`]);
  });

  it('keeps the order of its parts when an early one is missing', async () => {
    const stage = await openStage();
    const before = await askInPrivate(stage);
    const long = Array.from({ length: 1000 }, (_, word) => `word${word}`).join(' ');
    await before.reply.finish({ text: long });
    const [first, second] = answers(stage, before.chat);
    before.chat.delete(first!.id);
    const existing = [first!, second!].map(({ id }, index) => ({ index, platformMessageId: String(id) }));
    const { reply } = openReply(stage, before.message.replyTarget, existing);
    expect(await reply.finish({ text: long })).toEqual({ kind: 'delivered' });
    const shown = answers(stage, before.chat).map(({ text }) => text);
    expect(shown.join(' ').split(/\s+/u)).toEqual(long.split(' '));
  });
});

describe('a reply in a group', () => {
  it('stays in its topic, and in no thread where there is none', async () => {
    const stage = await openStage();
    const user = stage.telegram.user();
    const forum = stage.telegram.group({ members: [user], forum: true });
    const topic = forum.createTopic(user, 'Engines');
    const { message } = await ask(stage, () => forum.send(user, '@parley_bot hi', { topicId: topic }));
    const { reply } = openReply(stage, message.replyTarget);
    reply.working();
    await until(() => stage.calls('sendChatAction').length === 1);
    expect(stage.calls('sendChatAction')[0]!.params).toMatchObject({ message_thread_id: topic });
    await reply.finish({ text: 'in the topic' });
    expect(answers(stage, forum)).toMatchObject([{ topicId: topic }]);
    const plain = await askInGroup(stage);
    await plain.reply.finish({ text: 'x' });
    expect(stage.calls('sendMessage').at(-1)!.params).not.toHaveProperty('message_thread_id');
  });

  it('shares the budget of the chat with all others there, and none is refused', async () => {
    const stage = await openStage({ speed: 40 });
    const user = stage.telegram.user();
    const group = stage.telegram.group({ members: [user] });
    for (let question = 0; question < 4; question += 1) group.send(user, `@parley_bot ${question}`);
    await until(() => stage.messages.length === 4);
    const replies = stage.messages.map(({ replyTarget }) => openReply(stage, replyTarget).reply);
    for (let word = 0; word < 30; word += 1) {
      for (const reply of replies) reply.append(`${word} `);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const deliveries = await Promise.all(
      replies.map((reply, index) => reply.finish({ text: `answer ${index}` })),
    );
    expect(deliveries).toEqual(replies.map(() => ({ kind: 'delivered' })));
    expect(
      answers(stage, group)
        .map(({ text }) => text)
        .toSorted(),
    ).toEqual(['answer 0', 'answer 1', 'answer 2', 'answer 3']);
    const times = stage.telegram.calls.filter((call) => call.chatId === group.id).map((call) => call.atMs);
    const busiest = Math.max(
      ...times.map((start) => times.filter((at) => at >= start && at < start + 60_000).length),
    );
    expect(busiest).toBeLessThanOrEqual(20);
  });

  it('follows a group that became a supergroup, without replying to a stranger there', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInGroup(stage, { type: 'group' });
    const upgraded = chat.migrate();
    expect(await reply.finish({ text: 'here now' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, upgraded)).toMatchObject([{ text: 'here now', replyTo: undefined }]);
  });

  it('is delivered although the question was deleted', async () => {
    const stage = await openStage();
    const { chat, question, reply } = await askInGroup(stage);
    chat.delete(question);
    expect(await reply.finish({ text: 'still' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat)).toMatchObject([{ text: 'still' }]);
  });
});
