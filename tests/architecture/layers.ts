/**
 * Who may import what. Everything that is not listed here is forbidden: a new folder, a new
 * package or a new direction needs a line in this file.
 */

/** What a layer may take from another one: anything, or types and what its `ports.ts` defines. */
type Share = 'all' | 'ports';

export interface Layer {
  readonly mayImport: Readonly<Record<string, Share>>;
  /** May it touch files, sockets, threads or other processes by itself? */
  readonly mayReachOutside: boolean;
  /** May it tell one platform from another? */
  readonly mayNamePlatforms: boolean;
}

const adapter: Layer = {
  mayImport: { platform: 'all', i18n: 'all', rendering: 'all', delivery: 'all', intake: 'all' },
  mayReachOutside: true,
  mayNamePlatforms: true,
};

const pure = (mayImport: Readonly<Record<string, Share>>): Layer => ({
  mayImport,
  mayReachOutside: false,
  mayNamePlatforms: false,
});

/** Folders of `src/`; the files directly in `src/` are the layer `root`, which may import them all. */
export const layers: Readonly<Record<string, Layer>> = {
  platform: { ...pure({}), mayNamePlatforms: true },
  i18n: { ...pure({}), mayNamePlatforms: true },
  rendering: pure({ platform: 'all' }),
  delivery: pure({ platform: 'all' }),
  intake: pure({ platform: 'all', delivery: 'all' }),
  completion: pure({}),
  // The free pool is what the chain takes its places from.
  limits: pure({ platform: 'all', completion: 'ports' }),
  usage: pure({ platform: 'all' }),
  keys: pure({ platform: 'all', completion: 'ports' }),
  plans: pure({ platform: 'all', limits: 'ports', completion: 'ports' }),
  conversation: pure({
    platform: 'all',
    i18n: 'all',
    completion: 'all',
    limits: 'ports',
    keys: 'ports',
    plans: 'all',
  }),
  commands: pure({
    platform: 'all',
    conversation: 'all',
    limits: 'all',
    usage: 'all',
    completion: 'ports',
    keys: 'all',
    plans: 'all',
    i18n: 'all',
  }),
  jobs: pure({ conversation: 'all', completion: 'all', platform: 'all', usage: 'ports' }),
  store: {
    mayImport: {
      platform: 'all',
      conversation: 'ports',
      completion: 'ports',
      limits: 'ports',
      usage: 'ports',
      keys: 'ports',
      plans: 'ports',
    },
    mayReachOutside: true,
    mayNamePlatforms: true,
  },
  simulator: { mayImport: {}, mayReachOutside: true, mayNamePlatforms: true },
  'adapters/discord': adapter,
  'adapters/telegram': adapter,
  'adapters/terminal': adapter,
  'adapters/http': adapter,
};

/** The files directly in `src/`. Nobody imports them but one another: values are passed down. */
export const rootFiles: readonly string[] = [
  'main.ts',
  'app.ts',
  'command-services.ts',
  'config.ts',
  'config-names.ts',
  'config-models.ts',
  'model-providers.ts',
  'config-rules.ts',
  'logger.ts',
  'dispatch.ts',
  'engine-settings.ts',
  'free-answers.ts',
  'keys-command.ts',
  'own-keys.ts',
  'payment-dispatch.ts',
  'serve-http.ts',
  'served-plans.ts',
  'upstream.ts',
];

/** The layers, or single files, that may import a package. */
export const packageOwners: Readonly<Record<string, readonly string[]>> = {
  openai: ['completion'],
  tokenx: ['completion', 'conversation'],
  bottleneck: ['limits'],
  ioredis: ['limits'],
  'drizzle-orm': ['store'],
  postgres: ['store'],
  '@electric-sql/pglite': ['store'],
  marked: ['rendering'],
  grammy: ['adapters/telegram'],
  'discord.js': ['adapters/discord'],
  hono: ['adapters/http'],
  '@hono/node-server': ['adapters/http'],
  pino: ['logger.ts'],
  zod: ['config.ts', 'completion', 'adapters/http', 'simulator'],
};

/** Node's modules by which a program reaches outside itself. */
export const outsideModules: readonly string[] = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'fs',
  'http',
  'http2',
  'https',
  'net',
  'readline',
  'tls',
  'worker_threads',
];

/** Layers or files in which a dotted name may occur. */
export const nameOwners: Readonly<Record<string, readonly string[]>> = {
  'process.env': ['config.ts', 'main.ts'],
  'process.argv': ['main.ts', 'simulator/cli.ts'],
  'process.exit': ['main.ts', 'simulator/cli.ts'],
  'process.exitCode': ['main.ts', 'simulator/cli.ts'],
  'process.stdout': ['main.ts', 'app.ts', 'adapters/terminal', 'simulator'],
  'process.stdin': ['main.ts', 'app.ts', 'adapters/terminal'],
};

/** Calls that open a transaction. The embedded database has one connection: only the store may hold it. */
export const transactionCall = /\.(transaction|savepoint)$|(^|\.)(sql|tx|db|database|connection)\.begin$/;

/** Names that say nothing about what is inside. */
export const emptyNames: readonly string[] = [
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'manager',
  'data',
  'info',
  'types',
  'index',
  'misc',
  'shared',
];

export const MOST_LINES = 400;
