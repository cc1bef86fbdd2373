import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { limitedAnswer, rateHeaders } from './buckets.ts';
import type { Charge, Limited } from './buckets.ts';
import type { Fault } from './faults.ts';
import { DiscordRefusal, invalidForm, refusal, refusalBody } from './refusal.ts';
import { parseBody, readBytes } from './request-body.ts';
import { matchRoute, routeTable } from './routes/table.ts';
import type { RouteMatch } from './routes/table.ts';
import type { Route, RouteAnswer } from './routes/route.ts';
import type { DiscordCall, Simulation } from './simulation.ts';
import { operationOf } from './specification.ts';
import { answerViolations, requestProblems, unknownFields } from './validation.ts';
import type { Wire } from './world.ts';

/** One request on its way through the API. */
interface Exchange {
  readonly simulation: Simulation;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly signal: AbortSignal;
  /** Headers that tell of the request's bucket, once it is counted. */
  rateHeaders: Record<string, string>;
}

/** Answers `/api/v10/…` as Discord does, after whatever fault a test has scripted for the request. */
export async function answerApi(
  simulation: Simulation,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const aborted = new AbortController();
  response.once('close', () => aborted.abort());
  const exchange: Exchange = { simulation, request, response, url, signal: aborted.signal, rateHeaders: {} };
  const bytes = await readBytes(request);
  try {
    if (isShutOut(exchange)) return;
    checkClient(exchange);
    const match = checkedMatch(exchange);
    const call = recordCall(exchange, match);
    try {
      await answerCall(exchange, match, call, bytes);
    } catch (error) {
      const refused = refusalOf(simulation, error);
      Object.assign(call, { status: refused.status, code: refused.code, message: refused.message });
      sendRefusal(exchange, refused);
    } finally {
      call.pending = false;
      if (aborted.signal.aborted && !response.writableFinished) call.aborted = true;
    }
  } catch (error) {
    sendRefusal(exchange, refusalOf(simulation, error));
  }
}

async function answerCall(
  exchange: Exchange,
  match: RouteMatch,
  call: DiscordCall,
  bytes: Buffer,
): Promise<void> {
  const { simulation, request, response } = exchange;
  const route = routeTable(request.headers.host ?? '')[match.name];
  if (route === undefined) throw refusal('notFound');
  if (needsToken(match.name)) checkToken(exchange);
  const fault = simulation.faults.take(match.name, call.channelId);
  if (fault !== undefined && (await beforehand(exchange, fault, call))) return;
  const charge = chargeOf(simulation, route, match);
  if (charge?.hash !== undefined) {
    call.bucket = { hash: charge.hash, limit: charge.limit, remaining: charge.remaining };
    exchange.rateHeaders = rateHeaders(charge, simulation.now());
  }
  if (charge?.limited !== undefined) return sendLimited(exchange, call, charge.limited);
  const answer = await execute(exchange, route, match, call, bytes);
  if (answer === 'dropped' || (await isDropped(exchange, call, 'after'))) {
    call.aborted = true;
    response.destroy();
    return;
  }
  if (fault !== undefined && (await afterwards(exchange, fault, call))) return;
  respond(response, answer.status, answer.body, exchange.rateHeaders);
}

/** Whether the test that watches the requests breaks this one's connection here. */
async function isDropped(
  { simulation, request }: Exchange,
  call: DiscordCall,
  when: 'before' | 'after',
): Promise<boolean> {
  return (await simulation.options.intercept(call, when, request.headers.host ?? '')) === 'drop';
}

/** Runs a route and notes its result in the log. Throws its refusal, or that of a body that departs from the description. */
async function execute(
  exchange: Exchange,
  route: Route,
  match: RouteMatch,
  call: DiscordCall,
  bytes: Buffer,
): Promise<RouteAnswer | 'dropped'> {
  const { simulation, request } = exchange;
  const operation = operationOf(match.name);
  const { json, files } = await parseBody(bytes, request.headers['content-type'] ?? '');
  const bodyType = operation?.body;
  const body = bodyType === undefined ? undefined : (json ?? {});
  call.body = (body ?? {}) as Wire;
  call.files = files.map(({ name, content }) => ({ name, size: content.length }));
  const problems = [
    ...(bodyType === undefined ? [] : requestProblems(bodyType, body)),
    ...Object.entries(operation?.query ?? {}).flatMap(([key, type]) => queryProblems(key, type, call.query)),
  ];
  if (problems.length > 0) throw invalidForm(problems);
  Object.assign(call, { ignored: bodyType === undefined ? [] : unknownFields(bodyType, body) });
  if (await isDropped(exchange, call, 'before')) return 'dropped';
  const answer = route.handle(simulation, {
    params: match.params,
    query: call.query,
    body: body as never,
    files,
  });
  Object.assign(call, { ok: true, status: answer.status, result: structuredClone(answer.body) });
  checkAnswer(simulation, match.name, answer);
  return answer;
}

function queryProblems(
  key: string,
  type: string,
  query: DiscordCall['query'],
): ReturnType<typeof requestProblems> {
  const name = key.replace('?', '');
  const value = query[name];
  if (value === undefined || type === 'boolean') return [];
  return requestProblems(type, value).map((problem) => ({ ...problem, path: [name] }));
}

/** What the simulator answers must keep to the description too. */
function checkAnswer({ violations }: Simulation, route: string, { status, body }: RouteAnswer): void {
  const type = operationOf(route)?.answers[status];
  if (type === undefined) violations.push(`${route}: ${status} is not a status it answers with`);
  else if (type !== 'nothing') violations.push(...answerViolations(type, withoutExtras(route, body), route));
}

/** A new forum post comes with its first message, which the description leaves out. */
function withoutExtras(route: string, body: unknown): unknown {
  if (route !== 'POST /channels/{channel_id}/threads') return body;
  const { message: _, ...thread } = body as Wire;
  return thread;
}

/** Those whom Cloudflare has shut out for their invalid requests get its page. */
function isShutOut({ simulation, response }: Exchange): boolean {
  if (simulation.invalidRequests.recent() < simulation.options.invalidRequestLimit) return false;
  response.writeHead(429, { 'content-type': 'text/html', 'retry-after': '600' });
  response.end('<!doctype html><title>Access denied</title>error code: 1015');
  return true;
}

function checkClient({ request }: Exchange): void {
  // Discord demands `DiscordBot ($url, $versionNumber)` and blocks others (reference "User Agent").
  if (request.headers['user-agent']?.startsWith('DiscordBot (') !== true) throw refusal('badUserAgent');
}

function checkedMatch({ request, url }: Exchange): RouteMatch {
  const [, version, path] = /^\/api\/v(\d+)(\/.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  if (version !== undefined && version !== '10') throw refusal('invalidVersion');
  const match = path === undefined ? 404 : matchRoute(request.method ?? 'GET', path);
  if (match === 404) throw refusal('notFound');
  if (match === 405) throw refusal('notAllowed');
  return match;
}

/** Interactions are answered with their own token, and do not count against the bot's requests per second. */
function needsToken(route: string): boolean {
  return !/^\w+ \/(interactions|webhooks)\//.test(route);
}

function checkToken({ simulation, request }: Exchange): void {
  const isRight = request.headers.authorization === `Bot ${simulation.options.token}`;
  if (!isRight || simulation.isTokenRevoked()) throw refusal('unauthorized');
}

function chargeOf(
  { options, rates }: Simulation,
  { bucket }: Route,
  { name, params }: RouteMatch,
): Charge | undefined {
  if (!options.enforceRates || bucket === 'none') return undefined;
  const webhook =
    params['webhook_id'] === undefined ? undefined : `${params['webhook_id']}:${params['webhook_token']}`;
  return rates.charge(bucket, params['channel_id'] ?? params['guild_id'] ?? webhook ?? '', needsToken(name));
}

function recordCall({ simulation, url }: Exchange, { name, params }: RouteMatch): DiscordCall {
  const call: DiscordCall = {
    route: name,
    params,
    query: Object.fromEntries(url.searchParams),
    body: {},
    files: [],
    ignored: [],
    atMs: simulation.now(),
    channelId: params['channel_id'],
    ok: false,
    pending: true,
  };
  simulation.calls.push(call);
  return call;
}

/** Plays what happens before the request takes effect; true when nothing more is to happen. */
async function beforehand(exchange: Exchange, fault: Fault, call: DiscordCall): Promise<boolean> {
  const { response } = exchange;
  switch (fault.kind) {
    case 'error':
      throw new DiscordRefusal(fault.status, fault.code, fault.message);
    case 'rateLimit':
      sendLimited(exchange, call, fault);
      return true;
    case 'status':
      call.status = fault.status;
      response.writeHead(fault.status, { 'content-type': 'text/html' });
      response.end(fault.body);
      return true;
    case 'drop':
    case 'hang':
    case 'delay':
      return fault.when === 'before' && (await disturb(exchange, fault, call));
  }
}

/** Plays what happens after the request took effect; true when its answer is lost. */
async function afterwards(exchange: Exchange, fault: Fault, call: DiscordCall): Promise<boolean> {
  return 'when' in fault && fault.when === 'after' && (await disturb(exchange, fault, call));
}

/** Delays a request, or loses its answer; true when it is lost. */
async function disturb(
  { response, signal }: Exchange,
  fault: Extract<Fault, { when: unknown }>,
  call: DiscordCall,
): Promise<boolean> {
  if (fault.kind === 'delay') {
    await sleep(fault.ms, undefined, { ref: false });
    return false;
  }
  if (fault.kind === 'drop') response.destroy();
  else await closed(signal);
  call.aborted = true;
  return true;
}

function closed(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function sendLimited(exchange: Exchange, call: DiscordCall, limited: Limited): void {
  const { simulation, response } = exchange;
  const { headers, body } = limitedAnswer(limited);
  Object.assign(call, { limited: { scope: limited.scope, retryAfterMs: limited.retryAfterMs }, status: 429 });
  if (limited.scope !== 'shared') simulation.invalidRequests.count();
  respond(response, 429, body, { ...exchange.rateHeaders, ...headers });
}

/** A refused request counted against its bucket as well, and says so. */
function sendRefusal(
  { simulation, response, rateHeaders: headers }: Exchange,
  refused: DiscordRefusal,
): void {
  if (refused.status === 401 || refused.status === 403) simulation.invalidRequests.count();
  respond(response, refused.status, refusalBody(refused), headers);
}

/** The refusal to answer with. A mistake of the simulator itself is kept among the violations, so that a test can see it. */
function refusalOf({ violations }: Simulation, error: unknown): DiscordRefusal {
  if (error instanceof DiscordRefusal) return error;
  violations.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return new DiscordRefusal(500, 0, '500: Internal Server Error');
}

/** Sends JSON with a status, or nothing but the status, unless the connection is gone. */
export function respond(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.destroyed || response.writableEnded) return;
  const text = body === undefined ? '' : JSON.stringify(body);
  const typed = body === undefined ? {} : { 'content-type': 'application/json' };
  response.writeHead(status, { ...headers, ...typed, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
