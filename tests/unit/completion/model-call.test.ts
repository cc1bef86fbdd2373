import { describe, expect, it } from 'vitest';
import { readModelList } from '../../../src/completion/catalogue-model.ts';
import { modelCall } from '../../../src/completion/model-call.ts';

const request = {
  messages: [{ role: 'user' as const, content: 'Hi' }],
  maxTokens: 1000,
  temperature: 0.7,
  preferredModel: null,
  isStrict: false,
  allowedModels: null,
  ownKey: null,
  endUser: 'person-1',
  sessionId: 'conversation-1',
};
const settings = {
  timers: {
    modelTimeoutMs: 45_000,
    firstTokenTimeoutMs: 15_000,
    idleTokenTimeoutMs: 20_000,
    answerMaxMs: 300_000,
  },
  caching: { strategy: 'auto', minTokens: 1024 },
} as const;
const callOf = (row: object, remainingMs: number, mustShare: boolean, wish: { search?: boolean } = {}) => {
  const listed = readModelList({ data: [{ id: 'acme/a:free', ...row }] })![0]!;
  const candidate = { provider: 'openrouter', id: listed.id, isFree: listed.isFree, listed } as const;
  return modelCall({ ...request, ...wish }, [candidate], settings, { remainingMs, mustShare });
};
const firstTokenMs = (row: object, remainingMs: number, mustShare: boolean) =>
  callOf(row, remainingMs, mustShare).timers.firstTokenMs;
const reasoning = { reasoning: { mandatory: true } };

describe('the time to show life', () => {
  it('is the usual one, or twice that for a model that reasons first', () => {
    expect(firstTokenMs({}, 45_000, true)).toBe(15_000);
    expect(firstTokenMs(reasoning, 45_000, true)).toBe(30_000);
  });

  it('leaves another model its own, or half of what is left when that is short', () => {
    expect(firstTokenMs(reasoning, 40_000, true)).toBe(25_000);
    expect(firstTokenMs({}, 16_000, true)).toBe(8000);
  });

  it('is twice the usual one for a model that is to search first', () => {
    const call = callOf({}, 45_000, true, { search: true });
    expect(call).toMatchObject({ search: true, timers: { firstTokenMs: 30_000 } });
  });

  it('is all that is left when no other model is ready', () => {
    expect(firstTokenMs(reasoning, 20_000, false)).toBe(20_000);
  });

  it('never takes from the time of a visible text that is on its way', () => {
    expect(callOf(reasoning, 40_000, true).timers.firstTextMs).toBe(40_000);
  });
});

it('asks for no more tokens than the model can give', () => {
  expect(callOf({ top_provider: { max_completion_tokens: 400 } }, 1000, false).maxTokens).toBe(400);
  expect(callOf({ top_provider: { max_completion_tokens: null } }, 1000, false).maxTokens).toBe(1000);
});
