import type { Delivery, FinalReply, PartRecord, Reply } from '../platform/reply.ts';
import type { TurnId } from '../platform/ids.ts';
import type { Shown } from './ports.ts';

/** The reply of one turn: held back until the reply before it is complete, and noted when it is. */
export interface TurnReply {
  working(): void;
  append(delta: string): void;
  /** Whether any text has come. */
  hasText(): boolean;
  /** Shows the final text and notes how that went. Rejects only where the reply can't be opened, which is our bug. */
  finish(final: FinalReply): Promise<void>;
  /** Takes away what shows and notes it. Rejects as `finish` does. */
  retract(): Promise<void>;
  /** Shows nothing more, because the reply is another turn's now, and notes it. Never rejects. */
  handOver(): Promise<void>;
  /**
   * Shows nothing more, because the turn is another process's now, and resolves when nothing of it is on its way any
   * more. Harmless after the others. Never rejects.
   */
  abandon(): Promise<void>;
}

export interface TurnReplyParts {
  /** Opens the reply on its platform. `saved` resolves when every created part is noted. */
  readonly openWith: (parts: readonly PartRecord[]) => { reply: Reply; saved: () => Promise<void> };
  /** The parts on record at this moment. */
  readonly partsNow: () => Promise<readonly PartRecord[]>;
  readonly whenFree: (isOver: () => boolean) => Promise<Shown>;
  /** Tells the replies behind this one. */
  readonly complete: (shown: Shown) => void;
  /** Never rejects. */
  readonly record: (delivery: Delivery, isRetracted: boolean) => Promise<void>;
}

interface Turn {
  readonly id: TurnId;
  readonly replyOf: TurnId | null;
  readonly parts: readonly PartRecord[];
}

const putOff = (before: Shown): Delivery => ({
  kind: 'postponed',
  retryAfterMs: before.kind === 'postponed' ? before.retryAfterMs : 0,
  reason: 'the reply before it is not complete',
});

const SHOWN: Shown = { kind: 'shown' };
const PENDING: Shown = { kind: 'pending' };

export function createTurnReply(turn: Turn, parts: TurnReplyParts): TurnReply {
  // A reply that another turn began is opened when that turn has let go of it, for its parts are known only then.
  let opened = turn.replyOf === null ? parts.openWith(turn.parts) : null;
  let isWorking = false;
  let isFree = false;
  let isOver = false;
  let early = '';
  let hasText = false;
  let parting: Promise<void> = Promise.resolve();

  const begin = async (): Promise<Shown> => {
    const shown = await parts.whenFree(() => isOver);
    if (isOver || shown.kind !== 'shown') return shown;
    opened ??= parts.openWith(await parts.partsNow());
    // It may have ended while the parts were asked for.
    if (isOver as boolean) return PENDING;
    isFree = true;
    if (isWorking) opened.reply.working();
    if (early !== '') opened.reply.append(early);
    return shown;
  };
  const free = begin();
  free.catch(() => undefined); // whoever ends the reply looks at it

  /** Ends the reply with what is done in it, once it may be written. */
  const end = async (show: (reply: Reply) => Promise<Delivery>, isRetracted: boolean): Promise<void> => {
    let shown = await free;
    // That was when this reply was begun; the one before may be complete by now.
    if (shown.kind === 'postponed') shown = await parts.whenFree(() => isOver);
    if (isOver) return;
    const delivery = await deliver(shown, show);
    // Only now: a reply that goes on with the same parts has to know them.
    await opened?.saved();
    parts.complete(delivery.kind === 'postponed' ? delivery : SHOWN);
    // A claim that was lost meanwhile has nothing to note: another process delivers.
    if (!(isOver as boolean)) await parts.record(delivery, isRetracted);
    isOver = true;
  };

  const deliver = async (shown: Shown, show: (reply: Reply) => Promise<Delivery>): Promise<Delivery> => {
    if (shown.kind === 'shown') {
      opened ??= parts.openWith(await parts.partsNow());
      // It may have been let go while the parts were asked for.
      return isOver ? putOff(PENDING) : await show(opened.reply);
    }
    await opened?.reply.abandon();
    return putOff(shown);
  };

  const letGo = async (): Promise<void> => {
    isOver = true;
    await opened?.reply.abandon();
    await opened?.saved();
  };

  return {
    working() {
      isWorking = true;
      opened?.reply.working();
    },
    append(delta) {
      hasText = true;
      if (isFree) opened?.reply.append(delta);
      else if (!isOver) early += delta;
    },
    hasText: () => hasText,
    finish: (final) => end((reply) => reply.finish(final), false),
    retract: () => end((reply) => reply.retract(), true),
    async handOver() {
      if (isOver) return;
      await (parting = letGo());
      // Whoever waited for this reply waits for the one before it, too.
      const before = await parts.whenFree(() => false);
      await parts.record(before.kind === 'shown' ? { kind: 'delivered' } : putOff(before), true);
      parts.complete(before);
    },
    async abandon() {
      // Who asks again, or after a handing over, waits for the same.
      if (isOver) return await parting;
      await (parting = letGo());
      parts.complete(PENDING);
    },
  };
}
