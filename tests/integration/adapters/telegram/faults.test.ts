import { describe, expect, it } from 'vitest';
import { answers, askInGroup, askInPrivate, openStage, until } from './stage.ts';

const tooMany = (seconds: number) =>
  ({
    kind: 'error',
    code: 429,
    description: `Too Many Requests: retry after ${seconds}`,
    retryAfter: seconds,
  }) as const;
const serverError = { kind: 'error', code: 500, description: 'Internal Server Error' } as const;

describe('a chat that must rest', () => {
  it('gets its first message after the rest, once, and no call before', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', tooMany(3));
    reply.append('early');
    await until(() => stage.calls('sendMessage').length === 1);
    const delivery = reply.finish({ text: 'early and complete' });
    expect(await delivery).toEqual({ kind: 'delivered' });
    const [refused, sent] = stage.calls('sendMessage');
    expect(sent!.atMs - refused!.atMs).toBeGreaterThanOrEqual(3000);
    expect(answers(stage, chat)).toMatchObject([{ text: 'early and complete' }]);
  });

  it('gets its last edit after as many rests as it takes', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    reply.append('begin');
    await until(() => answers(stage, chat).length === 1);
    stage.telegram.fault('editMessageText', tooMany(1), { times: 3 });
    expect(await reply.finish({ text: 'begin, end' })).toEqual({ kind: 'delivered' });
    expect(stage.calls('editMessageText')).toHaveLength(4);
    expect(answers(stage, chat)).toMatchObject([{ text: 'begin, end', replyMarkup: undefined }]);
  });

  it('is left alone when the rest is long, and the answer is put off for as long', async () => {
    const stage = await openStage();
    const { reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', tooMany(300));
    const delivery = await reply.finish({ text: 'later' });
    expect(delivery).toMatchObject({
      kind: 'postponed',
      retryAfterMs: expect.closeTo(300_000, -5) as number,
    });
    expect(stage.calls('sendMessage')).toHaveLength(1);
  });

  it('loses the frame that was refused, and sees the newest text after the rest', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    reply.append('one');
    await until(() => answers(stage, chat).length === 1);
    stage.telegram.fault('editMessageText', tooMany(5));
    reply.append(' two');
    await until(() => stage.calls('editMessageText').length === 1);
    reply.append(' three');
    await until(() => answers(stage, chat)[0]?.text === 'one two three');
    const [refused, next] = stage.calls('editMessageText');
    expect(next!.atMs - refused!.atMs).toBeGreaterThanOrEqual(5000);
    expect(stage.calls('editMessageText')).toHaveLength(2);
    await reply.finish({ text: 'one two three' });
  });
});

describe('a chat that is gone', () => {
  it('ends the turn when the person has blocked the bot', async () => {
    const stage = await openStage();
    const { user, reply } = await askInPrivate(stage);
    stage.telegram.block(user);
    reply.working();
    reply.append('anybody?');
    expect(await reply.finish({ text: 'anybody?' })).toEqual({
      kind: 'unreachable',
      reason: 'sendMessage: 403 Forbidden: bot was blocked by the user',
    });
  });

  it('ends the turn when the bot was removed from the group', async () => {
    const stage = await openStage();
    const { user, chat, reply } = await askInGroup(stage);
    chat.removeBot(user);
    expect(await reply.finish({ text: 'hello?' })).toMatchObject({ kind: 'unreachable' });
  });

  it('ends the turn when there is no such chat', async () => {
    const stage = await openStage();
    const { reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', {
      kind: 'error',
      code: 400,
      description: 'Bad Request: chat not found',
    });
    expect(await reply.finish({ text: 'hello?' })).toMatchObject({ kind: 'unreachable' });
    expect(stage.calls('sendMessage')).toHaveLength(1);
  });
});

describe('a message that is gone', () => {
  it('is sent anew at the end', async () => {
    const stage = await openStage();
    const { chat, reply, log } = await askInPrivate(stage);
    reply.append('here');
    const first = await until(() => answers(stage, chat)[0]);
    chat.delete(first.id);
    expect(await reply.finish({ text: 'here again' })).toEqual({ kind: 'delivered' });
    const [second] = answers(stage, chat);
    expect(second).toMatchObject({ text: 'here again' });
    expect(log).toEqual([`sent 0 ${first.id}`, `sent 0 ${second!.id}`]);
  });
});

describe('a Telegram that falters', () => {
  it('is asked again until it takes the final text', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', serverError, { times: 2 });
    stage.telegram.fault('sendMessage', { kind: 'drop', when: 'before' });
    stage.telegram.fault('sendMessage', { kind: 'status', code: 502, body: '<html>' });
    expect(await reply.finish({ text: 'at last' })).toEqual({ kind: 'delivered' });
    expect(stage.calls('sendMessage')).toHaveLength(5);
    expect(answers(stage, chat)).toHaveLength(1);
  });

  it('repeats an edit whose answer was lost without a trace', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    reply.append('begin');
    await until(() => answers(stage, chat).length === 1);
    stage.telegram.fault('editMessageText', { kind: 'drop', when: 'after' });
    expect(await reply.finish({ text: 'begin, end' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat)).toMatchObject([{ text: 'begin, end' }]);
  });

  it('may double the one create whose answer was lost, rather than leave silence', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', { kind: 'drop', when: 'after' });
    expect(await reply.finish({ text: 'heard?' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat).map(({ text }) => text)).toEqual(['heard?', 'heard?']);
  });

  it('repeats such a create twice at most', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', { kind: 'drop', when: 'after' }, { times: Infinity });
    expect(await reply.finish({ text: 'heard?' })).toMatchObject({ kind: 'postponed' });
    expect(answers(stage, chat)).toHaveLength(3);
  });

  it('gets no second preview when the answer to the first was lost', async () => {
    const stage = await openStage({ speed: 100 });
    const { reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', { kind: 'drop', when: 'after' });
    reply.append('one');
    await until(() => stage.calls('sendMessage').some((call) => !call.pending));
    reply.append(' two');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(stage.calls('sendMessage')).toHaveLength(1);
    expect(await reply.finish({ text: 'one two' })).toEqual({ kind: 'delivered' });
    expect(stage.calls('sendMessage')).toHaveLength(2);
  });

  it('is given up after two minutes, and the answer is put off', async () => {
    const stage = await openStage({ speed: 1000 });
    const { reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', serverError, { times: Infinity });
    expect(await reply.finish({ text: 'never' })).toMatchObject({ kind: 'postponed' });
    stage.telegram.reset();
  });

  it('gets the plain text when it refuses the formatting', async () => {
    const stage = await openStage();
    const { chat, reply } = await askInPrivate(stage);
    stage.telegram.fault('sendMessage', {
      kind: 'error',
      code: 400,
      description: 'Bad Request: entity begins in a middle of a UTF-16 symbol at byte offset 4',
    });
    expect(await reply.finish({ text: '**bold** words' })).toEqual({ kind: 'delivered' });
    expect(answers(stage, chat)).toMatchObject([{ text: 'bold words', entities: [] }]);
  });
});

describe('the log', () => {
  it('holds neither what was written nor the token, whatever goes wrong', async () => {
    const stage = await openStage();
    const { user, reply } = await askInPrivate(stage);
    for (const fault of [
      serverError,
      tooMany(1),
      { kind: 'drop', when: 'before' },
      { kind: 'status', code: 502, body: 'x' },
    ] as const) {
      stage.telegram.fault('sendMessage', fault);
      stage.telegram.fault('getUpdates', fault);
      stage.telegram.fault('sendChatAction', fault);
    }
    reply.working();
    user.privateChat().send(user, 'wakes the poll');
    await reply.finish({ text: 'confidential answer' });
    await until(() => stage.calls('getUpdates').filter((call) => !call.ok && !call.pending).length === 4);
    user.privateChat().send(user, 'wakes it again');
    await until(() => stage.log.some((line) => line.startsWith('updates arrive again')));
    expect(stage.log.length).toBeGreaterThan(4);
    expect(stage.log.join('\n')).not.toMatch(
      new RegExp(`confidential|a question|wakes|${stage.telegram.token}`, 'u'),
    );
  });
});
