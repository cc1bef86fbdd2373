import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import { methods } from './methods/table.ts';
import { readParams, typedParams } from './params.ts';
import type { RawParams } from './params.ts';
import { TelegramRefusal } from './refusal.ts';
import type { Simulation, TelegramCall } from './simulation.ts';
import { canonicalMethod, resultViolations } from './specification.ts';

/** Answers `/bot<token>/<method>` as the Bot API does, after whatever fault a test has scripted for the call. */
export async function answerMethod(
  simulation: Simulation,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const aborted = new AbortController();
  response.once('close', () => aborted.abort());
  const body = await readBody(request);
  const address = /^\/bot([^/]*)\/(?:test\/)?([^/]*)\/?$/.exec(decodeURIComponent(url.pathname));
  const method = canonicalMethod(address?.[2] ?? '');
  let raw: RawParams = { values: {}, files: new Map() };
  let call: TelegramCall | undefined;
  try {
    checkToken(simulation, address?.[1] ?? '');
    if (method === undefined) throw new TelegramRefusal(404, 'Not Found: method not found');
    raw = readParams(request, url.searchParams, body);
    call = recordCall(simulation, method, raw);
    const fault = simulation.faults.take(method, call.chatId);
    if (fault !== undefined && (await beforehand(fault, call, response, aborted.signal))) return;
    const { intercept } = simulation.options;
    const host = request.headers.host ?? '';
    if ((await intercept(call, 'before', host)) === 'drop') return breakConnection(call, response);
    const result = await execute(simulation, call, raw, aborted.signal);
    const isDropped = (await intercept(call, 'after', host)) === 'drop';
    if (isDropped || fault?.kind === 'drop') breakConnection(call, response);
    else respond(response, 200, { ok: true, result });
  } catch (error) {
    const refusal = refusalOf(simulation, error);
    if (call !== undefined)
      Object.assign(call, { errorCode: refusal.code, description: refusal.description });
    respond(response, refusal.code, refusalBody(refusal));
  } finally {
    if (call !== undefined) settle(call, aborted.signal, response);
  }
}

/**
 * Executes the method a bot named in its answer to a webhook delivery. Telegram does not do so for methods that read, and never tells
 * the bot how it went.
 */
export async function runWebhookReply(simulation: Simulation, reply: Record<string, unknown>): Promise<void> {
  const { method: name, ...values } = reply;
  const method = typeof name === 'string' ? canonicalMethod(name) : undefined;
  if (method === undefined || method.startsWith('get')) return;
  const raw = { values, files: new Map() };
  const call = recordCall(simulation, method, raw);
  try {
    await execute(simulation, call, raw, new AbortController().signal);
  } catch (error) {
    const { code, description } = refusalOf(simulation, error);
    Object.assign(call, { errorCode: code, description });
  } finally {
    call.pending = false;
  }
}

/** Runs a method and notes its result in the log. Throws the refusal of the method or of its parameters. */
async function execute(
  simulation: Simulation,
  call: TelegramCall,
  raw: RawParams,
  signal: AbortSignal,
): Promise<unknown> {
  const run = methods[call.method];
  if (run === undefined) throw new TelegramRefusal(404, 'Not Found: method not found');
  const params = typedParams(call.method, raw);
  call.params = params;
  const result = await run(simulation, params as never, { files: raw.files, signal });
  call.ok = true;
  call.result = structuredClone(result);
  // Updates were checked when they were made, except raw ones, which may hold anything.
  if (call.method !== 'getUpdates') {
    simulation.violations.push(...resultViolations(call.method, call.result));
  }
  return result;
}

/** Sends JSON with a status, unless the connection is gone. */
export function respond(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed || response.writableEnded) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function checkToken(simulation: Simulation, token: string): void {
  if (token === simulation.options.token) return;
  const isWellFormed = /^\d+:[\w-]{20,}$/.test(token);
  throw new TelegramRefusal(401, isWellFormed ? 'Unauthorized' : 'Unauthorized: invalid token specified');
}

function recordCall(simulation: Simulation, method: string, { values }: RawParams): TelegramCall {
  const chatId = Number(values['chat_id']);
  const call: TelegramCall = {
    method,
    params: values,
    atMs: simulation.now(),
    ...(Number.isSafeInteger(chatId) ? { chatId } : {}),
    ok: false,
    pending: true,
  };
  simulation.calls.push(call);
  return call;
}

/** Plays what happens before the call takes effect; true when nothing more is to happen. */
async function beforehand(
  fault: Fault,
  call: TelegramCall,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<boolean> {
  switch (fault.kind) {
    case 'error':
      throw new TelegramRefusal(fault.code, fault.description, {
        ...(fault.retryAfter === undefined ? {} : { retry_after: fault.retryAfter }),
        ...(fault.migrateTo === undefined ? {} : { migrate_to_chat_id: fault.migrateTo }),
      });
    case 'status':
      call.errorCode = fault.code;
      response.writeHead(fault.code, { 'content-type': 'text/html' });
      response.end(fault.body);
      return true;
    case 'hang':
      await closed(signal);
      return true;
    case 'drop':
      if (fault.when === 'after') return false;
      breakConnection(call, response);
      return true;
    case 'delay':
      await sleep(fault.ms, undefined, { ref: false });
      return false;
  }
}

function closed(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function breakConnection(call: TelegramCall, response: ServerResponse): void {
  call.aborted = true;
  response.destroy();
}

function settle(call: TelegramCall, signal: AbortSignal, response: ServerResponse): void {
  call.pending = false;
  if (signal.aborted && !response.writableFinished) call.aborted = true;
}

/** The refusal to answer with. A mistake of the simulator itself is kept among the violations, so that a test can see it. */
function refusalOf(simulation: Simulation, error: unknown): TelegramRefusal {
  if (error instanceof TelegramRefusal) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  simulation.violations.push(text);
  return new TelegramRefusal(500, 'Internal Server Error');
}

function refusalBody({ code, description, parameters }: TelegramRefusal): object {
  return {
    ok: false,
    error_code: code,
    description,
    ...(parameters === undefined ? {} : { parameters }),
  };
}
