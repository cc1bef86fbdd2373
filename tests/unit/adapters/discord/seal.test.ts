import { describe, expect, it } from 'vitest';
import { createSeal } from '../../../../src/adapters/discord/seal.ts';

const seal = createSeal('a secret');

describe('a sealed text', () => {
  it('opens with the secret it was sealed with, and with no other', () => {
    const sealed = seal.seal('aW50ZXJhY3Rpb24=:😀');
    expect(createSeal('a secret').open(sealed)).toBe('aW50ZXJhY3Rpb24=:😀');
    expect(createSeal('another secret').open(sealed)).toBeNull();
  });

  it('shows nothing of the text and is never the same twice', () => {
    const [first, second] = [seal.seal('token'), seal.seal('token')];
    expect(first).not.toContain('token');
    expect(first).not.toContain(Buffer.from('token').toString('base64url'));
    expect(first).not.toBe(second);
  });

  it('does not open when any part of it was altered', () => {
    const [version, body = ''] = seal.seal('token').split('.');
    const bytes = Buffer.from(body, 'base64url');
    for (const index of bytes.keys()) {
      const altered = Buffer.from(bytes);
      altered[index]! ^= 1;
      expect(seal.open(`${version}.${altered.toString('base64url')}`)).toBeNull();
    }
  });

  it.each(['', 'v1', 'v1.', 'v1.AAAA', 'token', `v2.${seal.seal('token').slice(3)}`])('is not %j', (text) => {
    expect(seal.open(text)).toBeNull();
  });
});
