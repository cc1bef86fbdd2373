import type { CompletionOutcome } from '../completion/completion.ts';
import type { Notice } from '../i18n/translate.ts';
import type { Logger } from '../platform/logger.ts';
import type { Conclusion } from './outcome.ts';
import { StoreUnavailable } from '../platform/adapter.ts';
import type { SettleRequest, SettleResult, TurnStore } from './ports.ts';
import { estimateTokens } from './tokens.ts';
import type { RunnableTurn, StoredNotice } from './turn.ts';

export interface SettlementParts {
  readonly store: TurnStore;
  readonly log: Logger;
  readonly sleep: (ms: number) => Promise<void>;
  readonly newMessageId: () => string;
  readonly window: { readonly maxTokens: number; readonly maxMessages: number };
  readonly instance: string;
  readonly leaseMs: number;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;

/** Keeps trying while the store is away: money and answer must not be lost while this process lives. */
export async function settleTurn(
  turn: RunnableTurn,
  conclusion: Conclusion,
  outcome: CompletionOutcome | null,
  parts: SettlementParts,
): Promise<SettleResult> {
  const request = settlement(turn, conclusion, outcome, parts);
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
    try {
      return await parts.store.settle(request);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      parts.log.warn({ turn: turn.id, retryAfterMs: waitMs }, 'the store is away; settling again soon');
      await parts.sleep(waitMs);
    }
  }
}

function settlement(
  turn: RunnableTurn,
  { answer, notice, state }: Conclusion,
  outcome: CompletionOutcome | null,
  { newMessageId, window, instance, leaseMs }: SettlementParts,
): SettleRequest {
  return {
    turnId: turn.id,
    epoch: turn.epoch,
    state,
    answer:
      answer === null
        ? null
        : { messageId: newMessageId(), estTokens: estimateTokens(answer.text), ...answer },
    notice: notice === null ? null : storable(notice),
    attempts: outcome?.attempts ?? [],
    window,
    instance,
    leaseMs,
  };
}

function storable(notice: Notice): StoredNotice {
  return { key: notice.key, params: notice.params ?? {} };
}
