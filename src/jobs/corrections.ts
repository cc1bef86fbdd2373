import type { CompletionChain } from '../completion/completion.ts';
import type { CompletionLog, OwnKey } from '../completion/ports.ts';
import type { Corrections, OpenEstimate } from '../conversation/correction-ports.ts';
import type { OwnKeyParts } from '../conversation/own-key.ts';
import type { AdapterMemory } from '../platform/adapter.ts';
import { every, type Repeated } from './every.ts';

export interface CorrectionParts {
  readonly corrections: Corrections;
  /** One process at a time asks. */
  readonly memory: Pick<AdapterMemory, 'lead'>;
  readonly chain: Pick<CompletionChain, 'lookBack'>;
  readonly openKey: OwnKeyParts['openKey'];
  readonly log: CompletionLog;
}

const MINUTE_MS = 60_000;
const PAGE = 20;
/** Asked side by side: each question takes at most three seconds, and so a page far less than the lead lasts. */
const AT_ONCE = 5;

/** Asks providers each minute for what was only estimated when it was booked, and books the difference. */
export function startCorrections(parts: CorrectionParts, onFailure: (error: unknown) => void): Repeated {
  const stopping = new AbortController();
  const job = every(MINUTE_MS, () => correctEstimates(parts, stopping.signal), onFailure);
  return {
    async stop() {
      stopping.abort();
      await job.stop();
    },
  };
}

/** Goes through all estimates that are due now. Rejects with `StoreUnavailable`. */
export async function correctEstimates(parts: CorrectionParts, signal: AbortSignal): Promise<void> {
  const { corrections, memory, log } = parts;
  while (!signal.aborted && (await memory.lead('corrections', 2 * MINUTE_MS))) {
    const { due, givenUp } = await corrections.due(PAGE);
    if (givenUp > 0) log.warn({ givenUp }, 'estimates stay as they are: nobody tells what was used');
    for (let first = 0; first < due.length && !signal.aborted; first += AT_ONCE) {
      await Promise.all(
        due.slice(first, first + AT_ONCE).map((estimate) => correct(estimate, parts, signal)),
      );
    }
    if (due.length < PAGE) return;
  }
}

async function correct(estimate: OpenEstimate, parts: CorrectionParts, signal: AbortSignal): Promise<void> {
  const { epoch, attempt, provider, model, generationId, startedAtMs, bookedNanoUsd } = estimate;
  const ownKey = keyOf(estimate, parts);
  if (ownKey === 'none') return;
  const ended = {
    index: attempt,
    epoch,
    provider,
    model,
    generationId,
    startedAtMs,
    heldNanoUsd: bookedNanoUsd,
  };
  const told = await parts.chain.lookBack(ended, ownKey, signal);
  if (told === null || told.usage === null) return;
  const corrected = await parts.corrections.correct(estimate, {
    usage: told.usage,
    modelUsed: told.modelUsed,
  });
  if (corrected.kind === 'known') return;
  const { differenceNanoUsd } = corrected;
  parts.log.info(
    { model, generationId, differenceNanoUsd: Number(differenceNanoUsd) },
    'an estimate was corrected',
  );
}

/** With what it was paid, opened for each question; `none` where that key is gone: the operator's never stands in for it. */
function keyOf(
  { payer, ownKey, subject }: OpenEstimate,
  { openKey }: CorrectionParts,
): OwnKey | 'none' | null {
  if (payer === 'operator') return null;
  if (ownKey === null || subject === null) return 'none';
  return {
    id: `${ownKey.id}:${ownKey.revision}`,
    account: ownKey.id,
    open: () => openKey(ownKey, { id: subject }),
    mayCost: () => false,
  };
}
