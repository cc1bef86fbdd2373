import type { AdmitRequest, SettleRequest } from '../../src/conversation/ports.ts';
import type { RunnableTurn } from '../../src/conversation/turn.ts';
import type { Sql } from '../../src/store/connection.ts';
import { storableJson } from '../../src/store/document.ts';
import type { Sighting } from './race-invariants.ts';
import type { Held, Random } from './race-requests.ts';

/**
 * Many workers admit, settle, fail, cancel, crash, settle again and redeliver at random, on a clock
 * that runs through hour, day and month ends in several time zones, while a watcher looks for
 * broken promises in the database. Calls go to the database's functions without retries, so that a
 * deadlock is seen and not cured.
 */
export interface RaceOptions {
  readonly sql: Sql;
  readonly operations: number;
  readonly workers: number;
  readonly seed: number;
  /** Ends early once this was seen; for races that are expected to fail. */
  readonly stopAt?: RegExp;
}

/** What all workers of one race share. */
export interface Course {
  readonly options: RaceOptions;
  readonly random: Random;
  readonly counts: Map<string, number>;
  readonly sightings: Sighting[];
  /** Turns that some worker is working on. */
  readonly held: Held[];
  /** Turns whose worker is gone, but who may come back too late. */
  readonly abandoned: Held[];
  readonly settled: SettleRequest[];
  readonly admitted: AdmitRequest[];
  /** Those that were not refused. */
  readonly answerable: AdmitRequest[];
  /** Those that were answered more than once. */
  readonly repeated: AdmitRequest[];
  /** The highest epoch that a claim returned, by turn. */
  readonly epochs: Map<string, number>;
  /** The highest epoch that was seen in the id of a sent part, by turn. */
  readonly partEpochs: Map<string, number>;
  /** Turns for which `settled` was answered. */
  readonly ended: Set<string>;
  clock: number;
}

export async function call(course: Course, name: string, document: object): Promise<unknown> {
  const { sql } = course.options;
  const text = storableJson({ ...document, servesKeys: true, nowMs: Math.floor(course.clock) });
  const rows = await sql<{ outcome: unknown }[]>`select ${sql(name)}(${text}::text::jsonb) as outcome`;
  return rows[0]?.outcome;
}

export async function delivered(
  course: Course,
  turn: string,
  epoch: number,
  retracted = false,
): Promise<void> {
  await call(course, 'mark_delivered_v1', { turnId: turn, epoch, unreachable: null, retracted });
}

export const someInstance = (course: Course): string => `race ${pick(course, 4)}`;

export function take(course: Course, turn: RunnableTurn, instance: string): void {
  note(course, turn.id, turn.epoch);
  course.held.push({ turn, instance, costs: new Map() });
}

export function note(course: Course, id: string, epoch: number): void {
  course.epochs.set(id, Math.max(epoch, course.epochs.get(id) ?? 0));
}

export function give(course: Course): Held | null {
  return course.held.splice(pick(course, course.held.length), 1)[0] ?? null;
}

export const pick = (course: Course, below: number): number => Math.floor(course.random() * below);

export function count(course: Course, name: string): void {
  course.counts.set(name, (course.counts.get(name) ?? 0) + 1);
}

export type Operation = readonly [weight: number, name: string, run: (course: Course) => Promise<void>];
