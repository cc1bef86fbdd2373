import { PassThrough, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createApp, type App, type AppOptions } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import {
  startOpenRouterSimulator,
  type OpenRouterSimulator,
  type SimulatorOptions,
} from '../../src/simulator/openrouter.ts';
import {
  startTelegramSimulator,
  type TelegramSimulator,
  type TelegramSimulatorOptions,
} from '../simulators/telegram/server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The whole bot in this process, configured as from the environment. */
export interface Bot {
  readonly app: App;
  /** What the terminal shows. */
  readonly screen: () => string;
  readonly type: (line: string) => void;
  readonly endInput: () => void;
  /** Resolves when the terminal chat is over. */
  readonly ended: Promise<void>;
  /** Why a platform refused the bot, once it did. */
  readonly fatal: () => Error | null;
  stop(): Promise<void>;
}

/** Every message is a question of its own, however fast they come, unless a test sets `burstMs`. */
export interface BotOptions extends Pick<
  AppOptions,
  'database' | 'telegramPace' | 'discordPace' | 'burstMs'
> {
  /** Receives each line of the log. */
  readonly onLog?: (line: string) => void;
}

/** Waits as short as the simulators allow: nobody reads along. For simulators that enforce no rates. */
export const QUICK: NonNullable<AppOptions['telegramPace']> = {
  pace: {
    private: { frameMs: 30, windows: [] },
    group: { frameMs: 30, windows: [] },
    activity: [],
    draft: { firstFrames: 4, firstMs: 10, laterMs: 30, heartbeatMs: 20_000 },
    retryMs: 20,
    finalDeadlineMs: 5000,
  },
  pollingPace: { retryMs: 20, longestRetryMs: 200, standbyMs: 200, arrivalMs: 50 },
};

const UNLIMITED = { typing: 1e6, frame: 1e6, first: 1e6, final: 1e6 };

export const QUICK_DISCORD: NonNullable<AppOptions['discordPace']> = {
  pace: {
    frameMs: 30,
    lane: { windowMs: 1, ...UNLIMITED },
    global: { windowMs: 1, ...UNLIMITED },
    firstText: { characters: 1, waitMs: 0 },
    retryMs: 20,
    finalDeadlineMs: 5000,
  },
  gatewayPace: { waitGuildTimeoutMs: 300, identifyIntervalMs: 20, retryMs: 20, longestRetryMs: 200 },
  handingPace: { retryMs: 20, longestRetryMs: 200 },
};

export async function startBot(
  environment: Record<string, string>,
  { onLog, ...options }: BotOptions = {},
): Promise<Bot> {
  const level = onLog === undefined ? 'silent' : 'trace';
  const read = readConfig({ HTTP_PORT: '0', LOG_LEVEL: level, ...environment });
  if (!read.ok) throw new Error(read.problems.join('\n'));
  const input = new PassThrough();
  let shown = '';
  const output = new Writable({
    write(chunk, _encoding, done) {
      shown += String(chunk);
      done();
    },
  });
  const ended = Promise.withResolvers<void>();
  let fatal: Error | null = null;
  const app = createApp({
    burstMs: 0,
    ...options,
    config: read.config,
    log: createLogger(read.config.operation.logLevel, read.config.secrets, {
      write: (line) => onLog?.(line),
    }),
    root,
    terminal: { input, output, isInteractive: false },
    onTerminalEnd: ended.resolve,
    onFatal: (error) => {
      fatal = error;
    },
  });
  try {
    await app.start();
  } catch (error) {
    await app.stop();
    throw error;
  }
  return {
    app,
    screen: () => shown,
    type: (line) => void input.write(`${line}\n`),
    endInput: () => void input.end(),
    ended: ended.promise,
    fatal: () => fatal,
    stop: () => app.stop(),
  };
}

/** Both outside services, and the settings that lead the bot to them. */
export interface Outside {
  readonly telegram: TelegramSimulator;
  readonly openrouter: OpenRouterSimulator;
  readonly environment: Record<string, string>;
  stop(): Promise<void>;
}

export interface OutsideOptions {
  readonly telegram?: TelegramSimulatorOptions;
  readonly openrouter?: SimulatorOptions;
}

let lastBotId = 700_000_000;

export async function startOutside(options: OutsideOptions = {}): Promise<Outside> {
  lastBotId += 1;
  const telegram = await startTelegramSimulator({
    enforceRates: false,
    // Another bot each time: messages of one must not look like those of another on the same database.
    token: `${lastBotId}:AA-simulated-token-AAAAAAAAAAAAAAAAAA`,
    ...options.telegram,
  });
  const openrouter = await startOpenRouterSimulator({
    freeLimits: { perMinute: 1_000_000, perDay: 1_000_000 },
    ...options.openrouter,
  });
  return {
    telegram,
    openrouter,
    environment: {
      TELEGRAM_BOT_TOKEN: telegram.token,
      TELEGRAM_API_ROOT: telegram.url,
      OPENROUTER_API_KEY: 'sk-or-v1-simulated',
      OPENROUTER_BASE_URL: openrouter.url,
      FREE_MODEL_RATE_LIMIT_PER_MINUTE: '100000',
    },
    async stop() {
      await telegram.stop();
      await openrouter.stop();
    },
  };
}
