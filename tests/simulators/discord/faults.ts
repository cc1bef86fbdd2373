import type { Limited } from './buckets.ts';
import { routeNames } from './specification.ts';

/** Something that goes wrong with one request, as a test scripted it. */
export type Fault =
  /** A refusal with Discord's own body. */
  | { readonly kind: 'error'; readonly status: number; readonly code: number; readonly message: string }
  /** A 429 that no bucket asked for, such as a shared one. */
  | ({ readonly kind: 'rateLimit' } & Limited)
  /** An answer that is not the API's, such as a proxy's 502 page. */
  | { readonly kind: 'status'; readonly status: number; readonly body: string }
  /** The connection breaks before the request takes effect, or after it (applied, but the answer is lost). */
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  /** No answer, for as long as the client waits; `after` takes effect first. */
  | { readonly kind: 'hang'; readonly when: 'before' | 'after' }
  /** The request takes effect, or its answer comes, `ms` milliseconds late. */
  | { readonly kind: 'delay'; readonly ms: number; readonly when: 'before' | 'after' };

export interface FaultOptions {
  /** How many requests fail; 1 unless told, `Infinity` for all. */
  readonly times?: number;
  /** Only requests for this channel. */
  readonly channelId?: string;
}

export interface FaultScript {
  /** `route` is `METHOD /path/{parameter}` as the API's description has it, or `*` for every route; throws when there is no such route. */
  add(route: string, fault: Fault, options?: FaultOptions): void;
  /** The fault this request meets, if any. Scripted faults are used up in the order they were added. */
  take(route: string, channelId: string | undefined): Fault | undefined;
  clear(): void;
}

export function createFaultScript(): FaultScript {
  let script: { route: string; fault: Fault; channelId: string | undefined; left: number }[] = [];
  return {
    add(route, fault, { times = 1, channelId } = {}) {
      if (route !== '*' && !routeNames.includes(route)) throw new Error(`There is no route "${route}".`);
      script.push({ route, fault, channelId, left: times });
    },
    take(route, channelId) {
      const entry = script.find(
        (candidate) =>
          (candidate.route === '*' || candidate.route === route) &&
          (candidate.channelId === undefined || candidate.channelId === channelId),
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
