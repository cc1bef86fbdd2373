import type { CompletionOutcome } from '../completion/completion.ts';
import type { CompletionFailure } from '../completion/failure.ts';
import { isNamed } from '../completion/model-shelf.ts';
import type { OwnKey } from '../completion/ports.ts';
import type { KeyStore, KeySubject, SealedKey } from '../keys/ports.ts';
import type { Logger } from '../platform/logger.ts';
import type { RunnableTurn } from './turn.ts';

export interface OwnKeyParts {
  readonly keys: Pick<KeyStore, 'mark' | 'ofTurn'>;
  /** A stored key in plain; null where the encryption keys of this process do not open it. */
  readonly openKey: (key: SealedKey, subject: Pick<KeySubject, 'id'>) => string | null;
  readonly log: Logger;
}

type OwnKeyFailure = Extract<CompletionFailure, { kind: 'own_key' }>;

/** The turn with the key that its payer has by now: since it was claimed, it may have been replaced or taken back. */
export async function withKeyOfNow(turn: RunnableTurn, { keys, log }: OwnKeyParts): Promise<RunnableTurn> {
  if (turn.payer === 'operator') return turn;
  try {
    return { ...turn, ownKey: await keys.ofTurn(turn.id) };
  } catch (error) {
    log.warn({ turn: turn.id, err: error }, 'whose key it is now could not be read');
    return turn;
  }
}

/** With what a turn pays: null is the operator's key. A failure where its payer's can't be used; nobody pays in their place. */
export function ownKeyOf(turn: RunnableTurn, parts: OwnKeyParts): OwnKey | OwnKeyFailure | null {
  const { payer, ownKey, settings } = turn;
  if (payer === 'operator') return null;
  const subject = payer === 'guild' ? turn.guild : turn.author;
  if (ownKey === null || subject === null) return failureOf(payer, 'removed');
  if (ownKey.state === 'invalid') return failureOf(payer, 'refused');
  const open = (): string | null => parts.openKey(ownKey, subject);
  if (open() === null) {
    note(turn, 'unreadable', parts);
    return failureOf(payer, 'unreadable');
  }
  const { model, isOwnModel = false, allowedModels = null } = settings;
  return {
    id: `${ownKey.id}:${ownKey.revision}`,
    account: ownKey.id,
    open,
    mayCost: (id) =>
      (id === model && isOwnModel === (payer === 'user')) ||
      (payer === 'guild' && isNamed(id, allowedModels)),
  };
}

/** With what to ask what a lost attempt took: with nothing, rather than with the operator's key in place of another one. */
export function recallKeyOf(turn: RunnableTurn, parts: OwnKeyParts): OwnKey | null {
  const key = ownKeyOf(turn, parts);
  return key !== null && 'kind' in key ? NO_KEY : key;
}

const NO_KEY: OwnKey = { id: 'none', account: 'none', open: () => null, mayCost: () => false };

/** What an outcome means where the turn was paid with a key of the person or the guild: their refusals are told to them. */
export function ofOwnKey(
  outcome: CompletionOutcome,
  turn: RunnableTurn,
  parts: OwnKeyParts,
): CompletionOutcome {
  const { payer } = turn;
  if (payer === 'operator' || (outcome.kind !== 'failed' && outcome.kind !== 'partial')) return outcome;
  // A block from before tells nothing about the key as it is now.
  if (outcome.attempts.some(({ failure }) => failure === 'unauthorized')) note(turn, 'refused', parts);
  const { failure } = outcome;
  // Shared among those whom the key pays for; the account itself has not refused.
  if (failure.kind === 'free_day_spent' && failure.isShare === true) return outcome;
  const why = whyOf(failure);
  if (why === undefined || outcome.kind === 'partial') return outcome;
  const reset = failure.kind === 'free_day_spent' ? { resetsAtMs: failure.resetsAtMs } : {};
  return { ...outcome, failure: { ...failureOf(payer, why), ...reset, httpStatus: failure.httpStatus } };
}

function whyOf(failure: CompletionFailure): OwnKeyFailure['why'] | undefined {
  if (failure.kind === 'no_endpoint') return failure.byPrivacySettings === true ? 'privacy' : undefined;
  return WHY[failure.kind];
}

const WHY: { readonly [Kind in CompletionFailure['kind']]?: OwnKeyFailure['why'] } = {
  unauthorized: 'refused',
  no_credits: 'spent',
  key_limit: 'spent',
  cannot_afford: 'spent',
  free_day_spent: 'free_spent',
};

function failureOf(payer: OwnKeyFailure['payer'], why: OwnKeyFailure['why']): OwnKeyFailure {
  return { kind: 'own_key', httpStatus: null, detail: `the key of the ${payer}: ${why}`, payer, why };
}

/** The answer does not wait for this. */
function note(
  { id, ownKey, author }: RunnableTurn,
  as: 'refused' | 'unreadable',
  { keys, log }: OwnKeyParts,
): void {
  if (ownKey === null) return;
  keys.mark(ownKey, as, author.id).catch((error: unknown) => {
    log.warn({ turn: id, err: error }, 'what became of a key could not be noted');
  });
}
