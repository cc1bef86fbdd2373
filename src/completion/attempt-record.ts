import type { AttemptRecord, TokenUsage } from './attempt.ts';
import type { Candidate } from './candidates.ts';
import type { CallEnd } from './model-client.ts';
import { costNanoUsd, savedNanoUsd } from './price.ts';

export interface AttemptFacts {
  readonly index: number;
  readonly provider: string;
  readonly candidate: Candidate;
  readonly end: CallEnd;
  readonly hasText: boolean;
  /** ⌈UTF-8 bytes ÷ 3⌉ of the prompt. */
  readonly promptTokens: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly firstTokenAtMs: number | null;
}

/** The record of an attempt that has ended. Its usage is the provider's, else an estimate from what came in. */
export function attemptRecord(facts: AttemptFacts): AttemptRecord {
  const { candidate, end } = facts;
  const failure = end.kind === 'failed' ? end.failure : null;
  return {
    index: facts.index,
    provider: facts.provider,
    modelAsked: candidate.id,
    modelUsed: end.modelUsed,
    generationId: end.generationId,
    outcome: outcomeOf(end, facts.hasText),
    failure: failure?.kind ?? null,
    httpStatus: failure === null ? null : failure.httpStatus,
    isFree: candidate.isFree,
    startedAtMs: facts.startedAtMs,
    firstTokenMs: facts.firstTokenAtMs === null ? null : facts.firstTokenAtMs - facts.startedAtMs,
    durationMs: facts.endedAtMs - facts.startedAtMs,
    usage: usageOf(facts),
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

function outcomeOf(end: CallEnd, hasText: boolean): AttemptRecord['outcome'] {
  if (end.kind === 'ended') return 'answered';
  if (end.kind === 'cancelled') return 'cancelled';
  return hasText ? 'partial' : 'failed';
}

function usageOf({ candidate, end, promptTokens }: AttemptFacts): TokenUsage | null {
  if (end.usage !== null) {
    const { costNanoUsd: reported, ...tokens } = end.usage;
    const cost = reported ?? worstCaseNanoUsd(candidate, tokens.promptTokens, tokens.completionTokens) ?? 0n;
    return {
      ...tokens,
      savedNanoUsd: candidate.isFree ? 0n : savedNanoUsd(candidate.listed?.prices ?? null, tokens),
      costNanoUsd: cost,
      source: reported === null && !candidate.isFree ? 'estimated' : 'reported',
    };
  }
  if (!end.began) return null;
  const { completion, reasoning } = end.estimatedTokens;
  return {
    promptTokens,
    completionTokens: completion,
    cachedTokens: 0,
    reasoningTokens: reasoning,
    costNanoUsd: worstCaseNanoUsd(candidate, promptTokens, completion) ?? 0n,
    source: 'estimated',
  };
}
