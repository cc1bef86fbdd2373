import type { ModelClient, ReportedGeneration } from './model-client.ts';
import type { Sleep } from './sleep.ts';

export interface AskingParts {
  readonly now: () => number;
  readonly sleep: Sleep;
}

/** How long a provider is asked for a generation. */
export interface Patience {
  /** Before each question. */
  readonly restsMs: readonly number[];
  readonly longestLookupMs: number;
  /** For all of it. */
  readonly longestMs: number;
}

/** A generation is usually known after 0.7 s, later when it was broken off. Nobody waits for it. */
export const PATIENT: Patience = {
  restsMs: [0, 250, 500, 1000, 2000],
  longestLookupMs: 3000,
  longestMs: 5000,
};
/** Somebody waits for the end of their answer. */
export const BRIEF: Patience = { restsMs: [700, 600], longestLookupMs: 1500, longestMs: 1500 };
/** Long after a generation: the provider knows it, or is asked another time. */
export const ONCE: Patience = { restsMs: [0], longestLookupMs: 3000, longestMs: 3000 };

export type Told =
  | { readonly generation: ReportedGeneration }
  | { readonly generation: null; readonly reason: string };

/** Asks what a generation took, again while the provider does not know it yet. Never rejects. */
export async function askWhatItTook(
  { now, sleep }: AskingParts,
  lookUp: ModelClient['lookUp'],
  generationId: string | null,
  { restsMs, longestLookupMs, longestMs }: Patience,
  signal: AbortSignal,
): Promise<Told> {
  if (generationId === null) return { generation: null, reason: 'no generation was named' };
  if (lookUp === null) return { generation: null, reason: 'the provider tells nothing afterwards' };
  const endMs = now() + longestMs;
  for (const restMs of restsMs) {
    if (now() + restMs >= endMs) break;
    if (restMs > 0) await sleep(restMs, signal);
    const timeoutMs = Math.max(1, Math.min(longestLookupMs, endMs - now()));
    const lookup = await lookUp(generationId, timeoutMs, signal);
    if (lookup.kind === 'told') return { generation: lookup.generation };
    if (lookup.kind === 'failed') {
      const { kind, detail } = lookup.failure;
      return { generation: null, reason: `${kind}: ${detail}` };
    }
  }
  return { generation: null, reason: 'the provider does not know the generation' };
}
