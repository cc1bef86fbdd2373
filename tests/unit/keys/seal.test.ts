import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyring, type SealPlace } from '../../../src/keys/seal.ts';

const newKey = () => randomBytes(32).toString('base64');
const [primary, former] = [newKey(), newKey()];
const keyring = createKeyring([primary, former]);
const place: SealPlace = {
  table: 'provider_keys',
  row: '11111111-1111-4111-8111-111111111111',
  provider: 'openrouter',
  subject: 'telegram:42',
};
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }).map((value) => value.toWellFormed()),
);

describe('a sealed text', () => {
  it('opens where it was sealed for, and nowhere else', () => {
    const part = fc.constantFrom<keyof SealPlace>('table', 'row', 'provider', 'subject');
    fc.assert(
      fc.property(text, part, fc.string(), (secret, changed, other) => {
        const sealed = keyring.seal(secret, place);
        expect(keyring.open(sealed, place)).toBe(secret);
        fc.pre(other !== place[changed]);
        expect(keyring.open(sealed, { ...place, [changed]: other })).toBeNull();
      }),
    );
  });

  it('does not open where a single character of it is another one', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'.split('');
    fc.assert(
      fc.property(text, fc.nat(), fc.constantFrom(...alphabet), (secret, at, character) => {
        const sealed = keyring.seal(secret, place);
        const index = at % sealed.length;
        fc.pre(sealed[index] !== character);
        const altered = sealed.slice(0, index) + character + sealed.slice(index + 1);
        expect(keyring.open(altered, place)).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  it('does not open where any byte of it is changed, missing or added', () => {
    const secret = `sk-or-v1-${'a'.repeat(64)}`;
    const [version, id, body = ''] = keyring.seal(secret, place).split('.');
    const bytes = Buffer.from(body, 'base64url');
    const opens = (changed: Buffer) =>
      keyring.open([version, id, changed.toString('base64url')].join('.'), place) !== null;
    expect(opens(bytes)).toBe(true);
    for (const index of bytes.keys()) {
      const flipped = Buffer.from(bytes);
      flipped[index] = (flipped[index] ?? 0) ^ 1;
      expect(opens(flipped)).toBe(false);
      expect(opens(bytes.subarray(0, index))).toBe(false);
    }
    expect(opens(Buffer.concat([bytes, Buffer.from([0])]))).toBe(false);
  });

  it('does not open with a tag of four bytes', () => {
    const [version, id, body = ''] = keyring.seal('secret', place).split('.');
    const bytes = Buffer.from(body, 'base64url');
    const short = Buffer.concat([bytes.subarray(0, -16), bytes.subarray(-16, -12)]);
    expect(keyring.open([version, id, short.toString('base64url')].join('.'), place)).toBeNull();
  });

  it('never looks the same twice', () => {
    const sealed = Array.from({ length: 100 }, () => keyring.seal('secret', place));
    expect(new Set(sealed).size).toBe(100);
  });

  it('opens with the former key, but not without it, and tells with which it was sealed', () => {
    const before = createKeyring([former]).seal('secret', place);
    expect(keyring.open(before, place)).toBe('secret');
    expect(keyring.isPrimary(before)).toBe(false);
    expect(keyring.isPrimary(keyring.seal('secret', place))).toBe(true);
    expect(createKeyring([primary]).open(before, place)).toBeNull();
    expect(createKeyring([newKey(), newKey()]).open(before, place)).toBeNull();
  });

  it('names its key without giving it away', () => {
    const [, id = ''] = keyring.seal('secret', place).split('.');
    expect(id).toMatch(/^[\w-]{8}$/u);
    expect(Buffer.from(primary, 'base64').toString('base64url')).not.toContain(id);
  });

  it.each(['', 'v1', 'v1..', 'v2.x.y', 'v1.__proto__.AAAA', 'sk-or-v1-plain'])(
    'that is none (%s) does not open',
    (none) => {
      expect(keyring.open(none, place)).toBeNull();
    },
  );
});

describe('a fingerprint', () => {
  it('is the same for the same secret under the same key, and only then', () => {
    expect(keyring.fingerprint('secret')).toBe(createKeyring([primary]).fingerprint('secret'));
    expect(keyring.fingerprint('secret')).not.toBe(keyring.fingerprint('Secret'));
    expect(keyring.fingerprint('secret')).not.toBe(createKeyring([former]).fingerprint('secret'));
  });
});
