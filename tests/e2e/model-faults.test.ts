import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtInModels } from '../../src/simulator/built-in-models.ts';
import type { SimulatedModel } from '../../src/simulator/catalogue.ts';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { FAULTS_AFTER_TEXT, FAULTS_BEFORE_TEXT, refusal, type ModelFault } from '../support/model-faults.ts';
import { nanoUsd, openScene, PAID_SETTINGS, ROUTER, type Asked, type Scene } from '../support/scene.ts';

/**
 * Runs every fault in a turn of its own, through the whole bot, and writes down what came of it. `model-faults.md` is that
 * table: `npx vitest run tests/e2e/model-faults.test.ts -u` writes it anew, to be read before it is kept.
 */
const TIMERS = { MODEL_TIMEOUT_MS: '6000', FIRST_TOKEN_TIMEOUT_MS: '1000', IDLE_TOKEN_TIMEOUT_MS: '1000' };

/** Refusals that concern the whole account or the question: what the bot learns of them holds for other turns too. */
const REFUSALS: readonly ModelFault[] = [
  ['401, no such key', refusal('unknown-user'), 'unauthorized'],
  ['402, no credits', refusal('no-credits'), 'no_credits'],
  ['402, credits for a short answer', refusal('cannot-afford', { affordableTokens: 2666 }), 'cannot_afford'],
  ['402, credits for a few tokens', refusal('cannot-afford', { affordableTokens: 12 }), 'no_credits'],
  ['402, too much in flight', refusal('in-flight-budget', { retryAfter: 1 }), 'in_flight_budget'],
  ['403, the limit of the key', refusal('key-limit'), 'key_limit'],
  ['403, the budget of the workspace', refusal('workspace-budget'), 'key_limit'],
  ['403, moderation', refusal('moderation'), 'moderated'],
  ['403, a guardrail', refusal('guardrail'), 'moderated'],
  ['400, too long for the model', refusal('context-length'), 'context_too_long'],
  ['413', refusal('payload-too-large'), 'invalid_request'],
  ['422', refusal('invalid-argument'), 'invalid_request'],
  ['429, the free minute', refusal('free-per-minute', { retryAfter: 30 }), 'free_minute_spent'],
  ['429, the free day', refusal('free-per-day'), 'free_day_spent'],
];

interface Case {
  readonly when: 'before the first text' | 'after it';
  readonly fault: ModelFault;
  /** Asked by this turn alone, so that no case teaches the bot anything about another one's model. */
  readonly model: string;
  readonly holdsForAll: boolean;
}

const casesFor = (suffix: string): readonly Case[] =>
  [
    ...FAULTS_BEFORE_TEXT.map(
      (fault) => ({ when: 'before the first text', fault, holdsForAll: false }) as const,
    ),
    ...REFUSALS.map((fault) => ({ when: 'before the first text', fault, holdsForAll: true }) as const),
    ...FAULTS_AFTER_TEXT.map((fault) => ({ when: 'after it', fault, holdsForAll: false }) as const),
  ].map((one, index) => ({ ...one, model: `faults/model-${index}${suffix}` }));

const MODES = [
  {
    name: 'free only',
    cases: casesFor(':free'),
    pricing: { prompt: '0', completion: '0' },
    settings: TIMERS,
    /** Nano-USD that a turn may be billed where nobody told what it took. */
    most: 0,
  },
  {
    name: 'paid allowed',
    cases: casesFor(''),
    pricing: { prompt: '0.000001', completion: '0.000002' },
    settings: { ...TIMERS, ...PAID_SETTINGS },
    // 20,000 tokens of an answer, and the prompts.
    most: 41_000_000,
  },
] as const;

const rows: string[] = [];

describe.each(MODES)('$name', ({ name, cases, pricing, settings, most }) => {
  let scene: Scene;
  beforeAll(async () => {
    const models: readonly SimulatedModel[] = [
      ...builtInModels,
      ...cases.map(({ model }) => ({ id: model, pricing })),
    ];
    const script = (): Scenario => ({ kind: 'answer', text: 'Here I am.' });
    scene = await openScene({ settings, openrouter: { models, script } });
  });
  afterAll(async () => {
    expect(await scene.records.holds()).toBe(0);
    expect(await scene.records.wrongCounters()).toEqual([]);
    await scene.stop();
  });

  test.for(cases.map((one) => [`${one.fault[0]}, ${one.when}`, one] as const))(
    '%s: the person gets one answer or one reason, and no less is booked than was billed',
    async ([, { when, fault, model, holdsForAll }]) => {
      const [fault0, scenario, failure] = fault;
      const ann = scene.person();
      await ann.command(`/model use ${model}`);
      await ann.command('/preferences fallback:on');
      const before = scene.openrouter.calls.length;
      scene.openrouter.play(scenario, { model });
      const asked = await ann.ask('Hello?');

      expect(asked.turn.attempts[0]).toMatchObject({ modelAsked: model, failure });
      expect(asked.reply).toHaveLength(1);
      const billed = asked.turn.usage.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0);
      const upstream = scene.openrouter.calls
        .slice(before)
        .reduce((sum, { usage }) => sum + (usage === undefined ? 0 : nanoUsd(usage.cost)), 0);
      // A call that is cut off tells no usage: what the provider tells a moment later is booked, else all that was held.
      expect(billed).toBeGreaterThanOrEqual(upstream);
      const isTold = asked.turn.usage.every(({ source }) => source === 'reported');
      expect(billed).toBeLessThanOrEqual(isTold ? upstream : most);
      rows.push(row([fault0, when, name, ...outcomeOf(asked, model), `$${(billed / 1e9).toFixed(9)}`]));
      if (holdsForAll) await scene.restart(settings);
    },
  );
});

test('the table of faults says what came of each', async () => {
  const head = ['fault', 'when', 'models', 'the person saw', 'answered by', 'attempts', 'billed'];
  const table = [row(head), row(head.map(() => '---')), ...rows].join('\n');
  await expect(`${table}\n`).toMatchFileSnapshot('model-faults.md');
});

function outcomeOf({ text, turn }: Asked, model: string): readonly string[] {
  const seen = text
    .replaceAll(/E-[\dA-F]{8}/gu, 'E-…')
    .replaceAll(/\b\d+ (?:seconds?|minutes?|hours?)/gu, 'some time')
    .replaceAll(model, 'the chosen model');
  const attempts = turn.attempts.map(
    ({ modelAsked, outcome, failure }) =>
      `${modelAsked === model ? 'chosen' : modelAsked}: ${failure ?? outcome}`,
  );
  const used = turn.answer?.model ?? null;
  const isRouted = turn.attempts.at(-1)?.modelAsked === ROUTER;
  const isChosen = used === null || used.startsWith(model.replace(':free', ''));
  const answeredBy = isChosen ? 'the chosen one' : isRouted ? 'a free one' : (used ?? '');
  return [seen, used === null ? 'nobody' : answeredBy, attempts.join(', ')];
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ⏎ ')).join(' | ')} |`;
