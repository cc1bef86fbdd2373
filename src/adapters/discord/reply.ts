import type { REST } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import { deliverParts, FORGETFUL } from '../../delivery/parts.ts';
import { createPump, type NextStep, type Pump } from '../../delivery/pump.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Said } from '../../platform/adapter.ts';
import type { Delivery, FinalReply, Reply, ReplyOptions } from '../../platform/reply.ts';
import { createMarkdownStream } from '../../rendering/stream.ts';
import type { Address } from './address.ts';
import { createEditPreview } from './edit-preview.ts';
import { describe, isClosed, isGone, toDelivery, toFailure, type Failure } from './failure.ts';
import { heedHeaders } from './lane.ts';
import { createSendBudget, DEFAULT_PACE, type Pace, type SendBudget } from './pacing.ts';
import { createDiscordParts, type DiscordParts } from './parts.ts';
import { renderAnswer, renderParts, unformattedAnswer, type DiscordPart } from './render.ts';
import { createSender, type Sender } from './sender.ts';

/** What all replies of one bot share. */
export interface ReplyContext {
  readonly rest: REST;
  /** The bot's account; null until Discord has told it. */
  readonly bot: { readonly id: string | null };
  readonly sender: Sender;
  readonly budget: SendBudget;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ReplyContextOptions extends Pick<ReplyContext, 'rest' | 'bot' | 'clock' | 'logger'> {
  /** Departures from the pace that suits Discord's limits. */
  readonly pace?: Partial<Pace>;
}

export function createReplyContext({
  rest,
  bot,
  clock,
  logger,
  ...options
}: ReplyContextOptions): ReplyContext {
  const pace = { ...DEFAULT_PACE, ...options.pace };
  const budget = createSendBudget(pace, clock);
  heedHeaders(rest, budget);
  const sender = createSender(budget, pace, clock, logger);
  return { rest, bot, sender, budget, pace, clock, logger };
}

/** The reply of one turn; see the contract of `Reply`. */
export function createReply(context: ReplyContext, address: Address, options: ReplyOptions): Reply {
  const { clock, logger } = context;
  const text = createMarkdownStream();
  const stream = context.budget.openStream();
  const abandoning = new AbortController();
  const { signal } = abandoning;
  let isWorking = false;
  let unseen: Failure | null = null;
  const parts = createDiscordParts({
    ...context,
    address,
    turn: options.turn,
    journal: options.journal,
    thread: options.thread,
    sendsFollowUps: false,
    isEphemeral: false,
    signal,
  });

  const onRefused = (failure: Failure): void => {
    if (unseen !== null || !(isGone(failure) || isClosed(failure))) return;
    unseen = failure;
    options.onUnseen();
  };
  const preview = createEditPreview({
    ...context,
    parts,
    stream,
    current: () => renderParts(text.current()),
    running: options.running,
    isWorking: () => isWorking,
    onRefused,
    signal,
    mayWrite: () => options.journal.mayWrite(),
  });
  const step = async (): Promise<NextStep> => {
    try {
      return await preview();
    } catch (error) {
      logger.error({ reason: describe(toFailure(error)) }, 'preview failed');
      return { kind: 'over' };
    }
  };
  const pump = createPump(step, clock);
  const end = createEnding(pump, () => stream.close());

  return {
    working() {
      isWorking = true;
      pump.wake();
    },
    append(delta) {
      text.append(delta);
      pump.wake();
    },
    finish: (final) =>
      end.by(async () =>
        unseen === null ? await deliver(parts, final, logger, onRefused) : toDelivery(unseen),
      ),
    retract: () => end.by(() => retract(parts, logger)),
    async abandon() {
      abandoning.abort();
      await end.rest();
    },
  };
}

/** Ends the preview before anything else is done. */
function createEnding(pump: Pump, onEnd: () => void) {
  let working: Promise<unknown> = Promise.resolve();
  const stop = async (): Promise<void> => {
    await pump.stop();
    onEnd();
  };
  return {
    by<Value>(work: () => Promise<Value>): Promise<Value> {
      const begun = stop().then(work);
      working = begun;
      return begun;
    },
    /** Resolves when nothing is done any more. */
    async rest(): Promise<void> {
      onEnd();
      await stop();
      await working;
    },
  };
}

/**
 * Says something that is no turn, without a memory: in the deferred response of an interaction and its follow-ups,
 * else in the channel. What is private and can't be said in private is not said. Never rejects.
 */
export async function say(
  context: ReplyContext,
  address: Address,
  { text }: Said,
  { isPrivate }: { readonly isPrivate: boolean },
): Promise<Delivery> {
  const isEphemeral = isPrivate && (address.interaction !== null || !address.isPrivate);
  const silent = { journal: FORGETFUL, turn: null, thread: null };
  const parts = createDiscordParts({ ...context, address, ...silent, sendsFollowUps: true, isEphemeral });
  return await deliver(parts, { text, buttons: [] }, context.logger, () => undefined);
}

function render(text: string, logger: Logger): readonly DiscordPart[] {
  try {
    return renderAnswer(text);
  } catch (error) {
    logger.error({ reason: describe(toFailure(error)) }, 'answer not rendered; sent as it was written');
    return unformattedAnswer(text);
  }
}

async function deliver(
  parts: DiscordParts,
  { text, buttons }: FinalReply,
  logger: Logger,
  onRefused: (failure: Failure) => void,
): Promise<Delivery> {
  try {
    const stopped = await deliverParts(parts, render(text, logger), buttons);
    if (stopped === null) return { kind: 'delivered' };
    const { index, failure, isSurplus } = stopped;
    onRefused(failure);
    const delivery = toDelivery(failure);
    // What can't ever be deleted stays, below an answer that is there.
    if (isSurplus && delivery.kind === 'unreachable') return { kind: 'delivered' };
    logger.warn({ part: index, outcome: delivery.kind, reason: describe(failure) }, 'answer not delivered');
    return delivery;
  } catch (error) {
    logger.error({ reason: describe(toFailure(error)) }, 'delivery failed');
    return toDelivery(toFailure(error));
  }
}

async function retract(parts: DiscordParts, logger: Logger): Promise<Delivery> {
  try {
    const left = await parts.retract();
    return left === null ? { kind: 'delivered' } : toDelivery(left);
  } catch (error) {
    logger.error({ reason: describe(toFailure(error)) }, 'answer not taken away');
    return toDelivery(toFailure(error));
  }
}
