import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';

const read = (environment: Record<string, string>) => {
  const result = readConfig(environment);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result;
};

test('an empty environment gives the terminal, free models and the embedded database', () => {
  const { config, warnings } = read({});
  expect(config.telegram).toBeNull();
  expect(config.model).toMatchObject({ upstream: null, freeOnly: true, maxTokens: 1000, temperature: 0.7 });
  expect(config.storage).toMatchObject({ url: null, dataDir: './.data' });
  expect(config.access.mode).toBe('open');
  expect(warnings).toEqual([]);
});

test('all problems are listed at once, each with the name and what to write', () => {
  const result = readConfig({
    MAX_TOKENS: 'many',
    TEMPERATURE: '3',
    TELEGRAM_MODE: 'pigeon',
    DATABASE_URL: 'mysql://x',
    OPERATOR_IDS: '42',
    USE_FREE_MODELS_ONLY: 'false',
    JWT_SECRET: 'short',
  });
  expect(result.ok).toBe(false);
  const problems = result.ok ? [] : result.problems;
  for (const name of [
    'MAX_TOKENS',
    'TEMPERATURE',
    'TELEGRAM_MODE',
    'DATABASE_URL',
    'OPERATOR_IDS',
    'DAILY_BUDGET_USD',
    'JWT_SECRET',
  ]) {
    expect(problems.filter((problem) => problem.startsWith(`${name}: write `))).toHaveLength(1);
  }
  expect(problems).toHaveLength(7);
});

test('empty values count as absent', () => {
  expect(read({ MAX_TOKENS: '', OPENROUTER_API_KEY: ' ' }).config.model).toMatchObject({
    maxTokens: 1000,
    upstream: null,
  });
});

test('names from other projects are accepted with a note', () => {
  const { config, warnings } = read({
    OPEN_ROUTER_API_KEY: 'sk-or-v1-abc',
    LLM_MODEL: 'a/b:free',
    DEFAULT_FALLBACK_MODELS: 'c/d:free, e/f:free',
  });
  expect(config.model).toMatchObject({
    upstream: { apiKey: 'sk-or-v1-abc' },
    defaultModel: 'a/b:free',
    fallbackModels: ['c/d:free', 'e/f:free'],
  });
  expect(warnings).toHaveLength(3);
  expect(warnings[0]).toContain('OPENROUTER_API_KEY');
});

test('a misspelt name is pointed out', () => {
  expect(read({ TELEGRAM_BOT_TOKN: 'x' }).warnings).toEqual([
    'TELEGRAM_BOT_TOKN is not a setting; did you mean TELEGRAM_BOT_TOKEN?',
  ]);
  expect(read({ OPENROUTER_COLOUR: 'red' }).warnings[0]).toContain('no effect');
  expect(read({ PATH: '/bin', HOME: '/', DATABASE_HOST: 'x' }).warnings).toEqual([]);
});

test('a setting that nothing reads yet is met with a warning', () => {
  expect(read({ JWKS_URL: 'https://host/jwks' }).warnings).toEqual([
    'JWKS_URL is set, but has no effect in this version.',
  ]);
});

test('access asks for approval once paid models are allowed', () => {
  const paid = { USE_FREE_MODELS_ONLY: 'false', DAILY_BUDGET_USD: '1.50' };
  expect(read(paid).config.access.mode).toBe('approval');
  expect(read(paid).config.limits.dailyBudgetNanoUsd).toBe(1_500_000_000);
  expect(read({ ...paid, ACCESS: 'open' }).config.access.mode).toBe('open');
});

const problemsOf = (environment: Record<string, string>) => {
  const result = readConfig(environment);
  return result.ok ? [] : result.problems;
};

const TELEGRAM = { TELEGRAM_BOT_TOKEN: '123456789:AA-simulated-token-AAAAAAAAAAAAAAAAAA' };

test('Telegram is polled unless told, whatever is set for webhooks', () => {
  expect(read(TELEGRAM).config.telegram).toMatchObject({ mode: 'polling', webhook: null });
  const prepared = { ...TELEGRAM, PUBLIC_URL: 'https://bot.example', TELEGRAM_WEBHOOK_SECRET: 'abc' };
  expect(read(prepared)).toMatchObject({ config: { telegram: { webhook: null } }, warnings: [] });
});

test('a webhook needs an address and a secret', () => {
  const webhook = { ...TELEGRAM, TELEGRAM_MODE: 'webhook' };
  expect(problemsOf(webhook)).toEqual([
    expect.stringMatching(/^PUBLIC_URL: write /u),
    expect.stringMatching(/^TELEGRAM_WEBHOOK_SECRET: write /u),
  ]);
  const secret = { TELEGRAM_WEBHOOK_SECRET: 'a_secret-1' };
  const whole = read({ ...webhook, ...secret, PUBLIC_URL: 'https://bot.example/parley/' });
  expect(whole.config.telegram).toMatchObject({
    mode: 'webhook',
    webhook: { url: 'https://bot.example/parley', secret: 'a_secret-1' },
  });
  expect(whole.config.secrets).toContain('a_secret-1');
});

test('a webhook’s address is https, or of this machine', () => {
  const webhook = { ...TELEGRAM, TELEGRAM_MODE: 'webhook', TELEGRAM_WEBHOOK_SECRET: 'abc' };
  for (const host of ['bot.example', '127.example.org', '10.0.0.1']) {
    const problems = problemsOf({ ...webhook, PUBLIC_URL: `http://${host}` });
    expect(problems).toEqual([expect.stringMatching(/^PUBLIC_URL: write .*https:/u)]);
  }
  for (const host of ['127.0.0.1:8080', 'localhost:8080', '[::1]:8080']) {
    expect(problemsOf({ ...webhook, PUBLIC_URL: `http://${host}` })).toEqual([]);
  }
  expect(problemsOf({ ...webhook, PUBLIC_URL: 'bot.example' })).toHaveLength(1);
});

test('shards are written one by one or as ranges', () => {
  const shardsOf = (DISCORD_SHARDS: string, DISCORD_SHARD_COUNT: string) =>
    read({ DISCORD_TOKEN: 'x', DISCORD_SHARDS, DISCORD_SHARD_COUNT }).config.discord?.shards;
  expect(read({ DISCORD_TOKEN: 'x' }).config.discord?.shards).toBeNull();
  expect(shardsOf('0', '1')).toEqual({ ids: [0], count: 1 });
  expect(shardsOf('0-3', '8')).toEqual({ ids: [0, 1, 2, 3], count: 8 });
  expect(shardsOf('5, 0-1,1', '8')).toEqual({ ids: [0, 1, 5], count: 8 });
});

test.each([
  [{ DISCORD_SHARDS: '0' }, 'DISCORD_SHARD_COUNT'],
  [{ DISCORD_SHARD_COUNT: '2' }, 'DISCORD_SHARDS'],
  [{ DISCORD_SHARDS: '0-2', DISCORD_SHARD_COUNT: '2' }, 'DISCORD_SHARDS'],
  [{ DISCORD_SHARDS: '3-1', DISCORD_SHARD_COUNT: '4' }, 'DISCORD_SHARDS'],
  [{ DISCORD_SHARDS: 'all', DISCORD_SHARD_COUNT: '4' }, 'DISCORD_SHARDS'],
  [{ DISCORD_SHARDS: '0', DISCORD_SHARD_COUNT: 'many' }, 'DISCORD_SHARD_COUNT'],
])('of %o is told once what to write for %s', (environment, name) => {
  expect(problemsOf(environment)).toEqual([expect.stringMatching(new RegExp(`^${name}: write `, 'u'))]);
});

test('how old a message may be that is answered after downtime is read', () => {
  expect(read({}).config.operation.backlogMaxAgeMs).toBe(900_000);
  expect(read({ BACKLOG_MAX_AGE_MS: '0' })).toMatchObject({
    config: { operation: { backlogMaxAgeMs: 0 } },
    warnings: [],
  });
});

test('ids keep their platform', () => {
  expect(read({ OPERATOR_IDS: 'telegram:42, discord:7' }).config.access.operators).toEqual([
    'telegram:42',
    'discord:7',
  ]);
});

test('the address of Discord’s API is taken with and without its version', () => {
  const urlOf = (DISCORD_API_URL: string) =>
    read({ DISCORD_TOKEN: 'x', DISCORD_API_URL }).config.discord?.apiUrl;
  expect(urlOf('http://127.0.0.1:9/api/')).toBe('http://127.0.0.1:9/api');
  expect(urlOf('http://127.0.0.1:9/api/v10')).toBe('http://127.0.0.1:9/api');
});

const GEMINI_KEY = { GEMINI_API_KEY: 'AIza-key' };
const HF_KEY = { HF_TOKEN: 'hf_key' };
const ALL_KEYS = { OPENROUTER_API_KEY: 'sk-or-v1-key', ...GEMINI_KEY, ...HF_KEY };

test('who has a key is asked in order, the chosen one first', () => {
  const orderOf = (environment: Record<string, string>) => read(environment).config.model.providers;
  const free = { GEMINI_FREE: 'true', HF_FREE: 'true' };
  expect(orderOf({})).toEqual(['openrouter']);
  expect(orderOf({ ...HF_KEY, ...free })).toEqual(['huggingface']);
  expect(orderOf({ ...ALL_KEYS, ...free })).toEqual(['gemini', 'openrouter', 'huggingface']);
  expect(orderOf({ ...ALL_KEYS, ...free, GPT_PROVIDER: 'huggingface' })).toEqual([
    'huggingface',
    'gemini',
    'openrouter',
  ]);
  expect(orderOf({ ...ALL_KEYS, USE_FREE_MODELS_ONLY: 'false', DAILY_BUDGET_USD: '1' })).toHaveLength(3);
});

test('a key for another provider takes the simulator’s place', () => {
  const { model } = read({ ...GEMINI_KEY, GEMINI_FREE: 'true', GEMINI_MODEL: 'google/gemini-9' }).config;
  expect(model).toMatchObject({
    isSimulated: false,
    upstream: null,
    gemini: {
      apiKey: 'AIza-key',
      baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
      model: 'gemini-9',
      isFree: true,
    },
    huggingface: null,
  });
  expect(read({}).config.model.isSimulated).toBe(true);
});

test('a key that may cost money is left unused, with a warning, where only free models may be asked', () => {
  const { config, warnings } = read({ ...ALL_KEYS, HF_FREE: 'true' });
  expect(config.model).toMatchObject({ gemini: null, providers: ['openrouter', 'huggingface'] });
  expect(warnings).toEqual([expect.stringMatching(/^GEMINI_API_KEY is not used.*GEMINI_FREE=true/u)]);
});

test('keys for other programs keep nobody from a look at simulated answers', () => {
  const { config, warnings } = read({ ...GEMINI_KEY, ...HF_KEY });
  expect(config.model).toMatchObject({ isSimulated: true, gemini: null, providers: ['openrouter'] });
  expect(warnings).toHaveLength(2);
});

test.each([
  [{ GPT_PROVIDER: 'gemini' }, 'GEMINI_API_KEY'],
  [{ GPT_PROVIDER: 'huggingface', ...GEMINI_KEY, GEMINI_FREE: 'true' }, 'HF_TOKEN'],
  [{ GPT_PROVIDER: 'openrouter' }, 'OPENROUTER_API_KEY'],
  [{ ...GEMINI_KEY, TELEGRAM_BOT_TOKEN: '123456789:AA-simulated-token-AAAAAAAAAAAAAAAAAA' }, 'GEMINI_FREE'],
  [{ ...HF_KEY, GPT_PROVIDER: 'huggingface' }, 'HF_FREE'],
])('who answers must have a key that may be used: of %o is told %s', (environment, name) => {
  expect(problemsOf(environment)).toEqual([expect.stringMatching(new RegExp(`^${name}: write `, 'u'))]);
});
