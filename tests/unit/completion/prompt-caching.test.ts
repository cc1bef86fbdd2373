import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../src/completion/candidates.ts';
import { readModelList } from '../../../src/completion/catalogue-model.ts';
import type { PromptMessage } from '../../../src/completion/completion.ts';
import { cacheBreakpoints, type CachingSettings } from '../../../src/completion/prompt-caching.ts';

const PRICED = {
  prompt: '0.000001',
  completion: '0.000005',
  input_cache_read: '0.0000001',
  input_cache_write: '0.00000125',
};
const AUTO: CachingSettings = { strategy: 'auto', minTokens: 1024 };

function candidate(id: string, pricing: object = PRICED): Candidate {
  const listed = readModelList({ data: [{ id, pricing }] })?.[0] ?? null;
  return { provider: 'openrouter', id, isFree: listed?.isFree ?? false, listed };
}

/** Instructions and a conversation that ends with a question; each of the given length in tokens. */
function prompt(system: number, ...said: readonly number[]): readonly PromptMessage[] {
  const text = (tokens: number) => 'word '.repeat(tokens).trim();
  return [
    { role: 'system', content: text(system) },
    ...said.map((tokens, place) => ({
      role: place % 2 === 0 ? ('user' as const) : ('assistant' as const),
      content: text(tokens),
    })),
  ];
}
const LONG = prompt(5000, 100, 100, 100, 100, 100);

describe('breakpoints', () => {
  it.each([
    { id: 'anthropic/claude-sonnet-4.6', auto: [0, 3, 5], system: [0], history: [3, 5] },
    { id: 'anthropic/claude-opus-4.8', auto: [0, 3, 5], system: [0], history: [3, 5] },
    { id: 'anthropic/claude-haiku-5.5', auto: [0, 3, 5], system: [0], history: [3, 5] },
    { id: 'qwen/qwen3-max', auto: [0, 3, 5], system: [0], history: [3, 5] },
    // It keeps by itself, and of what it is told the last counts.
    { id: 'google/gemini-3.8-flash', auto: [], system: [0], history: [5] },
    { id: 'google/gemini-2.5-pro', auto: [], system: [0], history: [5] },
    { id: 'openai/gpt-6.1-sol', auto: [], system: [], history: [] },
    { id: 'deepseek/deepseek-v4.1-flash', auto: [], system: [], history: [] },
    { id: 'x-ai/grok-4.7', auto: [], system: [], history: [] },
    { id: 'moonshotai/kimi-k3.1-pro', auto: [], system: [], history: [] },
    { id: 'z-ai/glm-5.3-flash', auto: [], system: [], history: [] },
    { id: 'nobody/anthropic', auto: [], system: [], history: [] },
  ])('for $id stand where its family makes use of them', ({ id, ...expected }) => {
    const at = (strategy: CachingSettings['strategy']) =>
      cacheBreakpoints(candidate(id), LONG, { strategy, minTokens: 1024 });
    expect({ auto: at('auto'), system: at('system'), history: at('history'), off: at('off') }).toEqual({
      ...expected,
      off: [],
    });
  });

  it.each([
    ['anthropic/claude-opus-4.5', 4096],
    ['anthropic/claude-haiku-4.5', 4096],
    ['anthropic/claude-3.5-haiku', 2048],
    ['anthropic/claude-sonnet-4', 1024],
    ['anthropic/claude-opus-4.1', 1024],
    ['qwen/qwen-plus', 1024],
  ])('for %s come no earlier than %i tokens', (id, least) => {
    const below = prompt(Math.floor(least / 2), 100);
    const above = prompt(least * 2, 100);
    expect(cacheBreakpoints(candidate(id), below, AUTO)).toEqual([]);
    expect(cacheBreakpoints(candidate(id), above, AUTO)).toEqual([0, 1]);
  });

  it('come no earlier than the operator wants', () => {
    const sonnet = candidate('anthropic/claude-sonnet-4.6');
    const said = prompt(10, 2000, 2000, 2000);
    const at = (minTokens: number) => cacheBreakpoints(sonnet, said, { strategy: 'auto', minTokens });
    expect(at(0)).toEqual([1, 3]);
    expect(at(4000)).toEqual([3]);
    expect(at(100_000)).toEqual([]);
  });

  it('are never more than four', () => {
    for (const { id } of [candidate('anthropic/claude-sonnet-4.6'), candidate('qwen/qwen3-max')]) {
      const said = prompt(5000, ...Array.from({ length: 99 }, () => 100));
      expect(cacheBreakpoints(candidate(id), said, AUTO).length).toBeLessThanOrEqual(4);
    }
  });

  it.each([
    ['for a free model', candidate('anthropic/claude-haiku-5.5:free', { prompt: '0', completion: '0' })],
    [
      'for a model that is free although its list has cache prices',
      { ...candidate('anthropic/claude-haiku-5.5'), isFree: true },
    ],
    [
      'where nobody tells what writing costs',
      candidate('anthropic/claude-haiku-5.5', { ...PRICED, input_cache_write: undefined }),
    ],
    [
      'where nobody tells what reading costs',
      candidate('anthropic/claude-haiku-5.5', { ...PRICED, input_cache_read: undefined }),
    ],
    ['where the list does not know the model', { ...candidate('anthropic/claude-haiku-9'), listed: null }],
  ])('are not set %s', (_, of) => {
    for (const strategy of ['auto', 'system', 'history'] as const) {
      expect(cacheBreakpoints(of, LONG, { strategy, minTokens: 0 })).toEqual([]);
    }
  });
});
