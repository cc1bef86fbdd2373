import type { CompletionOutcome } from '../completion/completion.ts';
import type { Notice } from '../i18n/translate.ts';
import type { UserLimiter } from '../limits/user-limiter.ts';
import type { TurnId, UserId } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import { completeTurn, type CompletionParts } from './complete-turn.ts';
import type { EchoGuard } from './echo-guard.ts';
import { createHeldTurns, type HeldTurn, type HeldTurns } from './held-turns.ts';
import { noteFailure } from './note-failure.ts';
import { conclude, refusalNotice, withPrevious, type Conclusion } from './outcome.ts';
import type { BudgetAlert, ClaimedWork, LeaseNews, SettleResult, TurnClaim } from './ports.ts';
import { remarksOf } from './remarks.ts';
import { recallKeyOf } from './own-key.ts';
import type { ReplyDesk } from './reply-desk.ts';
import { settleTurn, type SettlementParts } from './settle-turn.ts';
import type { TurnReply } from './turn-reply.ts';
import type { DeliverableTurn, RunnableTurn, StoredNotice } from './turn.ts';

export interface RunnerParts extends CompletionParts, SettlementParts {
  readonly limiter: UserLimiter;
  readonly desk: ReplyDesk;
  readonly echoes: EchoGuard;
  readonly now: () => number;
  readonly newErrorId: () => string;
}

/** Takes admitted turns to their end: model, settlement, delivery. Never throws. */
export interface Runner {
  /** Runs a turn in the place that was reserved for it; `restMs` later, if told. */
  start(turn: RunnableTurn, inPlace: InPlace, restMs?: number): void;
  /** Runs a turn as soon as its person has a free slot. */
  startLater(turn: RunnableTurn): void;
  /** Shows what a finished turn has to say. */
  deliver(turn: Undelivered): void;
  /** Continues what another process, or an earlier life of this one, left. */
  resume(work: ClaimedWork): void;
  /** Aborts a turn that runs here, or is about to; its text so far stays. */
  cancel(turn: TurnId): void;
  /** Acts on what others decided about claims of this process, as asked for at a moment of the monotonic clock. */
  heed(news: LeaseNews, asked: readonly TurnClaim[], askedAtMs: number): void;
  /** Turns whose lease this process has to keep alive. */
  held(): readonly TurnClaim[];
  /** A person's turns that run here and of which nobody has seen anything yet. */
  unshown(user: UserId): readonly TurnId[];
  /** Resolves when nothing runs and everything is delivered. */
  idle(): Promise<void>;
  /**
   * Stops all work where it stands, for another process, or the next life of this one, to take up: at once, or, where
   * something is still on its way, when its lease has run out.
   */
  release(): Promise<void>;
}

type InPlace = (task: () => Promise<void>, isFirstInQueue: boolean) => Promise<void>;

export type Undelivered = Omit<DeliverableTurn, 'notice' | 'refusal'> & {
  readonly notice: Notice | StoredNotice | null;
};

/** Why a turn is aborted that nobody wants to end: it goes on elsewhere. */
const RELEASED = 'released';
const LONGEST_PARTING_MS = 3000;

export function createRunner(parts: RunnerParts): Runner {
  const { limiter, log, desk, store, instance } = parts;
  const turns = createHeldTurns(parts);
  let isReleased = false;

  function start(turn: RunnableTurn, inPlace: InPlace, restMs = 0): void {
    if (isReleased) return letGo(turn, parts);
    const held = turns.hold(turn, turn.author.id);
    try {
      begin(turn, held, inPlace, restMs);
    } catch (error) {
      // Held without work it would be kept from everybody for ever.
      held.begin(null, Promise.reject(error as Error));
    }
  }

  function begin(turn: RunnableTurn, held: HeldTurn, inPlace: InPlace, restMs: number): void {
    const { abort, mayWrite } = held;
    const subject = turn.window.at(-1)?.text ?? '';
    const reply = desk.open(turn, { subject, onUnseen: () => abort.abort(), mayWrite });
    reply.working();
    const rested = async (): Promise<void> => {
      if (restMs > 0) await parts.sleep(restMs);
      await run(turn, reply, parts, abort.signal, startLater);
    };
    held.begin(reply, inPlace(rested, turn.settings.isFirstInQueue === true));
  }

  function startLater(turn: RunnableTurn): void {
    start(turn, (task, isFirst) => limiter.run(turn.author.id, task, isFirst));
  }

  function deliver(turn: Undelivered): void {
    if (isReleased) return letGo(turn, parts);
    const held = turns.hold(turn, null);
    try {
      beginDelivery(turn, held, desk);
    } catch (error) {
      held.begin(null, Promise.reject(error as Error));
    }
  }

  return {
    start,
    startLater,
    deliver,
    cancel: (turn) => turns.cancel(turn),
    resume(work) {
      const isNew = (claim: TurnClaim): boolean => !turns.has(claim);
      for (const turn of work.deliver.filter(isNew)) deliver(withNotice(turn, parts.now()));
      for (const turn of work.run.filter(isNew)) startLater(turn);
    },
    heed: (news, asked, askedAtMs) => heedNews(turns, news, asked, askedAtMs),
    held: () => turns.claims(),
    unshown: (user) => turns.unshown(user),
    idle: () => turns.idle(),
    async release() {
      isReleased = true;
      const turnCount = turns.claims().length;
      if (turnCount === 0) return;
      const quiet: TurnClaim[] = [];
      const abandoned = turns.abandon(RELEASED, (claim) => quiet.push(claim));
      // What waits for a store that is away must not keep the process from its end.
      await Promise.race([abandoned, parts.sleep(LONGEST_PARTING_MS)]);
      // Whoever took up one whose part may yet appear, or is not noted, would create that part once more.
      if (quiet.length > 0) await store.releaseLeases(instance, quiet);
      log.info({ turns: turnCount, released: quiet.length }, 'left unfinished turns to whoever comes next');
    },
  };
}

/** A turn that was begun while this process ends. */
function letGo({ id, epoch }: TurnClaim, { store, instance, log }: RunnerParts): void {
  store.releaseLeases(instance, [{ id, epoch }]).catch((error: unknown) => {
    log.warn({ turn: id, err: error }, 'a turn stays claimed until its lease runs out');
  });
}

function beginDelivery(turn: Undelivered, held: HeldTurn, desk: ReplyDesk): void {
  if (turn.answer === null && turn.notice === null && !turn.isRetracted) {
    held.begin(null, desk.close(turn));
    return;
  }
  const final = desk.compose(turn, turn);
  const reply = desk.open(turn, {
    subject: final.text,
    onUnseen: () => undefined,
    mayWrite: held.mayWrite,
  });
  held.begin(reply, turn.isRetracted ? reply.retract() : reply.finish(final));
}

function heedNews(
  turns: HeldTurns,
  { renewed, lost, cancelled, stopped }: LeaseNews,
  asked: readonly TurnClaim[],
  askedAtMs: number,
): void {
  // A turn that was claimed anew meanwhile is not the one that was asked about.
  const still = new Set(asked.filter((claim) => turns.has(claim)).map(({ id }) => id));
  const heldOf = (ids: readonly TurnId[]) =>
    ids.filter((id) => still.has(id)).flatMap((id) => turns.get(id) ?? []);
  for (const held of heldOf(renewed)) held.renew(askedAtMs);
  for (const held of heldOf(lost)) void held.reply?.abandon();
  for (const held of heldOf([...lost, ...cancelled, ...stopped])) held.abort.abort();
}

/** One turn, from the model to the last part of its reply. */
async function run(
  turn: RunnableTurn,
  reply: TurnReply,
  parts: RunnerParts,
  signal: AbortSignal,
  startNext: (turn: RunnableTurn) => void,
): Promise<void> {
  const errorId = parts.newErrorId();
  const [outcome, recalled] = await Promise.all([
    completeTurn(turn, reply, errorId, parts, signal),
    Promise.all(turn.lost.map((attempt) => parts.chain.recall(attempt, recallKeyOf(turn, parts), signal))),
  ]);
  if (signal.reason === RELEASED) return;
  const ended = outcome === null ? unexpected(errorId) : conclude(outcome, errorId, parts.now(), turn);
  const exhausted = outcome?.exhausted ?? null;
  const conclusion = { ...withPrevious(ended, turn), remarks: remarksOf(outcome), exhausted };
  const attempts = [...recalled, ...(outcome?.attempts ?? [])];

  const settled = await settle(turn, conclusion, attempts, parts);
  logEnd(turn, conclusion, attempts, parts);
  await show(turn, reply, settled, parts, startNext);
}

type Settled = { readonly result: SettleResult; readonly conclusion: Conclusion };

async function show(
  turn: RunnableTurn,
  reply: TurnReply,
  { result, conclusion }: Settled,
  { desk, echoes, log }: RunnerParts,
  startNext: (turn: RunnableTurn) => void,
): Promise<void> {
  // Another process has claimed the turn: its result counts, not ours.
  if (result.kind === 'lease_lost') return await reply.abandon();
  if (result.kind === 'settled') tellOperator(result.alerts ?? [], log);
  if (result.kind === 'settled' && result.next !== null) startNext(result.next);
  if (result.fate === 'retracted') return await reply.retract();
  if (result.fate !== null) return await reply.handOver();
  const final = desk.compose(turn, {
    ...conclusion,
    answer: conclusion.shown,
    remarks: result.remarks ?? [],
    versions: result.kind === 'settled' ? result.versions : { index: 1, count: 1 },
  });
  echoes.answered(turn.place, final.text);
  await reply.finish(final);
}

/** A budget of the operator's is nothing for those who are answered. */
function tellOperator(alerts: readonly BudgetAlert[], log: Logger): void {
  for (const alert of alerts)
    log.error({ alert: { kind: 'budget', ...alert } }, 'an operator should look at this');
}

/** What was settled: the turn as it went or, when that can't be stored, as our failure. */
async function settle(
  turn: RunnableTurn,
  conclusion: Conclusion,
  attempts: CompletionOutcome['attempts'],
  parts: RunnerParts,
): Promise<Settled> {
  try {
    return { result: await settleTurn(turn, conclusion, attempts, parts), conclusion };
  } catch (error) {
    const errorId = parts.newErrorId();
    const place = { errorId, area: 'settle', originKey: turn.originKey, logged: { turn: turn.id } };
    await noteFailure(parts, place, error, 'a turn could not be settled');
    const failed = withPrevious(unexpected(errorId), turn);
    const result = await settleTurn(turn, failed, [], parts);
    // The first try was carried out although it failed.
    return { result, conclusion: result.kind === 'already_settled' ? conclusion : failed };
  }
}

/** A refusal is put into words when it is told: the wait that it names is shorter by then. */
function withNotice(turn: DeliverableTurn, nowMs: number): Undelivered {
  return turn.refusal === null ? turn : { ...turn, notice: refusalNotice(turn.refusal, nowMs) };
}

function unexpected(errorId: string) {
  const notice = { key: 'failure.unexpected', params: { errorId } } as const;
  return { state: 'failed', answer: null, notice } as const;
}

function logEnd(
  turn: RunnableTurn,
  conclusion: Conclusion,
  attempts: CompletionOutcome['attempts'],
  { log, now }: RunnerParts,
): void {
  log.info(
    {
      turn: turn.id,
      platform: turn.platform,
      state: conclusion.state,
      model: conclusion.answer?.model ?? null,
      attempts: attempts.length,
      promptTokens: attempts.reduce((sum, { usage }) => sum + (usage?.promptTokens ?? 0), 0),
      completionTokens: attempts.reduce((sum, { usage }) => sum + (usage?.completionTokens ?? 0), 0),
      durationMs: now() - turn.admittedAtMs,
    },
    'turn ended',
  );
}
