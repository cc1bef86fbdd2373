import type { ServerResponse } from 'node:http';
import { rateLimitHeaders } from './admission.ts';
import type { Refusal } from './errors.ts';
import { dropConnection, pause, resetConnection, untilAborted } from './http.ts';
import { namedRefusal, type RefusalContext } from './refusals.ts';
import type { PreparedScenario } from './scenario.ts';

type RefusalScenario = Extract<PreparedScenario, { kind: 'refusal' }>;
type HttpScenario = Extract<PreparedScenario, { kind: 'http' }>;
type ConnectionScenario = Extract<PreparedScenario, { kind: 'connection' }>;
type RawScenario = Extract<PreparedScenario, { kind: 'raw' }>;

/** The refusal that a scenario orders. */
export function orderedRefusal(scenario: RefusalScenario, context: RefusalContext): Refusal {
  const { name, retryAfter, metadata, insideOk, affordableTokens } = scenario;
  const plain = namedRefusal(name, {
    ...context,
    affordableTokens: affordableTokens ?? context.affordableTokens,
  });
  return {
    status: insideOk === true ? 200 : plain.status,
    headers: {
      ...plain.headers,
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      ...(scenario.rateLimitHeaders === true && rateLimitHeaders(plain)),
    },
    body:
      typeof plain.body === 'string' || metadata === undefined
        ? plain.body
        : {
            ...plain.body,
            error: { ...plain.body.error, metadata: { ...plain.body.error.metadata, ...metadata } },
          },
  };
}

export async function playHttp(
  response: ServerResponse,
  { status, headers, body, padToBytes, afterMs }: HttpScenario,
  signal: AbortSignal,
): Promise<void> {
  if (afterMs !== undefined && !(await pause(afterMs, signal))) return;
  const isText = typeof body === 'string';
  const text = body === undefined ? '' : isText ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': isText ? 'text/html; charset=utf-8' : 'application/json',
    ...headers,
  });
  response.end(text.padEnd(padToBytes ?? 0, ' '));
}

export async function playConnection(
  response: ServerResponse,
  { event, afterMs }: ConnectionScenario,
  signal: AbortSignal,
): Promise<void> {
  if (afterMs !== undefined && !(await pause(afterMs, signal))) return;
  if (event === 'reset') await resetConnection(response);
  else if (event === 'close') dropConnection(response);
  else await untilAborted(signal);
}

export async function playRaw(
  response: ServerResponse,
  { status, headers, packets, end }: RawScenario,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(status ?? 200, { 'content-type': 'text/event-stream', ...headers });
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  for (const { text, base64, delayMs } of packets) {
    if (delayMs !== undefined && !(await pause(delayMs, signal))) return;
    response.write(base64 === undefined ? (text ?? '') : Buffer.from(base64, 'base64'));
  }
  if (end === 'reset') await resetConnection(response);
  else if (end === 'stall') await untilAborted(signal);
  else response.end();
}
