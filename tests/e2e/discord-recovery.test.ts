import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimChannel } from '../simulators/discord/channel-handle.ts';
import {
  openDiscordScene,
  refusal,
  ROUTES,
  STORY,
  TALE,
  type DiscordScene,
} from '../support/discord-scene.ts';
import { slowly, stalling } from '../support/scene.ts';
import { until } from '../support/until.ts';

const THREAD = 'POST /channels/{channel_id}/messages/{message_id}/threads';
const ORIGINAL = 'DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original';
const WHOLE = 'The whole story.';
/** Ends with answers under way. */
const ABRUPTLY = { SHUTDOWN_GRACE_MS: '50' };

let scene: DiscordScene;
beforeAll(async () => {
  scene = await openDiscordScene({ settings: ABRUPTLY });
});
afterAll(async () => {
  expect(scene.discord.violations).toEqual([]);
  expect(scene.loggedTokens()).toEqual([]);
  expect(await scene.records.holds()).toBe(0);
  await scene.stop();
});

const texts = (channel: SimChannel) => scene.said(channel).map(({ content }) => content);
const buttons = (channel: SimChannel) =>
  (
    scene.said(channel).flatMap(({ components }) => components) as { components: { label: string }[] }[]
  ).flatMap(({ components }) => components.map(({ label }) => label));
/** The first part of a turn is on record. */
const recorded = (channel: SimChannel, eventId: string, parts = 1) =>
  until(async () => (await scene.turn(channel, eventId))?.parts.filter(Boolean).length === parts);

describe('an answer that a restart interrupts', () => {
  test('goes on in its response, as one message', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.openrouter.play(stalling(TALE));
    const invoked = channel.slash(ann, 'ask', { question: 'A story?' });
    await recorded(channel, invoked.id);
    scene.openrouter.play({ kind: 'answer', text: WHOLE });
    await scene.restart(ABRUPTLY);
    expect((await scene.over(channel, invoked.id)).turn.unreachable).toBeNull();
    expect(texts(channel)).toEqual([WHOLE]);
  });

  test('stands in its response although nothing of it showed before the token was over', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.openrouter.play({ kind: 'answer', pieces: [], fault: { kind: 'stall' } });
    const invoked = channel.slash(ann, 'ask', { question: 'A story?' });
    await until(() => invoked.view().state === 'thinking');
    await scene.bot().stop();
    expect((await scene.turn(channel, invoked.id))?.parts.filter(Boolean)).toEqual([]);
    await scene.database.sql`
      update turns set reply_target = reply_target || '{"expiresAtMs": 1}' where origin_key like ${`%:${invoked.id}`}`;
    scene.openrouter.play({ kind: 'answer', text: WHOLE });
    await scene.restart(ABRUPTLY);
    expect((await scene.over(channel, invoked.id)).turn.unreachable).toBeNull();
    expect(texts(channel)).toEqual([WHOLE]);
  });

  test('goes on in its thread although the question was deleted while nobody listened', async () => {
    const { ann, channel } = scene.ownGuild();
    await scene.slash(channel, ann, 'settings', { conversations: 'thread' });
    scene.openrouter.play(stalling(TALE));
    const eventId = scene.send(channel, ann, 'A story?');
    await recorded(channel, eventId);
    await scene.bot().stop();
    channel.delete(ann, eventId);
    scene.openrouter.play({ kind: 'answer', text: WHOLE });
    await scene.restart(ABRUPTLY);
    const { turn } = await scene.over(channel, eventId);
    const thread = scene.discord.channel({ id: eventId });
    expect([turn.unreachable, texts(thread), buttons(thread), texts(channel)]).toEqual([
      null,
      [WHOLE],
      ['🔄 Again', '❔ Why?'],
      [],
    ]);
  });

  test('goes on in the channel where the thread was closed to the bot', async () => {
    const { ann, channel } = scene.ownGuild();
    await scene.slash(channel, ann, 'settings', { conversations: 'thread' });
    scene.discord.fault(ROUTES.create, refusal(403, 50013, 'Missing Permissions'));
    scene.openrouter.play(stalling(TALE));
    const eventId = scene.send(channel, ann, 'A story?');
    await until(() => texts(channel).length > 0);
    await recorded(channel, eventId);
    scene.openrouter.play({ kind: 'answer', text: WHOLE });
    await scene.restart(ABRUPTLY);
    await until(async () => (await scene.turn(channel, eventId))?.isDelivered);
    expect([texts(channel), buttons(channel)]).toEqual([[WHOLE], ['🔄 Again', '❔ Why?']]);
  });

  test('is completed by the token where the bot itself may not see the channel', async () => {
    const { ann, channel } = scene.ownGuild();
    channel.overwrite({ for: 'bot', deny: ['ViewChannel'] });
    const long = Array.from(
      { length: 60 },
      (_, index) => `Paragraph ${index} with enough words to fill a message.`,
    );
    const text = long.join('\n\n');
    scene.openrouter.play({ kind: 'answer', pieces: [{ text }], fault: { kind: 'stall' } });
    const invoked = channel.slash(ann, 'ask', { question: 'Long?' });
    await recorded(channel, invoked.id, 2);
    scene.openrouter.play({ kind: 'answer', text: `${text}\n\nThe end.` });
    await scene.restart(ABRUPTLY);
    const turn = await until(async () => {
      const row = await scene.turn(channel, invoked.id);
      return row?.isDelivered === true ? row : null;
    });
    expect(turn.unreachable).toBeNull();
    const shown = invoked.view().messages;
    expect(shown.flatMap(({ content }) => content.split('\n\n'))).toEqual([...long, 'The end.']);
    expect(shown.map(({ components }) => components.length)).toEqual([...shown.slice(1).map(() => 0), 1]);
  });
});

test('a question is answered that was asked while nobody listened, where each one opens a thread', async () => {
  const { ann, channel } = scene.ownGuild();
  await scene.slash(channel, ann, 'settings', { conversations: 'thread' });
  await scene.ask(channel, ann, 'Tea?');
  await scene.bot().stop();
  const missed = scene.send(channel, ann, 'Coffee?');
  await scene.restart(ABRUPTLY);
  const { turn, reply } = await scene.over(channel, missed);
  expect(turn).toMatchObject({ state: 'delivered', question: { text: 'Coffee?' } });
  expect(reply).toMatchObject([{ channelId: missed }]);
});

describe('a command', () => {
  test('keeps its answer when its event is delivered again before it was acknowledged', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.discord.fault(ROUTES.callback, { kind: 'delay', ms: 500, when: 'after' });
    scene.openrouter.play(slowly(STORY, 150));
    const invoked = channel.slash(ann, 'ask', { question: 'A story?' });
    await invoked.answer;
    scene.discord.gateway.replay(2);
    const { turn } = await scene.over(channel, invoked.id);
    expect([turn.state, turn.unreachable]).toEqual(['delivered', null]);
    expect(texts(channel)).toEqual([TALE]);
  });

  test.for(['usage', 'ask'])(
    'is answered where it shows “thinking…” although nobody heard that it does: /%s',
    async (name) => {
      const { ann, channel } = scene.ownGuild();
      scene.discord.fault(ROUTES.callback, { kind: 'drop', when: 'after' });
      scene.discord.fault(ROUTES.callback, { kind: 'drop', when: 'before' }, { times: 5 });
      const invoked = channel.slash(ann, name, name === 'ask' ? { question: 'Tea?' } : {});
      await until(() => invoked.view().state === 'answered');
      expect(invoked.view().messages).toHaveLength(1);
      expect(texts(channel)).toHaveLength(name === 'ask' ? 1 : 0);
      scene.discord.reset();
    },
  );

  test('that gets no answer leaves nothing behind, also where taking it away fails at first', async () => {
    const { ann, channel } = scene.ownGuild();
    await scene.restart({ ...ABRUPTLY, DEFAULT_USER_REQUESTS_PER_DAY: '0' });
    await scene.askBySlash(channel, ann, 'ask', { question: 'One?' });
    scene.discord.fault(ORIGINAL, refusal(503, 0, 'Service Unavailable'), { times: 2 });
    const second = channel.slash(ann, 'ask', { question: 'Two?' });
    await second.answer;
    await until(() => second.view().messages.length === 0);
    expect(texts(channel)).toHaveLength(1);
    await scene.restart(ABRUPTLY);
  });

  test('on a message without text says so plainly', async () => {
    const { ann, channel } = scene.ownGuild();
    const target = channel.send(ann, '', {
      files: [{ name: 'x.png', contentType: 'image/png', content: Buffer.from('x') }],
    });
    const { text } = await scene.over(channel, channel.messageCommand(ann, target, 'Ask about this').id);
    expect(text).toContain('I can read text only');
  });
});

test('an answer that may not stand there is replaced by a notice', async () => {
  const { ann, channel } = scene.ownGuild();
  const blocked = refusal(400, 200_000, 'Message was blocked by automatic moderation');
  for (const route of [ROUTES.create, ROUTES.edit])
    scene.discord.fault(route, blocked, { channelId: channel.id });
  // In one piece: each of the two is refused once, the first sight and the last.
  scene.openrouter.play({ kind: 'answer', pieces: [{ text: 'Something rude.' }] });
  const { turn } = await scene.ask(channel, ann, 'Say something rude.');
  expect(turn.unreachable).toBeNull();
  expect(texts(channel)).toEqual(['⚠️ My answer to this is not allowed here.']);
});

test('a mention of the role that is the bot’s own gets a hint where its text can not be read', async () => {
  const { ann, guild, channel } = scene.ownGuild();
  channel.send(ann, `<@&${guild.role(scene.discord.bot.username)}> are you there?`);
  const hint = await until(() => texts(channel)[0]);
  expect(hint).toContain('I can only read messages here that mention me');
});

test('a token that is refused while the bot starts keeps it from starting, and says why', async () => {
  const { ann, channel } = scene.ownGuild();
  scene.openrouter.play(stalling(TALE));
  const eventId = scene.send(channel, ann, 'A story?');
  await recorded(channel, eventId);
  scene.discord.gateway.delay(700);
  scene.discord.fault(ROUTES.edit, refusal(401, 0, '401: Unauthorized'));
  // It is asked for again by each start that does not live to settle it.
  scene.openrouter.play({ kind: 'answer', text: WHOLE }, { times: 2 });
  await expect(scene.restart(ABRUPTLY)).rejects.toThrow('DISCORD_TOKEN');
  scene.discord.gateway.delay(0);
  await scene.restart(ABRUPTLY);
  await scene.over(channel, eventId);
  expect(texts(channel)).toEqual([WHOLE]);
});

test('a thread that can not be opened is no reason for silence', async () => {
  const { ann, channel } = scene.ownGuild();
  await scene.slash(channel, ann, 'settings', { conversations: 'thread' });
  scene.discord.fault(THREAD, refusal(400, 30_016, 'Maximum number of active threads reached'));
  const eventId = scene.send(channel, ann, 'Tea?');
  await until(async () => (await scene.turn(channel, eventId))?.isDelivered);
  expect(scene.said(channel).map(({ replyTo }) => replyTo)).toEqual([eventId]);
});
