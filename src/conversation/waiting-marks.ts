import type { PlatformAdapter } from '../platform/adapter.ts';
import type { Platform, TurnId } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { ReplyTarget } from '../platform/message.ts';
import { insistOnStore } from './insist-on-store.ts';
import type { TurnStore } from './ports.ts';

/** The marks on messages whose turn is queued. No method rejects. */
export interface WaitingMarks {
  /** Marks a message as waiting for a turn. */
  put(
    turn: TurnId,
    message: { readonly platform: Platform; readonly replyTarget: ReplyTarget },
  ): Promise<void>;
  /** Takes marks away. Resolves when that is done, or takes too long. */
  remove(turn: { readonly platform: Platform; readonly waited: readonly ReplyTarget[] }): Promise<void>;
}

export interface WaitingMarksParts {
  readonly store: Pick<TurnStore, 'waits'>;
  readonly adapterOf: (platform: Platform) => PlatformAdapter | null;
  readonly log: Logger;
  readonly sleep: (ms: number) => Promise<void>;
}

export function createWaitingMarks({ store, adapterOf, log, sleep }: WaitingMarksParts): WaitingMarks {
  async function change(platform: Platform, target: ReplyTarget, isWaiting: boolean): Promise<void> {
    try {
      await adapterOf(platform)?.markWaiting(target, isWaiting);
    } catch (error) {
      log.warn({ err: error }, 'a waiting message is not marked');
    }
  }

  return {
    async put(turn, { platform, replyTarget }) {
      await change(platform, replyTarget, true);
      try {
        const waits = await insistOnStore(() => store.waits(turn), { sleep, restMs: () => RETRY_MS });
        // It has begun, here or elsewhere, before there was a mark to take away.
        if (!waits) await change(platform, replyTarget, false);
      } catch (error) {
        log.warn({ turn, err: error }, 'a mark of waiting may stay');
      }
    },
    async remove({ platform, waited }) {
      if (waited.length === 0) return;
      const removed = Promise.all(waited.map((target) => change(platform, target, false)));
      await Promise.race([removed, sleep(LONGEST_REMOVAL_MS)]);
    },
  };
}

const RETRY_MS = 1000;
/** A platform that takes no reaction for longer keeps nobody waiting. */
const LONGEST_REMOVAL_MS = 5000;
