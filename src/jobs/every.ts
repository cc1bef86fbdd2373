/** Work that is repeated while the process lives. */
export interface Repeated {
  /** Ends the repetition; resolves when a run in progress is over. */
  stop(): Promise<void>;
}

/**
 * Runs a task now and then again, each time `intervalMs` after the last run ended, so that runs
 * never overlap. A failed run does not end the repetition; the first of several is reported.
 */
export function every(
  intervalMs: number,
  task: () => Promise<void>,
  onFailure: (error: unknown) => void,
): Repeated {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let isFailing = false;
  let current = run();

  async function run(): Promise<void> {
    try {
      await task();
      isFailing = false;
    } catch (error) {
      if (!isFailing) onFailure(error);
      isFailing = true;
    }
    if (!stopped) {
      timer = setTimeout(() => {
        current = run();
      }, intervalMs);
    }
  }

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await current;
    },
  };
}
