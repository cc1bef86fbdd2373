import {
  startServiceSimulator,
  type ServiceSimulator,
  type ServiceSimulatorOptions,
} from '../../src/simulator/compatible/server.ts';

/** The services besides OpenRouter, and the settings that lead the bot to them. */
export interface OtherProviders {
  readonly gemini: ServiceSimulator;
  readonly huggingface: ServiceSimulator;
  /** Keys and addresses of both. */
  readonly settings: Record<string, string>;
  readonly geminiSettings: Record<string, string>;
  readonly huggingFaceSettings: Record<string, string>;
  stop(): Promise<void>;
}

export const GEMINI = 'gemini-3.8-flash';
export const HUGGING_FACE = 'openai/gpt-oss-120b';
export const BOTH_FREE = { GEMINI_FREE: 'true', HF_FREE: 'true' };
/** Takes away what the scene sets for OpenRouter. */
export const NO_OPENROUTER = { OPENROUTER_API_KEY: '', OPENROUTER_BASE_URL: '' };

export async function startOtherProviders(options: ServiceSimulatorOptions = {}): Promise<OtherProviders> {
  const gemini = await startServiceSimulator('gemini', options);
  const huggingface = await startServiceSimulator('huggingface', options);
  const geminiSettings = { GEMINI_API_KEY: gemini.key, GEMINI_BASE_URL: gemini.url };
  const huggingFaceSettings = { HF_TOKEN: huggingface.key, HF_BASE_URL: huggingface.url };
  return {
    gemini,
    huggingface,
    geminiSettings,
    huggingFaceSettings,
    settings: { ...geminiSettings, ...huggingFaceSettings },
    async stop() {
      await gemini.stop();
      await huggingface.stop();
    },
  };
}

/** The chat requests that a service received, by the models that they name. */
export function modelsAskedAt({ calls }: ServiceSimulator): readonly unknown[] {
  return calls
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => (body as { readonly model: unknown }).model);
}
