import { describe, expect, it } from 'vitest';
import { readGeneration } from '../../../src/completion/generation.ts';

const record = {
  id: 'gen-1795219200-abcdefghijklmnopqrst',
  model: 'acme/paid-20260402',
  generation_time: 1200.4,
  tokens_prompt: 10,
  tokens_completion: 25,
  native_tokens_prompt: 12,
  native_tokens_completion: 30,
  native_tokens_cached: 3,
  native_tokens_reasoning: 5,
  total_cost: 0.0015,
  usage: 0.0015,
  upstream_inference_cost: 0.0012,
  is_byok: false,
};
const read = (changes: object) => readGeneration({ data: { ...record, ...changes } });

describe('the record of a generation', () => {
  it('tells the tokens of the model that was billed, the exact cost and the time it took', () => {
    expect(read({})).toEqual({
      modelUsed: 'acme/paid-20260402',
      usage: {
        promptTokens: 12,
        completionTokens: 30,
        cachedTokens: 3,
        reasoningTokens: 5,
        costNanoUsd: 1_500_000n,
      },
      durationMs: 1200,
    });
  });

  it('tells normalised tokens where the provider reported none', () => {
    expect(read({ native_tokens_prompt: null, native_tokens_completion: null })?.usage).toMatchObject({
      promptTokens: 10,
      completionTokens: 25,
    });
  });

  it('counts what nobody reported as none', () => {
    const unknown = {
      model: null,
      generation_time: null,
      tokens_prompt: null,
      tokens_completion: null,
      native_tokens_prompt: null,
      native_tokens_completion: null,
      native_tokens_cached: null,
      native_tokens_reasoning: null,
    };
    expect(read({ ...unknown, total_cost: 0 })).toEqual({
      modelUsed: null,
      usage: { promptTokens: 0, completionTokens: 0, cachedTokens: 0, reasoningTokens: 0, costNanoUsd: 0n },
      durationMs: null,
    });
  });

  it("adds the provider's price to the fee when the account brought its own key", () => {
    expect(read({ is_byok: true, total_cost: 0.00006 })?.usage.costNanoUsd).toBe(1_260_000n);
  });

  it.each([
    [1e-9, 1n],
    ['0.000095001', 95_001n],
    [-0.5, 0n],
  ])('with a cost of %s is counted as %s nano-USD', (cost, nanoUsd) => {
    expect(read({ total_cost: cost })?.usage.costNanoUsd).toBe(nanoUsd);
  });

  it('takes the amount of usage where there is no total', () => {
    expect(read({ total_cost: null, usage: 0.002 })?.usage.costNanoUsd).toBe(2_000_000n);
  });

  it.each([
    [null],
    [[]],
    [{}],
    [{ data: null }],
    [{ data: { id: 'gen-1-x' } }],
    [{ data: { total_cost: 'much', usage: null } }],
  ])('that tells no cost (%j) is none', (body) => {
    expect(readGeneration(body)).toBeNull();
  });
});
