import { describe, expect, it } from 'vitest';
import type { PartRecord } from '../../../../src/platform/reply.ts';
import type { SimChannel } from '../../../simulators/discord/channel-handle.ts';
import { until } from '../../../support/until.ts';
import {
  answers,
  ask,
  EDIT,
  MESSAGES,
  openReply,
  openStage,
  THREAD,
  TITLED,
  TURN,
  useCommand,
  type Stage,
} from './stage.ts';

const LONG = Array.from({ length: 700 }, (_, word) => `word${word}`).join(' ');
const DELETE = 'DELETE /channels/{channel_id}/messages/{message_id}';
const REGENERATE = { action: 'regenerate' as const, label: 'Again' };
const NEXT = { action: 'next' as const, label: '▶' };

/** The records of a reply's messages as the store has them. */
const recordsOf = (stage: Stage, channel: SimChannel): PartRecord[] =>
  answers(stage, channel).map(({ id }, index) => ({ index, platformMessageId: id }));

const buttonsOf = (stage: Stage, channel: SimChannel) =>
  answers(stage, channel).map(({ components }) =>
    components.flatMap((row) => (row['components'] as { custom_id: string }[]).map((each) => each.custom_id)),
  );

describe('the buttons of a final answer', () => {
  it('stand under its last part, in the place of those of the running one', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    reply.append('an answer that is yet to be finished');
    await until(() => answers(stage, channel).length === 1);
    expect(buttonsOf(stage, channel)).toEqual([[`stop:${TURN}`]]);
    expect(await reply.finish({ text: LONG, buttons: [REGENERATE, NEXT] })).toEqual({ kind: 'delivered' });
    expect(buttonsOf(stage, channel)).toEqual([[], [], [`regenerate:${TURN}`, `next:${TURN}`]]);
  });

  it('are put right where the text stays the same, also by another process', async () => {
    const stage = await openStage();
    const { channel, address, reply } = ask(stage);
    await reply.finish({ text: 'the answer', buttons: [REGENERATE] });
    const existing = recordsOf(stage, channel);
    const later = openReply(stage, address, { existing });
    expect(await later.reply.finish({ text: 'the answer', buttons: [NEXT] })).toEqual({ kind: 'delivered' });
    expect(buttonsOf(stage, channel)).toEqual([[`next:${TURN}`]]);
  });

  it('are put right where a nonce gives an earlier message back', async () => {
    const stage = await openStage();
    const { channel, address, reply } = ask(stage);
    await reply.finish({ text: 'the answer', buttons: [REGENERATE] });
    const later = openReply(stage, address);
    expect(await later.reply.finish({ text: 'the answer', buttons: [NEXT] })).toEqual({ kind: 'delivered' });
    expect(buttonsOf(stage, channel)).toEqual([[`next:${TURN}`]]);
  });

  it('stand also under what replaces an answer that may not stand there', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    const blocked = {
      kind: 'error',
      status: 400,
      code: 200_000,
      message: 'blocked by automatic moderation',
    } as const;
    stage.discord.fault(MESSAGES, blocked);
    expect(await reply.finish({ text: 'a bad word', buttons: [REGENERATE] })).toEqual({ kind: 'delivered' });
    expect(buttonsOf(stage, channel)).toEqual([[`regenerate:${TURN}`]]);
  });
});

describe('a reply that is retracted', () => {
  it('leaves nothing, whether it grew or was done, and writes nothing more', async () => {
    const stage = await openStage();
    const { channel, reply, journal } = ask(stage);
    reply.append('an answer that is yet to be finished');
    const [shown] = await until(() => {
      const now = answers(stage, channel);
      return now.length === 1 ? now : null;
    });
    expect(await reply.retract()).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toEqual([]);
    expect(journal).toEqual([`sent 0 ${shown!.id}`, `removed ${shown!.id}`]);
    const { length } = stage.discord.calls;
    reply.append(' and more');
    expect(stage.discord.calls).toHaveLength(length);
  });

  it('that was never shown makes no call', async () => {
    const stage = await openStage();
    const { reply } = ask(stage);
    expect(await reply.retract()).toEqual({ kind: 'delivered' });
    expect(stage.discord.calls).toEqual([]);
  });

  it('loses every part that another process has written, those out of order and unknown ones too', async () => {
    const stage = await openStage();
    const { channel, address, reply } = ask(stage);
    await reply.finish({ text: LONG, buttons: [REGENERATE] });
    const existing = recordsOf(stage, channel).map((record) =>
      record.index === 1 ? { ...record, platformMessageId: null } : record,
    );
    const later = openReply(stage, address, { existing });
    expect(await later.reply.retract()).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toEqual([]);
  });

  it('that is shorter when it is written anew loses the part whose creation an earlier process did not note', async () => {
    const stage = await openStage();
    const { channel, address, reply } = ask(stage);
    await reply.finish({ text: LONG, buttons: [] });
    const [first, ...more] = recordsOf(stage, channel);
    expect(more.length).toBeGreaterThan(0);
    const existing = [first!, { index: 1, platformMessageId: null }, ...more.slice(1)];
    const later = openReply(stage, address, { existing });
    expect(await later.reply.finish({ text: 'short', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ id: first!.platformMessageId, content: 'short' }]);
  });

  it('loses a message whose creation nobody confirmed', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    stage.discord.fault(MESSAGES, { kind: 'drop', when: 'after' });
    reply.append('an answer that is yet to be finished');
    await until(() => stage.log.some((line) => line.startsWith('frame dropped')));
    expect(answers(stage, channel)).toHaveLength(1);
    expect(await reply.retract()).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toEqual([]);
  });

  it('is taken out of its thread after a restart, which stays, and opens none', async () => {
    const stage = await openStage();
    const inThread = { thread: TITLED, address: { canOpenThread: true } };
    const { user, channel, question, address, reply } = ask(stage, inThread);
    await reply.finish({ text: 'in the thread', buttons: [] });
    const thread = stage.discord.channel({ id: question });
    const existing = recordsOf(stage, thread);
    channel.delete(user, question);
    const later = openReply(stage, address, { thread: TITLED, existing });
    expect(await later.reply.retract()).toEqual({ kind: 'delivered' });
    expect(answers(stage, thread)).toEqual([]);
    expect(stage.calls(THREAD)).toHaveLength(1);
    const never = ask(stage, { ...inThread, existing: [{ index: 0, platformMessageId: null }] });
    expect(await never.reply.retract()).toEqual({ kind: 'delivered' });
    expect(stage.calls(THREAD)).toHaveLength(1);
  });

  it('is gone already where its messages or their channel are', async () => {
    const stage = await openStage();
    const { user, guild, channel, reply } = ask(stage);
    guild.setRoles(user, []);
    await reply.finish({ text: 'an answer', buttons: [] });
    channel.remove();
    expect(await reply.retract()).toEqual({ kind: 'delivered' });
  });

  it('is tried again while Discord fails, and put off when that lasts', async () => {
    const stage = await openStage({ pace: { finalDeadlineMs: 200 } });
    const fault = { kind: 'status', status: 502, body: '' } as const;
    const { channel, reply } = ask(stage);
    await reply.finish({ text: 'an answer', buttons: [] });
    stage.discord.fault(DELETE, fault, { times: 2 });
    expect(await reply.retract()).toEqual({ kind: 'delivered' });
    const other = ask(stage);
    await other.reply.finish({ text: 'an answer', buttons: [] });
    stage.discord.fault(DELETE, fault, { times: Infinity });
    expect(await other.reply.retract()).toMatchObject({ kind: 'postponed' });
    expect(answers(stage, channel)).toEqual([]);
    expect(answers(stage, other.channel)).toHaveLength(1);
  });

  it.each([
    ['while nothing stands in it yet', ''],
    ['with the answer in it', 'an answer that is yet to be finished'],
  ] as const)('to a command takes the response away %s', async (_what, text) => {
    const stage = await openStage();
    const { channel, invoked, reply } = await useCommand(stage);
    if (text !== '') {
      reply.append(text);
      await until(() => invoked.view().messages[0]?.content === text);
    }
    expect(await reply.retract()).toEqual({ kind: 'delivered' });
    expect(channel.messages()).toEqual([]);
    expect(stage.calls(DELETE)).toEqual([]);
  });

  it('to a command whose token has run out is taken away as the bot', async () => {
    const stage = await openStage();
    const { channel, address, responseId, reply } = await useCommand(stage);
    await reply.finish({ text: LONG, buttons: [] });
    const existing = recordsOf(stage, channel);
    const later = openReply(stage, { ...address, interaction: null }, { existing });
    expect(await later.reply.retract()).toEqual({ kind: 'delivered' });
    expect(channel.messages()).toEqual([]);
    expect(stage.calls(DELETE).map(({ params }) => params['message_id'])).toContain(responseId);
  });
});

describe('a reply whose lease is not certain', () => {
  it('loses its frames, and its end waits', async () => {
    const stage = await openStage();
    let isOurs = true;
    const { channel, reply } = ask(stage, { mayWrite: () => isOurs });
    reply.append('an answer that is yet to be finished');
    await until(() => answers(stage, channel).length === 1);
    isOurs = false;
    reply.append(' and goes on');
    await until(() => stage.log.some((line) => line.startsWith('frame dropped')));
    const finished = reply.finish({ text: 'the end', buttons: [] });
    expect(stage.calls(EDIT)).toEqual([]);
    isOurs = true;
    expect(await finished).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'the end' }]);
  });

  it('is put off, also its retraction and its thread, when that lasts, and no call was made', async () => {
    const stage = await openStage({ pace: { finalDeadlineMs: 150 } });
    const existing = [{ index: 0, platformMessageId: '1100000000000000999' }];
    const { reply } = ask(stage, {
      thread: TITLED,
      address: { canOpenThread: true },
      existing,
      mayWrite: () => false,
    });
    reply.working();
    expect(await reply.finish({ text: 'the end', buttons: [] })).toMatchObject({ kind: 'postponed' });
    expect(await reply.retract()).toMatchObject({ kind: 'postponed' });
    expect(stage.discord.calls).toEqual([]);
  });
});

describe('a reply that is abandoned', () => {
  it('is at rest once it says so', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    stage.discord.fault(MESSAGES, { kind: 'delay', ms: 80, when: 'after' });
    const finished = reply.finish({ text: LONG, buttons: [] });
    await until(() => stage.calls(MESSAGES).length === 1);
    await reply.abandon();
    expect(stage.discord.calls.filter(({ pending }) => pending)).toEqual([]);
    expect(await finished).toMatchObject({ kind: 'postponed' });
    expect(answers(stage, channel)).toHaveLength(1);
  });
});
