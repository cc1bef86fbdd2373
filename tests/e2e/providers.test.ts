import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { databaseKinds, openTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  BOTH_FREE,
  GEMINI,
  HUGGING_FACE,
  modelsAskedAt,
  NO_OPENROUTER,
  startOtherProviders,
  type OtherProviders,
} from '../support/providers.ts';
import { openDiscordScene } from '../support/discord-scene.ts';
import { FREE, openScene, OTHER_FREE, type Scene, type SceneOptions } from '../support/scene.ts';
import { until } from '../support/until.ts';

let others: OtherProviders;
let shared: TestDatabase;
let scene: Scene | undefined;
beforeAll(async () => {
  others = await startOtherProviders();
  shared = await openTestDatabase('embedded');
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
afterAll(async () => {
  await others.stop();
  await shared.close();
});

async function open(settings: Record<string, string>, options: SceneOptions = {}): Promise<Scene> {
  scene = await openScene({ database: shared, ...options, settings });
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
    const ann = at.person();
    const { text, turn } = await ann.ask('Who are you?');
    expect(await ann.command('/model')).toContain('there is nothing to choose from');
    expect(await ann.command(`/model use ${FREE}`)).toContain('there is nothing to choose from');
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
      reasoning_effort: 'low',
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

describe('what one provider refuses', () => {
  const askedGemini = () => modelsAskedAt(others.gemini).length;

  test.for([
    ['a key', 'unauthorized', 'unauthorized'],
    ['a request too many this minute', 'rate-limited', 'rate_limited'],
    ['a request too many today', 'day-spent', 'free_day_spent'],
  ] as const)('%s: it rests, and nobody else does', async ([, name, failure]) => {
    const at = await open({ ...others.geminiSettings, GEMINI_FREE: 'true' });
    others.gemini.play({ kind: 'refusal', name });
    const ann = at.person();
    const first = await ann.ask('And you?');
    expect(first.turn.attempts).toMatchObject([
      { provider: 'gemini', failure, outcome: 'failed' },
      { provider: 'openrouter', modelAsked: FREE, outcome: 'answered' },
    ]);
    expect(first.turn.usage).toMatchObject([{ provider: 'openrouter' }]);
    const second = await ann.ask('And you again?');
    expect(second.turn.attempts).toMatchObject([
      { provider: 'openrouter', modelAsked: FREE, outcome: 'answered' },
    ]);
    expect(askedGemini()).toBe(1);
    const alerts = at.log.filter((line) => line.includes('an operator should look at this'));
    expect(alerts).toHaveLength(name === 'rate-limited' ? 0 : 1);
  });

  test('OpenRouter refusing its key leaves the others alone', async () => {
    const at = await open({
      ...others.geminiSettings,
      GEMINI_FREE: 'true',
      GPT_PROVIDER: 'openrouter',
      OPENROUTER_API_KEY: 'sk-or-v1-wrong',
    });
    const ann = at.person();
    const first = await ann.ask('And you?');
    expect(first.turn.attempts).toMatchObject([
      { provider: 'openrouter', failure: 'unauthorized', httpStatus: 401 },
      { provider: 'gemini', outcome: 'answered' },
    ]);
    expect((await ann.ask('And again?')).turn.attempts).toMatchObject([{ provider: 'gemini' }]);
  });

  test('an answer that is filtered for its content is asked of nobody else', async () => {
    const at = await open({ ...others.geminiSettings, GEMINI_FREE: 'true' });
    others.gemini.play({ kind: 'answer', text: '', finishReason: 'content_filter' });
    const { turn } = await at.person().ask('Say something bad.');
    expect(turn.attempts).toMatchObject([{ provider: 'gemini', failure: 'moderated' }]);
    expect(at.requests()).toEqual([]);
  });

  test('each provider has its try where several models of one fail', async () => {
    const at = await open({ ...others.settings, ...BOTH_FREE, GPT_PROVIDER: 'openrouter' });
    at.openrouter.play(DOWN, { times: 4 });
    others.gemini.play(DOWN);
    const { turn } = await at.person().ask('Is anybody there?');
    expect(turn.attempts.map(({ provider }) => provider)).toEqual([
      'openrouter',
      'openrouter',
      'gemini',
      'huggingface',
    ]);
    expect(turn.state).toBe('delivered');
  });
});

describe('an answer of another provider', () => {
  test('that breaks before its first word is given by the next one', async () => {
    const at = await open({ ...others.geminiSettings, GEMINI_FREE: 'true' });
    others.gemini.play({
      kind: 'answer',
      text: 'never',
      fault: { kind: 'cut', afterTokens: 0, how: 'reset' },
    });
    at.openrouter.play({ kind: 'answer', text: 'Here I am.' });
    const { turn, text } = await at.person().ask('Are you there?');
    expect(text).toBe('Here I am.');
    expect(turn.attempts).toMatchObject([
      { provider: 'gemini', failure: 'truncated' },
      { provider: 'openrouter' },
    ]);
  });

  test('that breaks after it stays, is marked, and counts by an estimate', async () => {
    const at = await open({ ...others.huggingFaceSettings, HF_FREE: 'true', GPT_PROVIDER: 'huggingface' });
    const fault = { kind: 'cut', afterTokens: 3, how: 'reset' } as const;
    others.huggingface.play({ kind: 'answer', text: 'one two three four five', fault });
    const { turn, text } = await at.person().ask('Count to five.');
    expect(turn.answer).toMatchObject({ text: 'one two three', partial: true });
    expect(text).toContain('one two three');
    expect(turn.attempts).toMatchObject([
      { provider: 'huggingface', outcome: 'partial', failure: 'truncated' },
    ]);
    expect(turn.usage).toMatchObject([{ provider: 'huggingface', source: 'estimated', costNanoUsd: 0 }]);
    expect(turn.usage[0]?.completionTokens).toBeGreaterThan(0);
    expect(at.requests()).toEqual([]);
  });
});

describe('a model that a person chose', () => {
  test('is OpenRouter’s and comes first; another provider steps in only where they allow it', async () => {
    const at = await open({ ...others.geminiSettings, GEMINI_FREE: 'true' });
    const ann = at.person();
    await until(async () => (await ann.command(`/model use ${FREE}`)).includes('From now on'));
    expect((await ann.ask('Which one are you?')).turn.attempts).toMatchObject([
      { provider: 'openrouter', modelAsked: FREE },
    ]);
    at.openrouter.play(DOWN, { times: 2 });
    expect((await ann.ask('And now?')).turn.attempts.map(({ provider }) => provider)).not.toContain('gemini');
    await ann.command('/preferences fallback:on');
    await ann.command(`/model use ${OTHER_FREE}`);
    at.openrouter.play(DOWN);
    const { turn } = await ann.ask('And now?');
    expect(turn.attempts).toMatchObject([
      { provider: 'openrouter', modelAsked: OTHER_FREE },
      { provider: 'gemini', outcome: 'answered' },
    ]);
  });

  test('by a guild’s list leaves out the providers whose model is not on it', async () => {
    const at = await open({ ...others.settings, ...BOTH_FREE });
    const ann = at.person();
    const chat = at.telegram.group({ members: [ann.user], admins: [ann.user] });
    const ask = async () => (await at.ask(chat, ann.user, '@parley_bot Who?')).turn.attempts;
    await until(async () =>
      (await at.command(chat, ann.user, `/settings models:${FREE}`)).includes(`only ${FREE}`),
    );
    expect(await ask()).toMatchObject([{ provider: 'openrouter', modelAsked: FREE }]);
    await at.command(chat, ann.user, '/settings models:google/*');
    expect(await ask()).toMatchObject([{ provider: 'gemini' }]);
    expect(modelsAskedAt(others.huggingface)).toEqual([]);
  });
});

describe('on Discord', () => {
  test('the next provider answers as well', async () => {
    const discord = await openDiscordScene({ settings: { ...others.geminiSettings, GEMINI_FREE: 'true' } });
    try {
      others.gemini.play({ kind: 'refusal', name: 'overloaded' });
      const { ann, channel } = discord.ownGuild();
      const { turn } = await discord.ask(channel, ann, 'Which one are you?');
      expect(turn.attempts).toMatchObject([
        { provider: 'gemini', failure: 'overloaded' },
        { provider: 'openrouter' },
      ]);
      expect(discord.discord.violations).toEqual([]);
    } finally {
      await discord.stop();
      others.gemini.reset();
    }
  });
});
