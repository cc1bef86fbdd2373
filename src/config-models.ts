import { PROVIDERS, type ProviderName } from './completion/provider.ts';

/** The settings that say who answers, once they are read. */
export interface ProviderSettings {
  readonly USE_FREE_MODELS_ONLY: boolean;
  readonly GPT_PROVIDER?: ProviderName | undefined;
  readonly OPENROUTER_API_KEY?: string | undefined;
  readonly OPENROUTER_BASE_URL?: string | undefined;
  readonly GEMINI_API_KEY?: string | undefined;
  readonly GEMINI_BASE_URL?: string | undefined;
  readonly GEMINI_MODEL?: string | undefined;
  readonly GEMINI_FREE: boolean;
  readonly HF_TOKEN?: string | undefined;
  readonly HF_BASE_URL?: string | undefined;
  readonly HF_MODEL?: string | undefined;
  readonly HF_FREE: boolean;
}

export interface Upstream {
  readonly apiKey: string;
  /** With the version. */
  readonly baseUrl: string;
}

/** A provider that is asked for one model. */
export interface OneModelUpstream extends Upstream {
  readonly model: string;
  /** The key costs nothing. */
  readonly isFree: boolean;
}

export const OPENROUTER_URL = 'https://openrouter.ai/api/v1';

/** Null stands for a provider that has no key, or whose key may cost money where nothing may. */
export function toProviders(s: ProviderSettings) {
  const mayBeAsked = (isFree: boolean): boolean => isFree || !s.USE_FREE_MODELS_ONLY;
  const gemini: OneModelUpstream | null =
    s.GEMINI_API_KEY === undefined || !mayBeAsked(s.GEMINI_FREE)
      ? null
      : {
          apiKey: s.GEMINI_API_KEY,
          baseUrl: s.GEMINI_BASE_URL ?? 'https://generativelanguage.googleapis.com/v1beta/openai',
          // Other lists write the same model with a prefix.
          model: (s.GEMINI_MODEL ?? 'gemini-3.8-flash').replace(/^(models|google)\//u, ''),
          isFree: s.GEMINI_FREE,
        };
  const huggingface: OneModelUpstream | null =
    s.HF_TOKEN === undefined || !mayBeAsked(s.HF_FREE)
      ? null
      : {
          apiKey: s.HF_TOKEN,
          baseUrl: s.HF_BASE_URL ?? 'https://router.huggingface.co/v1',
          model: s.HF_MODEL ?? 'openai/gpt-oss-120b',
          isFree: s.HF_FREE,
        };
  const upstream = toOpenRouter(s);
  const isSimulated = upstream === null && gemini === null && huggingface === null;
  const present = { openrouter: isSimulated || upstream !== null, gemini, huggingface };
  const providers = inOrder(s.GPT_PROVIDER).filter((name) => present[name]);
  return { upstream, gemini, huggingface, isSimulated, providers };
}

function toOpenRouter({
  OPENROUTER_API_KEY: key,
  OPENROUTER_BASE_URL: url,
}: ProviderSettings): Upstream | null {
  if (key === undefined && url === undefined) return null;
  // A server of one's own may need no key; the simulator takes this one.
  return { apiKey: key ?? 'sk-or-v1-simulated', baseUrl: url ?? OPENROUTER_URL };
}

function inOrder(chosen: ProviderName | undefined): readonly ProviderName[] {
  return chosen === undefined ? PROVIDERS : [chosen, ...PROVIDERS.filter((name) => name !== chosen)];
}

type Values = Readonly<Record<string, string>>;

const KEYS: Readonly<Record<ProviderName, string>> = {
  openrouter: 'OPENROUTER_API_KEY',
  gemini: 'GEMINI_API_KEY',
  huggingface: 'HF_TOKEN',
};

/** Keys that may cost money where nothing may, with the setting that says that they don't. */
function unusableKeys(values: Values): readonly { readonly key: string; readonly flag: string }[] {
  if (isOff(values.USE_FREE_MODELS_ONLY ?? 'true')) return [];
  return [
    { key: 'GEMINI_API_KEY', flag: 'GEMINI_FREE' },
    { key: 'HF_TOKEN', flag: 'HF_FREE' },
  ].filter(({ key, flag }) => values[key] !== undefined && isOff(values[flag] ?? 'false'));
}

/** Whether the raw value of a setting that is true or false says false. */
export const isOff = (value: string): boolean => /^(false|0|no)$/iu.test(value);

/** A provider that is chosen without its key, and keys of which none may be used. */
export function providerProblems(values: Values): string[] {
  const chosen = PROVIDERS.find((name) => name === values.GPT_PROVIDER);
  const needed = chosen === undefined ? undefined : KEYS[chosen];
  const stands = needed === undefined || values[needed] !== undefined;
  if (!stands && !(chosen === 'openrouter' && values.OPENROUTER_BASE_URL !== undefined)) {
    return [`${needed}: write your key, because GPT_PROVIDER=${chosen}.`];
  }
  // A chat in the terminal is only a look at it: whoever has keys in their environment for other programs may have that too.
  const isMeant = [values.GPT_PROVIDER, values.TELEGRAM_BOT_TOKEN, values.DISCORD_TOKEN].some(Boolean);
  const unusable = isMeant ? unusableKeys(values) : [];
  const given = [...Object.values(KEYS), 'OPENROUTER_BASE_URL'].filter((name) => values[name] !== undefined);
  const [first] = unusable;
  return first === undefined || given.length > unusable.length
    ? []
    : [
        `${first.flag}: write true if ${first.key} costs you nothing; otherwise set USE_FREE_MODELS_ONLY=false, because no other model may be asked.`,
      ];
}

export function providerWarnings(values: Values): string[] {
  return unusableKeys(values).map(
    ({ key, flag }) =>
      `${key} is not used, because only free models may be asked. If it costs you nothing, set ${flag}=true.`,
  );
}
