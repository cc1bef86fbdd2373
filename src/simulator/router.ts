import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KeyState } from './accounts.ts';
import { answerChat } from './chat.ts';
import { isRefusal, refuse } from './errors.ts';
import { readBody, sendJson, sendRefusal, wasEndedHere } from './http.ts';
import { modelEndpoints, modelList, oneModel } from './model-list.ts';
import type { SimulatedCall, SimulatorState } from './state.ts';

const basePath = '/api/v1';

/** Records and answers one request to the API. */
export async function answerRequest(
  state: SimulatorState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://simulator');
  const call = recordCall(state, request, response, { path: pathname, query: searchParams });
  const leaving = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished && !wasEndedHere(response)) call.cancelled = true;
    leaving.abort();
  });
  const bytes = await readBody(request, state.maxBodyBytes);
  if (bytes === undefined) return sendRefusal(response, refuse(413, 'Request payload too large'));
  const parsed = parseBody(bytes);
  call.body = parsed.body;
  const path = pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : '';
  const listing = request.method === 'GET' ? publicAnswer(state, path, searchParams) : undefined;
  if (listing !== undefined) return send(response, listing);
  if (pathname === '/auth' || path === '/auth/keys') {
    return answerSignIn(
      state,
      { method: call.method, path: pathname, query: searchParams, body: call.body },
      response,
    );
  }
  const key = state.accounts.authenticate(request.headers.authorization);
  if (isRefusal(key)) return sendRefusal(response, key);
  if (request.method === 'POST' && path === '/chat/completions') {
    if (parsed.broken) return sendRefusal(response, refuse(400, 'Invalid JSON in the request body'));
    return answerChat({ state, key, call, response, signal: leaving.signal });
  }
  send(response, accountAnswer(state, key, request.method ?? 'GET', path, searchParams));
}

interface SignInRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** Needs no key: it is how one comes into being. */
function answerSignIn(
  { signIns }: SimulatorState,
  { method, path, query, body }: SignInRequest,
  response: ServerResponse,
): void {
  const isPage = path === '/auth';
  if (method !== 'POST' && !(isPage && method === 'GET')) {
    return sendRefusal(response, refuse(405, 'Method Not Allowed'));
  }
  if (!isPage) return send(response, signIns.trade(body));
  const { status, text, location } = method === 'GET' ? signIns.page(query) : signIns.allow(query);
  response.writeHead(status, { 'content-type': 'text/plain', ...(location !== undefined && { location }) });
  response.end(text);
}

function recordCall(
  state: SimulatorState,
  request: IncomingMessage,
  response: ServerResponse,
  { path, query }: { path: string; query: URLSearchParams },
): SimulatedCall {
  const statusNow = () => (response.headersSent ? response.statusCode : undefined);
  const call: SimulatedCall = {
    method: request.method ?? 'GET',
    path,
    query: Object.fromEntries(query),
    headers: request.headers,
    body: undefined,
    get status() {
      return statusNow();
    },
    generationId: undefined,
    usage: undefined,
    model: undefined,
    cancelled: false,
    atMs: state.now(),
  };
  // Once the answer is over the record stands alone, so that it does not keep the response in memory.
  response.once('close', () => {
    Object.defineProperty(call, 'status', { value: statusNow(), enumerable: true });
  });
  state.calls.push(call);
  return call;
}

function parseBody(bytes: Buffer): { body: unknown; broken: boolean } {
  if (bytes.length === 0) return { body: undefined, broken: true };
  const text = bytes.toString();
  try {
    return { body: JSON.parse(text), broken: false };
  } catch (error) {
    if (error instanceof SyntaxError) return { body: text, broken: true };
    throw error;
  }
}

/** What needs no key: the list of models and its parts. */
function publicAnswer({ models }: SimulatorState, path: string, query: URLSearchParams): object | undefined {
  if (path === '/models') return modelList(models, query);
  const endpoints = /^\/models\/([^/]+\/[^/]+)\/endpoints$/.exec(path);
  if (endpoints?.[1] !== undefined) return modelEndpoints(models, decodeURIComponent(endpoints[1]));
  const model = /^\/model\/([^/]+\/[^/]+)$/.exec(path);
  return model?.[1] === undefined ? undefined : oneModel(models, decodeURIComponent(model[1]));
}

function accountAnswer(
  state: SimulatorState,
  key: KeyState,
  method: string,
  path: string,
  query: URLSearchParams,
): object {
  const notFound = refuse(404, 'Not Found');
  if (method !== 'GET') return notFound;
  switch (path) {
    case '/models/user':
      return modelList(state.models, query);
    case '/key':
    case '/auth/key':
      return state.accounts.keyAnswer(key);
    case '/credits':
      return state.accounts.creditsAnswer(key);
    case '/generation':
      return state.generations.answer(query.get('id'));
    default:
      return notFound;
  }
}

function send(response: ServerResponse, answer: object): void {
  if (isRefusal(answer)) sendRefusal(response, answer);
  else sendJson(response, 200, answer);
}
