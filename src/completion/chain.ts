import { createAccount } from './account.ts';
import { worstCaseNanoUsd } from './attempt-record.ts';
import { runAttempt } from './attempt-run.ts';
import { createCandidateList, type Candidate, type ModelChoice } from './candidates.ts';
import type { Catalogue } from './catalogue.ts';
import type { CompletionChain } from './completion.ts';
import { createCooldowns } from './cooldowns.ts';
import { createFreePace } from './free-pace.ts';
import { createGate, type Gate } from './gate.ts';
import type { Experience } from './experience.ts';
import type { ChainTimers } from './model-call.ts';
import type { ModelClient } from './model-client.ts';
import type { CompletionAlert, CompletionLog } from './ports.ts';
import { createReaction, type NextStep } from './reaction.ts';
import { recallAttempt } from './recall.ts';
import type { Sleep } from './sleep.ts';
import { answered, cancelled, failed, newTurn, offTheClock, partial, type Turn } from './turn.ts';

export interface ChainSettings extends ModelChoice, ChainTimers {
  /** The account's allowance for all free models together; a tenth of it is left unused. */
  readonly freePerMinute: number;
}

export interface ChainDependencies {
  readonly client: ModelClient;
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
  const { catalogue, settings, now, random, onAlert } = dependencies;
  const catalogueFetchedAtMs = () => catalogue.snapshot().fetchedAtMs;
  const cooldowns = createCooldowns({ now, random, catalogueFetchedAtMs });
  const account = createAccount(now);
  const pace = createFreePace(settings.freePerMinute, now);
  const parts = {
    ...dependencies,
    timers: settings,
    cooldowns,
    account,
    gate: createGate({ cooldowns, account, pace, now }),
  };
  const candidates = createCandidateList(settings, dependencies);
  const react = createReaction({ cooldowns, account, catalogue, onAlert });

  return {
    async complete(request, listener, signal) {
      const untried = candidates(request);
      const turn = newTurn({
        request,
        listener,
        signal,
        untried,
        deadlineMs: now() + settings.modelTimeoutMs,
      });
      for (;;) {
        const candidate = signal.aborted ? null : await take(parts, turn);
        if (signal.aborted) return cancelled(turn, null);
        if (candidate === null) return failed(turn);
        if (!(await isPaidFor(parts, turn, candidate))) continue;
        const mustShare = turn.attempts.length === 0 && parts.gate.isReady(turn.untried);
        const end = await runAttempt(parts, turn, candidate, mustShare);
        const model = end.modelUsed ?? candidate.id;
        if (end.kind === 'ended') return answered(turn, end, candidate);
        if (end.kind === 'cancelled') return cancelled(turn, model);
        turn.failure = end.failure;
        const step = react(end.failure, candidate);
        if (turn.text !== '') return partial(turn, model, end.failure);
        await proceed(parts, turn, candidate, step);
      }
    },
    recall: (lost, _ownKey, signal) => recallAttempt(parts, lost, signal),
  };
}

interface ChainParts extends ChainDependencies {
  readonly gate: Gate;
}

/** OpenRouter counts failed attempts on free models too, and a person waits. */
const mostAttempts = 4;
/** A budget that other requests in flight hold is waited for no longer than this. */
const longestInFlightWaitMs = 5000;

/** The next model to ask, once it is ready; null when the turn is at its end, with the reason in `turn.failure`. */
async function take({ gate, now, sleep }: ChainParts, turn: Turn): Promise<Candidate | null> {
  const attemptsLeft = mostAttempts - turn.attempts.length;
  if (attemptsLeft === 0) return null;
  // The last attempt belongs to the last resort.
  const choice = gate.choose(attemptsLeft === 1 ? turn.untried.toReversed() : turn.untried);
  if (choice.kind === 'none') {
    turn.failure ??= choice.failure;
    return null;
  }
  if (turn.deadlineMs <= now()) {
    turn.failure ??= { kind: 'timeout', stage: 'first_token', httpStatus: null, detail: 'no time left' };
    return null;
  }
  turn.untried = turn.untried.filter(({ id }) => id !== choice.candidate.id);
  if (choice.waitMs > 0) await offTheClock(turn, now, () => sleep(choice.waitMs, turn.signal));
  return choice.candidate;
}

/** Whether the most that the attempt can cost is granted. A refusal is noted in `turn.failure`. */
async function isPaidFor({ now, log }: ChainParts, turn: Turn, candidate: Candidate): Promise<boolean> {
  if (candidate.isFree) return true;
  const { promptTokens, request, attempts, listener } = turn;
  const worstCase = worstCaseNanoUsd(candidate, promptTokens, request.maxTokens);
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
    case 'next_larger':
      turn.untried = turn.untried.filter((other) => mayHoldMore(other, candidate));
      return;
    case 'retry_if_last':
      if (turn.hasRetried || gate.isReady(turn.untried)) return;
      return retry(parts, turn, candidate, 250 + 750 * random());
    case 'wait_or_free':
      if (!turn.hasRetried && step.waitMs <= longestInFlightWaitMs) {
        return retry(parts, turn, candidate, step.waitMs);
      }
      turn.untried = turn.untried.filter(({ isFree }) => isFree);
  }
}

async function retry({ sleep }: ChainParts, turn: Turn, candidate: Candidate, waitMs: number): Promise<void> {
  turn.hasRetried = true;
  turn.untried = [candidate, ...turn.untried];
  await sleep(waitMs, turn.signal);
}

function mayHoldMore({ listed }: Candidate, than: Candidate): boolean {
  const length = listed?.contextLength ?? null;
  const tooShort = than.listed?.contextLength ?? null;
  return length === null || tooShort === null || length > tooShort;
}
