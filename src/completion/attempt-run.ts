import type { Account } from './account.ts';
import type { AttemptRecord } from './attempt.ts';
import { attemptRecord } from './attempt-record.ts';
import type { Candidate } from './candidates.ts';
import type { Cooldowns } from './cooldowns.ts';
import { modelCall, type CallSettings } from './model-call.ts';
import type { CallEnd, CallSink, ModelClient } from './model-client.ts';
import type { CompletionAlert, CompletionLog } from './ports.ts';
import type { Turn } from './turn.ts';

export interface AttemptParts extends CallSettings {
  readonly client: ModelClient;
  readonly cooldowns: Cooldowns;
  readonly account: Account;
  readonly now: () => number;
  readonly log: CompletionLog;
  readonly onAlert: (alert: CompletionAlert) => void;
}

/**
 * Asks one model for a turn, passes its text on and adds the record. `mustShare`: another model is ready and must get a
 * try within the turn's time. Rejects only when the listener throws.
 */
export async function runAttempt(
  parts: AttemptParts,
  turn: Turn,
  candidate: Candidate,
  mustShare: boolean,
): Promise<CallEnd> {
  const { client, now, cooldowns } = parts;
  const index = turn.attempts.length;
  const startedAtMs = now();
  const times = { firstTokenAtMs: null as number | null };
  const left = { remainingMs: turn.deadlineMs - startedAtMs, mustShare };
  cooldowns.begin(candidate.id);
  const sink = sinkFor(turn, candidate, () => {
    times.firstTokenAtMs = now();
  });
  const end = await client.run(modelCall(turn.request, candidate, parts, left), sink, turn.signal);
  const record = attemptRecord({
    index,
    provider: client.provider,
    candidate,
    end,
    hasText: turn.text !== '',
    promptTokens: turn.promptTokens,
    startedAtMs,
    endedAtMs: now(),
    ...times,
  });
  turn.attempts.push(record);
  noteEnd(parts, candidate, end);
  noteCost(parts, record);
  return end;
}

function sinkFor(turn: Turn, { id }: Candidate, onFirstToken: () => void): CallSink {
  const index = turn.attempts.length;
  return {
    onGeneration: (generationId) => turn.listener.onGeneration({ index, model: id, generationId }),
    onFirstToken,
    onText(delta) {
      turn.text += delta;
      turn.listener.onText(delta);
    },
  };
}

/** A failure is drawn its consequences from by the chain, which knows what else the turn can do. */
function noteEnd({ cooldowns, account, log }: AttemptParts, { id, isFree }: Candidate, end: CallEnd): void {
  if (end.kind === 'ended') {
    cooldowns.answered(id);
    account.answered(isFree);
  } else if (end.kind === 'cancelled') {
    cooldowns.abandoned(id);
  } else {
    const { kind, httpStatus, detail } = end.failure;
    log.warn(
      { model: id, failure: kind, httpStatus, detail, generationId: end.generationId },
      'a model attempt failed',
    );
  }
}

/** A free model that cost something is not asked again, and the operator is told. */
export function noteCost(
  { cooldowns, log, onAlert }: Pick<AttemptParts, 'cooldowns' | 'log' | 'onAlert'>,
  { modelAsked: id, isFree, usage, generationId }: AttemptRecord,
): void {
  if (!isFree || usage === null || usage.costNanoUsd === 0n) return;
  cooldowns.retire(id, 'forever');
  log.error({ model: id, generationId }, 'a free model reported a cost and is not asked again');
  onAlert({
    kind: 'free_model_cost',
    detail: `${id}: ${usage.costNanoUsd} nano-USD, ${generationId ?? 'no id'}`,
  });
}
