import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  Client,
  DiscordAPIError,
  Events,
  GatewayIntentBits,
  MessageFlags,
  Partials,
  PermissionFlagsBits,
  REST,
} from 'discord.js';
import type { ClientOptions, Interaction, Message } from 'discord.js';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { PermissionName } from '../../simulators/discord/permissions.ts';
import { routeTable } from '../../simulators/discord/routes/table.ts';
import { connectDiscordSimulator } from '../../simulators/discord/remote.ts';
import { startDiscordSimulator } from '../../simulators/discord/server.ts';
import type { DiscordSimulator, DiscordSimulatorOptions } from '../../simulators/discord/server.ts';
import { routeNames } from '../../simulators/discord/specification.ts';
import { answerViolations, requestProblems } from '../../simulators/discord/validation.ts';

const running: DiscordSimulator[] = [];
const clients: Client[] = [];

interface Started {
  readonly simulator: DiscordSimulator;
  /** The bot's HTTP client, which repeats nothing. */
  readonly rest: REST;
  /** Moves the simulator's clock forward. */
  readonly advance: (ms: number) => void;
}

async function start(options: DiscordSimulatorOptions = {}): Promise<Started> {
  let offsetMs = 0;
  const simulator = await startDiscordSimulator({ now: () => Date.now() + offsetMs, ...options });
  running.push(simulator);
  const rest = new REST({ api: simulator.url, retries: 0 }).setToken(simulator.token);
  return {
    simulator,
    rest,
    advance: (ms) => {
      offsetMs += ms;
    },
  };
}

const plainIntents = [
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.DirectMessages,
  GatewayIntentBits.GuildMessageReactions,
];

/** A client that is ready. */
async function login(
  simulator: DiscordSimulator,
  options: Partial<ClientOptions> = {},
): Promise<Client<true>> {
  const client = new Client({
    intents: plainIntents,
    partials: [Partials.Channel],
    rest: { api: simulator.url, retries: 0 },
    waitGuildTimeout: 200,
    ...options,
  });
  clients.push(client);
  const ready = new Promise((resolve) => client.once(Events.ClientReady, resolve));
  await client.login(simulator.token);
  await ready;
  return client as Client<true>;
}

/** Messages of people, as the client gets them. */
function received(client: Client): Message[] {
  const messages: Message[] = [];
  client.on(Events.MessageCreate, (message) => {
    if (message.author.id !== client.user?.id) messages.push(message);
  });
  return messages;
}

/** Answers every message of a person with `run`. */
function replying(client: Client, run: (message: Message) => Promise<unknown>): void {
  client.on(Events.MessageCreate, (message) => {
    if (!message.author.bot) void run(message);
  });
}

/** Answers every interaction with `run`; what fails is kept. */
function answering(client: Client, run: (interaction: Interaction) => Promise<unknown>): unknown[] {
  const failures: unknown[] = [];
  client.on(Events.InteractionCreate, (interaction) => {
    run(interaction).catch((error: unknown) => failures.push(error));
  });
  return failures;
}

/** A guild with one member, and its channel. */
function scene(simulator: DiscordSimulator, guildOptions: Parameters<DiscordSimulator['guild']>[0] = {}) {
  const user = simulator.user({ username: 'alice' });
  const guild = simulator.guild({ ...guildOptions, members: [user, ...(guildOptions.members ?? [])] });
  return { user, guild, channel: guild.channel('general') };
}

interface Refused {
  readonly status: number;
  readonly code: number | string;
  readonly message: string;
  readonly errors: unknown;
}

/** The refusal a request met; fails the test when it went through. */
async function refusal(request: Promise<unknown>): Promise<Refused> {
  const error: unknown = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DiscordAPIError)) throw new Error(`expected a refusal, got ${String(error)}`);
  const { message, errors } = error.rawError as { message: string; errors?: unknown };
  return { status: error.status, code: error.code, message, errors };
}

async function code(request: Promise<unknown>): Promise<number | string> {
  return (await refusal(request)).code;
}

const say = (rest: REST, channelId: string, body: object) =>
  rest.post(`/channels/${channelId}/messages`, { body }) as Promise<{ id: string; content: string }>;

/** Long enough for a machine that is busy with something else; nothing is asserted about it. */
const patience = { interval: 5, timeout: 15_000 };

const agent = { 'user-agent': 'DiscordBot (https://example.com, 1.0)' };

/** One request without a client library, so that headers show. */
async function raw(
  simulator: DiscordSimulator,
  method: string,
  path: string,
  body?: object,
  headers: object = {},
) {
  const response = await fetch(`${simulator.url}/v10${path}`, {
    method,
    headers: {
      ...agent,
      authorization: `Bot ${simulator.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.destroy();
  for (const simulator of running.splice(0)) {
    await simulator.stop();
    // Whatever a test does, what the simulator sends keeps to the API's description.
    if (simulator.violations.length > 0) throw new Error(simulator.violations.join('\n'));
  }
});

describe('a bot on the simulator', () => {
  it('answers in a guild: it types, replies and edits', async () => {
    const { simulator } = await start();
    const { user, channel } = scene(simulator);
    const client = await login(simulator);
    replying(client, async (message) => {
      if ('sendTyping' in message.channel) await message.channel.sendTyping();
      const sent = await message.reply('Thinking');
      await sent.edit('Done');
    });
    const question = channel.send(user, 'hello', { mentions: [simulator.bot] });
    await expect.poll(() => channel.messages().at(-1)?.content, patience).toBe('Done');
    expect(channel.messages().at(-1)).toMatchObject({ replyTo: question, type: 19, isDeleted: false });
    expect(channel.messages().at(-1)?.editedAtMs).toBeDefined();
    await expect.poll(() => simulator.calls.filter(({ pending }) => pending), patience).toEqual([]);
    expect(simulator.calls.map(({ route }) => route)).toEqual([
      'GET /gateway/bot',
      'POST /channels/{channel_id}/typing',
      'POST /channels/{channel_id}/messages',
      'PATCH /channels/{channel_id}/messages/{message_id}',
    ]);
  });

  it('answers in direct messages', async () => {
    const { simulator } = await start();
    const user = simulator.user();
    const client = await login(simulator);
    replying(client, (message) => message.reply(`You said ${message.content}`));
    user.dm().send(user, 'psst');
    await expect.poll(() => user.dm().messages().at(-1)?.content, patience).toBe('You said psst');
  });

  it('knows its guilds, channels, threads and permissions', async () => {
    const { simulator } = await start();
    const { user, guild, channel } = scene(simulator, { botPermissions: ['ManageThreads'] });
    const thread = channel.startThread(user, 'Side talk');
    const client = await login(simulator);
    const seen = client.guilds.cache.get(guild.id);
    expect(seen?.members.me?.permissions.has(PermissionFlagsBits.ManageThreads)).toBe(true);
    expect(seen?.channels.cache.map(({ name }) => name).toSorted()).toEqual(['Side talk', 'general']);
    expect(seen?.channels.cache.get(thread.id)?.isThread()).toBe(true);
  });

  it('shows as typing for ten seconds, or until it writes', async () => {
    const { simulator, rest, advance } = await start();
    const { channel } = scene(simulator);
    await rest.post(`/channels/${channel.id}/typing`);
    expect(channel.isTyping()).toBe(true);
    advance(10_001);
    expect(channel.isTyping()).toBe(false);
    await rest.post(`/channels/${channel.id}/typing`);
    await say(rest, channel.id, { content: 'here' });
    expect(channel.isTyping()).toBe(false);
  });
});

describe('what the bot may read', () => {
  /** Content of the messages of a scene, by what the message is. */
  async function readable(
    simulator: DiscordSimulator,
    client: Client<true>,
  ): Promise<Record<string, string>> {
    const { user, channel } = scene(simulator);
    await client.application.commands.set([{ name: 'ask', description: 'Ask' }]);
    answering(client, (interaction) =>
      interaction.isCommand() ? interaction.reply('answered') : Promise.resolve(),
    );
    const messages = received(client);
    const seen: Record<string, string> = {};
    const expectNext = async (name: string, id: string): Promise<void> => {
      await expect.poll(() => messages.map((message) => message.id), patience).toContain(id);
      seen[name] = messages.find((message) => message.id === id)?.content ?? '';
    };
    await expect.poll(() => client.channels.cache.has(channel.id), patience).toBe(true);
    await expectNext('plain', channel.send(user, 'x'));
    await expectNext('mention', channel.send(user, 'x', { mentions: [simulator.bot] }));
    const own = await client.rest.post(`/channels/${channel.id}/messages`, { body: { content: 'mine' } });
    const { id } = own as { id: string };
    await expectNext('reply', channel.send(user, 'x', { replyTo: id }));
    await expectNext('silent reply', channel.send(user, 'x', { replyTo: id, pingsReplied: false }));
    const { answer, view } = channel.slash(user, 'ask');
    await answer;
    await expectNext(
      'reply to an answer',
      channel.send(user, 'x', { replyTo: view().messages[0]?.id ?? '' }),
    );
    await expectNext('direct', user.dm().send(user, 'x'));
    return seen;
  }

  it('is, without the intent, only what is meant for it', async () => {
    const { simulator } = await start();
    const mention = `<@${simulator.bot.id}> x`;
    expect(await readable(simulator, await login(simulator))).toEqual({
      plain: '',
      mention,
      reply: 'x',
      'silent reply': '',
      'reply to an answer': '',
      direct: 'x',
    });
  });

  it('is everything with the intent', async () => {
    const { simulator } = await start({
      privilegedIntents: { messageContent: true, guildMembers: false, presences: false },
    });
    const client = await login(simulator, { intents: [...plainIntents, GatewayIntentBits.MessageContent] });
    const contents = Object.values(await readable(simulator, client));
    expect(contents.filter((content) => content === '')).toEqual([]);
  });

  it.each([
    [true, 'secret', 1 << 19],
    [false, '', 0],
  ])('depends over REST on the switch of the portal (%s)', async (messageContent, expected, flags) => {
    const { simulator, rest } = await start({
      privilegedIntents: { messageContent, guildMembers: false, presences: false },
    });
    const { user, channel } = scene(simulator);
    const file = { name: 'a.txt', contentType: 'text/plain', content: Buffer.from('a') };
    const id = channel.send(user, 'secret', { files: [file] });
    const one = await rest.get(`/channels/${channel.id}/messages/${id}`);
    const [listed] = (await rest.get(`/channels/${channel.id}/messages`)) as object[];
    expect(one).toMatchObject({ content: expected, attachments: { length: messageContent ? 1 : 0 } });
    expect(listed).toEqual(one);
    expect(await rest.get('/applications/@me')).toMatchObject({ flags, id: simulator.applicationId });
  });

  it('includes the target of a message command', async () => {
    const { simulator } = await start();
    const { user, channel } = scene(simulator);
    const client = await login(simulator);
    await client.application.commands.set([{ name: 'Explain', type: 3 }]);
    const seen: string[] = [];
    answering(client, async (interaction) => {
      if (!interaction.isMessageContextMenuCommand()) return;
      seen.push(interaction.targetMessage.content);
      await interaction.reply('ok');
    });
    await channel.messageCommand(user, channel.send(user, 'explain this'), 'Explain').answer;
    expect(seen).toEqual(['explain this']);
  });

  it('does not include events it has not asked for', async () => {
    const { simulator } = await start();
    const { user, channel } = scene(simulator);
    const client = await login(simulator, {
      intents: [GatewayIntentBits.Guilds, GatewayIntentBits.DirectMessages],
    });
    const messages = received(client);
    channel.send(user, 'in the guild', { mentions: [simulator.bot] });
    user.dm().send(user, 'direct');
    await expect.poll(() => messages.map(({ content }) => content), patience).toEqual(['direct']);
  });

  it('tells a preview from an edit', async () => {
    const { simulator } = await start();
    const { user, channel } = scene(simulator);
    const client = await login(simulator);
    const edits: (number | null)[] = [];
    client.on(Events.MessageUpdate, (_, message) => edits.push(message.editedTimestamp));
    const id = channel.send(user, 'see https://example.com', { mentions: [simulator.bot] });
    channel.unfurl(id);
    await expect.poll(() => edits, patience).toEqual([null]);
    channel.edit(user, id, 'see nothing');
    await expect.poll(() => edits, patience).toEqual([null, expect.any(Number)]);
  });

  it('shows a forwarded message and voice messages', async () => {
    const { simulator } = await start();
    const user = simulator.user();
    const dm = user.dm();
    const client = await login(simulator);
    const messages = received(client);
    const first = dm.send(user, 'original');
    dm.send(user, '', { forward: { channelId: dm.id, messageId: first } });
    const voice = { durationSecs: 1.5, waveform: 'AAAA' };
    dm.send(user, '', {
      files: [{ name: 'v.ogg', contentType: 'audio/ogg', content: Buffer.from('o'), voice }],
    });
    await expect.poll(() => messages.length, patience).toBe(3);
    expect(messages[1]?.content).toBe('');
    expect(messages[1]?.messageSnapshots.first()?.content).toBe('original');
    expect(messages[2]?.flags.has(MessageFlags.IsVoiceMessage)).toBe(true);
    expect(messages[2]?.attachments.first()?.duration).toBe(1.5);
  });
});

describe('messages', () => {
  it('hold 2000 characters, trimmed', async () => {
    const { simulator, rest } = await start();
    const { channel } = scene(simulator);
    await say(rest, channel.id, { content: ` ${'a'.repeat(1998)} ` });
    expect(channel.messages()[0]?.content).toHaveLength(1998);
    expect(await refusal(say(rest, channel.id, { content: 'a'.repeat(2001) }))).toEqual({
      status: 400,
      code: 50035,
      message: 'Invalid Form Body',
      errors: {
        content: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 2000 or fewer in length.' }] },
      },
    });
  });

  it('cannot be empty', async () => {
    const { simulator, rest } = await start();
    const { channel } = scene(simulator);
    for (const body of [{}, { content: '' }, { content: ' \n ' }]) {
      expect(await refusal(say(rest, channel.id, body))).toMatchObject({
        status: 400,
        code: 50006,
        message: 'Cannot send an empty message',
      });
    }
  });

  const row = (...components: object[]) => ({ type: 1, components });
  const button = (customId: string) => ({ type: 2, style: 1, label: 'Press', custom_id: customId });
  const text = (content: string) => ({ type: 10, content });
  const v2 = MessageFlags.IsComponentsV2;

  it.each<[string, object, string]>([
    ['six rows', { components: 'abcdef'.split('').map((name) => row(button(name))) }, 'BASE_TYPE_BAD_LENGTH'],
    [
      'six buttons in a row',
      { components: [row(...'abcdef'.split('').map(button))] },
      'BASE_TYPE_BAD_LENGTH',
    ],
    [
      'two buttons of one id',
      { components: [row(button('a'), button('a'))] },
      'COMPONENT_CUSTOM_ID_DUPLICATED',
    ],
    ['a button without id', { components: [row({ type: 2, style: 1, label: 'x' })] }, 'BASE_TYPE_REQUIRED'],
    ['a long button id', { components: [row(button('a'.repeat(101)))] }, 'BASE_TYPE_BAD_LENGTH'],
    ['a text component without its flag', { components: [text('x')] }, 'UNION_TYPE_CHOICES'],
    ['an unknown component', { components: [{ type: 99 }] }, 'UNION_TYPE_CHOICES'],
    ['content beside components', { flags: v2, content: 'x', components: [text('x')] }, 'COMPONENTS_V2'],
    [
      'too much text in components',
      { flags: v2, components: [text('a'.repeat(3000)), text('a'.repeat(1001))] },
      '4000',
    ],
    [
      '41 components',
      { flags: v2, components: Array.from({ length: 40 }, () => row(button('a'))) },
      'exceed 40',
    ],
    [
      'embeds that are too long together',
      { embeds: [{ description: 'a'.repeat(4000) }, { description: 'a'.repeat(2001) }] },
      'MAX_EMBED_SIZE_EXCEEDED',
    ],
    ['a long embed title', { embeds: [{ title: 'a'.repeat(257) }] }, 'BASE_TYPE_MAX_LENGTH'],
    ['eleven embeds', { embeds: Array.from({ length: 11 }, () => ({ title: 'a' })) }, 'BASE_TYPE_MAX_LENGTH'],
    ['a long nonce', { content: 'x', nonce: 'a'.repeat(26) }, 'BASE_TYPE_MAX_LENGTH'],
    ['content that is no text', { content: 5 }, 'STRING_TYPE_CONVERT'],
    ['a reply to no id', { content: 'x', message_reference: { message_id: 'abc' } }, 'NUMBER_TYPE_COERCE'],
  ])('are refused with %s', async (_, body, problem) => {
    const { simulator, rest } = await start();
    const { channel } = scene(simulator);
    const { errors, ...refused } = await refusal(say(rest, channel.id, body));
    expect(refused).toMatchObject({ status: 400, code: 50035 });
    expect(JSON.stringify(errors)).toContain(problem);
    expect(channel.messages()).toEqual([]);
  });

  it('show their components and embeds', async () => {
    const { simulator, rest } = await start();
    const { channel } = scene(simulator);
    const select = { type: 3, custom_id: 's', options: [{ label: 'A', value: 'a' }] };
    await say(rest, channel.id, {
      embeds: [{ title: 'T', fields: [{ name: 'n', value: 'v' }], footer: null }],
      components: [row(button('a')), row(select)],
    });
    const [message] = channel.messages();
    expect(message?.embeds).toEqual([
      { type: 'rich', title: 'T', fields: [{ name: 'n', value: 'v', inline: false }] },
    ]);
    expect(message?.components).toMatchObject([
      { id: 1, components: [{ id: 2, custom_id: 'a' }] },
      { id: 3, components: [{ id: 4, min_values: 1, max_values: 1 }] },
    ]);
    const gallery = { type: 12, items: [{ media: { url: 'https://example.com/a.png' } }] };
    const section = { type: 9, components: [text('a')], accessory: button('b') };
    const container = { type: 17, components: [text('b'), { type: 14 }, gallery, section] };
    await say(rest, channel.id, { flags: v2, components: [text('hello'), container] });
    expect(channel.messages()[1]).toMatchObject({
      content: '',
      flags: v2,
      components: [{ id: 1 }, { id: 2 }],
    });
  });

  it('answer a message that is still there', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const id = channel.send(user, 'question');
    channel.delete(user, id);
    const reference = { message_id: id };
    const refused = await refusal(say(rest, channel.id, { content: 'a', message_reference: reference }));
    expect(refused).toMatchObject({ status: 400, code: 50035 });
    expect(refused.errors).toEqual({
      message_reference: {
        _errors: [{ code: 'MESSAGE_REFERENCE_UNKNOWN_MESSAGE', message: 'Unknown message' }],
      },
    });
    const lenient = { ...reference, fail_if_not_exists: false };
    await say(rest, channel.id, { content: 'b', message_reference: lenient });
    expect(channel.messages()).toMatchObject([{ content: 'b', replyTo: undefined, type: 0 }]);
  });

  it('carry the message they answer, one level deep, and null once it is deleted', async () => {
    const { simulator, rest } = await start();
    const user = simulator.user();
    const dm = user.dm();
    const first = dm.send(user, 'one');
    const second = dm.send(user, 'two', { replyTo: first });
    const third = dm.send(user, 'three', { replyTo: second });
    const path = `/channels/${dm.id}/messages` as const;
    const seen = (await rest.get(`${path}/${third}`)) as { referenced_message: Record<string, unknown> };
    expect(seen.referenced_message).toMatchObject({ id: second, message_reference: { message_id: first } });
    expect(seen.referenced_message).not.toHaveProperty('referenced_message');
    dm.delete(user, second);
    expect(await rest.get(`${path}/${third}`)).toMatchObject({ referenced_message: null });
    expect(await rest.get(`${path}/${first}`)).not.toHaveProperty('referenced_message');
  });

  it('keep what an edit does not name', async () => {
    const { simulator, rest } = await start();
    const { channel } = scene(simulator);
    const { id } = await say(rest, channel.id, { content: 'a', components: [row(button('stop'))] });
    const path = `/channels/${channel.id}/messages/${id}` as const;
    await rest.patch(path, { body: { content: 'b' } });
    expect(channel.messages()[0]).toMatchObject({ content: 'b', components: { length: 1 } });
    await rest.patch(path, { body: { components: [] } });
    expect(channel.messages()[0]).toMatchObject({ content: 'b', components: [] });
    expect(await code(rest.patch(path, { body: { content: '' } }))).toBe(50006);
    expect(await code(rest.patch(path, { body: { content: 'a'.repeat(2001) } }))).toBe(50035);
  });

  it('belong to their authors', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const id = channel.send(user, 'mine');
    const path = `/channels/${channel.id}/messages/${id}` as const;
    expect(await refusal(rest.patch(path, { body: { content: 'yours' } }))).toMatchObject({
      status: 403,
      code: 50005,
    });
    expect(await refusal(rest.delete(path))).toMatchObject({ status: 403, code: 50013 });
    channel.overwrite({ for: 'bot', allow: ['ManageMessages'] });
    await rest.delete(path);
    expect(channel.messages()).toEqual([]);
    expect(channel.history()).toMatchObject([{ id, isDeleted: true }]);
    const direct = user.dm().send(user, 'mine too');
    expect(await code(rest.delete(`/channels/${user.dm().id}/messages/${direct}`))).toBe(50003);
  });

  it('cannot be found where they are not', async () => {
    const { simulator, rest } = await start();
    const { channel } = scene(simulator);
    const nowhere = '123456789012345678';
    expect(await refusal(say(rest, nowhere, { content: 'a' }))).toMatchObject({ status: 404, code: 10003 });
    const missing = `/channels/${channel.id}/messages/${nowhere}` as const;
    for (const request of [
      rest.get(missing),
      rest.patch(missing, { body: { content: 'a' } }),
      rest.delete(missing),
    ]) {
      expect(await refusal(request)).toMatchObject({ status: 404, code: 10008, message: 'Unknown Message' });
    }
    channel.remove();
    expect(await code(say(rest, channel.id, { content: 'a' }))).toBe(10003);
  });

  it('are listed newest first, before, after and around one', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const ids = Array.from({ length: 7 }, (_, index) => channel.send(user, String(index)));
    const list = async (query: Record<string, string>): Promise<number[]> => {
      const path = `/channels/${channel.id}/messages` as const;
      const found = (await rest.get(path, { query: new URLSearchParams(query) })) as { id: string }[];
      return found.map(({ id }) => ids.indexOf(id));
    };
    const [, second = '', , fourth = ''] = ids;
    expect(await list({})).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(await list({ limit: '2' })).toEqual([6, 5]);
    expect(await list({ before: fourth, limit: '2' })).toEqual([2, 1]);
    expect(await list({ after: second, limit: '2' })).toEqual([3, 2]);
    expect(await list({ around: fourth, limit: '3' })).toEqual([4, 3, 2]);
    expect(await code(list({ limit: '101' }))).toBe(50035);
    expect(await code(list({ before: second, after: second }))).toBe(50035);
  });

  it('are sent once for a nonce that is enforced', async () => {
    const { simulator, rest, advance } = await start();
    const { channel } = scene(simulator);
    const enforced = { content: 'a', nonce: '1', enforce_nonce: true };
    const { id } = await say(rest, channel.id, enforced);
    expect(await say(rest, channel.id, { ...enforced, content: 'b' })).toMatchObject({ id, content: 'a' });
    await say(rest, channel.id, { content: 'c', nonce: '1' });
    expect(channel.messages().map(({ content }) => content)).toEqual(['a', 'c']);
    advance(600_000);
    await say(rest, channel.id, { ...enforced, content: 'd' });
    expect(channel.messages().at(-1)?.content).toBe('d');
  });

  it.each([
    [true, 1],
    [false, 2],
  ])('whose answer is lost are sent again by discord.js (nonce enforced: %s)', async (enforceNonce, sent) => {
    const { simulator } = await start();
    const { channel } = scene(simulator);
    const client = await login(simulator, { enforceNonce, rest: { api: simulator.url, retries: 1 } });
    simulator.fault('POST /channels/{channel_id}/messages', {
      kind: 'status',
      status: 502,
      body: 'Bad gateway',
    });
    const target = await client.channels.fetch(channel.id);
    if (target?.isSendable() !== true) throw new Error('the channel takes no messages');
    await target.send('after a 502');
    expect(channel.messages()).toHaveLength(1);
    simulator.fault('POST /channels/{channel_id}/messages', { kind: 'hang', when: 'after' });
    const impatient = new REST({ api: simulator.url, retries: 1, timeout: 60 }).setToken(simulator.token);
    const nonce = enforceNonce ? { nonce: '7', enforce_nonce: true } : {};
    await say(impatient, channel.id, { content: 'lost', ...nonce });
    expect(channel.messages().filter(({ content }) => content === 'lost')).toHaveLength(sent);
  });

  it('carry files that can be downloaded for a day', async () => {
    const { simulator, rest, advance } = await start();
    const { channel } = scene(simulator);
    const files = [{ name: 'long answer.md', data: Buffer.from('# Answer'), contentType: 'text/markdown' }];
    const sent = await rest.post(`/channels/${channel.id}/messages`, { body: { content: 'see' }, files });
    expect(channel.messages()[0]?.files).toEqual([{ name: 'long_answer.md', content: '# Answer' }]);
    const { id, attachments } = sent as { id: string; attachments: { id: string; url: string }[] };
    const { url, id: fileId } = attachments[0] ?? { url: '', id: '' };
    expect(await (await fetch(url)).text()).toBe('# Answer');
    expect((await fetch(url.replace(/hm=\w{4}/, 'hm=0000'))).status).toBe(404);
    advance(86_400_000 + 1000);
    expect((await fetch(url)).status).toBe(404);
    const path = `/channels/${channel.id}/messages/${id}` as const;
    const added = [{ name: 'b.txt', data: Buffer.from('b') }];
    await rest.patch(path, { body: { attachments: [{ id: fileId }] }, files: added });
    expect(channel.messages()[0]?.files.map(({ name }) => name)).toEqual(['long_answer.md', 'b.txt']);
    await rest.patch(path, { body: { attachments: [] } });
    expect(channel.messages()[0]?.files).toEqual([]);
    const huge = [{ name: 'huge.bin', data: Buffer.alloc(10 * 1024 * 1024 + 1) }];
    const tooLarge = rest.post(`/channels/${channel.id}/messages`, { body: {}, files: huge });
    expect(await refusal(tooLarge)).toMatchObject({ status: 413, code: 40005 });
  });

  it('take reactions', async () => {
    const { simulator, rest } = await start({ buckets: { reaction: { limit: 9, windowMs: 100 } } });
    const { user, channel } = scene(simulator);
    const client = await login(simulator, { partials: [Partials.Message, Partials.Reaction, Partials.User] });
    const seen: string[] = [];
    client.on(Events.MessageReactionAdd, ({ emoji }, by) => seen.push(`${by.id} ${emoji.name}`));
    const id = channel.send(user, 'nice');
    channel.react(user, id, '👍');
    await expect.poll(() => seen, patience).toEqual([`${user.id} 👍`]);
    const path = (emoji: string) =>
      `/channels/${channel.id}/messages/${id}/reactions/${encodeURIComponent(emoji)}/@me` as const;
    await rest.put(path('👍'));
    expect(channel.messages()[0]?.reactions).toEqual({ '👍': [user.id, simulator.bot.id] });
    await rest.delete(path('👍'));
    expect(channel.messages()[0]?.reactions).toEqual({ '👍': [user.id] });
    expect(await code(rest.put(path('no emoji')))).toBe(10014);
  });

  it('are deleted in bulk by who manages them', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const ids = [channel.send(user, 'a'), channel.send(user, 'b')];
    const path = `/channels/${channel.id}/messages/bulk-delete` as const;
    expect(await code(rest.post(path, { body: { messages: ids } }))).toBe(50013);
    channel.overwrite({ for: 'bot', allow: ['ManageMessages'] });
    expect(await code(rest.post(path, { body: { messages: ids.slice(1) } }))).toBe(50035);
    await rest.post(path, { body: { messages: ids } });
    expect(channel.messages()).toEqual([]);
  });
});

describe('mentions', () => {
  async function pinger() {
    const started = await start();
    const bob = started.simulator.user({ username: 'bob' });
    const { user, guild, channel } = scene(started.simulator, {
      roles: [{ name: 'mods' }, { name: 'fans', isMentionable: true }],
      members: [bob],
    });
    const [mods, fans] = [guild.role('mods'), guild.role('fans')];
    const content = `@everyone <@&${mods}> <@&${fans}> <@${bob.id}> \`<@${user.id}>\``;
    return { ...started, user, bob, guild, channel, mods, fans, content };
  }

  it('are all parsed unless the message says otherwise', async () => {
    const { simulator, rest, channel, bob, mods, fans, content } = await pinger();
    await say(rest, channel.id, { content });
    const all = { users: [bob.id], roles: [mods, fans], everyone: true };
    expect(channel.messages()[0]?.mentions).toEqual(all);
    expect(simulator.pings).toEqual([
      { ...all, by: 'create', channelId: channel.id, messageId: expect.any(String) },
    ]);
  });

  it.each<[string, object, string]>([
    ['nobody', { parse: [] }, ''],
    ['people alone', { parse: ['users'] }, 'bob'],
    ['roles alone', { parse: ['roles'] }, 'mods fans'],
    ['everyone alone', { parse: ['everyone'] }, 'everyone'],
  ])('can be narrowed to %s', async (_, allowed, expected) => {
    const { rest, channel, bob, mods, fans, content } = await pinger();
    const names = new Map([
      [bob.id, 'bob'],
      [mods, 'mods'],
      [fans, 'fans'],
    ]);
    await say(rest, channel.id, { content, allowed_mentions: allowed });
    const { users = [], roles = [], everyone = false } = channel.messages()[0]?.mentions ?? {};
    const pinged = [...users, ...roles].map((id) => names.get(id));
    expect([...pinged, ...(everyone ? ['everyone'] : [])].join(' ')).toBe(expected);
  });

  it('are parsed anew by an edit that does not repeat the rules', async () => {
    const { simulator, rest, channel, content } = await pinger();
    const { id } = await say(rest, channel.id, { content, allowed_mentions: { parse: [] } });
    expect(simulator.pings).toEqual([]);
    await rest.patch(`/channels/${channel.id}/messages/${id}`, { body: { content } });
    expect(simulator.pings).toMatchObject([{ by: 'edit', everyone: true }]);
  });

  it('of everyone and of closed roles need a permission', async () => {
    const { rest, channel, bob, fans, content } = await pinger();
    channel.overwrite({ for: 'everyone', deny: ['MentionEveryone'] });
    await say(rest, channel.id, { content });
    expect(channel.messages()[0]?.mentions).toEqual({ users: [bob.id], roles: [fans], everyone: false });
  });

  it('cannot be both parsed and listed', async () => {
    const { rest, channel, bob, content } = await pinger();
    const allowed = { parse: ['users'], users: [bob.id] };
    const refused = await refusal(say(rest, channel.id, { content, allowed_mentions: allowed }));
    expect(JSON.stringify(refused.errors)).toContain('mutually exclusive');
    await say(rest, channel.id, { content, allowed_mentions: { users: [bob.id] } });
    expect(channel.messages()[0]?.mentions).toEqual({ users: [bob.id], roles: [], everyone: false });
  });

  it('include the author replied to when the reply says so', async () => {
    const { rest, channel, user } = await pinger();
    const reference = { message_id: channel.send(user, 'hi') };
    for (const allowed of [undefined, { parse: [] }, { parse: [], replied_user: true }]) {
      await say(rest, channel.id, { content: 'x', message_reference: reference, allowed_mentions: allowed });
    }
    const pinged = channel
      .messages()
      .slice(1)
      .map(({ mentions }) => mentions.users);
    expect(pinged).toEqual([[user.id], [], [user.id]]);
  });
});

describe('permissions', () => {
  it('close a channel to the bot', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const client = await login(simulator);
    const messages = received(client);
    channel.overwrite({ for: 'everyone', deny: ['ViewChannel'] });
    channel.overwrite({ for: user.id, allow: ['ViewChannel'] });
    channel.send(user, 'unseen');
    expect(await refusal(say(rest, channel.id, { content: 'a' }))).toMatchObject({
      status: 403,
      code: 50001,
    });
    expect(await refusal(rest.get(`/channels/${channel.id}`))).toMatchObject({ message: 'Missing Access' });
    channel.overwrite({ for: 'bot', allow: ['ViewChannel'] });
    const seen = channel.send(user, 'seen');
    await expect.poll(() => messages.map(({ id }) => id), patience).toEqual([seen]);
  });

  it.each<[PermissionName, object, boolean, number]>([
    ['SendMessages', { content: 'a' }, false, 50013],
    ['EmbedLinks', { embeds: [{ title: 'a' }] }, false, 50013],
    ['ReadMessageHistory', { content: 'a' }, true, 160002],
  ])('without %s refuse what needs it', async (name, body, isReply, expected) => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const reference = isReply ? { message_reference: { message_id: channel.send(user, 'q') } } : {};
    channel.overwrite({ for: 'bot', deny: [name] });
    expect(await code(say(rest, channel.id, { ...body, ...reference }))).toBe(expected);
    channel.overwrite({ for: 'bot', allow: [name] });
    await say(rest, channel.id, { ...body, ...reference });
  });

  it('without attachments refuse files, and without history show none', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const id = channel.send(user, 'past');
    channel.overwrite({ for: 'bot', deny: ['AttachFiles', 'ReadMessageHistory'] });
    const files = [{ name: 'a.txt', data: Buffer.from('a') }];
    expect(await code(rest.post(`/channels/${channel.id}/messages`, { body: {}, files }))).toBe(50013);
    expect(await rest.get(`/channels/${channel.id}/messages`)).toEqual([]);
    expect(await code(rest.get(`/channels/${channel.id}/messages/${id}`))).toBe(50001);
  });

  it('are taken away by a timeout', async () => {
    const { simulator, rest, advance } = await start();
    const { user, guild, channel } = scene(simulator);
    guild.timeOut(simulator.bot, 60_000);
    guild.timeOut(user, 60_000);
    expect(await code(say(rest, channel.id, { content: 'a' }))).toBe(50013);
    expect(() => channel.send(user, 'a')).toThrow(/lacks SendMessages/);
    advance(60_001);
    await say(rest, channel.id, { content: 'a' });
  });

  it('come from roles, and bind people too', async () => {
    const { simulator } = await start();
    const { user, guild, channel } = scene(simulator, { roles: [{ name: 'writers' }] });
    channel.overwrite({ for: 'everyone', deny: ['SendMessages'] });
    channel.overwrite({ for: 'writers', allow: ['SendMessages'] });
    expect(() => channel.send(user, 'a')).toThrow(/lacks SendMessages/);
    guild.setRoles(user, ['writers']);
    channel.send(user, 'a');
    guild.leave(user);
    expect(() => channel.send(user, 'a')).toThrow(/lacks SendMessages/);
  });

  it('let people write in slow mode only now and then', async () => {
    const { simulator, rest, advance } = await start();
    const { user, channel } = scene(simulator);
    channel.setSlowMode(30);
    channel.send(user, 'a');
    expect(() => channel.send(user, 'b')).toThrow(/slow mode/);
    await say(rest, channel.id, { content: 'bots' });
    await say(rest, channel.id, { content: 'need not wait' });
    advance(30_000);
    channel.send(user, 'b');
  });

  it('let the bot write to people who take its messages', async () => {
    const { simulator, rest } = await start();
    const stranger = simulator.user();
    const open = async (id: string) =>
      ((await rest.post('/users/@me/channels', { body: { recipient_id: id } })) as { id: string }).id;
    const channelId = await open(stranger.id);
    expect(channelId).toBe(stranger.dm().id);
    expect(await code(say(rest, channelId, { content: 'hello?' }))).toBe(50278);
    stranger.dm().send(stranger, 'hello');
    await say(rest, channelId, { content: 'hello!' });
    stranger.setDms(false);
    expect(await refusal(say(rest, channelId, { content: 'still there?' }))).toMatchObject({
      status: 403,
      code: 50007,
      message: 'Cannot send messages to this user',
    });
    expect(await code(open('123456789012345678'))).toBe(50033);
  });
});

describe('threads', () => {
  it('start from a message, share its id and take messages of both sides', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const client = await login(simulator);
    const messages = received(client);
    const id = channel.send(user, 'start here', { mentions: [simulator.bot] });
    await expect.poll(() => messages.length, patience).toBe(1);
    const thread = await messages[0]?.startThread({ name: 'Talk' });
    expect(thread?.id).toBe(id);
    const inside = simulator.channel({ id });
    inside.send(user, 'inside', { mentions: [simulator.bot] });
    await expect.poll(() => messages.at(-1)?.content, patience).toContain('inside');
    await messages.at(-1)?.reply('answer');
    expect(inside.messages().map(({ type }) => type)).toEqual([21, 0, 19]);
    expect(channel.messages()[0]?.threadId).toBe(id);
    const again = rest.post(`/channels/${channel.id}/messages/${id}/threads`, { body: { name: 'Again' } });
    expect(await code(again)).toBe(160004);
  });

  it('that are archived open again for a message, and take no edits', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const thread = channel.startThread(user, 'Talk');
    const { id } = await say(rest, thread.id, { content: 'a' });
    thread.setThread({ archived: true });
    const edit = () => rest.patch(`/channels/${thread.id}/messages/${id}`, { body: { content: 'b' } });
    expect(await refusal(edit())).toMatchObject({ code: 50083, message: 'Thread is archived' });
    await say(rest, thread.id, { content: 'c' });
    await edit();
    expect(thread.messages().map(({ content }) => content)).toEqual(['b', 'c']);
  });

  it('that are locked take messages only from who manages them', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const thread = channel.startThread(user, 'Talk');
    thread.setThread({ locked: true });
    expect(await code(say(rest, thread.id, { content: 'a' }))).toBe(160005);
    expect(() => thread.send(user, 'a')).toThrow(/locked/);
    channel.overwrite({ for: 'bot', allow: ['ManageThreads'] });
    await say(rest, thread.id, { content: 'a' });
  });

  it('need their own permission to write', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const thread = channel.startThread(user, 'Talk');
    channel.overwrite({ for: 'bot', deny: ['SendMessagesInThreads'] });
    expect(await code(say(rest, thread.id, { content: 'a' }))).toBe(50013);
    channel.overwrite({ for: 'bot', deny: ['SendMessages'] });
    await say(rest, thread.id, { content: 'a' });
  });

  it('that are private are hidden until the bot is invited', async () => {
    const { simulator, rest } = await start();
    const { user, channel } = scene(simulator);
    const client = await login(simulator);
    const messages = received(client);
    const thread = channel.startThread(user, 'Secret', { isPrivate: true });
    thread.send(user, 'unseen');
    expect(await code(rest.get(`/channels/${thread.id}`))).toBe(50001);
    thread.invite(simulator.bot);
    const id = thread.send(user, 'seen');
    await expect.poll(() => messages.map((message) => message.id), patience).toEqual([id]);
  });

  it('are the only place to write in a forum', async () => {
    const { simulator, rest } = await start();
    const { user, guild } = scene(simulator, { channels: ['general', { name: 'help', type: 'forum' }] });
    const forum = guild.channel('help');
    const client = await login(simulator);
    const messages = received(client);
    const post = forum.forumPost(user, 'Question', 'How?');
    await expect.poll(() => messages.map(({ channelId }) => channelId), patience).toEqual([post.id]);
    expect(await code(say(rest, forum.id, { content: 'a' }))).toBe(40058);
    expect(() => forum.send(user, 'a')).toThrow(/Nobody can write/);
    const body = { name: 'News', message: { content: 'first' } };
    const opened = (await rest.post(`/channels/${forum.id}/threads`, { body })) as { id: string };
    expect(simulator.channel(opened).messages()).toMatchObject([{ content: 'first' }]);
    expect(await code(rest.post(`/channels/${forum.id}/threads`, { body: { name: 'Empty' } }))).toBe(50035);
  });

  it('are changed by who opened them, and listed while active', async () => {
    const { simulator, rest } = await start();
    const { user, guild, channel } = scene(simulator);
    const path = (id: string) => `/channels/${id}` as const;
    const own = (await rest.post(`${path(channel.id)}/threads`, { body: { name: 'Mine', type: 11 } })) as {
      id: string;
    };
    const other = channel.startThread(user, 'Theirs');
    await rest.put(`${path(other.id)}/thread-members/@me`);
    expect(await code(rest.patch(path(other.id), { body: { archived: true } }))).toBe(50013);
    expect(await code(rest.patch(path(own.id), { body: { locked: true } }))).toBe(50013);
    await rest.patch(path(own.id), { body: { name: 'Done', archived: true } });
    const active = (await rest.get(`/guilds/${guild.id}/threads/active`)) as {
      threads: object[];
      members: object[];
    };
    expect(active.threads).toMatchObject([{ id: other.id, name: 'Theirs' }]);
    expect(active.members).toHaveLength(1);
    await rest.patch(path(own.id), { body: { archived: false } });
    expect(await rest.get(path(own.id))).toMatchObject({
      name: 'Done',
      thread_metadata: { archived: false },
    });
  });
});

describe('rate limits', () => {
  const path = (channelId: string) => `/channels/${channelId}/messages`;

  it('are told in headers, by bucket and channel, with the wait in seconds', async () => {
    const { simulator, advance } = await start();
    const { channel, guild } = scene(simulator);
    const send = (channelId: string) => raw(simulator, 'POST', path(channelId), { content: 'a' });
    const first = await send(channel.id);
    expect(first.headers.get('x-ratelimit-limit')).toBe('5');
    expect(first.headers.get('x-ratelimit-remaining')).toBe('4');
    expect(Number(first.headers.get('x-ratelimit-reset-after'))).toBeCloseTo(5, 0);
    for (const _ of 'abcd') await send(channel.id);
    const refused = await send(channel.id);
    const headers = Object.fromEntries(refused.headers);
    expect(refused.status).toBe(429);
    expect(headers).toMatchObject({
      'x-ratelimit-scope': 'user',
      'x-ratelimit-remaining': '0',
      'retry-after': '5',
    });
    expect(headers['x-ratelimit-bucket']).toBe(first.headers.get('x-ratelimit-bucket'));
    expect(JSON.parse(refused.text)).toEqual({
      message: 'You are being rate limited.',
      retry_after: expect.closeTo(5, 0),
      global: false,
    });
    expect((await send(guild.addChannel('other').id)).status).toBe(200);
    expect(simulator.calls.at(-2)?.limited?.scope).toBe('user');
    advance(5000);
    expect((await send(channel.id)).status).toBe(200);
  });

  it.each([
    [true, 429],
    [false, 200],
  ])('can be shared by sending and editing (%s)', async (sharedMessageBucket, status) => {
    const { simulator } = await start({ sharedMessageBucket });
    const { channel } = scene(simulator);
    const sent = await raw(simulator, 'POST', path(channel.id), { content: 'a' });
    const { id } = JSON.parse(sent.text) as { id: string };
    for (const _ of 'abcd') await raw(simulator, 'POST', path(channel.id), { content: 'a' });
    const edited = await raw(simulator, 'PATCH', `${path(channel.id)}/${id}`, { content: 'b' });
    expect(edited.status).toBe(status);
    const isSame = edited.headers.get('x-ratelimit-bucket') === sent.headers.get('x-ratelimit-bucket');
    expect(isSame).toBe(sharedMessageBucket);
  });

  it('hold for all requests together, but not for answers to interactions', async () => {
    const { simulator, rest } = await start({ globalPerSecond: 3 });
    const { user, channel } = scene(simulator);
    await rest.put(`/applications/${simulator.applicationId}/commands`, {
      body: [{ name: 'ask', description: 'Ask' }],
    });
    const { id, view } = channel.slash(user, 'ask');
    for (const _ of 'ab') await raw(simulator, 'GET', '/users/@me');
    const refused = await raw(simulator, 'GET', '/users/@me');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('x-ratelimit-global')).toBe('true');
    expect(refused.headers.get('x-ratelimit-scope')).toBe('global');
    expect(JSON.parse(refused.text)).toMatchObject({ global: true });
    const callback = `/interactions/${id}/${view().token}/callback`;
    expect((await raw(simulator, 'POST', callback, { type: 5 })).status).toBe(204);
  });

  it('make discord.js wait or, when asked, give up at once', async () => {
    const { simulator, rest } = await start({ buckets: { editMessage: { limit: 1, windowMs: 300 } } });
    const { channel } = scene(simulator);
    const { id } = await say(rest, channel.id, { content: 'a' });
    const edit = (client: REST, content: string) =>
      client.patch(`/channels/${channel.id}/messages/${id}`, { body: { content } });
    await edit(rest, 'b');
    await edit(rest, 'c');
    expect(channel.messages()[0]?.content).toBe('c');
    const hasty = new REST({ api: simulator.url, rejectOnRateLimit: () => true, retries: 0 }).setToken(
      simulator.token,
    );
    await edit(hasty, 'd').catch(() => undefined);
    await expect(edit(hasty, 'e')).rejects.toMatchObject({ name: expect.stringContaining('RateLimitError') });
    expect(channel.messages()[0]?.content).not.toBe('e');
  });

  it('can be put on others too, and shared ones are no fault of the bot', async () => {
    const { simulator } = await start();
    simulator.fault('GET /users/@me', { kind: 'rateLimit', scope: 'shared', retryAfterMs: 1500 });
    simulator.fault('GET /users/@me', { kind: 'rateLimit', scope: 'user', retryAfterMs: 1500 });
    const shared = await raw(simulator, 'GET', '/users/@me');
    expect(Object.fromEntries(shared.headers)).toMatchObject({
      'x-ratelimit-scope': 'shared',
      'retry-after': '2',
    });
    expect(JSON.parse(shared.text)).toMatchObject({
      retry_after: 1.5,
      message: 'The resource is being rate limited.',
    });
    expect(simulator.invalidRequests()).toBe(0);
    await raw(simulator, 'GET', '/users/@me');
    expect(simulator.invalidRequests()).toBe(1);
  });

  it('end in a ban for too many invalid requests', async () => {
    const { simulator, advance } = await start({ invalidRequestLimit: 3 });
    for (const _ of 'abc')
      await raw(simulator, 'GET', '/users/@me', undefined, { authorization: 'Bot wrong' });
    const banned = await raw(simulator, 'GET', '/users/@me');
    expect(banned.status).toBe(429);
    expect(banned.headers.get('content-type')).toBe('text/html');
    advance(600_000);
    expect((await raw(simulator, 'GET', '/users/@me')).status).toBe(200);
  });
});

describe('requests that go wrong', () => {
  it('are refused with a wrong or withdrawn token', async () => {
    const { simulator, rest } = await start();
    const wrong = await raw(simulator, 'GET', '/users/@me', undefined, { authorization: 'Bot wrong' });
    expect([wrong.status, JSON.parse(wrong.text)]).toEqual([401, { message: '401: Unauthorized', code: 0 }]);
    await rest.get('/users/@me');
    simulator.revokeToken();
    expect(await refusal(rest.get('/users/@me'))).toMatchObject({ status: 401, code: 0 });
  });

  it.each([
    ['GET', '/nowhere', {}, 404, 0],
    ['PUT', '/users/@me', {}, 405, 0],
    ['GET', '/users/@me', { 'user-agent': 'node' }, 403, 40333],
  ])('are refused at the door: %s %s %o', async (method, where, headers, status, expected) => {
    const { simulator } = await start();
    const refused = await raw(simulator, method, where, undefined, headers);
    expect([refused.status, (JSON.parse(refused.text) as { code: number }).code]).toEqual([status, expected]);
  });

  it('are refused for another version of the API, and for a body that is no JSON', async () => {
    const { simulator } = await start();
    const { channel } = scene(simulator);
    const headers = { ...agent, authorization: `Bot ${simulator.token}`, 'content-type': 'application/json' };
    const old = await fetch(`${simulator.url}/v8/users/@me`, { headers });
    expect(await old.json()).toMatchObject({ code: 50041 });
    const where = `${simulator.url}/v10/channels/${channel.id}/messages`;
    const broken = await fetch(where, { method: 'POST', headers, body: '{' });
    expect(await broken.json()).toMatchObject({ code: 50109 });
    const typed = { ...headers, 'content-type': 'text/plain' };
    const plain = await fetch(where, { method: 'POST', headers: typed, body: 'x' });
    expect(await plain.json()).toMatchObject({ code: 50035 });
  });

  it('fail as often as a fault says, for its route and channel', async () => {
    const { simulator, rest } = await start();
    const { channel, guild } = scene(simulator);
    const other = guild.addChannel('other');
    const broken = { kind: 'error', status: 500, code: 0, message: '500: Internal Server Error' } as const;
    simulator.fault('POST /channels/{channel_id}/messages', broken, { times: 2, channelId: channel.id });
    await say(rest, other.id, { content: 'a' });
    await rest.get('/users/@me');
    for (const _ of 'ab')
      await expect(say(rest, channel.id, { content: 'a' })).rejects.toThrow(/Internal Server Error/);
    await say(rest, channel.id, { content: 'a' });
    expect(channel.messages()).toHaveLength(1);
    expect(() => simulator.fault('POST /chanels', broken)).toThrow(/no route/);
  });

  it.each([
    ['before', 0],
    ['after', 1],
  ] as const)('may lose their connection %s they take effect', async (when, sent) => {
    const { simulator } = await start();
    const { channel } = scene(simulator);
    simulator.fault('*', { kind: 'drop', when });
    await expect(
      raw(simulator, 'POST', `/channels/${channel.id}/messages`, { content: 'a' }),
    ).rejects.toThrow(/fetch failed/);
    expect(channel.messages()).toHaveLength(sent);
    expect(simulator.calls).toMatchObject([{ ok: sent === 1, aborted: true, pending: false }]);
  });

  it.each([
    ['before', 0],
    ['after', 1],
  ] as const)('may be answered late: %s they take effect', async (when, sent) => {
    const { simulator } = await start();
    const { channel } = scene(simulator);
    simulator.fault('*', { kind: 'delay', ms: 60, when });
    const answer = raw(simulator, 'POST', `/channels/${channel.id}/messages`, { content: 'a' });
    await expect.poll(() => simulator.calls[0]?.pending, patience).toBe(true);
    expect(channel.messages()).toHaveLength(sent);
    expect((await answer).status).toBe(200);
    expect(channel.messages()).toHaveLength(1);
  });

  it('stay in the log with what they carried, and what of it Discord ignores', async () => {
    const { simulator, rest } = await start();
    const { channel } = scene(simulator);
    await say(rest, channel.id, { content: 'a', colour: 'red' });
    expect(simulator.calls).toMatchObject([
      {
        route: 'POST /channels/{channel_id}/messages',
        channelId: channel.id,
        body: { content: 'a' },
        ignored: ['colour'],
        status: 200,
        ok: true,
        bucket: { limit: 5, remaining: 4 },
      },
    ]);
  });
});

describe('commands', () => {
  const ask = {
    name: 'ask',
    description: 'Ask',
    options: [{ type: 3, name: 'question', description: 'What' }],
  };

  async function registrar(options: DiscordSimulatorOptions = {}) {
    const started = await start(options);
    const { simulator, rest } = started;
    const put = (body: unknown[], guildId?: string) => {
      const place = guildId === undefined ? '' : (`/guilds/${guildId}` as const);
      return rest.put(`/applications/${simulator.applicationId}${place}/commands`, { body });
    };
    return { ...started, put };
  }

  it.each<[string, object[], string]>([
    ['a name in capitals', [{ ...ask, name: 'Ask' }], 'APPLICATION_COMMAND_INVALID_NAME'],
    ['a name with a blank', [{ ...ask, name: 'a b' }], 'APPLICATION_COMMAND_INVALID_NAME'],
    ['no description', [{ name: 'ask' }], 'BASE_TYPE_REQUIRED'],
    ['a long description', [{ name: 'ask', description: 'a'.repeat(101) }], 'BASE_TYPE_MAX_LENGTH'],
    ['a name twice', [ask, ask], 'APPLICATION_COMMANDS_DUPLICATE_NAME'],
    ['a description of a menu entry', [{ name: 'Explain', type: 3, description: 'x' }], 'CONTEXT_MENU'],
    [
      'a required option after another',
      [{ ...ask, options: [...ask.options, { type: 3, name: 'b', description: 'b', required: true }] }],
      'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
    ],
    ['an option twice', [{ ...ask, options: [...ask.options, ...ask.options] }], 'DUPLICATE_NAME'],
    [
      'more than 8000 characters',
      [
        {
          ...ask,
          options: Array.from({ length: 4 }, (_, index) => ({
            type: 3,
            name: `o${index}`,
            description: 'd',
            choices: Array.from({ length: 25 }, (__, at) => ({
              name: 'n'.repeat(50),
              value: `${at}${'v'.repeat(40)}`,
            })),
          })),
        },
      ],
      'APPLICATION_COMMAND_TOO_LARGE',
    ],
  ])('are refused with %s', async (_, body, problem) => {
    const { put } = await registrar();
    const refused = await refusal(put(body));
    expect(refused).toMatchObject({ status: 400, code: 50035 });
    expect(JSON.stringify(refused.errors)).toContain(problem);
  });

  it('are limited in number and in new ones a day', async () => {
    const { put, advance } = await registrar();
    const many = (count: number, prefix: string) =>
      Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index}`, description: 'd' }));
    expect(await code(put(many(101, 'a')))).toBe(30032);
    await put(many(100, 'a'));
    await put(many(100, 'a'));
    await put(many(100, 'b'));
    expect(await code(put(many(1, 'c')))).toBe(30034);
    advance(86_400_001);
    await put(many(1, 'c'));
  });

  it('keep their ids when they are written again, and their versions when nothing changed', async () => {
    const { put, simulator } = await registrar();
    await put([ask]);
    const [before] = simulator.commands();
    await put([ask]);
    expect(simulator.commands()).toEqual([before]);
    await put([{ ...ask, description: 'Ask more' }]);
    const [after] = simulator.commands();
    expect(after?.id).toBe(before?.id);
    expect(after?.['version']).not.toBe(before?.['version']);
    await put([]);
    expect(simulator.commands()).toEqual([]);
  });

  it('belong to the application, not to its bot', async () => {
    const { rest, simulator } = await registrar();
    const path = `/applications/${simulator.bot.id}/commands` as const;
    expect(await refusal(rest.put(path, { body: [] }))).toMatchObject({ status: 403, code: 20012 });
  });

  it('are offered to people as they were declared', async () => {
    const { put, simulator } = await registrar();
    const { user, guild, channel } = scene(simulator, {
      roles: [{ name: 'mods', permissions: ['ManageGuild'] }],
    });
    const choices = [{ name: 'A', value: 'a' }];
    await put([
      { ...ask, contexts: [0] },
      { name: 'admin', description: 'd', default_member_permissions: '0' },
      {
        name: 'manage',
        description: 'd',
        default_member_permissions: String(PermissionFlagsBits.ManageGuild),
      },
      {
        name: 'model',
        description: 'd',
        options: [
          {
            type: 1,
            name: 'set',
            description: 'd',
            options: [
              { type: 3, name: 'name', description: 'd', required: true, choices },
              { type: 4, name: 'count', description: 'd', max_value: 3 },
            ],
          },
        ],
      },
    ]);
    expect(() => channel.slash(user, 'unknown')).toThrow(/no command/);
    expect(() => user.dm().slash(user, 'ask')).toThrow(/not offered in this place/);
    expect(() => channel.slash(user, 'admin')).toThrow(/not offered to user/);
    expect(() => channel.slash(user, 'manage')).toThrow(/not offered to user/);
    guild.setRoles(user, ['mods']);
    channel.slash(user, 'manage');
    expect(() => channel.slash(user, 'model')).toThrow(/needs a subcommand/);
    expect(() => channel.slash(user, 'model drop')).toThrow(/no subcommand/);
    expect(() => channel.slash(user, 'model set')).toThrow(/needs the option/);
    expect(() => channel.slash(user, 'model set', { name: 'b' })).toThrow(/no choice/);
    expect(() => channel.slash(user, 'model set', { name: 'a', count: 4 })).toThrow(/takes/);
    expect(() => channel.slash(user, 'model set', { name: 'a', size: 4 })).toThrow(/no option/);
    channel.slash(user, 'model set', { name: 'a', count: 3 });
    channel.overwrite({ for: 'everyone', deny: ['UseApplicationCommands'] });
    expect(() => channel.slash(user, 'ask')).toThrow(/cannot use commands/);
  });

  it('reach the bot with their options resolved, a guild’s own before the global one', async () => {
    const { put, simulator } = await registrar();
    const { user, guild, channel } = scene(simulator);
    const client = await login(simulator);
    const who = { type: 6, name: 'who', description: 'd' };
    const inner = {
      type: 1,
      name: 'inner',
      description: 'd',
      options: [who, { type: 5, name: 'flag', description: 'd' }],
    };
    await put([{ name: 'outer', description: 'global' }]);
    await put([{ name: 'outer', description: 'd', options: [inner] }], guild.id);
    const seen: unknown[] = [];
    answering(client, async (interaction) => {
      if (!interaction.isChatInputCommand()) return;
      const { options, commandGuildId, locale, memberPermissions } = interaction;
      const target = options.getUser('who')?.username;
      seen.push([options.getSubcommand(), target, options.getBoolean('flag'), commandGuildId, locale]);
      seen.push(memberPermissions?.has(PermissionFlagsBits.SendMessages));
      await interaction.reply('ok');
    });
    await channel.slash(user, 'outer inner', { who: user.id, flag: true }).answer;
    expect(seen).toEqual([['inner', 'alice', true, guild.id, 'en-US'], true]);
  });
});

describe('interactions', () => {
  interface Stage extends Started, ReturnType<typeof scene> {
    readonly client: Client<true>;
    readonly failures: unknown[];
  }

  /** A bot with the command `ask`, which `run` answers. */
  async function stage(run: (interaction: Interaction) => Promise<unknown>): Promise<Stage> {
    const started = await start();
    const client = await login(started.simulator);
    const option = { type: 3, name: 'q', description: 'd', autocomplete: true } as const;
    await client.application.commands.set([
      { name: 'ask', description: 'Ask', options: [option] },
      { name: 'Translate', type: 3 },
      { name: 'Greet', type: 2 },
    ]);
    return { ...started, ...scene(started.simulator), client, failures: answering(client, run) };
  }

  const command = (interaction: Interaction) => {
    if (!interaction.isChatInputCommand()) throw new Error('not a slash command');
    return interaction;
  };

  it('are answered with a message that everyone sees, and edited', async () => {
    const { user, channel } = await stage(async (interaction) => {
      await command(interaction).reply('first');
      await command(interaction).editReply('second');
    });
    const { answer, view } = channel.slash(user, 'ask');
    expect(await answer).toEqual({ kind: 'message', ephemeral: false });
    await expect
      .poll(() => channel.messages(), patience)
      .toMatchObject([{ content: 'second', type: 20, isEphemeral: false }]);
    expect(view().state).toBe('answered');
  });

  it('keep the visibility that the defer fixed, and the first follow-up fills the defer', async () => {
    const { user, channel } = await stage(async (interaction) => {
      await command(interaction).deferReply({ flags: MessageFlags.Ephemeral });
      await command(interaction).followUp({ content: 'fills the loading message' });
      await command(interaction).followUp({ content: 'another', flags: MessageFlags.Ephemeral });
      await command(interaction).followUp({ content: 'for all' });
    });
    const { answer } = channel.slash(user, 'ask');
    expect(await answer).toEqual({ kind: 'defer', ephemeral: true });
    await expect.poll(() => channel.messages().map(({ content }) => content), patience).toEqual(['for all']);
    const hidden = channel.ephemeral(user);
    expect(hidden.map(({ content }) => content)).toEqual(['fills the loading message', 'another']);
    expect(hidden.some(({ isLoading }) => isLoading)).toBe(false);
  });

  it('show as thinking while they are deferred', async () => {
    const { user, channel } = await stage((interaction) => command(interaction).deferReply());
    const { answer, view } = channel.slash(user, 'ask');
    await answer;
    expect(view().state).toBe('thinking');
    expect(channel.messages()).toMatchObject([{ content: '', isLoading: true, flags: MessageFlags.Loading }]);
  });

  it('are lost after three seconds', async () => {
    const { simulator, user, channel, advance, failures } = await stage(async (interaction) => {
      advance(3001);
      await command(interaction).deferReply();
    });
    const { view } = channel.slash(user, 'ask');
    await expect
      .poll(() => failures, patience)
      .toMatchObject([{ code: 10062, status: 404, message: 'Unknown interaction' }]);
    expect(view().state).toBe('failed');
    const late = await raw(simulator, 'POST', `/webhooks/${simulator.applicationId}/${view().token}`, {
      content: 'a',
    });
    expect(JSON.parse(late.text)).toMatchObject({ code: 10015 });
  });

  it('are answered first only once', async () => {
    const { simulator, user, channel } = await stage((interaction) => command(interaction).reply('first'));
    const { id, answer, view } = channel.slash(user, 'ask');
    await answer;
    const again = await raw(simulator, 'POST', `/interactions/${id}/${view().token}/callback`, { type: 5 });
    expect([again.status, JSON.parse(again.text)]).toMatchObject([400, { code: 40060 }]);
  });

  it('can be answered and edited for fifteen minutes', async () => {
    const { user, channel, advance, client, failures } = await stage(async (interaction) => {
      await command(interaction).reply('first');
      advance(899_000);
      await command(interaction).editReply('in time');
      advance(2000);
      await command(interaction).editReply('too late');
    });
    channel.slash(user, 'ask');
    await expect.poll(() => failures, patience).toMatchObject([{ code: 50027, status: 401 }]);
    expect(channel.messages()).toMatchObject([{ content: 'in time' }]);
    // The refusal of an interaction's token says nothing of the bot's own.
    await client.rest.get('/users/@me');
  });

  it('refuse what cannot answer them', async () => {
    const { simulator, user, channel } = await stage(() => Promise.resolve());
    const { id, view } = channel.slash(user, 'ask');
    const answer = (body: object) =>
      raw(simulator, 'POST', `/interactions/${id}/${view().token}/callback`, body);
    for (const body of [
      { type: 7, data: { content: 'a' } },
      { type: 8, data: { choices: [] } },
      { type: 99 },
    ]) {
      expect(JSON.parse((await answer(body)).text)).toMatchObject({
        code: 50035,
        errors: { type: expect.anything() },
      });
    }
    const long = await answer({ type: 4, data: { content: 'a'.repeat(2001) } });
    expect(JSON.parse(long.text)).toMatchObject({ errors: { data: { content: expect.anything() } } });
    const empty = await answer({ type: 4, data: { content: '' } });
    expect(JSON.parse(empty.text)).toMatchObject({ code: 50006 });
    const original = `/webhooks/${simulator.applicationId}/${view().token}/messages/@original`;
    expect(JSON.parse((await raw(simulator, 'PATCH', original, { content: 'a' })).text)).toMatchObject({
      code: 10015,
    });
  });

  it('tell what they made when asked', async () => {
    const { simulator, user, channel } = await stage(() => Promise.resolve());
    const { id, view } = channel.slash(user, 'ask');
    const where = `/interactions/${id}/${view().token}/callback?with_response=true`;
    const { status, text } = await raw(simulator, 'POST', where, {
      type: 4,
      data: { content: 'a', flags: 64 },
    });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      interaction: { id, response_message_loading: false, response_message_ephemeral: true },
      resource: { type: 4, message: { content: 'a', flags: 64, webhook_id: simulator.applicationId } },
    });
  });

  it('hide ephemeral answers from every other route, and from the person who dismissed them', async () => {
    const { rest, simulator, user, channel, failures } = await stage(async (interaction) => {
      await command(interaction).reply({ content: 'hidden', flags: MessageFlags.Ephemeral });
    });
    const { answer, view } = channel.slash(user, 'ask');
    await answer;
    const [message] = channel.ephemeral(user);
    const path = `/channels/${channel.id}/messages/${message?.id ?? ''}` as const;
    expect(await code(rest.patch(path, { body: { content: 'a' } }))).toBe(10008);
    expect(await rest.get(`/channels/${channel.id}/messages`)).toEqual([]);
    channel.delete(user, message?.id ?? '');
    const original = `/webhooks/${simulator.applicationId}/${view().token}/messages/@original`;
    expect(JSON.parse((await raw(simulator, 'PATCH', original, { content: 'a' })).text)).toMatchObject({
      code: 10008,
    });
    expect(failures).toEqual([]);
  });

  it('ping people alone unless told', async () => {
    const { simulator, user, channel } = await stage((interaction) =>
      command(interaction).reply(`@everyone <@${command(interaction).user.id}>`),
    );
    await channel.slash(user, 'ask').answer;
    expect(simulator.pings).toMatchObject([{ everyone: false, roles: [], users: [user.id] }]);
  });

  it('of buttons update their message, or are deferred and edit it later', async () => {
    const { simulator, rest, user, channel } = await stage(async (interaction) => {
      if (!interaction.isButton()) return;
      if (interaction.customId === 'now') return await interaction.update({ content: 'updated' });
      await interaction.deferUpdate();
      await interaction.editReply({ content: 'later', components: [] });
    });
    const buttons = ['now', 'later', 'off'].map((name) => ({
      type: 2,
      style: 1,
      label: name,
      custom_id: name,
      ...(name === 'off' ? { disabled: true } : {}),
    }));
    const { id } = await say(rest, channel.id, {
      content: 'a',
      components: [{ type: 1, components: buttons }],
    });
    expect(await channel.press(user, id, 'now').answer).toEqual({ kind: 'update' });
    expect(channel.messages()[0]?.content).toBe('updated');
    expect(() => channel.press(user, id, 'off')).toThrow(/disabled/);
    expect(await channel.press(user, id, 'later').answer).toEqual({ kind: 'deferUpdate' });
    await expect
      .poll(() => channel.messages()[0], patience)
      .toMatchObject({ content: 'later', components: [] });
    expect(() => channel.press(user, id, 'now')).toThrow(/no component/);
    expect(simulator.pings).toEqual([]);
  });

  it('of selects carry what was chosen', async () => {
    const { rest, user, channel } = await stage(async (interaction) => {
      if (interaction.isStringSelectMenu()) await interaction.reply(interaction.values.join(','));
      if (interaction.isUserSelectMenu()) await interaction.reply(`${interaction.users.first()?.username}`);
    });
    const options = ['a', 'b', 'c'].map((value) => ({ label: value, value }));
    const select = { type: 3, custom_id: 's', options, max_values: 2 };
    const { id } = await say(rest, channel.id, {
      content: 'a',
      components: [{ type: 1, components: [select] }],
    });
    expect(() => channel.select(user, id, 's', ['a', 'b', 'c'])).toThrow(/takes 1 to 2/);
    expect(() => channel.select(user, id, 's', ['z'])).toThrow(/no option/);
    await channel.select(user, id, 's', ['a', 'c']).answer;
    expect(channel.messages().at(-1)).toMatchObject({ content: 'a,c', type: 19, replyTo: id });
    const people = [{ type: 1, components: [{ type: 5, custom_id: 'p' }] }];
    const asked = await say(rest, channel.id, { content: 'who', components: people });
    await channel.select(user, asked.id, 'p', [user.id]).answer;
    expect(channel.messages().at(-1)?.content).toBe('alice');
  });

  it('open modals, whose answers come back', async () => {
    const { user, channel } = await stage(async (interaction) => {
      if (interaction.isModalSubmit())
        return await interaction.reply(interaction.fields.getTextInputValue('why'));
      const input = { type: 4, custom_id: 'why', style: 1, min_length: 3, max_length: 10 } as const;
      const components = [{ type: 18, label: 'Why', component: input }] as const;
      await command(interaction).showModal({ custom_id: 'm', title: 'Tell', components: [...components] });
    });
    const { id, answer } = channel.slash(user, 'ask');
    expect(await answer).toMatchObject({ kind: 'modal', modal: { title: 'Tell' } });
    expect(() => channel.submitModal(user, id, {})).toThrow(/required/);
    expect(() => channel.submitModal(user, id, { why: 'no' })).toThrow(/3 to 10/);
    expect(() => channel.submitModal(user, id, { why: 'yes', what: 'x' })).toThrow(/no field/);
    expect(await channel.submitModal(user, id, { why: 'because' }).answer).toMatchObject({ kind: 'message' });
    expect(channel.messages()).toMatchObject([{ content: 'because', type: 20 }]);
  });

  it('complete what a person types', async () => {
    const { user, channel } = await stage(async (interaction) => {
      if (!interaction.isAutocomplete()) return;
      const typed = interaction.options.getFocused();
      await interaction.respond([{ name: `${typed}!`, value: typed }]);
    });
    expect(await channel.autocomplete(user, 'ask', 'q', { q: 'wh' })).toEqual([{ name: 'wh!', value: 'wh' }]);
  });

  it('come from the menus of messages and people too', async () => {
    const { user, channel } = await stage(async (interaction) => {
      if (interaction.isMessageContextMenuCommand())
        await interaction.reply(interaction.targetMessage.content);
      if (interaction.isUserContextMenuCommand()) await interaction.reply(interaction.targetUser.username);
    });
    await channel.messageCommand(user, channel.send(user, 'bonjour'), 'Translate').answer;
    await channel.userCommand(user, user, 'Greet').answer;
    const answers = channel.messages().filter(({ author }) => author.isBot);
    expect(answers).toMatchObject([
      { content: 'bonjour', type: 23 },
      { content: 'alice', type: 23 },
    ]);
  });

  it('work in direct messages, without a member', async () => {
    const { user } = await stage((interaction) => {
      const { member, context, authorizingIntegrationOwners: owners } = interaction;
      return command(interaction).reply(`${member === null} ${context} ${owners[0]}`);
    });
    await user.dm().slash(user, 'ask').answer;
    expect(user.dm().messages()[0]?.content).toBe('true 1 0');
  });

  it('of a person’s own installation have five follow-ups, in guilds the bot is not in', async () => {
    const { simulator, rest } = await start({ enforceRates: false });
    const user = simulator.user();
    const channel = simulator.guild({ members: [user], hasBot: false }).channel('general');
    const ask = { name: 'ask', description: 'd', integration_types: [0, 1] };
    await rest.put(`/applications/${simulator.applicationId}/commands`, { body: [ask] });
    const { id, view } = channel.slash(user, 'ask');
    const { token } = view();
    await raw(simulator, 'POST', `/interactions/${id}/${token}/callback`, {
      type: 4,
      data: { content: '0' },
    });
    const follow = () =>
      raw(simulator, 'POST', `/webhooks/${simulator.applicationId}/${token}`, { content: 'a' });
    for (const _ of '12345') expect((await follow()).status).toBe(200);
    expect(JSON.parse((await follow()).text)).toMatchObject({ code: 40094 });
    expect(await code(say(rest, channel.id, { content: 'a' }))).toBe(50001);
  });
});

/** A bare connection to the gateway. */
async function connect(simulator: DiscordSimulator, query = 'v=10&encoding=json') {
  const { text } = await raw(simulator, 'GET', '/gateway/bot');
  const socket = new WebSocket(`${(JSON.parse(text) as { url: string }).url}?${query}`);
  interface Frame {
    readonly op: number;
    readonly t?: string;
    readonly s?: number;
    readonly d: Record<string, unknown>;
  }
  const frames: Frame[] = [];
  let closeCode: number | undefined;
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as Frame));
  socket.on('close', (value) => {
    closeCode = value;
  });
  await once(socket, 'open');
  return {
    frames,
    send: (frame: object | string) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    end: (value: number) => socket.close(value),
    closed: async () => {
      await expect.poll(() => closeCode, patience).toBeDefined();
      return closeCode;
    },
    next: async (matches: (frame: Frame) => boolean) => {
      await expect.poll(() => frames.some(matches), patience).toBe(true);
      return frames.findLast(matches);
    },
  };
}

const identify = (simulator: DiscordSimulator, change: object = {}) => ({
  op: 2,
  d: { token: simulator.token, properties: {}, intents: 1, ...change },
});

describe('the gateway', () => {
  it('greets, acknowledges heartbeats, and tells of the session and its guilds', async () => {
    const { simulator } = await start();
    const { guild } = scene(simulator);
    const connection = await connect(simulator);
    expect(await connection.next(({ op }) => op === 10)).toMatchObject({ d: { heartbeat_interval: 41_250 } });
    connection.send({ op: 1, d: null });
    await connection.next(({ op }) => op === 11);
    connection.send(identify(simulator));
    await connection.next(({ t }) => t === 'GUILD_CREATE');
    expect(connection.frames.slice(2)).toMatchObject([
      { t: 'READY', s: 1, d: { v: 10, guilds: [{ id: guild.id, unavailable: true }], shard: [0, 1] } },
      { t: 'GUILD_CREATE', s: 2, d: { id: guild.id, unavailable: false } },
    ]);
    connection.end(1000);
    await expect.poll(() => simulator.gateway.sessions(), patience).toEqual([]);
  });

  it.each<[string, number, (simulator: DiscordSimulator) => (object | string)[]]>([
    ['an unknown opcode', 4001, () => [{ op: 99, d: null }]],
    ['no JSON', 4002, () => ['{']],
    ['too long a frame', 4002, () => [{ op: 1, d: 'a'.repeat(5000) }]],
    ['a wish before the identify', 4003, () => [{ op: 3, d: {} }]],
    ['a wrong token', 4004, (simulator) => [identify(simulator, { token: 'wrong' })]],
    ['a second identify', 4005, (simulator) => [identify(simulator), identify(simulator)]],
    ['a flood', 4008, () => Array.from({ length: 121 }, () => ({ op: 1, d: null }))],
    ['a shard that cannot be', 4010, (simulator) => [identify(simulator, { shard: [2, 2] })]],
    ['an unknown intent', 4013, (simulator) => [identify(simulator, { intents: 1 << 17 })]],
    ['an intent that is not allowed', 4014, (simulator) => [identify(simulator, { intents: 1 << 15 })]],
  ])('closes for %s with %i', async (_, expected, frames) => {
    const { simulator } = await start();
    const connection = await connect(simulator);
    for (const frame of frames(simulator)) connection.send(frame);
    expect(await connection.closed()).toBe(expected);
  });

  it('speaks version 10 without compression only', async () => {
    const { simulator } = await start();
    expect(await (await connect(simulator, 'v=6&encoding=json')).closed()).toBe(4012);
    expect(await (await connect(simulator, 'v=10&encoding=json&compress=zlib-stream')).closed()).toBe(4002);
  });

  it('lets a bot with intents that are not allowed, or a wrong token, fail at login', async () => {
    const { simulator } = await start();
    const intents = [GatewayIntentBits.Guilds, GatewayIntentBits.MessageContent];
    await expect(login(simulator, { intents })).rejects.toThrow(/disallowed intents/i);
    const client = new Client({ intents: [GatewayIntentBits.Guilds], rest: { api: simulator.url } });
    clients.push(client);
    await expect(client.login('wrong')).rejects.toThrow(/invalid token/i);
  });

  it('resumes a session from where the client was, and refuses others', async () => {
    const { simulator } = await start();
    const user = simulator.user();
    const first = await connect(simulator);
    first.send(identify(simulator, { intents: GatewayIntentBits.DirectMessages }));
    const ready = await first.next(({ t }) => t === 'READY');
    const session = { token: simulator.token, session_id: ready?.d['session_id'] };
    simulator.gateway.drop();
    expect(await first.closed()).toBe(1006);
    for (const text of ['a', 'b']) user.dm().send(user, text);
    const second = await connect(simulator);
    second.send({ op: 6, d: { ...session, seq: 2 } });
    await second.next(({ t }) => t === 'RESUMED');
    expect(second.frames.slice(1)).toMatchObject([{ s: 3, d: { content: 'b' } }, { t: 'RESUMED' }]);
    expect(simulator.gateway.sessions()).toMatchObject([{ resumes: 1, connected: true }]);
    const ahead = await connect(simulator);
    ahead.send({ op: 6, d: { ...session, seq: 99 } });
    expect(await ahead.closed()).toBe(4007);
    const stranger = await connect(simulator);
    stranger.send({ op: 6, d: { ...session, session_id: 'unknown', seq: 1 } });
    expect(await stranger.next(({ op }) => op === 9)).toMatchObject({ d: false });
  });

  it.each<[string, (simulator: DiscordSimulator) => void]>([
    ['the connection drops', ({ gateway }) => gateway.drop()],
    ['it is asked to reconnect', ({ gateway }) => gateway.reconnect()],
    ['its session is invalid but resumable', ({ gateway }) => gateway.invalidate(true)],
    ['it is closed with 4000', ({ gateway }) => gateway.close(4000)],
  ])('is resumed by discord.js when %s, and nothing is lost', async (_, disturb) => {
    const { simulator } = await start();
    const user = simulator.user();
    const client = await login(simulator);
    const messages = received(client);
    disturb(simulator);
    await expect
      .poll(() => simulator.gateway.sessions().map(({ connected }) => connected), patience)
      .toEqual([false]);
    user.dm().send(user, 'while away');
    await expect.poll(() => messages.map(({ content }) => content), patience).toEqual(['while away']);
    expect(simulator.gateway.sessions()).toMatchObject([{ resumes: 1, connected: true }]);
  });

  it('is left by discord.js when it acknowledges no heartbeat', async () => {
    const { simulator } = await start({ heartbeatIntervalMs: 100 });
    const user = simulator.user();
    const messages = received(await login(simulator));
    simulator.gateway.zombie();
    user.dm().send(user, 'unheard');
    await expect.poll(() => messages.map(({ content }) => content), patience).toEqual(['unheard']);
    expect(simulator.gateway.sessions()).toMatchObject([{ resumes: 1 }]);
  });

  it('ends the sessions that are invalid for good', async () => {
    const { simulator } = await start();
    const connection = await connect(simulator);
    connection.send(identify(simulator));
    await connection.next(({ t }) => t === 'READY');
    simulator.gateway.invalidate(false);
    expect(await connection.next(({ op }) => op === 9)).toMatchObject({ d: false });
    expect(simulator.gateway.sessions()).toEqual([]);
  });

  it('repeats events, delays them and sends any other', async () => {
    const { simulator } = await start();
    const user = simulator.user();
    const client = await login(simulator);
    const packets: string[] = [];
    client.on(Events.Raw, (packet: { t: string; d: { content?: string } }) => {
      packets.push(`${packet.t} ${packet.d.content ?? ''}`);
    });
    user.dm().send(user, 'once');
    simulator.gateway.replay(1);
    await expect.poll(() => packets, patience).toEqual(['MESSAGE_CREATE once', 'MESSAGE_CREATE once']);
    simulator.gateway.delay(80);
    user.dm().send(user, 'late');
    simulator.gateway.delay(0);
    user.dm().send(user, 'sooner');
    await expect
      .poll(() => packets.slice(2), patience)
      .toEqual(['MESSAGE_CREATE sooner', 'MESSAGE_CREATE late']);
    simulator.gateway.emit('SOMETHING_NEW', { content: 'x' });
    await expect.poll(() => packets.at(-1), patience).toBe('SOMETHING_NEW x');
  });

  it('refuses connections as often as told', async () => {
    const { simulator } = await start();
    simulator.gateway.refuse(1);
    await expect(connect(simulator)).rejects.toThrow(/503/);
    await connect(simulator);
  });

  it('tells every session, each shard of its own guilds, and of direct messages the first', async () => {
    const { simulator } = await start({ now: () => 1_795_000_000_000 });
    const { user } = scene(simulator);
    const [first, second, whole] = [
      await connect(simulator),
      await connect(simulator),
      await connect(simulator),
    ];
    const intents = GatewayIntentBits.Guilds | GatewayIntentBits.DirectMessages;
    first.send(identify(simulator, { shard: [0, 2], intents }));
    second.send(identify(simulator, { shard: [1, 2], intents }));
    whole.send(identify(simulator, { intents }));
    for (const connection of [first, second, whole]) await connection.next(({ t }) => t === 'READY');
    for (const _ of 'abc') simulator.guild();
    user.dm().send(user, 'direct');
    await whole.next(({ t }) => t === 'MESSAGE_CREATE');
    await first.next(({ t }) => t === 'MESSAGE_CREATE');
    const guildsOf = ({ frames }: typeof first) =>
      frames.filter(({ t }) => t === 'GUILD_CREATE').map(({ d }) => String(d['id']));
    await expect.poll(() => guildsOf(second).length, patience).toBe(2);
    expect(guildsOf(first)).toHaveLength(2);
    expect([...guildsOf(first), ...guildsOf(second)].toSorted()).toEqual(guildsOf(whole).toSorted());
    expect(second.frames.some(({ t }) => t === 'MESSAGE_CREATE')).toBe(false);
  });

  it('counts the starts of sessions', async () => {
    const { simulator, advance } = await start({
      identifyLimit: 3,
      identifyIntervalMs: 5000,
      maxConcurrency: 1,
    });
    const limit = async () => {
      const { text } = await raw(simulator, 'GET', '/gateway/bot');
      return (JSON.parse(text) as { session_start_limit: object }).session_start_limit;
    };
    expect(await limit()).toEqual({ total: 3, remaining: 3, reset_after: 0, max_concurrency: 1 });
    const attempt = async () => {
      const connection = await connect(simulator);
      connection.send(identify(simulator));
      return connection;
    };
    await (await attempt()).next(({ t }) => t === 'READY');
    expect(await limit()).toMatchObject({ remaining: 2 });
    expect(await (await attempt()).next(({ op }) => op === 9)).toMatchObject({ d: false });
    for (const _ of 'ab') {
      advance(5001);
      await (await attempt()).next(({ t }) => t === 'READY');
    }
    advance(5001);
    expect(await (await attempt()).closed()).toBe(4004);
    expect((await raw(simulator, 'GET', '/users/@me')).status).toBe(401);
  });

  it('tells of guilds that fail, return, and of those the bot joins and leaves', async () => {
    const { simulator } = await start();
    const { guild, user } = scene(simulator);
    const client = await login(simulator);
    guild.setAvailable(false);
    await expect.poll(() => client.guilds.cache.get(guild.id)?.available, patience).toBe(false);
    guild.setAvailable(true);
    await expect.poll(() => client.guilds.cache.get(guild.id)?.available, patience).toBe(true);
    guild.removeBot();
    await expect.poll(() => client.guilds.cache.size, patience).toBe(0);
    expect(() => guild.channel('general').send(user, 'a')).not.toThrow();
    guild.addBot(['ManageThreads']);
    await expect.poll(() => client.guilds.cache.has(guild.id), patience).toBe(true);
  });

  it('lists members to those who may know them', async () => {
    const allowed = { messageContent: false, guildMembers: true, presences: false };
    const { simulator, rest } = await start({ privilegedIntents: allowed });
    const { guild, user } = scene(simulator);
    const client = await login(simulator, {
      intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMembers],
    });
    const members = await client.guilds.cache.get(guild.id)?.members.fetch();
    expect(members?.has(user.id)).toBe(true);
    const path = `/guilds/${guild.id}` as const;
    const listed = (await rest.get(`${path}/members`, {
      query: new URLSearchParams({ limit: '10' }),
    })) as object[];
    expect(listed).toHaveLength(3);
    expect(await rest.get(`${path}/members/${user.id}`)).toMatchObject({ user: { username: 'alice' } });
    expect(await rest.get(`${path}/roles`)).toMatchObject([{ name: '@everyone' }, { managed: true }]);
    expect(await rest.get(`${path}/channels`)).toMatchObject([{ name: 'general' }]);
    expect(await rest.get(path)).toMatchObject({ name: 'Guild' });
    expect(await rest.get(`/users/${user.id}`)).toMatchObject({ username: 'alice' });
    expect(await code(rest.get(`${path}/members/123456789012345678`))).toBe(10007);
    expect(await code(rest.get('/users/123456789012345678'))).toBe(10013);
    expect(await code(rest.get('/guilds/123456789012345678'))).toBe(10004);
  });

  it('tells of people who join, change, leave and type', async () => {
    const allowed = { messageContent: false, guildMembers: true, presences: false };
    const { simulator } = await start({ privilegedIntents: allowed });
    const { guild, user, channel } = scene(simulator, { roles: [{ name: 'mods' }] });
    const { Guilds, GuildMembers, GuildMessageTyping } = GatewayIntentBits;
    const client = await login(simulator, { intents: [Guilds, GuildMembers, GuildMessageTyping] });
    const seen: string[] = [];
    client.on(Events.GuildMemberAdd, (member) => seen.push(`add ${member.user.username}`));
    client.on(Events.GuildMemberUpdate, (_, member) => seen.push(`update ${member.roles.cache.size}`));
    client.on(Events.GuildMemberRemove, (member) => seen.push(`remove ${member.user.username}`));
    client.on(Events.TypingStart, (typing) => seen.push(`typing ${typing.user.username}`));
    const newcomer = simulator.user({ username: 'carol' });
    guild.join(newcomer);
    guild.setRoles(newcomer, ['mods']);
    channel.typing(newcomer);
    guild.leave(newcomer);
    await expect
      .poll(() => seen, patience)
      .toEqual(['add carol', 'update 2', 'typing carol', 'remove carol']);
    expect(() => guild.timeOut(newcomer, 1)).toThrow(/not in guild/);
    expect(() => channel.send(user, 'still here')).not.toThrow();
  });

  it('forgets everything but sessions and commands when it is reset', async () => {
    const { simulator } = await start();
    scene(simulator);
    const client = await login(simulator);
    await client.application.commands.set([{ name: 'ask', description: 'Ask' }]);
    const waiting = simulator.user().dm();
    simulator.reset();
    await expect.poll(() => client.guilds.cache.size, patience).toBe(0);
    expect(() => simulator.channel(waiting)).toThrow(/no channel/);
    expect(simulator.calls).toEqual([]);
    expect(simulator.commands()).toHaveLength(1);
    const { user, channel } = scene(simulator);
    const messages = received(client);
    channel.send(user, 'a');
    await expect.poll(() => messages, patience).toHaveLength(1);
  });
});

describe('another process', () => {
  it('holds every control over HTTP', async () => {
    const { simulator } = await start();
    const remote = connectDiscordSimulator(simulator.url);
    const client = await login(simulator, { rest: { api: remote.url, retries: 0 } });
    await client.application.commands.set([{ name: 'ask', description: 'Ask' }]);
    answering(client, async (interaction) => {
      if (interaction.isChatInputCommand())
        await interaction.reply({ content: 'hidden', flags: MessageFlags.Ephemeral });
    });
    const messages = received(client);
    const user = await remote.user({ username: 'bob' });
    const guild = await remote.guild({
      members: [user],
      channels: ['general', { name: 'help', type: 'forum' }],
    });
    const channel = await guild.channel('general');
    const file = { name: 'a.txt', contentType: 'text/plain', content: Buffer.from('file') };
    const id = await channel.send(user, 'remote', { mentions: [simulator.bot], files: [file] });
    await expect.poll(() => messages.map((message) => message.id), patience).toEqual([id]);
    await messages[0]?.reply('answer');
    expect(await channel.messages()).toMatchObject([
      { content: `<@${simulator.bot.id}> remote`, files: [{ name: 'a.txt', content: 'file' }] },
      { content: 'answer', replyTo: id },
    ]);
    const interactionId = await channel.slash(user, 'ask');
    await expect.poll(async () => (await remote.interaction(interactionId)).state, patience).toBe('answered');
    expect(await channel.ephemeral(user)).toMatchObject([{ content: 'hidden' }]);
    const post = await (await guild.channel('help')).forumPost(user, 'Title', 'Text');
    await post.setThread({ locked: true });
    await expect(post.send(user, 'a')).rejects.toThrow(/locked/);
    const dm = await remote.dm(user);
    await remote.fault('*', { kind: 'status', status: 502, body: 'Bad gateway' });
    await expect(client.rest.get('/users/@me')).rejects.toThrow(/502|gateway/i);
    expect(await remote.calls()).toHaveLength(simulator.calls.length);
    await remote.gateway.drop();
    await dm.send(user, 'after');
    await expect.poll(() => messages.at(-1)?.content, patience).toBe('after');
    expect(await remote.gateway.sessions()).toMatchObject([{ connected: true, resumes: 1 }]);
    expect(await remote.violations()).toEqual([]);
    await expect(remote.interaction('1')).rejects.toThrow(/no interaction/);
    await remote.reset();
    expect(await remote.calls()).toEqual([]);
  });

  it('runs the simulator as a command that prints its address', async () => {
    const child = spawn(process.execPath, ['tests/simulators/main.ts', 'discord', '--intents', 'all'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const url = line.toString().trim();
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api$/);
      const remote = connectDiscordSimulator(url);
      expect((await remote.user({ username: 'eve' })).username).toBe('eve');
    } finally {
      child.kill('SIGTERM');
    }
    expect(await exited).toEqual([0, null]);
  });
});

describe("the API's description", () => {
  it('is played route for route', () => {
    expect(Object.keys(routeTable('')).toSorted()).toEqual([...routeNames].toSorted());
  });

  it('is what answers are held against', () => {
    const user = {
      id: '123456789012345678',
      username: 'a',
      avatar: null,
      discriminator: '0',
      public_flags: 0,
      flags: 0,
      global_name: null,
      primary_guild: null,
    };
    const sentences = (change: object) => answerViolations('UserResponse', { ...user, ...change });
    expect(sentences({})).toEqual([]);
    expect(sentences({ id: 1 })).toEqual(['UserResponse.id: Value "1" is not snowflake.']);
    expect(sentences({ avatar: 1 })).toHaveLength(1);
    expect(sentences({ username: undefined })).toEqual(['UserResponse.username: This field is required']);
    expect(sentences({ colour: 'red' })).toEqual(['UserResponse.colour: is not a field of this object']);
    expect(answerViolations('Array of UserResponse', [user, 1])).toHaveLength(1);
  });

  it('is what requests are held against, which may carry more', () => {
    const codes = (body: object) =>
      requestProblems('MessageCreateRequest', body).map((problem) => problem.code);
    expect(codes({ content: 'a', colour: 'red' })).toEqual([]);
    expect(codes({ nonce: 5 })).toEqual([]);
    expect(codes({ embeds: [{ color: 1 << 24 }] })).toEqual(['NUMBER_TYPE_MAX']);
    expect(codes({ embeds: [{ timestamp: 'yesterday' }] })).toEqual(['DATE_TIME_TYPE_PARSE']);
    expect(codes({ embeds: [{ url: 'no url' }] })).toEqual(['URL_TYPE_INVALID_URL']);
    expect(codes({ embeds: 'a' })).toEqual(['LIST_TYPE_CONVERT']);
    expect(codes({ tts: 'yes' })).toEqual(['BOOLEAN_TYPE_CONVERT']);
    expect(codes({ allowed_mentions: { parse: ['all'] } })).toEqual(['BASE_TYPE_CHOICES']);
    expect(codes({ allowed_mentions: { users: ['1', '1'] } })).toEqual(['SET_TYPE_ALREADY_CONTAINS_VALUE']);
    expect(codes({ message_reference: 'a' })).toEqual(['DICT_TYPE_CONVERT']);
  });
});
