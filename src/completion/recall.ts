import type { AttemptRecord, LostAttempt, TokenUsage } from './attempt.ts';
import { noteCost } from './attempt-run.ts';
import type { Catalogue } from './catalogue.ts';
import { isFreeId } from './free-only.ts';
import type { ReportedGeneration } from './model-client.ts';
import type { ProviderStates } from './provider-state.ts';
import { scaledDecimal } from './money.ts';
import type { CompletionAlert, CompletionLog } from './ports.ts';
import type { Sleep } from './sleep.ts';
import { askWhatItTook, ONCE, PATIENT, type Patience, type Told } from './what-it-took.ts';

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
  const { model, generationId } = lost;
  const asked = await ask(parts, lost, PATIENT, signal);
  if (asked.generation === null) {
    parts.log.warn({ model, generationId, reason: asked.reason }, 'what a lost attempt took is estimated');
  }
  return recordOf(parts, lost, asked);
}

/** The same of an attempt that ended long ago, asked once; null where the provider does not tell. Never rejects. */
export async function lookBackAt(
  parts: RecallParts,
  ended: LostAttempt,
  signal: AbortSignal,
): Promise<AttemptRecord | null> {
  const asked = await ask(parts, ended, ONCE, signal);
  return asked.generation === null ? null : recordOf(parts, ended, asked);
}

const stateOf = ({ states }: RecallParts, provider: string) =>
  [...states.values()].find(({ client }) => client.provider === provider);
const providerOf = (lost: LostAttempt): string => lost.provider ?? 'openrouter';

function ask(parts: RecallParts, lost: LostAttempt, patience: Patience, signal: AbortSignal): Promise<Told> {
  // A provider whose key is gone by now is not asked any more.
  const lookUp = stateOf(parts, providerOf(lost))?.client.lookUp ?? null;
  return askWhatItTook(parts, lookUp, lost.generationId, patience, signal);
}

function recordOf(parts: RecallParts, lost: LostAttempt, { generation }: Told): AttemptRecord {
  const { index, epoch, model, generationId, startedAtMs } = lost;
  const provider = providerOf(lost);
  const state = stateOf(parts, provider);
  const heldNanoUsd = scaledDecimal(lost.heldNanoUsd ?? '0', 0, 'up') ?? 0n;
  const record: AttemptRecord = {
    index,
    epoch,
    provider,
    modelAsked: model,
    modelUsed: generation?.modelUsed ?? null,
    generationId,
    outcome: 'cancelled',
    failure: 'lost',
    httpStatus: null,
    // What money was held for ran as a paid one, whatever the list says of the model by now.
    isFree: heldNanoUsd === 0n && isFreeAt(provider, model, parts.catalogue),
    startedAtMs,
    firstTokenMs: null,
    durationMs: generation?.durationMs ?? null,
    usage: generation === null ? estimated(heldNanoUsd) : reported(generation),
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
