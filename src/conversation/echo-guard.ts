import type { PlaceId } from '../platform/ids.ts';

/**
 * Notices our own answers when they come back under a person's name, as bridges and relays post
 * them, and so breaks a loop that the bot flag does not show. Only long texts count: a person may
 * well repeat a short one.
 */
export interface EchoGuard {
  answered(place: PlaceId, text: string): void;
  isEcho(place: PlaceId, text: string): boolean;
}

const SHORTEST_ECHO = 40;
const REMEMBERED_ANSWERS = 2000;

export function createEchoGuard(): EchoGuard {
  // A Set keeps insertion order, so the first entry is the oldest.
  const recent = new Set<string>();
  return {
    answered(place, text) {
      const mark = fingerprint(place, text);
      if (mark === null) return;
      recent.delete(mark);
      recent.add(mark);
      const oldest = recent.size > REMEMBERED_ANSWERS ? recent.values().next().value : undefined;
      if (oldest !== undefined) recent.delete(oldest);
    },
    isEcho(place, text) {
      const mark = fingerprint(place, text);
      return mark !== null && recent.has(mark);
    },
  };
}

/** Letters and digits of the beginning: markup and spacing change on the way through a relay. */
function fingerprint(place: PlaceId, text: string): string | null {
  const plain = text
    .slice(0, 2000)
    .replace(/[^\p{L}\p{N}]+/gu, '')
    .toLowerCase();
  return plain.length < SHORTEST_ECHO ? null : `${place} ${plain.slice(0, 200)}`;
}
