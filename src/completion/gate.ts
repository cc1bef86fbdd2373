import type { AccountBlock } from './account.ts';
import type { Candidate } from './candidates.ts';
import type { CompletionFailure } from './failure.ts';
import type { FreeAsker, FreeOutlook } from './free-places.ts';
import { stateOf, type ProviderStates } from './provider-state.ts';

/** Decides which of a turn's models may be asked now. */
export interface Gate {
  /**
   * The first of `candidates` that is ready, perhaps after a short wait; else a free one that there is a place for within
   * a time that people wait. The place is yet to be taken.
   */
  choose(candidates: readonly Candidate[], asker: FreeAsker): Choice;
  /** Whether one of them could be asked at once. */
  isReady(candidates: readonly Candidate[], asker: FreeAsker): boolean;
  /**
   * Those of `candidates` that one call can name beside `last`, at most `most`. All are free, and none looks at prompts
   * first: the provider would go past its refusal. Only OpenRouter takes several.
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

  const standing = (candidate: Candidate, asker: FreeAsker): Standing => {
    const { account, cooldowns, places } = stateOf(states, candidate.provider);
    const outlook = candidate.isFree ? places.outlook(asker) : AT_ONCE;
    const block = later(account.block(candidate.isFree), outlook.block);
    const modelAtMs = cooldowns.readyAtMs(candidate.id);
    const restEndsAtMs = Math.max(modelAtMs, block?.untilMs ?? 0);
    const readyAtMs = Math.max(restEndsAtMs, outlook.atMs);
    return { candidate, block, modelAtMs, restEndsAtMs, outlook, readyAtMs };
  };

  /** What a place has to be waited for is up to the queue. */
  const run = ({ candidate, restEndsAtMs }: Pick<Standing, 'candidate' | 'restEndsAtMs'>, fromMs: number) =>
    ({ kind: 'run', candidate, waitMs: Math.max(0, restEndsAtMs - fromMs) }) as const;

  return {
    choose(candidates, asker) {
      const standings = candidates.map((candidate) => standing(candidate, asker));
      const nowMs = now();
      const isSoon = (atMs: number) => atMs <= nowMs + MOMENT_MS;
      const isGood = ({ block, modelAtMs }: Standing) => block === null && modelAtMs <= nowMs;
      // A free model keeps its turn when only its place holds it up for a moment; a model that rests does not.
      const next = standings.find((one) => isGood(one) && isSoon(one.outlook.atMs));
      if (next !== undefined) return run(next, nowMs);

      const [first] = standings.toSorted((a, b) => a.readyAtMs - b.readyAtMs);
      if (first !== undefined && isSoon(first.readyAtMs)) return run(first, nowMs);

      const queued = standings.find(
        (one) => isGood(one) && one.outlook.canWait && one.outlook.atMs <= nowMs + LONGEST_QUEUE_MS,
      );
      if (queued !== undefined) return run(queued, nowMs);

      const [probe] = standings
        .filter(
          ({ block, modelAtMs, outlook }) => block === null && modelAtMs < Infinity && isSoon(outlook.atMs),
        )
        .toSorted((a, b) => a.modelAtMs - b.modelAtMs);
      if (probe !== undefined && nowMs - lastResortAtMs >= lastResortEveryMs) {
        lastResortAtMs = nowMs;
        return run({ ...probe, restEndsAtMs: nowMs }, nowMs);
      }
      return { kind: 'none', failure: whyNone(standings, nowMs) };
    },
    isReady: (candidates, asker) =>
      candidates.some((candidate) => standing(candidate, asker).readyAtMs <= now()),
    alongside(candidates, last, most) {
      const canJoin = ({ provider, id, isFree, listed }: Candidate): boolean =>
        provider === 'openrouter' &&
        isFree &&
        listed?.isModerated !== true &&
        stateOf(states, provider).cooldowns.readyAtMs(id) <= now();
      return last.provider === 'openrouter' && last.isFree ? candidates.filter(canJoin).slice(0, most) : [];
    },
  };
}

interface Standing {
  readonly candidate: Candidate;
  readonly block: AccountBlock | null;
  /** When its own rest ends. */
  readonly modelAtMs: number;
  /** When it and its account are ready. */
  readonly restEndsAtMs: number;
  readonly outlook: FreeOutlook;
  /** When nothing holds it up any more. */
  readonly readyAtMs: number;
}

const AT_ONCE: FreeOutlook = { atMs: 0, canWait: true, block: null };

/** The longest that a turn waits for a model that rests, or for a place, rather than going on without the model. */
export const MOMENT_MS = 3000;
/** The longest that a turn waits for a place where nothing else could answer; what takes longer is told at once. */
export const LONGEST_QUEUE_MS = 60_000;
/** While every model rests, one turn in this time tries the one that rests the shortest. */
const lastResortEveryMs = 10_000;

function later(a: AccountBlock | null, b: AccountBlock | null): AccountBlock | null {
  if (a === null || b === null) return a ?? b;
  return b.untilMs > a.untilMs ? b : a;
}

/** The account's reason when it is the account that stops every model; else the time at which one is back. */
function whyNone(standings: readonly Standing[], nowMs: number): CompletionFailure {
  const [first] = standings.toSorted((a, b) => a.readyAtMs - b.readyAtMs);
  const detail = `${standings.length} candidates, none ready`;
  if (first === undefined) return { kind: 'no_candidate', httpStatus: null, detail, retryAtMs: null };
  if (first.block !== null && standings.every(({ block }) => block !== null)) return first.block.failure;
  if (first.outlook.atMs === first.readyAtMs && first.modelAtMs <= nowMs && first.block === null) {
    const isOurs = first.outlook.canWait;
    return {
      kind: 'free_minute_spent',
      httpStatus: null,
      detail: `${detail}: ${isOurs ? 'our own pool' : 'the account'}`,
      resetsAtMs: first.outlook.atMs,
      isOurs,
    };
  }
  const retryAtMs = first.readyAtMs === Infinity ? null : first.readyAtMs;
  return { kind: 'no_candidate', httpStatus: null, detail, retryAtMs };
}
