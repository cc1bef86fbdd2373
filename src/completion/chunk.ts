import { asArray, asCount, asNumber, asObject, asString, type JsonObject } from './json.ts';
import type { ReportedUsage } from './model-client.ts';
import { costNanoUsdFromUsd } from './money.ts';

/** What one event of a stream, or one whole answer, says. */
export interface ChunkFacts {
  readonly id: string | null;
  readonly model: string | null;
  readonly text: string;
  readonly reasoning: string;
  readonly finishReason: string | null;
  readonly nativeFinishReason: string | null;
  readonly usage: ReportedUsage | null;
  /** As it came: what the text refers to. */
  readonly annotations: unknown;
  /** The value of `error`, of the event or of its first choice; undefined when there is none. */
  readonly error: unknown;
}

/**
 * Reads a chunk of a chat completion stream, or a whole completion (`message` in place of `delta`). Never
 * throws: fields may be absent, null or unknown, and `choices` may be empty.
 */
export function readChunk(value: unknown): ChunkFacts {
  const chunk = outOfList(value);
  const choice = asObject(asArray(chunk?.['choices'])[0]);
  const delta = asObject(choice?.['delta']) ?? asObject(choice?.['message']);
  return {
    id: asString(chunk?.['id']),
    model: asString(chunk?.['model']),
    text: delta === null ? '' : textOf(delta['content']),
    reasoning: delta === null ? '' : reasoningOf(delta),
    finishReason: finishOf(asString(choice?.['finish_reason'])),
    nativeFinishReason: asString(choice?.['native_finish_reason']),
    usage: readUsage(asObject(chunk?.['usage'])),
    annotations: delta?.['annotations'],
    error: errorIn(chunk, choice),
  };
}

/** Google puts an error into a list. */
function outOfList(value: unknown): JsonObject | null {
  return asObject(Array.isArray(value) ? asArray(value)[0] : value);
}

/** Google adds to a filter's name what it found: `content_filter: PROHIBITED_CONTENT`. */
function finishOf(reason: string | null): string | null {
  return reason?.startsWith('content_filter') === true ? 'content_filter' : reason;
}

function errorIn(chunk: JsonObject | null, choice: JsonObject | null): unknown {
  return (chunk?.['error'] ?? choice?.['error']) || undefined;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return asArray(content)
    .map((part) => asString(asObject(part)?.['text']) ?? '')
    .join('');
}

/** The same reasoning can come in two or three fields at once; one of them is read. */
function reasoningOf(delta: JsonObject): string {
  const plain = asString(delta['reasoning']) || asString(delta['reasoning_content']);
  if (plain) return plain;
  return asArray(delta['reasoning_details'])
    .map((detail) => {
      const fields = asObject(detail);
      return asString(fields?.['text']) ?? asString(fields?.['summary']) ?? asString(fields?.['data']) ?? '';
    })
    .join('');
}

function readUsage(usage: JsonObject | null): ReportedUsage | null {
  const promptTokens = asCount(usage?.['prompt_tokens']);
  const completionTokens = asCount(usage?.['completion_tokens']);
  if (usage === null || promptTokens === null || completionTokens === null) return null;
  // Google counts what was thought in the total alone, and bills it.
  const thought = Math.max(0, (asCount(usage['total_tokens']) ?? 0) - promptTokens - completionTokens);
  const promptDetails = asObject(usage['prompt_tokens_details']);
  const details = asObject(usage['completion_tokens_details']);
  return {
    promptTokens,
    completionTokens: completionTokens + thought,
    cachedTokens: asCount(promptDetails?.['cached_tokens']) ?? 0,
    cacheWriteTokens: asCount(promptDetails?.['cache_write_tokens']) ?? 0,
    reasoningTokens: asCount(details?.['reasoning_tokens']) ?? thought,
    costNanoUsd: readCost(usage),
    ...readTools(usage),
  };
}

/** Named as the service sends it, or as its documentation has it. */
function readTools(usage: JsonObject): Pick<ReportedUsage, 'tools'> {
  const used = asObject(usage['server_tool_use_details']) ?? asObject(usage['server_tool_use']);
  const searches = asCount(used?.['web_search_requests']);
  if (searches === null) return {};
  const cost = asNumber(asObject(usage['cost_details'])?.['server_tool_cost']);
  return { tools: { searches, costNanoUsd: cost === null ? null : costNanoUsdFromUsd(cost) } };
}

/** With a provider key of the account's own, `cost` is OpenRouter's fee alone and the provider's price comes on top. */
function readCost(usage: JsonObject): bigint | null {
  const cost = asNumber(usage['cost']);
  if (cost === null) return null;
  const upstream =
    usage['is_byok'] === true ? asNumber(asObject(usage['cost_details'])?.['upstream_inference_cost']) : null;
  return costNanoUsdFromUsd(cost) + costNanoUsdFromUsd(upstream ?? 0);
}
