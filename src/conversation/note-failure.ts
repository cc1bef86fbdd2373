import { failureText } from '../platform/failure-text.ts';
import type { Logger } from '../platform/logger.ts';
import type { ErrorLog } from './operation-ports.ts';

/** Where a failure that is ours happened, and the id by which the person who was shown it can ask. */
export interface FailurePlace {
  readonly errorId: string;
  readonly area: string;
  readonly originKey: string | null;
  /** Names it in the log beside the id. */
  readonly logged?: Readonly<Record<string, string>>;
}

/** Puts a failure that nobody expected into the log, as `event`, and into the store. Never rejects. */
export async function noteFailure(
  { errors, log }: { readonly errors: ErrorLog; readonly log: Logger },
  { errorId, area, originKey, logged = {} }: FailurePlace,
  error: unknown,
  event: string,
): Promise<void> {
  log.error({ ...logged, errorId, err: error }, event);
  await errors.record({ id: errorId, area, message: failureText(error), originKey });
}
