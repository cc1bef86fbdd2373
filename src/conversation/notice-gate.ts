import type { Envelope } from '../platform/message.ts';
import type { Refusal } from './turn.ts';

/**
 * Remembers who was told "no" and until when. One person hears one refusal per place and cause;
 * what they send meanwhile is not even looked up in the database.
 */
export interface NoticeGate {
  /** The person was told and the reason still holds. */
  isClosed(envelope: Envelope): boolean;
  /** Notes what the person is being told now. */
  refuse(envelope: Envelope, refusal: Refusal): void;
}

/** Short enough that a raised limit or a lifted stop is felt soon. */
const LONGEST_CLOSED_MS = 30_000;
const LARGEST_GATE = 50_000;

export function createNoticeGate(now: () => number): NoticeGate {
  const closedUntil = new Map<string, number>();
  const key = (envelope: Envelope): string => `${envelope.place} ${envelope.author.id}`;
  return {
    isClosed(envelope) {
      const untilMs = closedUntil.get(key(envelope));
      if (untilMs === undefined) return false;
      if (untilMs > now()) return true;
      closedUntil.delete(key(envelope));
      return false;
    },
    refuse(envelope, refusal) {
      const holdsMs = holdsFor(refusal, now());
      if (holdsMs <= 0) return;
      if (closedUntil.size >= LARGEST_GATE) closedUntil.clear();
      closedUntil.set(key(envelope), now() + Math.min(holdsMs, LONGEST_CLOSED_MS));
    },
  };
}

/** How long the next message would meet the same answer. */
function holdsFor(refusal: Refusal, nowMs: number): number {
  switch (refusal.reason) {
    case 'empty_message':
    case 'text_withheld':
    case 'message_too_long':
    case 'over_context':
    case 'too_old':
      return 0;
    case 'rate_limited':
      return refusal.retryAfterMs;
    case 'quota':
      // A long message may not fit where a short one does.
      return refusal.metric === 'tokens' && refusal.used < refusal.limit ? 0 : refusal.resetsAtMs - nowMs;
    case 'stopped':
    case 'blocked':
    case 'access_denied':
    case 'approval_needed':
      return LONGEST_CLOSED_MS;
  }
}
