import type { ReplyTarget } from '../../platform/message.ts';

/** Where an answer goes. */
export interface Address {
  readonly chatId: number;
  readonly isPrivate: boolean;
  /** The message that is answered. */
  readonly replyToId: number | null;
  /** A real topic; the thread number of an ordinary reply thread must not be sent back. */
  readonly topicId: number | null;
}

export function toReplyTarget(address: Address): ReplyTarget {
  return {
    chatId: address.chatId,
    isPrivate: address.isPrivate,
    replyToId: address.replyToId,
    topicId: address.topicId,
  };
}

/** @throws TypeError when the target was not made by {@link toReplyTarget}. */
export function fromReplyTarget(target: ReplyTarget): Address {
  const { chatId, isPrivate, replyToId = null, topicId = null } = target;
  if (
    typeof chatId !== 'number' ||
    typeof isPrivate !== 'boolean' ||
    !isNumberOrNull(replyToId) ||
    !isNumberOrNull(topicId)
  ) {
    throw new TypeError('not a Telegram reply target');
  }
  return { chatId, isPrivate, replyToId, topicId };
}

function isNumberOrNull(value: unknown): value is number | null {
  return value === null || typeof value === 'number';
}
