import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModelList } from '../../src/completion/catalogue-model.ts';
import type { PromptMessage } from '../../src/completion/completion.ts';
import { modelCall } from '../../src/completion/model-call.ts';
import { createOpenRouterClient } from '../../src/completion/openrouter.ts';
import { SYSTEM_PROMPT } from '../../src/conversation/prompt.ts';
import { estimateTokens } from '../../src/conversation/tokens.ts';
import { builtInModels } from '../../src/simulator/built-in-models.ts';
import type { SimulatedModel } from '../../src/simulator/catalogue.ts';
import type { SimulatedCall } from '../../src/simulator/state.ts';
import { nanoUsd, openScene, PAID, PAID_SETTINGS, type Person, type Scene } from '../support/scene.ts';

const TURNS = 60;
/** What a history holds by default. */
const LIMITS = { maxTokens: 6000, maxMessages: 20 };

/** Keeps beginnings of 1024 tokens and more, where it is told to. */
const TOLD: SimulatedModel = {
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

/** A text that is different each time. */
const words = (turn: number, characters: number): string => {
  const sentence = `Nothing of what was said before, as number ${turn} says. `;
  return sentence
    .repeat(Math.ceil(characters / sentence.length))
    .slice(0, characters)
    .trim();
};

describe.each([
  { title: 'that is told what to keep', model: TOLD.id },
  { title: 'that keeps by itself', model: PAID },
])('a long conversation with a model $title', ({ model }) => {
  let scene: Scene;
  let ann: Person;
  beforeAll(async () => {
    let answers = 0;
    scene = await openScene({
      openrouter: {
        models: [...builtInModels, TOLD],
        script: () => ({ kind: 'answer', text: words((answers += 1), 900) }),
      },
      settings: {
        ...PAID_SETTINGS,
        DEFAULT_MODEL: model,
        DEFAULT_USER_REQUESTS_PER_DAY: '1000',
        USER_RATE_LIMIT_PER_MINUTE: '1000',
      },
    });
    ann = scene.person();
  });
  afterAll(async () => {
    expect(scene.telegram.violations).toEqual([]);
    await scene.stop();
  });

  test('is read from the cache for the most part, which a window that slides is not', async () => {
    const said: PromptMessage[] = [];
    for (let turn = 1; turn <= TURNS; turn += 1) {
      const question = words(turn, 240);
      const { text } = await ann.ask(question);
      said.push({ role: 'user', content: question }, { role: 'assistant', content: text });
    }
    const ours = scene.requests().map(({ call }) => call);
    expect(ours).toHaveLength(TURNS);
    await askSliding(said);
    const sliding = scene
      .requests()
      .slice(TURNS)
      .map(({ call }) => call);
    expect(sliding).toHaveLength(TURNS);
    console.info(
      `${model}: ${percent(shareOf(ours))} of the prompts cached, for ${costOf(ours)} $;`,
      `with a sliding window ${percent(shareOf(sliding))}, for ${costOf(sliding)} $`,
    );
    expect(shareOf(ours)).toBeGreaterThanOrEqual(0.7);
    expect(shareOf(ours)).toBeGreaterThan(shareOf(sliding));
    expect(costOf(ours)).toBeLessThan(costOf(sliding));
  }, 120_000);

  /** Says the same as the conversation did, each time with as much of it as fits. */
  async function askSliding(said: readonly PromptMessage[]): Promise<void> {
    const list = readModelList(await (await fetch(`${scene.openrouter.url}/models`)).json());
    const listed = list?.find(({ id }) => id === model) ?? null;
    const client = createOpenRouterClient({
      apiKey: 'sk-or-v1-simulated',
      baseUrl: scene.openrouter.url,
      appUrl: null,
      appName: 'test',
      now: Date.now,
    });
    const timers = {
      modelTimeoutMs: 60_000,
      firstTokenTimeoutMs: 60_000,
      idleTokenTimeoutMs: 60_000,
      answerMaxMs: 60_000,
    };
    for (let turn = 0; turn < TURNS; turn += 1) {
      const request = {
        messages: [
          { role: 'system' as const, content: SYSTEM_PROMPT },
          ...newestOf(said.slice(0, 2 * turn + 1)),
        ],
        maxTokens: 1000,
        temperature: 0.7,
        preferredModel: null,
        isStrict: true,
        allowedModels: null,
        endUser: 'somebody',
        sessionId: 'a window that slides',
      };
      const call = modelCall(
        request,
        { id: model, isFree: false, listed },
        { timers, caching: { strategy: 'auto', minTokens: 1024 } },
        { remainingMs: 60_000, mustShare: false },
      );
      const sink = { onGeneration: () => undefined, onFirstToken: () => undefined, onText: () => undefined };
      const end = await client.run(call, sink, new AbortController().signal);
      expect(end.kind).toBe('ended');
    }
  }
});

function newestOf(said: readonly PromptMessage[]): readonly PromptMessage[] {
  let tokens = 0;
  const fitting = said.toReversed().filter(({ content }, place) => {
    tokens += estimateTokens(content);
    return place < LIMITS.maxMessages && tokens <= LIMITS.maxTokens;
  });
  return fitting.toReversed();
}

/** Which share of the tokens that were sent came from the cache. */
function shareOf(calls: readonly SimulatedCall[]): number {
  const usages = calls.map(({ usage }) => usage);
  const sum = (tokens: readonly (number | undefined)[]) =>
    tokens.reduce<number>((total, each) => total + (each ?? Number.NaN), 0);
  return (
    sum(usages.map((usage) => usage?.prompt_tokens_details.cached_tokens)) /
    sum(usages.map((usage) => usage?.prompt_tokens))
  );
}

function costOf(calls: readonly SimulatedCall[]): number {
  return calls.reduce((total, { usage }) => total + nanoUsd(usage?.cost), 0) / 1e9;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
