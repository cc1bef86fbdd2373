import type { Api } from 'grammy';
import type { Said } from '../../platform/adapter.ts';
import type { TurnId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Delivery, FinalReply, Reply, ReplyOptions } from '../../platform/reply.ts';
import { createMarkdownStream } from '../../rendering/stream.ts';
import type { Address } from './address.ts';
import type { Clock } from '../../delivery/clock.ts';
import type { Chores } from '../../delivery/chores.ts';
import type { DraftIds } from './draft-ids.ts';
import { createDraftPreview } from './draft-preview.ts';
import { createEditPreview } from './edit-preview.ts';
import { describe, toDelivery, toFailure, type Failure } from './failure.ts';
import type { Pace, SendBudget } from './pacing.ts';
import { createTelegramParts } from './parts.ts';
import type { Preview, PreviewOptions } from './preview.ts';
import {
  attemptDelivery,
  concludeFinal,
  concludeRetraction,
  createEnding,
  type FailureReading,
} from '../../delivery/ending.ts';
import { deliverParts, FORGETFUL } from '../../delivery/parts.ts';
import { createPump, type NextStep } from '../../delivery/pump.ts';
import { renderAnswer, renderParts } from './render.ts';
import type { Rests } from './rests.ts';
import type { Sender } from './sender.ts';

/** What all replies of one bot share. */
export interface ReplyContext {
  readonly api: Api;
  readonly sender: Sender;
  readonly budget: SendBudget;
  readonly rests: Rests;
  readonly chores: Chores;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly streaming: 'edit' | 'draft';
  readonly draftIds: DraftIds;
  /** Chats in which Telegram refused drafts. */
  readonly chatsWithoutDrafts: Set<number>;
}

/** The reply of one turn; see the contract of `Reply`. */
export function createReply(context: ReplyContext, address: Address, options: ReplyOptions): Reply {
  const { clock, logger } = context;
  const reading = readingBy(logger);
  const stream = createMarkdownStream();
  let isWorking = false;
  const abandoning = new AbortController();
  const parts = createTelegramParts({ ...context, address, ...options, signal: abandoning.signal });
  const previewOptions: PreviewOptions = {
    ...context,
    parts,
    current: () => renderParts(stream.current()),
    isWorking: () => isWorking,
    running: options.running,
    mayWrite: () => !abandoning.signal.aborted && options.journal.mayWrite(),
  };
  let preview = openPreview(context, previewOptions, options.turn);

  const step = async (): Promise<NextStep> => {
    try {
      await context.rests.known;
      const rest = await preview.step();
      if (rest.kind !== 'unsupported') return rest;
      context.chatsWithoutDrafts.add(address.chatId);
      context.draftIds.close(options.turn);
      preview = createEditPreview(previewOptions);
      return { kind: 'pause', ms: 0 };
    } catch (error) {
      logger.error({ reason: describe(toFailure(error)) }, 'preview failed');
      return { kind: 'over' };
    }
  };
  const pump = createPump(step, clock);
  const end = createEnding(() => pump.stop(), reading);

  const endBy = (settle: () => Promise<Delivery>): Promise<Delivery> =>
    end.by(async () => {
      await context.rests.known;
      return await settle();
    });

  const show = async ({ text, buttons }: FinalReply): Promise<Delivery> => {
    const final = renderAnswer(text);
    await preview.handOver(final);
    return concludeFinal(await deliverParts(parts, final, buttons), reading);
  };

  return {
    working() {
      isWorking = true;
      pump.wake();
    },
    append(delta) {
      stream.append(delta);
      pump.wake();
    },
    finish: (final) => endBy(() => show(final)),
    // A draft can't be taken away; it vanishes by itself (Bot API sendMessageDraft: 30 seconds).
    retract() {
      context.draftIds.close(options.turn);
      return endBy(async () => concludeRetraction(await parts.trim(0), reading));
    },
    async abandon() {
      abandoning.abort();
      context.draftIds.close(options.turn);
      await end.abandon();
    },
  };
}

/**
 * Says something that is no turn: one or more messages, without a memory, the first of them in the place of `instead`,
 * where that is told. Never rejects.
 */
export async function say(
  context: ReplyContext,
  address: Address,
  { text, buttons = [] }: Said,
  instead: string | null = null,
): Promise<Delivery> {
  const existing = instead === null ? [] : [{ index: 0, platformMessageId: instead }];
  const journal = { ...FORGETFUL, existing };
  const parts = createTelegramParts({ ...context, address, journal, turn: null });
  const reading = readingBy(context.logger);
  return await attemptDelivery(
    async () => concludeFinal(await deliverParts(parts, renderAnswer(text), buttons), reading),
    reading,
  );
}

function openPreview(context: ReplyContext, options: PreviewOptions, turn: TurnId): Preview {
  const { chatId, isPrivate } = options.parts.chat();
  const wantsDraft = context.streaming === 'draft' && isPrivate && !context.chatsWithoutDrafts.has(chatId);
  // Messages that an earlier process left are edited; a draft beside them would show the text twice.
  return wantsDraft && options.parts.count() === 0
    ? createDraftPreview({ ...options, turn, ids: context.draftIds })
    : createEditPreview(options);
}

function readingBy(logger: Logger): FailureReading<Failure> {
  return { toFailure, toDelivery, describe, logger };
}
