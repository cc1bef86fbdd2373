import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sum } from './figures.ts';
import { formatTable, type Row } from './table.ts';

/** What V8 writes with `--cpu-prof`. Times in microseconds of the machine's monotonic clock. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0, as the column. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** A stretch of the machine's monotonic clock. */
interface Period {
  readonly fromMs: number;
  readonly untilMs: number;
}

const LONGEST_LIST = 18;

/** For each profile in a folder, one a thread: where its CPU time went in a period, by package and by function. */
export async function reportProfiles(folder: string, period: Period): Promise<string> {
  const reports: string[] = [];
  for (const name of (await readdir(folder)).toSorted()) {
    const profile = JSON.parse(await readFile(join(folder, name), 'utf8')) as CpuProfile;
    reports.push(reportProfile(threadOf(name), profile, period));
  }
  return reports.join('\n\n');
}

/** V8 names the files `CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile`. */
function threadOf(fileName: string): string {
  const thread = fileName.split('.')[4] ?? '?';
  return thread === '0' ? 'main thread' : `thread ${thread}`;
}

function reportProfile(thread: string, profile: CpuProfile, period: Period): string {
  const spent = selfTimes(profile, period);
  const watchedMs = Math.round(period.untilMs - period.fromMs);
  const locate = createLocator();
  const busy = [...spent].map(([frame, us]) => ({ frame, file: locate(frame), us }));
  const total = sum(busy.map(({ us }) => us));
  const top = (title: string, keyOf: (entry: (typeof busy)[number]) => string): string => {
    const groups = [...Map.groupBy(busy, keyOf)].map(
      ([key, entries]) => [key, sum(entries.map(({ us }) => us))] as const,
    );
    const rows = groups
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, LONGEST_LIST)
      .map(([key, us]): Row => [key, `${((us / total) * 100).toFixed(1)} %`]);
    return formatTable(`${thread}, ${title} (busy ${Math.round(total / 1000)} of ${watchedMs} ms)`, [
      ['', 'self'],
      ...rows,
    ]);
  };
  return [
    top('by package', ({ file }) => packageOf(file)),
    top('by function', ({ frame, file }) => `${frame.functionName || '(anonymous)'}  ${file}`),
  ].join('\n');
}

/** Microseconds by function, without idle time. */
function selfTimes(profile: CpuProfile, { fromMs, untilMs }: Period): ReadonlyMap<CallFrame, number> {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const spent = new Map<CallFrame, number>();
  let atUs = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    // A sample stands for the time until the next one.
    atUs += profile.timeDeltas[index] ?? 0;
    const frame = frames.get(id);
    const isInside = atUs >= fromMs * 1000 && atUs <= untilMs * 1000;
    if (!isInside || frame === undefined || frame.functionName === '(idle)') continue;
    spent.set(frame, (spent.get(frame) ?? 0) + (profile.timeDeltas[index + 1] ?? 0));
  }
  return spent;
}

/** Finds the source of a function through the maps beside bundled files; paths are short and below the project. */
function createLocator(): (frame: CallFrame) => string {
  const maps = new Map<string, SourceMap | null>();
  return ({ url, lineNumber, columnNumber }) => {
    if (!url.startsWith('file:')) return url === '' ? '(engine)' : url;
    const path = fileURLToPath(url);
    if (!maps.has(path)) maps.set(path, readSourceMap(`${path}.map`));
    const entry = maps.get(path)?.findEntry(lineNumber, columnNumber);
    const source = entry !== undefined && 'originalSource' in entry ? entry.originalSource : path;
    return shorten(source);
  };
}

function readSourceMap(path: string): SourceMap | null {
  if (!existsSync(path)) return null;
  return new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload);
}

function shorten(path: string): string {
  return /(?:node_modules|src|dist)\/(?!.*node_modules\/).*$/.exec(path)?.[0] ?? path;
}

/** `node_modules/openai`, `src/store`, `node:internal`. */
function packageOf(file: string): string {
  return /^(?:node_modules\/(?:@[^/]+\/)?[^/]+|[^/]+(?:\/[^/.]+(?=\/))?)/.exec(file)?.[0] ?? file;
}
