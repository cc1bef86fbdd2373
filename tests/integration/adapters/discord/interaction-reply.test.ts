import { describe, expect, it } from 'vitest';
import { say } from '../../../../src/adapters/discord/reply.ts';
import { until } from '../../../support/until.ts';
import {
  answers,
  EDIT,
  FOLLOW_UP,
  MESSAGES,
  openReply,
  openStage,
  ORIGINAL,
  TURN,
  TYPING,
  useCommand,
} from './stage.ts';

const LONG = Array.from({ length: 700 }, (_, word) => `word${word}`).join(' ');
const ORIGIN = {
  10062: 'Unknown interaction',
  10015: 'Unknown Webhook',
  50027: 'Invalid Webhook Token',
} as const;

describe('a reply to a command', () => {
  it('fills the deferred response, without typing or the token of the bot', async () => {
    const stage = await openStage();
    const { channel, invoked, responseId, reply, journal } = await useCommand(stage);
    reply.working();
    reply.append('the beginning of an answer');
    await until(() => invoked.view().messages[0]?.content === 'the beginning of an answer');
    expect(invoked.view().messages[0]?.components).toMatchObject([
      { components: [{ custom_id: `stop:${TURN}` }] },
    ]);
    reply.append(' that goes on');
    await until(() => invoked.view().messages[0]?.content.endsWith('goes on'));
    expect(await reply.finish({ text: 'the end', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ id: responseId, content: 'the end', components: [] }]);
    expect(journal).toEqual([`sent 0 ${responseId}`]);
    expect([...stage.calls(TYPING), ...stage.calls(MESSAGES), ...stage.calls(EDIT)]).toEqual([]);
    for (const { body } of stage.calls(ORIGINAL))
      expect(body).toMatchObject({ allowed_mentions: { parse: [], replied_user: false }, flags: 1 << 2 });
  });

  it('learns the id of its first message when nobody knew it', async () => {
    const stage = await openStage();
    const { responseId, reply, journal } = await useCommand(stage, { address: { responseId: null } });
    expect(await reply.finish({ text: 'found', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(journal).toEqual([`sent 0 ${responseId}`]);
  });

  it('goes on in usual messages that reply to the part before', async () => {
    const stage = await openStage();
    const { channel, responseId, reply } = await useCommand(stage);
    expect(await reply.finish({ text: LONG, buttons: [] })).toEqual({ kind: 'delivered' });
    const [first, second, third] = answers(stage, channel);
    expect(first!.id).toBe(responseId);
    expect([second!.replyTo, third!.replyTo]).toEqual([first!.id, second!.id]);
    expect(stage.calls(FOLLOW_UP)).toEqual([]);
  });

  it('goes on in follow-ups where the bot may not write, and edits them by the same way', async () => {
    const stage = await openStage();
    const { channel, invoked, reply, unseen } = await useCommand(stage);
    channel.overwrite({ for: 'bot', deny: ['ViewChannel'] });
    reply.append(LONG);
    await until(() => invoked.view().messages.length >= 2);
    expect(await reply.finish({ text: `${LONG} end`, buttons: [] })).toEqual({ kind: 'delivered' });
    const messages = invoked.view().messages;
    expect(messages.flatMap(({ content }) => content.split(/\s+/u))).toEqual(`${LONG} end`.split(' '));
    expect(messages.every(({ components }) => components.length === 0)).toBe(true);
    expect(unseen()).toBe(0);
  });

  it.each([10062, 10015, 50027] as const)(
    'is edited as a usual message when its token is over (%i)',
    async (code) => {
      const stage = await openStage();
      const { channel, responseId, reply } = await useCommand(stage);
      reply.append('the beginning of an answer');
      await until(() => answers(stage, channel)[0]?.content.startsWith('the beginning'));
      stage.discord.fault(ORIGINAL, {
        kind: 'error',
        status: code === 50027 ? 401 : 404,
        code,
        message: ORIGIN[code],
      });
      reply.append(' that goes on');
      await until(() => answers(stage, channel)[0]?.content.endsWith('goes on'));
      expect(await reply.finish({ text: LONG, buttons: [] })).toEqual({ kind: 'delivered' });
      const messages = answers(stage, channel);
      expect(messages[0]!.id).toBe(responseId);
      expect(messages.flatMap(({ content }) => content.split(/\s+/u))).toEqual(LONG.split(' '));
      expect(stage.tokenRefusals).toEqual([]);
      // Once told, it does not ask with the token again.
      expect(stage.calls(ORIGINAL).filter((call) => call.code === code)).toHaveLength(1);
      expect(stage.calls(ORIGINAL).at(-1)).toMatchObject({ code });
    },
  );

  it('is edited as a usual message when nobody has the token any more', async () => {
    const stage = await openStage();
    const { channel, responseId, reply, journal } = await useCommand(stage, {
      address: { interaction: null },
    });
    reply.working();
    expect(await reply.finish({ text: 'after a restart', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ id: responseId, content: 'after a restart' }]);
    expect(journal).toEqual([`sent 0 ${responseId}`]);
    expect(stage.calls(ORIGINAL)).toEqual([]);
  });

  it('stops to use a token that is about to run out', async () => {
    const stage = await openStage();
    const { address, channel } = await useCommand(stage);
    const interaction = { ...address.interaction!, expiresAtMs: Date.now() + 5000 };
    const { reply } = openReply(stage, { ...address, interaction });
    expect(await reply.finish({ text: 'in time', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'in time' }]);
    expect(stage.calls(ORIGINAL)).toEqual([]);
  });

  it('is sent anew when the deferred response is out of reach', async () => {
    const stage = await openStage();
    const { channel, reply, unseen } = await useCommand(stage, {
      address: { interaction: null, responseId: '1100000000000009999' },
    });
    expect(await reply.finish({ text: 'anew', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel).at(-1)).toMatchObject({ content: 'anew' });
    expect(unseen()).toBe(0);
  });

  it('is sent as a usual message when the command could not be deferred', async () => {
    const stage = await openStage();
    const { channel, reply } = await useCommand(stage, { address: { interaction: null, responseId: null } });
    expect(await reply.finish({ text: 'all the same', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel).at(-1)).toMatchObject({ content: 'all the same', replyTo: undefined });
  });

  it('rests with the rest of the bot, without asking all the time', async () => {
    const stage = await openStage();
    const { invoked, reply } = await useCommand(stage);
    stage.discord.fault(MESSAGES, { kind: 'rateLimit', scope: 'global', retryAfterMs: 1000 });
    await stage.rest
      .post(`/channels/${invoked.view().messages[0]!.channelId}/messages`, { body: {} })
      .catch(() => null);
    expect(await reply.finish({ text: 'after the rest', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(stage.log.filter((line) => line.startsWith('asked to slow down')).length).toBeLessThan(4);
  });

  it('ends when the person deletes the response', async () => {
    const stage = await openStage();
    const { user, channel, responseId, reply, unseen } = await useCommand(stage);
    reply.append('the beginning of an answer');
    await until(() => answers(stage, channel)[0]?.content.startsWith('the beginning'));
    channel.overwrite({ for: user.id, allow: ['ManageMessages'] });
    channel.delete(user, responseId);
    reply.append(' that goes on');
    await until(() => unseen() === 1);
    expect(await reply.finish({ text: 'the end', buttons: [] })).toMatchObject({ kind: 'unreachable' });
    expect(answers(stage, channel)).toEqual([]);
  });

  it('goes on where an earlier process stopped', async () => {
    const stage = await openStage();
    const before = await useCommand(stage);
    await before.reply.finish({ text: LONG, buttons: [] });
    const existing = answers(stage, before.channel).map(({ id }, index) => ({
      index,
      platformMessageId: id,
    }));
    const { reply } = openReply(stage, before.address, { existing });
    expect(await reply.finish({ text: 'short now', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, before.channel)).toMatchObject([{ id: before.responseId, content: 'short now' }]);
  });
});

describe('what is said to a command', () => {
  it('fills the response and goes on in follow-ups, for all to see', async () => {
    const stage = await openStage();
    const { channel, address, responseId } = await useCommand(stage);
    expect(await say(stage.context, address, { text: LONG }, { isPrivate: false })).toEqual({
      kind: 'delivered',
    });
    const messages = answers(stage, channel);
    expect(messages[0]!.id).toBe(responseId);
    expect(messages).toHaveLength(3);
    expect(stage.calls(FOLLOW_UP)).toHaveLength(2);
  });

  it('shows to the person alone when it is private', async () => {
    const stage = await openStage();
    const { user, channel, address } = await useCommand(stage, { isPrivate: true });
    expect(await say(stage.context, address, { text: LONG }, { isPrivate: true })).toEqual({
      kind: 'delivered',
    });
    expect(answers(stage, channel)).toEqual([]);
    expect(channel.ephemeral(user).flatMap(({ content }) => content.split(/\s+/u))).toEqual(LONG.split(' '));
  });

  it('stays unsaid when it is private and the token is over', async () => {
    const stage = await openStage();
    const { channel, address } = await useCommand(stage, { isPrivate: true });
    stage.advance(900_001);
    expect(await say(stage.context, address, { text: 'secret' }, { isPrivate: true })).toMatchObject({
      kind: 'unreachable',
    });
    expect([...stage.calls(EDIT), ...stage.calls(MESSAGES)]).toEqual([]);
    expect(answers(stage, channel)).toEqual([]);
  });
});

describe('the log', () => {
  it('never holds the token of an interaction', async () => {
    const stage = await openStage();
    const { token, reply } = await useCommand(stage);
    stage.discord.fault(ORIGINAL, { kind: 'status', status: 502, body: '' });
    stage.discord.fault(ORIGINAL, { kind: 'drop', when: 'before' });
    stage.discord.fault(ORIGINAL, { kind: 'rateLimit', scope: 'user', retryAfterMs: 10 });
    stage.discord.fault(
      ORIGINAL,
      { kind: 'error', status: 400, code: 50035, message: 'quotes' },
      { times: 2 },
    );
    expect(await reply.finish({ text: 'confidential', buttons: [] })).toMatchObject({ kind: 'unreachable' });
    expect(stage.log.length).toBeGreaterThan(3);
    expect(stage.log.join('\n')).not.toContain(token);
    expect(stage.log.join('\n')).not.toMatch(/confidential|quotes/u);
  });
});
