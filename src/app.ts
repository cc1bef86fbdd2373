import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DiscordPace } from './adapters/discord/adapter.ts';
import type { TelegramPace } from './adapters/telegram/adapter.ts';
import { createTerminalAdapter } from './adapters/terminal/adapter.ts';
import { isWritten } from './commands/command.ts';
import { commandServices } from './command-services.ts';
import { createCommandDoor } from './commands/door.ts';
import { menu } from './commands/menu.ts';
import type { ModelShelf } from './completion/ports.ts';
import type { CompletionChain } from './completion/completion.ts';
import type { Config } from './config.ts';
import { createEchoGuard } from './conversation/echo-guard.ts';
import { createEngine } from './conversation/engine.ts';
import { createReplyDesk } from './conversation/reply-desk.ts';
import { createWaitingMarks } from './conversation/waiting-marks.ts';
import { createRunner, type Runner } from './conversation/runner.ts';
import { createDispatch } from './dispatch.ts';
import { engineSettings, type EngineSettings } from './engine-settings.ts';
import { startAudits } from './jobs/audit-books.ts';
import { startCorrections } from './jobs/corrections.ts';
import { every } from './jobs/every.ts';
import { startHeartbeat, startSweep } from './jobs/recovery.ts';
import { lookAtCanary } from './keys/vault-care.ts';
import { createUserLimiter, type UserLimiter } from './limits/user-limiter.ts';
import type { FreeAnswers } from './free-answers.ts';
import type { FreePoolReader } from './limits/free-ports.ts';
import { createOwnKeys, keyringOf, type OwnKeys } from './own-keys.ts';
import { commandsFor, servePlans } from './served-plans.ts';
import { startHttp } from './serve-http.ts';
import { StoreUnavailable, type Handlers, type PlatformAdapter } from './platform/adapter.ts';
import { turnId, type Platform } from './platform/ids.ts';
import { openDatabase, type Database } from './store/database.ts';
import { createStore, type Store } from './store/store.ts';
import { createUpstream } from './upstream.ts';

export interface AppOptions {
  readonly config: Config;
  readonly log: Logger;
  /** The folder that holds `drizzle/`. */
  readonly root: string;
  readonly terminal: {
    readonly input: Readable;
    readonly output: Writable;
    readonly isInteractive: boolean;
  };
  /** The terminal chat is over. */
  readonly onTerminalEnd: () => void;
  /** A platform refused us for good while running. */
  readonly onFatal: (error: Error) => void;
  /** Used in place of the one that the settings name; its owner closes it. */
  readonly database?: Database;
  /** Departures from the paces that suit the platforms' limits. */
  readonly telegramPace?: TelegramPace;
  readonly discordPace?: DiscordPace;
  /** A departure from the time within which a person's messages are one question. */
  readonly burstMs?: number;
}

export interface App {
  /** Resolves when everything serves. Rejects, with a sentence for the operator, when it never can. */
  start(): Promise<void>;
  /** Takes nothing new, finishes what runs within the grace period, and closes everything. */
  stop(): Promise<void>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Makes every part, in the order in which they need one another, and connects them. */
export function createApp(options: AppOptions): App {
  const { config, log } = options;
  const closing: (() => Promise<unknown>)[] = [];
  const whenStopped: WhenStopped = (close) => void closing.unshift(close);
  const graceOver = Promise.withResolvers<void>();
  /** For what is waited for until the grace period, which begins with the stop, is over. */
  const withinGrace: WhenStopped = (close) => whenStopped(() => Promise.race([close(), graceOver.promise]));
  const onFailure = (error: unknown): void => log.warn({ err: error }, 'background work failed');
  const notReady = new Set<string>(['start']);

  return {
    async start() {
      const database = await open(options, whenStopped);
      const adapters = new Map<Platform, PlatformAdapter>();
      const readiness = async () => [...notReady, ...(await missing(database))];
      let ownKeys: OwnKeys | null = null;
      const endSignIn = () => ownKeys?.endSignIn ?? null;
      await startHttp({ config, log, notReady: readiness, adapters, endSignIn }, whenStopped);
      await reach(database, options, whenStopped);
      // A life of its own each time: leases of an earlier one must not look like this one's.
      const instance = `${config.operation.instanceId ?? 'parley'}-${randomUUID()}`;
      const settings = engineSettings(config, instance, options.burstMs);
      const { plansEnabled } = config.limits;
      const store = createStore(database, { log, defaults: settings.defaults, instance, plansEnabled });

      const upstream = await createUpstream(options, store, whenStopped);
      const keyring = keyringOf(config.encryption);
      if (keyring !== null) await lookAtCanary(store.vault, keyring, log);
      ownKeys = createOwnKeys(config, store, { desk: upstream.desk, keyring, log, newErrorId });
      const core = await createCore(
        options,
        { store, ...upstream, ownKeys, adapters, settings },
        whenStopped,
      );
      const heartbeat = startHeartbeat(settings, store.turns, core.runner, onFailure);
      whenStopped(() => heartbeat.stop()); // leases are renewed until the last turn has ended
      whenStopped(() => core.runner.release());
      // The last answers have taken marks away.
      withinGrace(() => Promise.all([...adapters.values()].map((adapter) => adapter.settle())));
      withinGrace(() => core.runner.idle());

      for (const adapter of await createAdapters(options)) adapters.set(adapter.platform, adapter);
      const recovery = {
        ...settings,
        platforms: [...adapters.keys()],
        turnMaxAgeMs: config.operation.turnMaxAgeMs,
        isAlone: database.kind === 'embedded',
      };
      const jobs = [
        startSweep(recovery, store.turns, core.runner, onFailure),
        every(24 * HOUR_MS, () => store.housekeeping(), onFailure),
        every(MINUTE_MS, () => store.forgetSealed(), onFailure),
        startCorrections({ ...store, ...upstream, openKey: ownKeys.openKey, log }, onFailure),
        startAudits({ ...store, ...upstream, now: Date.now, log }, onFailure),
      ];
      withinGrace(() => Promise.all(jobs.map((job) => job.stop())));
      await connect([...adapters.values()], core.handlers, notReady, withinGrace);
      log.info({ instance, database: database.kind, platforms: [...adapters.keys()] }, 'Parley is ready');
    },
    async stop() {
      notReady.add('stopping');
      const grace = setTimeout(graceOver.resolve, config.operation.shutdownGraceMs);
      for (const close of closing.splice(0)) {
        try {
          await close();
        } catch (error) {
          log.error({ err: error }, 'a part did not close cleanly');
        }
      }
      clearTimeout(grace);
    },
  };
}

type WhenStopped = (close: () => Promise<unknown>) => void;

async function open(options: AppOptions, whenStopped: WhenStopped): Promise<Database> {
  const { config, log, root, database: lent } = options;
  if (lent !== undefined) return lent;
  const database = await openDatabase({ ...config.storage, migrationsFolder: `${root}/drizzle`, log });
  whenStopped(() => database.close());
  return database;
}

/** Waits for a server that is away; a refused login is final. */
async function reach(database: Database, { log }: AppOptions, whenStopped: WhenStopped): Promise<void> {
  let isStopping = false;
  whenStopped(() => Promise.resolve((isStopping = true)));
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      return await database.migrate();
    } catch (error) {
      if (isStopping) throw error;
      if (!(error instanceof StoreUnavailable)) throw unusable(database, error);
      log.warn({ reason: error.message, retryAfterMs: waitMs }, 'the database can not be reached yet');
      await delay(waitMs);
    }
  }
}

/** Whose setting it is, for whoever reads why there was no start. */
function unusable({ kind }: Database, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const where = kind === 'postgres' ? 'The database at DATABASE_URL' : 'The database in DATA_DIR';
  return new Error(`${where} can not be used: ${reason}`, { cause });
}

interface CoreParts {
  readonly store: Store;
  readonly chain: CompletionChain;
  readonly models: ModelShelf;
  readonly freePools: FreePoolReader;
  readonly leavePlace: FreeAnswers['leave'];
  readonly ownKeys: OwnKeys;
  readonly adapters: ReadonlyMap<Platform, PlatformAdapter>;
  readonly settings: EngineSettings;
}

async function createLimiter(
  { config, log }: AppOptions,
  { instance, longestTurnMs }: EngineSettings,
  whenStopped: WhenStopped,
): Promise<UserLimiter> {
  const url = config.storage.redisUrl;
  if (url === null) return createUserLimiter({ now: Date.now, longestTurnMs, redis: null });
  const { createRedisLink } = await import('./limits/redis-link.ts');
  const link = createRedisLink({ url, log });
  whenStopped(() => Promise.resolve(link.close()));
  await link.start();
  return createUserLimiter({ now: Date.now, longestTurnMs, redis: { link, instance } });
}

async function createCore(
  options: AppOptions,
  parts: CoreParts,
  whenStopped: WhenStopped,
): Promise<{ runner: Runner; handlers: Handlers }> {
  const { store, chain, ownKeys, adapters, settings } = parts;
  const { config, log } = options;
  const now = Date.now;
  const limiter = await createLimiter(options, settings, whenStopped);
  const echoes = createEchoGuard();
  const shown = {
    store: store.turns,
    adapterOf: (platform: Platform) => adapters.get(platform) ?? null,
    log,
    sleep: pause,
  };
  const marks = createWaitingMarks(shown);
  const desk = createReplyDesk({ ...shown, marks });
  const runner = createRunner({
    store: store.turns,
    errors: store.errors,
    keys: store.keys,
    openKey: ownKeys.openKey,
    chain,
    limiter,
    desk,
    echoes,
    log,
    now,
    monotonicNow: () => performance.now(),
    sleep: pause,
    newMessageId: randomUUID,
    newErrorId,
    leavePlace: parts.leavePlace,
    pseudonym: pseudonymsBy(config.pseudonymSecret),
    search: { freeOnly: config.model.freeOnly },
    temperature: config.model.temperature,
    window: settings.window,
    instance: settings.instance,
    leaseMs: settings.leaseMs,
  });
  const { known, payments, ...plans } = await servePlans(options, store, shown.adapterOf);
  const engine = createEngine(settings, {
    store: store.turns,
    limiter,
    plans: known,
    runner,
    marks,
    echoes,
    now,
    newTurnId: () => turnId(randomUUID()),
  });
  const services = commandServices(
    { ...parts, plans: plans.services, newReportId: () => newId('R') },
    engine,
  );
  const door = createCommandDoor(settings.access, settings.userPerMinute, now);
  const { errors, memory } = store;
  const handlers = createDispatch({ engine, services, door, errors, memory, payments, log, newErrorId });
  return { runner, handlers };
}

function pseudonymsBy(secret: string): (internalUserId: string) => string {
  return (internalUserId) => createHmac('sha256', secret).update(internalUserId).digest('hex').slice(0, 32);
}

/** Waiting alone keeps no process alive. */
const pause = (ms: number): Promise<void> => delay(ms, undefined, { ref: false });

/** Short enough to be read out, rare enough to be found by. */
const newId = (letter: string): string => `${letter}-${randomBytes(4).toString('hex').toUpperCase()}`;
const newErrorId = (): string => newId('E');

/** Side by side: a platform that is away keeps nobody waiting on another one. */
async function connect(
  adapters: readonly PlatformAdapter[],
  handlers: Handlers,
  notReady: Set<string>,
  whenStopped: WhenStopped,
): Promise<void> {
  for (const { platform } of adapters) notReady.add(platform);
  notReady.delete('start');
  whenStopped(() => Promise.all(adapters.map((adapter) => adapter.stop())));
  await Promise.all(
    adapters.map(async (adapter) => {
      await adapter.start(handlers);
      notReady.delete(adapter.platform);
    }),
  );
}

/** The platforms that have a token; without any, a chat in the terminal. */
async function createAdapters(options: AppOptions): Promise<readonly PlatformAdapter[]> {
  const { config, log: logger, onFatal } = options;
  if (config.telegram === null && config.discord === null) {
    return [
      createTerminalAdapter({
        ...options.terminal,
        locale: config.terminalLocale,
        isSimulated: config.model.isSimulated,
        now: Date.now,
        onEnd: options.onTerminalEnd,
      }),
    ];
  }
  const adapters: PlatformAdapter[] = [];
  const specs = commandsFor(config).map(({ spec }) => spec);
  if (config.telegram !== null) {
    const { createTelegramAdapter } = await import('./adapters/telegram/adapter.ts');
    const telegram = {
      config: config.telegram,
      commands: specs.filter(isWritten),
      describe: menu.describe,
      logger,
      onFatal,
    };
    adapters.push(createTelegramAdapter({ ...telegram, ...options.telegramPace }));
  }
  if (config.discord !== null) {
    const { createDiscordAdapter } = await import('./adapters/discord/adapter.ts');
    // A chat there has no beginning that it would tell.
    const offered = specs.filter(({ opensChat }) => opensChat !== true);
    const discord = { config: config.discord, commands: offered, ...menu, logger, onFatal };
    adapters.push(createDiscordAdapter({ ...discord, ...options.discordPace }));
  }
  return adapters;
}

/** What keeps this process from serving. */
function missing(database: Database): Promise<readonly string[]> {
  return database.ping().then(
    () => [],
    () => ['database'],
  );
}
