import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PromptMessage } from '../../../src/completion/completion.ts';
import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../../src/simulator/openrouter.ts';
import { startMs, testBench, type TestClock } from './turns.ts';

/** Dearer for long prompts, of which the list does not say what writing costs then. */
const told = {
  id: 'anthropic/claude-sonnet-4.6',
  pricing: {
    prompt: '0.000003',
    completion: '0.000015',
    input_cache_read: '0.0000003',
    input_cache_write: '0.000006',
    overrides: [{ min_prompt_tokens: 3000, prompt: '0.000006', input_cache_write: '0.000012' }],
  },
  row: {
    pricing: {
      prompt: '0.000003',
      completion: '0.000015',
      input_cache_read: '0.0000003',
      input_cache_write: '0.000006',
      overrides: [{ min_prompt_tokens: 3000, prompt: '0.000006' }],
    },
  },
  provider: 'Anthropic',
};
const byItself = {
  id: 'openai/gpt-6-luna',
  pricing: { prompt: '0.0000001', completion: '0.0000005', input_cache_read: '0.00000001' },
};

const clock: TestClock = { nowMs: startMs };
let simulator: OpenRouterSimulator;
beforeAll(async () => {
  simulator = await startOpenRouterSimulator({ models: [told, byItself], now: () => clock.nowMs });
});
afterAll(() => simulator.stop());

const said = (role: PromptMessage['role'], characters: number): PromptMessage => ({
  role,
  content: 'Something. '.repeat(characters / 11),
});

describe.each([
  { id: told.id, plain: 3000, written: 3000 },
  { id: byItself.id, plain: 100, written: 0 },
])('of $id', ({ id, plain, written }) => {
  const asked = async (messages: readonly PromptMessage[], sessionId: string) => {
    const bench = await testBench(simulator, clock, { freeOnly: false, defaultModel: id });
    simulator.play({ kind: 'answer', text: 'Yes.' });
    const { outcome, holds } = await bench.ask({ request: { messages, sessionId } });
    const usage = outcome.attempts[0]?.usage;
    if (usage === null || usage === undefined) throw new Error('The attempt tells no usage.');
    return { usage, held: holds[0]?.nanoUsd ?? 0n };
  };

  it('what the cache saves is told to the nano-dollar, and is below zero where it was only written', async () => {
    const begin = [said('system', 6600), said('user', 440)];
    const first = await asked(begin, id);
    const { cacheWriteTokens: writes = Number.NaN, promptTokens } = first.usage;
    expect(writes).toBe(written === 0 ? 0 : promptTokens);
    expect(first.usage.savedNanoUsd).toBe(BigInt(-writes * written));
    const second = await asked([...begin, said('assistant', 220), said('user', 440)], id);
    expect(second.usage.cachedTokens).toBe(promptTokens);
    const without = BigInt(second.usage.promptTokens * plain + second.usage.completionTokens * 5 * plain);
    expect(second.usage.savedNanoUsd).toBe(without - second.usage.costNanoUsd);
  });

  it('what is held covers a prompt that is written to the cache as a whole, however long', async () => {
    for (const characters of [6600, 22_000]) {
      const { usage, held } = await asked([said('user', characters)], `${id} ${characters}`);
      expect(usage.cachedTokens).toBe(0);
      expect(held).toBeGreaterThanOrEqual(usage.costNanoUsd);
    }
  });

  it('what was kept is kept for its conversation alone, and for five minutes', async () => {
    const prompt = [said('user', 6600)];
    const cachedOf = async (sessionId: string) => (await asked(prompt, sessionId)).usage.cachedTokens;
    expect(await cachedOf(`${id} a`)).toBe(0);
    expect(await cachedOf(`${id} b`)).toBe(0);
    expect(await cachedOf(`${id} a`)).toBeGreaterThan(1024);
    clock.nowMs += 300_000;
    expect(await cachedOf(`${id} a`)).toBe(0);
  });
});
