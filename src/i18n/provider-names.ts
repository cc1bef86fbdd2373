/** What the services that models are asked at call themselves. */
export const PROVIDER_NAMES: Readonly<Record<string, string>> = {
  openrouter: 'OpenRouter',
  gemini: 'Google Gemini',
  huggingface: 'Hugging Face',
};
