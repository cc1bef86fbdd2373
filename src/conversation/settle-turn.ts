import type { AttemptRecord } from '../completion/attempt.ts';
import type { Notice } from '../i18n/translate.ts';
import type { Logger } from '../platform/logger.ts';
import type { Conclusion } from './outcome.ts';
import { insistOnStore } from './insist-on-store.ts';
import type { SettleRequest, SettleResult, TurnStore, WindowLimits } from './ports.ts';
import { estimateTokens } from './tokens.ts';
import type { RunnableTurn, StoredNotice } from './turn.ts';

export interface SettlementParts {
  readonly store: TurnStore;
  readonly log: Logger;
  readonly sleep: (ms: number) => Promise<void>;
  readonly newMessageId: () => string;
  readonly window: WindowLimits;
  readonly instance: string;
  readonly leaseMs: number;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;

/** Keeps trying while the store is away: money and answer must not be lost while this process lives. */
export async function settleTurn(
  turn: RunnableTurn,
  conclusion: Conclusion,
  attempts: readonly AttemptRecord[],
  parts: SettlementParts,
): Promise<SettleResult> {
  const request = settlement(turn, conclusion, attempts, parts);
  return await insistOnStore(() => parts.store.settle(request), {
    sleep: parts.sleep,
    restMs: (failures) => Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS),
    onAway: (retryAfterMs) =>
      parts.log.warn({ turn: turn.id, retryAfterMs }, 'the store is away; settling again soon'),
  });
}

function settlement(
  turn: RunnableTurn,
  { answer, notice, state, remarks = [], exhausted = null }: Conclusion,
  attempts: readonly AttemptRecord[],
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
    remarks: remarks.map(storable),
    exhausted,
    attempts,
    window,
    instance,
    leaseMs,
  };
}

function storable(notice: Notice): StoredNotice {
  return { key: notice.key, params: notice.params ?? {} };
}
