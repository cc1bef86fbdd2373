import { expect, test } from 'vitest';
import type { CompletionFailure } from '../../../src/completion/failure.ts';
import { ofOwnKey, type OwnKeyParts } from '../../../src/conversation/own-key.ts';
import type { RunnableTurn } from '../../../src/conversation/turn.ts';

const refused: CompletionFailure = {
  kind: 'cannot_afford',
  httpStatus: 402,
  detail: 'credits for a few tokens',
  affordableTokens: 600,
};
const outcome = { kind: 'failed', failure: refused, attempts: [] } as const;
const parts = {} as OwnKeyParts;

test('a key whose credit is too little for an answer is told to its owner as spent', () => {
  const turn = { payer: 'user' } as RunnableTurn;
  expect(ofOwnKey(outcome, turn, parts)).toMatchObject({
    failure: { kind: 'own_key', why: 'spent', httpStatus: 402 },
  });
  expect(ofOwnKey(outcome, { ...turn, payer: 'operator' }, parts)).toBe(outcome);
});
