import type { SimulatedModel } from './catalogue.ts';
import { demoAnswer } from './demo-answers.ts';
import { jsonFor } from './json-sample.ts';
import { reasoningIsOff } from './filters.ts';
import { outputLimit } from './output-limit.ts';
import type { AnswerScenario } from './scenario.ts';
import { tokenPieces } from './tokens.ts';
import type { ChatRequest, ContentPart } from './validation.ts';
import type { FinishReason, ToolCall } from './wire.ts';

/** One step of an answer. `tokens` counts towards the completion. */
export interface Piece {
  tokens: number;
  text?: string;
  reasoning?: string;
  /** A fragment of a function call. */
  toolCall?: { index: number; id?: string; name?: string; arguments: string };
  delayMs?: number;
}

/** An answer as the model will give it when nothing disturbs it. */
export interface Answer {
  pieces: Iterable<Piece>;
  toolCalls: readonly ToolCall[];
  finishReason: FinishReason | null;
  nativeFinishReason: string | null;
}

/** The answer that the scenario orders, or the demo answer, cut at the stop sequences of the request and at the model's or the request's limit. */
export function composeAnswer(scenario: AnswerScenario, request: ChatRequest, model: SimulatedModel): Answer {
  const toolCalls = (scenario.toolCalls ?? []).map(({ id, name, arguments: text }, index): ToolCall => ({
    id: id ?? `call_simulated${index}`,
    type: 'function',
    function: { name, arguments: text },
  }));
  if (scenario.runawayTokens !== undefined) {
    const pieces = runaway(scenario.text ?? 'and on ', scenario.runawayTokens);
    return { pieces, toolCalls, ...ending(scenario, 'length') };
  }
  const whole = [...scriptedPieces(scenario, request, model), ...toolCalls.flatMap(toolCallPieces)];
  const kept = cutAt(whole, outputLimit(model, request));
  if (kept !== whole) return { pieces: kept, toolCalls, ...ending(scenario, 'length') };
  return { pieces: whole, toolCalls, ...ending(scenario, toolCalls.length > 0 ? 'tool_calls' : 'stop') };
}

function ending(
  { finishReason, nativeFinishReason }: AnswerScenario,
  usual: FinishReason,
): Pick<Answer, 'finishReason' | 'nativeFinishReason'> {
  const reason = finishReason === undefined ? usual : finishReason;
  const native = nativeFinishReason === undefined ? reason : nativeFinishReason;
  return { finishReason: reason, nativeFinishReason: native };
}

function scriptedPieces(scenario: AnswerScenario, request: ChatRequest, model: SimulatedModel): Piece[] {
  if (scenario.pieces !== undefined) {
    return scenario.pieces.map(({ text, reasoning, delayMs }) => ({
      tokens: tokenPieces(`${reasoning ?? ''}${text ?? ''}`).length,
      ...(text !== undefined && { text }),
      ...(reasoning !== undefined && { reasoning }),
      ...(delayMs !== undefined && { delayMs }),
    }));
  }
  const silent = scenario.toolCalls !== undefined || scenario.reasoning !== undefined;
  const text = scenario.text ?? (silent ? '' : unscriptedText(request));
  const unasked = scenario.text === undefined && !silent && thinks(request, model);
  const reasoning = scenario.reasoning ?? (unasked ? thought : '');
  return [
    ...tokenPieces(reasoning).map((piece) => ({ tokens: 1, reasoning: piece })),
    ...tokenPieces(stoppedAt(text, request.stop)).map((piece) => ({ tokens: 1, text: piece })),
  ];
}

const thought = 'The question is read, the language is found, a short answer follows.';

/** Models think when they must, or when they can and are asked to. */
function thinks(request: ChatRequest, model: SimulatedModel): boolean {
  const { reasoning, reasoning_effort: shorthand } = request;
  if (model.reasoning === undefined) return false;
  if (model.reasoning.mandatory) return true;
  return Boolean(reasoning ?? shorthand) && !reasoningIsOff(request);
}

function unscriptedText(request: ChatRequest): string {
  const format = request.response_format;
  if (format?.type === 'json_object') return '{"simulated":true}';
  if (format?.type === 'json_schema') return JSON.stringify(jsonFor(format.json_schema.schema ?? {}));
  const last = request.messages.findLast(({ role }) => role === 'user');
  return demoAnswer(textOf(last?.content ?? ''));
}

function textOf(content: string | readonly ContentPart[]): string {
  if (typeof content === 'string') return content;
  return content.map(({ text }) => text ?? '').join('\n');
}

function stoppedAt(text: string, stop: string | readonly string[] | null | undefined): string {
  const ends = [stop ?? []].flat().map((sequence) => (sequence === '' ? -1 : text.indexOf(sequence)));
  const found = ends.filter((end) => end >= 0);
  return found.length === 0 ? text : text.slice(0, Math.min(...found));
}

/** Function calls come in fragments: first the name, then the arguments in two parts. */
function toolCallPieces({ id, function: { name, arguments: text } }: ToolCall, index: number): Piece[] {
  const middle = Math.ceil(text.length / 2);
  return [
    { tokens: 1, toolCall: { index, id, name, arguments: '' } },
    { tokens: 1, toolCall: { index, arguments: text.slice(0, middle) } },
    { tokens: 1, toolCall: { index, arguments: text.slice(middle) } },
  ];
}

/** The same array when everything fits into `maxTokens`. */
function cutAt(pieces: Piece[], maxTokens = Number.POSITIVE_INFINITY): Piece[] {
  let tokens = 0;
  const end = pieces.findIndex((piece) => {
    tokens += piece.tokens;
    return tokens > maxTokens;
  });
  return end < 0 ? pieces : pieces.slice(0, end);
}

function* runaway(text: string, tokens: number): Generator<Piece> {
  const pieces = tokenPieces(text);
  for (let sent = 0; sent < tokens; sent += 1) {
    yield { tokens: 1, text: pieces[sent % pieces.length] ?? ' ' };
  }
}
