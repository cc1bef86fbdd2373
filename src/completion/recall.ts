import type { AttemptRecord, LostAttempt, TokenUsage } from './attempt.ts';
import { noteCost } from './attempt-run.ts';
import type { Catalogue } from './catalogue.ts';
import { isFreeId } from './free-only.ts';
import type { ReportedGeneration } from './model-client.ts';
import type { ProviderStates } from './provider-state.ts';
import { scaledDecimal } from './money.ts';
import type { CompletionAlert, CompletionLog } from './ports.ts';
import type { Sleep } from './sleep.ts';
import { askWhatItTook, PATIENT } from './what-it-took.ts';

export interface RecallParts {
  readonly states: ProviderStates;
  readonly catalogue: Pick<Catalogue, 'find'>;
  readonly now: () => number;
  readonly sleep: Sleep;
  readonly log: CompletionLog;
  readonly onAlert: (alert: CompletionAlert) => void;
}

/**
 * The record of an attempt whose process was lost: with the provider's figures, else with the whole hold as its cost,
 * for nobody knows how much of it was spent. Never rejects; done within five seconds.
 */
export async function recallAttempt(
  parts: RecallParts,
  lost: LostAttempt,
  signal: AbortSignal,
): Promise<AttemptRecord> {
  const { states, catalogue, log } = parts;
  const { index, epoch, model, generationId, startedAtMs } = lost;
  const provider = lost.provider ?? 'openrouter';
  const state = [...states.values()].find(({ client }) => client.provider === provider);
  // A provider whose key is gone by now is not asked any more.
  const lookUp = state?.client.lookUp ?? null;
  const asked = await askWhatItTook(parts, lookUp, generationId, PATIENT, signal);
  if (asked.generation === null) {
    log.warn({ model, generationId, reason: asked.reason }, 'what a lost attempt took is estimated');
  }
  const heldNanoUsd = scaledDecimal(lost.heldNanoUsd ?? '0', 0, 'up') ?? 0n;
  const record: AttemptRecord = {
    index,
    epoch,
    provider,
    modelAsked: model,
    modelUsed: asked.generation?.modelUsed ?? null,
    generationId,
    outcome: 'cancelled',
    failure: 'lost',
    httpStatus: null,
    // What money was held for ran as a paid one, whatever the list says of the model by now.
    isFree: heldNanoUsd === 0n && isFreeAt(provider, model, catalogue),
    startedAtMs,
    firstTokenMs: null,
    durationMs: asked.generation?.durationMs ?? null,
    usage: asked.generation === null ? estimated(heldNanoUsd) : reported(asked.generation),
  };
  if (state !== undefined) noteCost({ ...parts, ...state }, record);
  return record;
}

/** Where models have no list, nothing but those that cost nothing runs without a hold. */
function isFreeAt(provider: string, model: string, catalogue: Pick<Catalogue, 'find'>): boolean {
  return provider !== 'openrouter' || isFreeId(model, catalogue);
}

function reported({ usage }: ReportedGeneration): TokenUsage {
  return { ...usage, source: 'reported' };
}

function estimated(costNanoUsd: bigint): TokenUsage {
  return {
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    reasoningTokens: 0,
    costNanoUsd,
    source: 'estimated',
  };
}
