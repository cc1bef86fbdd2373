import type { ChunkFacts } from './chunk.ts';
import type { Dialect } from './dialect.ts';
import type { CompletionFailure } from './failure.ts';
import type { CallFacts, CallSink, ReportedUsage } from './model-client.ts';
import { createSourceList } from './sources.ts';

/** An answer that is coming in, chunk by chunk. */
export interface Answer {
  /** The response headers name the generation before the first chunk does. */
  named(generationId: string): void;
  /** Takes the next chunk. Once there is a finish reason, only usage and sources are read from what follows. */
  take(chunk: ChunkFacts): void;
  progress(): AnswerProgress;
  /** What the call comes to when no more chunks follow. */
  result(): AnswerResult;
  facts(): Omit<CallFacts, 'began'>;
}

export interface AnswerProgress {
  /** Visible text was handed out. */
  readonly hasText: boolean;
  /** Anything visible or of reasoning came in. */
  readonly hasTokens: boolean;
  /** A finish reason came; only usage is still missing. */
  readonly isFinished: boolean;
  readonly isFailed: boolean;
}

export type AnswerResult =
  | { readonly kind: 'ended'; readonly finish: 'stop' | 'length' | 'filtered' }
  | { readonly kind: 'failed'; readonly failure: CompletionFailure };

export interface AnswerDialect extends Pick<Dialect, 'classify' | 'generationOf'> {
  readonly now: () => number;
}

/**
 * Gathers an answer and hands its visible text on. `maxTokens` bounds what is taken: a model that doesn't stop is cut
 * off as if by length once it has sent far more than that many tokens can be.
 */
export function createAnswer(sink: CallSink, maxTokens: number, said: AnswerDialect): Answer {
  const state: AnswerState = {
    generationId: null,
    modelUsed: null,
    usage: null,
    usageGrows: false,
    finish: null,
    calledTools: false,
    failure: null,
    hasText: false,
    hasTokens: false,
    textBytes: 0,
    reasoningBytes: 0,
  };
  const mostBytes = maxTokens * bytesPerTokenAtMost + 16_384;
  const sources = createSourceList();
  let blanks = '';

  return {
    named,
    take(chunk) {
      if (chunk.usage !== null) state.usage = chunk.usage;
      sources.take(chunk.annotations);
      if (state.finish === null && state.failure === null) takeRunning(chunk);
      state.usageGrows = usageGrowsAfter(chunk, state);
    },
    progress: () => ({
      hasText: state.hasText,
      hasTokens: state.hasTokens,
      isFinished: state.finish !== null,
      isFailed: state.failure !== null,
    }),
    result: () => resultOf(state),
    facts: () => ({ ...factsOf(state), sources: sources.list() }),
  };

  function takeRunning(chunk: ChunkFacts): void {
    const generationId = said.generationOf(chunk);
    if (generationId !== null) named(generationId);
    state.modelUsed = chunk.model ?? state.modelUsed;
    takeTokens(chunk);
    state.failure = failureIn(chunk, state.hasText, said);
    state.finish = finishOf(chunk) ?? (isRunaway() ? 'length' : null);
  }

  /** After a tool that the service runs itself the model goes on: that end is none, unless nothing follows. */
  function finishOf({ finishReason }: ChunkFacts): string | null {
    if (finishReason !== 'tool_calls') return finishReason;
    state.calledTools = true;
    return null;
  }

  function named(generationId: string): void {
    if (state.generationId !== null) return;
    state.generationId = generationId;
    sink.onGeneration(generationId);
  }

  function takeTokens({ text, reasoning }: ChunkFacts): void {
    if (text === '' && reasoning === '') return;
    state.textBytes += Buffer.byteLength(text);
    state.reasoningBytes += Buffer.byteLength(reasoning);
    if (!state.hasTokens) sink.onFirstToken();
    state.hasTokens = true;
    if (text === '') return;
    if (state.hasText) return sink.onText(text);
    blanks += text;
    if (!isVisible(blanks)) return;
    state.hasText = true;
    sink.onText(blanks);
  }

  function isRunaway(): boolean {
    return state.textBytes + state.reasoningBytes > mostBytes;
  }
}

interface AnswerState {
  generationId: string | null;
  modelUsed: string | null;
  usage: ReportedUsage | null;
  /** More is used after what was told last. */
  usageGrows: boolean;
  finish: string | null;
  /** The model ended to call a tool, and nothing has ended it since. */
  calledTools: boolean;
  failure: CompletionFailure | null;
  hasText: boolean;
  hasTokens: boolean;
  textBytes: number;
  reasoningBytes: number;
}

/** Google tells with each chunk what was used so far. */
function usageGrowsAfter({ usage, text, reasoning }: ChunkFacts, state: AnswerState): boolean {
  const isOver = state.finish !== null || state.failure !== null || state.calledTools;
  return (usage === null && state.usageGrows) || (!isOver && (text !== '' || reasoning !== ''));
}

/** Longer texts for a single token exist (runs of blanks), but no answer consists of them. */
const bytesPerTokenAtMost = 32;

/** Whether anything of it can be seen: blanks, control and format characters can't. */
function isVisible(text: string): boolean {
  return /[^\s\p{Cc}\p{Cf}]/u.test(text);
}

function failureIn(
  chunk: ChunkFacts,
  hasText: boolean,
  { classify, now }: AnswerDialect,
): CompletionFailure | null {
  const { error, finishReason } = chunk;
  if (error !== undefined) return classify({ httpStatus: null, error, headers: () => null }, now());
  // A failed upstream may be reported as `stop`, and only the raw reason tells.
  const isError = finishReason !== null && /^(network_)?error$/i.test(chunk.nativeFinishReason ?? '');
  if (finishReason === 'error' || isError) {
    return { kind: 'upstream_error', httpStatus: null, detail: 'the provider ended with an error' };
  }
  if (finishReason === 'content_filter' && !hasText) {
    return { kind: 'moderated', httpStatus: null, detail: 'the provider filtered the whole answer' };
  }
  return null;
}

function resultOf({ failure, finish, calledTools, hasText, hasTokens }: AnswerState): AnswerResult {
  if (failure !== null) return { kind: 'failed', failure };
  if (finish === null && !calledTools) {
    const detail = hasTokens
      ? 'the stream ended without a finish reason'
      : 'the stream ended without a token';
    return { kind: 'failed', failure: { kind: 'truncated', httpStatus: null, detail } };
  }
  const ending = finish === 'length' ? 'length' : finish === 'content_filter' ? 'filtered' : 'stop';
  if (hasText) return { kind: 'ended', finish: ending };
  const detail = `${hasTokens ? 'nothing but reasoning or blanks' : 'no token'}, finish ${ending}`;
  return { kind: 'failed', failure: { kind: 'empty_answer', httpStatus: null, detail } };
}

function factsOf(state: AnswerState): Omit<CallFacts, 'began'> {
  const reasoning = Math.ceil(state.reasoningBytes / 3);
  return {
    generationId: state.generationId,
    modelUsed: state.modelUsed,
    usage: state.usage !== null && state.usageGrows ? { ...state.usage, soFar: true } : state.usage,
    estimatedTokens: { completion: reasoning + Math.ceil(state.textBytes / 3), reasoning },
  };
}
