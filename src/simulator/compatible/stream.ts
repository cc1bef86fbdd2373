import type { ServerResponse } from 'node:http';
import { composeAnswer, type Piece } from '../answer.ts';
import type { SimulatedModel } from '../catalogue.ts';
import type { Pace } from '../completion.ts';
import { createEventWriter, type EventWriter } from '../event-writer.ts';
import { pause, resetConnection, sendJson, untilAborted } from '../http.ts';
import type { AnswerScenario } from '../scenario.ts';
import { promptTokensOf } from '../tokens.ts';
import { contentParts } from '../validation.ts';
import type { ChatRequest, Service, ServiceCall, ServiceUsage } from './service.ts';

export interface Playing {
  readonly service: Service;
  readonly scenario: AnswerScenario;
  readonly request: ChatRequest;
  readonly model: SimulatedModel;
  readonly call: ServiceCall;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  readonly pace: Pace;
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
}

/** Plays an answer, streamed where the request asks for it, with the fault of its scenario. */
export async function playAnswer(playing: Playing): Promise<void> {
  const { scenario, request, model, response, signal } = playing;
  const answer = composeAnswer(scenario, request, model);
  if (!(await pauseOf(scenario.headersAfterMs ?? 0, signal))) return;
  const counted = { completion: 0, thought: 0 };
  if (request.stream !== true || scenario.as === 'json')
    return sendWhole(playing, answer.pieces, answer.finishReason);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const writer = createEventWriter(response, scenario.framing, signal);
  const { firstTokenMs, tokensPerSecond } = { ...playing.pace, ...paceIn(scenario) };
  if (!(await pauseOf(firstTokenMs, signal))) return;
  for (const piece of answer.pieces) {
    if (await strikes(playing, writer, counted.completion + counted.thought)) return;
    const waitMs = (piece.delayMs ?? 0) + (1000 / tokensPerSecond) * piece.tokens;
    if (!(await pauseOf(waitMs, signal))) return;
    count(counted, piece);
    const isHidden = piece.reasoning !== undefined && playing.service.hidesThoughtTokens;
    if (!isHidden) await writer.event(chunk(playing, deltaOf(piece), null, usageOf(playing, counted)));
    if (signal.aborted) return;
  }
  if (await strikes(playing, writer, Number.POSITIVE_INFINITY)) return;
  await playEnd(playing, writer, answer.finishReason, usageOf(playing, counted));
}

function paceIn({ firstTokenMs, tokensPerSecond }: AnswerScenario): Partial<Pace> {
  return {
    ...(firstTokenMs !== undefined && { firstTokenMs }),
    ...(tokensPerSecond !== undefined && { tokensPerSecond }),
  };
}

/** False once the client is gone. */
function pauseOf(ms: number, signal: AbortSignal): Promise<boolean> {
  return ms >= 1 ? pause(ms, signal) : Promise.resolve(!signal.aborted);
}

interface Counted {
  completion: number;
  thought: number;
}

function count(counted: Counted, piece: Piece): void {
  if (piece.reasoning === undefined) counted.completion += piece.tokens;
  else counted.thought += piece.tokens;
}

function usageOf({ service, request, call }: Playing, { completion, thought }: Counted): ServiceUsage {
  const prompt = [...contentParts(request.messages)].reduce(
    (sum, { text = '' }) => sum + promptTokensOf(text),
    0,
  );
  const told = service.hidesThoughtTokens ? completion : completion + thought;
  call.usage = {
    prompt_tokens: prompt,
    completion_tokens: told,
    total_tokens: prompt + completion + thought,
    ...(!service.hidesThoughtTokens && { completion_tokens_details: { reasoning_tokens: thought } }),
  };
  return call.usage;
}

function deltaOf({ text, reasoning }: Piece): object {
  const role = 'assistant';
  return reasoning === undefined ? { role, content: text ?? '' } : { role, reasoning_content: reasoning };
}

function chunk(
  { service, model, id, created, request }: Playing,
  delta: object,
  finish: string | null,
  usage: ServiceUsage,
): object {
  const isAlways = service.reportsUsageAlways && wantsUsage(request);
  return {
    id,
    object: 'chat.completion.chunk',
    created,
    model: model.id,
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...(isAlways && { usage }),
  };
}

function wantsUsage({ stream_options: options }: ChatRequest): boolean {
  return options?.['include_usage'] === true;
}

async function playEnd(
  playing: Playing,
  writer: EventWriter,
  finish: string | null,
  usage: ServiceUsage,
): Promise<void> {
  const { service, model, id, created, request, response, scenario } = playing;
  await writer.event(chunk(playing, {}, finish, usage));
  if (!service.reportsUsageAlways && wantsUsage(request) && scenario.usage !== 'none') {
    await writer.event({ id, object: 'chat.completion.chunk', created, model: model.id, choices: [], usage });
  }
  if (scenario.done !== false) await writer.event('[DONE]');
  await writer.flush();
  response.end();
}

/** Whether the fault of the scenario, due after so many tokens, has ended the stream. */
async function strikes(
  { service, scenario, response, signal }: Playing,
  writer: EventWriter,
  tokens: number,
): Promise<boolean> {
  const { fault } = scenario;
  if (fault === undefined || tokens < (fault.afterTokens ?? Number.POSITIVE_INFINITY)) return false;
  switch (fault.kind) {
    case 'malformed':
      await writer.event(fault.line);
      break;
    case 'error':
      await writer.event(service.streamError(Number(fault.code), fault.message) as object);
      break;
    case 'cut':
      if (fault.how === 'end') break;
      await writer.flush();
      await resetConnection(response);
      return true;
    case 'stall':
      await writer.flush();
      await untilAborted(signal);
      return true;
  }
  await writer.flush();
  response.end();
  return true;
}

function sendWhole(playing: Playing, pieces: Iterable<Piece>, finish: string | null): void {
  const { id, created, model, response } = playing;
  const counted = { completion: 0, thought: 0 };
  let content = '';
  for (const piece of pieces) {
    count(counted, piece);
    content += piece.text ?? '';
  }
  const message = { role: 'assistant', content };
  sendJson(response, 200, {
    id,
    object: 'chat.completion',
    created,
    model: model.id,
    choices: [{ index: 0, message, finish_reason: finish }],
    usage: usageOf(playing, counted),
  });
}
