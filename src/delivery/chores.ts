/** Work that nobody waits for, kept in sight so that a shutdown can. */
export interface Chores {
  /** The work must not reject. */
  add(work: Promise<unknown>): void;
  /** Resolves when all of it is done, or after a few seconds. */
  settle(): Promise<void>;
}

export function createChores(): Chores {
  const running = new Set<Promise<unknown>>();
  return {
    add(work) {
      running.add(work);
      void work.then(() => running.delete(work));
    },
    async settle() {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS);
      });
      await Promise.race([Promise.all(running), patience]);
      clearTimeout(timer);
    },
  };
}

const PATIENCE_MS = 5000;
