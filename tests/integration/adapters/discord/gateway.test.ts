import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { GatewayIntentBits } from 'discord.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startDiscordSimulator } from '../../../simulators/discord/server.ts';
import { startGateway } from '../../../support/gateway.ts';
import { until } from '../../../support/until.ts';
import { openInbound, scene, type InboundStage } from './inbound-stage.ts';

const APPLICATION = 'GET /applications/@me';
const READS_ALL = { privilegedIntents: { messageContent: true, guildMembers: false, presences: false } };

const connected = ({ discord }: InboundStage) =>
  discord.gateway.sessions().filter((session) => session.connected);

/** A connected stage, and what a person says to the bot in its guild. */
async function listening(options: Parameters<typeof openInbound>[0] = {}) {
  const stage = await openInbound(options);
  const { user, channel } = scene(stage);
  const mentions = [stage.discord.bot];
  const say = (text: string) => channel.send(user, text, { mentions });
  await stage.next(() => say('first'));
  return { stage, say };
}

describe('a start', () => {
  it('asks for no more than the application may have', async () => {
    const shy = await openInbound();
    const reading = await openInbound({ simulator: READS_ALL });
    const { Guilds, GuildMessages, DirectMessages, MessageContent } = GatewayIntentBits;
    expect(connected(shy)[0]!.intents).toBe(Guilds | GuildMessages | DirectMessages);
    expect(connected(reading)[0]!.intents).toBe(Guilds | GuildMessages | DirectMessages | MessageContent);
  });

  it('tells how to invite the bot, and what it may read', async () => {
    const stage = await openInbound();
    const { applicationId, token } = stage.discord;
    const log = stage.log.join('\n');
    expect(log).toContain(
      `https://discord.com/oauth2/authorize?client_id=${applicationId}&scope=bot+applications.commands`,
    );
    expect(log).toContain(`https://discord.com/developers/applications/${applicationId}/bot`);
    expect(log).not.toContain(token);
  });

  it('waits until Discord answers', async () => {
    const stage = await openInbound({ isStarted: false });
    stage.discord.fault(APPLICATION, { kind: 'drop', when: 'before' }, { times: 2 });
    stage.discord.fault(APPLICATION, { kind: 'status', status: 502, body: 'Bad Gateway' });
    stage.discord.gateway.refuse(2);
    await stage.adapter.start(stage.handlers);
    expect(connected(stage)).toHaveLength(1);
    expect(stage.logged('Discord does not answer yet')).toBe(1);
  });

  it('begins anew when a login stays without an answer', async () => {
    const stage = await openInbound({
      isStarted: false,
      gatewayPace: { loginTimeoutMs: 50, handshakeTimeoutMs: 100 },
    });
    stage.discord.gateway.delay(3_600_000);
    const started = stage.adapter.start(stage.handlers);
    // The hello comes at once; what follows an identify does not.
    await until(() => stage.discord.gateway.sessions().length > 0);
    await until(() => stage.logged('Discord: connecting anew') === 1);
    stage.discord.gateway.delay(0);
    await started;
    expect(await until(() => connected(stage)[0])).toMatchObject({ resumes: 0 });
  });

  it('that is stopped ends', async () => {
    const stage = await openInbound({ isStarted: false });
    stage.discord.fault(APPLICATION, { kind: 'drop', when: 'before' }, { times: Infinity });
    const started = stage.adapter.start(stage.handlers);
    await until(() => stage.logged('Discord does not answer yet') === 1);
    await stage.adapter.stop();
    await started;
    expect(stage.discord.gateway.sessions()).toEqual([]);
  });

  it('that is stopped while the gateway refuses ends', async () => {
    const stage = await openInbound({ isStarted: false });
    stage.discord.gateway.refuse(1_000_000);
    const started = stage.adapter.start(stage.handlers);
    await until(() => stage.logged('Discord: connecting anew') > 0);
    await stage.adapter.stop();
    await started;
    expect(stage.fatal).toEqual([]);
  });

  it('that is stopped while the gateway keeps silent fails nowhere afterwards', async () => {
    const discord = await startDiscordSimulator();
    const line = await startSilentLine(discord.url);
    const stage = await openInbound({ isStarted: false, discord, apiUrl: line.url });
    const started = stage.adapter.start(stage.handlers);
    await until(() => line.waiting() > 0);
    await stage.adapter.stop();
    await started;
    // An error event that nobody listens to would end the process, and does end this test.
    line.breakAll();
    // What the line brings now comes after that.
    await fetch(line.url);
    expect(line.waiting()).toBe(0);
  });

  it('with a wrong token says what to write', async () => {
    const stage = await openInbound({ isStarted: false, token: 'MTEwMDAwMDAwMDAwMDAwMDAwMQ.wrong.token' });
    await expect(stage.adapter.start(stage.handlers)).rejects.toThrow(/DISCORD_TOKEN.*write the token/);
    expect(stage.fatal).toEqual([]);
  });

  it('that the gateway alone refuses says so too', async () => {
    const stage = await openInbound({ isStarted: false });
    stage.discord.fault('GET /gateway/bot', {
      kind: 'error',
      status: 401,
      code: 0,
      message: '401: Unauthorized',
    });
    await expect(stage.adapter.start(stage.handlers)).rejects.toThrow(/DISCORD_TOKEN/);
  });
});

describe('a connection that is lost', () => {
  it.each([
    ['drops', (stage: InboundStage) => stage.discord.gateway.drop()],
    ['is closed with 4000', (stage: InboundStage) => stage.discord.gateway.close(4000)],
    ['is asked to reconnect', (stage: InboundStage) => stage.discord.gateway.reconnect()],
    ['is declared invalid, but resumable', (stage: InboundStage) => stage.discord.gateway.invalidate(true)],
  ] as const)('because it %s is resumed, and loses nothing', async (_why, lose) => {
    const { stage, say } = await listening();
    lose(stage);
    say('meanwhile');
    await until(() => stage.messages.length === 2);
    say('after');
    await until(() => stage.messages.length === 3);
    expect(stage.messages.map(({ text }) => text)).toEqual(['first', 'meanwhile', 'after']);
    expect(stage.discord.gateway.sessions()).toMatchObject([{ connected: true, resumes: 1 }]);
  });

  it('because Discord is away altogether is resumed when it is back', async () => {
    const discord = await startDiscordSimulator();
    const line = await startGateway(discord.url);
    const { stage, say } = await listening({ discord, apiUrl: line.url });
    await line.down();
    say('meanwhile');
    await until(() => stage.logged('Discord: connection lost') === 1);
    await line.up();
    await until(() => stage.messages.length === 2);
    await stage.next(() => say('after'));
    expect(stage.messages.map(({ text }) => text)).toEqual(['first', 'meanwhile', 'after']);
    await stage.adapter.stop();
    await line.down();
  });

  it('is noted once, and when it is back', async () => {
    const { stage, say } = await listening();
    stage.discord.gateway.drop();
    await until(() => stage.logged('Discord: connected again') === 1);
    expect(stage.logged('Discord: connection lost')).toBe(1);
    await stage.next(() => say('after'));
  });

  it.each([
    ['is declared invalid', (stage: InboundStage) => stage.discord.gateway.invalidate(false)],
    ['times out', (stage: InboundStage) => stage.discord.gateway.close(4009)],
  ] as const)('because it %s begins anew', async (_why, lose) => {
    const { stage, say } = await listening();
    const [before] = stage.discord.gateway.sessions();
    lose(stage);
    await until(() => connected(stage).some(({ id }) => id !== before!.id));
    await until(() => stage.logged('Discord: connected again') === 1);
    await stage.next(() => say('after'));
    expect(connected(stage)).toHaveLength(1);
  });

  it('without a word is noticed by its missing heartbeat', async () => {
    const { stage, say } = await listening({ simulator: { heartbeatIntervalMs: 150 } });
    stage.discord.gateway.zombie();
    say('meanwhile');
    await until(() => stage.messages.length === 2);
    expect(stage.discord.gateway.sessions()).toMatchObject([{ connected: true, resumes: 1 }]);
  });

  it('and does not come back is replaced, without a second session', async () => {
    // Longer than discord.js rests before it comes back, so that the second loss is mended by a resume.
    const { stage, say } = await listening({ gatewayPace: { deadShardMs: 2000 } });
    stage.discord.gateway.refuse(1_000_000);
    stage.discord.gateway.drop();
    await until(() => stage.logged('Discord: connecting anew') > 0);
    stage.discord.gateway.refuse(0);
    await until(() => stage.logged('Discord: connected again') === 1);
    // A client that was left alone rests as long as the new one does now, and began to before it.
    stage.discord.gateway.drop();
    await until(() => stage.logged('Discord: connected again') === 2);
    await stage.next(() => say('after'));
    expect(connected(stage)).toHaveLength(1);
  });

  it('again and again does not use up the sessions of the day', async () => {
    const { stage } = await listening({ simulator: { identifyLimit: 3 } });
    stage.discord.gateway.invalidate(false);
    await until(() => stage.logged('Discord: connected again') === 1);
    stage.discord.gateway.invalidate(false);
    await until(() => stage.logged('few session starts are left') === 1);
    expect(connected(stage)).toEqual([]);
    await stage.adapter.stop();
    expect(stage.fatal).toEqual([]);
  });
});

describe('a bot in many guilds', () => {
  it('hears all of them over several shards, also after they began anew', async () => {
    const stage = await openInbound({ isStarted: false });
    const scenes = Array.from({ length: 1001 }, () => scene(stage)).slice(0, 10);
    const { user } = scenes[0]!;
    const sayAll = () => {
      for (const { user: person, channel } of scenes)
        channel.send(person, 'hello', { mentions: [stage.discord.bot] });
      user.dm().send(user, 'hello');
    };
    await stage.adapter.start(stage.handlers);
    expect(connected(stage).map(({ shard }) => shard)).toEqual([
      [0, 2],
      [1, 2],
    ]);
    sayAll();
    await until(() => stage.messages.length === 11);
    stage.discord.gateway.invalidate(false);
    await until(() => stage.logged('Discord: connected again') === 1);
    sayAll();
    await until(() => stage.messages.length === 22);
    expect(new Set(stage.messages.map(({ originKey }) => originKey)).size).toBe(22);
  });
});

describe('an event that discord.js can not read', () => {
  it.each([
    ['a command', { type: 2, data: { type: 1, id: '1', name: 'ask' } }],
    ['a button', { type: 3, data: { component_type: 2, custom_id: 'stop:1' } }],
    ['an interaction', { type: 2 }],
  ] as const)('such as %s without its fields is logged, and the next one is heard', async (_what, fields) => {
    const { stage, say } = await listening();
    stage.discord.gateway.emit('INTERACTION_CREATE', { id: '1100000000000000333', ...fields });
    await stage.next(() => say('after'));
    expect(stage.logged('event not understood')).toBeGreaterThan(0);
    expect(stage.fatal).toEqual([]);
    expect(connected(stage)).toHaveLength(1);
  });
});

describe('an event that the gateway tells twice', () => {
  it('is handed over again under the same key', async () => {
    const { stage } = await listening();
    stage.discord.gateway.replay(1);
    await until(() => stage.messages.length === 2);
    expect(stage.messages[1]!.originKey).toBe(stage.messages[0]!.originKey);
  });
});

describe('a bot that Discord shuts out', () => {
  it('ends for good when its token is revoked, and says so once', async () => {
    const { stage } = await listening();
    stage.discord.revokeToken();
    await until(() => stage.fatal.length > 0);
    await stage.adapter.stop();
    expect(stage.fatal.map(({ message }) => message)).toEqual([expect.stringContaining('DISCORD_TOKEN')]);
  });

  it.each([
    [4014, /Message Content.*developers\/applications\/\d+\/bot/],
    [4013, /4013/],
    [4011, /4011/],
    [4012, /4012/],
  ] as const)('with %i tells what to mend', async (code, sentence) => {
    const { stage } = await listening();
    stage.discord.gateway.close(code);
    await until(() => stage.fatal.length > 0);
    expect(stage.fatal[0]!.message).toMatch(sentence);
    expect(stage.discord.gateway.sessions().filter((session) => session.connected)).toEqual([]);
  });
});

/** A way to a server on which calls come through, and sockets are taken but never answered. */
async function startSilentLine(serverUrl: string) {
  const waiting = new Set<Socket>();
  const target = new URL(serverUrl);
  const server = createServer((client) => {
    client.on('error', () => client.destroy());
    client.once('data', (head: Buffer) => {
      if (/upgrade: websocket/iu.test(head.toString('latin1'))) {
        waiting.add(client);
        client.on('close', () => waiting.delete(client));
        return;
      }
      const upstream = connect({ host: target.hostname, port: Number(target.port) });
      upstream.on('error', () => client.destroy());
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api`,
    waiting: () => waiting.size,
    breakAll: () => waiting.forEach((socket) => socket.destroy()),
  };
}
