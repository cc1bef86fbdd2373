import { editDistance } from './platform/edit-distance.ts';

/** Names that people bring from other projects. */
const ALIASES: readonly { alias: string; name: string }[] = [
  ...alias('OPENROUTER_API_KEY', 'OPEN_ROUTER_API_KEY'),
  ...alias('DEFAULT_MODEL', 'OPENROUTER_MODEL', 'LLM_MODEL'),
  ...alias('OPENROUTER_APP_URL', 'OPENROUTER_HTTP_REFERER', 'OPENROUTER_REFERER'),
  ...alias('OPENROUTER_APP_NAME', 'OPENROUTER_X_TITLE', 'OPENROUTER_TITLE'),
  ...alias('TEMPERATURE', 'LLM_TEMPERATURE'),
  ...alias('MAX_TOKENS', 'LLM_MAX_TOKENS'),
  ...alias('FALLBACK_MODEL', 'DEFAULT_FALLBACK_MODELS'),
];

/**
 * Settings that nothing reads yet, with the value that needs no warning: `.env.example` and compose
 * files set it. Any other value is met with a warning, not with silence.
 */
const NOT_SERVED_YET: Readonly<Record<string, string | null>> = {
  PRIVACY_POLICY_URL: null,
  COACH_MODEL_MASTER: null,
  COACH_MODEL_CAREER: null,
  COACH_MODEL_SKILLS: null,
  COACH_MODEL_LEADERSHIP: null,
  COACH_MODEL_NETWORK: null,
  JWT_SECRET: null,
  JWKS_URL: null,
  ALERT_CHANNEL: null,
  USAGE_RETENTION_DAYS: '90',
};

/** Prefixes that only our settings have in the environments where a bot runs. */
const OURS = /^(TELEGRAM|DISCORD|OPENROUTER|GEMINI|COACH_MODEL|CACHE|MODEL)_/u;

/** Drops empty values, resolves other projects' names, and notes names that look like misspelt ones. */
export function collectSettings(
  environment: Readonly<Record<string, string | undefined>>,
  settingNames: readonly string[],
): { readonly values: Record<string, string>; readonly warnings: string[] } {
  const values: Record<string, string> = {};
  const warnings: string[] = [];
  for (const name of settingNames) {
    const value = environment[name]?.trim();
    if (value !== undefined && value !== '') values[name] = value;
  }
  for (const { alias, name } of ALIASES) {
    const value = environment[alias]?.trim();
    if (value === undefined || value === '') continue;
    const used = values[name] === undefined;
    warnings.push(
      used ? `${alias} is read as ${name}; please rename it.` : `${alias} is ignored because ${name} is set.`,
    );
    if (used) values[name] = value;
  }
  for (const [name, usual] of Object.entries(NOT_SERVED_YET)) {
    const value = values[name];
    if (value !== undefined && value !== usual) {
      warnings.push(`${name} is set, but has no effect in this version.`);
    }
  }
  warnings.push(...similarNames(Object.keys(environment), settingNames));
  return { values, warnings };
}

/** A warning for each name that is none of ours but looks as if it was meant to be. */
function similarNames(present: readonly string[], known: readonly string[]): string[] {
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
