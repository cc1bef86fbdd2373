import { worstCaseNanoUsd } from './attempt-record.ts';
import { runAttempt } from './attempt-run.ts';
import {
  createCandidateList,
  roomyFirst,
  type Candidate,
  type ModelChoice,
  type Together,
} from './candidates.ts';
import type { Catalogue } from './catalogue.ts';
import type { CompletionChain } from './completion.ts';
import { createGate, type Gate } from './gate.ts';
import type { Experience } from './experience.ts';
import type { CompletionFailure } from './failure.ts';
import type { ChainTimers } from './model-call.ts';
import type { ModelClient } from './model-client.ts';
import type { OwnModel } from './own-model.ts';
import type { CompletionAlert, CompletionLog } from './ports.ts';
import type { CachingSettings } from './prompt-caching.ts';
import { createProviderStates, stateOf, type ProviderStates } from './provider-state.ts';
import { createReaction, type NextStep } from './reaction.ts';
import { recallAttempt } from './recall.ts';
import type { Sleep } from './sleep.ts';
import { answered, cancelled, failed, newTurn, offTheClock, partial, type Turn } from './turn.ts';
import { canSearch, searchingWorstCaseNanoUsd } from './web-search.ts';

export interface ChainSettings extends ModelChoice, ChainTimers {
  /** An account's allowance for all free models together, the same for each provider; a tenth of it is left unused. */
  readonly freePerMinute: number;
  readonly caching: CachingSettings;
}

export interface ChainDependencies {
  /** One for each of the providers in the settings. */
  readonly clients: readonly ModelClient[];
  readonly ownModels: readonly OwnModel[];
  readonly catalogue: Catalogue;
  readonly experience: Pick<Experience, 'order'>;
  readonly settings: ChainSettings;
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
  const { clients, catalogue, settings, now, random, onAlert } = dependencies;
  const catalogueFetchedAtMs = () => catalogue.snapshot().fetchedAtMs;
  const { freePerMinute, caching } = settings;
  const states = createProviderStates({ clients, freePerMinute, now, random, catalogueFetchedAtMs });
  const parts = { ...dependencies, timers: settings, caching, states, gate: createGate({ states, now }) };
  const candidates = createCandidateList(settings, dependencies);
  const reactions = new Map(
    [...states.values()].map(({ client, cooldowns, account }) => [
      client.provider,
      createReaction({ cooldowns, account, catalogue, onAlert }),
    ]),
  );

  return {
    async complete(request, listener, signal) {
      const usual = candidates(request);
      const untried = request.search === true ? usual.filter(canSearch) : usual;
      const deadlineMs = now() + settings.modelTimeoutMs;
      const turn = newTurn({ request, listener, signal, untried, deadlineMs });
      if (request.search === true) turn.failure = whyNoSearch(settings, usual, untried);
      if (turn.failure !== null) return failed(turn);
      const room = { promptTokens: turn.promptTokens, maxTokens: request.maxTokens };
      turn.untried = roomyFirst(untried, request.preferredModel, room);
      for (;;) {
        const taken = signal.aborted ? null : await take(parts, turn);
        if (signal.aborted) return cancelled(turn, null);
        if (taken === null) return failed(turn);
        if (!(await isPaidFor(parts, turn, taken[0]))) continue;
        const mustShare = turn.attempts.length === 0 && parts.gate.isReady(turn.untried);
        const provider = stateOf(states, taken[0].provider);
        const { end, candidate } = await runAttempt({ ...parts, ...provider }, turn, taken, mustShare);
        const model = end.modelUsed ?? candidate.id;
        if (end.kind === 'ended') return answered(turn, end, candidate);
        if (end.kind === 'cancelled') return cancelled(turn, model);
        turn.failure = end.failure;
        const step = reactions.get(candidate.provider)?.(end.failure, candidate) ?? { kind: 'next' };
        if (turn.text !== '') return partial(turn, model, end.failure);
        await proceed(parts, turn, candidate, step);
      }
    },
    recall: (lost, _ownKey, signal) => recallAttempt(parts, lost, signal),
  };
}

/** What stands against a search from the start; null where nothing does. */
function whyNoSearch(
  { freeOnly }: ModelChoice,
  usual: readonly Candidate[],
  able: readonly Candidate[],
): CompletionFailure | null {
  if (freeOnly) return { kind: 'search_not_allowed', httpStatus: null, detail: 'free models only' };
  return usual.length > 0 && able.length === 0
    ? { kind: 'search_unsupported', httpStatus: null, detail: `none of ${usual.length} can call tools` }
    : null;
}

interface ChainParts extends ChainDependencies {
  readonly states: ProviderStates;
  readonly gate: Gate;
}

/** OpenRouter counts failed attempts on free models too, and a person waits. */
const mostAttempts = 4;
/** OpenRouter takes three models a call; it goes on by itself to the next one, whatever became of the one before. */
const mostBeside = 2;
/** A budget that other requests in flight hold is waited for no longer than this. */
const longestInFlightWaitMs = 5000;

/**
 * The next model to ask, once it is ready; null when the turn is at its end, with the reason in `turn.failure`. The last
 * call belongs to the last resort: where that is free, it names free ones before it that would not have had their turn.
 */
async function take({ gate, now, sleep }: ChainParts, turn: Turn): Promise<Together | null> {
  const attemptsLeft = mostAttempts - turn.attempts.length;
  if (attemptsLeft <= 0) return null;
  const choice = gate.choose(inOrder(turn, attemptsLeft));
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
  const joins = attemptsLeft === 1 && turn.request.search !== true;
  const [first, ...more] = joins ? gate.alongside(others, candidate, mostBeside) : [];
  turn.untried = others.filter((other) => other !== first && !more.includes(other));
  return first === undefined ? [candidate] : [first, ...more, candidate];
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

/** Whether the most that the attempt can cost is granted. A refusal is noted in `turn.failure`. */
async function isPaidFor({ now, log }: ChainParts, turn: Turn, candidate: Candidate): Promise<boolean> {
  const { promptTokens, request, attempts, listener } = turn;
  const isSearch = request.search === true;
  if (candidate.isFree && !isSearch) return true;
  const worstCaseOf = isSearch ? searchingWorstCaseNanoUsd : worstCaseNanoUsd;
  const worstCase = worstCaseOf(candidate, promptTokens, request.maxTokens);
  if (worstCase === null) return false;
  try {
    const grant = await offTheClock(turn, now, () => listener.holdCost(attempts.length, worstCase));
    if (grant.granted) return true;
    const detail = `hold for ${candidate.id} refused`;
    turn.failure = { kind: 'budget_spent', httpStatus: null, detail, resetsAtMs: grant.resetsAtMs };
  } catch (error) {
    log.error(
      { err: error, model: candidate.id },
      'money could not be held for a paid model; it is passed over',
    );
  }
  return false;
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
      if (turn.hasRetried || gate.isReady(turn.untried)) return;
      return retry(parts, turn, candidate, 250 + 750 * random());
    case 'shorter_or_free':
      if (!turn.hasRetried) {
        turn.request = { ...turn.request, maxTokens: Math.min(turn.request.maxTokens, step.maxTokens) };
        return retry(parts, turn, candidate, 0);
      }
      turn.untried = turn.untried.filter(({ isFree }) => isFree);
      return;
    case 'wait_or_free':
      if (!turn.hasRetried && step.waitMs <= longestInFlightWaitMs) {
        return retry(parts, turn, candidate, step.waitMs);
      }
      turn.untried = turn.untried.filter(({ isFree }) => isFree);
  }
}

async function retry({ sleep }: ChainParts, turn: Turn, candidate: Candidate, waitMs: number): Promise<void> {
  if (turn.attempts.length >= mostAttempts) return;
  turn.hasRetried = true;
  turn.untried = [candidate, ...turn.untried];
  await sleep(waitMs, turn.signal);
}

function mayHoldMore({ listed }: Candidate, than: Candidate): boolean {
  const length = listed?.contextLength ?? null;
  const tooShort = than.listed?.contextLength ?? null;
  return length === null || tooShort === null || length > tooShort;
}
