import type { SaidButton } from '../platform/command.ts';
import type { Logger } from '../platform/logger.ts';
import type { PartJournal, PartRecord, ReplyButton } from '../platform/reply.ts';
import type { Failure, Outcome, Refusal, Unrecorded } from './failure.ts';
import type { Urgency } from './insist.ts';

/** The platform messages of one reply, as far as they are known to exist. */
export interface Parts<Part, Why> {
  /** How many messages there are. */
  count(): number;
  /** Whether a message shows this already. */
  shows(index: number, look: Look<Part>): boolean;
  /** Creates or edits a message so that it shows this. Resolves with null, or why it does not; never rejects. */
  show(index: number, look: Look<Part>, urgency: Urgency): Promise<Why | null>;
  /** Deletes the messages from this index on. What can't be deleted is logged and left; resolves with why, or null. */
  trim(count: number): Promise<Why | null>;
}

export interface Look<Part> {
  readonly part: Part;
  /** What stands below it. */
  readonly buttons: readonly Button[];
}

/** One of a turn's answer, or one below what a command said. */
export type Button = ReplyButton | SaidButton;

/** Where a message of a reply is to be created. */
export interface Spot {
  readonly index: number;
  /** The id of the part before. */
  readonly previousId: string | null;
  /** An earlier process was about to create it, and nobody knows whether it did. */
  readonly isUnsure: boolean;
}

export interface Created {
  readonly id: string;
  /** False when the message existed already and may show something else. */
  readonly isAsSent: boolean;
}

/** What a platform does for the list of parts. The calls never reject. */
export interface MessageCalls<Part, Why> {
  create(spot: Spot, look: Look<Part>, urgency: Urgency): Promise<Outcome<Created, Why>>;
  edit(id: string, look: Look<Part>, urgency: Urgency): Promise<Why | null>;
  remove(id: string): Promise<Why | null>;
  /** A message was created that another process, which has the reply by now, knows nothing of. Never throws. */
  orphaned(id: string): void;
  /** Whether a message that can't be edited for this reason is sent anew. */
  isSentAnew(failure: Why): boolean;
  /** A look that avoids what was refused, or null. */
  simpler(look: Look<Part>, failure: Why): Look<Part> | null;
  /** Equal where two looks are. */
  contentOf(look: Look<Part>): string;
  describe(failure: Why): string;
}

/** The list of a reply's messages over a platform's calls: intents and ids are journaled, gaps and leftovers put right. */
export function createParts<Part, Refused extends Refusal>(
  calls: MessageCalls<Part, Failure<Refused>>,
  journal: PartJournal,
  logger: Logger,
): Parts<Part, Failure<Refused>> {
  const { shown, surplus, unsure } = recall(journal.existing);

  const create = async (
    index: number,
    look: Look<Part>,
    urgency: Urgency,
  ): Promise<Failure<Refused> | null> => {
    const unrecorded = index === 0 ? null : await intend(journal, index);
    if (unrecorded !== null) return unrecorded;
    const previousId = shown[index - 1]?.id ?? null;
    const outcome = await calls.create({ index, previousId, isUnsure: unsure.has(index) }, look, urgency);
    if (!outcome.ok) return outcome.failure;
    const { id, isAsSent } = outcome.value;
    const known = surplus.findIndex((message) => message.id === id);
    if (known !== -1) surplus.splice(known, 1);
    unsure.delete(index);
    shown[index] = { id, content: null };
    await journal.sent(index, id, () => calls.orphaned(id));
    return isAsSent ? null : await calls.edit(id, look, urgency);
  };

  const put = async (index: number, look: Look<Part>, urgency: Urgency): Promise<Failure<Refused> | null> => {
    const existing = shown[index];
    if (existing === undefined) return await create(index, look, urgency);
    const failure = await calls.edit(existing.id, look, urgency);
    if (failure === null || !calls.isSentAnew(failure)) return failure;
    // Sent anew, it stands below the parts that follow it, so these are sent anew as well.
    surplus.push(...shown.splice(index).slice(1));
    return await create(index, look, urgency);
  };

  return {
    count: () => shown.length,
    shows: (index, look) => shown[index]?.content === calls.contentOf(look),
    async show(index, look, urgency) {
      let failure = await put(index, look, urgency);
      const simpler = failure === null ? null : calls.simpler(look, failure);
      if (simpler !== null) failure = await put(index, simpler, urgency);
      const now = shown[index];
      if (failure === null && now !== undefined) now.content = calls.contentOf(look);
      return failure;
    },
    async trim(count) {
      surplus.push(...shown.splice(count));
      let left: Failure<Refused> | null = null;
      for (const { id } of surplus.splice(0)) {
        const failure = await calls.remove(id);
        if (failure === null) {
          await journal.removed(id);
          continue;
        }
        logger.warn({ reason: calls.describe(failure) }, 'surplus part not deleted');
        left = failure;
      }
      return left;
    },
  };
}

/** What stood in the way of a final. */
export interface Stopped<Why> {
  readonly index: number;
  readonly failure: Why;
  /** All parts are in place, but one that is too much is still there. */
  readonly isSurplus: boolean;
}

/**
 * Puts the final parts in place, the buttons below the last, and takes away what is too much. Resolves with null, or
 * what stood in the way.
 */
export async function deliverParts<Part, Why>(
  parts: Parts<Part, Why>,
  final: readonly Part[],
  buttons: readonly Button[],
): Promise<Stopped<Why> | null> {
  for (const [index, part] of final.entries()) {
    const look = { part, buttons: index === final.length - 1 ? buttons : [] };
    if (parts.shows(index, look)) continue;
    const failure = await parts.show(index, look, 'insist');
    if (failure !== null) return { index, failure, isSurplus: false };
  }
  const left = await parts.trim(final.length);
  return left === null ? null : { index: final.length, failure: left, isSurplus: true };
}

/** For what is said without a memory. */
export const FORGETFUL: PartJournal = {
  existing: [],
  intend: () => Promise.resolve(),
  sent: () => Promise.resolve(),
  removed: () => Promise.resolve(),
  mayWrite: () => true,
};

interface ShownMessage {
  readonly id: string;
  /** Null where an earlier process wrote it. */
  content: string | null;
}

/** The messages an earlier process left: index by index without a gap, and what stands out of order. */
function recall(records: readonly PartRecord[]) {
  const shown: ShownMessage[] = [];
  const surplus: ShownMessage[] = [];
  const unsure = new Set<number>();
  for (const { index, platformMessageId } of records.toSorted((a, b) => a.index - b.index)) {
    if (platformMessageId === null) unsure.add(index);
    // Behind a gap, it would stand above the part that is yet to fill the gap.
    else (index === shown.length ? shown : surplus).push({ id: platformMessageId, content: null });
  }
  return { shown, surplus, unsure };
}

async function intend(journal: PartJournal, index: number): Promise<Unrecorded | null> {
  try {
    await journal.intend(index);
    return null;
  } catch (error) {
    return { kind: 'unrecorded', reason: error instanceof Error ? error.name : 'store away' };
  }
}
