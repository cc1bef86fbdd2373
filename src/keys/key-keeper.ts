import { randomUUID } from 'node:crypto';
import type { KeyLook, Payer } from '../completion/ports.ts';
import type { GuildId, UserId } from '../platform/ids.ts';
import { readKey } from './key-text.ts';
import { keyPlace } from './places.ts';
import {
  KEY_PROVIDER,
  type Kept,
  type KeyChange,
  type KeySubject,
  type Removed,
  type KeyWay,
  type StoredKey,
} from './ports.ts';
import { createSignIns, REQUEST_MS, type SignInParts, type SignIns } from './sign-in.ts';

export type KeyKeeperParts = Omit<SignInParts, 'keep'>;

/** Takes, checks and gives up the keys of people and guilds. All reject with `StoreUnavailable`. */
export interface KeyKeeper extends SignIns {
  /** Whether keys can be kept here at all. */
  readonly isOn: boolean;
  payer(user: UserId, guild: GuildId | null): Promise<Payer>;
  /** Keeps what somebody wrote, if it holds a good key. */
  give(change: KeyChange, written: string, by: KeyWay): Promise<Given>;
  /** The person's next message in private is to be a key, for ten minutes. */
  expect(change: KeyChange): Promise<void>;
  /** What a message leads to that was expected; null where none was. */
  takeExpected(change: KeyChange, written: string): Promise<Given | null>;
  /** Asks the provider about a stored key, and notes what it says. */
  examine(subject: KeySubject, by: UserId): Promise<Examined | null>;
  remove(change: KeyChange): Promise<Removed>;
}

export type Given = Kept | { readonly kind: 'no_key' | Exclude<KeyLook['kind'], 'good'> };

export interface Examined {
  readonly key: StoredKey;
  readonly look: KeyLook | { readonly kind: 'unreadable' };
}

export function createKeyKeeper(parts: KeyKeeperParts): KeyKeeper {
  const { store, desk, keyring } = parts;

  async function give(change: KeyChange, written: string, by: KeyWay): Promise<Given> {
    const known = await store.outcome(change.originKey);
    if (known?.kind === 'kept') return known;
    const key = readKey(written);
    if (key === null) return { kind: 'no_key' };
    const look = await desk.look(key);
    return look.kind === 'good' ? await keep(change, key, by) : look;
  }

  async function keep(change: KeyChange, key: string, by: KeyWay): Promise<Kept> {
    // Callers look at `isOn` before.
    if (keyring === null) throw new Error('No encryption key is set.');
    const id = randomUUID();
    const sealed = keyring.seal(key, keyPlace(id, KEY_PROVIDER, change.guild ?? change.author));
    const fingerprint = keyring.fingerprint(key);
    const sealedKey = { id, provider: KEY_PROVIDER, sealed, last4: key.slice(-4), fingerprint };
    const storing = () => store.set(change, sealedKey, by);
    // Nobody but us has the key that a sign-in made, so it is not given up with the first failure.
    return by === 'sign_in' ? await parts.insist(storing) : await storing();
  }

  return {
    ...createSignIns({ ...parts, keep }),
    isOn: keyring !== null,
    payer: (user, guild) => store.payer(user, guild),
    give,
    expect: (change) => store.ask(change, { id: randomUUID(), kind: 'message', sealed: null }, REQUEST_MS),
    async takeExpected(change, written) {
      const known = await store.outcome(change.originKey);
      if (known?.kind === 'kept') return known;
      const taken = await store.take('message', {
        user: change.author.id,
        originKey: change.originKey,
      });
      if (taken.kind !== 'taken') return null;
      let isKept = false;
      try {
        const given = await give({ ...change, guild: taken.guild }, written, 'message');
        isKept = given.kind === 'kept';
        return given;
      } finally {
        // Whoever sent the wrong one sends another.
        await store.end(taken.id, !isKept);
      }
    },
    examine: (subject, by) => examine(subject, by, parts),
    remove: (change) => store.remove(change),
  };
}

async function examine(
  subject: KeySubject,
  by: UserId,
  { store, desk, keyring }: KeyKeeperParts,
): Promise<Examined | null> {
  const key = await store.find(subject);
  if (key === null) return null;
  const text = keyring?.open(key.sealed, keyPlace(key.id, key.provider, subject)) ?? null;
  if (text === null) {
    await store.mark(key, 'unreadable', by);
    return { key, look: { kind: 'unreadable' } };
  }
  const look = await desk.look(text);
  if (look.kind === 'good') await store.mark(key, 'accepted', by);
  if (look.kind === 'refused') await store.mark(key, 'refused', by);
  return { key, look };
}
