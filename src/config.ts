import { z } from 'zod';
import { costNanoUsdFromUsd } from './completion/money.ts';
import { PROVIDERS } from './completion/provider.ts';
import { isOff, providerProblems, providerWarnings, toProviders } from './config-models.ts';
import { collectSettings } from './config-names.ts';
import { keyProblems, webhookProblems } from './config-rules.ts';
import { LEAST_ANSWER_TOKENS, MOST_ANSWER_TOKENS, MOST_TEMPERATURE } from './conversation/setting-ports.ts';
import { isWeakKey } from './keys/weak-key.ts';
import { guildId, userId, type GuildId, type Platform, type UserId } from './platform/ids.ts';

/**
 * Reads every setting from the environment at once. The only file that knows variable names; all
 * others are handed values. `.env.example` documents each of them.
 */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[]; readonly warnings: readonly string[] };

export type Config = ReturnType<typeof toConfig>;

export function readConfig(environment: Readonly<Record<string, string | undefined>>): ConfigResult {
  const { values, warnings } = collectSettings(environment, settingNames);
  warnings.push(...providerWarnings(values));
  const parsed = SETTINGS.safeParse(values);
  const problems = [...(parsed.success ? [] : parsed.error.issues.map(describe)), ...contradictions(values)];
  if (!parsed.success || problems.length > 0) return { ok: false, problems, warnings };
  return { ok: true, config: toConfig(parsed.data, environment), warnings };
}

const wholeNumber = (low: number, high: number, fallback: number) =>
  z
    .string()
    .regex(/^\d+$/u, `write a whole number from ${low} to ${high}`)
    .transform(Number)
    .refine((value) => value >= low && value <= high, `write a whole number from ${low} to ${high}`)
    .default(fallback);

const flag = (fallback: boolean) =>
  z
    .string()
    .toLowerCase()
    .pipe(z.enum(['true', 'false', '1', '0', 'yes', 'no'], { error: 'write true or false' }))
    .transform((value) => value === 'true' || value === '1' || value === 'yes')
    .default(fallback);

const oneOf = <const Choices extends readonly [string, ...string[]]>(...choices: Choices) =>
  z.enum(choices, { error: `write one of ${choices.join(', ')}` });

const text = z.string();
const secret = text.regex(/^\S+$/u, 'write the key without blanks');
const url = z.url({ protocol: /^https?$/u, error: 'write a URL that starts with http:// or https://' });
const withoutSlash = url.transform((value) => value.replace(/\/+$/u, ''));
const decimal = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/u, `write a number from ${low} to ${high}, such as 0.7`)
    .transform(Number)
    .refine((value) => value >= low && value <= high, `write a number from ${low} to ${high}`);
const usd = decimal(0, 1_000_000);
const postgresUrl = z.url({
  protocol: /^postgres(ql)?$/u,
  error: 'write postgres://user:password@host:5432/name',
});
const modelId = z.string().regex(/^\S{1,200}$/u, 'write one model id, such as openrouter/free');

const list = text.transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

const modelIds = list.pipe(z.array(modelId)).default([]);

const qualifiedIds = list
  .pipe(
    z.array(
      z
        .string()
        .regex(
          /^(discord|telegram|terminal|http):\S+$/u,
          'write ids with their platform, such as discord:123,telegram:456',
        ),
    ),
  )
  .default([]);

const key32 = z
  .string()
  .refine(
    (value) => Buffer.from(value, 'base64').length === 32,
    'write 32 random bytes in base64 (openssl rand -base64 32)',
  );

const encryptionKey = key32.refine(
  (value) => Buffer.from(value, 'base64').length !== 32 || !isWeakKey(value),
  {
    error: 'that key can be guessed; take the output of openssl rand -base64 32 as it is',
  },
);

const toRange = (range: string): readonly [number, number] => {
  const [first = 0, last = first] = range.split('-').map(Number);
  return [first, last];
};

/** `0,1` and `0-3`, also mixed; the ids in order, each once. */
const shardIds = z
  .string()
  .regex(/^\d{1,4}(-\d{1,4})?(\s*,\s*\d{1,4}(-\d{1,4})?)*$/u, 'write shard ids, such as 0,1 or 0-3')
  .transform((value) => value.split(',').map(toRange))
  .refine((ranges) => ranges.every(([first, last]) => first <= last), 'write ranges upwards, such as 0-3')
  .transform((ranges) => {
    const ids = ranges.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    );
    return [...new Set(ids)].toSorted((a, b) => a - b);
  });

const DAY_MS = 86_400_000;

const SETTINGS = z.object({
  DISCORD_TOKEN: z
    .string()
    .regex(/^\S+$/u, 'write the token that the developer portal shows for the bot, without blanks')
    .optional(),
  // The version is the adapter's business.
  DISCORD_API_URL: withoutSlash
    .transform((value) => value.replace(/\/v\d+$/u, ''))
    .default('https://discord.com/api'),
  TELEGRAM_BOT_TOKEN: z
    .string()
    .regex(/^\d+:[\w-]{20,}$/u, 'write the token as @BotFather gave it, such as 123456789:AA…')
    .optional(),
  TELEGRAM_API_ROOT: withoutSlash.default('https://api.telegram.org'),
  TELEGRAM_MODE: oneOf('polling', 'webhook').default('polling'),
  TELEGRAM_STREAMING: oneOf('edit', 'draft').default('edit'),
  TELEGRAM_WEBHOOK_SECRET: z
    .string()
    .regex(/^[\w-]{1,256}$/u, 'write 1 to 256 letters, digits, _ or -')
    .optional(),
  DISCORD_SHARDS: shardIds.optional(),
  DISCORD_SHARD_COUNT: wholeNumber(1, 10_000, 1).optional(),
  PUBLIC_URL: withoutSlash.optional(),

  ACCESS: oneOf('open', 'approval', 'list').optional(),
  ALLOWED_GUILDS: qualifiedIds,
  ALLOWED_USERS: qualifiedIds,
  PRIVACY_POLICY_URL: url.optional(),

  OPENROUTER_API_KEY: secret.optional(),
  OPENROUTER_BASE_URL: withoutSlash.optional(),
  OPENROUTER_APP_URL: url.optional(),
  OPENROUTER_APP_NAME: text.default('Parley'),
  DEFAULT_MODEL: modelId.optional(),
  FALLBACK_MODEL: modelIds,
  EMERGENCY_FALLBACK_MODEL: modelId.optional(),
  USE_FREE_MODELS_ONLY: flag(true),
  MAX_TOKENS: wholeNumber(LEAST_ANSWER_TOKENS, MOST_ANSWER_TOKENS, 1000),
  TEMPERATURE: decimal(0, MOST_TEMPERATURE).default(0.7),
  GPT_PROVIDER: oneOf(...PROVIDERS).optional(),
  GEMINI_API_KEY: secret.optional(),
  GEMINI_BASE_URL: withoutSlash.optional(),
  HF_TOKEN: secret.optional(),
  HF_BASE_URL: withoutSlash.optional(),
  GEMINI_MODEL: modelId.optional(),
  HF_MODEL: modelId.optional(),
  GEMINI_FREE: flag(false),
  HF_FREE: flag(false),
  MODEL_TIMEOUT_MS: wholeNumber(1000, 600_000, 45_000),
  FIRST_TOKEN_TIMEOUT_MS: wholeNumber(500, 600_000, 15_000),
  IDLE_TOKEN_TIMEOUT_MS: wholeNumber(500, 600_000, 20_000),
  ANSWER_MAX_MS: wholeNumber(1000, 3_600_000, 300_000),
  MODEL_REFRESH_HOURS: wholeNumber(1, 168, 6),
  COACH_MODEL_MASTER: modelId.optional(),
  COACH_MODEL_CAREER: modelId.optional(),
  COACH_MODEL_SKILLS: modelId.optional(),
  COACH_MODEL_LEADERSHIP: modelId.optional(),
  COACH_MODEL_NETWORK: modelId.optional(),

  PROMPT_CACHING_ENABLED: flag(true),
  CACHE_CONTROL_STRATEGY: oneOf('auto', 'off', 'system', 'history').default('auto'),
  CACHE_MIN_TOKENS: wholeNumber(0, 1_000_000, 1024),

  FREE_MODEL_RATE_LIMIT_PER_MINUTE: wholeNumber(1, 100_000, 20),
  USER_RATE_LIMIT_PER_MINUTE: wholeNumber(1, 100_000, 20),
  MAX_CONVERSATION_HISTORY_TOKENS: wholeNumber(0, 1_000_000, 6000),
  DAILY_BUDGET_USD: usd.optional(),
  MONTHLY_BUDGET_USD: usd.optional(),
  DEFAULT_USER_REQUESTS_PER_DAY: wholeNumber(0, 1_000_000_000, 200),
  DEFAULT_GUILD_REQUESTS_PER_DAY: wholeNumber(0, 1_000_000_000, 1000),
  PLANS_ENABLED: flag(false),

  DATABASE_URL: postgresUrl.optional(),
  DATABASE_DIRECT_URL: postgresUrl.optional(),
  DATABASE_POOL_SIZE: wholeNumber(1, 200, 10),
  DATA_DIR: text.default('./.data'),
  REDIS_URL: z.url({ protocol: /^rediss?$/u, error: 'write redis://host:6379' }).optional(),
  ENCRYPTION_KEY: encryptionKey.optional(),
  ENCRYPTION_KEY_PREVIOUS: encryptionKey.optional(),

  HTTP_PORT: wholeNumber(0, 65_535, 8080),
  HTTP_HOST: text.default('127.0.0.1'),
  JWT_SECRET: z
    .string()
    .refine((value) => Buffer.byteLength(value) >= 32, 'write at least 32 bytes')
    .optional(),
  JWKS_URL: url.optional(),
  ALERT_CHANNEL: text.optional(),
  TURN_MAX_AGE_MS: wholeNumber(1000, DAY_MS, 900_000),
  BACKLOG_MAX_AGE_MS: wholeNumber(0, 7 * DAY_MS, 900_000),
  OPERATOR_IDS: qualifiedIds,
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').optional(),
  INSTANCE_ID: z
    .string()
    .regex(/^[\w.-]{1,64}$/u, 'write 1 to 64 letters, digits, ., _ or -')
    .optional(),
  SHUTDOWN_GRACE_MS: wholeNumber(0, 600_000, 10_000),
  USAGE_RETENTION_DAYS: wholeNumber(1, 3650, 90),
});

type Settings = z.output<typeof SETTINGS>;

/** Every setting, in the order of `.env.example`. */
export const settingNames: readonly string[] = Object.keys(SETTINGS.shape);

function describe(issue: z.core.$ZodIssue): string {
  return `${String(issue.path[0])}: ${issue.message}.`;
}

/** Rules between settings. They look at raw values, so that they are told beside the others' problems. */
function contradictions(values: Readonly<Record<string, string>>): string[] {
  const problems: string[] = [];
  const paidAllowed = isOff(values.USE_FREE_MODELS_ONLY ?? 'true');
  if (paidAllowed && values.DAILY_BUDGET_USD === undefined) {
    problems.push(
      'DAILY_BUDGET_USD: write how many US dollars may be spent a day, because USE_FREE_MODELS_ONLY=false allows paid models.',
    );
  }
  return [
    ...problems,
    ...providerProblems(values),
    ...webhookProblems(values),
    ...keyProblems(values),
    ...shardProblems(values),
  ];
}

function shardProblems({
  DISCORD_SHARDS: shards,
  DISCORD_SHARD_COUNT: count,
}: Readonly<Record<string, string>>): string[] {
  if (shards === undefined && count === undefined) return [];
  if (shards === undefined) {
    return ['DISCORD_SHARDS: write which shards this process runs, such as 0-3, beside DISCORD_SHARD_COUNT.'];
  }
  if (count === undefined) {
    return ['DISCORD_SHARD_COUNT: write how many shards there are in all, beside DISCORD_SHARDS.'];
  }
  const ids = shardIds.safeParse(shards);
  if (!ids.success || !/^\d+$/u.test(count) || ids.data.every((id) => id < Number(count))) return [];
  return [`DISCORD_SHARDS: write ids below DISCORD_SHARD_COUNT, which is ${count}.`];
}

function toConfig(s: Settings, environment: Readonly<Record<string, string | undefined>>) {
  return {
    discord: s.DISCORD_TOKEN === undefined ? null : toDiscord(s, s.DISCORD_TOKEN),
    telegram: s.TELEGRAM_BOT_TOKEN === undefined ? null : toTelegram(s, s.TELEGRAM_BOT_TOKEN),
    access: toAccess(s),
    model: toModel(s),
    limits: toLimits(s),
    storage: {
      url: s.DATABASE_URL ?? null,
      directUrl: s.DATABASE_DIRECT_URL ?? null,
      poolSize: s.DATABASE_POOL_SIZE,
      dataDir: s.DATA_DIR,
      redisUrl: s.REDIS_URL ?? null,
    },
    http: toHttp(s),
    encryption: toEncryption(s),
    /** The language of the terminal, as POSIX names it (`id_ID.UTF-8`). */
    terminalLocale: environment.LC_ALL ?? environment.LC_MESSAGES ?? environment.LANG ?? null,
    operation: {
      // A chat in the terminal shares the screen with the log.
      logLevel: s.LOG_LEVEL ?? ((s.TELEGRAM_BOT_TOKEN ?? s.DISCORD_TOKEN) === undefined ? 'warn' : 'info'),
      instanceId: s.INSTANCE_ID ?? null,
      turnMaxAgeMs: s.TURN_MAX_AGE_MS,
      backlogMaxAgeMs: s.BACKLOG_MAX_AGE_MS,
      shutdownGraceMs: s.SHUTDOWN_GRACE_MS,
    },
    secrets: secretsOf(s),
    /** Keys the pseudonyms that providers see; survives a change of the model key when set. */
    pseudonymSecret: s.ENCRYPTION_KEY ?? s.OPENROUTER_API_KEY ?? 'simulated',
  };
}

function toHttp(s: Settings) {
  return { port: s.HTTP_PORT, host: s.HTTP_HOST, publicUrl: s.PUBLIC_URL ?? null };
}

function toEncryption(s: Settings) {
  return { primary: s.ENCRYPTION_KEY ?? null, previous: s.ENCRYPTION_KEY_PREVIOUS ?? null };
}

function toDiscord(s: Settings, token: string) {
  const { DISCORD_SHARDS: ids, DISCORD_SHARD_COUNT: count } = s;
  return {
    token,
    apiUrl: s.DISCORD_API_URL,
    sealingSecret: s.ENCRYPTION_KEY ?? token,
    /** Those of this process; null for as many as Discord recommends, all here. */
    shards: ids === undefined || count === undefined ? null : { ids, count },
  };
}

function toTelegram(s: Settings, token: string) {
  const { TELEGRAM_MODE: mode, PUBLIC_URL: url, TELEGRAM_WEBHOOK_SECRET: secret } = s;
  return {
    token,
    apiRoot: s.TELEGRAM_API_ROOT,
    streaming: s.TELEGRAM_STREAMING,
    mode,
    /** Null while polling. */
    webhook: mode === 'polling' || url === undefined || secret === undefined ? null : { url, secret },
  };
}

function toAccess(s: Settings) {
  return {
    mode: s.ACCESS ?? (s.USE_FREE_MODELS_ONLY ? 'open' : 'approval'),
    users: s.ALLOWED_USERS.map((id) => branded<UserId>(id, userId)),
    guilds: s.ALLOWED_GUILDS.map((id) => branded<GuildId>(id, guildId)),
    operators: s.OPERATOR_IDS.map((id) => branded<UserId>(id, userId)),
  } as const;
}

function toModel(s: Settings) {
  return {
    ...toProviders(s),
    appUrl: s.OPENROUTER_APP_URL ?? null,
    appName: s.OPENROUTER_APP_NAME,
    defaultModel: s.DEFAULT_MODEL ?? null,
    fallbackModels: s.FALLBACK_MODEL,
    emergencyModel: s.EMERGENCY_FALLBACK_MODEL ?? null,
    freeOnly: s.USE_FREE_MODELS_ONLY,
    maxTokens: s.MAX_TOKENS,
    temperature: s.TEMPERATURE,
    refreshHours: s.MODEL_REFRESH_HOURS,
    caching: {
      strategy: s.PROMPT_CACHING_ENABLED ? s.CACHE_CONTROL_STRATEGY : ('off' as const),
      minTokens: s.CACHE_MIN_TOKENS,
    },
    timers: {
      modelTimeoutMs: s.MODEL_TIMEOUT_MS,
      firstTokenTimeoutMs: s.FIRST_TOKEN_TIMEOUT_MS,
      idleTokenTimeoutMs: s.IDLE_TOKEN_TIMEOUT_MS,
      answerMaxMs: s.ANSWER_MAX_MS,
    },
  };
}

function toLimits(s: Settings) {
  const nanoUsd = (value: number | undefined): number | null =>
    value === undefined ? null : Number(costNanoUsdFromUsd(value));
  return {
    freePerMinute: s.FREE_MODEL_RATE_LIMIT_PER_MINUTE,
    userPerMinute: s.USER_RATE_LIMIT_PER_MINUTE,
    historyTokens: s.MAX_CONVERSATION_HISTORY_TOKENS,
    userRequestsPerDay: s.DEFAULT_USER_REQUESTS_PER_DAY,
    guildRequestsPerDay: s.DEFAULT_GUILD_REQUESTS_PER_DAY,
    dailyBudgetNanoUsd: nanoUsd(s.DAILY_BUDGET_USD),
    monthlyBudgetNanoUsd: nanoUsd(s.MONTHLY_BUDGET_USD),
    plansEnabled: s.PLANS_ENABLED,
  };
}

/** Values that must never be printed. */
function secretsOf(s: Settings): readonly string[] {
  return [
    s.DISCORD_TOKEN,
    s.TELEGRAM_BOT_TOKEN,
    s.TELEGRAM_WEBHOOK_SECRET,
    s.OPENROUTER_API_KEY,
    s.GEMINI_API_KEY,
    s.HF_TOKEN,
    s.DATABASE_URL,
    s.DATABASE_DIRECT_URL,
    s.REDIS_URL,
    s.ENCRYPTION_KEY,
    s.ENCRYPTION_KEY_PREVIOUS,
    s.JWT_SECRET,
  ].filter((value) => value !== undefined);
}

function branded<Id>(qualified: string, make: (platform: Platform, raw: string) => Id): Id {
  const colon = qualified.indexOf(':');
  return make(qualified.slice(0, colon) as Platform, qualified.slice(colon + 1));
}
