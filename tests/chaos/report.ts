import type { Verdict } from './evidence.ts';
import type { HitCounts } from './windows.ts';

/** What a run did and what came of it. */
export interface RunResult {
  readonly title: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly asked: number;
  readonly kills: number;
  readonly hits: HitCounts;
  /** Kills that were aimed at a window and missed it. */
  readonly missed: number;
  readonly stops: number;
  /** Processes that were asked to end while they wrote. */
  readonly ends: number;
  readonly faults: ReadonlyMap<string, number>;
  /** Processes that ended by themselves. */
  readonly crashes: readonly string[];
  readonly verdict: Verdict;
}

const LONGEST_LIST = 12;

/** The table of a run, then each violation with what is needed to find it. */
export function describeRun(run: RunResult): string {
  const { verdict } = run;
  const count = (...kinds: readonly string[]): number =>
    verdict.violations.filter(({ kind }) => kinds.includes(kind)).length;
  const list = (counts: ReadonlyMap<string, number>): string =>
    [...counts].map(([name, times]) => `${name} ${times}`).join(', ') || 'none';
  const rows: readonly (readonly [string, string])[] = [
    ['turns', `${run.asked} asked in ${(run.durationMs / 1000).toFixed(0)} s: ${list(verdict.ends)}`],
    ['kills', `${run.kills}, in their window: ${inWindows(run.hits)}; ${run.missed} windows did not open`],
    ['stops', `${run.stops} of two leases, ${run.ends} ends in order`],
    ['faults', list(run.faults)],
    ['uncertain', `${verdict.uncertain} creates of Telegram repeated, each in flight at a kill`],
    [
      'verdict',
      [
        `${count('lost', 'unheard', 'unfinished', 'no notice')} lost`,
        `${count('doubled', 'extra notice')} doubled`,
        `${count('out of order')} out of order`,
        `${count('hold left')} holds left`,
        count('counter off') === 0 ? 'counters equal usage' : `${count('counter off')} counters off`,
        `${count('glued', 'wrong text', 'late write', 'leftover')} wrong texts`,
        `${count('pace refused', 'simulator objects', 'own failure') + run.crashes.length} other faults`,
      ].join(', '),
    ],
    ['seed', String(run.seed)],
  ];
  return [
    `== ${run.title}`,
    ...rows.map(([name, value]) => `${name.padEnd(10)} ${value}`),
    ...detailsOf(run),
  ].join('\n');
}

/** The rare kinds first, and of each kind not more than can be read. */
function detailsOf({ verdict, crashes }: RunResult): readonly string[] {
  const told = [...verdict.violations, ...crashes.map((detail) => ({ kind: 'crash', detail }))];
  const kinds = [...Map.groupBy(told, ({ kind }) => kind)];
  return kinds
    .toSorted(([, one], [, other]) => one.length - other.length)
    .flatMap(([kind, all]) => [
      ...all.slice(0, LONGEST_LIST).map(({ detail }) => `  ${kind}: ${detail}`),
      ...(all.length > LONGEST_LIST ? [`  ${kind}: … and ${all.length - LONGEST_LIST} more`] : []),
    ]);
}

function inWindows(hits: HitCounts): string {
  return [...hits].map(([name, { hit, aimed }]) => `${name} ${hit}/${aimed}`).join(', ');
}

export function isClean({ verdict, crashes }: RunResult): boolean {
  return verdict.violations.length === 0 && crashes.length === 0;
}
