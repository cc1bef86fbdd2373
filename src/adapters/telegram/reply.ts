import type { Api } from 'grammy';
import type { TurnId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Delivery, FinalReply, Reply, ReplyButton, ReplyOptions } from '../../platform/reply.ts';
import { createMarkdownStream } from '../../rendering/stream.ts';
import type { Address } from './address.ts';
import type { Clock } from '../../delivery/clock.ts';
import type { DraftIds } from './draft-ids.ts';
import { createDraftPreview } from './draft-preview.ts';
import { createEditPreview } from './edit-preview.ts';
import { describe, toDelivery, toFailure, type Failure } from './failure.ts';
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
  let ended: Promise<unknown> = Promise.resolve();
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

  const show = async ({ text, buttons }: FinalReply): Promise<Delivery> => {
    const final = renderAnswer(text);
    await preview.handOver(final);
    return await deliver(parts, final, buttons, logger);
  };

  /** Ends the growing and puts the messages into their last state. */
  const ending = (settle: () => Promise<Delivery>): Promise<Delivery> => {
    const work = async (): Promise<Delivery> => {
      await pump.stop();
      try {
        return await settle();
      } catch (error) {
        logger.error({ reason: describe(toFailure(error)) }, 'delivery failed');
        return toDelivery(toFailure(error));
      }
    };
    const delivery = work();
    ended = Promise.all([ended, delivery]);
    return delivery;
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
    finish: (final) => ending(() => show(final)),
    // A draft can't be taken away; it vanishes by itself (Bot API sendMessageDraft: 30 seconds).
    retract() {
      context.draftIds.close(options.turn);
      return ending(async () => toRetraction(await parts.trim(0)));
    },
    async abandon() {
      abandoning.abort();
      context.draftIds.close(options.turn);
      await Promise.all([pump.stop(), ended]);
    },
  };
}

/** Says something that is no turn: one or more messages, without a memory. Never rejects. */
export async function say(context: ReplyContext, address: Address, markdown: string): Promise<Delivery> {
  const parts = createTelegramParts({ ...context, address, journal: FORGETFUL, turn: null });
  return await deliver(parts, renderAnswer(markdown), [], context.logger);
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
  buttons: readonly ReplyButton[],
  logger: Logger,
): Promise<Delivery> {
  const stopped = await deliverParts(parts, final, buttons);
  if (stopped === null) return { kind: 'delivered' };
  const { index, failure, isSurplus } = stopped;
  const delivery = toDelivery(failure);
  // What can't ever be deleted stays, below an answer that is there.
  if (isSurplus && delivery.kind === 'unreachable') return { kind: 'delivered' };
  logger.warn({ part: index, outcome: delivery.kind, reason: describe(failure) }, 'answer not delivered');
  return delivery;
}

function toRetraction(left: Failure | null): Delivery {
  return left === null ? { kind: 'delivered' } : toDelivery(left);
}
