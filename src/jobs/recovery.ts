import type { TurnStore, WindowLimits } from '../conversation/ports.ts';
import type { Runner } from '../conversation/runner.ts';
import type { Platform } from '../platform/ids.ts';
import { every, type Repeated } from './every.ts';

export interface RecoveryOptions {
  readonly instance: string;
  /** How long a turn stays with a process that gives no sign of life. */
  readonly leaseMs: number;
  readonly turnMaxAgeMs: number;
  readonly window: WindowLimits;
  /** Only turns of these can be shown by this process. */
  readonly platforms: readonly Platform[];
  /** Nobody else can have the database: leases of earlier lives are void. */
  readonly isAlone: boolean;
}

/** Turns that are taken over in one go; the rest follow in the next sweep. */
const CLAIMED_AT_ONCE = 20;
/** A platform that is away for a day has nobody waiting for what was said before. */
const DELIVERY_MAX_AGE_MS = 86_400_000;

/** Keeps this process's turns its own, and learns what others decided about them. */
export function startHeartbeat(
  { instance, leaseMs }: Pick<RecoveryOptions, 'instance' | 'leaseMs'>,
  store: TurnStore,
  runner: Runner,
  onFailure: (error: unknown) => void,
): Repeated {
  const renew = async (): Promise<void> => {
    const held = runner.held();
    if (held.length === 0) return;
    const askedAtMs = performance.now();
    runner.heed(await store.renewLeases(instance, held, leaseMs), held, askedAtMs);
  };
  return every(leaseMs / 3, renew, onFailure);
}

/** Takes over turns that nobody works on: those of a killed process, and queued ones that were left behind. */
export function startSweep(
  { instance, leaseMs, turnMaxAgeMs, window, platforms, isAlone }: RecoveryOptions,
  store: TurnStore,
  runner: Runner,
  onFailure: (error: unknown) => void,
): Repeated {
  let takeOver = isAlone;
  const sweep = async (): Promise<void> => {
    const work = await store.claimWork({
      instance,
      leaseMs,
      window,
      platforms,
      held: runner.held().map(({ id }) => id),
      takeOver,
      limit: CLAIMED_AT_ONCE,
      maxAgeMs: turnMaxAgeMs,
      deliveryMaxAgeMs: DELIVERY_MAX_AGE_MS,
      interruptedNotice: { key: 'turn.interrupted', params: {} },
    });
    takeOver = false;
    runner.resume(work);
  };
  return every(leaseMs / 3, sweep, onFailure);
}
