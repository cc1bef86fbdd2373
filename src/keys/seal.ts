import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** What a sealed text belongs to: elsewhere it does not open. */
export interface SealPlace {
  readonly table: string;
  /** The row's id. */
  readonly row: string;
  readonly provider: string;
  /** Whose it is; qualified. */
  readonly subject: string;
}

/** Seals secrets for the database under the operator's encryption keys. */
export interface Keyring {
  /** `v1.<id of the encryption key>.<base64url of nonce, text and tag>`, under the primary key. */
  seal(text: string, place: SealPlace): string;
  /** The text; null when it was sealed for another place, with a key that is not in the ring, was altered or is none. */
  open(sealed: string, place: SealPlace): string | null;
  /** Whether it was sealed with the primary key. */
  isPrimary(sealed: string): boolean;
  /** Tells whether two secrets are the same, and nothing else about them. Under the primary key. */
  fingerprint(text: string): string;
}

/** `keys`: 32 random bytes each, in base64; the first is the primary one. */
export function createKeyring(keys: readonly [string, ...string[]]): Keyring {
  const [primary, ...others] = keys.map(derive) as [Derived, ...Derived[]];
  const ring = new Map([primary, ...others].toReversed().map((key) => [key.id, key]));
  return {
    seal(text, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, primary.sealing, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(boundTo(primary.id, place));
      const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const body = Buffer.concat([nonce, encrypted, cipher.getAuthTag()]).toString('base64url');
      return [VERSION, primary.id, body].join('.');
    },
    open(sealed, place) {
      const [version, id = '', body = '', ...rest] = sealed.split('.');
      const key = ring.get(id);
      const bytes = Buffer.from(body, 'base64url');
      // Base64 has several texts for the same bytes; only the one that was written counts.
      const isCanonical = bytes.toString('base64url') === body;
      if (version !== VERSION || key === undefined || rest.length > 0 || !isCanonical) return null;
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      const nonce = bytes.subarray(0, NONCE_BYTES);
      // Without the length, a tag of four bytes would do.
      const decipher = createDecipheriv(ALGORITHM, key.sealing, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(boundTo(id, place));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const encrypted = bytes.subarray(NONCE_BYTES, -TAG_BYTES);
        return Buffer.concat([decipher.update(encrypted), decipher.final()]).toString('utf8');
      } catch {
        return null; // the tag fits neither key, place nor text
      }
    },
    isPrimary: (sealed) => sealed.split('.')[1] === primary.id,
    fingerprint: (text) => createHmac('sha256', primary.naming).update(text).digest('base64url').slice(0, 22),
  };
}

interface Derived {
  readonly id: string;
  readonly sealing: Buffer;
  readonly naming: Buffer;
}

/** A key for each purpose, and an id that tells nothing about them. */
function derive(base64: string): Derived {
  const secret = Buffer.from(base64, 'base64');
  const keyFor = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', purpose, KEY_BYTES));
  return {
    id: createHmac('sha256', secret).update('parley encryption key id v1').digest('base64url').slice(0, 8),
    sealing: keyFor('parley sealed keys v1'),
    naming: keyFor('parley fingerprints v1'),
  };
}

/** What the tag covers beside the text. As JSON, so that no two places are written alike. */
function boundTo(keyId: string, { table, row, provider, subject }: SealPlace): Buffer {
  return Buffer.from(JSON.stringify([VERSION, keyId, table, row, provider, subject]));
}

const ALGORITHM = 'aes-256-gcm';
const VERSION = 'v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
