import { StoreUnavailable } from '../platform/adapter.ts';

export interface StorePatience {
  readonly sleep: (ms: number) => Promise<void>;
  /** The rest after so many failures, from 1 on. */
  readonly restMs: (failures: number) => number;
  /** Told each time that the store was away. */
  /** Default: without end. */
  readonly mostFailures?: number;
  readonly onAway?: (restMs: number, error: StoreUnavailable) => void;
}

/** Asks until the store answers. Rejects with whatever is not its absence, and with that after the most failures. */
export async function insistOnStore<Value>(
  ask: () => Promise<Value>,
  { sleep, restMs, mostFailures = Infinity, onAway }: StorePatience,
): Promise<Value> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || failures >= mostFailures) throw error;
      const ms = restMs(failures);
      onAway?.(ms, error);
      await sleep(ms);
    }
  }
}
