import { Api } from 'grammy';
import type { Update, UserFromGetMe } from 'grammy/types';
import type { Locale } from '../../i18n/translate.ts';
import type { FatalAdapterError, Handlers, PlatformAdapter, Webhook } from '../../platform/adapter.ts';
import type { CommandSpec } from '../../platform/command.ts';
import type { Logger } from '../../platform/logger.ts';
import { fromReplyTarget } from './address.ts';
import { createGroupAdmins } from './admins.ts';
import { createChores, type Chores } from '../../delivery/chores.ts';
import { systemClock, type Clock } from '../../delivery/clock.ts';
import { publishCommands } from './commands.ts';
import { createDispatch } from './dispatch.ts';
import { createDraftIds } from './draft-ids.ts';
import { describe, toFailure } from './failure.ts';
import type { PollingPace } from './hand.ts';
import { createGuildOffice } from './guild-office.ts';
import { createOutageNotice } from './outage-notice.ts';
import { createSendBudget, DEFAULT_PACE, type Pace } from './pacing.ts';
import { DEFAULT_POLLING_PACE } from './polling.ts';
import { createPaymentDesk } from './payment-desk.ts';
import { createReach } from './reach.ts';
import { createReply, type ReplyContext } from './reply.ts';
import { createRests } from './rests.ts';
import { createSender } from './sender.ts';
import { createWebhookSource, openPolling, type Source } from './source.ts';
import { watchStars } from './star-account.ts';
import { createWaitingMarks } from './waiting-marks.ts';
import type { Verdict } from './webhook-intake.ts';
import type { WebhookConfig } from './webhook-setting.ts';
import { createWebhookDoor, WEBHOOK_PATH, type WebhookDoorOptions } from './webhook.ts';

export interface TelegramConfig {
  readonly token: string;
  /** Without a slash at the end. */
  readonly apiRoot: string;
  readonly streaming: 'edit' | 'draft';
  /** Where Telegram posts its updates; null where it is asked for them. */
  readonly webhook: WebhookConfig | null;
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

/** Parley on Telegram: long polling or a webhook in, paced messages out. */
export function createTelegramAdapter(options: TelegramAdapterOptions): PlatformAdapter {
  const { config, logger, clock = systemClock } = options;
  const pollingPace = { ...DEFAULT_POLLING_PACE, ...options.pollingPace };
  const { api, pollApi } = createClients(config, pollingPace);
  const chores = createChores();
  const replies = createReplyContext(api, chores, options);
  const stopping = new AbortController();
  const markWaiting = createWaitingMarks({ ...replies, chores, stopping: stopping.signal });
  const reach = createReach({ pace: pollingPace, clock, logger, stopping: stopping.signal });
  let source: Source | null = null;
  let watching: Promise<void> = Promise.resolve();
  let takePosted: ((update: Update) => Promise<Verdict>) | null = null;

  /** False when stopped before updates could come. */
  const open = async (me: UserFromGetMe, handlers: Handlers): Promise<boolean> => {
    const { webhook, token } = config;
    const admins = createGroupAdmins(api, clock, logger);
    const albums = webhook === null ? 'whole' : 'pieces';
    const handle = createDispatch({ ...options, me, handlers, replies, chores, admins, albums });
    const { onFatal } = options;
    const onWait = createOutageNotice(replies, chores);
    const parts = { api, pollApi, token, me, handlers, handle, onWait, reach, clock, logger, onFatal };
    const sourceOptions = { ...parts, pace: pollingPace, stopping: stopping.signal };
    if (webhook === null) {
      source = await openPolling(sourceOptions);
      return source !== null;
    }
    const posted = createWebhookSource(sourceOptions, webhook);
    source = posted;
    takePosted = (update) => posted.take(update);
    return await posted.begin();
  };

  return {
    platform: 'telegram',
    payments: createPaymentDesk({ api, clock, logger }),
    guilds: createGuildOffice(api, logger),
    ...(config.webhook === null ? {} : { webhook: createDoor(config.webhook, () => takePosted, options) }),
    async start(handlers) {
      await replies.rests.resume(handlers.memory);
      const me = await reach(() => api.getMe());
      if (me === null || !(await open(me.value, handlers))) return;
      logger.info({ bot: me.value.username }, 'Telegram: listening');
      const account = { api, botId: me.value.id, handlers, replies, pace: pollingPace, clock, logger };
      watching = watchStars({ ...account, stopping: stopping.signal });
      chores.add(publishCommands(api, options.commands, options.describe, logger));
    },
    async stop() {
      stopping.abort();
      replies.rests.stop();
      await source?.stop();
      await watching;
      await chores.settle();
    },
    settle: () => chores.settle(),
    async markWaiting(target, isWaiting) {
      try {
        await markWaiting(fromReplyTarget(target), isWaiting);
      } catch (error) {
        logger.error({ reason: describe(toFailure(error)) }, 'waiting mark not changed');
      }
    },
    openReply: (target, replyOptions) => createReply(replies, fromReplyTarget(target), replyOptions),
  };
}

function createDoor(
  { secret }: WebhookConfig,
  take: WebhookDoorOptions['take'],
  { logger, clock = systemClock }: TelegramAdapterOptions,
): Webhook {
  return { path: WEBHOOK_PATH, handle: createWebhookDoor({ secret, take, clock, logger }) };
}

function createClients({ token, apiRoot }: TelegramConfig, { longPollSeconds }: PollingPace) {
  // grammY's own limit of 500 s would leave a dead socket unnoticed for as long.
  return {
    api: new Api(token, { apiRoot, timeoutSeconds: CALL_TIMEOUT_SECONDS }),
    pollApi: new Api(token, { apiRoot, timeoutSeconds: longPollSeconds + CALL_TIMEOUT_SECONDS }),
  };
}

function createReplyContext(api: Api, chores: Chores, options: TelegramAdapterOptions): ReplyContext {
  const { config, logger, clock = systemClock } = options;
  const pace = { ...DEFAULT_PACE, ...options.pace };
  const budget = createSendBudget(pace, clock);
  const rests = createRests({ budget, botId: botIdIn(config.token), chores, logger });
  return {
    api,
    sender: createSender({ budget, rests, pace, clock, logger }),
    budget,
    rests,
    chores,
    pace,
    clock,
    logger,
    streaming: config.streaming,
    draftIds: createDraftIds(Math.random),
    chatsWithoutDrafts: new Set(),
  };
}

/** A token is the bot's id and a secret (Bot API "Authorizing your bot"). */
function botIdIn(token: string): string {
  return token.slice(0, token.indexOf(':'));
}

const CALL_TIMEOUT_SECONDS = 20;
