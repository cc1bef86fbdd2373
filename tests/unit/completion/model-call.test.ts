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

describe('the highest prices to accept', () => {
  const pricing = { prompt: '0.000001', completion: '0.000002' };
  const ceiling = (override: object, wish: { search?: boolean } = {}) =>
    callOf({ id: 'acme/a', pricing: { ...pricing, overrides: [override] } }, 1000, false, wish).maxPrices;

  it('are the usual ones where no surcharge can apply to the prompt', () => {
    const dearer = { min_prompt_tokens: 2, prompt: '0.000003', completion: '0.000004' };
    expect(ceiling(dearer)).toEqual({ prompt: 1, completion: 2, request: 0 });
    expect(ceiling({ ...dearer, min_prompt_tokens: 1 })).toEqual({ prompt: 3, completion: 4, request: 0 });
  });

  it('are those with surcharges where what is searched may make the prompt long, or at some time of day', () => {
    const dearer = { min_prompt_tokens: 20_000, prompt: '0.000003' };
    expect(ceiling(dearer)).toMatchObject({ prompt: 1 });
    expect(ceiling(dearer, { search: true })).toMatchObject({ prompt: 3 });
    expect(ceiling({ utc_start: '08:00', utc_end: '16:00', prompt: '0.000003' })).toMatchObject({
      prompt: 3,
    });
  });
});

it('asks several models for what the least of them can, in the time that the slowest takes', () => {
  const rows = [
    {
      id: 'acme/a:free',
      reasoning: {},
      supported_parameters: ['reasoning'],
      top_provider: { max_completion_tokens: 700 },
    },
    { id: 'acme/b:free', top_provider: { max_completion_tokens: 400 } },
    { id: 'acme/c:free' },
  ];
  const [first, ...others] = (readModelList({ data: rows }) ?? []).map(
    (listed) => ({ provider: 'openrouter', id: listed.id, isFree: true, listed }) as const,
  );
  const left = { remainingMs: 45_000, mustShare: false };
  const several = modelCall(request, [first!, ...others], settings, left);
  expect(several).toMatchObject({ maxTokens: 400, lowEffort: false, timers: { firstTokenMs: 30_000 } });
  expect(modelCall(request, [first!], settings, left)).toMatchObject({ maxTokens: 700, lowEffort: true });
  expect(modelCall(request, [others[1]!, first!], settings, left).timers.firstTokenMs).toBe(30_000);
});

it('asks for no more tokens than the model can give', () => {
  expect(callOf({ top_provider: { max_completion_tokens: 400 } }, 1000, false).maxTokens).toBe(400);
  expect(callOf({ top_provider: { max_completion_tokens: null } }, 1000, false).maxTokens).toBe(1000);
});
