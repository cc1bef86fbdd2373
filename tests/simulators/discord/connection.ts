import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { applicationFlags, intents, intentsCloseCode } from './intents.ts';
import { channelObject, guildObject, memberObject, userObject } from './objects.ts';
import { has, permissionsIn } from './permissions.ts';
import { createSession, frameText, isFor } from './session.ts';
import type { Session } from './session.ts';
import type { Simulation } from './simulation.ts';
import { shardOf } from './snowflake.ts';
import type { ChannelState, GuildState, Wire } from './world.ts';

/** Limits on what a client sends (events/gateway). */
const mostSentPerMinute = 120;
const largestSentBytes = 4096;
const mostGuildsPerShard = 2500;

interface Connection {
  readonly simulation: Simulation;
  readonly socket: WebSocket;
  /** The host by which the client reached the simulator, which may be a proxy's. */
  readonly host: string;
  session: Session | undefined;
  sentAtMs: number[];
}

/** Speaks the gateway's protocol, version 10 in JSON without compression, with one client. */
export function serveConnection(simulation: Simulation, socket: WebSocket, request: IncomingMessage): void {
  const url = new URL(request.url ?? '/', 'http://gateway');
  const connection: Connection = {
    simulation,
    socket,
    host: request.headers.host ?? '127.0.0.1',
    session: undefined,
    sentAtMs: [],
  };
  if (url.searchParams.get('v') !== '10') return socket.close(4012, 'Invalid API version');
  if (url.searchParams.get('encoding') !== 'json' || url.searchParams.has('compress')) {
    return socket.close(4002, 'Decode error');
  }
  socket.on('message', (data: Buffer) => receive(connection, data));
  socket.on('close', (code) => lose(connection, code));
  socket.on('error', () => socket.terminate());
  socket.send(JSON.stringify({ op: 10, d: { heartbeat_interval: simulation.options.heartbeatIntervalMs } }));
}

/** 1000 and 1001 end the session; any other close leaves it to be resumed. */
function lose({ session, simulation, socket }: Connection, code: number): void {
  if (session === undefined || session.socket !== socket) return;
  session.socket = undefined;
  session.isZombie = false;
  if (code === 1000 || code === 1001) simulation.gateway.end(session);
}

/** Whether the connection has a session that was not declared invalid since. */
function isAttached({ session, socket }: Connection): boolean {
  return session?.socket === socket;
}

function receive(connection: Connection, data: Buffer): void {
  const { socket, simulation, session } = connection;
  if (session?.isZombie === true) return;
  if (data.length > largestSentBytes) return socket.close(4002, 'Decode error');
  const time = simulation.now();
  connection.sentAtMs = [...connection.sentAtMs.filter((at) => at > time - 60_000), time];
  if (connection.sentAtMs.length > mostSentPerMinute) return socket.close(4008, 'Rate limited');
  const frame = parseFrame(data);
  if (frame === undefined) return socket.close(4002, 'Decode error');
  const handle = handlers[frame.op];
  if (handle === undefined) return socket.close(4001, 'Unknown opcode');
  const mayComeFirst = frame.op === 1 || frame.op === 2 || frame.op === 6;
  if (!isAttached(connection) && !mayComeFirst) return socket.close(4003, 'Not authenticated');
  handle(connection, frame.d);
}

const handlers: Readonly<Record<number, (connection: Connection, data: Wire) => void>> = {
  1: ({ socket }) => socket.send(JSON.stringify({ op: 11 })),
  2: identify,
  // Presence, voice state, soundboard and channel wishes change nothing a bot of text can see.
  3: () => undefined,
  4: () => undefined,
  6: resume,
  8: sendMembers,
  31: () => undefined,
  43: () => undefined,
};

function identify(connection: Connection, data: Wire): void {
  const { simulation, socket } = connection;
  if (isAttached(connection)) return socket.close(4005, 'Already authenticated');
  if (data['token'] !== simulation.options.token || simulation.isTokenRevoked()) {
    return socket.close(4004, 'Authentication failed');
  }
  const shard = (data['shard'] ?? [0, 1]) as [number, number];
  if (!Number.isInteger(shard[0]) || shard[0] < 0 || shard[0] >= shard[1]) {
    return socket.close(4010, 'Invalid shard');
  }
  const guilds = guildsOf(simulation, shard);
  if (guilds.length > mostGuildsPerShard) return socket.close(4011, 'Sharding required');
  const asked = Number(data['intents']);
  const code = intentsCloseCode(asked, simulation.options.privilegedIntents);
  if (code !== undefined)
    return socket.close(code, code === 4013 ? 'Invalid intent(s)' : 'Disallowed intent(s)');
  const start = simulation.starts.identify(shard[0]);
  if (start === 'revoked') return simulation.revokeToken();
  if (start === 'too soon') return socket.send(JSON.stringify({ op: 9, d: false }));
  const session = createSession(shard, asked, socket);
  connection.session = session;
  simulation.gateway.open(session);
  welcome(connection, session, guilds);
}

function guildsOf({ world }: Simulation, [index, count]: readonly [number, number]): GuildState[] {
  return [...world.guilds.values()].filter(
    ({ id, members }) => members.has(world.bot.id) && shardOf(id, count) === index,
  );
}

/** READY names the guilds as unavailable; each then comes with GUILD_CREATE. */
function welcome({ simulation, host }: Connection, session: Session, guilds: readonly GuildState[]): void {
  const { gateway, options, world } = simulation;
  gateway.send(session, 'READY', {
    v: 10,
    user: { ...userObject(world.bot), mfa_enabled: false, verified: true, email: null },
    guilds: guilds.map(({ id }) => ({ id, unavailable: true })),
    session_id: session.id,
    session_type: 'normal',
    resume_gateway_url: `ws://${host}/gateway/resume`,
    shard: session.shard,
    application: { id: options.applicationId, flags: applicationFlags(options.privilegedIntents) },
    private_channels: [],
    relationships: [],
    presences: [],
  });
  for (const guild of guilds) {
    const event = { name: 'GUILD_CREATE', guildId: guild.id, intent: intents.guilds, payload: () => ({}) };
    if (guild.isAvailable && isFor(session, event)) {
      gateway.send(session, 'GUILD_CREATE', guildCreate(simulation, guild));
    }
  }
}

/** GUILD_CREATE as a bot without the presences intent gets it: of the members only itself. */
export function guildCreate(simulation: Simulation, guild: GuildState): Wire {
  const { bot } = simulation.world;
  const seen = (channel: ChannelState): boolean =>
    has(permissionsIn(channel, bot, simulation.now()), 'ViewChannel');
  const channels = [...guild.channels.values()];
  const own = guild.members.get(bot.id);
  return {
    ...guildObject(guild),
    joined_at: new Date(own?.joinedAtMs ?? 0).toISOString(),
    large: false,
    unavailable: false,
    member_count: guild.members.size,
    members: own === undefined ? [] : [memberObject(own)],
    // Channels come whether the bot may read them or not; threads only when it may.
    channels: channels
      .filter(({ thread }) => thread === undefined)
      .map((channel) => channelObject(channel, bot.id)),
    threads: channels
      .filter((channel) => channel.thread?.archived === false && seen(channel))
      .map((channel) => channelObject(channel, bot.id)),
    voice_states: [],
    presences: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  };
}

function resume(connection: Connection, data: Wire): void {
  const { simulation, socket } = connection;
  if (isAttached(connection)) return socket.close(4005, 'Already authenticated');
  if (data['token'] !== simulation.options.token || simulation.isTokenRevoked()) {
    return socket.close(4004, 'Authentication failed');
  }
  const session = simulation.gateway.find(String(data['session_id']));
  if (session === undefined) return socket.send(JSON.stringify({ op: 9, d: false }));
  const from = Number(data['seq']);
  if (!Number.isInteger(from) || from > session.sequence) return socket.close(4007, 'Invalid seq');
  session.socket?.terminate();
  connection.session = session;
  session.socket = socket;
  session.isZombie = false;
  session.resumes += 1;
  const missed = session.frames.filter(({ sequence }) => sequence > from);
  for (const frame of missed) simulation.gateway.transmit(session, frameText(frame));
  simulation.gateway.send(session, 'RESUMED', {});
}

/** Request Guild Members (op 8). Listing all members needs the members intent. */
function sendMembers({ simulation, session, socket }: Connection, data: Wire): void {
  const guild = simulation.world.guilds.get(String(data['guild_id']));
  if (session === undefined || guild === undefined) return;
  const {
    query,
    limit,
    user_ids: ids,
    nonce,
  } = data as { query?: string; limit?: number; user_ids?: string | string[]; nonce?: string };
  if (query === '' && limit === 0 && (session.intents & intents.guildMembers) === 0) {
    return socket.close(4013, 'Invalid intent(s)');
  }
  const wanted = ids === undefined ? undefined : [ids].flat();
  const members = [...guild.members.values()].filter(({ user }) =>
    wanted === undefined ? user.username.startsWith(query ?? '') : wanted.includes(user.id),
  );
  simulation.gateway.send(session, 'GUILD_MEMBERS_CHUNK', {
    guild_id: guild.id,
    members: members.slice(0, limit === undefined || limit === 0 ? undefined : limit).map(memberObject),
    chunk_index: 0,
    chunk_count: 1,
    not_found: (wanted ?? []).filter((id) => !guild.members.has(id)),
    ...(nonce === undefined ? {} : { nonce }),
  });
}

function parseFrame(data: Buffer): { op: number; d: Wire } | undefined {
  try {
    const frame: unknown = JSON.parse(data.toString('utf8'));
    const { op, d } = frame as { op?: unknown; d?: unknown };
    return typeof op === 'number' ? { op, d: (d ?? {}) as Wire } : undefined;
  } catch {
    return undefined;
  }
}
