import { Routes, type REST } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import { createEditSteps, createTypingSign, restAfterFailures } from '../../delivery/preview.ts';
import type { NextStep } from '../../delivery/pump.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ReplyButton } from '../../platform/reply.ts';
import { describe, isArchived, isTransient, type Failure } from './failure.ts';
import { typingLane } from './lane.ts';
import type { Pace, StreamBudget } from './pacing.ts';
import type { DiscordParts } from './parts.ts';
import type { DiscordPart } from './render.ts';
import type { Sender } from './sender.ts';

export interface PreviewOptions {
  readonly rest: REST;
  readonly sender: Sender;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly parts: DiscordParts;
  readonly stream: StreamBudget;
  /** The answer so far, rendered now. */
  readonly current: () => readonly DiscordPart[];
  /** What stands below the last part while it grows. */
  readonly running: readonly ReplyButton[];
  /** Whether a sign of work was asked for; text may not have come yet. */
  readonly isWorking: () => boolean;
  /** Told of every call that failed for a reason that does not pass by itself. */
  readonly onRefused: (failure: Failure) => void;
  readonly signal: AbortSignal;
  readonly mayWrite: () => boolean;
}

/** Steps that show a growing answer as messages that are edited. */
export function createEditPreview(options: PreviewOptions): () => Promise<NextStep> {
  const { parts, pace, stream } = options;
  return createEditSteps<DiscordPart, Failure>({
    parts,
    budget: {
      waitMs: (use) => stream.waitMs(parts.lane(), use),
      take: (use) => stream.take(parts.lane(), use),
    },
    current: options.current,
    running: options.running,
    typing: createTypingSign({ ...options, send: () => sendTyping(options) }),
    heldBackMs: createHoldBack(options),
    afterFailure(failure, _isCreate, failures) {
      options.logger.debug({ reason: describe(failure) }, 'frame dropped');
      if (isArchived(failure)) return { kind: 'pause', ms: ARCHIVED_REST_MS };
      if (failure.kind === 'refused' && !isTransient(failure)) {
        options.onRefused(failure);
        return { kind: 'over' };
      }
      // A create is never doubled: its nonce stays the same.
      return restAfterFailures(pace.frameMs, failures);
    },
  });
}

/** Opens the answer's thread, if it gets one, and shows "typing…" there. */
async function sendTyping(options: PreviewOptions): Promise<void> {
  const { rest, sender, stream, parts, signal, mayWrite, logger } = options;
  const unsettled = await parts.settle('once');
  if (unsettled !== null) logger.debug({ reason: describe(unsettled) }, 'thread not opened yet');
  const channelId = parts.typingChannelId();
  if (channelId === null || unsettled !== null) return;
  const lane = typingLane(channelId);
  if (stream.waitMs(lane, 'typing') > 0) return;
  stream.take(lane, 'typing');
  const manner = { urgency: 'once' as const, signal, mayWrite };
  await sender.call(lane, manner, () => rest.post(Routes.channelTyping(channelId)));
}

function createHoldBack({ clock, pace }: PreviewOptions): (current: readonly DiscordPart[]) => number {
  const { characters, waitMs } = pace.firstText;
  let firstSeenAtMs: number | null = null;
  return (current) => {
    if (current.reduce((sum, { text }) => sum + text.length, 0) >= characters) return 0;
    firstSeenAtMs ??= clock.now();
    return Math.max(0, firstSeenAtMs + waitMs - clock.now());
  };
}

const ARCHIVED_REST_MS = 30_000;
