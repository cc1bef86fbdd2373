import type { Urgency } from '../../delivery/insist.ts';
import { createParts, type Created, type Parts, type Spot } from '../../delivery/parts.ts';
import { pickLocale, translate } from '../../i18n/translate.ts';
import type { Logger } from '../../platform/logger.ts';
import type { PartJournal } from '../../platform/reply.ts';
import { isDeferred } from './address.ts';
import {
  describe,
  isContentRefused,
  isMalformed,
  isTransient,
  type Failure,
  type Outcome,
  type Refused,
} from './failure.ts';
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
  /** Takes every message away, "thinking…" as well. Resolves with null, or why something is left; never rejects. */
  retract(): Promise<Failure | null>;
}

export interface PartsOptions extends MessagesOptions {
  readonly journal: PartJournal;
  readonly logger: Logger;
}

export function createDiscordParts(options: PartsOptions): DiscordParts {
  const { logger, journal, address, signal } = options;
  const mayWrite = (): boolean => journal.mayWrite();
  const webhook = createInteractionWebhook(options);
  const where = createWhereabouts({ ...options, mayWrite });
  const messages = createMessages(options, webhook, where);
  const manner = (urgency: Urgency): Manner => ({ urgency, mayWrite, ...(signal && { signal }) });
  const unsure = createUnsure(journal);
  const parts = createParts<DiscordPart, Refused>(
    {
      async create(spot, look, urgency) {
        const outcome = await messages.create(spot, look, manner(urgency));
        unsure.note(spot, outcome);
        return outcome;
      },
      edit: (id, look, urgency) => messages.edit(id, look, manner(urgency)),
      remove: (id) => messages.remove(id, manner('insist')),
      // Whoever has the reply now gets it by its nonce, or finds it.
      orphaned: () => undefined,
      // A person who deletes the answer does not want it again.
      isSentAnew: () => false,
      simpler(look, failure) {
        if (isContentRefused(failure)) return { part: notAllowed(), buttons: look.buttons };
        if (!isMalformed(failure)) return null;
        logger.error({ reason: describe(failure) }, 'message refused as malformed; sent as plain text');
        return { part: plainPart(look.part), buttons: [] };
      },
      contentOf: ({ part, buttons }) => JSON.stringify([part.content, buttons]),
      describe,
    },
    journal,
    logger,
  );
  /** Also messages of which nobody knows whether they were created: an earlier run's answer may have been longer. */
  const trim = async (count: number): Promise<Failure | null> => {
    let left = await parts.trim(count);
    for (const spot of unsure.spots()) {
      // One that follows nothing that is known can't be told from other messages of the bot.
      const isKnown = spot.index === 0 || spot.previousId !== null;
      if (spot.index < count || !isKnown) continue;
      const failure = await messages.removeUnsure(spot, manner('insist'));
      if (failure === null) unsure.forget(spot);
      left = failure ?? left;
    }
    return left;
  };
  return {
    ...parts,
    trim,
    lane: () =>
      parts.count() <= 1 && webhook?.isOpen() === true ? webhook.lane : channelLane(where.channelId()),
    typingChannelId: () => (isDeferred(address) ? null : where.channelId()),
    settle: (urgency) => (isDeferred(address) ? Promise.resolve(null) : where.settle(urgency)),
    async retract() {
      const hasFirst = parts.count() > 0;
      const left = await trim(0);
      // The first part stands in the response, and is gone with it.
      return hasFirst ? left : ((await messages.removeResponse(manner('insist'))) ?? left);
    },
  };
}

/** The messages of which nobody knows whether they were created: an earlier process ended over it, or the answer was lost. */
function createUnsure({ existing }: PartJournal) {
  const idOf = (index: number) => existing.find((part) => part.index === index)?.platformMessageId ?? null;
  const spots = new Map(
    existing
      .filter(({ platformMessageId }) => platformMessageId === null)
      .map(({ index }): [number, Spot] => [index, { index, previousId: idOf(index - 1), isUnsure: true }]),
  );
  return {
    spots: () => [...spots.values()],
    forget: ({ index }: Spot): void => void spots.delete(index),
    note(spot: Spot, outcome: Outcome<Created>): void {
      if (outcome.ok) spots.delete(spot.index);
      else if (isTransient(outcome.failure)) spots.set(spot.index, spot);
    },
  };
}

/** What stands in the place of an answer that may not stand there; in whose language is not known here. */
function notAllowed(): DiscordPart {
  const text = translate(pickLocale(null), { key: 'answer.not_allowed' });
  return { content: text, text };
}
