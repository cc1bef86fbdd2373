import type { Urgency } from '../../delivery/insist.ts';
import { createParts, type Parts } from '../../delivery/parts.ts';
import { pickLocale, translate } from '../../i18n/translate.ts';
import type { Logger } from '../../platform/logger.ts';
import type { PartJournal } from '../../platform/reply.ts';
import { isDeferred } from './address.ts';
import { describe, isContentRefused, isMalformed, type Failure, type Refused } from './failure.ts';
import { createInteractionWebhook } from './interaction-webhook.ts';
import { channelLane } from './lane.ts';
import { createMessages, type MessagesOptions } from './messages.ts';
import type { Lane } from './pacing.ts';
import { plainPart, type DiscordPart } from './render.ts';
import type { Manner } from './sender.ts';
import { createWhereabouts } from './thread.ts';

/** The Discord messages of one reply. */
export interface DiscordParts extends Parts<DiscordPart, Failure> {
  /** Where the newest message is limited. */
  lane(): Lane;
  /** Where typing shows; null where "thinking…" stands already. */
  typingChannelId(): string | null;
  /** Settles where the messages go, which may open a thread. Resolves with null, or why it is not clear yet. */
  settle(urgency: Urgency): Promise<Failure | null>;
}

export interface PartsOptions extends MessagesOptions {
  readonly journal: PartJournal;
  readonly logger: Logger;
}

export function createDiscordParts(options: PartsOptions): DiscordParts {
  const { logger, journal, address, signal } = options;
  const webhook = createInteractionWebhook(options);
  const where = createWhereabouts(options);
  const messages = createMessages(options, webhook, where);
  const manner = (urgency: Urgency): Manner => ({ urgency, ...(signal === undefined ? {} : { signal }) });
  const parts = createParts<DiscordPart, Refused>(
    {
      create: (spot, look, urgency) => messages.create(spot, look, manner(urgency)),
      edit: (id, look, urgency) => messages.edit(id, look, manner(urgency)),
      remove: (id) => messages.remove(id, manner('insist')),
      // A person who deletes the answer does not want it again.
      isSentAnew: () => false,
      simpler(look, failure) {
        if (isContentRefused(failure)) return { part: notAllowed(), isRunning: false };
        if (!isMalformed(failure)) return null;
        logger.error({ reason: describe(failure) }, 'message refused as malformed; sent as plain text');
        return { part: plainPart(look.part), isRunning: false };
      },
      contentOf: ({ part, isRunning }) => JSON.stringify([part.content, isRunning]),
      describe,
    },
    journal,
    logger,
  );
  return {
    ...parts,
    lane: () =>
      parts.count() <= 1 && webhook?.isOpen() === true ? webhook.lane : channelLane(where.channelId()),
    typingChannelId: () => (isDeferred(address) ? null : where.channelId()),
    settle: (urgency) => (isDeferred(address) ? Promise.resolve(null) : where.settle(urgency)),
  };
}

/** What stands in the place of an answer that may not stand there; in whose language is not known here. */
function notAllowed(): DiscordPart {
  const text = translate(pickLocale(null), { key: 'answer.not_allowed' });
  return { content: text, text };
}
