import type { TurnId } from '../../platform/ids.ts';

/**
 * Which draft shows which turn. Telegram names a stopped draft only by a number, so the numbers are
 * remembered while their turns run in this process; a press that comes later finds nothing to stop.
 */
export interface DraftIds {
  /** A new draft id for a turn: positive, 31 bits. */
  open(turn: TurnId): number;
  /** The turn is shown by messages now. */
  close(turn: TurnId): void;
  turnOf(draftId: number): TurnId | null;
}

/** @param random uniform in [0, 1): a restarted process must not meet the drafts of the former one */
export function createDraftIds(random: () => number): DraftIds {
  const turns = new Map<number, TurnId>();
  let last = Math.floor(random() * 2 ** 30);
  return {
    open(turn) {
      last += 1;
      turns.set(last, turn);
      return last;
    },
    close(turn) {
      for (const [id, owner] of turns) if (owner === turn) turns.delete(id);
    },
    turnOf: (draftId) => turns.get(draftId) ?? null,
  };
}
