import { APIConnectionError, APIError } from 'openai';
import type { FailureReader } from './classify-failure.ts';
import type { CompletionFailure } from './failure.ts';
import { transportFailure } from './transport-failure.ts';

/** What an error thrown by the SDK means. `isOpen`: whether the answer had begun, so that it was cut. */
export function sdkFailure(
  error: unknown,
  isOpen: boolean,
  nowMs: number,
  classify: FailureReader,
): CompletionFailure {
  if (!(error instanceof APIError) || error instanceof APIConnectionError)
    return transportFailure(error, isOpen);
  const headers = error.status === undefined ? undefined : error.headers;
  return classify(
    {
      httpStatus: error.status ?? null,
      error: error.error,
      headers: (name) => headers?.get(name) ?? null,
    },
    nowMs,
  );
}
