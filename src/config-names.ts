import { editDistance } from './platform/edit-distance.ts';

/** Names that people bring from other projects. */
export const ALIASES: readonly { alias: string; name: string }[] = [
  ...alias('OPENROUTER_API_KEY', 'OPEN_ROUTER_API_KEY'),
  ...alias('DEFAULT_MODEL', 'OPENROUTER_MODEL', 'LLM_MODEL'),
  ...alias('OPENROUTER_APP_URL', 'OPENROUTER_HTTP_REFERER', 'OPENROUTER_REFERER'),
  ...alias('OPENROUTER_APP_NAME', 'OPENROUTER_X_TITLE', 'OPENROUTER_TITLE'),
  ...alias('TEMPERATURE', 'LLM_TEMPERATURE'),
  ...alias('MAX_TOKENS', 'LLM_MAX_TOKENS'),
  ...alias('FALLBACK_MODEL', 'DEFAULT_FALLBACK_MODELS'),
];

/** Settings of the design that nothing reads yet; setting one is met with a warning, not with silence. */
export const NOT_SERVED_YET: readonly string[] = [
  'DISCORD_TOKEN',
  'DISCORD_SHARDS',
  'DISCORD_SHARD_COUNT',
  'TELEGRAM_WEBHOOK_SECRET',
  'PUBLIC_URL',
  'PRIVACY_POLICY_URL',
  'GPT_PROVIDER',
  'GEMINI_API_KEY',
  'HF_TOKEN',
  'COACH_MODEL_MASTER',
  'COACH_MODEL_CAREER',
  'COACH_MODEL_SKILLS',
  'COACH_MODEL_LEADERSHIP',
  'COACH_MODEL_NETWORK',
  'REDIS_URL',
  'JWT_SECRET',
  'JWKS_URL',
  'ALERT_CHANNEL',
];

/** Prefixes that only our settings have in the environments where a bot runs. */
const OURS = /^(TELEGRAM|DISCORD|OPENROUTER|GEMINI|COACH_MODEL|CACHE|MODEL)_/u;

/** A warning for each name that is none of ours but looks as if it was meant to be. */
export function similarNames(present: readonly string[], known: readonly string[]): string[] {
  const expected = new Set([...known, ...ALIASES.map(({ alias: name }) => name)]);
  return present
    .filter((name) => /^[A-Z][A-Z0-9_]{3,}$/u.test(name) && !expected.has(name))
    .flatMap((name) => {
      const near = known.find((candidate) => editDistance(name, candidate) <= 2);
      if (near !== undefined) return [`${name} is not a setting; did you mean ${near}?`];
      return OURS.test(name) ? [`${name} is not a setting of Parley and has no effect.`] : [];
    });
}

function alias(name: string, ...aliases: readonly string[]) {
  return aliases.map((other) => ({ alias: other, name }));
}
