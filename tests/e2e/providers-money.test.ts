import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ServiceUsage } from '../../src/simulator/compatible/service.ts';
import { openTestDatabase, type DatabaseKind, type TestDatabase } from '../support/database.ts';
import {
  GEMINI,
  HUGGING_FACE,
  modelsAskedAt,
  startOtherProviders,
  type OtherProviders,
} from '../support/providers.ts';
import { FREE, openScene, OTHER_PAID, PAID_SETTINGS, stalling, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

let others: OtherProviders;
let database: TestDatabase;
let scene: Scene;
beforeAll(async () => {
  others = await startOtherProviders();
  database = await openTestDatabase('embedded');
});
afterEach(async () => {
  expect(await scene.records.wrongCounters()).toEqual([]);
  expect(await scene.records.holds()).toBe(0);
  expect(scene.telegram.violations).toEqual([]);
  await scene.stop();
  others.gemini.reset();
  others.huggingface.reset();
});
afterAll(async () => {
  await others.stop();
  await database.close();
});

const DOWN = { kind: 'http', status: 503 } as const;

/** Money may be spent, and all lists with prices are there. */
async function open(settings: Record<string, string>, own?: DatabaseKind): Promise<void> {
  scene = await openScene({
    database: own ?? database,
    settings: { ...PAID_SETTINGS, DEFAULT_MODEL: FREE, ...settings },
  });
  const lists = [scene.openrouter, ...('HF_TOKEN' in settings ? [others.huggingface] : [])];
  await until(() =>
    lists.every(({ calls }) => calls.some(({ method, status }) => method === 'GET' && status === 200)),
  );
}

/** Nano-USD, at prices in nano-USD for a million tokens. */
function costOf(usage: ServiceUsage | undefined, prompt: number, completion: number): number {
  const { prompt_tokens: read = 0, total_tokens: total = 0 } = usage ?? {};
  return Math.ceil((read * prompt) / 1e6) + Math.ceil(((total - read) * completion) / 1e6);
}

const held = async () =>
  (await scene.database.sql<{ held: string }[]>`select max(nano_usd)::text as held from quota_holds`)[0]
    ?.held;

describe('a key that costs money', () => {
  test('for Gemini takes what Google lists, thoughts included, and holds the most of it before', async () => {
    await open({ ...others.geminiSettings, MAX_TOKENS: '1000' });
    const ann = scene.person();
    others.gemini.play(stalling('One moment'));
    const messageId = ann.send('How much is it?');
    await until(() => others.gemini.calls.at(-1)?.usage !== undefined);
    // Each subject of the quotas holds it. A thousand tokens of answer at 4.125 $ a million, and the prompt.
    expect(Number(await held())).toBeGreaterThan(4_125_000);
    expect(Number(await held())).toBeLessThan(5_000_000);
    await ann.command('/stop');
    await scene.over(ann.chat, messageId);
    others.gemini.play({ kind: 'answer', reasoning: 'How much would that be?', text: 'A little.' });
    const { turn, text } = await ann.ask('And now?');
    expect(text).toBe('A little.');
    const usage = others.gemini.calls.at(-1)?.usage;
    expect(turn.usage).toMatchObject([{ provider: 'gemini', source: 'estimated' }]);
    expect(turn.usage[0]?.costNanoUsd).toBe(costOf(usage, 825_000_000, 4_125_000_000));
    expect(turn.usage[0]?.completionTokens).toBe((usage?.total_tokens ?? 0) - (usage?.prompt_tokens ?? 0));
  });

  test('for Hugging Face buys from the cheapest who tells a price, by name', async () => {
    await open({ ...others.huggingFaceSettings, GPT_PROVIDER: 'huggingface' });
    const { turn } = await scene.person().ask('How much is it?');
    expect(modelsAskedAt(others.huggingface)).toEqual([`${HUGGING_FACE}:groq`]);
    expect(turn.usage[0]?.costNanoUsd).toBe(costOf(others.huggingface.calls.at(-1)?.usage, 1e8, 5e8));
    expect(turn.usage).toMatchObject([{ provider: 'huggingface', source: 'estimated' }]);
  });

  test('is not used for a model whose price nobody tells', async () => {
    await open({ ...others.settings, GEMINI_MODEL: 'gemini-2.5-flash-lite', HF_MODEL: 'acme/unpriced' });
    const { turn } = await scene.person().ask('Who is it?');
    expect(turn.attempts).toMatchObject([{ provider: 'openrouter', modelAsked: FREE }]);
    expect([...modelsAskedAt(others.gemini), ...modelsAskedAt(others.huggingface)]).toEqual([]);
    const told = scene.log.filter((line) => line.includes('its price is unknown'));
    expect(told).toHaveLength(2);
  });

  test('is not used beyond the budget', async () => {
    await open({ ...others.geminiSettings, DAILY_BUDGET_USD: '0.0001' });
    const { turn } = await scene.person().ask('Who pays?');
    expect(turn.attempts).toMatchObject([{ provider: 'openrouter', modelAsked: FREE, outcome: 'answered' }]);
    expect(modelsAskedAt(others.gemini)).toEqual([]);
  });

  test('leaves the last attempt to the emergency model, behind all providers', async () => {
    await open({
      ...others.settings,
      GPT_PROVIDER: 'openrouter',
      FALLBACK_MODEL: '',
      EMERGENCY_FALLBACK_MODEL: OTHER_PAID,
    });
    scene.openrouter.play(DOWN);
    others.gemini.play(DOWN);
    others.huggingface.play(DOWN);
    scene.openrouter.play({ kind: 'answer', text: 'At last.' }, { model: OTHER_PAID });
    const { turn, text } = await scene.person().ask('Is anybody there?');
    expect(text).toBe('At last.');
    expect(turn.attempts).toMatchObject([
      { provider: 'openrouter', modelAsked: FREE },
      { provider: 'gemini' },
      { provider: 'huggingface' },
      { provider: 'openrouter', modelAsked: OTHER_PAID, outcome: 'answered' },
    ]);
    expect(turn.usage).toMatchObject([{ provider: 'openrouter', source: 'reported' }]);
  });

  test('counts for each provider in /usage and /stats once there are two', async () => {
    // People here must have used nothing elsewhere.
    await open({ ...others.geminiSettings }, 'embedded');
    const ann = scene.person();
    const { turn: first } = await ann.ask('one');
    expect(await ann.command('/usage')).not.toContain('Google Gemini');
    others.gemini.play({ kind: 'refusal', name: 'overloaded' });
    const { turn: second } = await ann.ask('two');
    expect(second.attempts.map(({ provider }) => provider)).toEqual(['gemini', 'openrouter']);
    const line = (name: string, calls: string, { usage }: typeof first) => {
      const [row] = usage;
      const tokens = (row?.promptTokens ?? 0) + (row?.completionTokens ?? 0);
      return `${name}: ${calls}, ${tokens} tokens, $${row?.costNanoUsd === 0 ? '0.00' : (row?.costNanoUsd ?? Number.NaN) / 1e9}`;
    };
    for (const figures of [await ann.command('/usage'), await ann.command('/stats')]) {
      expect(figures).toContain(line('Google Gemini', '2 calls', first));
      expect(figures).toContain(line('OpenRouter', '1 call', second));
      expect(figures).not.toContain('Hugging Face');
    }
    expect(await ann.command('/stats')).toContain(`${GEMINI} (Google Gemini): 1 answer, 1 failure`);
    expect(first.attempts).toMatchObject([{ provider: 'gemini', modelAsked: GEMINI }]);
  });
});
