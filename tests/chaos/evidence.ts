/**
 * All that the auditor judges by: what people wrote and read, what the model said, and what the database holds at the
 * end. Plain data, so that a test can make up a world with one defect. Times are epoch milliseconds of one machine.
 */
export interface Evidence {
  readonly questions: readonly Question[];
  readonly messages: readonly BotMessage[];
  readonly generations: readonly Generation[];
  readonly turns: readonly TurnRecord[];
  readonly holds: number;
  /** What the bot itself recorded as its own failure. */
  readonly ownFailures: readonly string[];
  /** Counters that are not the sum of the usage they count. */
  readonly wrongCounters: readonly string[];
  /** Creates that were on their way to Telegram when their process was killed; `question` is null for a notice. */
  readonly createsCutOff: readonly { readonly place: string; readonly question: number | null }[];
  /** When processes were killed or stopped, and in which window. */
  readonly kills: readonly { readonly atMs: number; readonly window: string }[];
  /** Writes that a platform refused for their pace, though no fault ordered it and no restart excuses it. */
  readonly paceRefusals: readonly string[];
  /** Questions that still bear the mark of waiting, by their key (`place/id`). */
  readonly marked: readonly string[];
  /** What the simulators themselves object to. */
  readonly objections: readonly string[];
  /** Writes that changed a message, by its key (`place/id`). */
  readonly changes: readonly { readonly message: string; readonly atMs: number; readonly text: string }[];
  /** By how much the database's clock was off at times. */
  readonly clockErrorMs: number;
}

/** A message, or a command, that was addressed to the bot. */
export interface Question {
  readonly number: number;
  readonly platform: 'telegram' | 'discord';
  /** Where it stands. */
  readonly place: string;
  /** What kind of place that is, for the reader of a report. */
  readonly where: string;
  readonly kind: 'message' | 'command';
  /** The key under which the database knows what came of it. */
  readonly originKey: string;
  readonly askedAtMs: number;
  /** Whether a process listened to the platform just then. */
  readonly wasHeard: boolean;
  /** The platform itself tells the person that nobody took their command. */
  readonly isDeclaredFailed: boolean;
  /** Something kept everybody from taking a command in time. */
  readonly wasDisturbed: boolean;
}

/** A message of the bot that is visible at the end. */
export interface BotMessage {
  readonly place: string;
  /** Unique within the place; in the order of creation. */
  readonly id: string;
  readonly text: string;
  /** The button of an answer that is being written; finished ones may have others. */
  readonly hasStopButton: boolean;
  /** Shows as “thinking…”. */
  readonly isLoading: boolean;
  readonly createdAtMs: number;
  /** The last time it changed. */
  readonly changedAtMs: number;
}

/** What a model said to one request; `text` begins and ends with its tag and holds it in each sentence. */
export interface Generation {
  readonly question: number;
  readonly tag: string;
  readonly text: string;
}

export interface TurnRecord {
  readonly id: string;
  readonly originKey: string;
  readonly state: string;
  readonly conversationId: string | null;
  /** The turn that this one was merged into, or that took its place. */
  readonly succeededBy: string | null;
  readonly answer: { readonly text: string; readonly isPartial: boolean } | null;
  readonly hasNotice: boolean;
  readonly isDelivered: boolean;
  readonly unreachable: string | null;
  /** Ids of its messages, in order. */
  readonly parts: readonly string[];
  readonly epoch: number;
  readonly admittedAtMs: number;
  readonly startedAtMs: number | null;
  readonly generatedAtMs: number | null;
  readonly deliveredAtMs: number | null;
}

/** A promise that was broken. */
export interface Violation {
  readonly kind: ViolationKind;
  /** What to look for: the question, its place, its turn. */
  readonly detail: string;
}

export type ViolationKind =
  | 'lost'
  /** Written while no process listened, and never answered. */
  | 'unheard'
  | 'doubled'
  | 'glued'
  | 'wrong text'
  | 'out of order'
  | 'unfinished'
  | 'no notice'
  | 'extra notice'
  | 'leftover'
  | 'late write'
  | 'hold left'
  | 'own failure'
  | 'counter off'
  | 'pace refused'
  | 'simulator objects';

export interface Verdict {
  readonly violations: readonly Violation[];
  /** Repeated creates of Telegram that the promises allow: at most one for each that was in flight at a kill. */
  readonly uncertain: number;
  /** How the questions ended. */
  readonly ends: ReadonlyMap<string, number>;
}
