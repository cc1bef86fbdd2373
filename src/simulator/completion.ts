import type { Answer, Piece } from './answer.ts';
import type { SimulatedModel } from './catalogue.ts';
import type { AnswerScenario } from './scenario.ts';
import type { ChatRequest } from './validation.ts';
import type { FinishReason, Usage } from './wire.ts';

/** One answer under way: what was asked, what will be said, who says it. */
export interface Completion {
  id: string;
  /** Unix seconds. */
  created: number;
  request: ChatRequest;
  /** The route that serves it. */
  model: SimulatedModel;
  router: string | null;
  provider: string;
  /** What the answer's `model` field says. */
  reportedModel: string;
  scenario: AnswerScenario;
  answer: Answer;
  promptTokens: number;
  /** Of the prompt, at most all of it together. */
  cachedTokens: number;
  cacheWriteTokens: number;
  webSearches: number;
  ocrPages: number;
  annotations: readonly object[];
  pace: Pace;
}

export interface Pace {
  firstTokenMs: number;
  tokensPerSecond: number;
}

/** How far an answer came: `complete`, broken by an upstream `error`, `cut` off without a word, or left by the client. */
export interface Progress {
  end: 'complete' | 'error' | 'cut' | 'cancelled';
  completionTokens: number;
  reasoningTokens: number;
}

/** Books the answer and returns the usage to report. Called once for each completion. */
export type Settle = (progress: Progress) => Usage;

export function addPiece(progress: Progress, piece: Piece): void {
  progress.completionTokens += piece.tokens;
  if (piece.reasoning !== undefined) progress.reasoningTokens += piece.tokens;
}

/** Whether the request asks not to see the reasoning. */
export function hidesReasoning({ request }: Completion): boolean {
  return request.reasoning?.exclude === true || request['include_reasoning'] === false;
}

/** The fields that every chunk and every whole answer begin with. */
export function envelope({ id, provider, reportedModel, created }: Completion, object: string) {
  return { id, provider, model: reportedModel, object, created };
}

export function errorOf(fault: Extract<AnswerScenario['fault'], { kind: 'error' }>): object {
  const { code, message, errorType, providerCode, availability } = fault;
  return {
    code,
    message,
    metadata: { error_type: errorType, ...(providerCode !== undefined && { provider_code: providerCode }) },
    ...(availability && { availability }),
  };
}

export function reasoningDetail(text: string): object {
  return { type: 'reasoning.text', text, format: 'unknown', index: 0, id: null, signature: null };
}

export type Ending = { finish_reason: FinishReason | null; native_finish_reason: string | null };

export function endingOf({ answer }: Completion): Ending {
  return { finish_reason: answer.finishReason, native_finish_reason: answer.nativeFinishReason };
}
