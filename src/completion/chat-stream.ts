import type OpenAI from 'openai';
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import { createAnswer, type Answer } from './answer.ts';
import { readCapped } from './capped-body.ts';
import { readChunk } from './chunk.ts';
import type { Dialect } from './dialect.ts';
import type { CompletionFailure } from './failure.ts';
import { parseJson } from './json.ts';
import type { CallEnd, CallSink, ModelCall } from './model-client.ts';
import { sdkFailure } from './sdk-failure.ts';
import { createWatchdog, type Interruption, type Watchdog } from './watchdog.ts';

export interface ChatStreamParts {
  readonly openai: OpenAI;
  readonly dialect: Dialect;
  readonly now: () => number;
}

/**
 * Streams one chat completion. One request: nothing is retried here, and whatever the other side or the network does comes
 * back as a value. Rejects only when the sink throws.
 */
export async function streamChat(
  { openai, dialect, now }: ChatStreamParts,
  call: ModelCall,
  sink: CallSink,
  signal: AbortSignal,
): Promise<CallEnd> {
  const answer = createAnswer(sink, call.maxTokens, { ...dialect, now });
  if (signal.aborted) return { ...answer.facts(), began: false, kind: 'cancelled' };
  const watchdog = createWatchdog(call.timers, signal);
  const failureOf = (error: unknown, isOpen: boolean) => sdkFailure(error, isOpen, now(), dialect.classify);
  try {
    const opened = await open(openai, dialect.body(call), watchdog.signal);
    if (opened.kind === 'opened') {
      if (opened.generationId !== null) answer.named(opened.generationId);
      const error = await readAll(opened.events, answer, watchdog);
      return endOf(answer, watchdog.interruption, {
        isOpen: true,
        searches: call.search === true,
        failure: error === undefined ? null : failureOf(error, true),
      });
    }
    return endOf(answer, watchdog.interruption, {
      isOpen: false,
      searches: false,
      failure: failureOf(opened.error, false),
    });
  } finally {
    watchdog.stop();
  }
}

const longestWholeAnswerBytes = 4 * 1024 * 1024;

type Opened =
  | { readonly kind: 'opened'; readonly generationId: string | null; readonly events: AsyncIterator<unknown> }
  | { readonly kind: 'refused'; readonly error: unknown };

async function open(
  openai: OpenAI,
  body: ChatCompletionCreateParamsStreaming,
  signal: AbortSignal,
): Promise<Opened> {
  try {
    const request = openai.chat.completions.create(body, { signal });
    const { data, response } = await request.withResponse();
    const isStream = /^text\/event-stream/i.test(response.headers.get('content-type') ?? 'text/event-stream');
    return {
      kind: 'opened',
      generationId: response.headers.get('x-generation-id'),
      events: isStream ? data[Symbol.asyncIterator]() : wholeAnswer(response),
    };
  } catch (error) {
    return { kind: 'refused', error };
  }
}

/** A stream request can be answered with one JSON body, an error or a whole completion; the SDK would see no event in it. */
async function* wholeAnswer(response: Response): AsyncGenerator<unknown> {
  const { text } = await readCapped(response.body, longestWholeAnswerBytes);
  yield parseJson(text) ?? { error: { message: 'not JSON' } };
}

/**
 * Reads events into the answer until it has all it needs, the stream ends or it is cut off. Returns what the stream
 * threw, if it did. This is the one place that turns bytes into chunks.
 */
async function readAll(events: AsyncIterator<unknown>, answer: Answer, watchdog: Watchdog): Promise<unknown> {
  let seen = answer.progress();
  for (;;) {
    let event: IteratorResult<unknown>;
    try {
      event = await events.next();
    } catch (error) {
      return error;
    }
    if (event.done === true || watchdog.interruption !== null) return undefined;
    const chunk = readChunk(event.value);
    answer.take(chunk);
    seen = answer.progress();
    if (seen.isFailed) return undefined;
    if (chunk.text !== '' || chunk.reasoning !== '' || seen.isFinished) watchdog.fed(seen);
  }
}

interface StreamEnd {
  /** The service took the request. */
  readonly isOpen: boolean;
  /** Searches are paid for, even where no token comes of them. */
  readonly searches: boolean;
  readonly failure: CompletionFailure | null;
}

function endOf(
  answer: Answer,
  interruption: Interruption | null,
  { isOpen, searches, failure }: StreamEnd,
): CallEnd {
  const { isFinished, isFailed, hasTokens } = answer.progress();
  const isRefusal =
    interruption === null && !hasTokens && (failure !== null || isFailed) && !(isOpen && searches);
  const facts = { ...answer.facts(), began: !isRefusal };
  // What happens after the finish reason takes nothing from the answer.
  if (isFinished) return { ...facts, ...answer.result() };
  if (interruption === 'cancelled') return { ...facts, kind: 'cancelled' };
  if (interruption !== null) return { ...facts, kind: 'failed', failure: timeout(interruption, isOpen) };
  if (failure !== null) return { ...facts, kind: 'failed', failure };
  return { ...facts, ...answer.result() };
}

function timeout(interruption: Exclude<Interruption, 'cancelled'>, isOpen: boolean): CompletionFailure {
  const stage =
    interruption === 'usage' ? 'idle' : isOpen || interruption !== 'first_token' ? interruption : 'connect';
  return { kind: 'timeout', stage, httpStatus: null, detail: `our timer: ${stage}` };
}
