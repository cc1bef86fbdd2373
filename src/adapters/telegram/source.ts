import type { Api } from 'grammy';
import type { Update, User } from 'grammy/types';
import type { Clock } from '../../delivery/clock.ts';
import type { FatalAdapterError, Handlers } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { laneOf } from './decode.ts';
import { attempt, describe } from './failure.ts';
import type { PollingPace } from './hand.ts';
import { createLead } from './lead.ts';
import { ALLOWED_UPDATES, createPolling } from './polling.ts';
import { tokenRefused, type createReach } from './reach.ts';
import { createWebhookIntake, type Verdict } from './webhook-intake.ts';
import { ensureWebhook, type WebhookConfig } from './webhook-setting.ts';

/** Where updates come from. */
export interface Source {
  /** Ends what brings updates; resolves when all in hand are handed over and confirmed. Never rejects. */
  stop(): Promise<void>;
}

export interface SourceOptions {
  readonly api: Api;
  /** With a patience that outlasts a long poll. */
  readonly pollApi: Api;
  readonly token: string;
  readonly me: User;
  readonly handlers: Handlers;
  /** Resolves when the update may be confirmed; rejects as the handler does, or when it can't be read. */
  readonly handle: (update: Update) => Promise<void>;
  /** Tells whoever waits for an answer to the update that it takes longer. */
  readonly onWait: (update: Update) => void;
  readonly reach: ReturnType<typeof createReach>;
  readonly pace: PollingPace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
  readonly onFatal: (error: FatalAdapterError) => void;
}

/** Asks Telegram for updates; null when stopped before it could begin. */
export async function openPolling(options: SourceOptions): Promise<Source | null> {
  const { api, pollApi, me, handlers } = options;
  if ((await options.reach(() => api.deleteWebhook())) === null) return null;
  const poller = `telegram-poller:${me.id}`;
  const polling = createPolling({
    ...options,
    poll: ({ offset, limit, timeoutSeconds }, signal) =>
      pollApi.getUpdates(
        { offset, limit, timeout: timeoutSeconds, allowed_updates: ALLOWED_UPDATES },
        signal as GrammySignal,
      ),
    lead: createLead({
      ...options,
      ask: (holdMs) => handlers.memory.lead(poller, holdMs),
      resign: () => handlers.memory.resign(poller),
      pace: options.pace.lead,
    }),
    removeWebhook: () => api.deleteWebhook(),
    lane: laneOf,
    onPoison: (eventId, cause) => handlers.onPoison(eventId, cause),
    onRefused: (failure) => options.onFatal(tokenRefused(failure)),
    random: Math.random,
  });
  polling.start();
  return polling;
}

export interface WebhookSource extends Source {
  /** Tells Telegram where to post; false when stopped before it heard. Rejects when the token is refused. */
  begin(): Promise<boolean>;
  /** Takes what was posted, also before the beginning: the address may be known to Telegram already. */
  take(update: Update): Promise<Verdict>;
}

/** Lets Telegram post updates. */
export function createWebhookSource(options: SourceOptions, webhook: WebhookConfig): WebhookSource {
  const { handlers, clock, logger, stopping } = options;
  const { memory } = handlers;
  const ensure = () => ensureWebhook({ ...options, memory, botId: options.me.id, webhook });
  let watching: Promise<void> = Promise.resolve();
  const intake = createWebhookIntake({
    ...options,
    lane: laneOf,
    onPoison: (eventId, cause) => handlers.onPoison(eventId, cause),
  });

  /** A poller with the same token takes the webhook away, and so does Telegram after a day of refusals. */
  const watch = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(WATCH_EVERY_MS, stopping);
      if (stopping.aborted) return;
      const outcome = await attempt(ensure);
      if (!outcome.ok) logger.debug({ reason: describe(outcome.failure) }, 'webhook not looked after');
    }
  };
  return {
    async begin() {
      if ((await options.reach(ensure)) === null) return false;
      watching = watch();
      return true;
    },
    take: (update) => intake.take(update),
    async stop() {
      await intake.stop();
      await watching;
    },
  };
}

const WATCH_EVERY_MS = 60_000;

/** grammY declares the signal of a polyfill, which differs from Node's in event types only. */
type GrammySignal = NonNullable<Parameters<Api['getUpdates']>[1]>;
