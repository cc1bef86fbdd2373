import { Routes, type REST } from 'discord.js';
import type { Urgency } from '../../delivery/insist.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ReplyOptions } from '../../platform/reply.ts';
import type { Address } from './address.ts';
import { describe, hasThreadAlready, isTransient, type Failure } from './failure.ts';
import type { Sender } from './sender.ts';

/** Where the messages of one reply go: the place of the question, or the thread that is opened at it. */
export interface Whereabouts {
  channelId(): string;
  isInThread(): boolean;
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
}

export function createWhereabouts(options: WhereaboutsOptions): Whereabouts {
  const { rest, sender, logger, address, thread, signal } = options;
  const { channelId, questionId } = address;
  let isSettled = thread === null || !address.canOpenThread || questionId === null;
  let isInThread = false;

  const open = (urgency: Urgency) =>
    sender.call(
      { key: `threads/${channelId}`, isGlobal: true },
      { urgency, takesPlace: true, ...(signal === undefined ? {} : { signal }) },
      () =>
        rest.post(Routes.threads(channelId, questionId ?? undefined), {
          body: { name: thread?.title, auto_archive_duration: ONE_DAY_MINUTES },
        }),
    );

  return {
    // A thread has the id of the message that it was started from (topics/threads).
    channelId: () => (isInThread && questionId !== null ? questionId : channelId),
    isInThread: () => isInThread,
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
