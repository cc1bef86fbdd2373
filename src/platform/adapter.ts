import type { ButtonPress, CommandInvocation } from './command.ts';
import type { Platform } from './ids.ts';
import type { IncomingMessage, ReplyTarget } from './message.ts';
import type { Reply, ReplyOptions } from './reply.ts';

/** A platform, as the rest of the program sees it. */
export interface PlatformAdapter {
  readonly platform: Platform;
  /**
   * Connects and begins to hand events over. Resolves when events flow.
   * @throws FatalAdapterError when it can never work as configured (a refused token).
   */
  start(handlers: Handlers): Promise<void>;
  /** Takes no more events; resolves when every event in hand is handed over. */
  stop(): Promise<void>;
  /** Opens, or opens again after a restart, the reply at an address that this adapter made. */
  openReply(target: ReplyTarget, options: ReplyOptions): Reply;
}

/** What the core lends to an adapter. */
export interface Handlers {
  /**
   * Resolves when the message is stored, refused or known to be none of ours: only now may the
   * platform be told that it arrived. Rejects with
   * `StoreUnavailable` when nothing is stored; the platform must deliver again.
   */
  onMessage(message: IncomingMessage): Promise<Taken>;
  /** Resolves with what to say, in the user's language, or whether a turn's reply says it. Rejects as above. */
  onCommand(invocation: CommandInvocation): Promise<Said | Taken>;
  /** Resolves with a short private sentence for the person who pressed. Rejects as above. */
  onPress(press: ButtonPress): Promise<string>;
  /** Records an event that failed for a reason that is ours and is given up. Rejects when the store is away. */
  onPoison(eventId: string, cause: unknown): Promise<void>;
}

/**
 * Whether a reply to the message will be opened, now or later. `known`: the same event came before,
 * and what is shown for it belongs to that taking.
 */
export type Taken = 'reply_follows' | 'no_reply' | 'known';

export interface Said {
  /** Markdown. */
  readonly text: string;
}

/** The platform refused us for good; the process should say why and end. */
export class FatalAdapterError extends Error {
  override readonly name = 'FatalAdapterError';
}

/**
 * Nothing is stored: the durable side can't be reached. The same event may, and must, be handed
 * over again.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
