import { describe, expect, it } from 'vitest';
import type { IncomingMessage } from '../../../../src/platform/message.ts';
import { until } from '../../../support/until.ts';
import { openInbound, scene, type InboundStage } from './inbound-stage.ts';

const PUT = 'PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me';
const TAKE = 'DELETE /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me';

const calls = ({ discord }: InboundStage, route: string) =>
  discord.calls.filter((call) => call.route === route);

async function questioned(options: Parameters<typeof openInbound>[0] = {}) {
  const stage = await openInbound(options);
  const { user, channel } = scene(stage);
  const mentions = [stage.discord.bot];
  const question = () => stage.next(() => channel.send(user, 'a question', { mentions }));
  const marks = ({ messageId }: IncomingMessage) =>
    channel.messages().find(({ id }) => messageId!.endsWith(id))!.reactions;
  return { stage, user, channel, question, marks };
}

describe('a message that waits its turn', () => {
  it('bears a mark that is taken away when its answer begins', async () => {
    const { stage, question, marks } = await questioned();
    const message = await question();
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => '👀' in marks(message));
    expect(marks(message)).toEqual({ '👀': [stage.discord.bot.id] });
    void stage.adapter.markWaiting(message.replyTarget, false);
    await until(() => !('👀' in marks(message)));
  });

  it('loses the mark that another process has put', async () => {
    const { stage, question, marks } = await questioned();
    const message = await question();
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => '👀' in marks(message));
    void stage.another().markWaiting(message.replyTarget, false);
    await until(() => calls(stage, TAKE).some(({ ok }) => ok));
    expect(marks(message)).toEqual({});
  });

  it('keeps none when the mark was still on its way as the answer began', async () => {
    const { stage, question, marks } = await questioned();
    const message = await question();
    stage.discord.fault(PUT, { kind: 'delay', ms: 80, when: 'before' });
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => calls(stage, PUT).length === 1);
    void stage.adapter.markWaiting(message.replyTarget, false);
    await until(() => calls(stage, TAKE).some(({ ok }) => ok));
    expect(marks(message)).toEqual({});
  });

  it('loses its mark when its answer begins while the bot ends, and none is put then', async () => {
    const { stage, question, marks } = await questioned();
    const [waiting, late] = [await question(), await question()];
    void stage.adapter.markWaiting(waiting.replyTarget, true);
    await until(() => '👀' in marks(waiting));
    await stage.adapter.stop();
    void stage.adapter.markWaiting(late.replyTarget, true);
    void stage.adapter.markWaiting(waiting.replyTarget, false);
    await until(() => !('👀' in marks(waiting)));
    expect(marks(late)).toEqual({});
  });

  it('is marked at the pace of reactions, among others', async () => {
    const { stage, question, marks } = await questioned();
    const messages = [await question(), await question(), await question()];
    for (const { replyTarget } of messages) void stage.adapter.markWaiting(replyTarget, true);
    await until(() => messages.every((message) => '👀' in marks(message)));
    for (const { replyTarget } of messages) void stage.adapter.markWaiting(replyTarget, false);
    await until(() => messages.every((message) => !('👀' in marks(message))));
    expect(stage.discord.calls.filter(({ status }) => status === 429)).toEqual([]);
  });

  it('goes without where reactions are forbidden, and Discord is not asked again and again', async () => {
    const { stage, channel, question } = await questioned();
    channel.overwrite({ for: 'everyone', deny: ['AddReactions'] });
    const messages = [await question(), await question()];
    void stage.adapter.markWaiting(messages[0]!.replyTarget, true);
    await until(() => stage.logged('waiting mark not changed') === 1);
    void stage.adapter.markWaiting(messages[0]!.replyTarget, false);
    void stage.adapter.markWaiting(messages[1]!.replyTarget, true);
    await stage.adapter.stop();
    expect(stage.discord.calls.filter(({ route }) => route.includes('reactions'))).toHaveLength(1);
  });

  it('loses its mark although Discord fails at first', async () => {
    const { stage, question, marks } = await questioned();
    const message = await question();
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => '👀' in marks(message));
    stage.discord.fault(TAKE, { kind: 'status', status: 502, body: '' });
    void stage.adapter.markWaiting(message.replyTarget, false);
    await until(() => calls(stage, TAKE).some(({ ok }) => ok));
    expect(marks(message)).toEqual({});
  });

  it('loses the mark that Discord has put although it said that it failed', async () => {
    const { stage, question, marks } = await questioned();
    const message = await question();
    // A failure here puts nothing, so another process does.
    void stage.another().markWaiting(message.replyTarget, true);
    await until(() => '👀' in marks(message));
    stage.discord.fault(PUT, { kind: 'status', status: 502, body: '' });
    void stage.adapter.markWaiting(message.replyTarget, true);
    await until(() => stage.logged('waiting mark not changed') === 1);
    void stage.adapter.markWaiting(message.replyTarget, false);
    await stage.adapter.stop();
    expect(marks(message)).toEqual({});
  });

  it('that is none can not be marked, and neither can what is no address', async () => {
    const { stage, question } = await questioned();
    const { replyTarget } = await question();
    void stage.adapter.markWaiting({ ...replyTarget, questionId: null }, true);
    void stage.adapter.markWaiting({}, true);
    await stage.adapter.stop();
    expect(stage.discord.calls.filter(({ route }) => route.includes('reactions'))).toEqual([]);
  });
});
