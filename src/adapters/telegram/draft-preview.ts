import type { TurnId } from '../../platform/ids.ts';
import type { DraftIds } from './draft-ids.ts';
import { describe, type Failure } from './failure.ts';
import type { Preview, PreviewOptions } from './preview.ts';
import type { NextStep } from '../../delivery/pump.ts';
import type { TelegramPart } from './render.ts';

/**
 * Shows a growing answer as Telegram's own draft (Bot API sendMessageDraft): private chats only, at
 * most 4096 characters, gone after 30 seconds. A part that the text has outgrown is sent as a real
 * message, which ends its draft, and a new draft shows the rest.
 */
export function createDraftPreview(
  options: PreviewOptions & { readonly turn: TurnId; readonly ids: DraftIds },
): Preview {
  const { api, sender, budget, pace, clock, parts, ids, turn, mayWrite } = options;
  const endsAtMs = clock.now() + pace.typingLimitMs;
  let draftId = ids.open(turn);
  let frames = 0;
  let lastFrame: string | null = null;
  let lastFrameAtMs = -Infinity;

  const frame = async (part: TelegramPart): Promise<Failure | null> => {
    const chat = parts.chat();
    budget.take(chat, 'draft');
    frames += 1;
    lastFrameAtMs = clock.now();
    const outcome = await sender.call(chat, { urgency: 'once', isRepeatable: true, mayWrite }, () =>
      api.sendMessageDraft(chat.chatId, draftId, part.text, {
        entities: [...part.entities],
        can_stop: true,
        keep_on_stop: true,
        ...(chat.topicId === null ? {} : { message_thread_id: chat.topicId }),
      }),
    );
    if (!outcome.ok) return outcome.failure;
    lastFrame = contentOf(part);
    return null;
  };

  /** Sends the outgrown part for good and begins the next draft. */
  const seal = async (part: TelegramPart): Promise<NextStep> => {
    const waitMs = budget.waitMs(parts.chat(), 'first');
    if (waitMs > 0) return { kind: 'pause', ms: waitMs };
    budget.take(parts.chat(), 'first');
    const failure = await parts.show(parts.count(), { part, buttons: [] }, 'once');
    // What was not sent may be sent later; after any other failure only the final may risk a double.
    if (failure?.kind === 'late') return { kind: 'pause', ms: pace.draft.laterMs };
    if (failure !== null) return { kind: 'over' };
    draftId = ids.open(turn);
    lastFrame = null;
    return { kind: 'pause', ms: 0 };
  };

  const restAfter = (failure: Failure | null): NextStep | { readonly kind: 'unsupported' } => {
    if (failure === null)
      return { kind: 'pause', ms: frames < pace.draft.firstFrames ? pace.draft.firstMs : pace.draft.laterMs };
    options.logger.debug({ reason: describe(failure) }, 'draft dropped');
    if (failure.kind === 'refused' && (failure.code === 400 || failure.code === 404))
      return { kind: 'unsupported' };
    return failure.kind === 'refused' && failure.code < 429
      ? { kind: 'over' }
      : { kind: 'pause', ms: pace.draft.laterMs };
  };

  return {
    async step() {
      const waitMs = budget.waitMs(parts.chat(), 'draft');
      if (waitMs > 0) return { kind: 'pause', ms: waitMs };
      const current = options.current();
      const outgrown = current.length > parts.count() + 1 ? current[parts.count()] : undefined;
      if (outgrown !== undefined) return await seal(outgrown);
      const part = current[parts.count()] ?? THINKING;
      const heartbeatMs = lastFrameAtMs + pace.draft.heartbeatMs - clock.now();
      if (lastFrame === contentOf(part) && heartbeatMs > 0) return { kind: 'idle', ms: heartbeatMs };
      if (part === THINKING && (!options.isWorking() || clock.now() >= endsAtMs)) return { kind: 'idle' };
      return restAfter(await frame(part));
    },
    async handOver(final) {
      const part = final[parts.count()];
      // Clients turn the draft into the message only where the message begins like the last frame.
      const isFrameDue = part !== undefined && frames > 0 && lastFrame !== contentOf(part);
      if (isFrameDue && budget.waitMs(parts.chat(), 'draft') === 0) await frame(part);
      ids.close(turn);
    },
  };
}

/** An empty draft reads "Thinking…" (Bot API sendMessageDraft). */
const THINKING: TelegramPart = { text: '', entities: [] };

function contentOf(part: TelegramPart): string {
  return JSON.stringify([part.text, part.entities]);
}
