import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { databaseKinds } from '../support/database.ts';
import {
  BOTH_FREE,
  GEMINI,
  HUGGING_FACE,
  modelsAskedAt,
  NO_OPENROUTER,
  startOtherProviders,
  type OtherProviders,
} from '../support/providers.ts';
import { FREE, openScene, type Scene, type SceneOptions } from '../support/scene.ts';

let others: OtherProviders;
let scene: Scene | undefined;
beforeAll(async () => {
  others = await startOtherProviders();
});
afterEach(async () => {
  const ended = scene;
  scene = undefined;
  if (ended === undefined) return;
  expect(ended.telegram.violations).toEqual([]);
  expect((await ended.records.errors()).filter(({ area }) => !area.startsWith('completion.'))).toEqual([]);
  expect(await ended.records.wrongCounters()).toEqual([]);
  expect(await ended.records.holds()).toBe(0);
  await ended.stop();
  others.gemini.reset();
  others.huggingface.reset();
});
afterAll(() => others.stop());

async function open(settings: Record<string, string>, options: SceneOptions = {}): Promise<Scene> {
  scene = await openScene({ ...options, settings });
  return scene;
}

const DOWN = { kind: 'http', status: 503 } as const;

describe.each(databaseKinds)('providers in turn, on a database of kind %s', (database) => {
  test('with nothing but a key for Gemini it answers, and nobody else is asked', async () => {
    const { openrouter, ...at } = await open(
      { ...others.geminiSettings, ...NO_OPENROUTER, GEMINI_FREE: 'true' },
      { database },
    );
    others.gemini.play({ kind: 'answer', text: 'Hello from Google.' });
    const { text, turn } = await at.person().ask('Who are you?');
    expect(text).toBe('Hello from Google.');
    expect(turn.attempts).toMatchObject([{ provider: 'gemini', modelAsked: GEMINI, outcome: 'answered' }]);
    expect(turn.usage).toMatchObject([{ provider: 'gemini', requests: 1, costNanoUsd: 0 }]);
    expect(turn.usage[0]?.completionTokens).toBe(others.gemini.calls.at(-1)?.usage?.completion_tokens);
    expect(openrouter.calls).toEqual([]);
    expect(others.gemini.calls.at(-1)?.body).toEqual({
      model: GEMINI,
      messages: expect.any(Array),
      max_tokens: 20_000,
      temperature: 0.7,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test('where one is down the next one answers, in one turn', async () => {
    const { openrouter, ...at } = await open({ ...others.settings, ...BOTH_FREE }, { database });
    others.gemini.play(DOWN);
    openrouter.play({ kind: 'connection', event: 'reset' });
    others.huggingface.play({ kind: 'answer', text: 'Hello from the router.' });
    const { text, turn } = await at.person().ask('Is anybody there?');
    expect(text).toBe('Hello from the router.');
    expect(turn.attempts).toMatchObject([
      { provider: 'gemini', modelAsked: GEMINI, outcome: 'failed', failure: 'overloaded' },
      { provider: 'openrouter', modelAsked: FREE, outcome: 'failed', failure: 'unreachable' },
      { provider: 'huggingface', modelAsked: HUGGING_FACE, outcome: 'answered', failure: null },
    ]);
    expect(turn.answer).toMatchObject({ model: HUGGING_FACE, text });
  });
});

describe('free models only', () => {
  test('nothing is sent with a key that may cost money, also where it is the one to begin with', async () => {
    const at = await open({ ...others.settings, GPT_PROVIDER: 'gemini' });
    at.openrouter.play(DOWN);
    const { turn } = await at.person().ask('Who answers now?');
    expect(turn.attempts.map(({ provider }) => provider)).toEqual(['openrouter', 'openrouter']);
    expect(others.gemini.calls).toEqual([]);
    expect(others.huggingface.calls).toEqual([]);
    expect(at.log.join('')).not.toContain(others.gemini.key);
  });

  test('a key that is said to cost nothing is used, for nothing', async () => {
    const at = await open({ ...others.settings, HF_FREE: 'true', GPT_PROVIDER: 'huggingface' });
    const { turn } = await at.person().ask('Who answers now?');
    expect(turn.usage).toMatchObject([{ provider: 'huggingface', costNanoUsd: 0, source: 'reported' }]);
    expect(modelsAskedAt(others.huggingface)).toEqual([HUGGING_FACE]);
    expect(others.gemini.calls).toEqual([]);
    expect(modelsAskedAt(others.gemini)).toEqual([]);
  });
});
