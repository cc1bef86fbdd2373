import { FORGETFUL } from '../../../../src/delivery/parts.ts';
import { describe, expect, it } from 'vitest';
import { createReply } from '../../../../src/adapters/discord/reply.ts';
import { turnId } from '../../../../src/platform/ids.ts';
import type { SimChannel } from '../../../simulators/discord/channel-handle.ts';
import { until } from '../../../support/until.ts';
import {
  aWhile,
  addressOf,
  answers,
  ask,
  EDIT,
  MESSAGES,
  openReply,
  openStage,
  STOP,
  THREAD,
  TITLED,
  TURN,
  TYPING,
  type Stage,
} from './stage.ts';

const LONG = Array.from({ length: 700 }, (_, word) => `word${word}`).join(' ');
const serverError = { kind: 'status', status: 502, body: '<html>' } as const;
const refused = (status: number, code: number) =>
  ({ kind: 'error', status, code, message: 'quotes the answer' }) as const;

/** A reply whose first text is visible. */
async function begun(stage: Stage, options: Parameters<typeof ask>[1] = {}) {
  const opened = ask(stage, options);
  opened.reply.append('the beginning of an answer');
  const first = await until(() => answers(stage, opened.channel)[0]);
  return { ...opened, first };
}

describe('a message whose creation went wrong', () => {
  it('is sent once although the answer to it was lost', async () => {
    const stage = await openStage();
    const { channel, reply, journal } = ask(stage);
    stage.discord.fault(MESSAGES, { kind: 'drop', when: 'after' });
    expect(await reply.finish({ text: 'only once', buttons: [] })).toEqual({ kind: 'delivered' });
    const [message, ...others] = answers(stage, channel);
    expect(message).toMatchObject({ content: 'only once' });
    expect(others).toEqual([]);
    expect(stage.calls(MESSAGES)).toHaveLength(2);
    expect(journal).toEqual([`sent 0 ${message!.id}`]);
  });

  it('shows the newest text although an older one was there under its nonce', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    stage.discord.fault(MESSAGES, { kind: 'drop', when: 'after' });
    reply.append('the beginning of an answer');
    await until(() => answers(stage, channel).length === 1);
    expect(await reply.finish({ text: 'the end of an answer', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'the end of an answer', components: [] }]);
  });

  it('is sent when Discord can take it again', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    stage.discord.fault(MESSAGES, serverError, { times: 2 });
    stage.discord.fault(MESSAGES, { kind: 'drop', when: 'before' });
    expect(await reply.finish({ text: 'at last', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'at last' }]);
    expect(stage.calls(MESSAGES)).toHaveLength(4);
  });

  it('is put off when Discord does not take it for long', async () => {
    const stage = await openStage({ pace: { finalDeadlineMs: 400 } });
    const { reply } = ask(stage);
    stage.discord.fault(MESSAGES, serverError, { times: Infinity });
    expect(await reply.finish({ text: 'never', buttons: [] })).toMatchObject({ kind: 'postponed' });
    expect(stage.calls(MESSAGES).length).toBeGreaterThan(1);
  });

  it('is put off while the store cannot note its next message', async () => {
    const stage = await openStage();
    const { address } = ask(stage);
    const journal = { ...FORGETFUL, intend: () => Promise.reject(new Error('away')) };
    const rest = { running: STOP, thread: null, onUnseen: () => undefined };
    const reply = createReply(stage.context, address, { turn: TURN, journal, ...rest });
    expect(await reply.finish({ text: LONG, buttons: [] })).toMatchObject({ kind: 'postponed' });
    expect(stage.calls(MESSAGES)).toHaveLength(1);
  });
});

describe('a channel that must rest', () => {
  it('gets its last edit after the rest, and no call before', async () => {
    const stage = await openStage();
    const { channel, reply } = await begun(stage);
    stage.discord.fault(EDIT, { kind: 'rateLimit', scope: 'user', retryAfterMs: 1000 });
    expect(await reply.finish({ text: 'begin, end', buttons: [] })).toEqual({ kind: 'delivered' });
    const [first, second] = stage.calls(EDIT);
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(1000);
    expect(stage.calls(EDIT)).toHaveLength(2);
    expect(answers(stage, channel)).toMatchObject([{ content: 'begin, end' }]);
  });

  it('loses the frame that was refused, and sees the newest text after the rest', async () => {
    const stage = await openStage();
    const { channel, reply } = await begun(stage);
    stage.discord.fault(EDIT, { kind: 'rateLimit', scope: 'shared', retryAfterMs: 1000 });
    reply.append(' two');
    await until(() => stage.calls(EDIT).length === 1);
    reply.append(' three');
    await until(() => answers(stage, channel)[0]?.content.endsWith('two three'));
    expect(stage.calls(EDIT)).toHaveLength(2);
  });

  it('is left alone when the rest is long, and the answer is put off for as long', async () => {
    const stage = await openStage();
    const { reply } = ask(stage);
    stage.discord.fault(MESSAGES, { kind: 'rateLimit', scope: 'user', retryAfterMs: 300_000 });
    expect(await reply.finish({ text: 'later', buttons: [] })).toMatchObject({
      kind: 'postponed',
      retryAfterMs: expect.closeTo(300_000, -5) as number,
    });
    expect(stage.calls(MESSAGES)).toHaveLength(1);
  });

  it('holds up no other channel, but a rest of the whole bot does', async () => {
    const stage = await openStage();
    const resting = ask(stage);
    stage.discord.fault(MESSAGES, { kind: 'rateLimit', scope: 'user', retryAfterMs: 2000 });
    const end = resting.reply.finish({ text: 'later', buttons: [] });
    await until(() => stage.calls(MESSAGES).length === 1);
    await ask(stage).reply.finish({ text: 'meanwhile', buttons: [] });
    stage.discord.fault(MESSAGES, { kind: 'rateLimit', scope: 'global', retryAfterMs: 3000 });
    const limited = ask(stage).reply.finish({ text: 'after the rest', buttons: [] });
    await until(() => stage.log.some((line) => line.includes('"isGlobal":true')));
    const other = ask(stage).reply.finish({ text: 'after the rest', buttons: [] });
    expect(await Promise.all([end, limited, other])).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'delivered' })),
    );
    const calls = stage.calls(MESSAGES);
    const limitedAt = calls.findLastIndex(({ status }) => status === 429);
    expect(calls.slice(limitedAt + 1)).toHaveLength(3);
    for (const { atMs } of calls.slice(limitedAt + 1))
      expect(atMs - calls[limitedAt]!.atMs).toBeGreaterThanOrEqual(3000);
  });
});

describe('an answer that nobody can see', () => {
  it('ends when its message is deleted, is told once, and is not sent again', async () => {
    const stage = await openStage();
    const { user, channel, first, reply, unseen } = await begun(stage);
    channel.overwrite({ for: user.id, allow: ['ManageMessages'] });
    channel.delete(user, first.id);
    reply.append(' that goes on');
    await until(() => unseen() === 1);
    const { length } = stage.discord.calls;
    reply.append(' and on');
    expect(await reply.finish({ text: 'the end', buttons: [] })).toMatchObject({ kind: 'unreachable' });
    expect(stage.discord.calls).toHaveLength(length);
    expect(unseen()).toBe(1);
    expect(answers(stage, channel)).toEqual([]);
  });

  it('is not sent again when its message is gone only at the end', async () => {
    const stage = await openStage();
    const { user, channel, first, reply, unseen } = await begun(stage);
    channel.overwrite({ for: user.id, allow: ['ManageMessages'] });
    channel.delete(user, first.id);
    expect(await reply.finish({ text: 'the end', buttons: [] })).toMatchObject({ kind: 'unreachable' });
    expect(unseen()).toBe(1);
    expect(answers(stage, channel)).toEqual([]);
  });

  it.each<[string, (channel: SimChannel) => void]>([
    ['may not write', (channel) => channel.overwrite({ for: 'bot', deny: ['SendMessages'] })],
    ['may not look', (channel) => channel.overwrite({ for: 'bot', deny: ['ViewChannel'] })],
    ['finds no channel', (channel) => channel.remove()],
  ])('ends where the bot %s', async (_, close) => {
    const stage = await openStage();
    const { channel, reply, unseen } = ask(stage);
    close(channel);
    reply.working();
    reply.append('an answer that nobody will read');
    await until(() => unseen() === 1);
    expect(await reply.finish({ text: 'the end', buttons: [] })).toMatchObject({ kind: 'unreachable' });
    expect(stage.calls(MESSAGES)).toHaveLength(1);
  });

  it('ends when a person takes no direct messages', async () => {
    const stage = await openStage();
    const user = stage.discord.user();
    const question = user.dm().send(user, 'hello');
    user.setDms(false);
    const { reply } = openReply(stage, addressOf(user.dm(), question, { isPrivate: true }));
    expect(await reply.finish({ text: 'hello', buttons: [] })).toEqual({
      kind: 'unreachable',
      reason: 'POST /channels/:id/messages: 403 50007',
    });
  });

  it('is put off when the token was refused, which is told once', async () => {
    const stage = await openStage();
    const { reply, unseen } = ask(stage);
    stage.discord.revokeToken();
    expect(await reply.finish({ text: 'later', buttons: [] })).toMatchObject({ kind: 'postponed' });
    expect(await ask(stage).reply.finish({ text: 'later', buttons: [] })).toMatchObject({
      kind: 'postponed',
    });
    expect(stage.tokenRefusals).toHaveLength(1);
    expect(unseen()).toBe(0);
  });
});

describe('a thread that closes', () => {
  async function inThread(stage: Stage) {
    const opened = ask(stage);
    const thread = opened.channel.startThread(opened.user, 'a thread');
    const question = thread.send(opened.user, 'a question');
    const { reply, unseen } = openReply(stage, addressOf(thread, question));
    reply.append('the beginning of an answer');
    await until(() => answers(stage, thread).length === 1);
    return { thread, reply, unseen };
  }

  it('is opened again for the final text when it was archived, and frames leave it alone', async () => {
    const stage = await openStage();
    const { thread, reply, unseen } = await inThread(stage);
    thread.setThread({ archived: true });
    reply.append(' that goes on');
    await until(() => stage.calls(EDIT).some(({ code }) => code === 50083));
    reply.append(' and on');
    await aWhile(300);
    expect(stage.calls(EDIT)).toHaveLength(1);
    expect(await reply.finish({ text: 'the end', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, thread)).toMatchObject([{ content: 'the end' }]);
    expect(unseen()).toBe(0);
  });

  it('keeps its last word when it was locked', async () => {
    const stage = await openStage();
    const { thread, reply, unseen } = await inThread(stage);
    thread.setThread({ archived: true, locked: true });
    expect(await reply.finish({ text: 'the end', buttons: [] })).toMatchObject({ kind: 'unreachable' });
    expect(answers(stage, thread)).toMatchObject([{ content: 'the beginning of an answer' }]);
    expect(unseen()).toBe(1);
  });

  it('is not opened for ever when Discord refuses it again', async () => {
    const stage = await openStage();
    const { reply } = await inThread(stage);
    stage.discord.fault(EDIT, refused(400, 50083), { times: Infinity });
    expect(await reply.finish({ text: 'the end', buttons: [] })).toMatchObject({ kind: 'unreachable' });
    expect(stage.calls('PATCH /channels/{channel_id}')).toHaveLength(1);
    expect(stage.calls(EDIT)).toHaveLength(2);
  });
});

describe('a Discord that falters', () => {
  it('is asked again until it takes the final edit', async () => {
    const stage = await openStage();
    const { channel, reply } = await begun(stage);
    stage.discord.fault(EDIT, serverError, { times: 2 });
    stage.discord.fault(EDIT, { kind: 'drop', when: 'after' });
    expect(await reply.finish({ text: 'begin, end', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'begin, end' }]);
    expect(stage.calls(EDIT)).toHaveLength(4);
  });

  it('loses frames, and gets the newest text when it is back', async () => {
    const stage = await openStage({ pace: { frameMs: 20 } });
    const { channel, reply } = await begun(stage);
    stage.discord.fault(EDIT, serverError, { times: 2 });
    reply.append(' that goes on');
    await until(() => answers(stage, channel)[0]?.content.endsWith('goes on'));
    expect(stage.calls(EDIT)).toHaveLength(3);
  });

  it('opens the thread later when it can not at first', async () => {
    const stage = await openStage({ pace: { typingMs: 30 } });
    const { question, reply } = ask(stage, { thread: TITLED, address: { canOpenThread: true } });
    stage.discord.fault(THREAD, serverError, { times: 2 });
    reply.working();
    await until(() => stage.calls(THREAD).length === 3);
    expect(await reply.finish({ text: 'in the thread', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, stage.discord.channel({ id: question }))).toMatchObject([
      { content: 'in the thread' },
    ]);
  });

  it('gets plain text without buttons when it calls the message malformed', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    stage.discord.fault(MESSAGES, refused(400, 50035));
    expect(await reply.finish({ text: '**bold** words', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'bold words', components: [] }]);
  });

  it('is given up when it calls the plain text malformed too', async () => {
    const stage = await openStage();
    const { reply } = ask(stage);
    stage.discord.fault(MESSAGES, refused(400, 50035), { times: Infinity });
    expect(await reply.finish({ text: '**bold** words', buttons: [] })).toMatchObject({
      kind: 'unreachable',
    });
    expect(stage.calls(MESSAGES)).toHaveLength(2);
  });
});

describe('a hundred answers at once', () => {
  it('meet no limit, and a final does not wait behind their frames', async () => {
    const stage = await openStage({ pace: { firstText: { characters: 1, waitMs: 1 } } });
    const user = stage.discord.user();
    const channels = Array.from({ length: 100 }, (_, index) => `c${index}`);
    const guild = stage.discord.guild({ members: [user], channels });
    const open = (name: string, index: number) => {
      const channel = guild.channel(name);
      const turn = turnId(`0192f0c1-2345-7abc-8def-${String(index).padStart(12, '0')}`);
      return openReply(stage, addressOf(channel, channel.send(user, 'a question')), { turn }).reply;
    };
    const replies = channels.slice(0, 99).map(open);
    let isGrowing = true;
    const growing = (async () => {
      for (let word = 0; isGrowing; word += 1) {
        for (const reply of replies) reply.append(`word ${word} `);
        await aWhile(20);
      }
    })();
    await until(() => stage.calls(MESSAGES).filter(({ ok }) => ok).length === 99);
    await until(() => stage.calls(EDIT).length > 40);
    const before = stage.discord.calls.length;
    expect(await open('c99', 99).finish({ text: 'a late question, answered at once', buttons: [] })).toEqual({
      kind: 'delivered',
    });
    // Within the half second that a final may take, frames have at most half of their places.
    expect(stage.discord.calls.length - before).toBeLessThan(20);
    isGrowing = false;
    await growing;
    const ends = await Promise.all(replies.map((reply) => reply.finish({ text: 'the end', buttons: [] })));
    expect(ends.every(({ kind }) => kind === 'delivered')).toBe(true);
    expect(stage.discord.calls.filter(({ status }) => status === 429)).toEqual([]);
  });
});

describe('the log', () => {
  it('holds neither what was written nor a token, whatever goes wrong', async () => {
    const stage = await openStage();
    const { reply } = ask(stage);
    stage.discord.fault(TYPING, serverError);
    for (const fault of [
      serverError,
      { kind: 'drop', when: 'before' },
      refused(400, 50035),
      refused(400, 50035),
    ] as const)
      stage.discord.fault(MESSAGES, fault);
    reply.working();
    await reply.finish({ text: 'confidential answer', buttons: [] });
    expect(stage.log.length).toBeGreaterThan(2);
    expect(stage.log.join('\n')).not.toMatch(
      new RegExp(`confidential|quotes|a question|${stage.discord.token}`, 'u'),
    );
  });
});
