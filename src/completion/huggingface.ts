import { streamChat } from './chat-stream.ts';
import { classifyHuggingFaceFailure } from './classify-huggingface.ts';
import type { ModelClient } from './model-client.ts';
import { plainRequestBody } from './plain-request-body.ts';
import type { Dialect } from './dialect.ts';
import { createSdk } from './sdk.ts';

export interface HuggingFaceOptions {
  readonly apiKey: string;
  /** With the version: `https://router.huggingface.co/v1`. */
  readonly baseUrl: string;
  readonly now: () => number;
}

/** Streams chat completions from Hugging Face's router of inference providers. It tells nothing of a call afterwards. */
export function createHuggingFaceClient({ now, ...options }: HuggingFaceOptions): ModelClient {
  const openai = createSdk(options);
  const dialect: Dialect = {
    body: plainRequestBody,
    classify: classifyHuggingFaceFailure,
    generationOf: ({ id }) => id,
  };
  return {
    provider: 'huggingface',
    run: (call, sink, signal) => streamChat({ openai, dialect, now }, call, sink, signal),
    lookUp: null,
  };
}
