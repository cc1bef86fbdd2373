import type { ButtonAction } from './command.ts';
import type { TurnId } from './ids.ts';

/**
 * What an adapter lends for one turn: the visible answer, from the first sign of life to the last
 * part. The adapter paces what it shows; the newest text wins and older frames are dropped.
 */
export interface Reply {
  /** Shows that an answer is being worked on, until text appears or the reply ends. Never throws. */
  working(): void;
  /** Adds text to the growing preview. Returns at once; never throws. */
  append(delta: string): void;
  /** Shows the final text, all parts of it, and resolves when the platform has the last one. Never throws. */
  finish(final: FinalReply): Promise<Delivery>;
  /** Takes every part away; `delivered` when none is left. Never throws. */
  retract(): Promise<Delivery>;
  /**
   * Shows nothing more: the turn is somebody else's now, or its reply another turn's. Resolves when no call is on its
   * way any more. Never throws.
   */
  abandon(): Promise<void>;
}

export interface FinalReply {
  /** Markdown, complete: it replaces whatever the preview showed. */
  readonly text: string;
  /** Below the last part; none where there is nothing to press. */
  readonly buttons: readonly ReplyButton[];
}

/** Why a reply could not be shown, for the turn's record. */
export type Delivery =
  | { readonly kind: 'delivered' }
  /** The person or chat can't be reached any more: blocked, kicked, deleted. Trying again is useless. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** The platform can't take it now; the turn stays undelivered and is tried again later. */
  | { readonly kind: 'postponed'; readonly retryAfterMs: number; readonly reason: string };

/** A platform message that already shows a part of this reply. */
export interface PartRecord {
  readonly index: number;
  /** The platform's own id; null while a create is in flight or its answer was lost. */
  readonly platformMessageId: string | null;
}

/**
 * The durable memory of a reply's parts, lent by the engine. The intent of part 0 is stored with
 * the admission; a later part's intent is stored before it is created.
 */
export interface PartJournal {
  readonly existing: readonly PartRecord[];
  /** Resolves when the intent is durable. Rejects when the store is away. */
  intend(index: number): Promise<void>;
  /**
   * Records the id of a created part. Never rejects; the store logs its own failures. `onOrphan` is called where another
   * process has the reply by now and knows nothing of the part.
   */
  sent(index: number, platformMessageId: string, onOrphan: () => void): Promise<void>;
  /** Records that a part was deleted. Never rejects; the store logs its own failures. */
  removed(platformMessageId: string): Promise<void>;
  /**
   * Whether the reply is certainly this process's at this moment; to be asked right before each call that writes.
   * False for a while when the lease could not be renewed: what may be dropped is dropped then, what must be shown waits.
   */
  mayWrite(): boolean;
}

export interface ReplyOptions {
  readonly turn: TurnId;
  readonly journal: PartJournal;
  /** Buttons while the answer runs, and their labels. They belong to `turn`. */
  readonly running: readonly ReplyButton[];
  /** The answer opens a thread of this title (1-60 characters) at the question, where the target allows that. */
  readonly thread: { readonly title: string } | null;
  /** To be called where it turns out that nobody can see the answer any more: its message was deleted, or the place is closed. */
  readonly onUnseen: () => void;
}

export interface ReplyButton {
  readonly action: ButtonAction;
  readonly label: string;
}
