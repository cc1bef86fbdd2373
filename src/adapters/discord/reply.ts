import type { REST } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import {
  attemptDelivery,
  concludeFinal,
  concludeRetraction,
  createEnding,
  type FailureReading,
} from '../../delivery/ending.ts';
import { deliverParts, FORGETFUL, type Button } from '../../delivery/parts.ts';
import { createPump, type NextStep } from '../../delivery/pump.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Said } from '../../platform/adapter.ts';
import type { Delivery, Reply, ReplyOptions } from '../../platform/reply.ts';
import { createMarkdownStream } from '../../rendering/stream.ts';
import type { Address } from './address.ts';
import { createEditPreview } from './edit-preview.ts';
import { describe, isClosed, isGone, toDelivery, toFailure, type Failure } from './failure.ts';
import { createFirstAnswers, type FirstAnswers } from './first-answers.ts';
import { heedHeaders } from './lane.ts';
import { createSendBudget, DEFAULT_PACE, type Pace, type SendBudget } from './pacing.ts';
import { createDiscordParts, type DiscordParts } from './parts.ts';
import { renderAnswer, renderParts, unformattedAnswer, type DiscordPart } from './render.ts';
import { createSender, type Sender } from './sender.ts';

/** What all replies of one bot share. */
export interface ReplyContext {
  readonly rest: REST;
  readonly firstAnswers: FirstAnswers;
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
  return { rest, bot, sender, budget, pace, clock, logger, firstAnswers: createFirstAnswers() };
}

/** The reply of one turn; see the contract of `Reply`. */
export function createReply(context: ReplyContext, address: Address, options: ReplyOptions): Reply {
  const { clock, logger } = context;
  const reading = readingBy(logger);
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
  const stopGrowing = async (): Promise<void> => {
    await pump.stop();
    stream.close();
  };
  const end = createEnding(stopGrowing, reading);

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
        unseen === null ? await deliver(parts, final, reading, onRefused) : toDelivery(unseen),
      ),
    retract: () => end.by(async () => concludeRetraction(await parts.retract(), reading)),
    async abandon() {
      abandoning.abort();
      stream.close();
      await end.abandon();
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
  { text, buttons = [] }: Said,
  { isPrivate }: { readonly isPrivate: boolean },
): Promise<Delivery> {
  const isEphemeral = isPrivate && (address.interaction !== null || !address.isPrivate);
  const silent = { journal: FORGETFUL, turn: null, thread: null };
  const parts = createDiscordParts({ ...context, address, ...silent, sendsFollowUps: true, isEphemeral });
  const reading = readingBy(context.logger);
  return await attemptDelivery(() => deliver(parts, { text, buttons }, reading, () => undefined), reading);
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
  { text, buttons }: { readonly text: string; readonly buttons: readonly Button[] },
  reading: FailureReading<Failure>,
  onRefused: (failure: Failure) => void,
): Promise<Delivery> {
  const stopped = await deliverParts(parts, render(text, reading.logger), buttons);
  if (stopped !== null) onRefused(stopped.failure);
  return concludeFinal(stopped, reading);
}

function readingBy(logger: Logger): FailureReading<Failure> {
  return { toFailure, toDelivery, describe, logger };
}
