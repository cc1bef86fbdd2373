/** Something that goes wrong with one call, as a test scripted it. */
export type Fault =
  | {
      readonly kind: 'error';
      readonly code: number;
      readonly description: string;
      readonly retryAfter?: number;
      readonly migrateTo?: number;
    }
  /** The connection breaks before the call takes effect, or after it (applied, but the answer is lost). */
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  /** No answer, for as long as the client waits. */
  | { readonly kind: 'hang' }
  /** An answer that is not the Bot API's, such as a proxy's 502 page. */
  | { readonly kind: 'status'; readonly code: number; readonly body: string }
  /** The call takes effect `ms` milliseconds late. */
  | { readonly kind: 'delay'; readonly ms: number };

export interface FaultOptions {
  /** How many calls fail; 1 unless told, `Infinity` for all. */
  readonly times?: number;
  /** Only calls for this chat. */
  readonly chatId?: number;
}

export interface FaultScript {
  /** `method` in any case, or `*` for every method. */
  add(method: string, fault: Fault, options?: FaultOptions): void;
  /** The fault this call meets, if any. Scripted faults are used up in the order they were added. */
  take(method: string, chatId: number | undefined): Fault | undefined;
  clear(): void;
}

export function createFaultScript(): FaultScript {
  let script: { method: string; fault: Fault; chatId: number | undefined; left: number }[] = [];
  return {
    add(method, fault, { times = 1, chatId } = {}) {
      script.push({ method: method.toLowerCase(), fault, chatId, left: times });
    },
    take(method, chatId) {
      const entry = script.find(
        (candidate) =>
          (candidate.method === '*' || candidate.method === method.toLowerCase()) &&
          (candidate.chatId === undefined || candidate.chatId === chatId),
      );
      if (entry === undefined) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) script = script.filter((candidate) => candidate !== entry);
      return entry.fault;
    },
    clear() {
      script = [];
    },
  };
}
