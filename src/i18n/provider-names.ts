/** What the services that models are asked at call themselves. */
export const PROVIDER_NAMES: Readonly<Record<string, string>> = {
  openrouter: 'OpenRouter',
  gemini: 'Google Gemini',
  huggingface: 'Hugging Face',
};

/** Behind a model's name: whose it is, where it is not OpenRouter's. */
export function otherProvider(provider: string): string {
  const name = PROVIDER_NAMES[provider];
  return name === undefined || provider === 'openrouter' ? '' : ` (${name})`;
}
