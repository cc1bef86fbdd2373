import type { Account, AccountBlock } from './account.ts';
import type { Candidate } from './candidates.ts';
import type { Cooldowns } from './cooldowns.ts';
import type { CompletionFailure } from './failure.ts';
import type { FreePace } from './free-pace.ts';

/** Decides which of a turn's models may be asked now. */
export interface Gate {
  /** The first of `candidates` that is ready, perhaps after a short wait; its place in the free pace is taken. */
  choose(candidates: readonly Candidate[]): Choice;
  /** Whether one of them could be asked at once. */
  isReady(candidates: readonly Candidate[]): boolean;
  /**
   * Free ones of `candidates` that can be asked at once together, at most `most`; their places are taken. None of them
   * looks at prompts first: the provider would go past its refusal.
   */
  alongside(candidates: readonly Candidate[], most: number): readonly Candidate[];
}

export type Choice =
  | { readonly kind: 'run'; readonly candidate: Candidate; readonly waitMs: number }
  | { readonly kind: 'none'; readonly failure: CompletionFailure };

export interface GateParts {
  readonly cooldowns: Cooldowns;
  readonly account: Account;
  readonly pace: FreePace;
  readonly now: () => number;
}

export function createGate({ cooldowns, account, pace, now }: GateParts): Gate {
  let lastResortAtMs = -Infinity;

  const standing = (candidate: Candidate): Standing => {
    const block = account.block(candidate.isFree);
    const modelAtMs = cooldowns.readyAtMs(candidate.id);
    const paceAtMs = candidate.isFree ? Math.max(pace.nextStartMs(), account.freeMinuteEndsAtMs()) : 0;
    return {
      candidate,
      block,
      modelAtMs,
      paceAtMs,
      readyAtMs: Math.max(modelAtMs, paceAtMs, block?.untilMs ?? 0),
    };
  };

  const run = ({ candidate, readyAtMs }: Standing, fromMs: number): Choice => {
    if (candidate.isFree) pace.take();
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
      return { kind: 'none', failure: whyNone(standings, account.freeMinuteEndsAtMs(), nowMs) };
    },
    isReady(candidates) {
      return candidates.map(standing).some(({ readyAtMs }) => readyAtMs <= now());
    },
    alongside(candidates, most) {
      const taken: Candidate[] = [];
      for (const candidate of candidates) {
        if (taken.length === most || !candidate.isFree || candidate.listed?.isModerated === true) continue;
        if (standing(candidate).readyAtMs > now()) continue;
        pace.take();
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
  /** When nothing holds it up any more. */
  readonly readyAtMs: number;
}

/** The longest that a turn waits for a place rather than going on without the model. */
const longestWaitMs = 3000;
/** While every model rests, one turn in this time tries the one that rests the shortest. */
const lastResortEveryMs = 10_000;

/** The account's reason when it is the account that stops every model; else the time at which one is back. */
function whyNone(
  standings: readonly Standing[],
  freeMinuteEndsAtMs: number,
  nowMs: number,
): CompletionFailure {
  const [first] = standings.toSorted((a, b) => a.readyAtMs - b.readyAtMs);
  const detail = `${standings.length} candidates, none ready`;
  if (first === undefined) return { kind: 'no_candidate', httpStatus: null, detail, retryAtMs: null };
  if (first.block !== null && standings.every(({ block }) => block !== null)) return first.block.failure;
  if (first.paceAtMs === first.readyAtMs && first.modelAtMs <= nowMs && first.block === null) {
    const source = freeMinuteEndsAtMs === first.paceAtMs ? 'the account' : 'our own pace';
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
