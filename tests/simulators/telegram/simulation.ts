import { createDraftBoard } from './drafts.ts';
import type { DraftBoard } from './drafts.ts';
import { createFaultScript } from './faults.ts';
import type { FaultScript } from './faults.ts';
import { createRateGate } from './rates.ts';
import type { RateFamily, RateGate } from './rates.ts';
import { violations } from './specification.ts';
import { createUpdateQueue } from './updates.ts';
import type { UpdateQueue } from './updates.ts';
import { createLedger } from './payments.ts';
import type { CheckoutAnswer, Ledger } from './payments.ts';
import { createPolling } from './polling.ts';
import type { Polling } from './polling.ts';
import { createQueryDesk } from './queries.ts';
import type { CallbackAnswer, QueryDesk } from './queries.ts';
import { createProfile } from './profile.ts';
import type { Profile } from './profile.ts';
import { createFileStore } from './files.ts';
import type { FileStore } from './files.ts';
import { createWebhook } from './webhook.ts';
import type { Webhook } from './webhook.ts';
import { createWorld } from './world.ts';
import type { ChatState, World } from './world.ts';

export interface TelegramSimulatorOptions {
  /** 0 or left out: a free port. */
  port?: number;
  token?: string;
  username?: string;
  /** Whether the bot has Telegram's group privacy mode on; true unless told. */
  privacyMode?: boolean;
  /** Whether privacy mode lets a plain `@bot` mention through, on which Telegram's own pages disagree; true unless told. */
  privacyLetsMentionsThrough?: boolean;
  /** Whether private chats may have topics; false unless told. */
  topicsInPrivate?: boolean;
  /** Whether Telegram's rate limits apply; true unless told. */
  enforceRates?: boolean;
  /** Time a bot has to agree to a payment; 10,000 ms unless told. */
  checkoutDeadlineMs?: number;
  /** Delay before the first repeated webhook delivery in milliseconds, doubled each time up to 60 s; 1000 unless told. */
  webhookRetryMs?: number;
  /** Sees every call on its way and may hold it up; lets all pass unless told. */
  intercept?: Intercept;
  /** Clock in milliseconds since 1970; the system's unless told. */
  now?: () => number;
}

/**
 * Called before a call takes effect and again after it has, each time before anything is answered; the call waits for
 * the verdict, and `drop` breaks its connection there. `host` is the name by which the client reached the simulator.
 */
export type Intercept = (
  call: TelegramCall,
  when: 'before' | 'after',
  host: string,
) => Promise<InterceptVerdict> | InterceptVerdict;

type InterceptVerdict = 'pass' | 'drop';

/** One call of the bot, in the order of arrival. */
export interface TelegramCall {
  readonly method: string;
  /** With their documented types, unless the call was refused for them or met a fault first. */
  params: Readonly<Record<string, unknown>>;
  readonly atMs: number;
  readonly chatId?: number;
  /** True once the call has taken effect and succeeded, even if the answer was lost. */
  ok: boolean;
  /** True until the call is answered or its connection is gone. */
  pending: boolean;
  errorCode?: number;
  description?: string;
  result?: unknown;
  /** The client closed the connection before the answer, or a fault broke it. */
  aborted?: boolean;
}

/** Everything the simulator holds. */
export interface Simulation {
  readonly options: Required<TelegramSimulatorOptions>;
  readonly now: () => number;
  readonly world: World;
  readonly updates: UpdateQueue;
  readonly polling: Polling;
  readonly rates: RateGate;
  readonly drafts: DraftBoard;
  readonly faults: FaultScript;
  readonly callbacks: QueryDesk<CallbackAnswer>;
  readonly checkouts: QueryDesk<CheckoutAnswer>;
  readonly ledger: Ledger;
  readonly profile: Profile;
  readonly files: FileStore;
  readonly webhook: Webhook;
  readonly calls: TelegramCall[];
  /** Departures of what the simulator sent from the Bot API's description; a correct simulator keeps this empty. */
  readonly violations: string[];
  /** Until when the bot's typing shows, by chat id. */
  readonly typingUntilMs: Map<number, number>;
  charge(chat: ChatState, family: RateFamily): void;
  reset(): void;
}

/** How long a pressed button waits for the bot, in milliseconds. */
const callbackLifeMs = 150_000;

const defaultToken = '123456789:AA-simulated-token-AAAAAAAAAAAAAAAAAA';

export function createSimulation(given: TelegramSimulatorOptions): Simulation {
  const options = withDefaults(given);
  const { now } = options;
  const botId = Number(options.token.split(':')[0]);
  const world = createWorld({ id: botId, isBot: true, firstName: 'Parley', username: options.username }, now);
  const wrong: string[] = [];
  const updates = createUpdateQueue(now, (update) => wrong.push(...violations('Update', update)));
  const simulation: Simulation = {
    options,
    now,
    world,
    updates,
    polling: createPolling(updates),
    rates: createRateGate(now),
    drafts: createDraftBoard(now),
    faults: createFaultScript(),
    callbacks: createQueryDesk(now, callbackLifeMs),
    checkouts: createQueryDesk(now, options.checkoutDeadlineMs),
    ledger: createLedger(),
    profile: createProfile(),
    files: createFileStore(),
    webhook: createWebhook(updates, { retryMs: options.webhookRetryMs, now }),
    calls: [],
    violations: wrong,
    typingUntilMs: new Map(),
    charge(chat, family) {
      if (options.enforceRates) simulation.rates.charge(chat, family);
    },
    reset() {
      world.clear();
      updates.forgetAll();
      simulation.webhook.set(undefined);
      for (const part of [
        simulation.rates,
        simulation.drafts,
        simulation.faults,
        simulation.callbacks,
        simulation.checkouts,
        simulation.ledger,
        simulation.profile,
        simulation.files,
        simulation.typingUntilMs,
      ]) {
        part.clear();
      }
      simulation.calls.length = 0;
      wrong.length = 0;
    },
  };
  return simulation;
}

function withDefaults(given: TelegramSimulatorOptions): Required<TelegramSimulatorOptions> {
  return {
    port: 0,
    token: defaultToken,
    username: 'parley_bot',
    privacyMode: true,
    privacyLetsMentionsThrough: true,
    topicsInPrivate: false,
    enforceRates: true,
    checkoutDeadlineMs: 10_000,
    webhookRetryMs: 1000,
    intercept: () => 'pass',
    now: Date.now,
    ...given,
  };
}
