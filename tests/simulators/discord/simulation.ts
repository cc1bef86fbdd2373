import { createInvalidRequests, createRateGate, bucketRules } from './buckets.ts';
import type { BucketName, BucketRule, InvalidRequests, Limited, RateGate } from './buckets.ts';
import { createCommandBook } from './commands.ts';
import type { CommandBook } from './commands.ts';
import { inspectEvent } from './event-check.ts';
import { createFaultScript } from './faults.ts';
import type { FaultScript } from './faults.ts';
import { createGateway } from './gateway.ts';
import type { Gateway } from './gateway.ts';
import { createInteractionDesk } from './interactions.ts';
import type { InteractionDesk } from './interactions.ts';
import type { PrivilegedIntents } from './intents.ts';
import type { MessageView } from './message-object.ts';
import type { Ping } from './messages.ts';
import { createNonces } from './nonces.ts';
import type { Nonces } from './nonces.ts';
import { createSnowflakes } from './snowflake.ts';
import { createShop } from './shop.ts';
import type { Shop } from './shop.ts';
import { createSessionStarts } from './starts.ts';
import type { SessionStarts } from './starts.ts';
import { createWorld } from './world.ts';
import type { Wire, World } from './world.ts';

export interface DiscordSimulatorOptions {
  /** 0 or left out: a free port. */
  port?: number;
  token?: string;
  username?: string;
  /** Differs from the bot's own id, as it does for old applications. */
  applicationId?: string;
  /** The switches of the developer portal; all off unless told, as in a new application. */
  privilegedIntents?: PrivilegedIntents;
  /** Whether Discord's rate limits apply; true unless told. */
  enforceRates?: boolean;
  /** Buckets with other figures than the usual ones. */
  buckets?: Partial<Record<BucketName, BucketRule>>;
  /** Requests a second over all buckets; 50 unless told. */
  globalPerSecond?: number;
  /** Whether sending and editing messages share one bucket; false unless told. */
  sharedMessageBucket?: boolean;
  /** Invalid requests in ten minutes before the bot is shut out; 10,000 unless told. */
  invalidRequestLimit?: number;
  heartbeatIntervalMs?: number;
  /** Sessions the bot may start in 24 hours; 1000 unless told. */
  identifyLimit?: number;
  /** Groups of shards that may start at once; 16 unless told, which spares clients of many shards their waits. */
  maxConcurrency?: number;
  /** Time between two starts of a group; 5000 ms at Discord, 0 unless told, so that a bot can be restarted at once. */
  identifyIntervalMs?: number;
  /** Time a bot has to answer an interaction first; 3000 ms unless told. */
  interactionDeadlineMs?: number;
  /** Sees every request on its way and may hold it up; lets all pass unless told. */
  intercept?: Intercept;
  /** Clock in milliseconds since 1970; the system's unless told. */
  now?: () => number;
}

/**
 * Called before a request takes effect, when its body is read, and again after it has, each time before anything is
 * answered; the request waits for the verdict, and `drop` breaks its connection there. `host` is the name by which the
 * client reached the simulator.
 */
export type Intercept = (
  call: DiscordCall,
  when: 'before' | 'after',
  host: string,
) => Promise<InterceptVerdict> | InterceptVerdict;

type InterceptVerdict = 'pass' | 'drop';

/** One request of the bot, in the order of arrival. */
export interface DiscordCall {
  /** `METHOD /path/{parameter}` as in the API's description. */
  readonly route: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  body: Wire;
  /** Uploaded files: names and sizes in bytes. */
  files: readonly { readonly name: string; readonly size: number }[];
  /** Fields of the body that the API does not know and ignores. */
  ignored: readonly string[];
  readonly atMs: number;
  readonly channelId: string | undefined;
  /** The bucket's hash and what was left in it. */
  bucket?: { readonly hash: string; readonly limit: number; readonly remaining: number };
  /** Set when the request met a 429. */
  limited?: Limited;
  /** True once the request has taken effect and succeeded, even if the answer was lost. */
  ok: boolean;
  /** True until the request is answered or its connection is gone. */
  pending: boolean;
  status?: number;
  /** Discord's code of a refusal. */
  code?: number;
  message?: string;
  result?: unknown;
  /** The client closed the connection before the answer, or a fault broke it. */
  aborted?: boolean;
}

/** Everything the simulator holds. */
export interface Simulation {
  readonly options: Required<DiscordSimulatorOptions>;
  readonly now: () => number;
  readonly world: World;
  readonly gateway: Gateway;
  readonly starts: SessionStarts;
  readonly rates: RateGate;
  readonly invalidRequests: InvalidRequests;
  readonly faults: FaultScript;
  readonly commands: CommandBook;
  readonly interactions: InteractionDesk;
  readonly nonces: Nonces;
  readonly shop: Shop;
  readonly calls: DiscordCall[];
  /** Everyone the bot's messages pinged, by creation or edit. */
  readonly pings: Ping[];
  /** Departures of what the simulator sent from the API's description; a correct simulator keeps this empty. */
  readonly violations: string[];
  /** Where attachments are served; known once the server listens. */
  fileRoot: string;
  view(hasIntent: boolean): MessageView;
  /** Whether a bot that reads over REST gets what messages say: it does when the portal's switch is on. */
  restView(): MessageView;
  /** Notes every way a gateway event departs from the description. */
  inspect(name: string, data: Wire): void;
  /** Makes the token invalid; every connection is closed with 4004. */
  revokeToken(): void;
  isTokenRevoked(): boolean;
  reset(): void;
}

const botId = '1100000000000000001';
const defaultToken = 'MTEwMDAwMDAwMDAwMDAwMDAwMQ.simulated.token-of-the-simulated-bot';

export function createSimulation(given: DiscordSimulatorOptions): Simulation {
  const options = withDefaults(given);
  const { now } = options;
  const bot = {
    id: botId,
    username: options.username,
    globalName: null,
    isBot: true,
    locale: 'en-US',
    acceptsDms: true,
  };
  let revoked = false;
  const simulation: Simulation = {
    options,
    now,
    world: createWorld(bot, createSnowflakes(now), now),
    gateway: createGateway(() => simulation),
    starts: createSessionStarts(
      {
        total: options.identifyLimit,
        maxConcurrency: options.maxConcurrency,
        intervalMs: options.identifyIntervalMs,
      },
      now,
    ),
    rates: createRateGate(
      {
        rules: { ...bucketRules, ...options.buckets },
        globalPerSecond: options.globalPerSecond,
        sharedMessageBucket: options.sharedMessageBucket,
      },
      now,
    ),
    invalidRequests: createInvalidRequests(now),
    faults: createFaultScript(),
    commands: createCommandBook(now),
    interactions: createInteractionDesk(),
    nonces: createNonces(now),
    shop: createShop(),
    calls: [],
    pings: [],
    violations: [],
    fileRoot: '',
    view: (hasIntent) => ({
      world: simulation.world,
      fileRoot: simulation.fileRoot,
      applicationId: options.applicationId,
      hasIntent,
    }),
    restView: () => simulation.view(options.privilegedIntents.messageContent),
    inspect: (name, data) => simulation.violations.push(...inspectEvent(name, data)),
    revokeToken() {
      revoked = true;
      simulation.gateway.close(4004);
    },
    isTokenRevoked: () => revoked,
    reset() {
      const { world, gateway } = simulation;
      for (const { id, members } of world.guilds.values()) {
        if (members.has(bot.id)) gateway.emit('GUILD_DELETE', { id }, id);
      }
      world.clear();
      for (const part of [
        simulation.rates,
        simulation.invalidRequests,
        simulation.faults,
        simulation.interactions,
        simulation.nonces,
        simulation.shop,
      ]) {
        part.clear();
      }
      for (const log of [simulation.calls, simulation.pings, simulation.violations]) log.length = 0;
    },
  };
  return simulation;
}

function withDefaults(given: DiscordSimulatorOptions): Required<DiscordSimulatorOptions> {
  return {
    port: 0,
    token: defaultToken,
    username: 'Parley',
    applicationId: '1100000000000000002',
    privilegedIntents: { messageContent: false, guildMembers: false, presences: false },
    enforceRates: true,
    buckets: {},
    globalPerSecond: 50,
    sharedMessageBucket: false,
    invalidRequestLimit: 10_000,
    heartbeatIntervalMs: 41_250,
    identifyLimit: 1000,
    maxConcurrency: 16,
    identifyIntervalMs: 0,
    interactionDeadlineMs: 3000,
    intercept: () => 'pass',
    now: Date.now,
    ...given,
  };
}
