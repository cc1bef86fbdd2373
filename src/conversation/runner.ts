import type { CompletionOutcome } from '../completion/completion.ts';
import type { Notice } from '../i18n/translate.ts';
import type { UserLimiter } from '../limits/user-limiter.ts';
import type { TurnId } from '../platform/ids.ts';
import { completeTurn, type CompletionParts } from './complete-turn.ts';
import type { EchoGuard } from './echo-guard.ts';
import { conclude, refusalNotice, type Conclusion } from './outcome.ts';
import type { ClaimedWork, LeaseNews } from './ports.ts';
import type { ReplyDesk, TurnReply } from './reply-desk.ts';
import { settleTurn, type SettlementParts } from './settle-turn.ts';
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
  /** Runs a turn in the place that was reserved for it. */
  start(turn: RunnableTurn, inPlace: InPlace): void;
  /** Shows what a finished turn has to say. */
  deliver(turn: Undelivered): void;
  /** Continues what another process, or an earlier life of this one, left. */
  resume(work: ClaimedWork): void;
  /** Aborts a turn that runs here; its text so far stays. */
  cancel(turn: TurnId): void;
  /** Acts on what others decided about the turns that are held here. */
  heed(news: LeaseNews): void;
  /** Turns whose lease this process has to keep alive. */
  held(): readonly TurnId[];
  /** Resolves when nothing runs and everything is delivered. */
  idle(): Promise<void>;
}

type InPlace = (task: () => Promise<void>) => Promise<void>;

export type Undelivered = Omit<DeliverableTurn, 'conversationId' | 'notice' | 'refusal'> & {
  readonly conversationId: string | null;
  readonly notice: Notice | StoredNotice | null;
};

/** When the store stays away for this long, the finished text is shown before it is settled. */
const SHOW_UNSETTLED_AFTER_MS = 5000;

export function createRunner(parts: RunnerParts): Runner {
  const { limiter, log } = parts;
  const aborts = new Map<TurnId, AbortController>();
  const active = new Map<TurnId, Promise<void>>();

  function track(turn: TurnId, work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => log.error({ turn, err: error }, 'a turn ended in an unexpected failure'))
      .finally(() => {
        active.delete(turn);
        aborts.delete(turn);
      });
    active.set(turn, tracked);
  }

  function start(turn: RunnableTurn, inPlace: InPlace): void {
    const abort = new AbortController();
    aborts.set(turn.id, abort);
    const reply = parts.desk.open(turn);
    reply.working();
    track(
      turn.id,
      inPlace(() => run(turn, reply, parts, abort.signal, startLater)),
    );
  }

  function startLater(turn: RunnableTurn): void {
    start(turn, (task) => limiter.run(turn.author.id, task));
  }

  const deliver = (turn: Undelivered): void => track(turn.id, show(turn, parts));
  const cancel = (turn: TurnId): void => aborts.get(turn)?.abort();

  return {
    start,
    deliver,
    cancel,
    resume(work) {
      for (const turn of work.run) if (!active.has(turn.id)) startLater(turn);
      for (const turn of work.deliver) if (!active.has(turn.id)) deliver(withNotice(turn, parts.now()));
    },
    heed: (news) => [...news.lost, ...news.cancelled, ...news.stopped].forEach(cancel),
    held: () => [...active.keys()],
    async idle() {
      while (active.size > 0) await Promise.all(active.values());
    },
  };
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
  const outcome = await completeTurn(turn, reply, errorId, parts, signal);
  const conclusion = outcome === null ? unexpected(errorId) : conclude(outcome, errorId, parts.now());

  const settling = settleTurn(turn, conclusion, outcome, parts).then((result) => {
    if (result.kind === 'settled' && result.next !== null) startNext(result.next);
    return result;
  });
  const early = await Promise.race([settling, parts.sleep(SHOW_UNSETTLED_AFTER_MS)]);
  // Another process has claimed the turn: its result counts, not ours.
  if (early?.kind === 'lease_lost') return reply.abandon();

  const text = parts.desk.compose(turn, conclusion.answer?.text ?? null, conclusion.notice);
  parts.echoes.answered(turn.place, text);
  const delivery = await reply.finish(text);
  await settling;
  await parts.desk.record(turn.id, turn.epoch, delivery);
  logEnd(turn, conclusion, outcome, parts);
}

/** A refusal is put into words when it is told: the wait that it names is shorter by then. */
function withNotice(turn: DeliverableTurn, nowMs: number): Undelivered {
  return turn.refusal === null ? turn : { ...turn, notice: refusalNotice(turn.refusal, nowMs) };
}

async function show(turn: Undelivered, { desk }: RunnerParts): Promise<void> {
  if (turn.answer === null && turn.notice === null) {
    await desk.record(turn.id, turn.epoch, { kind: 'delivered' });
    return;
  }
  const delivery = await desk.open(turn).finish(desk.compose(turn, turn.answer, turn.notice));
  await desk.record(turn.id, turn.epoch, delivery);
}

function unexpected(errorId: string): Conclusion {
  return { state: 'failed', answer: null, notice: { key: 'failure.unexpected', params: { errorId } } };
}

function logEnd(
  turn: RunnableTurn,
  conclusion: Conclusion,
  outcome: CompletionOutcome | null,
  { log, now }: RunnerParts,
): void {
  const attempts = outcome?.attempts ?? [];
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
