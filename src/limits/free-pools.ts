import { createFreePool, type FreePool, type FreePoolOptions } from './free-pool.ts';
import type { FreePoolReader } from './free-ports.ts';

export type FreePoolsOptions = Pick<FreePoolOptions, 'store' | 'perMinute' | 'now' | 'sleep' | 'log'>;

/** The free pools of all payers, as this process sees them. */
export interface FreePools extends FreePoolReader {
  /** One for each payer and provider; whoever opens it keeps it. `look`: see `FreePoolOptions`. */
  open(payer: string, provider: string, look?: FreePoolOptions['look']): FreePool;
  /** Whoever still waits is left to the process's end. */
  stop(): void;
}

export function createFreePools(options: FreePoolsOptions): FreePools {
  const { store, perMinute } = options;
  /** By payer: how many wait for OpenRouter's. */
  const waiting = new Map<string, number>();
  const busy = new Set<FreePool>();
  return {
    open(payer, provider, look = null) {
      const pool = createFreePool({
        ...options,
        payer,
        provider,
        look,
        onWaiting(count) {
          if (count > 0) busy.add(pool);
          else busy.delete(pool);
          if (provider !== 'openrouter') return;
          if (count > 0) waiting.set(payer, count);
          else waiting.delete(payer);
        },
      });
      return pool;
    },
    async left(user, guild) {
      const found = store === null ? null : await store.left(user, guild, perMinute);
      if (found === null) return null;
      const { pool, ...left } = found;
      return { ...left, waiting: waiting.get(pool) ?? 0 };
    },
    stop() {
      for (const pool of busy) pool.stop();
    },
  };
}
