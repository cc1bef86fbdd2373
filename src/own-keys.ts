import { setTimeout as delay } from 'node:timers/promises';
import type { EndSignIn } from './adapters/http/sign-in.ts';
import { SIGN_IN_PATH } from './adapters/http/sign-in.ts';
import { givenNotice } from './commands/key-words.ts';
import type { KeyDesk } from './completion/ports.ts';
import type { Config } from './config.ts';
import { insistOnStore } from './conversation/insist-on-store.ts';
import { noteFailure } from './conversation/note-failure.ts';
import type { OwnKeyParts } from './conversation/own-key.ts';
import { createKeyKeeper, type KeyKeeper } from './keys/key-keeper.ts';
import { keyPlace } from './keys/places.ts';
import { createKeyring, type Keyring } from './keys/seal.ts';
import { StoreUnavailable } from './platform/adapter.ts';
import { originKey } from './platform/ids.ts';
import type { Logger } from './platform/logger.ts';
import type { Store } from './store/store.ts';

/** What the parts of the program need of the keys that people and guilds bring. */
export interface OwnKeys {
  readonly keeper: KeyKeeper;
  readonly openKey: OwnKeyParts['openKey'];
  readonly endSignIn: EndSignIn;
}

/** Null where no encryption key is set: no keys can be kept then. */
export function keyringOf({ primary, previous }: Config['encryption']): Keyring | null {
  if (primary === null) return null;
  return createKeyring(previous === null ? [primary] : [primary, previous]);
}

export interface OwnKeysOptions {
  readonly desk: KeyDesk;
  readonly keyring: Keyring | null;
  readonly log: Logger;
  readonly newErrorId: () => string;
}

/** Alone it keeps no process alive. */
const sleep = (ms: number): Promise<void> => delay(ms, undefined, { ref: false });
const RETRY_MS = 1000;
/** Whoever waits sees nothing meanwhile. */
const MOST_FAILURES = 60;

export function createOwnKeys(
  config: Config,
  { keys: store, errors }: Pick<Store, 'keys' | 'errors'>,
  { desk, keyring, log, newErrorId }: OwnKeysOptions,
): OwnKeys {
  const { publicUrl } = config.http;
  const keeper = createKeyKeeper({
    store,
    desk,
    keyring,
    callbackUrl: publicUrl === null ? null : `${publicUrl}${SIGN_IN_PATH}`,
    requestKey: (id) => originKey('http', 'parley', 'sign-in', id),
    insist: (ask) => insistOnStore(ask, { sleep, restMs: () => RETRY_MS, mostFailures: MOST_FAILURES }),
  });
  return {
    keeper,
    openKey: (key, subject) => keyring?.open(key.sealed, keyPlace(key.id, key.provider, subject)) ?? null,
    async endSignIn(requestId, code) {
      try {
        const { finished, author } = await keeper.finishAt(requestId, code);
        return { notice: givenNotice(finished), locale: author?.locale ?? null };
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error;
        const errorId = newErrorId();
        const place = { errorId, area: 'sign-in', originKey: null };
        await noteFailure({ errors, log }, place, error, 'a sign-in failed unexpectedly');
        return { notice: { key: 'failure.unexpected', params: { errorId } }, locale: null };
      }
    },
  };
}
