import { badRequest } from './refusal.ts';

/** What the person who pressed a button gets to see. */
export interface CallbackAnswer {
  readonly text: string;
  readonly showAlert: boolean;
  readonly url: string | undefined;
}

/** Questions to the bot that it may answer once and within a time: pressed buttons, payments about to be made. */
export interface QueryDesk<Answer> {
  /** Opens a query; the promise rejects when the simulator is reset or stopped before the answer. */
  open(): { id: string; answer: Promise<Answer> };
  /** Answers a query. Refuses with 400 when it is unknown, answered or too old. */
  answer(id: string, answer: Answer): void;
  clear(): void;
}

/** A desk whose queries live for `lifeMs` milliseconds. */
export function createQueryDesk<Answer>(now: () => number, lifeMs: number): QueryDesk<Answer> {
  const open = new Map<string, { settle: PromiseWithResolvers<Answer>; untilMs: number }>();
  let last = 7_000_000_000_000_000n;
  return {
    open() {
      last += 1n;
      const id = String(last);
      const settle = Promise.withResolvers<Answer>();
      // A test that does not wait for the answer must not fail when the query is given up.
      settle.promise.catch(() => undefined);
      open.set(id, { settle, untilMs: now() + lifeMs });
      return { id, answer: settle.promise };
    },
    answer(id, answer) {
      const query = open.get(id);
      if (query === undefined || query.untilMs < now()) {
        throw badRequest('query is too old and response timeout expired or query ID is invalid');
      }
      open.delete(id);
      query.settle.resolve(answer);
    },
    clear() {
      for (const { settle } of open.values()) settle.reject(new Error('The bot never answered the query.'));
      open.clear();
    },
  };
}
