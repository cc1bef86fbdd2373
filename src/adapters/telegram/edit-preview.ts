import { createEditSteps, createTypingSign, restAfterFailures } from '../../delivery/preview.ts';
import { describe } from './failure.ts';
import type { Preview, PreviewOptions } from './preview.ts';

/** Shows a growing answer as real messages that are edited; works in every chat, and a restart can go on from it. */
export function createEditPreview(options: PreviewOptions): Preview {
  const { budget, pace, parts } = options;
  const step = createEditSteps({
    parts,
    running: options.running,
    budget: {
      waitMs: (use) => budget.waitMs(parts.chat(), use),
      take: (use) => budget.take(parts.chat(), use),
    },
    current: options.current,
    typing: createTypingSign({ ...options, send: () => sendTyping(options) }),
    afterFailure(failure, isCreate, failures) {
      options.logger.debug({ reason: describe(failure) }, 'frame dropped');
      // A create without an answer may have worked: only the final may risk a double.
      if (failure.kind === 'unreachable' && failure.applied === 'unknown' && isCreate)
        return { kind: 'over' };
      if (failure.kind === 'refused' && failure.code < 429) return { kind: 'over' };
      return restAfterFailures(pace.private.frameMs, failures);
    },
  });
  return { step, handOver: () => Promise.resolve() };
}

/** Shows "typing…": the sign lasts 5 seconds or until a message (Bot API sendChatAction). */
async function sendTyping({ api, sender, budget, parts }: PreviewOptions): Promise<void> {
  const chat = parts.chat();
  if (budget.waitMs(chat, 'typing') > 0) return;
  budget.take(chat, 'typing');
  const topic = chat.topicId === null ? {} : { message_thread_id: chat.topicId };
  await sender.call(chat, { urgency: 'once', isRepeatable: true }, () =>
    api.sendChatAction(chat.chatId, 'typing', topic),
  );
}
