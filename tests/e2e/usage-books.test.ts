import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtInModels } from '../../src/simulator/built-in-models.ts';
import type { SimulatedModel } from '../../src/simulator/catalogue.ts';
import { FREE, nanoUsd, openScene, PAID, PAID_SETTINGS, stalling, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** Keeps beginnings of prompts where it is told to, and counts what it writes. */
const KEEPING: SimulatedModel = {
  id: 'anthropic/claude-sonnet-4.6',
  pricing: {
    prompt: '0.000003',
    completion: '0.000015',
    input_cache_read: '0.0000003',
    input_cache_write: '0.00000375',
  },
  contextLength: 1_000_000,
  provider: 'Anthropic',
};

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({
    settings: { ...PAID_SETTINGS, DEFAULT_MODEL: KEEPING.id, FALLBACK_MODEL: `${PAID},${FREE}` },
    openrouter: { models: [...builtInModels, KEEPING] },
  });
});
afterAll(async () => {
  expect(scene.telegram.violations).toEqual([]);
  expect(await scene.records.holds()).toBe(0);
  await scene.stop();
});

interface Sums {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  readonly costNanoUsd: number;
}

/** What OpenRouter has on its books of every call so far. */
function billed(): Sums {
  const usages = scene.openrouter.calls.flatMap(({ usage }) => usage ?? []);
  const sum = (of: (usage: (typeof usages)[number]) => number): number =>
    usages.reduce((total, usage) => total + of(usage), 0);
  return {
    promptTokens: sum((usage) => usage.prompt_tokens),
    completionTokens: sum((usage) => usage.completion_tokens),
    cachedTokens: sum((usage) => usage.prompt_tokens_details.cached_tokens),
    cacheWriteTokens: sum((usage) => usage.prompt_tokens_details.cache_write_tokens),
    reasoningTokens: sum((usage) => usage.completion_tokens_details.reasoning_tokens),
    costNanoUsd: sum((usage) => nanoUsd(usage.cost)),
  };
}

async function booked(
  table: 'usage' | 'usage_hourly' | 'usage_daily' | 'conversation_usage',
): Promise<Sums | undefined> {
  const { sql } = scene.database;
  const [row] = await sql<Sums[]>`
    select sum(prompt_tokens)::float8 as "promptTokens", sum(completion_tokens)::float8 as "completionTokens",
      sum(cached_tokens)::float8 as "cachedTokens", sum(cache_write_tokens)::float8 as "cacheWriteTokens",
      sum(reasoning_tokens)::float8 as "reasoningTokens", sum(cost_nano_usd)::float8 as "costNanoUsd"
    from ${sql(table)}`;
  return row;
}

/** OpenRouter tells of a call that was stopped only a while later. */
async function isStoppedKnown(): Promise<boolean> {
  const [row] = await scene.database.sql<{ id: string }[]>`
    select a.generation_id as id from corrections c join attempts a on a.turn_id = c.turn_id`;
  const authorization = 'Bearer sk-or-v1-simulated';
  const answer = await fetch(`${scene.openrouter.url}/generation?id=${row?.id}`, {
    headers: { authorization },
  });
  return answer.ok;
}

test('equal OpenRouter’s to the token and nano-dollar, once what was stopped is told', async () => {
  const [ann, bea] = [scene.person(), scene.person()];
  const long = 'What is it that was said before, and by whom was it said? '.repeat(150);
  scene.openrouter.play({ kind: 'answer', reasoning: 'Who said that?', text: 'Nobody said it.' });
  await ann.ask(long);
  scene.openrouter.play({ kind: 'answer', text: 'Still nobody.', costUsd: '0.000000007' });
  await ann.ask('And now?');
  scene.openrouter.play({ kind: 'http', status: 503 });
  scene.openrouter.play({ kind: 'http', status: 503 });
  scene.openrouter.play({ kind: 'answer', text: 'For nothing.' }, { model: FREE });
  await bea.ask('Who answers for free?');
  scene.openrouter.play(stalling('It is a long'));
  const stopped = bea.send('How long is it?');
  await until(() => scene.said(bea.chat).some(({ text }) => text.includes('It is a long')));
  await bea.command('/stop');
  const { turn } = await scene.over(bea.chat, stopped);
  expect(turn.usage).toMatchObject([{ source: 'estimated' }]);
  expect(await booked('usage')).not.toEqual(billed());

  await until(isStoppedKnown);
  await scene.database.sql`update corrections set ask_at = now()`;
  await scene.restart();
  await until(async () => (await scene.database.sql`select 1 from corrections`).length === 0);
  expect(await booked('usage')).toEqual(billed());
  expect(await booked('usage_hourly')).toEqual(billed());
  expect(await booked('usage_daily')).toEqual(billed());
  expect(await booked('conversation_usage')).toEqual(billed());
  for (const figure of Object.values(billed())) expect(figure).toBeGreaterThan(0);
  expect(await scene.records.wrongCounters()).toEqual([]);

  const told = await bea.command('/usage span:day by:model');
  expect(told).toContain('Your usage today');
  expect(told).toContain('2 messages');
  expect(told).toContain('4 calls of models, 2 of them failed');
  expect(told).toMatch(/google\/gemma-4-31b-it\S* +1 message +\d+ tokens +\$0\.00$/mu);
  expect(told).not.toContain('0 messages');
  expect(await ann.command('/usage span:month')).toMatch(
    /\d tokens read \([\d,]+ from a cache, [\d,]+ kept in a cache\)/u,
  );
  expect(await ann.command('/usage by:conversation')).toMatch(/private, \d+ \w+,? \d\d:\d\d +2 messages/u);
  expect(await ann.command('/usage span:year')).toContain('day, week or month');
});
