import { decideAccess, isOperator, type AccessPolicy } from '../conversation/access.ts';
import { createNoticeGate } from '../conversation/notice-gate.ts';
import { refusalNotice } from '../conversation/outcome.ts';
import type { Refusal } from '../conversation/turn.ts';
import type { Notice } from '../i18n/translate.ts';
import { createPace } from '../limits/pace.ts';
import type { Envelope } from '../platform/message.ts';

/**
 * Who may use commands, and how fast. They have a pace of their own, beside that of messages, so
 * that `/stop` works for somebody who has just written too much.
 */
export interface CommandDoor {
  /** Null: come in. Else why not, once; `silence` for who was told just before. */
  knock(envelope: Envelope): Notice | 'silence' | null;
  /** Who came in could not be served: this use does not count. */
  leave(envelope: Envelope): void;
}

export function createCommandDoor(access: AccessPolicy, perMinute: number, now: () => number): CommandDoor {
  const pace = createPace(now);
  const gate = createNoticeGate(now);

  function refusalOf(envelope: Envelope): Refusal | null {
    if (isOperator(access, envelope.author.id)) return null;
    if (decideAccess(access, envelope) === 'denied') return { reason: 'access_denied' };
    const retryAfterMs = pace.take(envelope.author.id, perMinute);
    return retryAfterMs === 0 ? null : { reason: 'rate_limited', retryAfterMs };
  }

  return {
    knock(envelope) {
      if (gate.isClosed(envelope)) return 'silence';
      const refusal = refusalOf(envelope);
      if (refusal === null) return null;
      gate.refuse(envelope, refusal);
      return refusalNotice(refusal, now()) ?? 'silence';
    },
    leave({ author }) {
      if (!isOperator(access, author.id)) pace.giveBack(author.id);
    },
  };
}
