import type { Candidate, Together } from './candidates.ts';
import type { CompletionRequest } from './completion.ts';
import { nothing } from './free-only.ts';
import { cacheBreakpoints, type CachingSettings } from './prompt-caching.ts';
import { isUsual } from './price.ts';
import { estimatePromptTokens } from './token-estimate.ts';
import { longestReading } from './web-search.ts';
import type { CallTimers, ModelCall, PriceCeiling } from './model-client.ts';

export interface ChainTimers {
  /** Until the first visible text, over all attempts of a turn; time spent waiting for a place doesn't count. */
  readonly modelTimeoutMs: number;
  /** Until a model shows life; twice that for models that reason or search first. */
  readonly firstTokenTimeoutMs: number;
  readonly idleTokenTimeoutMs: number;
  readonly answerMaxMs: number;
}

export interface CallSettings {
  readonly timers: ChainTimers;
  readonly caching: CachingSettings;
}

/** What is left of the turn's time, and whether another model must get a try within it. */
export interface TimeLeft {
  readonly remainingMs: number;
  readonly mustShare: boolean;
}

/** The call for one attempt of a turn; models beside the first are of its price, and what one of them can't is asked of none. */
export function modelCall(
  request: CompletionRequest,
  asked: Together,
  { timers, caching }: CallSettings,
  left: TimeLeft,
): ModelCall {
  const { messages, temperature, endUser, sessionId } = request;
  const [candidate, ...beside] = asked;
  return {
    model: candidate.id,
    alternatives: beside.map(({ id }) => id),
    messages,
    breakpoints: request.keepsPrompt === false ? [] : cacheBreakpoints(candidate, messages, caching),
    maxTokens: Math.min(
      request.maxTokens,
      ...asked.map(({ listed }) => listed?.maxCompletionTokens ?? Infinity),
    ),
    temperature,
    endUser,
    sessionId,
    lowEffort: asked.every(({ listed }) => listed?.canReasonLess === true),
    ...(request.search === true && { search: true }),
    maxPrices: candidate.isFree ? nothing : listedPrices(candidate, request),
    timers: callTimers(asked.some(reasonsFirst) || request.search === true, timers, left),
  };
}

function reasonsFirst({ listed }: Candidate): boolean {
  return listed !== null && (listed.reasoning === 'default' || listed.reasoning === 'always');
}

/**
 * The prices for this prompt: an endpoint that asks more must not be used in their place. The highest ones, with which the
 * hold was made, only where a surcharge may apply.
 */
function listedPrices({ listed }: Candidate, asked: CompletionRequest): PriceCeiling {
  if (listed === null) return {};
  const { prices } = listed;
  const read = estimatePromptTokens(asked.messages);
  const usual = isUsual(prices, asked.search === true ? longestReading(read, asked.maxTokens) : read);
  const prompt = usual ? prices.prompt : prices.highestPrompt;
  const completion = usual ? prices.completion : prices.highestCompletion;
  return {
    ...(prompt !== null && { prompt: prompt / 1e9 }),
    ...(completion !== null && { completion: completion / 1e9 }),
    ...(prices.request === 0 && { request: 0 }),
  };
}

/** `isSlow`: something is done before the first word, a search or reasoning. */
function callTimers(isSlow: boolean, timers: ChainTimers, { remainingMs, mustShare }: TimeLeft): CallTimers {
  const usualMs = timers.firstTokenTimeoutMs * (isSlow ? 2 : 1);
  const shareMs = mustShare
    ? Math.max(remainingMs - timers.firstTokenTimeoutMs, remainingMs / 2)
    : remainingMs;
  return {
    firstTokenMs: Math.min(usualMs, shareMs),
    firstTextMs: remainingMs,
    idleMs: timers.idleTokenTimeoutMs,
    wholeMs: timers.answerMaxMs,
  };
}
