import type { BudgetStanding } from '../completion/budget.ts';
import type { CompletionChain, CompletionListener, CompletionOutcome } from '../completion/completion.ts';
import { chooseTier, complexityOf, type Tier } from '../completion/optimiser.ts';
import type { FreeAsker, FreePlace } from '../completion/free-places.ts';
import type { OwnKey } from '../completion/ports.ts';
import { isGranted, rankOf } from '../plans/entitlements.ts';
import type { Logger } from '../platform/logger.ts';
import { noteFailure } from './note-failure.ts';
import { ofOwnKey, ownKeyOf, withKeyOfNow, type OwnKeyParts } from './own-key.ts';
import type { ErrorLog } from './operation-ports.ts';
import type { TurnStore } from './ports.ts';
import { buildPrompt } from './prompt.ts';
import { decideSearch, type SearchPolicy } from './search-policy.ts';
import type { TurnReply } from './turn-reply.ts';
import { isStrict, type QuotaRefusal, type RunnableTurn } from './turn.ts';

export interface CompletionParts extends OwnKeyParts {
  readonly store: TurnStore;
  readonly errors: ErrorLog;
  readonly chain: CompletionChain;
  readonly log: Logger;
  readonly search: SearchPolicy;
  readonly temperature: number;
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicNow: () => number;
  /** Gives back what came with an admission and no model was asked for. Does not wait until it is done. */
  readonly leavePlace: (place: FreePlace) => void;
  /** A pseudonym for upstream, stable per person. */
  readonly pseudonym: (internalUserId: string) => string;
}

/**
 * Asks the models and shows the text while it comes. Failures of the outside are in the outcome;
 * null means that we failed ourselves, which is logged and recorded under the error id.
 */
export async function completeTurn(
  turn: RunnableTurn,
  reply: TurnReply,
  errorId: string,
  parts: CompletionParts,
  signal: AbortSignal,
): Promise<CompletionOutcome | null> {
  const { errors, log } = parts;
  const continued =
    turn.cause === 'continue' && turn.previous?.isPartial === true ? turn.previous.text : null;
  // What was found stands in the answer that goes on.
  const search = continued === null ? decideSearch(turn.settings, turn.payer, parts.search) : 'unwanted';
  if (search !== 'allowed' && search !== 'unwanted') {
    leave(turn, parts);
    return SEARCH_REFUSALS[search];
  }
  const searches = search === 'allowed';
  // What is continued stays in sight.
  if (continued !== null) reply.append(continued);
  try {
    const paid = await withKeyOfNow(turn, parts);
    const ownKey = ownKeyOf(paid, parts);
    const isStopped = ownKey !== null && 'kind' in ownKey;
    if (isStopped) leave(turn, parts);
    const outcome = isStopped
      ? ({ kind: 'failed', failure: ownKey, attempts: [] } as const)
      : ofOwnKey(await ask(paid, ownKey, reply, parts, { continued, searches, signal }), paid, parts);
    if (outcome.kind === 'failed' || outcome.kind === 'partial') {
      const { failure } = outcome;
      log.warn({ turn: turn.id, errorId, failure }, 'no complete answer');
      const area = `completion.${failure.kind}`;
      await errors.record({ id: errorId, area, message: failure.detail, originKey: turn.originKey });
    }
    return outcome;
  } catch (error) {
    const place = { errorId, area: 'turn', originKey: turn.originKey, logged: { turn: turn.id } };
    await noteFailure(parts, place, error, 'completing a turn failed unexpectedly');
    return null;
  }
}

function leave({ freePlace }: RunnableTurn, { leavePlace }: CompletionParts): void {
  if (freePlace !== undefined) leavePlace(freePlace);
}

const searchRefused = (by: 'operator' | 'guild' | 'plan', detail: string): CompletionOutcome => ({
  kind: 'failed',
  failure: { kind: 'search_not_allowed', httpStatus: null, detail, by },
  attempts: [],
});

const SEARCH_REFUSALS = {
  operator_refuses: searchRefused('operator', 'free models only'),
  guild_refuses: searchRefused('guild', 'the guild pays for none'),
  plan_refuses: searchRefused('plan', 'the plan has none'),
} as const;

interface Asking {
  /** The answer that is to go on. */
  readonly continued: string | null;
  readonly searches: boolean;
  readonly signal: AbortSignal;
}

function ask(
  turn: RunnableTurn,
  ownKey: OwnKey | null,
  reply: TurnReply,
  parts: CompletionParts,
  { continued, searches, signal }: Asking,
): Promise<CompletionOutcome> {
  const { settings } = turn;
  return parts.chain.complete(
    {
      messages: buildPrompt(turn.window, turn.guild !== null, continued, searches),
      maxTokens: Math.min(turn.maxCompletionTokens, settings.maxTokens ?? Infinity),
      temperature: settings.temperature ?? parts.temperature,
      preferredModel: settings.model,
      isStrict: isStrict(settings),
      allowedModels: settings.allowedModels ?? null,
      search: searches,
      tier: tierOf(turn),
      budget: turn.budget ?? null,
      freeModelsOnly: !isGranted('advanced_models', { plan: settings.plan, payer: turn.payer }),
      keepsPrompt: isGranted('prompt_caching', { plan: settings.plan, payer: turn.payer }),
      ownKey,
      free: freeAsker(turn, parts),
      endUser: parts.pseudonym(turn.author.internalId),
      sessionId: turn.conversationId,
    },
    listenerOf(turn, reply, parts),
    signal,
  );
}

function tierOf({ settings, budget = null, window }: RunnableTurn): Tier {
  return chooseTier({
    budget,
    plan: rankOf(settings.plan),
    complexity: complexityOf(window.at(-1)?.text ?? ''),
    // Who has named a model wants that one, as long as there is money for it.
    optimises: settings.model === null ? (settings.optimises ?? null) : false,
  });
}

const budgetOf = ({ subject, window, limit, used, resetsAtMs }: QuotaRefusal): BudgetStanding => ({
  subject,
  window,
  limitNanoUsd: limit,
  usedNanoUsd: used,
  resetsAtMs,
});

/** Guilds share what is free, and in a guild its people. */
function freeAsker(
  { author, guild, freePlace, settings, leasedAtMs }: RunnableTurn,
  { monotonicNow }: CompletionParts,
): FreeAsker {
  return {
    subject: guild?.internalId ?? author.internalId,
    user: author.internalId,
    isFirst: settings.isFirstInQueue ?? false,
    isBackground: false,
    place: freePlace === undefined ? null : { given: freePlace, ageMs: monotonicNow() - leasedAtMs },
  };
}

function listenerOf(
  turn: RunnableTurn,
  reply: TurnReply,
  { store, log }: CompletionParts,
): CompletionListener {
  return {
    onText: (delta) => reply.append(delta),
    onGeneration(attempt) {
      // Without it the bill of a lost attempt is an estimate, so the answer does not wait for it.
      store.attemptStarted(turn, attempt).catch((error: unknown) => {
        log.warn({ turn: turn.id, err: error }, 'could not note a generation id');
      });
    },
    async holdCost(attempt, nanoUsd) {
      const hold = await store.holdCost(turn, attempt, nanoUsd);
      return hold.kind === 'held' ? { granted: true } : { granted: false, budget: budgetOf(hold.refusal) };
    },
  };
}
