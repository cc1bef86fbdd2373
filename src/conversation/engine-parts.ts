import type { UserLimiter } from '../limits/user-limiter.ts';
import type { KnownPlans } from '../plans/known-plans.ts';
import type { TurnId } from '../platform/ids.ts';
import type { AdmissionOptions } from './admission.ts';
import type { EchoGuard } from './echo-guard.ts';
import type { TurnStore } from './ports.ts';
import type { Runner } from './runner.ts';
import type { WaitingMarks } from './waiting-marks.ts';

export interface EngineOptions extends AdmissionOptions {
  readonly userPerMinute: number;
}

export interface EngineParts {
  /** Null where there are no plans. */
  readonly plans: KnownPlans | null;
  readonly store: TurnStore;
  readonly limiter: UserLimiter;
  readonly runner: Runner;
  readonly marks: WaitingMarks;
  readonly echoes: EchoGuard;
  readonly now: () => number;
  readonly newTurnId: () => TurnId;
}
