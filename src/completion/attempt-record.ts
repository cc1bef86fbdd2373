import type { AttemptRecord, TokenUsage } from './attempt.ts';
import type { Candidate } from './candidates.ts';
import type { CallEnd, ReportedGeneration, ReportedUsage } from './model-client.ts';
import { costNanoUsd, isUsual, savedNanoUsd, type ModelPrices } from './price.ts';

export interface AttemptFacts {
  readonly index: number;
  readonly candidate: Candidate;
  readonly end: CallEnd;
  readonly hasText: boolean;
  /** What searches of the web can have cost at most; nothing where none was wanted. */
  readonly searchesNanoUsd: bigint;
  /** What was held for it; 0 where it can cost nothing. */
  readonly heldNanoUsd: bigint;
  /** What the provider told afterwards, where it had to be asked. */
  readonly told: ReportedGeneration | null;
  /** What answers are compared with; null for none. */
  readonly baseline: Candidate | null;
  /** ⌈UTF-8 bytes ÷ 3⌉ of the prompt. */
  readonly promptTokens: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly firstTokenAtMs: number | null;
}

/**
 * The record of an attempt that has ended. Its usage is the provider's; else its tokens are estimated from what came in, and
 * its cost is all that was held, for a provider may go on, and bill to the end, when a call is cut off.
 */
export function attemptRecord(facts: AttemptFacts): AttemptRecord {
  const { candidate, end } = facts;
  const failure = end.kind === 'failed' ? end.failure : null;
  return {
    index: facts.index,
    provider: candidate.provider,
    modelAsked: candidate.id,
    modelUsed: end.modelUsed ?? facts.told?.modelUsed ?? null,
    generationId: end.generationId,
    outcome: outcomeOf(end, facts.hasText),
    failure: failure?.kind ?? null,
    httpStatus: failure === null ? null : failure.httpStatus,
    isFree: runsFree(facts),
    startedAtMs: facts.startedAtMs,
    firstTokenMs: facts.firstTokenAtMs === null ? null : facts.firstTokenAtMs - facts.startedAtMs,
    durationMs: facts.endedAtMs - facts.startedAtMs,
    usage: withSpared(usageOf(facts), facts),
  };
}

/**
 * The most that a call can cost, in nano-USD: the list's highest prices for the whole prompt and a full answer. Null
 * when a price is unknown. Zero for free models.
 */
export function worstCaseNanoUsd(
  candidate: Candidate,
  promptTokens: number,
  maxTokens: number,
): bigint | null {
  if (candidate.isFree) return 0n;
  const { highestPrompt = null, highestCompletion = null, request = null } = candidate.listed?.prices ?? {};
  if (highestPrompt === null || highestCompletion === null || request === null) return null;
  return (
    costNanoUsd(promptTokens, highestPrompt) +
    costNanoUsd(maxTokens, highestCompletion) +
    costNanoUsd(1, request)
  );
}

type UsedTokens = Omit<TokenUsage, 'costNanoUsd' | 'source'>;

/**
 * What was told to be used, at the list's prices: the usual ones where no surcharge applies, else the highest. What was read
 * from a cache has its own, where the list has one.
 */
function listedCostNanoUsd(candidate: Candidate, tokens: UsedTokens): bigint | null {
  const { promptTokens, completionTokens, cachedTokens } = tokens;
  const prices = candidate.listed?.prices ?? null;
  if (candidate.isFree || prices === null) return candidate.isFree ? 0n : null;
  const cacheRead = cachedTokens > promptTokens ? null : prices.cacheRead;
  const cached = cacheRead === null ? 0 : cachedTokens;
  const others = isUsual(prices, promptTokens)
    ? usualCostNanoUsd(prices, { ...tokens, promptTokens: promptTokens - cached })
    : worstCaseNanoUsd(candidate, promptTokens - cached, completionTokens);
  return others === null ? null : others + costNanoUsd(cached, cacheRead ?? 0);
}

/** Null when a price is unknown. */
function usualCostNanoUsd(
  { prompt, completion, request, cacheWrite }: ModelPrices,
  { promptTokens, completionTokens, cacheWriteTokens = 0 }: UsedTokens,
): bigint | null {
  if (prompt === null || completion === null || request === null) return null;
  const written = Math.min(cacheWriteTokens, promptTokens);
  return (
    costNanoUsd(promptTokens - written, prompt) +
    costNanoUsd(written, cacheWrite ?? prompt) +
    costNanoUsd(completionTokens, completion) +
    costNanoUsd(1, request)
  );
}

/** A search costs money on free models too. */
function runsFree({ candidate, searchesNanoUsd }: AttemptFacts): boolean {
  return candidate.isFree && searchesNanoUsd === 0n;
}

function outcomeOf(end: CallEnd, hasText: boolean): AttemptRecord['outcome'] {
  if (end.kind === 'ended') return 'answered';
  if (end.kind === 'cancelled') return 'cancelled';
  return hasText ? 'partial' : 'failed';
}

function usageOf(facts: AttemptFacts): TokenUsage | null {
  const { candidate, end, searchesNanoUsd, heldNanoUsd, told } = facts;
  const { costNanoUsd: reported, tools: _, soFar = false, ...tokens } = end.usage ?? estimated(facts);
  if (end.usage !== null && (!soFar || heldNanoUsd === 0n)) {
    return {
      ...tokens,
      savedNanoUsd: candidate.isFree ? 0n : savedNanoUsd(candidate.listed?.prices ?? null, tokens),
      costNanoUsd: reported ?? (listedCostNanoUsd(candidate, tokens) ?? 0n) + searchesNanoUsd,
      source: reported === null && !runsFree(facts) ? 'estimated' : 'reported',
    };
  }
  if (!end.began) return null;
  if (told !== null) return { ...told.usage, source: 'reported' };
  return { ...tokens, costNanoUsd: heldNanoUsd, source: 'estimated' };
}

/** What an attempt took in vain would not have been spared by another model. Searches cost the same with each. */
function withSpared(usage: TokenUsage | null, facts: AttemptFacts): TokenUsage | null {
  const { baseline, candidate, hasText, searchesNanoUsd } = facts;
  if (usage === null || baseline === null || searchesNanoUsd > 0n || baseline.id === candidate.id)
    return usage;
  const there = hasText ? listedCostNanoUsd(baseline, usage) : 0n;
  if (there === null) return usage;
  return { ...usage, spared: { nanoUsd: there - usage.costNanoUsd, against: baseline.id } };
}

/** From what came in. */
function estimated({ end, promptTokens }: AttemptFacts): ReportedUsage {
  const { completion, reasoning } = end.estimatedTokens;
  return {
    promptTokens,
    completionTokens: completion,
    cachedTokens: 0,
    reasoningTokens: reasoning,
    costNanoUsd: null,
  };
}
