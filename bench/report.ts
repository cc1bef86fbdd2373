import type { Spread } from './figures.ts';
import type { ProgramResult } from './programs.ts';
import type { Latencies } from './stages.ts';
import { formatTable, type Row } from './table.ts';

type Figure = (result: ProgramResult) => number | undefined;
interface Line {
  readonly label: string;
  readonly figure: Figure;
  readonly write: (value: number) => string;
}

const ms = (value: number): string => `${value.toFixed(value < 10 && !Number.isInteger(value) ? 1 : 0)} ms`;
const mebibytes = (value: number): string => `${Math.round(value / 2 ** 20)} MiB`;
const cores = (value: number): string => value.toFixed(2);
const plain = (value: number): string => value.toFixed(value < 100 ? 1 : 0);

/** One table: Parley's figures, those of the bare script, and how many times as much Parley takes. */
export function writeReport(title: string, parley: ProgramResult, bare: ProgramResult): string {
  const rows = lines.map(({ label, figure, write }): Row => {
    const [own, other] = [figure(parley), figure(bare)];
    return [label, cell(own, write), cell(other, write), ratio(own, other)];
  });
  return formatTable(title, [['', 'Parley', 'bare', 'ratio'], ...rows]);
}

/** What has to be known to read the tables. */
export const LEGEND = `Times come from the simulators' logs, in whole milliseconds of one clock; the first token's is planned, not logged.
Together: people ask one after the other while earlier answers stream. Saturated: all ask at once, and answers of 50
tokens are there at once, without Discord's limit of 50 calls a second; where everything together uses all cores, turns
a second are the machine's limit, not the bot's. CPU and RSS are those of the bot's process, the embedded database
included and a server not. The bare script keeps nothing, and makes as many calls as Parley was seen to make.
`;

function cell(value: number | undefined, write: (value: number) => string): string {
  return value === undefined ? '-' : write(value);
}

/** Nothing where the lower figure is too small for the clock of the logs to tell how small. */
function ratio(own: number | undefined, other: number | undefined): string {
  if (own === undefined || other === undefined || other <= 0) return '-';
  return (own / other).toFixed(2);
}

const lines: readonly Line[] = [
  ...latencies('message → request upstream', 'toRequestMs'),
  ...latencies('first token → first visible text', 'toFirstWordMs'),
  ...latencies('last token → whole text visible', 'toFinalMs'),
  ...spread('last token → whole text, many streams', ({ streams }) => streams.toFinalMs, true),
  line('CPU a streamed turn, many streams', ({ streams }) => streams.cpuMsPerTurn, ms),
  line('turns a second, saturated', ({ saturation }) => saturation.turnsPerSecond, plain),
  line('CPU a turn, saturated', ({ saturation }) => saturation.cpuMsPerTurn, ms),
  line('cores in use by the bot, saturated', ({ saturation }) => saturation.ownCores, cores),
  line('cores in use by everything, saturated', ({ saturation }) => saturation.allCores, cores),
  line('RSS idle', ({ turns }) => turns.idleBytes, mebibytes),
  line('RSS after the conversations', ({ saturation }) => saturation.loadedBytes, mebibytes),
  line('RSS at most, saturated', ({ saturation }) => saturation.highestBytes, mebibytes),
  line('start', ({ startMs }) => startMs, ms),
  line('messages and edits a turn, together', ({ turns }) => turns.effort.shows, plain),
  line('messages and edits a turn, many streams', ({ streams }) => streams.effort.shows, plain),
  line('messages and edits a turn, saturated', ({ saturation }) => saturation.effort.shows, plain),
  line('typing signs a turn, many streams', ({ streams }) => streams.effort.typing, plain),
  line('calls answered with 429 a turn, many streams', ({ streams }) => streams.effort.limited, plain),
];

function line(label: string, figure: Figure, write: (value: number) => string): Line {
  return { label, figure, write };
}

function latencies(label: string, name: keyof Latencies): readonly Line[] {
  return [
    ...spread(`${label}, one at a time`, ({ turns }) => turns.alone[name]),
    ...spread(`${label}, together`, ({ turns }) => turns.together[name]),
  ];
}

function spread(
  label: string,
  of: (result: ProgramResult) => Spread | null,
  hasMax = false,
): readonly Line[] {
  return [
    line(`${label}: median`, (result) => of(result)?.median, ms),
    line(`${label}: p95`, (result) => of(result)?.p95, ms),
    ...(hasMax ? [line(`${label}: max`, (result) => of(result)?.max, ms)] : []),
  ];
}
