import { Routes, type REST } from 'discord.js';
import type { Urgency } from '../../delivery/insist.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ReplyOptions } from '../../platform/reply.ts';
import type { Address } from './address.ts';
import { describe, hasThreadAlready, isTransient, type Failure } from './failure.ts';
import { threadLane } from './lane.ts';
import type { Sender } from './sender.ts';

/** Where the messages of one reply go: the place of the question, or the thread that is opened at it. */
export interface Whereabouts {
  channelId(): string;
  isInThread(): boolean;
  /** The other place in which an earlier process may have put its messages; null where there is none. */
  otherChannelId(): string | null;
  /** Messages go to the other place from now on. */
  move(): void;
  /** Opens the thread if one is wanted and none was tried. Resolves with null once it is clear where messages go. */
  settle(urgency: Urgency): Promise<Failure | null>;
  /** The thread takes no messages: from now on they go to where the question is. */
  leaveThread(): void;
}

export interface WhereaboutsOptions {
  readonly rest: REST;
  readonly sender: Sender;
  readonly logger: Logger;
  readonly address: Address;
  readonly thread: ReplyOptions['thread'];
  readonly signal?: AbortSignal;
  readonly mayWrite?: () => boolean;
}

/** Nothing is sent before `settle`; where no thread is wanted or possible, messages go to the place of the question. */
export function createWhereabouts(options: WhereaboutsOptions): Whereabouts {
  const { rest, sender, logger, address, thread, signal, mayWrite } = options;
  const { channelId, questionId } = address;
  let isSettled = thread === null || !address.canOpenThread || questionId === null;
  let isInThread = false;

  const open = (urgency: Urgency) =>
    sender.call(
      threadLane(channelId),
      { urgency, takesPlace: true, ...(signal && { signal }), ...(mayWrite && { mayWrite }) },
      () =>
        rest.post(Routes.threads(channelId, questionId ?? undefined), {
          body: { name: thread?.title, auto_archive_duration: ONE_DAY_MINUTES },
        }),
    );

  return {
    // A thread has the id of the message that it was started from (topics/threads).
    channelId: () => (isInThread && questionId !== null ? questionId : channelId),
    isInThread: () => isInThread,
    otherChannelId() {
      if (thread === null || !address.canOpenThread) return null;
      return isInThread ? channelId : questionId;
    },
    move() {
      isInThread = !isInThread;
    },
    async settle(urgency) {
      if (isSettled) return null;
      const outcome = await open(urgency);
      if (!outcome.ok && (outcome.failure.kind !== 'refused' || isTransient(outcome.failure)))
        return outcome.failure;
      isSettled = true;
      isInThread = outcome.ok || hasThreadAlready(outcome.failure);
      if (!isInThread && !outcome.ok)
        logger.info({ reason: describe(outcome.failure) }, 'no thread opened; answered in the channel');
      return null;
    },
    leaveThread() {
      isInThread = false;
    },
  };
}

const ONE_DAY_MINUTES = 1440;
