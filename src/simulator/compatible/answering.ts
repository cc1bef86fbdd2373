import type { IncomingMessage, ServerResponse } from 'node:http';
import { pause, readBody, sendJson, wasEndedHere } from '../http.ts';
import { playConnection, playHttp, playRaw } from '../interruptions.ts';
import { prepareScenario, type AnswerScenario } from '../scenario.ts';
import { validateChatRequest } from '../validation.ts';
import type { PreparedServiceScenario } from './scenario.ts';
import type { Refusal, ServiceCall } from './service.ts';
import type { ServiceState } from './state.ts';
import { playAnswer } from './stream.ts';

const mostBodyBytes = 20 * 1024 * 1024;

/** Records and answers one request. */
export async function answerRequest(
  state: ServiceState,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { service } = state;
  const { pathname } = new URL(request.url ?? '/', 'http://simulator');
  const call: ServiceCall = {
    method: request.method ?? 'GET',
    path: pathname,
    headers: request.headers,
    body: undefined,
    status: undefined,
    usage: undefined,
    cancelled: false,
    atMs: state.now(),
  };
  state.calls.push(call);
  const leaving = new AbortController();
  response.once('close', () => {
    call.status = response.headersSent ? response.statusCode : undefined;
    call.cancelled = !response.writableFinished && !wasEndedHere(response);
    leaving.abort();
  });
  const text = (await readBody(request, mostBodyBytes))?.toString() ?? '';
  call.body = bodyOf(text);
  const asked = `${call.method} ${pathname}`;
  const { authorization } = request.headers;
  const isList = asked === `GET ${service.basePath}/models`;
  const needsKey = !isList || service.needsKeyForList;
  if (needsKey && authorization !== `Bearer ${state.key}`)
    return refuse(response, service.unauthorized(authorization));
  if (isList) return sendJson(response, 200, service.modelList(state.models));
  if (asked !== `POST ${service.basePath}/chat/completions`) {
    return refuse(response, { status: 404, body: 'Not Found' });
  }
  await answerChat(state, call, response, leaving.signal);
}

function bodyOf(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

async function answerChat(
  state: ServiceState,
  call: ServiceCall,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { service } = state;
  const unknown = Object.keys(Object(call.body) as object).filter((name) => !service.fields.has(name));
  if (unknown.length > 0) return refuse(response, service.unknownFields(unknown));
  const checked = validateChatRequest(call.body);
  if (!checked.ok) return refuse(response, service.invalid(JSON.stringify(checked.refusal.body)));
  const { request } = checked;
  const id = request.model ?? '';
  const model = service.find(state.models, id);
  if (model === undefined) return refuse(response, service.unknownModel(id));
  const scenario =
    state.scenarios.take([id, model.id]) ?? (prepareScenario({ kind: 'answer' }) as AnswerScenario);
  if (scenario.kind !== 'answer') return interrupt(state, scenario, id, { response, signal });
  state.answers += 1;
  const answers = state.answers;
  await playAnswer({
    service,
    scenario,
    request,
    model,
    call,
    response,
    signal,
    pace: state.pace,
    id: service.newId(() => (answers % 1000) / 1000),
    created: Math.floor(state.now() / 1000),
  });
}

async function interrupt(
  { service }: ServiceState,
  scenario: Exclude<PreparedServiceScenario, { kind: 'answer' }>,
  model: string,
  { response, signal }: { readonly response: ServerResponse; readonly signal: AbortSignal },
): Promise<void> {
  switch (scenario.kind) {
    case 'http':
      return playHttp(response, scenario, signal);
    case 'connection':
      return playConnection(response, scenario, signal);
    case 'raw':
      return playRaw(response, scenario, signal);
    case 'refusal':
      if (scenario.afterMs !== undefined && !(await pause(scenario.afterMs, signal))) return;
      refuse(response, service.refusals[scenario.name]?.(model) ?? { status: 500, body: 'unknown refusal' });
  }
}

function refuse(response: ServerResponse, { status, body, headers }: Refusal): void {
  if (typeof body !== 'string') return sendJson(response, status, body, headers);
  response.writeHead(status, { 'content-type': 'text/plain', ...headers });
  response.end(body);
}
