import { GatewayCloseCodes, GatewayIntentBits } from 'discord.js';
import { backoffMs, type RetryPace } from '../../intake/back-off.ts';
import { FatalAdapterError } from '../../platform/adapter.ts';
import { connect, type ConnectionPace, type ConnectOptions, type Connection, type End } from './client.ts';
import { createIdentifyGate } from './identify-gate.ts';
import { portalPage } from './invite.ts';

/** Discord's events, however often the connection has to be made anew. */
export interface Gateway {
  /**
   * Resolves when events flow, or when it is closed before.
   * @throws FatalAdapterError when Discord will never let this bot connect as it is configured.
   */
  open(): Promise<void>;
  /** Ends the connection. Never rejects. */
  close(): Promise<void>;
}

export interface GatewayPace extends ConnectionPace, RetryPace {
  readonly identifyIntervalMs: number;
}

export const DEFAULT_GATEWAY_PACE: GatewayPace = {
  waitGuildTimeoutMs: 2000,
  handshakeTimeoutMs: 10_000,
  loginTimeoutMs: 60_000,
  deadShardMs: 300_000,
  identifyIntervalMs: 5000,
  retryMs: 1000,
  longestRetryMs: 60_000,
};

export interface GatewayOptions extends Omit<ConnectOptions, 'gate' | 'intents' | 'pace'> {
  readonly applicationId: string;
  readonly readsContent: boolean;
  readonly pace: GatewayPace;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The connection is over for good, after it was open. */
  readonly onFatal: (error: FatalAdapterError) => void;
}

export function createGateway(options: GatewayOptions): Gateway {
  const { clock, logger, pace, random } = options;
  const closing = new AbortController();
  const gate = createIdentifyGate({
    identifyIntervalMs: pace.identifyIntervalMs,
    closed: closing.signal,
    clock,
    logger,
  });
  const intents = intentsOf(options.readsContent);
  let connection: Connection | null = null;
  let loop: Promise<void> = Promise.resolve();

  /** Keeps a connection alive until the gateway is closed; resolves early with what ended it for good. */
  const keep = async (onOpen: () => void): Promise<FatalAdapterError | null> => {
    let failures = 0;
    while (!closing.signal.aborted) {
      connection = connect({ ...options, gate, intents });
      let end = await connection.ready;
      if (end === null) {
        onOpen();
        if (failures > 0) logger.info({}, 'Discord: connected again');
        const openedMs = clock.now();
        end = await connection.over;
        if (clock.now() - openedMs > pace.longestRetryMs) failures = 0;
      }
      if (closing.signal.aborted) return null;
      const fatal = fatalOf(end, options);
      await connection.retire();
      if (fatal !== null) return fatal;
      failures += 1;
      const delayMs = backoffMs(failures, pace, random);
      logger[failures === 1 ? 'warn' : 'debug']({ end, delayMs }, 'Discord: connecting anew');
      await clock.sleep(delayMs, closing.signal);
    }
    return null;
  };

  return {
    async open() {
      const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
      let isOpen = false;
      loop = keep(() => {
        isOpen = true;
        resolve();
      }).then((fatal) => {
        if (fatal === null) resolve();
        else if (isOpen) options.onFatal(fatal);
        else reject(fatal);
      });
      await opened;
    },
    async close() {
      closing.abort();
      await connection?.retire();
      await loop;
    },
  };
}

function intentsOf(readsContent: boolean): GatewayIntentBits[] {
  return [
    GatewayIntentBits.Guilds,
    GatewayIntentBits.GuildMessages,
    GatewayIntentBits.DirectMessages,
    ...(readsContent ? [GatewayIntentBits.MessageContent] : []),
  ];
}

/** What the operator has to mend, for the ends after which no new connection helps (topics/opcodes "Gateway Close Event Codes"). */
function fatalOf(end: End, { applicationId, shards }: GatewayOptions): FatalAdapterError | null {
  if (end.kind === 'token_refused') return tokenRefused('at the gateway');
  if (end.kind === 'dead') return null;
  const page = portalPage(applicationId);
  switch (end.code) {
    case GatewayCloseCodes.AuthenticationFailed:
      return tokenRefused('gateway close 4004');
    case GatewayCloseCodes.DisallowedIntents:
      return new FatalAdapterError(
        `Discord does not allow the intents that Parley asks for (4014; Guilds, Guild Messages, Direct Messages, Message Content): set "Message Content Intent" as you want it at ${page} and start again.`,
      );
    case GatewayCloseCodes.InvalidIntents:
      return new FatalAdapterError(
        'Discord does not know the intents that Parley asks for (4013): install a newer version of Parley.',
      );
    case GatewayCloseCodes.InvalidShard:
    case GatewayCloseCodes.ShardingRequired:
      return new FatalAdapterError(
        `Discord wants the bot's servers divided in another way (${end.code}): ${
          shards === null
            ? 'start Parley again, which asks Discord how'
            : 'set DISCORD_SHARD_COUNT higher, and DISCORD_SHARDS to numbers below it, in all processes'
        }.`,
      );
    case GatewayCloseCodes.InvalidAPIVersion:
      return new FatalAdapterError(
        'Discord has ended the version of its API that Parley speaks (4012): install a newer version of Parley.',
      );
    default:
      return null;
  }
}

/** `where` tells which call was refused; it holds no secret. */
export function tokenRefused(where: string): FatalAdapterError {
  return new FatalAdapterError(
    `Discord refuses DISCORD_TOKEN (${where}): write the token that the page "Bot" of your application shows at https://discord.com/developers/applications.`,
  );
}
