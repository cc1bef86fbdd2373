import type { BotMessage, Question, TurnRecord } from './evidence.ts';

/** What the auditor has worked out about a turn, beside its record. */
export interface Answered {
  readonly question: Question;
  readonly turn: TurnRecord;
  /** Its messages in order; empty where none can be attributed. */
  readonly messages: readonly BotMessage[];
}

/** How a report names a question, so that it is found in the database and in the logs. */
export function nameOf(question: Question, turn: TurnRecord | undefined): string {
  const { number, place, where, wasHeard, askedAtMs } = question;
  const asked = `asked at ${new Date(askedAtMs).toISOString()} while ${wasHeard ? 'a process' : 'nobody'} listened`;
  const record = turn === undefined ? asked : `turn ${turn.id} (${turn.state}, epoch ${turn.epoch})`;
  return `question ${number} in ${place} (${where}), ${record}`;
}

/** Ids of both platforms grow with each message of a place. */
export function byCreation(one: BotMessage, other: BotMessage): number {
  const [a, b] = [BigInt(one.id), BigInt(other.id)];
  return a < b ? -1 : a > b ? 1 : 0;
}
