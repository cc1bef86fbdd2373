import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves with what `listen` hands over first, or with null after so long; ends the listening either way. */
export async function firstOf<Value>(
  listen: (found: (value: Value) => void) => () => void,
  timeoutMs: number,
): Promise<Value | null> {
  const { promise, resolve } = Promise.withResolvers<Value | null>();
  const end = listen(resolve);
  const timer = setTimeout(() => resolve(null), timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    end();
  }
}

/** Looks every so often until it is so; false when it never was. */
export async function untilTrue(
  check: () => boolean | Promise<boolean>,
  timeoutMs: number,
  everyMs = 50,
): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    if (await check()) return true;
    if (performance.now() > deadlineMs) return false;
    await sleep(everyMs);
  }
}
