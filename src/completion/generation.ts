import type OpenAI from 'openai';
import { readCapped } from './capped-body.ts';
import { classifyFailure } from './classify-failure.ts';
import type { CompletionFailure } from './failure.ts';
import { asCount, asNumber, asObject, asString, parseJson, type JsonObject } from './json.ts';
import type { GenerationLookup, ReportedGeneration } from './model-client.ts';
import { costNanoUsdFromUsd } from './money.ts';
import { sdkFailure } from './sdk-failure.ts';
import { createWatchdog, type Interruption } from './watchdog.ts';

interface LookupParts {
  readonly openai: OpenAI;
  readonly now: () => number;
}

/**
 * Asks OpenRouter's `GET /generation` once what a generation took. It answers 404 until some time after the generation
 * ended, longer after one that was broken off. Never rejects.
 */
export async function lookUpGeneration(
  { openai, now }: LookupParts,
  generationId: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<GenerationLookup> {
  const timers = { firstTokenMs: timeoutMs, firstTextMs: timeoutMs, idleMs: timeoutMs, wholeMs: timeoutMs };
  const watchdog = createWatchdog(timers, signal);
  let isOpen = false;
  try {
    const query = { id: generationId };
    const response = await openai.get('/generation', { query, signal: watchdog.signal }).asResponse();
    isOpen = true;
    const { text, complete } = await readCapped(response.body, longestRecordBytes);
    const generation = complete ? readGeneration(parseJson(text)) : null;
    return generation === null ? unreadable : { kind: 'told', generation };
  } catch (error) {
    const failure =
      watchdog.interruption === null
        ? sdkFailure(error, isOpen, now(), classifyFailure)
        : cutShort(watchdog.interruption);
    return failure.httpStatus === 404 ? { kind: 'unknown' } : { kind: 'failed', failure };
  } finally {
    watchdog.stop();
  }
}

/**
 * Reads the answer to `GET /generation`; null when it does not tell a cost. Tokens are those of the model's own
 * tokenizer (`native_…`), by which it is billed; the normalised ones stand in where a provider reports none.
 */
export function readGeneration(body: unknown): ReportedGeneration | null {
  const data = asObject(asObject(body)?.['data']);
  const costNanoUsd = data === null ? null : readCost(data);
  if (data === null || costNanoUsd === null) return null;
  const generationTimeMs = asNumber(data['generation_time']);
  return {
    modelUsed: asString(data['model']),
    usage: {
      promptTokens: asCount(data['native_tokens_prompt']) ?? asCount(data['tokens_prompt']) ?? 0,
      completionTokens: asCount(data['native_tokens_completion']) ?? asCount(data['tokens_completion']) ?? 0,
      cachedTokens: asCount(data['native_tokens_cached']) ?? 0,
      reasoningTokens: asCount(data['native_tokens_reasoning']) ?? 0,
      costNanoUsd,
    },
    durationMs: generationTimeMs === null ? null : asCount(Math.round(generationTimeMs)),
  };
}

/** With a provider key of the account's own, the cost is OpenRouter's fee alone and the provider's price comes on top. */
function readCost(data: JsonObject): bigint | null {
  const cost = asNumber(data['total_cost']) ?? asNumber(data['usage']);
  if (cost === null) return null;
  const upstream = data['is_byok'] === true ? asNumber(data['upstream_inference_cost']) : null;
  return costNanoUsdFromUsd(cost) + costNanoUsdFromUsd(upstream ?? 0);
}

const unreadable: GenerationLookup = {
  kind: 'failed',
  failure: { kind: 'upstream_error', httpStatus: null, detail: 'no record of a generation' },
};

function cutShort(interruption: Interruption): CompletionFailure {
  return { kind: 'timeout', stage: 'whole', httpStatus: null, detail: `cut short: ${interruption}` };
}

const longestRecordBytes = 256 * 1024;
