import type { PlaceId } from '../platform/ids.ts';

/**
 * Notices our own answers when they come back under a person's name, as bridges and relays post
 * them, and so breaks a loop that the bot flag does not show. Only long texts count: a person may
 * well repeat a short one. Whoever adds to an answer that they quote is a person with a question.
 */
export interface EchoGuard {
  answered(place: PlaceId, text: string): void;
  isEcho(place: PlaceId, text: string): boolean;
}

const SHORTEST_ECHO = 40;
const REMEMBERED_ANSWERS = 2000;

export function createEchoGuard(): EchoGuard {
  /** Lengths of answers by their beginnings. A Map keeps insertion order, so the first entry is the oldest. */
  const recent = new Map<string, number>();
  return {
    answered(place, text) {
      const plain = lettersOf(text);
      if (plain.length < SHORTEST_ECHO) return;
      const key = keyOf(place, plain);
      recent.delete(key);
      recent.set(key, plain.length);
      const oldest = recent.size > REMEMBERED_ANSWERS ? recent.keys().next().value : undefined;
      if (oldest !== undefined) recent.delete(oldest);
    },
    isEcho(place, text) {
      const plain = lettersOf(text);
      return plain.length >= SHORTEST_ECHO && plain.length <= (recent.get(keyOf(place, plain)) ?? -1);
    },
  };
}

/** Letters and digits alone: markup and spacing change on the way through a relay. */
function lettersOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}]+/gu, '').toLowerCase();
}

function keyOf(place: PlaceId, plain: string): string {
  return `${place} ${plain.slice(0, 200)}`;
}
