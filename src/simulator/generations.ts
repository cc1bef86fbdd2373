import { billFor, billOf, insured, parseDecimal, toNanoUsd, toUsd, usageOf, type Bill } from './billing.ts';
import type { Completion, Progress } from './completion.ts';
import { refuse, type Refusal } from './errors.ts';
import type { Usage } from './wire.ts';

/** The `data` of `GET /generation`. */
export interface SimulatedGeneration extends Readonly<Record<string, unknown>> {
  id: string;
  model: string;
  cancelled: boolean;
  streamed: boolean;
  finish_reason: string | null;
  total_cost: number;
  usage: number;
  native_tokens_prompt: number;
  native_tokens_completion: number;
}

export interface Generations {
  /** Books a finished completion; returns its bill and the usage to report. */
  record(completion: Completion, progress: Progress, request: RequestFacts): { bill: Bill; usage: Usage };
  get(id: string): SimulatedGeneration | undefined;
  /** The answer to `GET /generation`: 404 until the record has spread. */
  answer(id: string | null): object | Refusal;
}

interface RequestFacts {
  sessionId: string | null;
  referer: string | null;
  userAgent: string | null;
  /** Epoch milliseconds. */
  startedAtMs: number;
}

/** A generation can be looked up this long after it ended, as the real service is eventually consistent. */
const spreadMs = 700;
/** A stream that its client left takes longer to show. */
const spreadAfterLeavingMs = 2000;
const keptGenerations = 10_000;

export function createGenerations(now: () => number): Generations {
  const records = new Map<string, { data: SimulatedGeneration; visibleAtMs: number }>();
  return {
    record(completion, progress, request) {
      const { bill, usage } = settleCompletion(completion, progress);
      const data = generationData({ completion, progress, request, usage, endedAtMs: now() });
      const visibleAtMs = now() + (data.cancelled ? spreadAfterLeavingMs : spreadMs);
      records.set(completion.id, { data, visibleAtMs });
      const [oldest] = records.keys();
      if (records.size > keptGenerations && oldest !== undefined) records.delete(oldest);
      return { bill, usage };
    },
    get: (id) => records.get(id)?.data,
    answer(id) {
      const record = records.get(id ?? '');
      if (record === undefined || now() < record.visibleAtMs) {
        return refuse(404, `Generation ${id ?? ''} not found`);
      }
      return { data: record.data };
    },
  };
}

/** Providers that go on, and bill to the end, when the client closes a stream. */
const providersWithoutCancellation: ReadonlySet<string> = new Set([
  'AI21',
  'Alibaba',
  'Amazon Bedrock',
  'Featherless',
  'Google',
  'Google AI Studio',
  'Groq',
  'HuggingFace',
  'Minimax',
  'Mistral',
  'Nebius',
  'Perplexity',
  'Replicate',
  'SambaNova',
]);

function settleCompletion(completion: Completion, progress: Progress): { bill: Bill; usage: Usage } {
  const { answer, scenario, provider } = completion;
  if (progress.end === 'cancelled' && providersWithoutCancellation.has(provider)) {
    progress.completionTokens = 0;
    for (const { tokens } of answer.pieces) progress.completionTokens += tokens;
  }
  const { completionTokens, reasoningTokens, end } = progress;
  const consumption = {
    promptTokens: completion.promptTokens,
    cachedTokens: completion.cachedTokens,
    cacheWriteTokens: completion.cacheWriteTokens,
    completionTokens,
    reasoningTokens,
    webSearches: completion.webSearches,
    ocrPages: completion.ocrPages,
  };
  const blank = completionTokens === 0 && (end !== 'complete' || answer.finishReason === null);
  const failed = end === 'error' || (end === 'complete' && answer.finishReason === 'error');
  let bill = billFor(completion.model.pricing, consumption);
  if (blank || failed) bill = insured(bill);
  if (scenario.costUsd !== undefined) bill = billOf(toNanoUsd(parseDecimal(scenario.costUsd)));
  return { bill, usage: usageOf(consumption, bill) };
}

interface GenerationParts {
  completion: Completion;
  progress: Progress;
  request: RequestFacts;
  usage: Usage;
  endedAtMs: number;
}

function generationData(parts: GenerationParts): SimulatedGeneration {
  const { completion, progress, request, usage, endedAtMs } = parts;
  const { answer } = completion;
  const complete = progress.end === 'complete';
  const elapsedMs = Math.max(0, endedAtMs - request.startedAtMs);
  return {
    id: completion.id,
    upstream_id: `upstream-${completion.id.slice(-20)}`,
    request_id: `req-${completion.id.slice(4)}`,
    session_id: request.sessionId,
    external_user: completion.request.user ?? null,
    created_at: new Date(request.startedAtMs).toISOString(),
    model: completion.reportedModel,
    provider_name: completion.provider,
    router: completion.router,
    api_type: 'completions',
    origin: request.referer ?? '',
    http_referer: request.referer,
    app_id: null,
    user_agent: request.userAgent,
    streamed: completion.request.stream === true,
    cancelled: progress.end === 'cancelled',
    finish_reason: complete ? answer.finishReason : progress.end === 'error' ? 'error' : null,
    native_finish_reason: complete ? answer.nativeFinishReason : null,
    latency: Math.min(completion.pace.firstTokenMs, elapsedMs),
    generation_time: elapsedMs,
    moderation_latency: null,
    tokens_prompt: usage.prompt_tokens,
    tokens_completion: usage.completion_tokens,
    native_tokens_prompt: usage.prompt_tokens,
    native_tokens_completion: usage.completion_tokens,
    native_tokens_cached: usage.prompt_tokens_details.cached_tokens,
    native_tokens_reasoning: usage.completion_tokens_details.reasoning_tokens,
    native_tokens_completion_images: null,
    num_media_prompt: null,
    num_media_completion: null,
    num_input_audio_prompt: null,
    num_search_results: completion.webSearches > 0 ? completion.webSearches * 5 : null,
    num_fetches: null,
    total_cost: usage.cost,
    usage: usage.cost,
    upstream_inference_cost: toUsd(0n),
    cache_discount: null,
    is_byok: false,
    service_tier: null,
    preset_id: null,
    data_region: 'global',
    workspace_id: null,
    web_search_engine: completion.webSearches > 0 ? 'exa' : null,
    response_cache_source_id: null,
    provider_responses: null,
  };
}
