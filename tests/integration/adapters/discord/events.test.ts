import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../../src/platform/adapter.ts';
import { until } from '../../../support/until.ts';
import { botSays, botThread, openInbound, scene, type InboundStage } from './inbound-stage.ts';

/** The switch of the developer portal that lets the bot read everything. */
const READS_ALL = { privilegedIntents: { messageContent: true, guildMembers: false, presences: false } };

describe('a message', () => {
  it('that mentions the bot arrives without the mention', async () => {
    const stage = await openInbound();
    const { user, guild, channel } = scene(stage, { name: 'Engines' });
    const message = await stage.next(() =>
      channel.send(user, ', what is steam?', { mentions: [stage.discord.bot] }),
    );
    const { id } = channel.messages()[0]!;
    const bot = stage.discord.bot.id;
    expect(message).toMatchObject({
      platform: 'discord',
      text: 'what is steam?',
      originKey: `discord:${bot}:${channel.id}:${id}`,
      messageId: `discord:${channel.id}:${id}`,
      place: `discord:${bot}:${channel.id}`,
      channel: `discord:${bot}:${channel.id}`,
      thread: `discord:${bot}:${id}`,
      guild: { id: `discord:${guild.id}`, name: 'Engines' },
      author: {
        id: `discord:${user.id}`,
        name: 'Alice',
        locale: null,
        isBot: false,
        isGuildAdmin: false,
        roles: [],
      },
      addressing: { isPrivate: false, mentionsBot: true, repliesToBot: false, inOwnThread: false },
      isTextWithheld: false,
      repliesTo: null,
      replyTarget: {
        channelId: channel.id,
        isPrivate: false,
        questionId: id,
        canOpenThread: true,
        responseId: null,
      },
    });
  });

  it('tells the roles of its author, as a command does', async () => {
    const stage = await openInbound();
    const user = stage.discord.user();
    const guild = stage.discord.guild({ members: [user], roles: [{ name: 'Patrons', members: [user] }] });
    const role = `discord:${guild.role('Patrons')}`;
    const channel = guild.channel('general');
    const message = await stage.next(() => channel.send(user, 'hi', { mentions: [stage.discord.bot] }));
    await until(() => stage.discord.commands().length > 0);
    channel.slash(user, 'ask', { question: 'why?' });
    const command = await until(() => stage.commands[0]);
    expect([message.author.roles, command.author.roles]).toEqual([[role], [role]]);
  });

  it('in private arrives whatever it says', async () => {
    const stage = await openInbound();
    const user = stage.discord.user();
    const message = await stage.next(() => user.dm().send(user, 'hello'));
    expect(message).toMatchObject({
      text: 'hello',
      guild: null,
      channel: null,
      thread: null,
      addressing: { isPrivate: true, mentionsBot: false },
      replyTarget: { isPrivate: true, canOpenThread: false },
    });
  });

  it('that replies to the bot names what it replies to, and is withheld without a ping', async () => {
    const stage = await openInbound();
    const { user, channel } = scene(stage);
    const answer = await botSays(stage, channel);
    const pinging = await stage.next(() => channel.send(user, 'go on', { replyTo: answer }));
    const quiet = await stage.next(() =>
      channel.send(user, 'go on', { replyTo: answer, pingsReplied: false }),
    );
    const repliesTo = `discord:${channel.id}:${answer}`;
    expect(pinging).toMatchObject({ text: 'go on', isTextWithheld: false, repliesTo });
    expect(quiet).toMatchObject({ text: '', isTextWithheld: true, repliesTo });
    expect([pinging, quiet].map(({ addressing }) => addressing.repliesToBot)).toEqual([true, true]);
  });

  it('gives the mentions of others their names', async () => {
    const stage = await openInbound();
    const { user, guild, channel } = scene(stage, {
      roles: [{ name: 'pilots' }],
      channels: ['general', 'hangar'],
    });
    const other = stage.discord.user({ username: 'bob', globalName: 'Bob' });
    guild.join(other);
    const text = `ask <@${other.id}>, <@&${guild.role('pilots')}> or <#${guild.channel('hangar').id}>`;
    const message = await stage.next(() => channel.send(user, text, { mentions: [stage.discord.bot] }));
    expect(message.text).toBe('ask @Bob, @pilots or #hangar');
  });

  it('knows its author and those it mentions by their nicknames', async () => {
    const stage = await openInbound();
    const { user, guild, channel } = scene(stage);
    const others = ['bob', 'carol'].map((username) => stage.discord.user({ username }));
    const message = await stage.next(() =>
      emitMessage(stage, guild, {
        channel_id: channel.id,
        author: accountOf(user),
        member: { nick: 'Captain', roles: [] },
        content: `<@${stage.discord.bot.id}> ask ${others.map(({ id }) => `<@${id}>`).join(' or ')}`,
        mentions: [
          accountOf(stage.discord.bot),
          ...others.map((other) => ({
            ...accountOf(other),
            member: { nick: `Pilot ${other.username}`, roles: [] },
          })),
        ],
      }),
    );
    expect(message.author.name).toBe('Captain');
    expect(message.text).toBe('ask @Pilot bob or @Pilot carol');
  });

  it('loses characters that no store can keep', async () => {
    const stage = await openInbound();
    const user = stage.discord.user();
    const message = await stage.next(() => user.dm().send(user, 'one\0two'));
    expect(message.text).toBe('onetwo');
  });

  it('that mentions only the role of the bot counts where content is readable', async () => {
    const stage = await openInbound({ simulator: READS_ALL });
    const { user, guild, channel } = scene(stage);
    const role = guild.role(stage.discord.bot.username);
    const message = await stage.next(() => channel.send(user, `<@&${role}> hello`));
    expect(message).toMatchObject({ text: 'hello', addressing: { mentionsBot: true } });
  });

  it.each([true, false])('among others is none of ours (content readable: %s)', async (messageContent) => {
    const privilegedIntents = { ...READS_ALL.privilegedIntents, messageContent };
    const stage = await openInbound({ simulator: { privilegedIntents } });
    const { user, guild, channel } = scene(stage);
    const robot = stage.discord.user({ isBot: true });
    guild.join(robot);
    channel.send(user, 'not to the bot');
    channel.send(robot, 'I am a bot', { mentions: [stage.discord.bot] });
    channel.send(user, '', { type: 7 });
    await botSays(stage, channel);
    const message = await stage.next(() =>
      channel.send(user, 'to the bot', { mentions: [stage.discord.bot] }),
    );
    expect(stage.messages).toEqual([message]);
    expect(message.text).toBe('to the bot');
  });

  it('by a webhook is none of ours', async () => {
    const stage = await openInbound();
    const { user, guild, channel } = scene(stage);
    const relay = { id: '1100000000000000777', username: 'relay', discriminator: '0000', avatar: null };
    emitMessage(stage, guild, { channel_id: channel.id, author: relay, webhook_id: relay.id });
    await stage.next(() => channel.send(user, 'mine', { mentions: [stage.discord.bot] }));
    expect(stage.messages.map(({ text }) => text)).toEqual(['mine']);
  });

  it('that is edited is not read again', async () => {
    const stage = await openInbound();
    const { user, channel } = scene(stage);
    await stage.next(() => channel.send(user, 'first', { mentions: [stage.discord.bot] }));
    const { id } = channel.messages()[0]!;
    channel.edit(user, id, `<@${stage.discord.bot.id}> second`);
    await stage.next(() => channel.send(user, 'third', { mentions: [stage.discord.bot] }));
    expect(stage.messages.map(({ text }) => text)).toEqual(['first', 'third']);
  });

  it('tells whether its author manages the guild, also among many mentions', async () => {
    const stage = await openInbound();
    const owner = stage.discord.user();
    const { user, guild, channel } = scene(stage, {
      owner,
      roles: [{ name: 'managers', permissions: ['ManageGuild'] }],
    });
    const manager = stage.discord.user();
    guild.join(manager);
    guild.setRoles(manager, ['managers']);
    const mentions = [stage.discord.bot, user, owner];
    const ranks = [];
    for (const person of [user, manager, owner]) {
      const { author } = await stage.next(() => channel.send(person, 'hello', { mentions }));
      ranks.push(author.isGuildAdmin);
    }
    expect(ranks).toEqual([false, true, true]);
  });
});

describe('a thread at the question', () => {
  it.each([
    ['CreatePublicThreads', false],
    ['SendMessagesInThreads', false],
    ['AddReactions', true],
  ] as const)('without %s in the channel is possible: %s', async (denied, isPossible) => {
    const stage = await openInbound();
    const { user, channel } = scene(stage);
    channel.overwrite({ for: 'everyone', deny: [denied] });
    const message = await stage.next(() => channel.send(user, 'hello', { mentions: [stage.discord.bot] }));
    expect(message.thread !== null).toBe(isPossible);
    expect(message.replyTarget['canOpenThread']).toBe(isPossible);
  });

  it('is possible in announcement channels, not in voice channels', async () => {
    const stage = await openInbound();
    const { user, guild } = scene(stage, {
      channels: ['general', { name: 'news', type: 'announcement' }, { name: 'talk', type: 'voice' }],
    });
    const mentions = [stage.discord.bot];
    const news = await stage.next(() => guild.channel('news').send(user, 'hello', { mentions }));
    const talk = await stage.next(() => guild.channel('talk').send(user, 'hello', { mentions }));
    expect([news.thread !== null, talk.thread]).toEqual([true, null]);
  });
});

describe('a thread of the bot', () => {
  it('is read without a mention where content is readable', async () => {
    const stage = await openInbound({ simulator: READS_ALL });
    const { user, channel } = scene(stage);
    const thread = await botThread(stage, channel, channel.send(user, 'question'));
    const message = await stage.next(() => thread.send(user, 'and then?'));
    expect(message).toMatchObject({
      text: 'and then?',
      thread: 'here',
      place: `discord:${stage.discord.bot.id}:${thread.id}`,
      channel: `discord:${stage.discord.bot.id}:${channel.id}`,
      addressing: { inOwnThread: true },
      replyTarget: { channelId: thread.id, canOpenThread: false },
    });
  });

  it('leaves people alone who reply to each other', async () => {
    const stage = await openInbound({ simulator: READS_ALL });
    const { user, guild, channel } = scene(stage);
    const other = stage.discord.user();
    guild.join(other);
    const thread = await botThread(stage, channel, channel.send(user, 'question'));
    const first = await stage.next(() => thread.send(other, 'to the bot'));
    thread.send(user, 'to the other', { replyTo: first.messageId!.split(':')[2]! });
    await stage.next(() => thread.send(user, 'to the bot again'));
    expect(stage.messages.map(({ text }) => text)).toEqual(['to the bot', 'to the bot again']);
  });

  it('gets one hint where Discord withholds the text, also from another process', async () => {
    const stage = await openInbound();
    const { user, channel } = scene(stage);
    const thread = await botThread(stage, channel, channel.send(user, 'question'));
    const hint = await stage.next(() => thread.send(user, 'and then?'));
    expect(hint).toMatchObject({
      text: '',
      isTextWithheld: true,
      originKey: `discord:${stage.discord.bot.id}:${thread.id}:text-withheld`,
    });
    thread.send(user, 'hello?');
    await stage.next(() => thread.send(user, 'now', { mentions: [stage.discord.bot] }));
    expect(stage.messages.map(({ text }) => text)).toEqual(['', 'now']);
    await stage.adapter.stop();
    await stage.another().start(stage.handlers);
    const again = await stage.next(() => thread.send(user, 'hello?'));
    expect(again.originKey).toBe(hint.originKey);
  });

  it('that was archived before the start is recognised when it comes back', async () => {
    const stage = await openInbound({ simulator: READS_ALL, isStarted: false });
    const { user, channel } = scene(stage);
    const thread = await botThread(stage, channel, channel.send(user, 'question'));
    thread.setThread({ archived: true });
    await stage.adapter.start(stage.handlers);
    const message = await stage.next(() => thread.send(user, 'and then?'));
    expect(message).toMatchObject({ text: 'and then?', thread: 'here', addressing: { inOwnThread: true } });
  });

  it.each([
    ['answers', true, ['one', 'two', 'now']],
    ['answers for another', false, ['now']],
  ] as const)('of which no event told is asked for once, and Discord %s', async (_what, isOwn, texts) => {
    const stage = await openInbound({ simulator: READS_ALL, isStarted: false });
    const { user, guild, channel } = scene(stage);
    const from = channel.send(user, 'question');
    const thread = isOwn
      ? await botThread(stage, channel, from)
      : channel.startThread(user, 'ours', { messageId: from });
    thread.setThread({ archived: true });
    await stage.adapter.start(stage.handlers);
    const said = { channel_id: thread.id, channel_type: 11, author: accountOf(user), mentions: [] };
    emitMessage(stage, guild, { ...said, content: 'one' });
    emitMessage(stage, guild, { ...said, content: 'two' });
    await stage.next(() =>
      emitMessage(stage, guild, { ...said, content: 'now', mentions: [accountOf(stage.discord.bot)] }),
    );
    await until(() => stage.messages.at(-1)?.text === 'now');
    expect(stage.messages.map(({ text }) => text)).toEqual(texts);
    expect(stage.messages.at(-1)!.addressing.inOwnThread).toBe(isOwn);
    const asked = stage.discord.calls.filter(({ route }) => route === 'GET /channels/{channel_id}');
    expect(asked).toHaveLength(1);
  });

  it('that the bot may not look at is asked for once', async () => {
    const stage = await openInbound({ simulator: READS_ALL });
    const { user, guild } = scene(stage);
    const said = {
      channel_id: '1100000000000000888',
      channel_type: 11,
      author: accountOf(user),
      mentions: [],
    };
    emitMessage(stage, guild, { ...said, content: 'one' });
    emitMessage(stage, guild, { ...said, content: 'two' });
    await stage.next(() =>
      emitMessage(stage, guild, { ...said, content: 'now', mentions: [accountOf(stage.discord.bot)] }),
    );
    expect(stage.messages.map(({ text }) => text)).toEqual(['now']);
    const asked = stage.discord.calls.filter(({ route }) => route === 'GET /channels/{channel_id}');
    expect(asked).toHaveLength(1);
  });

  it("of another person's is left alone", async () => {
    const stage = await openInbound({ simulator: READS_ALL });
    const { user, channel } = scene(stage);
    const thread = channel.startThread(user, 'ours', { messageId: channel.send(user, 'start') });
    thread.send(user, 'among us');
    const message = await stage.next(() => thread.send(user, 'hello', { mentions: [stage.discord.bot] }));
    expect(stage.messages).toEqual([message]);
    expect(message).toMatchObject({ thread: 'here', addressing: { inOwnThread: false } });
  });
});

describe('while the store is away', () => {
  it('messages wait and come in the order of their channel, others are not held up', async () => {
    let isAway = true;
    const stage = await openInbound({
      handlers: {
        onMessage: (message) =>
          isAway && message.text.startsWith('held')
            ? Promise.reject(new StoreUnavailable('away'))
            : Promise.resolve('no_reply'),
      },
    });
    const { user, guild, channel } = scene(stage, { channels: ['general', 'other'] });
    const mentions = [stage.discord.bot];
    channel.send(user, 'held 1', { mentions });
    channel.send(user, 'behind 2', { mentions });
    channel.send(user, 'held 3', { mentions });
    await stage.next(() => guild.channel('other').send(user, 'elsewhere', { mentions }));
    await until(() => stage.log.some((line) => line.startsWith('event not taken')));
    expect(stage.messages.map(({ text }) => text)).toEqual(['elsewhere']);
    isAway = false;
    await until(() => stage.messages.length === 4);
    expect(stage.messages.map(({ text }) => text)).toEqual(['elsewhere', 'held 1', 'behind 2', 'held 3']);
  });

  it('for too long, a message is given up, and its channel reads so once', async () => {
    const stage = await openInbound({
      handlers: { onMessage: () => Promise.reject(new StoreUnavailable('away')) },
      handingPace: { patienceMs: 30 },
    });
    const { user, channel } = scene(stage);
    channel.send(user, 'one', { mentions: [stage.discord.bot] });
    channel.send(user, 'two', { mentions: [stage.discord.bot] });
    const said = () => channel.messages().filter(({ author }) => author.id === stage.discord.bot.id);
    // First that it takes longer, if the tries are many enough for that.
    const given = () => said().filter(({ content }) => content.includes('try again in a minute'));
    await until(() => given().length > 0);
    await stage.adapter.stop();
    expect(given()).toHaveLength(1);
    expect(said().length).toBeLessThanOrEqual(2);
    expect(stage.poison).toEqual([]);
  });

  it('no more events are kept than fit: the oldest gives way', async () => {
    let isAway = true;
    const stage = await openInbound({
      handlers: {
        onMessage: () =>
          isAway ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve('no_reply'),
      },
      handingPace: { mostHeld: 2 },
    });
    const { user, channel } = scene(stage);
    for (const text of ['one', 'two', 'three']) channel.send(user, text, { mentions: [stage.discord.bot] });
    await until(() => stage.log.some((line) => line.startsWith('too many events wait')));
    isAway = false;
    await until(() => stage.messages.length === 2);
    expect(stage.messages.map(({ text }) => text)).toEqual(['two', 'three']);
  });
});

describe('a message that the core fails on', () => {
  it('is tried five times and then recorded, and the next one is read', async () => {
    let tries = 0;
    const cause = new Error('a bug');
    const stage = await openInbound({
      handlers: {
        onMessage(message) {
          if (message.text !== 'bad') return Promise.resolve('no_reply');
          tries += 1;
          return Promise.reject(cause);
        },
      },
    });
    const { user, channel } = scene(stage);
    const id = channel.send(user, 'bad', { mentions: [stage.discord.bot] });
    await stage.next(() => channel.send(user, 'good', { mentions: [stage.discord.bot] }));
    expect(tries).toBe(5);
    expect(stage.poison).toEqual([{ eventId: id, cause }]);
  });
});

describe('a stopped adapter', () => {
  it('hands over what it holds, and takes nothing more', async () => {
    const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
    let begun = 0;
    const onMessage = async () => {
      begun += 1;
      await mayGoOn;
      return 'no_reply' as const;
    };
    const stage = await openInbound({ handlers: { onMessage } });
    const { user, channel } = scene(stage);
    const mentions = [stage.discord.bot];
    channel.send(user, 'one', { mentions });
    const { user: other, channel: elsewhere } = scene(stage);
    elsewhere.send(other, 'two', { mentions });
    const { user: third } = scene(stage);
    third.dm().send(third, 'three');
    await until(() => begun === 3);
    let isStopped = false;
    const stopped = stage.adapter.stop().then(() => (isStopped = true));
    channel.send(user, 'too late', { mentions });
    expect(isStopped).toBe(false);
    goOn();
    await stopped;
    expect(stage.messages.map(({ text }) => text).toSorted()).toEqual(['one', 'three', 'two']);
    expect(stage.discord.gateway.sessions()).toEqual([]);
  });
});

let lastId = 1_400_000_000_000_000_000n;

/** A message that the gateway tells of, with fields as a test wants them. */
function emitMessage(stage: InboundStage, guild: { readonly id: string }, fields: object): void {
  lastId += 1n;
  stage.discord.gateway.emit(
    'MESSAGE_CREATE',
    {
      id: String(lastId),
      guild_id: guild.id,
      channel_type: 0,
      type: 0,
      content: `<@${stage.discord.bot.id}> hello`,
      mentions: [accountOf(stage.discord.bot)],
      mention_roles: [],
      mention_everyone: false,
      timestamp: new Date().toISOString(),
      edited_timestamp: null,
      attachments: [],
      embeds: [],
      components: [],
      flags: 0,
      pinned: false,
      tts: false,
      ...fields,
    },
    guild.id,
  );
}

function accountOf({ id, username }: { readonly id: string; readonly username: string }): object {
  return { id, username, discriminator: '0', avatar: null, global_name: null, public_flags: 0 };
}
