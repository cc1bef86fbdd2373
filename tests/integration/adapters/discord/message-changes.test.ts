import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../../src/platform/adapter.ts';
import { until } from '../../../support/until.ts';
import { botSays, openInbound, scene, type InboundStage } from './inbound-stage.ts';

const READS_ALL = { privilegedIntents: { messageContent: true, guildMembers: false, presences: false } };
const MESSAGE = 'GET /channels/{channel_id}/messages/{message_id}';

/** A person has asked in a channel. */
async function questioned(options: Parameters<typeof openInbound>[0] = {}) {
  const stage = await openInbound(options);
  const { user, guild, channel } = scene(stage);
  await stage.next(() => channel.send(user, 'what is tee?', { mentions: [stage.discord.bot] }));
  const { id } = channel.messages()[0]!;
  return { stage, user, guild, channel, id };
}

/** A person has asked in private before the bot was started, so that it does not know the channel. */
async function unknownPrivate(options: Parameters<typeof openInbound>[0] = {}) {
  const stage = await openInbound({ ...options, isStarted: false });
  const user = stage.discord.user({ username: 'alice' });
  const id = user.dm().send(user, 'what is tee?');
  await stage.adapter.start(stage.handlers);
  return { stage, user, id, dm: user.dm() };
}

describe('a message that is changed', () => {
  it('comes as it reads now, under a key of its own for each version', async () => {
    const { stage, user, channel, id } = await questioned();
    const bot = stage.discord.bot.id;
    channel.edit(user, id, `<@${bot}> what is tea?`);
    const first = await until(() => stage.edits[0]);
    const [before] = stage.messages;
    expect(first).toMatchObject({
      text: 'what is tea?',
      messageId: before!.messageId,
      place: before!.place,
      author: { id: `discord:${user.id}` },
      addressing: { mentionsBot: true },
      isTextWithheld: false,
    });
    const { editedAtMs } = channel.messages()[0]!;
    expect(first.originKey).toBe(`${before!.originKey}:edit:${editedAtMs}`);
    await until(() => Date.now() > editedAtMs!);
    channel.edit(user, id, `<@${bot}> what is mate?`);
    const second = await until(() => stage.edits[1]);
    expect(second.text).toBe('what is mate?');
    expect(second.originKey).not.toBe(first.originKey);
    expect(stage.messages).toHaveLength(1);
  });

  it('comes also where it does not address the bot any more, for it may have been its question', async () => {
    const { stage, user, channel, id } = await questioned({ simulator: READS_ALL });
    channel.edit(user, id, 'never mind');
    const edit = await until(() => stage.edits[0]);
    expect(edit).toMatchObject({ text: 'never mind', addressing: { mentionsBot: false } });
  });

  it('says so where Discord withholds what it reads now', async () => {
    const { stage, user, channel, id } = await questioned();
    channel.edit(user, id, 'never mind');
    expect(await until(() => stage.edits[0])).toMatchObject({ text: '', isTextWithheld: true });
  });

  it('is no change when it only shows the preview of a link, also after a change', async () => {
    const { stage, user, channel, id } = await questioned({ simulator: READS_ALL });
    channel.unfurl(id);
    channel.edit(user, id, 'see https://example.com');
    await until(() => stage.edits.length === 1);
    channel.unfurl(id);
    await until(() => stage.edits.length === 2);
    expect(new Set(stage.edits.map(({ originKey }) => originKey)).size).toBe(1);
  });

  it('by a bot, also by itself, is no concern', async () => {
    const { stage, user, guild, channel, id } = await questioned({ simulator: READS_ALL });
    const robot = stage.discord.user({ isBot: true });
    guild.join(robot);
    channel.edit(robot, channel.send(robot, 'beep'), 'boop');
    const own = await botSays(stage, channel);
    await editAsBot(stage, channel.id, own);
    channel.edit(user, id, 'by a person');
    const edit = await until(() => stage.edits[0]);
    expect(edit.text).toBe('by a person');
    expect(stage.edits).toHaveLength(1);
  });

  it('of which the event tells little is read from Discord', async () => {
    const { stage, user, guild, channel, id } = await questioned({ simulator: READS_ALL });
    channel.edit(user, id, 'what is tea?');
    await until(() => stage.edits.length === 1);
    const edited_timestamp = new Date(channel.messages()[0]!.editedAtMs!).toISOString();
    const little = { id, channel_id: channel.id, guild_id: guild.id, edited_timestamp };
    stage.discord.gateway.emit('MESSAGE_UPDATE', little, guild.id);
    const edit = await until(() => stage.edits[1]);
    expect(edit).toMatchObject({ text: 'what is tea?', originKey: stage.edits[0]!.originKey });
    expect(stage.discord.calls.filter(({ route }) => route === MESSAGE)).toHaveLength(1);
  });

  it('in private where nobody wrote since the start is read from Discord', async () => {
    const { stage, user, id, dm } = await unknownPrivate();
    stage.discord.fault(MESSAGE, { kind: 'status', status: 502, body: '' });
    dm.edit(user, id, 'what is tea?');
    const edit = await until(() => stage.edits[0]);
    expect(edit).toMatchObject({ text: 'what is tea?', guild: null, addressing: { isPrivate: true } });
    dm.edit(user, id, 'what is mate?');
    await until(() => stage.edits.length === 2);
  });

  it('and gone before it could be read is no concern', async () => {
    const { stage, user, id, dm } = await unknownPrivate();
    stage.discord.fault(MESSAGE, { kind: 'error', status: 404, code: 10008, message: 'Unknown Message' });
    dm.edit(user, id, 'what is tea?');
    await stage.next(() => dm.send(user, 'hello'));
    expect(stage.edits).toEqual([]);
    expect(stage.poison).toEqual([]);
  });

  it('comes behind itself, and waits for the store', async () => {
    let isAway = true;
    const refuse = () =>
      isAway ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve('no_reply' as const);
    const stage = await openInbound({ handlers: { onMessage: refuse, onEdit: refuse } });
    const user = stage.discord.user();
    const id = user.dm().send(user, 'what is tee?');
    user.dm().edit(user, id, 'what is tea?');
    await until(() => stage.logged('event not taken') > 0);
    expect(stage.edits).toEqual([]);
    isAway = false;
    await until(() => stage.edits.length === 1);
    expect(stage.messages.map(({ text }) => text)).toEqual(['what is tee?']);
  });
});

describe('a message that is deleted', () => {
  it('is told by its id', async () => {
    const { stage, user, channel, id } = await questioned();
    channel.delete(user, id);
    await until(() => stage.deletions.length === 1);
    expect(stage.deletions).toEqual([[stage.messages[0]!.messageId]]);
  });

  it('in private where nobody wrote since the start is told too', async () => {
    const { stage, user, id, dm } = await unknownPrivate();
    dm.delete(user, id);
    await until(() => stage.deletions.length === 1);
    expect(stage.deletions).toEqual([[`discord:${dm.id}:${id}`]]);
  });

  it('with others is told with them', async () => {
    const { stage, guild, channel } = await questioned();
    const ids = ['1400000000000000001', '1400000000000000002'];
    const bulk = { ids, channel_id: channel.id, guild_id: guild.id };
    stage.discord.gateway.emit('MESSAGE_DELETE_BULK', bulk, guild.id);
    await until(() => stage.deletions.length === 1);
    expect(stage.deletions).toEqual([ids.map((id) => `discord:${channel.id}:${id}`)]);
  });

  it('is told behind itself, and waits for the store', async () => {
    let isAway = true;
    const refuse = () => (isAway ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve());
    const order: string[] = [];
    const stage = await openInbound({
      handlers: {
        onMessage: async () => {
          await refuse();
          order.push('message');
          return 'no_reply';
        },
        onDelete: async () => {
          await refuse();
          order.push('deletion');
        },
      },
    });
    const user = stage.discord.user();
    const id = user.dm().send(user, 'what is tea?');
    user.dm().delete(user, id);
    await until(() => stage.logged('event not taken') > 0);
    isAway = false;
    await until(() => order.length === 2);
    expect(order).toEqual(['message', 'deletion']);
  });
});

describe('a long message', () => {
  it.each([
    ['may have been cut', 1900, true],
    ['is whole', 1800, false],
  ] as const)('%s at %i characters', async (_what, length, isMaybeCut) => {
    const stage = await openInbound();
    const user = stage.discord.user();
    const message = await stage.next(() => user.dm().send(user, 'x'.repeat(length)));
    expect(message.isMaybeCut).toBe(isMaybeCut);
  });
});

async function editAsBot(stage: InboundStage, channelId: string, messageId: string): Promise<void> {
  await fetch(`${stage.discord.url}/v10/channels/${channelId}/messages/${messageId}`, {
    method: 'PATCH',
    headers: {
      authorization: `Bot ${stage.discord.token}`,
      'content-type': 'application/json',
      'user-agent': 'DiscordBot (https://example.com, 1.0)',
    },
    body: JSON.stringify({ content: 'another answer' }),
  });
}
