import { describe, expect, it } from 'vitest';
import { fromReplyTarget, toReplyTarget, type Address } from '../../../../src/adapters/discord/address.ts';
import { createSeal } from '../../../../src/adapters/discord/seal.ts';

const seal = createSeal('a secret');
const message: Address = {
  channelId: '1100000000000000010',
  isPrivate: false,
  questionId: '1100000000000000011',
  canOpenThread: true,
  responseId: null,
  interaction: null,
};
const command: Address = {
  ...message,
  questionId: null,
  canOpenThread: false,
  responseId: '1100000000000000012',
  interaction: { applicationId: '1100000000000000002', token: 'the-token', expiresAtMs: 5000 },
};

describe('a reply target', () => {
  it.each([message, command])('gives back the address it was made of, after it was stored', (address) => {
    const stored = JSON.parse(JSON.stringify(toReplyTarget(address, seal)));
    expect(fromReplyTarget(stored, seal, 4999)).toEqual(address);
  });

  it('is flat and holds the token under `sealed` alone, encrypted', () => {
    const target = toReplyTarget(command, seal);
    expect(Object.values(target).filter((value) => typeof value === 'object' && value !== null)).toEqual([]);
    expect(JSON.stringify(target)).not.toContain('the-token');
    expect(seal.open(String(target['sealed']))).toBe('the-token');
    expect(toReplyTarget(message, seal)).not.toHaveProperty('sealed');
  });

  it('has no interaction any more when its token is gone, over or sealed with another secret', () => {
    const { sealed: _, ...forgotten } = toReplyTarget(command, seal);
    const without = { ...command, interaction: null };
    expect(fromReplyTarget(forgotten, seal, 0)).toEqual(without);
    expect(fromReplyTarget(toReplyTarget(command, seal), seal, 5000)).toEqual(without);
    expect(fromReplyTarget(toReplyTarget(command, seal), createSeal('another'), 0)).toEqual(without);
  });

  it.each([{}, { channelId: 5 }, { ...toReplyTarget(message, seal), responseId: 7 }])(
    'that was made elsewhere is refused: %j',
    (target) => {
      expect(() => fromReplyTarget(target, seal, 0)).toThrow('not a Discord reply target');
    },
  );
});
