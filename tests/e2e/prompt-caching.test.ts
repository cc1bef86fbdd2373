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
import { startBot, startOutside } from '../support/bot.ts';
import { anyKinds, openTestDatabase } from '../support/database.ts';
import { openDiscordScene } from '../support/discord-scene.ts';
import {
  nanoUsd,
  openScene,
  PAID,
  PAID_SETTINGS,
  requestsTo,
  type ModelRequest,
  type Person,
  type Scene,
} from '../support/scene.ts';

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
/** Nano-USD: what a token costs less when it is read from the cache, and more when it is written to it. */
const GAINS: Record<string, { readonly less: number; readonly more: number }> = {
  [TOLD.id]: { less: 2700, more: 750 },
  [PAID]: { less: 90, more: 0 },
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
    expectSteadyBeginnings(scene.requests());
    await expectTold(ours);
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

  /** What `/cache` says is what the model service reported, in both languages. */
  async function expectTold(calls: readonly SimulatedCall[]): Promise<void> {
    const { cached, written, prompt } = sumsOf(calls);
    const { less = Number.NaN, more = Number.NaN } = GAINS[model] ?? {};
    const savedNanoUsd = cached * less - written * more;
    const saved = savedNanoUsd / 1e9;
    const told = await ann.command('/cache');
    expect(told).toContain(`${2 * TURNS} messages`);
    const count = (locale: string, value: number) => value.toLocaleString(locale);
    const rate = Math.round((100 * cached) / prompt);
    expect(told).toContain(`${count('en', cached)} of ${count('en', prompt)} tokens read from the cache`);
    expect(told).toContain(`hit rate of ${rate}%`);
    expect(Number(/\$([\d.]+) saved/u.exec(told)?.[1])).toBeCloseTo(saved, 3);
    const [kept] = await scene.database.sql<{ saved: string }[]>`
      select saved_nano_usd::text as saved from conversations where cached_tokens > 0`;
    // Each attempt's is rounded down.
    expect(Math.abs(Number(kept?.saved) - savedNanoUsd)).toBeLessThanOrEqual(TURNS);
  }

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
        ownKey: null,
        endUser: 'somebody',
        sessionId: 'a window that slides',
      };
      const call = modelCall(
        request,
        [{ provider: 'openrouter', id: model, isFree: false, listed }],
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

/**
 * One turn's prompt is what the next one's begins with, to the letter, but where the history begins elsewhere, which is seldom;
 * and nothing in it is of the moment.
 */
function expectSteadyBeginnings(requests: readonly ModelRequest[]): void {
  expect(new Set(requests.map(({ call }) => (call.body as { session_id?: string }).session_id)).size).toBe(1);
  const prompts = requests.map(({ messages }) => messages.map(readable));
  const moved = prompts.slice(1).filter((prompt, place) => {
    const before = prompts[place] ?? [];
    return JSON.stringify(prompt.slice(0, before.length)) !== JSON.stringify(before);
  });
  // Of 20 messages 10 go at a time: with each fifth turn.
  expect(moved.length).toBeLessThanOrEqual(TURNS / 5);
}

/** What a model reads of a message, with or without a breakpoint behind it. */
function readable({ role, content }: { readonly role: string; readonly content: unknown }): string {
  const parts = typeof content === 'string' ? [{ text: content }] : (content as { readonly text: string }[]);
  return `${role}: ${parts.map(({ text }) => text).join('')}`;
}

function sumsOf(calls: readonly SimulatedCall[]) {
  const sums = { prompt: 0, cached: 0, written: 0 };
  for (const { usage } of calls) {
    sums.prompt += usage?.prompt_tokens ?? Number.NaN;
    sums.cached += usage?.prompt_tokens_details.cached_tokens ?? Number.NaN;
    sums.written += usage?.prompt_tokens_details.cache_write_tokens ?? Number.NaN;
  }
  return sums;
}

/** Which share of the tokens that were sent came from the cache. */
function shareOf(calls: readonly SimulatedCall[]): number {
  const { cached, prompt } = sumsOf(calls);
  return cached / prompt;
}

function costOf(calls: readonly SimulatedCall[]): number {
  return calls.reduce((total, { usage }) => total + nanoUsd(usage?.cost), 0) / 1e9;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Free, although its family is one that is told what to keep. */
const FREE_OF_TOLD: SimulatedModel = {
  id: 'anthropic/claude-haiku-4.5:free',
  pricing: { prompt: '0', completion: '0', input_cache_read: '0', input_cache_write: '0' },
};

describe.each(anyKinds)('what a model is told to keep', (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({
      database: kind,
      openrouter: { models: [...builtInModels, TOLD, FREE_OF_TOLD] },
    });
  });
  afterAll(async () => {
    expect(await scene.records.wrongCounters()).toEqual([]);
    await scene.stop();
  });

  const paid = { ...PAID_SETTINGS, DEFAULT_MODEL: TOLD.id };
  test.each([
    {
      title: 'is nothing where it is free, whatever is set',
      settings: { DEFAULT_MODEL: FREE_OF_TOLD.id, CACHE_CONTROL_STRATEGY: 'history', CACHE_MIN_TOKENS: '0' },
      marked: [0, 0, 0],
    },
    { title: 'is the conversation, once it is long enough', settings: paid, marked: [0, 1, 2] },
    {
      title: 'is nothing where that is switched off',
      settings: { ...paid, PROMPT_CACHING_ENABLED: 'false' },
      marked: [0, 0, 0],
    },
    {
      title: 'is nothing where no strategy is wanted',
      settings: { ...paid, CACHE_CONTROL_STRATEGY: 'off' },
      marked: [0, 0, 0],
    },
    {
      title: 'is no less than the operator wants',
      settings: { ...paid, CACHE_MIN_TOKENS: '1700' },
      marked: [0, 0, 1],
    },
  ])('$title', async ({ settings, marked }) => {
    await scene.restart(settings);
    const ann = scene.person();
    const from = scene.requests().length;
    for (const turn of [1, 2, 3]) await ann.ask(words(turn, 2900));
    const bodies = scene
      .requests()
      .slice(from)
      .map(({ model, call }) => ({ model, text: JSON.stringify(call.body) }));
    expect(bodies.map(({ model }) => model)).toEqual(marked.map(() => settings.DEFAULT_MODEL));
    expect(bodies.map(({ text }) => text.split('cache_control').length - 1)).toEqual(marked);
  });
});

describe('/cache', () => {
  test('says on Telegram that nothing has begun, in the language of the person', async () => {
    const scene = await openScene();
    const [ann, budi] = [scene.person(), scene.person({ languageCode: 'id' })];
    expect(await ann.command('/cache')).toContain('There is no conversation here yet.');
    expect(await budi.command('/cache')).toContain('Belum ada percakapan di sini.');
    await budi.ask('Apa itu teh?');
    const told = await budi.command('/cache');
    expect(told).toContain('2 pesan');
    expect(told).toMatch(/0 dari \d+ token dibaca dari cache: tingkat cache hit 0%/u);
    await budi.command('/new');
    expect(await budi.command('/cache')).toContain('Belum ada percakapan di sini.');
    await scene.stop();
  });

  test('answers on Discord to the person alone, for the chain in which they asked last', async () => {
    const scene = await openDiscordScene({ settings: PAID_SETTINGS });
    const { ann, channel } = scene.ownGuild();
    expect((await scene.slash(channel, ann, 'cache')).content).toContain(
      'There is no conversation here yet.',
    );
    const { reply } = await scene.ask(channel, ann, words(1, 1700));
    await scene.ask(channel, ann, words(2, 1700), { replyTo: reply.at(-1)?.id ?? '' });
    const told = await scene.slash(channel, ann, 'cache');
    expect(told.content).toContain('4 messages');
    expect(channel.ephemeral(ann).map(({ id }) => id)).toContain(told.id);
    expect(scene.discord.violations).toEqual([]);
    await scene.stop();
  });

  test('answers in the terminal', async () => {
    const outside = await startOutside();
    const { TELEGRAM_BOT_TOKEN: _token, ...environment } = outside.environment;
    const database = await openTestDatabase('embedded');
    const bot = await startBot({ ...environment, LANG: 'en_US.UTF-8' }, { database });
    bot.type('/cache');
    bot.type('What is tea?');
    bot.type('/cache');
    bot.endInput();
    await bot.ended;
    expect(bot.screen()).toContain('There is no conversation here yet.');
    expect(requestsTo(outside.openrouter)).toHaveLength(1);
    expect(bot.screen()).toMatch(/Caching in this conversation/u);
    await bot.stop();
    await database.close();
    await outside.stop();
  });
});
