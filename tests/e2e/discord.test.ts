import { PermissionFlagsBits } from 'discord.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimChannel } from '../simulators/discord/channel-handle.ts';
import { databaseKinds } from '../support/database.ts';
import { openDiscordScene, type DiscordScene } from '../support/discord-scene.ts';
import { nanoUsd, PAID_SETTINGS, slowly, stalling } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** A row of buttons with these labels. */
const actions = (...labels: readonly string[]) => ({ components: labels.map((label) => ({ label })) });

describe.each(databaseKinds)('on a database of kind %s', (kind) => {
  let scene: DiscordScene;
  beforeAll(async () => {
    scene = await openDiscordScene({ database: kind, settings: PAID_SETTINGS });
  });
  afterAll(async () => {
    expect(scene.discord.violations).toEqual([]);
    expect(scene.discord.pings).toEqual([]);
    expect(scene.loggedTokens()).toEqual([]);
    expect(await scene.records.holds()).toBe(0);
    expect(await scene.records.wrongCounters()).toEqual([]);
    expect(await scene.records.errors()).toEqual([]);
    await scene.stop();
  });

  const newPerson = (globalName = 'Ann', locale = 'en-US') => scene.discord.user({ globalName, locale });
  const contents = () => (scene.requests().at(-1)?.messages ?? []).map(({ content }) => content);
  const spentSince = (from: number) => {
    const usages = scene
      .requests()
      .slice(from)
      .map(({ call }) => call.usage);
    const tokens = usages.reduce(
      (sum, usage) => sum + (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0),
      0,
    );
    const nano = usages.reduce((sum, usage) => sum + nanoUsd(usage?.cost), 0);
    return { tokens: tokens.toLocaleString('en'), costNanoUsd: nano };
  };
  const showing = (channel: SimChannel, text: string) =>
    until(() => scene.said(channel).find(({ content }) => content.includes(text)));

  describe('a mention in a guild', () => {
    test('is answered by one reply to the question, which grows and ends as the model ended', async () => {
      const ann = newPerson();
      const { channel } = scene.guild([ann]);
      scene.openrouter.play(slowly(['Tea ', 'is **made** ', 'from ', '`leaves`', ' in ', 'hot ', 'water.']));
      const { reply, turn, eventId } = await scene.ask(channel, ann, 'What is tea?');
      expect(reply).toMatchObject([
        {
          content: 'Tea is **made** from `leaves` in hot water.',
          replyTo: eventId,
          components: [actions('🔄 Again', '❔ Why?')],
        },
      ]);
      expect(scene.said(channel)).toHaveLength(1);
      expect(turn).toMatchObject({
        state: 'delivered',
        cause: 'message',
        question: { text: 'What is tea?' },
        answer: { text: 'Tea is **made** from `leaves` in hot water.', partial: false },
        parts: [reply[0]?.id],
      });
      expect(contents().at(-1)).toBe('Ann: What is tea?');
      const edits = scene.discord.calls.filter(
        ({ route, channelId }) =>
          route === 'PATCH /channels/{channel_id}/messages/{message_id}' && channelId === channel.id,
      );
      expect(edits.length).toBeGreaterThan(1);
    });

    test('costs exactly what the model service reported', async () => {
      const ann = newPerson();
      const { channel } = scene.guild([ann]);
      scene.openrouter.play({ kind: 'answer', text: 'It costs a little.', costUsd: '0.000123457' });
      const { turn } = await scene.ask(channel, ann, 'How much?');
      const usage = scene.requests().at(-1)?.call.usage;
      expect(turn.usage).toEqual([
        {
          provider: 'openrouter',
          requests: 1,
          promptTokens: usage?.prompt_tokens,
          completionTokens: usage?.completion_tokens,
          costNanoUsd: 123_457,
          source: 'reported',
        },
      ]);
    });

    test('begins a chain that goes on with replies, whoever writes them, and knows nothing of others', async () => {
      const [ann, ben] = [newPerson('Ann'), newPerson('Ben')];
      const { channel } = scene.guild([ann, ben]);
      const first = await scene.ask(channel, ann, 'the first question');
      const second = await scene.ask(channel, ben, 'the second question', { replyTo: first.reply[0]!.id });
      expect(second.turn.conversationId).toBe(first.turn.conversationId);
      expect(contents().slice(1)).toEqual([
        'Ann: the first question',
        first.turn.answer?.text,
        'Ben: the second question',
      ]);
      await scene.ask(channel, ann, 'another question');
      expect(contents().slice(1)).toEqual(['Ann: another question']);
    });

    test('answers nobody who does not address the bot, nor other bots, nor what the system says', async () => {
      const [ann, robot] = [newPerson(), scene.discord.user({ isBot: true })];
      const { channel } = scene.guild([ann, robot]);
      const from = scene.requests().length;
      channel.send(ann, 'I like coffee.');
      channel.send(robot, 'Beep', { mentions: [scene.discord.bot] });
      channel.send(ann, '', { type: 6 });
      await scene.ask(channel, ann, 'And tea?');
      expect(scene.requests()).toHaveLength(from + 1);
      expect(scene.said(channel)).toHaveLength(1);
    });

    test('pings nobody, whatever the model writes, also while it grows', async () => {
      const ann = newPerson();
      const { guild, channel } = scene.guild([ann], {
        botPermissions: ['MentionEveryone'],
        roles: [{ name: 'mods', isMentionable: true }],
      });
      const role = `<@&${guild.role('mods')}>`;
      scene.openrouter.play(slowly(['Hello @everyone ', `and @here, ${role} `, `and <@${ann.id}>!`]));
      await scene.ask(channel, ann, 'Greet them all.');
      expect(scene.discord.pings).toEqual([]);
    });
  });

  describe('a private message', () => {
    test('is answered, and goes on until a fresh conversation is asked for', async () => {
      const ann = newPerson();
      const dm = ann.dm();
      await scene.ask(dm, ann, 'one');
      await scene.ask(dm, ann, 'two');
      expect(contents().slice(1)).toEqual(['one', expect.any(String), 'two']);
      expect((await scene.slash(dm, ann, 'new')).content).toContain('A fresh conversation');
      await scene.ask(dm, ann, 'three');
      expect(contents().slice(1)).toEqual(['three']);
    });

    test('stays between the person and the bot', async () => {
      const [ann, ben] = [newPerson('Ann'), newPerson('Ben')];
      const { channel } = scene.guild([ann, ben]);
      await scene.ask(ann.dm(), ann, 'the password is marzipan');
      await scene.ask(ben.dm(), ben, 'what is the password?');
      await scene.ask(channel, ann, 'and here?');
      const heard = scene
        .requests()
        .filter(({ messages }) => messages.some(({ content }) => content.includes('marzipan')));
      expect(heard).toHaveLength(1);
    });
  });

  describe('/ask', () => {
    test('is answered in the response itself, which first shows that the bot thinks', async () => {
      const ann = newPerson();
      const { channel } = scene.guild([ann]);
      scene.openrouter.play(slowly(['Tea is ', 'a drink.']));
      const invoked = channel.slash(ann, 'ask', { question: 'What is tea?' });
      expect((await invoked.answer).kind).toBe('defer');
      const { turn, reply } = await scene.over(channel, invoked.id);
      expect(turn).toMatchObject({
        cause: 'command',
        state: 'delivered',
        question: { text: 'What is tea?' },
      });
      expect(invoked.view()).toMatchObject({ state: 'answered', messages: [{ content: 'Tea is a drink.' }] });
      expect(reply.map(({ id }) => id)).toEqual(turn.parts);
      expect(scene.said(channel)).toHaveLength(1);
    });

    test('works in private and goes on with that conversation', async () => {
      const ann = newPerson();
      const first = await scene.ask(ann.dm(), ann, 'one');
      const second = await scene.askBySlash(ann.dm(), ann, 'ask', { question: 'two' });
      expect(second.turn.conversationId).toBe(first.turn.conversationId);
    });

    test('keeps its token sealed while it lives', async () => {
      const ann = newPerson();
      const { channel } = scene.guild([ann]);
      scene.openrouter.play(stalling('Once upon a time there was a queen who lived in a castle'));
      const invoked = channel.slash(ann, 'ask', { question: 'A long story?' });
      await until(() => invoked.view().state === 'answered');
      const [row] = await scene.database.sql`
        select reply_target from turns where origin_key like ${`%:${invoked.id}`}`;
      expect(row?.['reply_target']).toMatchObject({ sealed: expect.any(String) });
      expect(JSON.stringify(row)).not.toContain(invoked.view().token);
      await scene.slash(channel, ann, 'stop');
      expect((await scene.over(channel, invoked.id)).text).toMatch(/castle\n\n.*Stopped/su);
    });
  });

  test('“Ask about this” answers about the message it is used on, although the bot can not read the channel', async () => {
    const [ann, ben] = [newPerson('Ann'), newPerson('Ben')];
    const { channel } = scene.guild([ann, ben]);
    const target = channel.send(ben, 'Camellia sinensis\nis a plant');
    const { turn } = await scene.over(channel, channel.messageCommand(ann, target, 'Ask about this').id);
    expect(turn).toMatchObject({ cause: 'command', state: 'delivered' });
    expect(contents().at(-1)).toContain('> Camellia sinensis');
    expect(contents().at(-1)).toContain('> is a plant');
  });

  describe('a running answer', () => {
    const story = 'Once upon a time there was a queen who lived in a castle by the sea';

    test('is stopped by its button, by who asked and by nobody else', async () => {
      const [ann, ben] = [newPerson('Ann'), newPerson('Ben')];
      const { channel } = scene.guild([ann, ben]);
      scene.openrouter.play(stalling(story));
      const eventId = scene.send(channel, ann, 'Tell me a story.');
      const shown = await showing(channel, 'Once upon');
      const [row] = shown.components as { components: { custom_id: string; label: string }[] }[];
      const button = row!.components[0]!;
      expect(button.label).toBe('⏹ Stop');
      const refused = await scene.answerTo(channel.press(ben, shown.id, button.custom_id));
      expect(refused).toMatchObject({
        isEphemeral: true,
        content: 'Only the person who asked or an admin can do that.',
      });
      const pressed = await scene.answerTo(channel.press(ann, shown.id, button.custom_id));
      expect(pressed).toMatchObject({ isEphemeral: true, content: 'Stopping…' });
      const { turn, reply } = await scene.over(channel, eventId);
      expect(turn).toMatchObject({ state: 'cancelled', answer: { text: story, partial: true } });
      expect(reply).toMatchObject([
        { content: `${story}\n\n⏹️ *Stopped.*`, components: [actions('⏩ Continue', '🔄 Again', '❔ Why?')] },
      ]);
    });

    test('is stopped by /stop', async () => {
      const ann = newPerson();
      const { channel } = scene.guild([ann]);
      scene.openrouter.play(stalling(story));
      const eventId = scene.send(channel, ann, 'Tell me a story.');
      await showing(channel, 'Once upon');
      const said = await scene.slash(channel, ann, 'stop');
      expect(said).toMatchObject({ content: '⏹️ Stopping 1 answer.', isEphemeral: true });
      expect((await scene.over(channel, eventId)).turn.state).toBe('cancelled');
    });
  });

  describe('the figures', () => {
    test('of a person are in /usage, for their eyes only, and equal what the model service counted', async () => {
      const ann = newPerson();
      const { channel } = scene.guild([ann]);
      const from = scene.requests().length;
      await scene.ask(channel, ann, 'one');
      await scene.ask(ann.dm(), ann, 'two');
      await scene.askBySlash(channel, ann, 'ask', { question: 'three' });
      const { tokens, costNanoUsd } = spentSince(from);
      const usage = await scene.slash(channel, ann, 'usage');
      expect(usage.isEphemeral).toBe(true);
      expect(usage.content).toContain(`Today: 3 messages, ${tokens} tokens, `);
      const [row] = await scene.database.sql`
        select sum(u.cost_nano_usd)::text as cost from usage u join users p on p.id = u.user_id
        where p.platform_user_id = ${`discord:${ann.id}`}`;
      expect(Number(row?.['cost'])).toBe(costNanoUsd);
    });

    test('show the limits of the guild and of the person with what is left', async () => {
      const ann = newPerson();
      const { channel } = scene.guild([ann]);
      await scene.ask(channel, ann, 'one');
      const { content } = await scene.slash(channel, ann, 'usage');
      expect(content).toMatch(/You, messages today: 1 of 200 used, starts again in/u);
      expect(content).toMatch(/Community, messages today: 1 of 1,000 used, starts again in/u);
      expect((await scene.slash(ann.dm(), ann, 'usage')).content).not.toContain('Community');
    });

    test('of a guild are in /stats for those who may manage it, and for nobody else', async () => {
      const [ann, boss] = [newPerson('Ann'), newPerson('Boss')];
      const { guild, channel } = scene.guild([ann, boss], {
        name: 'Tea lovers',
        roles: [{ name: 'bosses', permissions: ['ManageGuild'], members: [boss] }],
      });
      const from = scene.requests().length;
      await scene.ask(channel, ann, 'one');
      await scene.ask(channel, boss, 'two');
      const { tokens } = spentSince(from);
      await scene.ask(ann.dm(), ann, 'a private question is no business of the guild');
      expect(() => channel.slash(ann, 'stats')).toThrow(/not offered/u);
      const stats = await scene.slash(channel, boss, 'stats');
      expect(stats.isEphemeral).toBe(true);
      expect(stats.content).toContain('**Tea lovers**, last 30 days');
      expect(stats.content).toContain(`2 messages from 2 people, ${tokens} tokens`);
      expect((await scene.slash(channel, boss, 'stats', { days: 7 })).content).toContain('last 7 days');
      expect((await scene.slash(channel, boss, 'stats', { days: 91 })).content).toContain('1–90');
      guild.setRoles(boss, []);
      expect(() => channel.slash(boss, 'stats')).toThrow(/not offered/u);
    });
  });

  describe('/settings', () => {
    const withBoss = () => {
      const [ann, boss] = [newPerson('Ann'), newPerson('Boss')];
      return { ann, boss, ...scene.guild([ann], { owner: boss }) };
    };

    test('lets admins choose that each question opens a thread, where the talk goes on', async () => {
      const { ann, boss, guild, channel } = withBoss();
      expect((await scene.slash(channel, boss, 'settings')).content).toContain('Conversations: **chain**');
      await scene.slash(channel, boss, 'settings', { conversations: 'thread' });
      const first = await scene.ask(channel, ann, 'What is tea?');
      const thread = scene.discord.channel({ id: first.eventId });
      expect([thread.guildId, thread.name]).toEqual([guild.id, 'What is tea?']);
      expect(first.reply).toMatchObject([{ channelId: thread.id }]);
      expect(first.turn.place).toBe(`discord:${scene.discord.bot.id}:${thread.id}`);
      expect(scene.said(channel)).toEqual([]);
      const second = await scene.ask(thread, ann, 'And coffee?');
      expect(second.turn.conversationId).toBe(first.turn.conversationId);
      expect(contents().slice(1)).toEqual(['Ann: What is tea?', expect.any(String), 'Ann: And coffee?']);
      const third = await scene.ask(channel, ann, 'Something else?');
      expect(third.turn.conversationId).not.toBe(first.turn.conversationId);
    });

    test('lets admins choose one conversation for each channel', async () => {
      const { ann, boss, channel } = withBoss();
      const changed = await scene.slash(channel, boss, 'settings', { conversations: 'channel' });
      expect(changed.content).toContain('Conversations: **channel**');
      await scene.ask(channel, ann, 'one');
      await scene.ask(channel, boss, 'two');
      expect(contents().slice(1)).toEqual(['Ann: one', expect.any(String), 'Boss: two']);
    });

    test('answers in the channel where it may not open threads', async () => {
      const { ann, boss, channel } = withBoss();
      channel.overwrite({ for: 'bot', deny: ['CreatePublicThreads'] });
      await scene.slash(channel, boss, 'settings', { conversations: 'thread' });
      const { reply, eventId, turn } = await scene.ask(channel, ann, 'What is tea?');
      expect(reply).toMatchObject([{ channelId: channel.id, replyTo: eventId }]);
      const next = await scene.ask(channel, ann, 'And?', { replyTo: reply[0]!.id });
      expect(next.turn.conversationId).toBe(turn.conversationId);
    });
  });

  test('what the bot can not read in its own thread gets one hint, and what names it an answer', async () => {
    const [ann, boss] = [newPerson('Ann'), newPerson('Boss')];
    const { channel } = scene.guild([ann], { owner: boss });
    await scene.slash(channel, boss, 'settings', { conversations: 'thread' });
    const { eventId } = await scene.ask(channel, ann, 'What is tea?');
    const thread = scene.discord.channel({ id: eventId });
    thread.send(ann, 'and coffee?');
    await showing(thread, 'I can only read messages here that mention me');
    thread.send(ann, 'hello?');
    thread.send(boss, 'is it there?');
    await scene.ask(thread, ann, 'Are you there?');
    expect(scene.said(thread).filter(({ content }) => content.includes('I can only read'))).toHaveLength(1);
    expect(contents().join('\n')).not.toContain('hello?');
  });

  describe('the language', () => {
    test('of what the bot says itself is that of the reader, from the first command on', async () => {
      const budi = newPerson('Budi', 'id');
      const { channel } = scene.guild([budi]);
      expect((await scene.slash(channel, budi, 'help')).content).toContain('Perintah ini juga bisa dipakai');
      await scene.askBySlash(channel, budi, 'ask', { question: 'Apa itu teh?' });
      expect((await scene.ask(channel, budi, '')).text).toContain('Saya hanya bisa membaca teks');
    });

    test('of the commands is offered in both', () => {
      const command = scene.discord.commands().find(({ name }) => name === 'ask');
      expect(command).toMatchObject({
        description: 'Ask a question',
        description_localizations: { id: 'Ajukan pertanyaan' },
      });
    });
  });
});

describe('with the message content intent', () => {
  let scene: DiscordScene;
  beforeAll(async () => {
    scene = await openDiscordScene({
      discord: { privilegedIntents: { messageContent: true, guildMembers: false, presences: false } },
    });
  });
  afterAll(async () => {
    expect(scene.discord.violations).toEqual([]);
    await scene.stop();
  });

  test('everything said in a thread of the bot is answered, except what is said to somebody else', async () => {
    const [ann, boss] = [scene.discord.user({ globalName: 'Ann' }), scene.discord.user()];
    const { channel } = scene.guild([ann], { owner: boss });
    await scene.slash(channel, boss, 'settings', { conversations: 'thread' });
    const { eventId } = await scene.ask(channel, ann, 'What is tea?');
    const thread = scene.discord.channel({ id: eventId });
    const second = await scene.over(thread, thread.send(ann, 'And coffee?'));
    expect(
      scene
        .requests()
        .at(-1)
        ?.messages.slice(1)
        .map(({ content }) => content),
    ).toEqual(['Ann: What is tea?', expect.any(String), 'Ann: And coffee?']);
    const from = scene.requests().length;
    thread.send(boss, 'I disagree.', { replyTo: second.eventId });
    await scene.over(thread, thread.send(ann, 'What now?'));
    expect(scene.requests()).toHaveLength(from + 1);
  });

  test('a reply to the bot is answered also when it pings nobody, and talk among others is not', async () => {
    const ann = scene.discord.user({ globalName: 'Ann' });
    const { channel } = scene.guild([ann]);
    const first = await scene.ask(channel, ann, 'What is tea?');
    const from = scene.requests().length;
    channel.send(ann, 'I like coffee.');
    await scene.ask(channel, ann, 'And then?', { replyTo: first.reply[0]!.id, pingsReplied: false });
    expect(scene.requests()).toHaveLength(from + 1);
  });
});

test('the log names the link that invites the bot, with the few permissions that it needs', async () => {
  const scene = await openDiscordScene();
  const line = await until(() => scene.log.find((entry) => entry.includes('oauth2/authorize')));
  const { search } = new URL(/https:\S+?oauth2\/authorize\?[^"\s]+/u.exec(line)?.[0] ?? '');
  const query = new URLSearchParams(search);
  expect(query.get('client_id')).toBe(scene.discord.applicationId);
  expect(query.get('scope')?.split(' ')).toEqual(['bot', 'applications.commands']);
  const { ViewChannel, SendMessages, SendMessagesInThreads, CreatePublicThreads, ReadMessageHistory } =
    PermissionFlagsBits;
  expect(BigInt(query.get('permissions') ?? 0)).toBe(
    ViewChannel | SendMessages | SendMessagesInThreads | CreatePublicThreads | ReadMessageHistory,
  );
  await scene.stop();
});

test('a guild that has used up its allowance hears so, with the time, and its neighbours are served', async () => {
  const scene = await openDiscordScene({
    settings: { DEFAULT_GUILD_REQUESTS_PER_DAY: '2', MAX_TOKENS: '500' },
  });
  const [ann, ben] = [scene.discord.user(), scene.discord.user()];
  const { channel } = scene.guild([ann, ben]);
  const { channel: neighbour } = scene.guild([ann]);
  const asked = await Promise.all([ann, ben, ann, ben].map((user) => scene.ask(channel, user, 'Tea?')));
  const refused = asked.filter(({ turn }) => turn.state === 'refused');
  expect(refused).toHaveLength(2);
  for (const { turn } of refused) {
    expect(turn.refusal).toMatchObject({ reason: 'quota', subject: 'guild', metric: 'requests', limit: 2 });
  }
  expect(scene.said(channel).map(({ content }) => content)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/This community has used 2 of 2 messages today\. It starts again in/u),
    ]),
  );
  expect((await scene.slash(channel, ann, 'usage')).content).toContain(
    'Community, messages today: 2 of 2 used',
  );
  expect((await scene.ask(neighbour, ann, 'Tea?')).turn.state).toBe('delivered');
  expect(scene.requests()).toHaveLength(3);
  await scene.stop();
});
