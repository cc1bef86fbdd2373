import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimChannel } from '../simulators/discord/channel-handle.ts';
import type { SimUser } from '../simulators/discord/handles.ts';
import type { SimMessage } from '../simulators/discord/views.ts';
import { databaseKinds } from '../support/database.ts';
import { openDiscordScene, type DiscordScene } from '../support/discord-scene.ts';
import { stalling } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** The buttons below a message, in their order. */
function buttonsOf(message: SimMessage | undefined) {
  const rows = (message?.components ?? []) as readonly {
    readonly components: readonly { readonly label: string; readonly custom_id: string }[];
  }[];
  return rows.flatMap(({ components }) => components);
}

describe.each(databaseKinds)('answers that are changed, on a database of kind %s', (kind) => {
  let scene: DiscordScene;
  beforeAll(async () => {
    scene = await openDiscordScene({ database: kind });
  });
  afterAll(async () => {
    expect(scene.discord.violations).toEqual([]);
    expect(await scene.records.holds()).toBe(0);
    expect(await scene.records.wrongCounters()).toEqual([]);
    expect(await scene.records.errors()).toEqual([]);
    await scene.stop();
  });

  const turnsIn = (channel: SimChannel) =>
    scene.records.turnsIn(`discord:${scene.discord.bot.id}:${channel.id}`);
  const settled = (channel: SimChannel) =>
    until(async () => (await turnsIn(channel)).every(({ isDelivered }) => isDelivered));
  const play = (text: string) => scene.openrouter.play({ kind: 'answer', text });
  const reads = (channel: SimChannel, ...texts: readonly string[]) =>
    until(() => JSON.stringify(scene.said(channel).map(({ content }) => content)) === JSON.stringify(texts));

  const buttonsBelow = (channel: SimChannel) =>
    buttonsOf(scene.said(channel).at(-1)).map(({ label }) => label);

  /** Presses the button of the bot's last message that does this; resolves with what the presser alone is told. */
  async function press(channel: SimChannel, user: SimUser, action: string) {
    const message = scene.said(channel).at(-1);
    const button = buttonsOf(message).find(({ custom_id: id }) => id.startsWith(`${action}:`));
    if (message === undefined || button === undefined) throw new Error(`There is no button "${action}".`);
    const invoked = channel.press(user, message.id, button.custom_id);
    await invoked.answer;
    return invoked.view().messages.at(-1)?.content;
  }

  test('Again makes another version, and people move between them, also after a restart', async () => {
    const { ann, channel } = scene.ownGuild();
    play('A drink.');
    await scene.ask(channel, ann, 'What is tea?');
    play('Leaves in water.');
    expect(await press(channel, ann, 'regenerate')).toBe('Answering it again…');
    await reads(channel, 'Leaves in water.');
    await settled(channel);
    expect(buttonsBelow(channel)).toEqual(['🔄 Again', '◀', '2/2 ▶', '❔ Why?']);
    await scene.restart();
    await press(channel, ann, 'previous');
    await reads(channel, 'A drink.');
    await settled(channel);
    expect(buttonsBelow(channel)).toEqual(['🔄 Again', '◀', '1/2 ▶', '❔ Why?']);
  });

  test('the answer to /ask can be had again, and others are told in private that it is not theirs', async () => {
    const { ann, guild, channel } = scene.ownGuild();
    const bob = scene.discord.user({ globalName: 'Bob' });
    guild.join(bob);
    play('A drink.');
    await scene.askBySlash(channel, ann, 'ask', { question: 'What is tea?' });
    expect(await press(channel, bob, 'regenerate')).toBe(
      'Only the person who asked or an admin can do that.',
    );
    play('Leaves in water.');
    await press(channel, ann, 'regenerate');
    await reads(channel, 'Leaves in water.');
    await settled(channel);
  });

  test('a stopped answer goes on in its message', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.openrouter.play(stalling('Once upon'));
    scene.send(channel, ann, 'Tell me a story.');
    await until(() => scene.said(channel).find(({ content }) => content.includes('Once upon')));
    await press(channel, ann, 'stop');
    await until(() => scene.said(channel).find(({ content }) => content.includes('Stopped')));
    await settled(channel);
    play(' a time. The end.');
    expect(await press(channel, ann, 'continue')).toBe('Going on…');
    await reads(channel, 'Once upon a time. The end.');
    await settled(channel);
  });

  test('a changed question is answered anew in place', async () => {
    const { ann, channel } = scene.ownGuild();
    play('About tea.');
    const { eventId } = await scene.ask(channel, ann, 'Tell me of tea');
    play('About coffee.');
    channel.edit(ann, eventId, `<@${scene.discord.bot.id}> Tell me of coffee`);
    await reads(channel, 'About coffee.');
    await settled(channel);
    expect(await turnsIn(channel)).toMatchObject([
      { state: 'delivered', cause: 'message' },
      { state: 'delivered', cause: 'edit', question: { text: 'Tell me of coffee' } },
    ]);
    const count = scene.requests().length;
    channel.unfurl(eventId);
    await scene.ask(channel, ann, 'Another');
    expect(scene.requests()).toHaveLength(count + 1);
  });

  test('a deleted question takes its answer with it, from the channel and from what is remembered', async () => {
    const ann = scene.discord.user({ globalName: 'Ann' });
    const dm = ann.dm();
    play('About tea.');
    const { eventId } = await scene.ask(dm, ann, 'Tell me of tea');
    play('About coffee.');
    await scene.ask(dm, ann, 'Tell me of coffee');
    dm.delete(ann, eventId);
    await reads(dm, 'About coffee.');
    await settled(dm);
    play('Indeed.');
    await scene.ask(dm, ann, 'Really?');
    const request = scene
      .requests()
      .at(-1)
      ?.messages.map(({ content }) => content);
    expect(request?.slice(1)).toEqual(['Tell me of coffee', 'About coffee.', 'Really?']);
  });

  test('a question that is deleted while it is answered is answered no further, and nothing stays', async () => {
    const ann = scene.discord.user({ globalName: 'Ann' });
    const dm = ann.dm();
    scene.openrouter.play(stalling('It begins'));
    const id = scene.send(dm, ann, 'Tell me of tea');
    await until(() => scene.said(dm).find(({ content }) => content.includes('It begins')));
    dm.delete(ann, id);
    await reads(dm);
    await settled(dm);
    expect(await turnsIn(dm)).toMatchObject([{ state: 'cancelled', answer: null }]);
    await until(() => scene.requests().at(-1)?.call.cancelled);
  });

  test('what is written while no process listens is answered when one does, once and in order', async () => {
    const { ann, guild, channel } = scene.ownGuild();
    const dm = ann.dm();
    await scene.ask(channel, ann, 'Are you there?');
    await scene.ask(dm, ann, 'And here?');
    await scene.bot().stop();
    const away = [
      scene.send(channel, ann, 'Missed one'),
      scene.send(channel, ann, 'Missed two'),
      scene.send(dm, ann, 'Missed three'),
    ];
    channel.send(ann, 'not for the bot');
    await scene.restart();
    for (const [index, where] of [channel, channel, dm].entries()) {
      const { turn } = await scene.over(where, away[index] ?? '');
      expect(turn).toMatchObject({
        state: 'delivered',
        question: { text: expect.stringMatching(/^Missed/u) as string },
      });
    }
    const replies = scene.said(channel).map(({ replyTo }) => replyTo);
    expect(replies.slice(-2)).toEqual(away.slice(0, 2));
    expect(scene.said(dm)).toHaveLength(2);
    expect(
      guild
        .channel('general')
        .messages()
        .filter(({ author }) => author.id === scene.discord.bot.id),
    ).toHaveLength(3);
  });
});
