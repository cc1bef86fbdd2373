/** How much of everything is measured. */
export interface Size {
  /** Between the start and a look at what the idle process takes. */
  readonly idleMs: number;
  /** Turns one at a time whose answers are short, with which the way to the model is measured. */
  readonly shortTurns: number;
  /** Turns one at a time, by how long their answers stream: each ends at another moment between two edits. */
  readonly longTurnsMs: readonly number[];
  /** People who ask one after the other while earlier answers still stream. */
  readonly togetherTurns: number;
  readonly togetherEveryMs: number;
  readonly togetherMs: number;
  /** Answers that stream at the same time; begun one after the other, or all would be edited, and end, in step. */
  readonly streams: number;
  readonly streamsEveryMs: number;
  readonly streamsMs: number;
  readonly conversations: number;
}

/** About a minute for each program on each platform and database. */
export const FULL: Size = {
  idleMs: 1000,
  shortTurns: 30,
  longTurnsMs: [1400, 1850, 2300],
  togetherTurns: 30,
  togetherEveryMs: 50,
  togetherMs: 6000,
  streams: 100,
  streamsEveryMs: 20,
  streamsMs: 18_000,
  conversations: 1000,
};

/** Every part once, for a first look: processes are still warming up. */
export const QUICK: Size = {
  idleMs: 100,
  shortTurns: 6,
  longTurnsMs: [1300],
  togetherTurns: 10,
  togetherEveryMs: 10,
  togetherMs: 1300,
  streams: 20,
  streamsEveryMs: 10,
  streamsMs: 1300,
  conversations: 60,
};
