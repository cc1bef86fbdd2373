import type { CompletionFailure } from './failure.ts';

/** Why no model, no paid model or no free model of this account can be asked until then. */
export interface AccountBlock {
  readonly failure: CompletionFailure;
  readonly untilMs: number;
}

/** What the account's own refusals (a bad key, no credits, the free allowance) leave open. Kept in memory. */
export interface Account {
  /** The block with the latest end, or null. */
  block(isFree: boolean): AccountBlock | null;
  /**
   * Takes in a refusal that a free or paid attempt met. Tells whether it is news: false when the same refusal is in
   * force already, or was at the last attempt that it concerned.
   */
  refused(failure: AccountRefusal, isFree: boolean): boolean;
  /** A free or paid attempt was answered: what would have stopped it is over. */
  answered(isFree: boolean): void;
}

export type AccountRefusal = Extract<
  CompletionFailure,
  { kind: 'unauthorized' | 'no_credits' | 'key_limit' | 'free_day_spent' }
>;

/** `mixesTiers`: a key can turn out to be on a free tier where it was said to cost; elsewhere free models alone have an allowance. */
export function createAccount(now: () => number, mixesTiers = false): Account {
  const blocks = new Map<AccountRefusal['kind'], ScopedBlock>();
  return {
    block(isFree) {
      const live = [...blocks.values()].filter(
        ({ scope, untilMs }) => untilMs > now() && stops(scope, isFree),
      );
      return live.toSorted((a, b) => b.untilMs - a.untilMs)[0] ?? null;
    },
    refused(failure, isFree) {
      const last = blocks.get(failure.kind);
      const before = last !== undefined && isDated(failure) && last.untilMs <= now() ? undefined : last;
      blocks.set(failure.kind, {
        failure,
        untilMs: Math.max(before?.untilMs ?? 0, endOf(failure, now())),
        scope: before?.scope === 'all' ? 'all' : scopeOf(failure, isFree, mixesTiers),
      });
      return before === undefined;
    },
    answered(isFree) {
      for (const [kind, block] of blocks) {
        if (isDated(block.failure) || !stops(block.scope, isFree)) continue;
        const stillStopsPaid = isFree && (kind === 'no_credits' || kind === 'key_limit');
        if (stillStopsPaid) blocks.set(kind, { ...block, scope: 'paid' });
        else blocks.delete(kind);
      }
    },
  };
}

type Scope = 'all' | 'paid' | 'free';

interface ScopedBlock extends AccountBlock {
  readonly failure: AccountRefusal;
  readonly scope: Scope;
}

function stops(scope: Scope, isFree: boolean): boolean {
  return scope === 'all' || (scope === 'free') === isFree;
}

/** A bad key or an empty account is tried again after this time: it may have been put right meanwhile. */
const probeAfterMs = 300_000;

/** Credits and key limits stop paid models only, unless a free model was refused for them: a negative balance stops all. */
function scopeOf({ kind }: AccountRefusal, isFree: boolean, mixesTiers: boolean): Scope {
  if (kind === 'unauthorized') return 'all';
  if (kind === 'free_day_spent') return isFree || !mixesTiers ? 'free' : 'all';
  return isFree ? 'all' : 'paid';
}

function endOf(failure: AccountRefusal, nowMs: number): number {
  return isDated(failure) ? failure.resetsAtMs : nowMs + probeAfterMs;
}

/** An allowance: used up until a known time, whatever else is answered meanwhile. */
function isDated(failure: AccountRefusal): failure is AccountRefusal & { readonly resetsAtMs: number } {
  return failure.kind === 'free_day_spent';
}
