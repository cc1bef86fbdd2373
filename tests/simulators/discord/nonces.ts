import type { StoredMessage } from './world.ts';

/** Remembers the messages of recent nonces, so that a repeated send with `enforce_nonce` gives the first message back. */
export interface Nonces {
  find(channelId: string, nonce: string | number): StoredMessage | undefined;
  keep(message: StoredMessage, nonce: string | number): void;
  clear(): void;
}

/** Discord speaks of "the past few minutes". */
const lifeMs = 180_000;

export function createNonces(now: () => number): Nonces {
  const kept = new Map<string, StoredMessage>();
  return {
    find(channelId, nonce) {
      const message = kept.get(`${channelId}:${nonce}`);
      return message === undefined || message.atMs <= now() - lifeMs ? undefined : message;
    },
    keep: (message, nonce) => kept.set(`${message.channel.id}:${nonce}`, message),
    clear: () => kept.clear(),
  };
}
