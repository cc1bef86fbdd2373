import type { UserId } from '../platform/ids.ts';
import { KEY_PROVIDER, type KeySubject } from './ports.ts';
import type { SealPlace } from './seal.ts';

/** Where a key is stored. */
export const keyPlace = (row: string, provider: string, subject: Pick<KeySubject, 'id'>): SealPlace => ({
  table: 'provider_keys',
  row,
  provider,
  subject: subject.id,
});

/** Where the verifier of a sign-in is. */
export const requestPlace = (row: string, by: UserId): SealPlace => ({
  table: 'key_requests',
  row,
  provider: KEY_PROVIDER,
  subject: by,
});

export const CANARY_PLACE: SealPlace = {
  table: 'settings',
  row: 'key_canary',
  provider: 'none',
  subject: 'instance',
};
