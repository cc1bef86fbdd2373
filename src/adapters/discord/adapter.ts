import type { REST } from 'discord.js';
import { createChores } from '../../delivery/chores.ts';
import { systemClock, type Clock } from '../../delivery/clock.ts';
import { backoffMs } from '../../intake/back-off.ts';
import type { FailedTry } from '../../intake/hand-over.ts';
import {
  StoreUnavailable,
  type FatalAdapterError,
  type Handlers,
  type PlatformAdapter,
} from '../../platform/adapter.ts';
import type { CommandSpec } from '../../platform/command.ts';
import type { Logger } from '../../platform/logger.ts';
import { fromReplyTarget } from './address.ts';
import { createAnswering } from './answering.ts';
import { readApplication, type Application } from './application.ts';
import { createCallbacks } from './callback.ts';
import { DEFAULT_CATCH_UP_PACE, type CatchUpPace } from './catch-up.ts';
import type { ShardChoice } from './client.ts';
import type { CommandWords } from './command-words.ts';
import { publishCommands, toApplicationCommands } from './commands.ts';
import { createDispatch, type Dispatch } from './dispatch.ts';
import { createEntitlements, type Entitlements } from './entitlements.ts';
import { attempt, describe as describeFailure, isTokenRefused, toFailure } from './failure.ts';
import {
  createGateway,
  DEFAULT_GATEWAY_PACE,
  tokenRefused,
  type Gateway,
  type GatewayPace,
} from './gateway.ts';
import { createGuildOffice } from './guild-office.ts';
import { createHistory } from './history.ts';
import { createIntake, type Intake, type IntakePace } from './intake.ts';
import { createInteractions } from './interactions.ts';
import { inviteLink, portalPage } from './invite.ts';
import type { Pace } from './pacing.ts';
import { createReply, createReplyContext, type ReplyContext } from './reply.ts';
import { createRest } from './rest.ts';
import { createSeal, type Seal } from './seal.ts';
import { createShards } from './shards.ts';
import { createWaitingMarks } from './waiting-marks.ts';

export interface DiscordConfig {
  readonly token: string;
  /** Ends in `/api`. */
  readonly apiUrl: string;
  /** The shards of this process; null for all, as many as Discord advises. */
  readonly shards: ShardChoice | null;
  /** Seals the tokens of interactions where they are stored. */
  readonly sealingSecret: string;
}

export interface DiscordAdapterOptions extends CommandWords, DiscordPace {
  readonly config: DiscordConfig;
  readonly commands: readonly CommandSpec[];
  readonly logger: Logger;
  /** Discord refused the bot for good, after the start. */
  readonly onFatal: (error: FatalAdapterError) => void;
  readonly clock?: Clock;
}

/** Departures from the pace that suits Discord's limits. */
export interface DiscordPace {
  readonly pace?: Partial<Pace>;
  readonly gatewayPace?: Partial<GatewayPace>;
  readonly handingPace?: Partial<HandingPace>;
  readonly catchUpPace?: Partial<CatchUpPace>;
}

/** How long events are kept for a store that is away. */
export interface HandingPace extends IntakePace {
  /** How long a person who used a command or a button waits for the store. */
  readonly interactionPatienceMs: number;
  /** How long the first answer to an interaction may take. */
  readonly deferAfterMs: number;
}

const DEFAULT_HANDING_PACE: HandingPace = {
  retryMs: 200,
  longestRetryMs: 5000,
  patienceMs: 600_000,
  mostHeld: 1000,
  settleMs: 5000,
  interactionPatienceMs: 60_000,
  deferAfterMs: 1000,
};

/** What exists from the making of the adapter on. */
interface Wiring {
  readonly options: DiscordAdapterOptions;
  readonly rest: REST;
  readonly seal: Seal;
  readonly replies: ReplyContext;
  readonly chores: ReturnType<typeof createChores>;
  readonly clock: Clock;
  readonly stopping: AbortController;
  readonly tellFatal: (error: FatalAdapterError) => void;
}

/** Parley on Discord: the gateway in, paced REST calls out. */
export function createDiscordAdapter(options: DiscordAdapterOptions): PlatformAdapter {
  const { config, logger, clock = systemClock, pace = {} } = options;
  const stopping = new AbortController();
  let isRunning = false;
  /** A refusal that comes before the adapter runs is why it does not start. */
  const { promise: refused, reject: refuseStart } = Promise.withResolvers<never>();
  refused.catch(() => undefined);
  const tellFatal = (error: FatalAdapterError): void => {
    if (!isRunning) return refuseStart(error);
    isRunning = false;
    options.onFatal(error);
  };
  const rest = createRest({ ...config, onTokenRefused: (where) => tellFatal(tokenRefused(where)), logger });
  const seal = createSeal(config.sealingSecret);
  /** Known when Discord has told it; nothing is answered before. */
  const bot: { id: string | null } = { id: null };
  const replies = createReplyContext({ rest, bot, logger, clock, pace });
  const chores = createChores();
  const wiring: Wiring = { options, rest, seal, replies, chores, clock, stopping, tellFatal };
  const mark = createWaitingMarks({ ...replies, chores, signal: stopping.signal });
  let inbound: Inbound | null = null;

  const begin = async (handlers: Handlers): Promise<void> => {
    const application = await reachApplication(wiring);
    if (application === null) return;
    bot.id = application.bot.id;
    tellOperator(application, logger);
    const opened = openInbound(wiring, application, handlers);
    inbound = opened;
    await opened.gateway.open();
    if (stopping.signal.aborted) return;
    isRunning = true;
    logger.info({ bot: application.bot.name }, 'Discord: listening');
    // They are the bot's, not a shard's: one process is enough.
    if (config.shards?.ids.includes(0) === false) return;
    const commands = toApplicationCommands(options.commands, options);
    const retrying = { ...retryingOf(wiring), signal: stopping.signal };
    chores.add(publishCommands(rest, application.id, commands, retrying));
  };

  return {
    platform: 'discord',
    guilds: createGuildOffice(rest, logger),
    start: (handlers) => Promise.race([begin(handlers), refused]),
    async stop() {
      isRunning = false;
      // First, so that no event comes that nobody takes.
      await inbound?.gateway.close();
      stopping.abort();
      await inbound?.intake.settle();
      await inbound?.shards.settle();
      await inbound?.entitlements.settle();
      await chores.settle();
    },
    settle: () => chores.settle(),
    openReply: (target, replyOptions) =>
      createReply(replies, fromReplyTarget(target, seal, Date.now()), replyOptions),
    async markWaiting(target, isWaiting) {
      try {
        await mark(fromReplyTarget(target, seal, Date.now()), isWaiting);
      } catch (error) {
        logger.error({ reason: describeFailure(toFailure(error)) }, 'waiting mark not changed');
      }
    },
  };
}

/** How to insist while Discord is away. */
function retryingOf({ options, clock }: Wiring) {
  const pace = { ...DEFAULT_GATEWAY_PACE, ...options.gatewayPace };
  return { pace, clock, random: Math.random, logger: options.logger };
}

/** Asks until Discord answers; null when the adapter is stopped before. */
async function reachApplication(wiring: Wiring): Promise<Application | null> {
  const { options, rest, clock, stopping } = wiring;
  const { pace, random } = retryingOf(wiring);
  for (let failures = 1; !stopping.signal.aborted; failures += 1) {
    const outcome = await attempt(() => readApplication(rest));
    if (outcome.ok) return outcome.value;
    const reason = describeFailure(outcome.failure);
    if (isTokenRefused(outcome.failure)) throw tokenRefused(reason);
    if (failures === 1) options.logger.warn({ reason }, 'Discord does not answer yet');
    await clock.sleep(backoffMs(failures, pace, random), stopping.signal);
  }
  return null;
}

function tellOperator({ id, mayReadContent }: Application, logger: Logger): void {
  const reads = mayReadContent ? 'every message' : 'direct messages, mentions and replies that ping it';
  const page = portalPage(id);
  const howToChange = `switch "Message Content Intent" ${mayReadContent ? 'off' : 'on'} at ${page} and start again`;
  logger.info({ invite: inviteLink(id) }, 'Discord: invite the bot with this link');
  logger.info({ reads, howToChange }, 'Discord: what the bot is shown');
}

/** Loud once: a store that is away for a while would fill the log. */
function tellNotTaken(logger: Logger): (failed: FailedTry) => void {
  return ({ eventId, tries, error }) => {
    const isStoreAway = error instanceof StoreUnavailable;
    const reason = isStoreAway ? 'store unavailable' : describeFailure(toFailure(error));
    logger[tries === 1 ? 'warn' : 'debug']({ event: eventId, tries, reason }, 'event not taken');
  };
}

interface Inbound extends Pick<Dispatch, 'shards'> {
  readonly gateway: Gateway;
  readonly intake: Intake;
  readonly entitlements: Entitlements;
}

function openInbound(wiring: Wiring, application: Application, handlers: Handlers): Inbound {
  const { options, rest, seal, replies, chores, clock, stopping } = wiring;
  const { config, logger, commands } = options;
  const pace = { ...DEFAULT_HANDING_PACE, ...options.handingPace };
  const handingOver = { pace, clock, random: Math.random, onFailure: tellNotTaken(logger), logger };
  const readsContent = application.mayReadContent;
  const context = { bot: application.bot, readsContent, seal };
  const callbacks = createCallbacks({ rest, clock, logger });
  const onPoison: Handlers['onPoison'] = (eventId, cause) => handlers.onPoison(eventId, cause);
  const intake = createIntake({ ...handingOver, onPoison });
  const takeInteraction = createInteractions({
    ...handingOver,
    context,
    commands,
    words: options,
    handlers,
    callbacks,
    answering: createAnswering({ callbacks, replies, clock, deferAfterMs: pace.deferAfterMs }),
    chores,
    patienceMs: pace.interactionPatienceMs,
    signal: stopping.signal,
  });
  const shop = { rest, applicationId: application.id, handlers, intake, stopping: stopping.signal };
  const entitlements = createEntitlements({ ...retryingOf(wiring), ...shop });
  const catchUpPace = { ...DEFAULT_CATCH_UP_PACE, ...options.catchUpPace };
  const { listener, shards } = createDispatch({
    context,
    handlers,
    intake,
    openShards: (missed) =>
      createShards({
        ...missed,
        botId: application.bot.id,
        memory: handlers.memory,
        handingOver,
        pace: catchUpPace,
        stopping: stopping.signal,
        today: Date.now,
        clock,
        logger,
      }),
    historyOf: ({ client, ...session }) => ({
      ...session,
      history: createHistory({ client, sender: replies.sender, gapMs: catchUpPace.gapMs, clock }),
    }),
    takeInteraction,
    entitlements,
    rest,
    replies,
    addressOf: (target) => fromReplyTarget(target, seal, Date.now()),
    chores,
    stopped: stopping.signal,
    clock,
    logger,
  });
  const gateway = createGateway({
    ...config,
    applicationId: application.id,
    readsContent,
    listener,
    ...retryingOf(wiring),
    onFatal: wiring.tellFatal,
  });
  return { gateway, intake, shards, entitlements };
}
