import type { AccountBlock } from './account.ts';
import type { Candidate } from './candidates.ts';
import type { CompletionFailure } from './failure.ts';
import { stateOf, type ProviderStates } from './provider-state.ts';

/** Decides which of a turn's models may be asked now. */
export interface Gate {
  /** The first of `candidates` that is ready, perhaps after a short wait; its place in the free pace is taken. */
  choose(candidates: readonly Candidate[]): Choice;
  /** Whether one of them could be asked at once. */
  isReady(candidates: readonly Candidate[]): boolean;
  /**
   * Those of `candidates` that one call can name beside `last`, at most `most`; their places are taken. All are free, and
   * none looks at prompts first: the provider would go past its refusal. Only OpenRouter takes several.
   */
  alongside(candidates: readonly Candidate[], last: Candidate, most: number): readonly Candidate[];
}

export type Choice =
  | { readonly kind: 'run'; readonly candidate: Candidate; readonly waitMs: number }
  | { readonly kind: 'none'; readonly failure: CompletionFailure };

export interface GateParts {
  readonly states: ProviderStates;
  readonly now: () => number;
}

export function createGate({ states, now }: GateParts): Gate {
  let lastResortAtMs = -Infinity;

  const standing = (candidate: Candidate): Standing => {
    const { account, cooldowns, pace } = stateOf(states, candidate.provider);
    const block = account.block(candidate.isFree);
    const modelAtMs = cooldowns.readyAtMs(candidate.id);
    const freeMinuteEndsAtMs = account.freeMinuteEndsAtMs();
    const paceAtMs = candidate.isFree ? Math.max(pace.nextStartMs(), freeMinuteEndsAtMs) : 0;
    return {
      candidate,
      block,
      modelAtMs,
      paceAtMs,
      freeMinuteEndsAtMs,
      readyAtMs: Math.max(modelAtMs, paceAtMs, block?.untilMs ?? 0),
    };
  };

  const run = ({ candidate, readyAtMs }: Standing, fromMs: number): Choice => {
    if (candidate.isFree) stateOf(states, candidate.provider).pace.take();
    return { kind: 'run', candidate, waitMs: Math.max(0, readyAtMs - fromMs) };
  };

  return {
    choose(candidates) {
      const standings = candidates.map(standing);
      const nowMs = now();
      const isSoon = (atMs: number) => atMs <= nowMs + longestWaitMs;
      // A free model keeps its turn when only the pace holds it up for a moment; a model that rests does not.
      const next = standings.find(
        ({ block, modelAtMs, paceAtMs }) => block === null && modelAtMs <= nowMs && isSoon(paceAtMs),
      );
      if (next !== undefined) return run(next, nowMs);

      const [first] = standings.toSorted((a, b) => a.readyAtMs - b.readyAtMs);
      if (first !== undefined && isSoon(first.readyAtMs)) return run(first, nowMs);

      const [probe] = standings
        .filter(
          ({ block, modelAtMs, paceAtMs }) => block === null && modelAtMs < Infinity && isSoon(paceAtMs),
        )
        .toSorted((a, b) => a.modelAtMs - b.modelAtMs);
      if (probe !== undefined && nowMs - lastResortAtMs >= lastResortEveryMs) {
        lastResortAtMs = nowMs;
        return run({ ...probe, readyAtMs: probe.paceAtMs }, nowMs);
      }
      return { kind: 'none', failure: whyNone(standings, nowMs) };
    },
    isReady(candidates) {
      return candidates.map(standing).some(({ readyAtMs }) => readyAtMs <= now());
    },
    alongside(candidates, last, most) {
      const canJoin = ({ provider, isFree, listed }: Candidate): boolean =>
        provider === 'openrouter' && isFree && listed?.isModerated !== true;
      const taken: Candidate[] = [];
      for (const candidate of last.provider === 'openrouter' && last.isFree ? candidates : []) {
        if (taken.length === most || !canJoin(candidate)) continue;
        const { readyAtMs } = standing(candidate);
        if (readyAtMs > now()) continue;
        stateOf(states, candidate.provider).pace.take();
        taken.push(candidate);
      }
      return taken;
    },
  };
}

interface Standing {
  readonly candidate: Candidate;
  readonly block: AccountBlock | null;
  /** When its own rest ends. */
  readonly modelAtMs: number;
  readonly paceAtMs: number;
  readonly freeMinuteEndsAtMs: number;
  /** When nothing holds it up any more. */
  readonly readyAtMs: number;
}

/** The longest that a turn waits for a place rather than going on without the model. */
const longestWaitMs = 3000;
/** While every model rests, one turn in this time tries the one that rests the shortest. */
const lastResortEveryMs = 10_000;

/** The account's reason when it is the account that stops every model; else the time at which one is back. */
function whyNone(standings: readonly Standing[], nowMs: number): CompletionFailure {
  const [first] = standings.toSorted((a, b) => a.readyAtMs - b.readyAtMs);
  const detail = `${standings.length} candidates, none ready`;
  if (first === undefined) return { kind: 'no_candidate', httpStatus: null, detail, retryAtMs: null };
  if (first.block !== null && standings.every(({ block }) => block !== null)) return first.block.failure;
  if (first.paceAtMs === first.readyAtMs && first.modelAtMs <= nowMs && first.block === null) {
    const source = first.freeMinuteEndsAtMs === first.paceAtMs ? 'the account' : 'our own pace';
    return {
      kind: 'free_minute_spent',
      httpStatus: null,
      detail: `${detail}: ${source}`,
      resetsAtMs: first.paceAtMs,
    };
  }
  const retryAtMs = first.readyAtMs === Infinity ? null : first.readyAtMs;
  return { kind: 'no_candidate', httpStatus: null, detail, retryAtMs };
}
