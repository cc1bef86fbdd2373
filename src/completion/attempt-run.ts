import type { Account } from './account.ts';
import type { AttemptRecord } from './attempt.ts';
import { attemptRecord, type AttemptFacts } from './attempt-record.ts';
import type { Candidate, Together } from './candidates.ts';
import type { Cooldowns } from './cooldowns.ts';
import type { CompletionFailure } from './failure.ts';
import { modelCall, type CallSettings } from './model-call.ts';
import type { CallEnd, CallSink, ModelClient } from './model-client.ts';
import type { CompletionAlert, CompletionLog } from './ports.ts';
import type { Sleep } from './sleep.ts';
import type { Turn } from './turn.ts';
import { askWhatItTook, BRIEF } from './what-it-took.ts';
import { searchesNanoUsd, searchReport } from './web-search.ts';

export interface AttemptParts extends CallSettings {
  readonly client: ModelClient;
  readonly cooldowns: Cooldowns;
  readonly account: Account;
  readonly now: () => number;
  readonly sleep: Sleep;
  readonly log: CompletionLog;
  readonly onAlert: (alert: CompletionAlert) => void;
}

/** Whom to ask, and on what terms. */
export interface Asking {
  readonly asked: Together;
  /** For the attempt; 0 where it can cost nothing. */
  readonly heldNanoUsd: bigint;
  /** Bounds the answer further than the turn does. */
  readonly maxTokens: number;
  /** Another model is ready and must get a try within the turn's time. */
  readonly mustShare: boolean;
}

export interface AttemptEnd {
  readonly end: CallEnd;
  /** Whose end it is. */
  readonly candidate: Candidate;
}

/**
 * Asks one model for a turn, or several of which the provider takes the first that answers, passes the text on and adds
 * the records. Rejects only when the listener throws.
 */
export async function runAttempt(
  parts: AttemptParts,
  turn: Turn,
  { asked, heldNanoUsd, maxTokens, mustShare }: Asking,
): Promise<AttemptEnd> {
  const { client, now, cooldowns } = parts;
  const startedAtMs = now();
  const times = { firstTokenAtMs: null as number | null };
  const left = { remainingMs: turn.deadlineMs - startedAtMs, mustShare };
  for (const { id } of asked) cooldowns.begin(id);
  const sink = sinkFor(turn, asked[0], () => {
    times.firstTokenAtMs = now();
  });
  const request = { ...turn.request, maxTokens: Math.min(turn.request.maxTokens, maxTokens) };
  const end = await client.run(modelCall(request, asked, parts, left), sink, turn.signal);
  const candidate = whose(end, asked);
  const facts = {
    searchesNanoUsd: turn.request.search === true ? searchesNanoUsd : 0n,
    heldNanoUsd,
    told: null,
    promptTokens: turn.promptTokens,
    baseline: turn.baseline,
    startedAtMs,
    endedAtMs: now(),
  };
  for (const before of asked.slice(0, asked.indexOf(candidate))) {
    const passed = { ...facts, index: turn.attempts.length, candidate: before, end: passedOver(end) };
    turn.attempts.push(attemptRecord({ ...passed, hasText: false, firstTokenAtMs: null }));
    cooldowns.failed(before.id);
  }
  const index = turn.attempts.length;
  const known = { ...facts, ...times, index, candidate, end, hasText: turn.text !== '' };
  turn.attempts.push(attemptRecord(known));
  for (const { id } of asked.slice(asked.indexOf(candidate) + 1)) cooldowns.abandoned(id);
  if (turn.request.search === true) turn.search = searchReport(end.usage, end.sources ?? []);
  noteEnd(parts, candidate, end);
  if (heldNanoUsd > 0n && end.began && (end.usage === null || end.usage.soFar === true))
    turn.inquiries.push(askAfterwards(parts, turn, known));
  else settle(parts, turn, known);
  return { end, candidate };
}

/**
 * Asks what a paid attempt took that ended without a word of it. The turn goes on meanwhile, and its abort changes nothing.
 * Never rejects.
 */
async function askAfterwards(parts: AttemptParts, turn: Turn, facts: AttemptFacts): Promise<void> {
  const { client, log } = parts;
  const { end, candidate } = facts;
  const { signal } = new AbortController();
  const asked = await askWhatItTook(parts, client.lookUp, end.generationId, BRIEF, signal);
  if (asked.generation === null) {
    const { generationId } = end;
    log.warn({ model: candidate.id, generationId, reason: asked.reason }, 'an attempt is booked by its hold');
  }
  settle(parts, turn, { ...facts, told: asked.generation });
}

function settle(parts: AttemptParts, turn: Turn, facts: AttemptFacts): void {
  const record = attemptRecord(facts);
  turn.attempts[facts.index] = record;
  noteCost(parts, facts.candidate.isFree ? withoutSearches(record, facts.end) : record);
}

/** What a free model took apart from searches, which may cost: all that it reports beyond them is its own. */
function withoutSearches(record: AttemptRecord, end: CallEnd): AttemptRecord {
  const { usage, isFree } = record;
  if (isFree || usage === null) return record;
  const costNanoUsd = usage.costNanoUsd - (end.usage?.tools?.costNanoUsd ?? searchesNanoUsd);
  return { ...record, isFree: true, usage: { ...usage, costNanoUsd: costNanoUsd > 0n ? costNanoUsd : 0n } };
}

/** Failures of which the provider goes on to the next model, so that the one it tells is the last one's. */
const GOES_ON: ReadonlySet<CompletionFailure['kind']> = new Set([
  'rate_limited',
  'no_endpoint',
  'model_not_found',
  'overloaded',
  'upstream_error',
  'moderated',
  'context_too_long',
]);

/** The model that answered, which may be told with a date or without its `:free`, or whose failure it was. */
function whose(end: CallEnd, asked: Together): Candidate {
  const used = end.modelUsed;
  const last = asked.at(-1) ?? asked[0];
  if (used === null) return end.kind === 'failed' && GOES_ON.has(end.failure.kind) ? last : asked[0];
  const nameOf = ({ id }: Candidate): string => id.replace(/:free$/, '');
  const named = asked
    .filter((one) => used === one.id || used === nameOf(one) || used.startsWith(`${nameOf(one)}-`))
    .toSorted((a, b) => b.id.length - a.id.length);
  // A router reports the model that it chose.
  return named[0] ?? last;
}

/** What is known of a model that the provider went past. */
function passedOver({ estimatedTokens }: CallEnd): CallEnd {
  const detail = 'the provider went on to the next model';
  return {
    kind: 'failed',
    failure: { kind: 'upstream_error', httpStatus: null, detail },
    generationId: null,
    modelUsed: null,
    began: false,
    usage: null,
    estimatedTokens: { ...estimatedTokens, completion: 0, reasoning: 0 },
  };
}

function sinkFor(turn: Turn, { provider, id }: Candidate, onFirstToken: () => void): CallSink {
  const index = turn.attempts.length;
  return {
    onGeneration: (generationId) => turn.listener.onGeneration({ index, provider, model: id, generationId }),
    onFirstToken,
    onText(delta) {
      turn.text += delta;
      turn.listener.onText(delta);
    },
  };
}

/** A failure is drawn its consequences from by the chain, which knows what else the turn can do. */
function noteEnd(
  { cooldowns, account, log }: AttemptParts,
  { provider, id, isFree }: Candidate,
  end: CallEnd,
): void {
  if (end.kind === 'ended') {
    cooldowns.answered(id);
    account.answered(isFree);
  } else if (end.kind === 'cancelled') {
    cooldowns.abandoned(id);
  } else {
    const { kind, httpStatus, detail } = end.failure;
    log.warn(
      { provider, model: id, failure: kind, httpStatus, detail, generationId: end.generationId },
      'a model attempt failed',
    );
  }
}

/** A free model that cost something is not asked again, and the operator is told. */
export function noteCost(
  { cooldowns, log, onAlert }: Pick<AttemptParts, 'cooldowns' | 'log' | 'onAlert'>,
  { modelAsked: id, isFree, usage, generationId }: AttemptRecord,
): void {
  if (!isFree || usage === null || usage.costNanoUsd === 0n) return;
  cooldowns.retire(id, 'forever');
  log.error({ model: id, generationId }, 'a free model reported a cost and is not asked again');
  onAlert({
    kind: 'free_model_cost',
    detail: `${id}: ${usage.costNanoUsd} nano-USD, ${generationId ?? 'no id'}`,
  });
}
