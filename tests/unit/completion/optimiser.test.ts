import { expect, test } from 'vitest';
import type { BudgetStanding } from '../../../src/completion/budget.ts';
import { chooseTier, complexityOf, type Tier } from '../../../src/completion/optimiser.ts';

const budget = (usedNanoUsd: number, limitNanoUsd = 100): BudgetStanding => ({
  subject: 'guild',
  window: 'month',
  limitNanoUsd,
  usedNanoUsd,
  resetsAtMs: 0,
});
const occasion = { budget: null, plan: 'free', complexity: 0.4, optimises: true } as const;

test.for<[string, Partial<Parameters<typeof chooseTier>[0]>, Tier]>([
  ['an easy question, free plan', { complexity: 0.1 }, 'cheap'],
  ['a question of middle difficulty, free plan', { complexity: 0.3 }, 'balanced'],
  ['a hard question, free plan', { complexity: 0.6 }, 'strong'],
  ['a question of middle difficulty, paid plan', { plan: 'paid' }, 'strong'],
  ['an easy question, paid plan', { plan: 'paid', complexity: 0.1 }, 'cheap'],
  ['an easy question, first in the queue', { plan: 'first', complexity: 0.1 }, 'balanced'],
  [
    'a question of middle difficulty, half of the budget used',
    { budget: budget(50), complexity: 0.3 },
    'cheap',
  ],
  ['a hard question, half of the budget used', { budget: budget(50), complexity: 0.75 }, 'strong'],
  [
    'who has not said, while there is money',
    { complexity: 0, optimises: null, budget: budget(49) },
    'strong',
  ],
  ['who has not said, half used', { complexity: 0, optimises: null, budget: budget(50) }, 'cheap'],
  ['who does not optimise', { complexity: 0, optimises: false }, 'strong'],
  ['who does not optimise, half used', { complexity: 0, optimises: false, budget: budget(79) }, 'strong'],
  ['80 % used, however hard', { complexity: 1, optimises: false, budget: budget(80) }, 'cheap'],
  ['all used, however good the plan', { complexity: 1, plan: 'first', budget: budget(100) }, 'free'],
  ['more than all used', { budget: budget(130) }, 'free'],
  ['a budget of nothing', { budget: budget(0, 0) }, 'free'],
])('%s', ([, given, tier]) => {
  expect(chooseTier({ ...occasion, ...given })).toBe(tier);
});

test.for<[string, string, number, number]>([
  ['nothing', '', 0, 0],
  ['a greeting', 'hi', 0, 0.05],
  ['a simple question', 'What is the capital of France?', 0, 0.1],
  ['a simple question in Indonesian', 'Apa ibu kota Prancis?', 0, 0.1],
  ['a question for reasons', 'Why is the sky blue?', 0.25, 0.3],
  ['the same in Indonesian', 'Mengapa langit berwarna biru?', 0.25, 0.3],
  ['code', 'What does this do?\n```ts\nconst a = f(1);\n```', 0.3, 0.4],
  ['a formula', 'Solve x^2 = 4 for x', 0.2, 0.3],
  ['several questions', 'Who was it? When was it? Where?', 0.2, 0.3],
  ['a long text', 'word '.repeat(300), 0.4, 0.4],
  ['a long text in Chinese', '问题很多'.repeat(100), 0.4, 0.4],
  ['a long question about code for reasons', `Explain and compare: ${'text '.repeat(200)}\n\`a()\``, 0.9, 1],
  ['everything at once', `Why? How? Prove: x^2=4 \`f()\` ${'explain design '.repeat(200)}`, 1, 1],
])('%s asks so much of a model', ([, text, least, most]) => {
  expect(complexityOf(text)).toBeGreaterThanOrEqual(least);
  expect(complexityOf(text)).toBeLessThanOrEqual(most);
});

test.for<[string, string]>([
  ['backticks', '`'.repeat(200_000)],
  ['one long word', 'a'.repeat(200_000)],
  ['brackets', '(a'.repeat(100_000)],
  ['words of code', 'function '.repeat(25_000)],
  ['blanks between digits', `1${' '.repeat(200_000)}1`],
  ['semicolons and blanks', ';   '.repeat(50_000)],
  // Squared, it would be minutes.
])('%s without end are read once and not again and again', ([, hostile]) => {
  expect(complexityOf(hostile)).toBe(complexityOf(hostile));
});
