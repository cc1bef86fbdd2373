/** The services that models are asked at, in the order in which they are tried where no setting says otherwise. */
export const PROVIDERS = ['gemini', 'openrouter', 'huggingface'] as const;

export type ProviderName = (typeof PROVIDERS)[number];
