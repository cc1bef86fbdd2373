import type { CompletionOutcome } from '../completion/completion.ts';
import type { Notice } from '../i18n/translate.ts';
import type { UserLimiter } from '../limits/user-limiter.ts';
import type { TurnId } from '../platform/ids.ts';
import { completeTurn, type CompletionParts } from './complete-turn.ts';
import type { EchoGuard } from './echo-guard.ts';
import { noteFailure } from './note-failure.ts';
import { conclude, refusalNotice, type Conclusion } from './outcome.ts';
import type { ClaimedWork, LeaseNews, SettleResult, TurnClaim } from './ports.ts';
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
  held(): readonly TurnClaim[];
  /** Resolves when nothing runs and everything is delivered. */
  idle(): Promise<void>;
}

type InPlace = (task: () => Promise<void>) => Promise<void>;

export type Undelivered = Omit<DeliverableTurn, 'conversationId' | 'notice' | 'refusal'> & {
  readonly conversationId: string | null;
  readonly notice: Notice | StoredNotice | null;
};

/** A turn that this process works on. */
interface Held {
  readonly claim: TurnClaim;
  readonly abort: AbortController;
  readonly reply: TurnReply | null;
  readonly work: Promise<void>;
}

/** When the store stays away for this long, the finished text is shown before it is settled. */
const SHOW_UNSETTLED_AFTER_MS = 5000;

export function createRunner(parts: RunnerParts): Runner {
  const { limiter, log, desk } = parts;
  const held = new Map<TurnId, Held>();

  function hold(
    claim: TurnClaim,
    reply: TurnReply | null,
    work: Promise<void>,
    abort: AbortController,
  ): void {
    const { id, epoch } = claim;
    const tracked = work
      .catch((error: unknown) => log.error({ turn: id, err: error }, 'a turn ended in an unexpected failure'))
      .finally(() => {
        reply?.abandon(); // whatever happened, the conversation's next reply may begin
        held.delete(id);
      });
    held.set(id, { claim: { id, epoch }, abort, reply, work: tracked });
  }

  function start(turn: RunnableTurn, inPlace: InPlace): void {
    const abort = new AbortController();
    const reply = desk.open(turn, turn.window.at(-1)?.text ?? '', () => abort.abort());
    reply.working();
    const work = inPlace(() => run(turn, reply, parts, abort.signal, startLater));
    hold(turn, reply, work, abort);
  }

  function startLater(turn: RunnableTurn): void {
    start(turn, (task) => limiter.run(turn.author.id, task));
  }

  /** One that can not even be opened must not keep the others waiting. */
  function takeUp({ id }: TurnClaim, begin: () => void): void {
    if (held.has(id)) return;
    try {
      begin();
    } catch (error) {
      log.error({ turn: id, err: error }, 'a turn can not be taken up');
    }
  }

  function deliver(turn: Undelivered): void {
    const abort = new AbortController();
    if (turn.answer === null && turn.notice === null) return hold(turn, null, desk.close(turn), abort);
    const text = desk.compose(turn, turn.answer, turn.notice);
    const reply = desk.open(turn, text, () => undefined);
    hold(turn, reply, reply.finish(text, Promise.resolve()), abort);
  }

  return {
    start,
    deliver,
    cancel: (turn) => held.get(turn)?.abort.abort(),
    resume(work) {
      for (const turn of work.deliver) takeUp(turn, () => deliver(withNotice(turn, parts.now())));
      for (const turn of work.run) takeUp(turn, () => startLater(turn));
    },
    heed({ lost, cancelled, stopped }) {
      for (const turn of lost) held.get(turn)?.reply?.abandon();
      for (const turn of [...lost, ...cancelled, ...stopped]) held.get(turn)?.abort.abort();
    },
    held: () => [...held.values()].map(({ claim }) => claim),
    async idle() {
      while (held.size > 0) await Promise.all([...held.values()].map(({ work }) => work));
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

  const settling = settle(turn, conclusion, outcome, parts).then((settled) => {
    if (settled.result.kind === 'settled' && settled.result.next !== null) startNext(settled.result.next);
    return settled;
  });
  const early = await Promise.race([settling, parts.sleep(SHOW_UNSETTLED_AFTER_MS)]);
  // Another process has claimed the turn: its result counts, not ours.
  if (early?.result.kind === 'lease_lost') return reply.abandon();

  const { answer, notice } = early?.conclusion ?? conclusion;
  const text = parts.desk.compose(turn, answer?.text ?? null, notice);
  parts.echoes.answered(turn.place, text);
  await reply.finish(text, settling);
  logEnd(turn, conclusion, outcome, parts);
}

/** What was settled: the turn as it went or, when that can't be stored, as our failure. */
async function settle(
  turn: RunnableTurn,
  conclusion: Conclusion,
  outcome: CompletionOutcome | null,
  parts: RunnerParts,
): Promise<{ result: SettleResult; conclusion: Conclusion }> {
  try {
    return { result: await settleTurn(turn, conclusion, outcome, parts), conclusion };
  } catch (error) {
    const errorId = parts.newErrorId();
    const place = { errorId, area: 'settle', originKey: turn.originKey, logged: { turn: turn.id } };
    await noteFailure(parts, place, error, 'a turn could not be settled');
    const failed = unexpected(errorId);
    return { result: await settleTurn(turn, failed, null, parts), conclusion: failed };
  }
}

/** A refusal is put into words when it is told: the wait that it names is shorter by then. */
function withNotice(turn: DeliverableTurn, nowMs: number): Undelivered {
  return turn.refusal === null ? turn : { ...turn, notice: refusalNotice(turn.refusal, nowMs) };
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
