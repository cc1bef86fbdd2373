import type { QuotaLimits } from '../limits/quota.ts';
import type { Full } from '../limits/user-limiter.ts';
import type { TurnId } from '../platform/ids.ts';
import type { Envelope, IncomingMessage } from '../platform/message.ts';
import { decideAccess, type AccessPolicy } from './access.ts';
import type { AdmitRequest, EditRequest, FreePoolChoice, RepeatRequest, WindowLimits } from './ports.ts';
import { estimateTokens } from './tokens.ts';
import type { Refusal, TurnCause } from './turn.ts';

/** What is the same for all admissions. */
export interface AdmissionOptions {
  readonly access: AccessPolicy;
  readonly maxCompletionTokens: number;
  readonly freePool: FreePoolChoice | null;
  readonly window: WindowLimits;
  readonly defaults: {
    readonly user: QuotaLimits;
    readonly guild: QuotaLimits;
    readonly instance: QuotaLimits;
  };
  /** What one person says within so many milliseconds of their last message is answered together with it. */
  readonly burstMs: number;
  /** What was said longer ago, while nobody listened, is not answered any more. */
  readonly backlogMaxAgeMs: number;
  readonly instance: string;
  readonly leaseMs: number;
}

/** Longer than any platform's message, and cheap enough to store and to count. */
const LONGEST_MESSAGE_CHARACTERS = 32_768;

/** What is asked of the store about a message. A refused text is not kept: it may be of any size, and nobody will answer it. */
export function admitRequest(
  options: AdmissionOptions,
  turnId: TurnId,
  message: IncomingMessage,
  cause: TurnCause,
  rest: { readonly refusal: Refusal | null; readonly unshown: readonly TurnId[] },
): AdmitRequest {
  const { text, isTextWithheld: _, isMaybeCut: __, repliesTo, addressing, search, ...envelope } = message;
  return {
    ...common(options, turnId, envelope, rest.refusal),
    ...(search === true && { search }),
    cause,
    isPrivate: addressing.isPrivate,
    repliesTo,
    text: rest.refusal === null ? text : '',
    estTokens: rest.refusal === null ? estimateTokens(text) : 0,
    burstMs: options.burstMs,
    freePool: options.freePool,
    unshown: rest.unshown,
  };
}

export function editRequest(
  options: AdmissionOptions,
  turnId: TurnId,
  message: IncomingMessage,
  refusal: Refusal | null,
): EditRequest {
  const { text, isTextWithheld: _, isMaybeCut: __, repliesTo: ___, addressing: ____, ...envelope } = message;
  return {
    ...common(options, turnId, envelope, refusal),
    cause: 'edit',
    text,
    estTokens: estimateTokens(text),
  };
}

export function repeatRequest(
  options: AdmissionOptions,
  turnId: TurnId,
  envelope: Envelope,
  rest: Pick<RepeatRequest, 'cause' | 'target' | 'by' | 'refusal'>,
): RepeatRequest {
  return { ...common(options, turnId, envelope, rest.refusal), ...rest };
}

function common(options: AdmissionOptions, turnId: TurnId, envelope: Envelope, refusal: Refusal | null) {
  const { window, maxCompletionTokens, defaults, instance, leaseMs } = options;
  return {
    turnId,
    envelope,
    access: decideAccess(options.access, envelope),
    refusal,
    window,
    hold: {
      systemTokens: window.systemTokens,
      maxCompletionTokens,
      searchTokens: window.searchTokens ?? 0,
    },
    defaults,
    instance,
    leaseMs,
  };
}

/** Why a message is refused by what it is; null where nothing stands against it. */
export function checkText({ text, isTextWithheld }: IncomingMessage): Refusal | null {
  if (isTextWithheld) return { reason: 'text_withheld' };
  if (text.trim() === '') return { reason: 'empty_message' };
  return text.length > LONGEST_MESSAGE_CHARACTERS
    ? { reason: 'message_too_long', maxCharacters: LONGEST_MESSAGE_CHARACTERS }
    : null;
}

export const tooFast = ({ retryAfterMs }: Full): Refusal => ({ reason: 'rate_limited', retryAfterMs });
