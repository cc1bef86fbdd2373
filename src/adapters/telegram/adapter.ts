import { Api } from 'grammy';
import type { Locale } from '../../i18n/translate.ts';
import { FatalAdapterError, type PlatformAdapter } from '../../platform/adapter.ts';
import type { CommandSpec } from '../../platform/command.ts';
import type { Logger } from '../../platform/logger.ts';
import { fromReplyTarget } from './address.ts';
import { createGroupAdmins } from './admins.ts';
import { createChores } from '../../delivery/chores.ts';
import { systemClock, type Clock } from '../../delivery/clock.ts';
import { publishCommands } from './commands.ts';
import { laneOf } from './decode.ts';
import { createDispatch } from './dispatch.ts';
import { createDraftIds } from './draft-ids.ts';
import { attempt, describe, isTokenRefused, type Failure } from './failure.ts';
import type { PollingPace } from './hand.ts';
import { createSendBudget, DEFAULT_PACE, type Pace } from './pacing.ts';
import { ALLOWED_UPDATES, createPolling, DEFAULT_POLLING_PACE, type Polling } from './polling.ts';
import { createReply, type ReplyContext } from './reply.ts';
import { createSender } from './sender.ts';

export interface TelegramConfig {
  readonly token: string;
  /** Without a slash at the end. */
  readonly apiRoot: string;
  readonly streaming: 'edit' | 'draft';
}

export interface TelegramAdapterOptions extends TelegramPace {
  readonly config: TelegramConfig;
  readonly commands: readonly CommandSpec[];
  /** A command's description in a menu: 1-256 characters (Bot API BotCommand). */
  readonly describe: (command: string, locale: Locale) => string;
  readonly logger: Logger;
  /** The token was refused after the start; events have ceased for good. */
  readonly onFatal: (error: FatalAdapterError) => void;
  readonly clock?: Clock;
}

/** Departures from the pace that suits Telegram's limits. */
export interface TelegramPace {
  readonly pace?: Partial<Pace>;
  readonly pollingPace?: Partial<PollingPace>;
}

/** Parley on Telegram: long polling in, paced messages out. */
export function createTelegramAdapter(options: TelegramAdapterOptions): PlatformAdapter {
  const { config, logger, clock = systemClock } = options;
  const pollingPace = { ...DEFAULT_POLLING_PACE, ...options.pollingPace };
  const { api, pollApi } = createClients(config, pollingPace);
  const replies = createReplyContext(api, options);
  const chores = createChores();
  const stopping = new AbortController();
  let polling: Polling | null = null;

  /** Asks until Telegram answers; null when the adapter is stopped before. */
  const reach = async <Value>(call: () => Promise<Value>): Promise<Value | null> => {
    for (
      let delayMs = pollingPace.retryMs;
      !stopping.signal.aborted;
      delayMs = Math.min(delayMs * 2, pollingPace.longestRetryMs)
    ) {
      const outcome = await attempt(call);
      if (outcome.ok) return outcome.value;
      if (isTokenRefused(outcome.failure)) throw tokenRefused(outcome.failure);
      if (delayMs === pollingPace.retryMs)
        logger.warn({ reason: describe(outcome.failure) }, 'Telegram does not answer yet');
      const restMs = outcome.failure.kind === 'refused' ? outcome.failure.retryAfterMs : null;
      await clock.sleep(restMs ?? delayMs, stopping.signal);
    }
    return null;
  };

  return {
    platform: 'telegram',
    async start(handlers) {
      const me = await reach(() => api.getMe());
      if (me === null || (await reach(() => api.deleteWebhook())) === null) return;
      polling = createPolling({
        poll: ({ offset, limit, timeoutSeconds }, signal) =>
          pollApi.getUpdates(
            { offset, limit, timeout: timeoutSeconds, allowed_updates: ALLOWED_UPDATES },
            signal as GrammySignal,
          ),
        removeWebhook: () => api.deleteWebhook(),
        handle: createDispatch({
          ...options,
          me,
          handlers,
          replies,
          chores,
          admins: createGroupAdmins(api, clock, logger),
        }),
        lane: laneOf,
        onPoison: (eventId, cause) => handlers.onPoison(eventId, cause),
        onRefused: (failure) => options.onFatal(tokenRefused(failure)),
        pace: pollingPace,
        clock,
        random: Math.random,
        logger,
      });
      polling.start();
      logger.info({ bot: me.username }, 'Telegram: listening');
      chores.add(publishCommands(api, options.commands, options.describe, logger));
    },
    async stop() {
      stopping.abort();
      await polling?.stop();
      await chores.settle();
    },
    openReply: (target, replyOptions) => createReply(replies, fromReplyTarget(target), replyOptions),
  };
}

function createClients({ token, apiRoot }: TelegramConfig, { longPollSeconds }: PollingPace) {
  // grammY's own limit of 500 s would leave a dead socket unnoticed for as long.
  return {
    api: new Api(token, { apiRoot, timeoutSeconds: CALL_TIMEOUT_SECONDS }),
    pollApi: new Api(token, { apiRoot, timeoutSeconds: longPollSeconds + CALL_TIMEOUT_SECONDS }),
  };
}

function createReplyContext(api: Api, options: TelegramAdapterOptions): ReplyContext {
  const { config, logger, clock = systemClock } = options;
  const pace = { ...DEFAULT_PACE, ...options.pace };
  const budget = createSendBudget(pace, clock);
  return {
    api,
    sender: createSender(budget, pace, clock, logger),
    budget,
    pace,
    clock,
    logger,
    streaming: config.streaming,
    draftIds: createDraftIds(Math.random),
    chatsWithoutDrafts: new Set(),
  };
}

function tokenRefused(failure: Failure): FatalAdapterError {
  return new FatalAdapterError(
    `Telegram refuses TELEGRAM_BOT_TOKEN (${describe(failure)}): write the token that @BotFather shows for this bot.`,
  );
}

const CALL_TIMEOUT_SECONDS = 20;

/** grammY declares the signal of a polyfill, which differs from Node's in event types only. */
type GrammySignal = NonNullable<Parameters<Api['getUpdates']>[1]>;
