import type { ServerResponse } from 'node:http';
import {
  addPiece,
  endingOf,
  envelope,
  errorOf,
  hidesReasoning,
  reasoningDetail,
  type Completion,
  type Progress,
  type Settle,
} from './completion.ts';
import { pause, resetConnection, sendJson, untilAborted } from './http.ts';

/** Plays a completion as one JSON body. It is billed in full even when the client leaves: only streams can be cancelled. */
export async function sendWholeAnswer(
  response: ServerResponse,
  completion: Completion,
  settle: Settle,
  signal: AbortSignal,
): Promise<void> {
  const { fault } = completion.scenario;
  const said = gather(completion);
  const { progress } = said;
  const { firstTokenMs, tokensPerSecond } = completion.pace;
  const paceMs = firstTokenMs + (progress.completionTokens * 1000) / tokensPerSecond + said.delayMs;
  if (paceMs >= 1) await pause(paceMs, signal);
  if (fault?.kind === 'stall') await untilAborted(signal);
  const usage = settle(progress);
  if (signal.aborted) return;
  const body = { ...envelope(completion, 'chat.completion'), ...bodyOf(completion, said), usage };
  const headers = { 'x-generation-id': completion.id };
  if (fault?.kind !== 'cut' && fault?.kind !== 'malformed') return sendJson(response, 200, body, headers);
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.write(text.slice(0, Math.ceil(text.length / 2)));
  if (fault.kind === 'cut' && fault.how === 'reset') await resetConnection(response);
  else response.end();
}

interface Said {
  text: string;
  reasoning: string;
  delayMs: number;
  progress: Progress;
}

/** Everything up to the end or to the fault. */
function gather({ answer, scenario }: Completion): Said {
  const { fault } = scenario;
  const limit = fault?.afterTokens ?? Number.POSITIVE_INFINITY;
  const progress: Progress = { end: 'complete', completionTokens: 0, reasoningTokens: 0 };
  const texts: string[] = [];
  const thoughts: string[] = [];
  let delayMs = 0;
  for (const piece of answer.pieces) {
    if (fault?.kind === 'error' && progress.completionTokens >= limit) break;
    addPiece(progress, piece);
    texts.push(piece.text ?? '');
    thoughts.push(piece.reasoning ?? '');
    delayMs += piece.delayMs ?? 0;
  }
  if (fault?.kind === 'error') progress.end = 'error';
  if (fault?.kind === 'cut' || fault?.kind === 'stall') progress.end = 'cut';
  return { text: texts.join(''), reasoning: thoughts.join(''), delayMs, progress };
}

function bodyOf(completion: Completion, { text, reasoning }: Said): object {
  const { answer, annotations, scenario } = completion;
  const { fault } = scenario;
  const shown = reasoning !== '' && !hidesReasoning(completion);
  const message = {
    role: 'assistant',
    content: answer.toolCalls.length > 0 && text === '' ? null : text,
    refusal: null,
    ...(shown ? { reasoning, reasoning_details: [reasoningDetail(reasoning)] } : { reasoning: null }),
    ...(answer.toolCalls.length > 0 && { tool_calls: answer.toolCalls }),
    ...(annotations.length > 0 && { annotations }),
  };
  const failed = fault?.kind === 'error';
  const ending = failed
    ? { finish_reason: 'error', native_finish_reason: null, error: errorOf(fault) }
    : endingOf(completion);
  return {
    system_fingerprint: null,
    service_tier: null,
    choices: [{ index: 0, logprobs: null, ...ending, message }],
  };
}
