import type { Evidence, Violation } from './evidence.ts';
import type { SeenCall, Stage } from './stage.ts';
import type { Asked } from './world.ts';

/** Remembers who wrote what and when, so that the way to a violation can be read afterwards. */
export interface Stories {
  /** For each violation that names a question: what happened in its place, from a little before it was asked. */
  tell(violations: readonly Violation[], asked: readonly Asked[], evidence: Evidence): string;
}

interface Line {
  readonly atMs: number;
  readonly call: Pick<SeenCall, 'kind' | 'when' | 'host' | 'place' | 'question' | 'hasStopButton' | 'record'>;
  /** Of the route or method, the text and the result, what tells one from another. */
  readonly gist: string;
}

const BEFORE_MS = 3000;
const AFTER_MS = 90_000;

export function recordStories(stage: Stage): Stories {
  const lines: Line[] = [];
  stage.watch(({ text, result, params: _params, platform: _platform, ...call }) => {
    if (call.kind === 'poll' || call.kind === 'update') return undefined;
    const { message_id: telegramId, id } = Object(result) as { message_id?: number; id?: string };
    const glimpse = JSON.stringify(`${text.slice(0, 24)}…${text.slice(-16)}`);
    const gist = `${nameOf(call.record)} ${glimpse} ${text.length} ${telegramId ?? id ?? ''}`;
    lines.push({ atMs: Date.now(), call, gist });
    return undefined;
  });
  return {
    tell(violations, asked, evidence) {
      const numbers = new Set(
        violations.flatMap(({ detail }) =>
          [...detail.matchAll(/question (\d+) in/gu)].map(([, n]) => Number(n)),
        ),
      );
      return [...numbers]
        .flatMap((number) => asked[number - 1] ?? [])
        .map((one) => storyOf(one, violations, lines, evidence))
        .join('\n\n');
    },
  };
}

function storyOf(
  one: Asked,
  violations: readonly Violation[],
  lines: readonly Line[],
  { turns, kills, questions }: Evidence,
): string {
  const isNear = (atMs: number): boolean =>
    atMs > one.askedAtMs - BEFORE_MS && atMs < one.askedAtMs + AFTER_MS;
  const told = violations.filter(({ detail }) => detail.includes(`question ${one.number} in`));
  const events = [
    ...lines
      .filter(({ atMs, call }) => call.question === one.number || (call.place === one.place && isNear(atMs)))
      .map(({ atMs, call, gist }) => ({
        atMs,
        text: `${call.host.slice(0, 9)} ${call.kind} ${call.when} q${call.question ?? '-'}${call.hasStopButton ? ' [stop]' : ''} ${gist}${failureOf(call.record)}`,
      })),
    ...kills.filter(({ atMs }) => isNear(atMs)).map(({ atMs, window }) => ({ atMs, text: `KILL ${window}` })),
    ...questions
      .filter(({ place, askedAtMs }) => place === one.place && isNear(askedAtMs))
      .map(({ number, askedAtMs }) => ({ atMs: askedAtMs, text: `ASKED ${number}` })),
  ].toSorted((a, b) => a.atMs - b.atMs);
  return [
    `## question ${one.number} in ${one.place} (${one.where}), asked at ${one.askedAtMs} (${new Date(one.askedAtMs).toISOString()})`,
    ...told.map(({ kind, detail }) => `${kind}: ${detail}`),
    ...turns.filter(({ originKey }) => originKey === one.originKey).map((turn) => JSON.stringify(turn)),
    ...events.map(({ atMs, text }) => `${String(atMs - one.askedAtMs).padStart(7)} ${text}`),
  ].join('\n');
}

function nameOf(record: SeenCall['record']): string {
  if (record === null) return '';
  return 'method' in record ? record.method : record.route;
}

/** How the call ended in the simulator, where it did not end well. */
function failureOf(record: SeenCall['record']): string {
  if (record === null) return '';
  const code = 'method' in record ? record.errorCode : (record.code ?? record.status);
  const isFailure = code !== undefined && code >= 300;
  return `${isFailure ? ` -> ${code}` : ''}${record.aborted === true ? ' (broken off)' : ''}`;
}
