import type { Chores } from '../../delivery/chores.ts';
import { failureText } from '../../platform/failure-text.ts';
import type { AdapterMemory } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import type { SendBudget } from './pacing.ts';

/**
 * The rests that Telegram asks for (429), kept beyond the life of the process: whoever writes to a chat during one makes
 * it longer.
 */
export interface Rests {
  /** Nothing is sent to the chat for so long. */
  note(chatId: number, forMs: number): void;
  /** Keeps those that an earlier process was asked for, and writes down what comes from now on. Never rejects. */
  resume(memory: Pick<AdapterMemory, 'noteRest' | 'rests'>): Promise<void>;
  /** Waits for nothing any more. */
  stop(): void;
  /** Resolves when those of an earlier process are known: who takes up its work writes nothing before. */
  readonly known: Promise<void>;
}

export interface RestsOptions {
  readonly budget: Pick<SendBudget, 'pause'>;
  readonly botId: string;
  readonly chores: Chores;
  readonly logger: Logger;
}

export function createRests({ budget, botId, chores, logger }: RestsOptions): Rests {
  const prefix = `telegram:${botId}:`;
  const { promise: known, resolve: tellKnown } = Promise.withResolvers<void>();
  let memory: Pick<AdapterMemory, 'noteRest' | 'rests'> | null = null;

  const forgotten = (error: unknown): void =>
    logger.warn({ reason: failureText(error) }, 'rests are not kept for the next process');

  return {
    note(chatId, forMs) {
      budget.pause(chatId, forMs);
      if (memory === null || forMs < SHORTEST_KEPT_MS) return;
      chores.add(memory.noteRest(`${prefix}${chatId}`, forMs).catch(forgotten));
    },
    async resume(lent) {
      memory = lent;
      try {
        for (const { what, forMs } of await lent.rests(prefix))
          budget.pause(Number(what.slice(prefix.length)), forMs);
      } catch (error) {
        forgotten(error);
      }
      tellKnown();
    },
    stop: tellKnown,
    known,
  };
}

/** A process that ends and starts again takes about as long. */
const SHORTEST_KEPT_MS = 2000;
