import type { CompletionFailure } from './failure.ts';
import { asObject, asString } from './json.ts';

/**
 * What an error of the connection means. `began`: whether the answer had begun, so that it was cut rather than never
 * had. The detail holds names and codes only.
 */
export function transportFailure(error: unknown, began: boolean): CompletionFailure {
  const code = causeCode(error);
  if (error instanceof SyntaxError) {
    return { kind: 'upstream_error', httpStatus: null, detail: 'malformed event in the stream' };
  }
  return {
    kind: began ? 'truncated' : 'unreachable',
    httpStatus: null,
    detail: `${began ? 'connection lost' : 'no connection'}${code === null ? '' : ` (${code})`}`,
  };
}

/** The innermost system or library code, such as ECONNREFUSED or UND_ERR_SOCKET. */
function causeCode(error: unknown): string | null {
  let code: string | null = null;
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    const own = asString(asObject(current)?.['code']);
    if (own !== null && /^[A-Z][A-Z0-9_]{2,40}$/.test(own)) code = own;
    current = current.cause;
  }
  return code;
}
