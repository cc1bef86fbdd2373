import { streamChat } from './chat-stream.ts';
import { classifyGeminiFailure } from './classify-gemini.ts';
import type { ModelClient } from './model-client.ts';
import { plainRequestBody } from './plain-request-body.ts';
import type { Dialect } from './dialect.ts';
import { createSdk } from './sdk.ts';

export interface GeminiOptions {
  readonly apiKey: string;
  /** With the version: `https://generativelanguage.googleapis.com/v1beta/openai`. */
  readonly baseUrl: string;
  readonly now: () => number;
}

/** Models that think unasked, and would use up a short answer's tokens with it. Older ones refuse to be told. */
const THINKING = /^gemini-(2\.5|[3-9]|\d\d)/u;

/** Streams chat completions from Google's Gemini API by its interface for OpenAI's clients. It tells nothing of a call afterwards. */
export function createGeminiClient({ now, ...options }: GeminiOptions): ModelClient {
  const openai = createSdk(options);
  const dialect: Dialect = {
    body: (call) => ({
      ...plainRequestBody(call),
      ...((call.lowEffort || THINKING.test(call.model)) && { reasoning_effort: 'low' }),
    }),
    classify: classifyGeminiFailure,
    generationOf: ({ id }) => id,
  };
  return {
    provider: 'gemini',
    run: (call, sink, signal) => streamChat({ openai, dialect, now }, call, sink, signal),
    lookUp: null,
  };
}
