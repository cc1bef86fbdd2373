import { vi } from 'vitest';

/** Waits for something to become true; a wait that never ends fails the test. */
export async function until<Value>(
  check: () => Value | Promise<Value>,
  timeoutMs = 15_000,
): Promise<NonNullable<Value>> {
  return await vi.waitFor(
    async () => {
      const value = await check();
      if (value === false || value === undefined || value === null) {
        throw new Error(`never: ${String(check)}`);
      }
      return value;
    },
    { timeout: timeoutMs, interval: 10 },
  );
}
