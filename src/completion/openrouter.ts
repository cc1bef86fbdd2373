import { streamChat } from './chat-stream.ts';
import { classifyFailure } from './classify-failure.ts';
import { lookUpGeneration } from './generation.ts';
import type { ModelClient } from './model-client.ts';
import { requestBody } from './request-body.ts';
import type { Dialect } from './dialect.ts';
import { createSdk } from './sdk.ts';

export interface OpenRouterOptions {
  readonly apiKey: string;
  /** With the version: `https://openrouter.ai/api/v1`. */
  readonly baseUrl: string;
  /** Names the app at OpenRouter (`HTTP-Referer`); null keeps it anonymous. */
  readonly appUrl: string | null;
  readonly appName: string;
  readonly now: () => number;
}

/**
 * Streams chat completions from OpenRouter, and asks it what they took. Each call is one request: nothing is retried
 * here, and whatever the other side or the network does comes back as a value.
 */
export function createOpenRouterClient({ apiKey, baseUrl, ...options }: OpenRouterOptions): ModelClient {
  const { appUrl, appName, now } = options;
  const openai = createSdk({
    apiKey,
    baseUrl,
    headers: {
      ...(appUrl !== null && { 'HTTP-Referer': appUrl }),
      // A header takes no other characters.
      'X-OpenRouter-Title': appName.replaceAll(/[^ -~]/g, ''),
      'X-OpenRouter-Categories': 'general-chat,personal-agent',
    },
  });
  const dialect: Dialect = {
    body: requestBody,
    classify: classifyFailure,
    generationOf: ({ id }) => (id?.startsWith('gen-') === true ? id : null),
  };
  return {
    provider: 'openrouter',
    run: (call, sink, signal) => streamChat({ openai, dialect, now }, call, sink, signal),
    lookUp: (generationId, timeoutMs, signal) =>
      lookUpGeneration({ openai, now }, generationId, timeoutMs, signal),
  };
}
