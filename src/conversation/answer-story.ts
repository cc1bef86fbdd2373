import type { SearchReport } from '../completion/sources.ts';
import type { GuildId, MessageId, PlaceId, TurnId, UserId } from '../platform/ids.ts';
import type { Payer } from '../completion/ports.ts';
import type { Refusal, StoredNotice, TurnCause, TurnSettings, TurnState } from './turn.ts';

/** Which answer is meant: the one of a turn, the one that a message is part of or led to, or the newest of the place. */
export type StoryTarget =
  | { readonly kind: 'turn'; readonly turn: TurnId }
  | { readonly kind: 'message'; readonly message: MessageId }
  | { readonly kind: 'newest' };

export interface StoryQuestion {
  readonly target: StoryTarget;
  /** Where it is asked: what took place elsewhere is told only within the same guild. */
  readonly place: PlaceId;
  readonly guild: GuildId | null;
  /** What was refused is told to its own person only, where nothing else names it. */
  readonly asker: UserId;
}

/** How the answer that shows came about, by the turn that made it; of a reply without an answer, by its newest turn. */
export interface AnswerStory {
  readonly state: TurnState;
  readonly cause: TurnCause;
  readonly settings: TurnSettings;
  readonly payer: Payer;
  /** Null for somebody who is forgotten. */
  readonly askedBy: UserId | null;
  readonly guild: GuildId | null;
  readonly refusal: Refusal | null;
  /** What was said in place of an answer, or below one. */
  readonly notice: StoredNotice | null;
  /** The question, or the answer, was deleted. */
  readonly isGone: boolean;
  readonly answer: { readonly model: string; readonly search: SearchReport | null } | null;
  /** In the order in which they began; at most 40. */
  readonly attempts: readonly ToldAttempt[];
  /** What was booked for the turn; null where nothing was, or nobody knows any more. */
  readonly booked: BookedUse | null;
  /** What its attempts spared; null where nobody compared. Absent is null. */
  readonly spared?: { readonly nanoUsd: number; readonly against: string } | null;
  readonly admittedAtMs: number;
  /** What became of the newest turn of the reply, where that is a later one. */
  readonly later: TurnState | null;
}

export interface ToldAttempt {
  readonly modelAsked: string;
  readonly modelUsed: string | null;
  /** Null where its process was lost. */
  readonly outcome: 'answered' | 'partial' | 'cancelled' | 'failed' | null;
  readonly failure: string | null;
  readonly startedAtMs: number;
  readonly firstTokenMs: number | null;
  readonly durationMs: number | null;
}

export interface BookedUse {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly reasoningTokens: number;
  readonly costNanoUsd: number;
}

/** Reads how answers came about. Rejects with `StoreUnavailable`. */
export interface AnswerStories {
  /** One round trip; null where there is no such answer, or none that may be told there. */
  read(question: StoryQuestion): Promise<AnswerStory | null>;
}
