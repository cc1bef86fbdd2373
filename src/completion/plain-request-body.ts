import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import type { ModelCall } from './model-client.ts';

/** The request in the words that every service with OpenAI's interface knows, and nothing else: some refuse what they don't. */
export function plainRequestBody(call: ModelCall): ChatCompletionCreateParamsStreaming {
  return {
    model: call.model,
    messages: [...call.messages],
    max_tokens: call.maxTokens,
    temperature: call.temperature,
    stream: true,
    // Without it a stream ends without a word about tokens.
    stream_options: { include_usage: true },
  };
}
