import type { Api } from 'grammy';
import type { Logger } from '../../platform/logger.ts';
import type { Clock } from '../../delivery/clock.ts';
import { attempt, describe } from './failure.ts';

/** Who administrates which group. */
export interface GroupAdmins {
  /** Whether a person administrates a group; false when Telegram does not say. Never rejects. */
  includes(chatId: number, userId: number): Promise<boolean>;
}

/**
 * Asks for the whole list, because only that works in groups where the bot is an ordinary member
 * (Bot API getChatMember), and keeps it for five minutes.
 */
export function createGroupAdmins(api: Api, clock: Clock, logger: Logger): GroupAdmins {
  const groups = new Map<
    number,
    { readonly staleAtMs: number; readonly ids: Promise<ReadonlySet<number> | null> }
  >();

  const ask = async (chatId: number): Promise<ReadonlySet<number> | null> => {
    const outcome = await attempt(() => api.getChatAdministrators(chatId));
    if (outcome.ok) return new Set(outcome.value.map((member) => member.user.id));
    logger.warn({ chatId, reason: describe(outcome.failure) }, 'group administrators unknown');
    groups.delete(chatId);
    return null;
  };

  return {
    async includes(chatId, userId) {
      const now = clock.now();
      // Entries stand in the order in which they go stale.
      for (const [id, { staleAtMs }] of groups) {
        if (staleAtMs > now) break;
        groups.delete(id);
      }
      const known = groups.get(chatId) ?? { staleAtMs: now + CACHE_MS, ids: ask(chatId) };
      groups.set(chatId, known);
      return (await known.ids)?.has(userId) ?? false;
    },
  };
}

const CACHE_MS = 300_000;
