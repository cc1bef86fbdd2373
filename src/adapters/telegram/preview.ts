import type { Api } from 'grammy';
import type { Logger } from '../../platform/logger.ts';
import type { ReplyButton } from '../../platform/reply.ts';
import type { Clock } from '../../delivery/clock.ts';
import type { Pace, SendBudget } from './pacing.ts';
import type { TelegramParts } from './parts.ts';
import type { NextStep } from '../../delivery/pump.ts';
import type { TelegramPart } from './render.ts';
import type { Sender } from './sender.ts';

/** A way to show an answer while it grows. */
export interface Preview {
  /**
   * Shows the newest state with at most one call, and says when to come again; `unsupported` when
   * Telegram does not do this here. Never rejects.
   */
  step(): Promise<NextStep | { readonly kind: 'unsupported' }>;
  /** Prepares the hand-over to the final messages. Never rejects. */
  handOver(final: readonly TelegramPart[]): Promise<void>;
}

export interface PreviewOptions {
  readonly api: Api;
  readonly sender: Sender;
  readonly budget: SendBudget;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly parts: TelegramParts;
  /** What stands below the last part while it grows. */
  readonly running: readonly ReplyButton[];
  /** Whether the reply is certainly this process's; asked right before each call that writes. */
  readonly mayWrite: () => boolean;
  /** The answer so far, rendered now. */
  readonly current: () => readonly TelegramPart[];
  /** Whether a sign of work was asked for; text may not have come yet. */
  readonly isWorking: () => boolean;
}
