import { describe, expect, test } from 'vitest';
import { builtInModels } from '../../../src/simulator/built-in-models.ts';
import { json, paid, start } from './client.ts';

const told = 'anthropic/claude-sonnet-4.6';
const models = [
  ...builtInModels,
  ...[told, 'google/gemini-2.5-flash', 'qwen/qwen3-max'].map((id) => ({
    id,
    pricing: {
      prompt: '0.000004',
      completion: '0',
      input_cache_read: '0.0000004',
      input_cache_write: '0.000005',
    },
    provider: id.startsWith('anthropic') ? 'Anthropic' : 'Somebody',
  })),
];

type Message = { role: string; content: unknown };
const mark = { cache_control: { type: 'ephemeral' } };
/** Of so many tokens as the simulator counts them. */
const said = (role: string, tokens: number, letter: string, ...marks: readonly object[]): Message => {
  const text = letter.repeat(4 * (tokens - 4));
  const parts = [{ type: 'text', text, ...marks[0] }];
  return { role, content: marks.length === 0 ? text : parts };
};

async function open() {
  const clock = { nowMs: Date.UTC(2026, 10, 21, 12) };
  const { post } = await start({
    models,
    keys: ['sk-or-v1-simulated', { key: 'sk-or-v1-other', account: 'other' }],
    now: () => clock.nowMs,
  });
  const ask = async (model: string, messages: readonly Message[], more: object = {}, init?: RequestInit) => {
    const { usage, error } = await json(await post({ model, messages, session_id: 's', ...more }, init));
    if (error !== undefined) return error;
    const { cached_tokens: cached, cache_write_tokens: written } = usage.prompt_tokens_details;
    return { prompt: usage.prompt_tokens, cached, written, cost: usage.cost };
  };
  return { ask, clock };
}

describe('a model that caches by itself', () => {
  test('reads what an earlier prompt began with, up to a message, and charges less for it', async () => {
    const { ask } = await open();
    const first = [said('system', 1000, 's'), said('user', 100, 'a')];
    expect(await ask(paid, first)).toMatchObject({ prompt: 1100, cached: 0, written: 0 });
    const second = [...first, said('assistant', 50, 'b'), said('user', 50, 'c')];
    const { cached, cost } = await ask(paid, second);
    expect(cached).toBe(1100);
    expect(await ask(paid, second, { session_id: 'another' })).toMatchObject({ cached: 0 });
    expect((await ask(paid, second, { session_id: 'a third' })).cost - cost).toBeCloseTo(
      1100 * 0.000_000_09,
      9,
    );
  });

  test('forgets after five minutes without use, and never keeps less than 1024 tokens', async () => {
    const { ask, clock } = await open();
    const prompt = [said('user', 1024, 'a')];
    const short = [said('user', 1023, 'b')];
    const cachedOf = async (messages: readonly Message[]) => (await ask(paid, messages)).cached;
    await cachedOf(prompt);
    await cachedOf(short);
    clock.nowMs += 299_000;
    expect(await cachedOf(prompt)).toBe(1024);
    expect(await cachedOf(short)).toBe(0);
    clock.nowMs += 299_000;
    expect(await cachedOf(prompt)).toBe(1024);
    clock.nowMs += 300_000;
    expect(await cachedOf(prompt)).toBe(0);
  });

  test('finds nothing of another beginning, model or account', async () => {
    const { ask } = await open();
    const rest = [said('user', 1200, 'a')];
    await ask(paid, [said('system', 100, 's'), ...rest]);
    expect(await ask(paid, [said('system', 100, 't'), ...rest])).toMatchObject({ cached: 0 });
    expect(await ask('deepseek/deepseek-v4.1-flash', [said('system', 100, 's'), ...rest])).toMatchObject({
      cached: 0,
    });
    const other = { headers: { authorization: 'Bearer sk-or-v1-other' } };
    expect(await ask(paid, [said('system', 100, 's'), ...rest], {}, other)).toMatchObject({ cached: 0 });
    expect(await ask(paid, [said('system', 100, 's'), ...rest])).toMatchObject({ cached: 1300 });
  });
});

describe('a model that is told what to keep', () => {
  test.each([told, 'qwen/qwen3-max'])('keeps at breakpoints alone, and charges for it: %s', async (model) => {
    const { ask } = await open();
    const plain = [said('user', 2000, 'a')];
    expect(await ask(model, plain)).toMatchObject({ cached: 0, written: 0, cost: 2000 * 0.000004 });
    expect(await ask(model, plain)).toMatchObject({ cached: 0, written: 0 });
    const first = [said('user', 2000, 'a', mark), said('user', 100, 'b')];
    expect(await ask(model, first)).toMatchObject({
      cached: 0,
      written: 2000,
      cost: 2000 * 0.000005 + 100 * 0.000004,
    });
    // The same text without the mark before a new one: found by looking back.
    const second = [...plain, said('user', 100, 'b'), said('user', 100, 'c', mark), said('user', 50, 'd')];
    expect(await ask(model, second)).toMatchObject({
      cached: 2000,
      written: 200,
      cost: (2000 * 0.4 + 200 * 5 + 50 * 4) / 1e6,
    });
  });

  test('looks back over 20 blocks and no further', async () => {
    const { ask } = await open();
    const begin = [said('user', 2000, 'a')];
    const rest = Array.from({ length: 20 }, (_, place) => said('user', 10, String.fromCharCode(98 + place)));
    await ask(told, [said('user', 2000, 'a', mark)]);
    expect(await ask(told, [...begin, ...rest.slice(1), said('user', 10, 'z', mark)])).toMatchObject({
      cached: 0,
    });
    expect(await ask(told, [...begin, ...rest.slice(2), said('user', 10, 'y', mark)])).toMatchObject({
      cached: 2000,
    });
  });

  test('passes over a breakpoint that comes too early, and takes one for the whole request', async () => {
    const { ask } = await open();
    expect(await ask(told, [said('user', 1023, 'a', mark)])).toMatchObject({ cached: 0, written: 0 });
    expect(await ask(told, [said('user', 1024, 'a')], mark)).toMatchObject({ cached: 0, written: 1024 });
    expect(await ask(told, [said('user', 1024, 'a')], mark)).toMatchObject({ cached: 1024, written: 0 });
  });

  test('refuses a fifth breakpoint as its provider does', async () => {
    const { ask } = await open();
    const messages = Array.from({ length: 5 }, () => said('user', 10, 'a', mark));
    expect(await ask(told, messages)).toMatchObject({
      code: 400,
      message: 'Provider returned error',
      metadata: {
        provider_name: 'Anthropic',
        raw: expect.stringContaining('A maximum of 4 blocks with cache_control may be provided. Found 5.'),
      },
    });
    expect(await ask(told, messages.slice(1))).toMatchObject({ prompt: 40 });
    expect(await ask(told, [said('user', 10, 'a', { cache_control: { type: 'for ever' } })])).toMatchObject({
      code: 400,
    });
  });
});

test('a model that does both keeps by itself, and at the last breakpoint alone where there are some', async () => {
  const { ask } = await open();
  const gemini = 'google/gemini-2.5-flash';
  const [a, b] = [said('user', 1100, 'a', mark), said('user', 1100, 'b', mark)];
  expect(await ask(gemini, [a, b])).toMatchObject({ cached: 0, written: 2200 });
  expect(await ask(gemini, [said('user', 1100, 'a'), said('user', 9, 'x')])).toMatchObject({
    cached: 0,
    written: 0,
  });
  expect(await ask(gemini, [said('user', 1100, 'a'), said('user', 9, 'y')])).toMatchObject({ cached: 1100 });
});
