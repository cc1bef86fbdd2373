import pino, { type DestinationStream, type Logger } from 'pino';
import { failureText } from './platform/failure-text.ts';

/**
 * Structured logs, on standard error unless told. Known secret values are cut out of every line as it is
 * written, so that a token inside a URL or a stack trace is covered too; message text is never
 * handed to the logger in the first place.
 */
export function createLogger(
  level: string,
  secrets: readonly string[],
  destination: DestinationStream = pino.destination({ dest: 2, sync: true }),
): Logger {
  const hidden = secrets.filter((secret) => secret.length >= 6);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: serializeError },
      hooks: {
        streamWrite: (line) => hidden.reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), line),
      },
    },
    destination,
  );
}

/** Where it failed and why, without what it failed on. */
function serializeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: failureText(error) };
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /u.test(line)) ?? [];
  return {
    message: failureText(error),
    ...('code' in error && { code: error.code }),
    at: frames.slice(0, 8).map((line) => line.trim()),
    ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
  };
}
