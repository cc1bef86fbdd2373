import { describe, type Failure } from './failure.ts';
import type { Preview, PreviewOptions } from './preview.ts';
import type { Rest } from './pump.ts';

/** Shows a growing answer as real messages that are edited; works in every chat, and a restart can go on from it. */
export function createEditPreview(options: PreviewOptions): Preview {
  const { budget, pace, parts } = options;
  /** Parts that the text has outgrown; the final rendering puts right what may change in them later. */
  let finished = 0;
  let failures = 0;
  const typing = createTypingSign(options);

  const nextChange = () => {
    const current = options.current();
    for (const [index, part] of current.entries()) {
      const look = { part, isRunning: index === current.length - 1 };
      if (index >= finished && !parts.shows(index, look)) return { index, look };
    }
    return current.length === 0 ? 'blank' : 'unchanged';
  };

  const afterFailure = (failure: Failure, index: number): Rest => {
    options.logger.debug({ reason: describe(failure) }, 'frame dropped');
    const isCreate = index >= parts.count();
    // A create without an answer may have worked: only the final may risk a double.
    if (failure.kind === 'unreachable' && failure.applied === 'unknown' && isCreate) return { kind: 'over' };
    if (failure.kind === 'refused' && failure.code < 429) return { kind: 'over' };
    failures += 1;
    return { kind: 'pause', ms: Math.min(pace.private.frameMs * 2 ** failures, LONGEST_REST_MS) };
  };

  return {
    async step() {
      const use = parts.count() === 0 ? 'first' : 'frame';
      const waitMs = budget.waitMs(parts.chat(), use);
      if (use === 'frame' && waitMs > 0) return { kind: 'pause', ms: waitMs };
      const change = nextChange();
      if (change === 'blank') return await typing();
      if (change === 'unchanged') return { kind: 'idle' };
      if (waitMs > 0) return { kind: 'pause', ms: waitMs };
      budget.take(parts.chat(), use);
      const failure = await parts.show(change.index, change.look, 'once');
      if (failure !== null) return afterFailure(failure, change.index);
      failures = 0;
      if (!change.look.isRunning) finished = change.index + 1;
      return { kind: 'pause', ms: 0 };
    },
    handOver: () => Promise.resolve(),
  };
}

/** Shows "typing…" and keeps it up: the sign lasts 5 seconds or until a message (Bot API sendChatAction). */
function createTypingSign(options: PreviewOptions): () => Promise<Rest> {
  const { api, sender, budget, clock, pace, parts } = options;
  const endsAtMs = clock.now() + pace.typingLimitMs;
  let dueAtMs = -Infinity;
  return async () => {
    const now = clock.now();
    if (!options.isWorking() || now >= endsAtMs) return { kind: 'idle' };
    if (now < dueAtMs) return { kind: 'idle', ms: dueAtMs - now };
    dueAtMs = now + pace.typingMs;
    const chat = parts.chat();
    if (budget.waitMs(chat, 'typing') === 0) {
      budget.take(chat, 'typing');
      const topic = chat.topicId === null ? {} : { message_thread_id: chat.topicId };
      await sender.call(chat, { urgency: 'once', isRepeatable: true }, () =>
        api.sendChatAction(chat.chatId, 'typing', topic),
      );
    }
    return { kind: 'idle', ms: pace.typingMs };
  };
}

const LONGEST_REST_MS = 30_000;
