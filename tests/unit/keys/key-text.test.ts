import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { holdsKey, mayBeKey, readKey } from '../../../src/keys/key-text.ts';
import { isWeakKey } from '../../../src/keys/weak-key.ts';

const key = `sk-or-v1-${'0123456789abcdef'.repeat(4)}`;

describe('a key in a text', () => {
  it.each([key, ` ${key}\n`, `\`${key}\``, `My key is ${key}, please.`, `Bearer ${key}`])(
    'is found: %s',
    (text) => {
      expect(readKey(text)).toBe(key);
      expect([holdsKey(text), mayBeKey(text)]).toEqual([true, true]);
    },
  );

  it.each([`_${key}_`, `key=${key}and`, `x${key}`, `-${key}-`, key.toUpperCase(), `__${key}__`])(
    'is held, whatever it is glued to: %s',
    (text) => expect([holdsKey(text), mayBeKey(text)]).toEqual([true, true]),
  );

  it.each([
    'What does sk-or-v1-your-key-here mean?',
    'Is sk-or-v1-… a key?',
    'sk-or-v1-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
  ])('is not held where one is only meant: %s', (text) => expect(holdsKey(text)).toBe(false));

  it.each(['sk-proj-AbCdEfGhIjKlMnOpQrSt', 'hf_AbCdEfGhIjKlMnOpQrSt', `x${'A'.repeat(40)}`])(
    'of another service is none of ours, but may be one: %s',
    (text) => {
      expect([readKey(text), mayBeKey(text)]).toEqual([null, true]);
    },
  );

  it.each([
    'What is a sk-or key?',
    'Where do I find it, please?',
    'ok',
    'risk-or-reward-analysis of this',
    '',
  ])('is not seen in other words: %s', (text) =>
    expect([readKey(text), mayBeKey(text)]).toEqual([null, false]),
  );
});

describe('an encryption key', () => {
  it.each([
    ['zeros', Buffer.alloc(32)],
    ['one byte over and over', Buffer.alloc(32, 0xa7)],
    ['bytes that count up', Buffer.from(Array.from({ length: 32 }, (_, index) => index + 200))],
    ['a few bytes over and over', Buffer.from(Array.from({ length: 32 }, (_, index) => (index % 4) * 37))],
    ['text', Buffer.from('please-change-this-to-32-bytes!!')],
    ['hexadecimal digits', Buffer.from('0123456789abcdef0123456789abcdef')],
  ])('of %s is weak', (_what, bytes) => {
    expect(isWeakKey(bytes.toString('base64'))).toBe(true);
  });

  it('of random bytes is not', () => {
    const keys = Array.from({ length: 2000 }, () => randomBytes(32).toString('base64'));
    expect(keys.filter(isWeakKey)).toEqual([]);
  });
});
