import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Piece } from './answer.ts';
import { chunk, deltaOf, emptyDelta } from './chunks.ts';
import {
  addPiece,
  endingOf,
  envelope,
  errorOf,
  hidesReasoning,
  type Completion,
  type Progress,
  type Settle,
} from './completion.ts';
import { createEventWriter, type EventWriter } from './event-writer.ts';
import { pause, resetConnection, untilAborted } from './http.ts';
import type { Fault } from './scenario.ts';
import type { Usage } from './wire.ts';

/**
 * Plays a completion as server-sent events, with the faults and oddities of its scenario. `signal` fires when the client leaves. Settles
 * exactly once, before the usage chunk.
 */
export async function streamCompletion(
  response: ServerResponse,
  completion: Completion,
  settle: Settle,
  signal: AbortSignal,
): Promise<void> {
  const { scenario } = completion;
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-generation-id': completion.id,
  });
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  const player: Player = {
    completion,
    writer: createEventWriter(response, scenario.framing, signal),
    signal,
    response,
    progress: { end: 'complete', completionTokens: 0, reasoningTokens: 0 },
    fault: scenario.fault,
  };
  for (let sent = 0; sent < (scenario.comments ?? 0); sent += 1) await player.writer.comment();
  const goesOn = await playPieces(player);
  if (signal.aborted && player.progress.end === 'complete') player.progress.end = 'cancelled';
  const usage = settle(player.progress);
  if (!goesOn || signal.aborted) return;
  await playEnd(player, usage);
  await player.writer.flush();
  response.end();
}

interface Player {
  completion: Completion;
  writer: EventWriter;
  signal: AbortSignal;
  response: ServerResponse;
  progress: Progress;
  /** The fault that has not struck yet. */
  fault: Fault | undefined;
}

/** Returns false when a fault or the client has ended the stream. */
async function playPieces(player: Player): Promise<boolean> {
  const { completion, progress } = player;
  const startMs = performance.now() + completion.pace.firstTokenMs;
  let isFirst = true;
  for (const { piece, isLast } of withLast(completion.answer.pieces)) {
    if (!(await strikeWhenDue(player, progress.completionTokens))) return false;
    const paceMs = (progress.completionTokens * 1000) / completion.pace.tokensPerSecond;
    if (!(await keepQuiet(player, startMs + paceMs, piece.delayMs ?? 0))) return false;
    if (isFirst) await player.writer.event(chunk(completion, emptyDelta));
    isFirst = false;
    await playPiece(player, piece, isLast);
    // Without a pace nothing else would let the event loop see that the client has left.
    if (progress.completionTokens % 32 === 0) await nextTurn();
    if (player.signal.aborted) return false;
  }
  return strikeWhenDue(player, Number.POSITIVE_INFINITY);
}

async function playPiece(player: Player, piece: Piece, isLast: boolean): Promise<void> {
  const { completion, writer, progress } = player;
  const { emptyDeltas = 0, finishWithText = false } = completion.scenario;
  for (let sent = 0; sent < emptyDeltas; sent += 1) await writer.event(chunk(completion, emptyDelta));
  addPiece(progress, piece);
  if (piece.reasoning !== undefined && hidesReasoning(completion)) return;
  const ending = finishWithText && isLast ? endingOf(completion) : undefined;
  await writer.event(chunk(completion, deltaOf(completion, piece), ending));
}

/** Waits until the given moment (of `performance.now()`) and `delayMs` more, with the service's comments. False once the client is gone. */
async function keepQuiet(player: Player, dueMs: number, delayMs: number): Promise<boolean> {
  const { writer, signal, completion } = player;
  const everyMs = completion.scenario.commentEveryMs ?? 1000;
  let leftMs = Math.max(0, dueMs - performance.now()) + delayMs;
  if (leftMs < 1) return !signal.aborted;
  await writer.flush();
  while (leftMs > everyMs && everyMs > 0) {
    if (!(await pause(everyMs, signal))) return false;
    leftMs -= everyMs;
    await writer.comment();
    await writer.flush();
  }
  return pause(leftMs, signal);
}

/** Plays the fault of the scenario, once, if it is due after so many tokens; true when the stream goes on. */
async function strikeWhenDue(player: Player, tokens: number): Promise<boolean> {
  const { fault } = player;
  if (fault === undefined || tokens < (fault.afterTokens ?? Number.POSITIVE_INFINITY)) return true;
  player.fault = undefined;
  switch (fault.kind) {
    case 'malformed':
      await player.writer.event(fault.line);
      return true;
    case 'error':
      await playError(player, fault);
      return false;
    case 'cut':
      player.progress.end = 'cut';
      await player.writer.flush();
      if (fault.how === 'reset') await resetConnection(player.response);
      else player.response.end();
      return false;
    case 'stall':
      await playStall(player, fault.commentEveryMs);
      return false;
  }
}

async function playError(player: Player, fault: Extract<Fault, { kind: 'error' }>): Promise<void> {
  const { completion, writer, response } = player;
  player.progress.end = 'error';
  const ending = { finish_reason: 'error', native_finish_reason: null } as const;
  const { choices, ...rest } = chunk(completion, { content: '' }, ending);
  await writer.event({
    ...rest,
    error: errorOf(fault),
    choices: fault.choices === 'empty' ? [] : choices,
  });
  if (fault.done) await writer.event('[DONE]');
  await writer.flush();
  response.end();
}

async function playStall({ writer, signal }: Player, commentEveryMs: number | undefined): Promise<void> {
  await writer.flush();
  while (commentEveryMs !== undefined && (await pause(commentEveryMs, signal))) {
    await writer.comment();
    await writer.flush();
  }
  await untilAborted(signal);
}

async function playEnd({ completion, writer }: Player, usage: Usage): Promise<void> {
  const { scenario, annotations } = completion;
  const where = scenario.usage ?? 'last';
  const onFinish = where === 'finish' || where === 'both' ? { usage } : {};
  if (annotations.length > 0) {
    await writer.event(chunk(completion, { ...emptyDelta, annotations }));
  }
  if (scenario.finishWithText !== true) {
    await writer.event({ ...chunk(completion, emptyDelta, endingOf(completion)), ...onFinish });
  }
  if (where === 'last' || where === 'both') {
    await writer.event({ ...envelope(completion, 'chat.completion.chunk'), choices: [], usage });
  }
  if (scenario.done !== false) await writer.event('[DONE]');
}

function* withLast(pieces: Iterable<Piece>): Generator<{ piece: Piece; isLast: boolean }> {
  let previous: Piece | undefined;
  for (const piece of pieces) {
    if (previous !== undefined) yield { piece: previous, isLast: false };
    previous = piece;
  }
  if (previous !== undefined) yield { piece: previous, isLast: true };
}
