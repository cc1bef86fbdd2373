import {
  Client,
  DiscordjsErrorCodes,
  Events,
  Options,
  Partials,
  SimpleShardingStrategy,
  WebSocketShardStatus,
  type Entitlement,
  type GatewayIntentBits,
  type Interaction,
  type WebSocketOptions,
} from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { describe, toFailure } from './failure.ts';
import type { IdentifyGate } from './identify-gate.ts';
import { listenToMessages, type MessageListener } from './message-events.ts';

/** What the gateway tells. None may throw. */
export interface GatewayListener extends MessageListener {
  onInteraction(interaction: Interaction): void;
  /** The shop sold something, changed it or took it back. */
  onEntitlement(told: { readonly entitlement: Entitlement; readonly isDeleted: boolean }): void;
  /** A shard has no session, or none has (null). */
  onDown(shard: number | null): void;
  /** A session goes on, and told what came meanwhile. */
  onResumed(shard: number): void;
  /** A session began anew: what came before it is not told. */
  onBegan(began: Began): void;
}

export interface Began {
  readonly shard: number;
  /** How many shards there are, those of other processes as well. */
  readonly count: number;
  readonly client: Client;
}

/** Why a connection is over: for good, or for now. */
export type End =
  | { readonly kind: 'closed'; readonly code: number }
  | { readonly kind: 'token_refused' }
  | { readonly kind: 'dead'; readonly reason: string };

/** One client of discord.js, from login to its end; it can't be used again. */
export interface Connection {
  /** Resolves with null when events flow, or with what ended it before. Never rejects. */
  readonly ready: Promise<End | null>;
  /** Resolves when the connection is past saving. discord.js repairs most by itself. */
  readonly over: Promise<End>;
  /** No event comes any more; resolves when the sockets are closed. Never rejects. */
  retire(): Promise<void>;
}

export interface ConnectOptions {
  readonly token: string;
  /** Ends in `/api`. */
  readonly apiUrl: string;
  readonly intents: readonly GatewayIntentBits[];
  /** Those of this process; null for all, as many as Discord advises. */
  readonly shards: ShardChoice | null;
  readonly listener: GatewayListener;
  readonly gate: IdentifyGate;
  readonly pace: ConnectionPace;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ShardChoice {
  /** From 0. */
  readonly ids: readonly number[];
  /** Of all processes together. */
  readonly count: number;
}

export interface ConnectionPace {
  /** How long guilds that are announced may fail to come before events flow without them. */
  readonly waitGuildTimeoutMs: number;
  /** How long one connection may take until it is open. */
  readonly handshakeTimeoutMs: number;
  /** How long a login may take; discord.js leaves it pending while it is refused for passing reasons. */
  readonly loginTimeoutMs: number;
  /** How long a shard may try to come back before all is begun anew. */
  readonly deadShardMs: number;
}

export function connect(options: ConnectOptions): Connection {
  const { pace, clock, gate, logger } = options;
  const ending = new AbortController();
  const made = createClient(options, ending.signal);
  const { client } = made;
  const { promise: over, resolve } = Promise.withResolvers<End>();
  const end = (reason: End): void => {
    ending.abort();
    resolve(reason);
  };
  options.listener.onDown(null);
  listen(client, options, end, ending.signal);

  const login = async (): Promise<void> => {
    try {
      await client.login(options.token);
    } catch (error) {
      end(
        isTokenInvalid(error)
          ? { kind: 'token_refused' }
          : { kind: 'dead', reason: describe(toFailure(error)) },
      );
    }
  };
  const giveUp = async (flows: AbortSignal): Promise<void> => {
    const signal = AbortSignal.any([flows, ending.signal]);
    do await clock.sleep(pace.loginTimeoutMs, signal);
    while (gate.isHolding() && !signal.aborted);
    if (!signal.aborted) end({ kind: 'dead', reason: 'no login' });
  };

  const flows = new AbortController();
  const ready = new Promise<null>((whenReady) => {
    client.once(Events.ClientReady, () => {
      flows.abort();
      whenReady(null);
    });
  });
  void login();
  void giveUp(flows.signal);

  const retire = async (): Promise<void> => {
    end({ kind: 'dead', reason: 'retired' });
    client.removeAllListeners();
    // What still comes from its sockets must not end the process.
    client.on(Events.Error, () => undefined);
    made.freeze();
    await made.settled();
    const closed = new AbortController();
    void client
      .destroy()
      .catch((error: unknown) => {
        logger.debug({ reason: describe(toFailure(error)) }, 'gateway not closed cleanly');
      })
      .finally(() => closed.abort());
    await clock.sleep(CLOSING_MS, closed.signal);
  };
  let retired: Promise<void> | null = null;

  return {
    ready: Promise.race([ready, over]),
    over,
    retire: () => (retired ??= retire()),
  };
}

/** A peer that is gone answers no close frame; `ws` itself waits 30 s for it. */
const CLOSING_MS = 2000;

/** discord.js' own part that holds the sockets. */
type Sockets = Parameters<NonNullable<WebSocketOptions['buildStrategy']>>[0];

function createClient(options: ConnectOptions, ended: AbortSignal) {
  const { intents, shards, apiUrl, gate, pace, clock, logger } = options;
  let sockets: Sockets | null = null;
  const client = new Client({
    intents: [...intents],
    ...(shards === null ? { shards: 'auto' } : { shards: [...shards.ids], shardCount: shards.count }),
    partials: [Partials.Channel, Partials.Message, Partials.Reaction, Partials.User],
    makeCache: Options.cacheWithLimits(CACHE_LIMITS),
    allowedMentions: { parse: [], repliedUser: false },
    waitGuildTimeout: pace.waitGuildTimeoutMs,
    rest: {
      api: apiUrl,
      version: '10',
      retries: 0,
      timeout: REST_TIMEOUT_MS,
      // What is read waits at a pace of our own.
      rejectOnRateLimit: ({ route }) => !route.startsWith('/gateway'),
    },
    ws: {
      buildStrategy(manager) {
        sockets = manager;
        manager.options.handshakeTimeout = pace.handshakeTimeoutMs;
        return new SteadySharding(withoutFailures(manager, logger));
      },
      buildIdentifyThrottler: (manager) => ({
        async waitForIdentify(shardId, signal) {
          const limit = async () => (await manager.fetchGatewayInformation(true)).session_start_limit;
          await gate.pass(shardId, limit, AbortSignal.any([signal, ended]));
        },
      }),
    },
  });
  return {
    client,
    /**
     * A shard that is about to reconnect while the client is destroyed does so nevertheless, and
     * would hold a second session. It first asks for what it knows of its session: without an
     * answer it goes no further.
     */
    freeze() {
      if (sockets !== null) sockets.options.retrieveSessionInfo = () => new Promise(() => undefined);
    },
    /** A socket that is closed while it connects loses the listener for its failure, which would then be nobody's. */
    async settled() {
      const giveUpMs = clock.now() + pace.handshakeTimeoutMs;
      while (sockets !== null && clock.now() < giveUpMs) {
        const states = await sockets.fetchStatus();
        if (states.every((state) => state !== WebSocketShardStatus.Connecting)) return;
        await clock.sleep(CONNECTING_GLANCE_MS);
      }
    },
  };
}

/**
 * The manager, with an `emit` that never throws. What a strategy emits is carried out by discord.js at once, and what
 * it can not read there, such as an event without a field, would else end the process as a rejection that nobody handles.
 */
function withoutFailures(manager: Sockets, logger: Logger): Sockets {
  const emit = (...event: Parameters<Sockets['emit']>): boolean => {
    try {
      return manager.emit(...event);
    } catch (error) {
      logger.error({ reason: describe(toFailure(error)) }, 'event not understood by discord.js');
      return true;
    }
  };
  return Object.create(manager, { emit: { value: emit } }) as Sockets;
}

/**
 * A shard that loses its connection in two ways at once connects twice, and the second time rejects where nobody
 * handles it: that would end the process. Here it leaves it to the first.
 */
class SteadySharding extends SimpleShardingStrategy {
  override async spawn(shardIds: number[]): Promise<void> {
    await super.spawn(shardIds);
    const shards = Reflect.get(this, 'shards') as ReadonlyMap<
      number,
      { readonly status: WebSocketShardStatus }
    >;
    for (const shard of shards.values()) {
      const connect = Reflect.get(shard, 'internalConnect') as () => Promise<void>;
      const connectOnce = async (): Promise<void> => {
        if (shard.status === WebSocketShardStatus.Idle) await connect.call(shard);
      };
      Object.assign(shard, { internalConnect: connectOnce });
    }
  }
}

const REST_TIMEOUT_MS = 15_000;
const CONNECTING_GLANCE_MS = 50;

/**
 * Messages and people are read as they come and not kept: unlimited, they are never freed. Of a
 * message's author and those it mentions the nicknames have to be there together.
 */
const CACHE_LIMITS = {
  ...Options.DefaultMakeCacheSettings,
  MessageManager: 0,
  GuildMemberManager: {
    maxSize: 10,
    keepOverLimit: ({ id, client }: { id: string; client: Client }) => id === client.user?.id,
  },
  UserManager: {
    maxSize: 1,
    keepOverLimit: ({ id, client }: { id: string; client: Client }) => id === client.user?.id,
  },
  GuildEmojiManager: 0,
  GuildStickerManager: 0,
  PresenceManager: 0,
  VoiceStateManager: 0,
  ReactionManager: 0,
  ReactionUserManager: 0,
  ThreadMemberManager: 0,
  GuildBanManager: 0,
  GuildInviteManager: 0,
  GuildScheduledEventManager: 0,
  StageInstanceManager: 0,
  AutoModerationRuleManager: 0,
  BaseGuildEmojiManager: 0,
  ApplicationCommandManager: 0,
  EntitlementManager: 0,
};

function listen(
  client: Client,
  options: ConnectOptions,
  end: (reason: End) => void,
  ended: AbortSignal,
): void {
  const { listener, logger, clock, pace } = options;
  /** Shards without a session, each with what ends the wait for it. */
  const down = new Map<number, AbortController>();
  const isUp = (shard: number): void => {
    down.get(shard)?.abort();
    if (down.delete(shard) && down.size === 0) logger.info({}, 'Discord: connected again');
  };
  const isDown = async (shard: number): Promise<void> => {
    listener.onDown(shard);
    if (down.has(shard)) return;
    if (down.size === 0) logger.warn({ shard }, 'Discord: connection lost, coming back');
    const back = new AbortController();
    down.set(shard, back);
    await clock.sleep(pace.deadShardMs, AbortSignal.any([back.signal, ended]));
    if (!back.signal.aborted) end({ kind: 'dead', reason: 'a shard did not come back' });
  };

  listenToMessages(client, listener);
  client.on(Events.InteractionCreate, (interaction) => listener.onInteraction(interaction));
  const sold = (entitlement: Entitlement, isDeleted = entitlement.deleted): void =>
    listener.onEntitlement({ entitlement, isDeleted });
  client.on(Events.EntitlementCreate, (entitlement) => sold(entitlement));
  client.on(Events.EntitlementUpdate, (_, entitlement) => sold(entitlement));
  client.on(Events.EntitlementDelete, (entitlement) => sold(entitlement, true));
  client.on(Events.Error, (error) =>
    logger.error({ reason: describe(toFailure(error)) }, 'discord.js failed'),
  );
  client.on(Events.ShardError, (error) =>
    logger.debug({ reason: describe(toFailure(error)) }, 'gateway connection failed'),
  );
  client.on(Events.ShardReconnecting, (shard) => void isDown(shard));
  client.on(Events.ShardResume, (shard) => {
    isUp(shard);
    listener.onResumed(shard);
  });
  client.on(Events.ShardReady, (shard) => {
    isUp(shard);
    listener.onBegan({ shard, count: client.options.shardCount ?? 1, client });
  });
  client.on(Events.ShardDisconnect, ({ code }) => end({ kind: 'closed', code }));
  client.on(Events.Invalidated, () => end({ kind: 'dead', reason: 'session invalidated' }));
}

function isTokenInvalid(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === DiscordjsErrorCodes.TokenInvalid;
}
