import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { KeyDesk } from '../completion/ports.ts';
import type { OriginKey } from '../platform/ids.ts';
import { requestPlace } from './places.ts';
import type { Kept, KeyChange, KeyStore, KeyWay, TakenRequest } from './ports.ts';
import type { Keyring } from './seal.ts';

/** What keys are kept with. */
export interface SignInParts {
  readonly store: KeyStore;
  readonly desk: KeyDesk;
  /** Null where the operator has set no encryption key: then keys can be removed, and nothing else. */
  readonly keyring: Keyring | null;
  /** Where a sign-in comes back to, without the request's id; null where people carry the code over. */
  readonly callbackUrl: string | null;
  /** The event that the end of a sign-in is, where it is no command. */
  readonly requestKey: (requestId: string) => OriginKey;
  /** Asks the store again and again for a while. Rejects as it does. */
  readonly insist: <Value>(ask: () => Promise<Value>) => Promise<Value>;
  readonly keep: (change: KeyChange, key: string, by: KeyWay) => Promise<Kept>;
}

/** Signing in with the provider (PKCE), which then makes a key for us. All reject with `StoreUnavailable`. */
export interface SignIns {
  connect(change: KeyChange): Promise<{ readonly url: string; readonly comesBack: boolean }>;
  /** Ends the sign-in that a person began last with the code that they were shown. */
  finish(change: KeyChange, code: string): Promise<Finished>;
  /** The same where the provider sends the person back to us; the id is that of the address. */
  finishAt(requestId: string, code: string): Promise<FinishedAt>;
}

export type Finished = Kept | { readonly kind: 'none' | 'used' | 'expired' | 'code_refused' | 'unreachable' };

export interface FinishedAt {
  readonly finished: Finished;
  /** Who had begun it, where that is known. */
  readonly author: KeyChange['author'] | null;
}

/** How long somebody has to give a key. A code of the provider lives as long. */
export const REQUEST_MS = 600_000;

export function createSignIns(parts: SignInParts): SignIns {
  const { store, desk, callbackUrl, requestKey } = parts;
  return {
    async connect(change) {
      const id = randomUUID();
      const verifier = randomBytes(48).toString('base64url');
      const sealed = ringOf(parts).seal(verifier, requestPlace(id, change.author.id));
      await store.ask(change, { id, kind: 'sign_in', sealed }, REQUEST_MS);
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      const callback = callbackUrl === null ? null : `${callbackUrl}${id}`;
      return { url: desk.signInUrl(challenge, callback), comesBack: callback !== null };
    },
    async finish(change, code) {
      const known = await store.outcome(change.originKey);
      if (known?.kind === 'kept') return known;
      const taken = await store.take('sign_in', {
        user: change.author.id,
        originKey: change.originKey,
      });
      return taken.kind === 'taken' ? await finishTaken(taken, change, code, parts) : taken;
    },
    async finishAt(id, code) {
      const taken = await store.take('sign_in', { id });
      if (taken.kind !== 'taken') return { finished: taken, author: null };
      const { author } = taken;
      // Who came back uses no command: the request itself is the event.
      const change = { originKey: requestKey(id), author, guild: null };
      return { finished: await finishTaken(taken, change, code, parts), author };
    },
  };
}

async function finishTaken(
  { id, sealed, author, guild }: TakenRequest & { kind: 'taken' },
  change: KeyChange,
  code: string,
  parts: SignInParts,
): Promise<Finished> {
  const { store, desk, keep, insist } = parts;
  let isToBeTakenAgain = true;
  try {
    const verifier = ringOf(parts).open(sealed ?? '', requestPlace(id, author.id));
    const trade = verifier === null ? ({ kind: 'expired' } as const) : await desk.trade(code, verifier);
    isToBeTakenAgain = trade.kind === 'unreachable';
    if (trade.kind === 'refused') return { kind: 'code_refused' };
    if (trade.kind !== 'traded') return trade;
    return await keep({ ...change, guild }, trade.apiKey, 'sign_in');
  } finally {
    await insist(() => store.end(id, isToBeTakenAgain));
  }
}

/** Callers look at `isOn` before. */
function ringOf({ keyring }: SignInParts): Keyring {
  if (keyring === null) throw new Error('No encryption key is set.');
  return keyring;
}
