import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import type { ChunkFacts } from './chunk.ts';
import type { FailureReader } from './classify-failure.ts';
import type { ModelCall } from './model-client.ts';

/** What a provider says in its own way. */
export interface Dialect {
  /** The request that asks for a call, with no field that the provider does not know. */
  readonly body: (call: ModelCall) => ChatCompletionCreateParamsStreaming;
  readonly classify: FailureReader;
  /** The id under which a chunk's generation goes on record; null where the chunk names none. */
  readonly generationOf: (chunk: Pick<ChunkFacts, 'id'>) => string | null;
}
