import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import type { PromptMessage } from './completion.ts';
import type { ModelCall, PriceCeiling } from './model-client.ts';
import { searchRequest } from './web-search.ts';

/** The request that asks OpenRouter for this call, with the fields that the SDK's types don't know. */
export function requestBody(call: ModelCall): ChatCompletionCreateParamsStreaming {
  const body = {
    model: call.model,
    ...(call.alternatives.length > 0 && { models: [...call.alternatives] }),
    messages: call.messages.map((message, place) =>
      call.breakpoints.includes(place) ? withBreakpoint(message) : message,
    ),
    // The successor `max_completion_tokens` is not understood by all providers behind OpenRouter.
    max_tokens: call.maxTokens,
    temperature: call.temperature,
    stream: true as const,
    user: call.endUser,
    session_id: call.sessionId,
    ...(call.lowEffort && { reasoning: { effort: 'low' } }),
    ...(Object.keys(call.maxPrices).length > 0 && { provider: { max_price: decimals(call.maxPrices) } }),
    ...(call.search === true && searchRequest),
    plugins: pluginsOff,
  };
  // A server tool is of no type that the SDK knows.
  return body as unknown as ChatCompletionCreateParamsStreaming;
}

/** The same text: whether a message ends with a breakpoint changes nothing of what is compared with the cache. */
function withBreakpoint({ role, content }: PromptMessage) {
  const part = { type: 'text' as const, text: content, cache_control: { type: 'ephemeral' } };
  return { role, content: [part] };
}

/** OpenRouter's description types prices as decimal strings (`ProviderPreferences.max_price`). */
function decimals(prices: PriceCeiling): Record<string, string> {
  return Object.fromEntries(
    Object.entries(prices).map(([unit, usd]: [string, number]) => [unit, DECIMAL.format(usd)]),
  );
}

const DECIMAL = new Intl.NumberFormat('en-US', { useGrouping: false, maximumFractionDigits: 15 });

/** An account can switch plugins on by default. Those that cost, or that change a prompt unasked, are off. */
const pluginsOff = [
  'web',
  'web-fetch',
  'file-parser',
  'response-healing',
  'context-compression',
  'fusion',
].map((id) => ({ id, enabled: false }));
