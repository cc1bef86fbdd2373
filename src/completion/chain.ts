import { worstCaseNanoUsd } from './attempt-record.ts';
import { runAttempt, type Asking } from './attempt-run.ts';
import {
  createCandidateList,
  isRoomy,
  roomyFirst,
  strongModel,
  type Candidate,
  type ModelChoice,
  type Room,
} from './candidates.ts';
import type { Catalogue } from './catalogue.ts';
import type { CompletionChain, CompletionOutcome, CompletionRequest } from './completion.ts';
import { createGate, type Gate } from './gate.ts';
import type { Experience } from './experience.ts';
import type { CompletionFailure } from './failure.ts';
import type { FreePlaces } from './free-places.ts';
import type { CallSettings, ChainTimers } from './model-call.ts';
import type { ModelClient } from './model-client.ts';
import type { OwnModel } from './own-model.ts';
import type { CompletionAlert, CompletionLog } from './ports.ts';
import type { CachingSettings } from './prompt-caching.ts';
import type { ProviderName } from './provider.ts';
import { createProviderStates, stateOf, type ProviderStates } from './provider-state.ts';
import { usualPrice } from './ladder.ts';
import { createReaction, type NextStep } from './reaction.ts';
import { lookBackAt, recallAttempt } from './recall.ts';
import type { Sleep } from './sleep.ts';
import { askerOf, keepPlace, leavePlace, takePlaces } from './take-place.ts';
import { answered, cancelled, failed, newTurn, offTheClock, partial, type Turn } from './turn.ts';
import { budgetSpent, isShort, withBudget, type Refused } from './thrift.ts';
import { canSearch, longestReading, searchingWorstCaseNanoUsd } from './web-search.ts';

export interface ChainSettings extends ModelChoice, ChainTimers {
  readonly caching: CachingSettings;
}

export interface ChainDependencies {
  /** One for each of the providers in the settings. */
  readonly clients: readonly ModelClient[];
  readonly ownModels: readonly OwnModel[];
  readonly catalogue: Catalogue;
  readonly experience: Pick<Experience, 'order'>;
  readonly settings: ChainSettings;
  /** From which each attempt on a free model takes its place. */
  readonly freePlaces: (provider: ProviderName) => FreePlaces;
  readonly now: () => number;
  /** 0 inclusive to 1 exclusive. */
  readonly random: () => number;
  readonly sleep: Sleep;
  readonly log: CompletionLog;
  readonly onAlert: (alert: CompletionAlert) => void;
}

/**
 * Asks one model after the other until one answers, at most four times a turn. What it learns about models and account
 * is kept in memory, so there is one chain for each payer's key. Rejects only when the listener's callbacks throw;
 * `holdCost` may reject, the paid model is passed over then.
 */
export function createCompletionChain(dependencies: ChainDependencies): CompletionChain {
  const { clients, catalogue, settings, freePlaces, now, random, onAlert } = dependencies;
  const catalogueFetchedAtMs = () => catalogue.snapshot().fetchedAtMs;
  const { caching } = settings;
  const states = createProviderStates({ clients, freePlaces, now, random, catalogueFetchedAtMs });
  const candidates = createCandidateList(settings, dependencies);
  const reactions = new Map(
    [...states.values()].map(({ client, cooldowns, account, places }) => [
      client.provider,
      createReaction({ cooldowns, account, places, catalogue, onAlert }),
    ]),
  );
  const gate = createGate({ states, now });
  const parts = { ...dependencies, timers: settings, caching, states, gate, reactions, candidates };

  return {
    async complete(request, listener, signal) {
      const untried = candidatesFor(candidates, request);
      const deadlineMs = now() + settings.modelTimeoutMs;
      const baseline = request.ownKey === null ? strongModel(settings, catalogue) : null;
      const turn = newTurn({ request, listener, signal, untried, deadlineMs, baseline });
      if (request.search === true) turn.failure = whyNoSearch(settings, untried, () => candidates(request));
      turn.untried = roomyFirst(untried, request.preferredModel, roomFor(turn));
      try {
        const outcome = turn.failure === null ? await askInTurn(parts, turn) : failed(turn);
        await Promise.all(turn.inquiries);
        return withBudget(outcome, turn, () => usualOf(candidates, request));
      } finally {
        keepPlace(turn);
        leavePlace(parts, turn);
      }
    },
    recall: (lost, _ownKey, signal) => recallAttempt(parts, lost, signal),
    lookBack: (ended, _ownKey, signal) => lookBackAt(parts, ended, signal),
  };
}

async function askInTurn(parts: ChainParts, turn: Turn): Promise<CompletionOutcome> {
  const { states, reactions, gate } = parts;
  for (;;) {
    const taken = turn.signal.aborted ? null : await take(parts, turn);
    if (turn.signal.aborted) return cancelled(turn, null);
    if (taken === null) return failed(turn);
    const heldNanoUsd = await hold(parts, turn, taken);
    if (heldNanoUsd === null) {
      keepPlace(turn);
      continue;
    }
    // Used, or for a model of another kind than the one that is asked.
    turn.taken = null;
    leavePlace(parts, turn);
    const mustShare = turn.attempts.length === 0 && gate.isReady(turn.untried, askerOf(turn));
    const provider = stateOf(states, taken.asked[0].provider);
    const asking = { ...taken, heldNanoUsd, mustShare };
    const { end, candidate } = await runAttempt({ ...parts, ...provider }, turn, asking);
    turn.last = candidate;
    const model = end.modelUsed ?? candidate.id;
    if (end.kind === 'ended') return answered(turn, end, candidate);
    if (end.kind === 'cancelled') return cancelled(turn, model);
    turn.failure = end.failure;
    const step = reactions.get(candidate.provider)?.(end.failure, candidate) ?? { kind: 'next' };
    if (turn.text !== '') return partial(turn, model, end.failure);
    await proceed(parts, turn, candidate, step);
  }
}

type CandidateList = ReturnType<typeof createCandidateList>;

/** Who searches needs tools, so that the choice is among all models that have them. */
function candidatesFor(
  candidates: CandidateList,
  request: CompletionRequest,
  spares = isShort(request.budget ?? null),
): readonly Candidate[] {
  const wish = { ...request, spares };
  if (request.search !== true) return candidates(wish);
  const { inputs, jsonSchema } = request.needs ?? { inputs: [], jsonSchema: false };
  return candidates({ ...wish, needs: { inputs, jsonSchema, tools: true } }).filter(canSearch);
}

/** Who would be asked first where money is no matter. */
function usualOf(candidates: CandidateList, request: CompletionRequest): Candidate | null {
  return candidatesFor(candidates, { ...request, tier: 'strong', budget: null })[0] ?? null;
}

/** Who is left to ask for whom the budget may have enough, cheap ones first. */
function stepDown({ candidates }: ChainParts, turn: Turn, { candidate }: Refused): void {
  const { request, attempts, untried } = turn;
  // What was learned since the first attempt is in the list.
  const others =
    attempts.length > 0
      ? untried
      : roomyFirst(candidatesFor(candidates, { ...request, tier: 'cheap' }, true), null, roomFor(turn));
  turn.untried = others.filter((other) => usualPrice(other) < usualPrice(candidate));
}

/** What a call of the turn may read and write at most, in tokens. */
function roomFor({ promptTokens, request }: Turn): Room {
  const { maxTokens } = request;
  return {
    promptTokens: request.search === true ? longestReading(promptTokens, maxTokens) : promptTokens,
    maxTokens,
  };
}

/** What stands against a search from the start; null where nothing does. */
function whyNoSearch(
  { freeOnly }: ModelChoice,
  able: readonly Candidate[],
  usual: () => readonly Candidate[],
): CompletionFailure | null {
  if (freeOnly) return { kind: 'search_not_allowed', httpStatus: null, detail: 'free models only' };
  if (able.length > 0) return null;
  const { length } = usual();
  return length > 0
    ? { kind: 'search_unsupported', httpStatus: null, detail: `none of ${length} can call tools` }
    : null;
}

interface ChainParts extends ChainDependencies, CallSettings {
  readonly states: ProviderStates;
  readonly gate: Gate;
  readonly candidates: CandidateList;
  readonly reactions: ReadonlyMap<ProviderName, ReturnType<typeof createReaction>>;
}

type Taken = Pick<Asking, 'asked' | 'maxTokens'>;

/** OpenRouter counts failed attempts on free models too, and a person waits. */
const mostAttempts = 4;
/** OpenRouter takes three models a call; it goes on by itself to the next one, whatever became of the one before. */
const mostBeside = 2;
/** Of models that turned out to have no place, before the turn is given up. */
const mostChoices = 12;
/** A budget that other requests in flight hold is waited for no longer than this. */
const longestInFlightWaitMs = 5000;

/**
 * The next model to ask, once it is ready; null when the turn is at its end, with the reason in `turn.failure`. The last
 * call belongs to the last resort: where that is free, it names free ones before it that would not have had their turn.
 */
async function take(parts: ChainParts, turn: Turn): Promise<Taken | null> {
  for (let choices = 0; choices < mostChoices && !turn.signal.aborted; choices += 1) {
    const taken = await takeOne(parts, turn);
    if (taken !== 'again') return taken;
  }
  return null;
}

async function takeOne(parts: ChainParts, turn: Turn): Promise<Taken | null | 'again'> {
  const { gate, now, sleep } = parts;
  const attemptsLeft = mostAttempts - turn.attempts.length;
  if (attemptsLeft <= 0) return null;
  const { again } = turn;
  turn.again = null;
  const choice = gate.choose(
    again === null ? inOrder(turn, attemptsLeft) : [again.candidate, ...turn.untried],
    askerOf(turn),
  );
  if (choice.kind === 'none') {
    turn.failure ??= choice.failure;
    return null;
  }
  if (turn.deadlineMs <= now()) {
    turn.failure ??= { kind: 'timeout', stage: 'first_token', httpStatus: null, detail: 'no time left' };
    return null;
  }
  const { candidate, waitMs } = choice;
  const others = turn.untried.filter((other) => other !== candidate);
  if (waitMs > 0) await offTheClock(turn, now, () => sleep(waitMs, turn.signal));
  if (candidate === again?.candidate) {
    const isPlaced = (await takePlaces(parts, turn, candidate, 1)) !== null;
    return isPlaced ? { asked: [candidate], maxTokens: again.maxTokens } : 'again';
  }
  const joins = attemptsLeft === 1 && turn.request.search !== true;
  const roomy = joins ? others.filter((other) => isRoomy(other, roomFor(turn))) : [];
  const beside = gate.alongside(roomy, candidate, mostBeside);
  const places = await takePlaces(parts, turn, candidate, 1 + beside.length);
  if (places === null) return 'again';
  const [first, ...more] = beside.slice(0, places - 1);
  turn.untried = others.filter((other) => other !== first && !more.includes(other));
  return {
    asked: first === undefined ? [candidate] : [first, ...more, candidate],
    maxTokens: turn.request.maxTokens,
  };
}

/** Once few attempts are left, each provider that was not asked yet gets one of them, and the last resort the last. */
function inOrder({ untried, attempts }: Turn, attemptsLeft: number): readonly Candidate[] {
  const asked = new Set(attempts.map(({ provider }) => provider));
  const fresh = untried.filter(({ provider }) => !asked.has(provider));
  const others = untried.filter(({ provider }) => asked.has(provider));
  const last = untried.at(-1);
  const reserved = new Set(fresh.map(({ provider }) => provider)).size;
  const isKeptForLast = last !== undefined && asked.has(last.provider);
  return attemptsLeft > reserved + Number(isKeptForLast) ? untried : [...fresh, ...others.toReversed()];
}

/** Has the most that the attempt can cost held: nano-USD, or null where it is not granted, as `turn.failure` then tells. */
async function hold(
  parts: ChainParts,
  turn: Turn,
  { asked: [candidate], maxTokens }: Taken,
): Promise<bigint | null> {
  const { now, log } = parts;
  const { promptTokens, request, attempts, listener } = turn;
  const isSearch = request.search === true;
  if (candidate.isFree && !isSearch) return 0n;
  const worstCaseOf = isSearch ? searchingWorstCaseNanoUsd : worstCaseNanoUsd;
  const worstCase = worstCaseOf(candidate, promptTokens, maxTokens);
  if (worstCase === null) return null;
  try {
    const grant = await offTheClock(turn, now, () => listener.holdCost(attempts.length, worstCase));
    if (grant.granted) return worstCase;
    const { budget } = grant;
    turn.refused = { candidate, budget };
    turn.failure = budgetSpent(turn.refused);
    stepDown(parts, turn, turn.refused);
  } catch (error) {
    log.error(
      { err: error, model: candidate.id },
      'money could not be held for a paid model; it is passed over',
    );
  }
  return null;
}

async function proceed(parts: ChainParts, turn: Turn, candidate: Candidate, step: NextStep): Promise<void> {
  const { gate, random } = parts;
  switch (step.kind) {
    case 'stop':
      turn.untried = [];
      return;
    case 'next':
      return;
    case 'next_provider':
      turn.untried = [
        ...turn.untried.filter(({ provider }) => provider !== candidate.provider),
        ...turn.untried.filter(({ provider }) => provider === candidate.provider),
      ];
      return;
    case 'next_larger':
      turn.untried = turn.untried.filter((other) => mayHoldMore(other, candidate));
      return;
    case 'retry_if_last':
      if (turn.hasRetried || gate.isReady(turn.untried, askerOf(turn))) return;
      return retry(parts, turn, candidate, 250 + 750 * random());
    case 'shorter_or_free':
      if (!turn.hasRetried) {
        return retry(parts, turn, candidate, 0, Math.min(turn.request.maxTokens, step.maxTokens));
      }
      withoutPaidOf(candidate, turn);
      return;
    case 'wait_or_free':
      if (!turn.hasRetried && step.waitMs <= longestInFlightWaitMs) {
        return retry(parts, turn, candidate, step.waitMs);
      }
      withoutPaidOf(candidate, turn);
  }
}

/** An account that is short of money tells nothing about that with another provider. */
function withoutPaidOf({ provider }: Candidate, turn: Turn): void {
  turn.untried = turn.untried.filter((other) => other.isFree || other.provider !== provider);
}

async function retry(
  { sleep }: ChainParts,
  turn: Turn,
  candidate: Candidate,
  waitMs: number,
  maxTokens = turn.request.maxTokens,
): Promise<void> {
  if (turn.attempts.length >= mostAttempts) return;
  turn.hasRetried = true;
  turn.again = { candidate, maxTokens };
  await sleep(waitMs, turn.signal);
}

function mayHoldMore({ listed }: Candidate, than: Candidate): boolean {
  const length = listed?.contextLength ?? null;
  const tooShort = than.listed?.contextLength ?? null;
  return length === null || tooShort === null || length > tooShort;
}
