import type { Api } from 'grammy';
import type { TurnId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Delivery, FinalReply, Reply, ReplyOptions } from '../../platform/reply.ts';
import { createMarkdownStream } from '../../rendering/stream.ts';
import type { Address } from './address.ts';
import type { Clock } from '../../delivery/clock.ts';
import type { DraftIds } from './draft-ids.ts';
import { createDraftPreview } from './draft-preview.ts';
import { createEditPreview } from './edit-preview.ts';
import { describe, toDelivery, toFailure } from './failure.ts';
import type { Pace, SendBudget } from './pacing.ts';
import { createTelegramParts, type TelegramParts } from './parts.ts';
import type { Preview, PreviewOptions } from './preview.ts';
import { deliverParts, FORGETFUL } from '../../delivery/parts.ts';
import { createPump, type NextStep } from '../../delivery/pump.ts';
import { renderAnswer, renderParts, type TelegramPart } from './render.ts';
import type { Sender } from './sender.ts';

/** What all replies of one bot share. */
export interface ReplyContext {
  readonly api: Api;
  readonly sender: Sender;
  readonly budget: SendBudget;
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
  const stream = createMarkdownStream();
  let isWorking = false;
  const abandoning = new AbortController();
  const parts = createTelegramParts({ ...context, address, ...options, signal: abandoning.signal });
  const previewOptions: PreviewOptions = {
    ...context,
    parts,
    current: () => renderParts(stream.current()),
    isWorking: () => isWorking,
  };
  let preview = openPreview(context, previewOptions, options.turn);

  const step = async (): Promise<NextStep> => {
    try {
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

  return {
    working() {
      isWorking = true;
      pump.wake();
    },
    append(delta) {
      stream.append(delta);
      pump.wake();
    },
    async finish({ text }) {
      await pump.stop();
      try {
        const final = renderAnswer(text);
        await preview.handOver(final);
        return await deliver(parts, final, logger);
      } catch (error) {
        logger.error({ reason: describe(toFailure(error)) }, 'delivery failed');
        return toDelivery(toFailure(error));
      }
    },
    abandon() {
      abandoning.abort();
      context.draftIds.close(options.turn);
      void pump.stop();
    },
  };
}

/** Says something that is no turn: one or more messages, without a memory. Never rejects. */
export async function say(context: ReplyContext, address: Address, said: FinalReply): Promise<Delivery> {
  const parts = createTelegramParts({ ...context, address, journal: FORGETFUL, turn: null, running: [] });
  return await deliver(parts, renderAnswer(said.text), context.logger);
}

function openPreview(context: ReplyContext, options: PreviewOptions, turn: TurnId): Preview {
  const { chatId, isPrivate } = options.parts.chat();
  const wantsDraft = context.streaming === 'draft' && isPrivate && !context.chatsWithoutDrafts.has(chatId);
  // Messages that an earlier process left are edited; a draft beside them would show the text twice.
  return wantsDraft && options.parts.count() === 0
    ? createDraftPreview({ ...options, turn, ids: context.draftIds })
    : createEditPreview(options);
}

async function deliver(
  parts: TelegramParts,
  final: readonly TelegramPart[],
  logger: Logger,
): Promise<Delivery> {
  const stopped = await deliverParts(parts, final);
  if (stopped === null) return { kind: 'delivered' };
  const { index, failure } = stopped;
  const delivery = toDelivery(failure);
  logger.warn({ part: index, outcome: delivery.kind, reason: describe(failure) }, 'answer not delivered');
  return delivery;
}
