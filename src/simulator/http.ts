import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Refusal } from './errors.ts';

/** Reads a request body; undefined when it is larger than `maxBytes` (the rest is read and dropped, so that the client gets its answer). */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size <= maxBytes) parts.push(part);
  }
  return size > maxBytes ? undefined : Buffer.concat(parts);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function sendRefusal(response: ServerResponse, { status, headers, body }: Refusal): void {
  if (typeof body !== 'string') return sendJson(response, status, body, headers);
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers });
  response.end(body);
}

/** Waits; returns false at once when the signal fires or had fired, instead of throwing. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Waits until the signal fires. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

const endedHere = new WeakSet<ServerResponse>();

/** Whether the simulator itself broke the connection, as a scenario ordered. */
export function wasEndedHere(response: ServerResponse): boolean {
  return endedHere.has(response);
}

/** Closes the TCP connection without an end to the answer. */
export function dropConnection(response: ServerResponse): void {
  endedHere.add(response);
  response.socket?.destroy();
}

/** Resets the TCP connection, after what was written has left. */
export async function resetConnection(response: ServerResponse): Promise<void> {
  const { socket } = response;
  if (socket === null) return;
  endedHere.add(response);
  // A reset drops what the kernel has not sent yet, so an empty write waits for the earlier ones.
  await new Promise<void>((resolve) => socket.write('', () => resolve()));
  await sleep(5);
  socket.resetAndDestroy();
}
