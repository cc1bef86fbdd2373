import type { QuotaLimits } from '../limits/quota.ts';
import type { Full, Place, UserLimiter } from '../limits/user-limiter.ts';
import type { TurnId, UserId } from '../platform/ids.ts';
import type { Envelope, IncomingMessage } from '../platform/message.ts';
import { decideAccess, isOperator, type AccessPolicy } from './access.ts';
import type { EchoGuard } from './echo-guard.ts';
import { createNoticeGate } from './notice-gate.ts';
import { refusalNotice } from './outcome.ts';
import type { AdmitRequest, AdmitVerdict, CancelVerdict, TurnStore } from './ports.ts';
import { SYSTEM_PROMPT } from './prompt.ts';
import type { Runner } from './runner.ts';
import { estimateTokens, tokenCeiling } from './tokens.ts';
import { decideTrigger } from './trigger.ts';
import type { Refusal, TurnCause } from './turn.ts';

export interface EngineOptions {
  readonly access: AccessPolicy;
  readonly userPerMinute: number;
  readonly maxCompletionTokens: number;
  readonly window: { readonly maxTokens: number; readonly maxMessages: number };
  readonly defaults: {
    readonly user: QuotaLimits;
    readonly guild: QuotaLimits;
    readonly instance: QuotaLimits;
  };
  readonly instance: string;
  readonly leaseMs: number;
}

export interface EngineParts {
  readonly store: TurnStore;
  readonly limiter: UserLimiter;
  readonly runner: Runner;
  readonly echoes: EchoGuard;
  readonly now: () => number;
  readonly newTurnId: () => TurnId;
}

/** Decides about each message, and hands what may run to the runner. */
export interface Engine {
  /**
   * Resolves when the message is durably admitted, refused or known, or is none of ours.
   * Rejects with `StoreUnavailable` when nothing is stored; the platform has to deliver it again.
   */
  receive(message: IncomingMessage, cause: TurnCause): Promise<Receipt>;
  /** Stops the person's own running and queued turns in a place; an admin stops everybody's. Returns how many. */
  stopPlace(envelope: Envelope): Promise<number>;
  /** The same for one turn, wherever it runs. */
  stopTurn(turn: TurnId, envelope: Envelope): Promise<CancelVerdict>;
}

/** `refused` tells the person why; `silenced` does not: they have just read it, or are blocked. */
export type Receipt = 'ignored' | 'running' | 'queued' | 'refused' | 'silenced' | 'duplicate';

/** Longer than any platform's message, and cheap enough to store and to count. */
const LONGEST_MESSAGE_CHARACTERS = 32_768;

export function createEngine(options: EngineOptions, parts: EngineParts): Engine {
  const { store, limiter, runner, echoes, now } = parts;
  const gate = createNoticeGate(now);

  async function receive(message: IncomingMessage, cause: TurnCause): Promise<Receipt> {
    if (!decideTrigger(message, echoes).addressed) return 'ignored';
    if (gate.isClosed(message)) return 'silenced';
    const place = limiter.reserve(message.author.id, ratePerMinute(message.author.id));
    const refusal = place.full ? tooFast(place) : checkText(message);
    let verdict: AdmitVerdict;
    try {
      verdict = await store.admit(admission(options, parts.newTurnId(), message, cause, refusal));
    } catch (error) {
      if (!place.full) place.giveBack();
      throw error;
    }
    if (!place.full) occupy(place, verdict);
    if (verdict.kind === 'run') return 'running';
    if (verdict.kind !== 'refused') return verdict.kind;
    return tellRefused(message, verdict) ? 'refused' : 'silenced';
  }

  function ratePerMinute(user: UserId): number {
    return isOperator(options.access, user) ? Number.MAX_SAFE_INTEGER : options.userPerMinute;
  }

  /** A queued turn leaves its place: it gets another slot when its conversation is free. */
  function occupy(place: Place, verdict: AdmitVerdict): void {
    if (verdict.kind === 'run') runner.start(verdict.turn, (task) => place.run(task));
    else if (verdict.kind === 'duplicate') place.giveBack();
    else place.release();
  }

  /** False when there is nothing to tell: a blocked person gets no answer at all. */
  function tellRefused(message: IncomingMessage, verdict: Refused): boolean {
    const notice = refusalNotice(verdict.refusal, now());
    gate.refuse(message, verdict.refusal);
    runner.deliver({
      id: verdict.turnId,
      epoch: verdict.epoch,
      platform: message.platform,
      conversationId: null,
      replyTarget: message.replyTarget,
      settings: verdict.settings,
      reportedLocale: verdict.reportedLocale,
      state: 'refused',
      answer: null,
      notice,
      parts: [],
    });
    return notice !== null;
  }

  async function stopTurn(turn: TurnId, { author, guild }: Envelope): Promise<CancelVerdict> {
    const verdict = await store.requestCancel(turn, {
      user: author.id,
      adminOf: author.isGuildAdmin ? (guild?.id ?? null) : null,
      isOperator: isOperator(options.access, author.id),
    });
    if (verdict.kind === 'cancelling') runner.cancel(turn);
    return verdict;
  }

  async function stopPlace(envelope: Envelope): Promise<number> {
    const turns = await store.activeTurns(envelope.place);
    const verdicts = await Promise.all(turns.map((turn) => stopTurn(turn, envelope)));
    return verdicts.filter((verdict) => verdict.kind === 'cancelling').length;
  }

  return { receive, stopPlace, stopTurn };
}

type Refused = Extract<AdmitVerdict, { kind: 'refused' }>;

const SYSTEM_TOKENS = tokenCeiling(SYSTEM_PROMPT);

function admission(
  options: EngineOptions,
  turnId: TurnId,
  message: IncomingMessage,
  cause: TurnCause,
  refusal: Refusal | null,
): AdmitRequest {
  const { text, isTextWithheld: _, repliesTo, addressing, ...envelope } = message;
  return {
    turnId,
    cause,
    envelope,
    isPrivate: addressing.isPrivate,
    repliesTo,
    // A refused text is not kept: it may be of any size, and nobody will answer it.
    text: refusal === null ? text : '',
    estTokens: refusal === null ? estimateTokens(text) : 0,
    access: decideAccess(options.access, message),
    refusal,
    window: options.window,
    hold: { systemTokens: SYSTEM_TOKENS, maxCompletionTokens: options.maxCompletionTokens },
    defaults: options.defaults,
    instance: options.instance,
    leaseMs: options.leaseMs,
  };
}

function tooFast({ retryAfterMs }: Full): Refusal {
  return { reason: 'rate_limited', retryAfterMs };
}

function checkText({ text, isTextWithheld }: IncomingMessage): Refusal | null {
  if (isTextWithheld) return { reason: 'text_withheld' };
  if (text.trim() === '') return { reason: 'empty_message' };
  return text.length > LONGEST_MESSAGE_CHARACTERS
    ? { reason: 'message_too_long', maxCharacters: LONGEST_MESSAGE_CHARACTERS }
    : null;
}
