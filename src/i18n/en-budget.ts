import { formatDuration, formatUsd } from './duration.ts';

const wait = (waitMs: number): string => formatDuration('en', waitMs);
const usd = (nanoUsd: number): string => formatUsd('en', nanoUsd);

const WINDOWS: Record<string, string> = { hour: 'hourly', day: 'daily', month: 'monthly' };
const SUBJECTS: Record<string, string> = {
  user: 'Your',
  member: 'Your',
  channel: 'This channel’s',
  guild: 'This community’s',
  instance: 'My',
};
const whose = (p: { subject: string; window: string }): string =>
  `${SUBJECTS[p.subject] ?? 'The'} ${WINDOWS[p.window] ?? p.window} budget`;
/** What the operator spends is nobody else's business. */
const amount = (p: { subject: string; limitNanoUsd: number }): string =>
  p.subject === 'instance' ? '' : ` of ${usd(p.limitNanoUsd)}`;

/** Budgets: how they are spent, what they leave to answers, and what is said about that. */
export const enBudget = {
  'command.budget.description': () => 'What this community spends, and how much it may',
  'command.budget.show.description': () => 'What is spent, held and left, and where that leads to',
  'command.budget.set.description': () => 'Limit what is spent in a day or a month, in US dollars',
  'command.budget.clear.description': () => 'Remove the budget',
  'option.daily': () => 'US dollars a day, or none',
  'option.monthly': () => 'US dollars a month, or none',
  'option.optimise': () => 'cheaper models for easy questions',

  'failure.budget_spent': (p: { subject: string; window: string; limitNanoUsd: number; waitMs: number }) =>
    p.limitNanoUsd === 0
      ? `${whose(p)} allows free models only, and none was free to answer.`
      : `${whose(p)}${amount(p)} is used up, and no free model could answer in place of a paid one. It starts again in ${wait(p.waitMs)}.`,
  'failure.budget_chosen': (p: {
    subject: string;
    window: string;
    limitNanoUsd: number;
    waitMs: number;
    model: string;
  }) =>
    `Your model \`${p.model}\` costs money, and ${p.limitNanoUsd === 0 ? `${lower(whose(p))} allows free models only` : `what is left of ${lower(whose(p))}${amount(p)} does not pay for it. It starts again in ${wait(p.waitMs)}`}. With \`/preferences fallback:on\` another one may answer in its place.`,
  'remark.cheaper': (p: { subject: string; window: string; percent: number }) =>
    p.percent < 0
      ? `💰 *${whose(p)} is nearly used up: a cheaper model answered.*`
      : `💰 *${p.percent} % of ${lower(whose(p))} is used: a cheaper model answered.*`,
  'remark.free': (p: { subject: string; window: string }) =>
    `💰 *${whose(p)} is used up: a free model answered.*`,
  'remark.alert': (p: { subject: string; window: string; threshold: number; limitNanoUsd: number }) =>
    p.threshold >= 100
      ? `⚠️ *${whose(p)}${amount(p)} is used up. Free models answer until it starts again.*`
      : `⚠️ *${p.threshold} % of ${lower(whose(p))}${amount(p)} is spent.*`,

  'preferences.optimise': (p: { optimises: number }) =>
    p.optimises < 0
      ? 'Cheaper models for easy questions: once half of a budget is spent'
      : `Cheaper models for easy questions: ${p.optimises === 1 ? '**yes**' : '**no**, whatever a question needs'}`,

  'stats.spared': (p: { nanoUsd: number }) =>
    p.nanoUsd < 0
      ? `Other models cost ${usd(-p.nanoUsd)} more than my strong one would have.`
      : `Cheaper models saved ${usd(p.nanoUsd)} compared with my strong one.`,
  'why.spared': (p: { nanoUsd: number; against: string }) =>
    p.nanoUsd < 0
      ? `Compared with \`${p.against}\`: ${usd(-p.nanoUsd)} more`
      : `Saved: ${usd(p.nanoUsd)} compared with \`${p.against}\``,

  'budget.title': (p: { guild: string }) => (p.guild === '' ? '**My budget**' : `**Budget of ${p.guild}**`),
  'budget.line': (p: { window: string; limitNanoUsd: number; spentNanoUsd: number; heldNanoUsd: number }) =>
    [
      `${p.window === 'day' ? 'Today' : 'This month'}: ${usd(p.spentNanoUsd)} spent`,
      p.heldNanoUsd > 0 ? `, ${usd(p.heldNanoUsd)} held for answers that are being written` : '',
      p.limitNanoUsd < 0
        ? '; no limit'
        : p.limitNanoUsd === 0
          ? '; free models only'
          : ` of ${usd(p.limitNanoUsd)}, ${usd(Math.max(0, p.limitNanoUsd - p.spentNanoUsd - p.heldNanoUsd))} left`,
    ].join(''),
  'budget.resets': (p: { waitMs: number }) => `starts again in ${wait(p.waitMs)}`,
  'budget.forecast': (p: { nanoUsd: number; isOver: number }) =>
    `at this pace ${usd(p.nanoUsd)} in the end${p.isOver === 1 ? ', **more than the budget**' : ''}`,
  'budget.too_early': () => 'too early for a forecast: that takes three hours of use',
  'budget.by_operator': () => 'limited by my operator',
  'budget.told': (p: { thresholds: string }) => `told so far: ${p.thresholds}`,
  'budget.ladder': () =>
    'From 80 % on cheaper models answer first, and free ones when it is used up. Nothing is ever spent beyond it.',
  'budget.how': () =>
    'Set it with `/budget set daily:5 monthly:50` in US dollars: `0` allows free models only, `none` removes it. `/budget clear` removes both.',
  'budget.set': () => 'Done. From now on:',
  'budget.cleared': () => 'The budget is removed.',
  'budget.nothing': () =>
    'Tell me at least one of them, for example `/budget set daily:5` or `/budget set monthly:50`.',
  'budget.wrong': (p: { option: string; most: number }) =>
    `\`${p.option}\` is an amount in US dollars such as 5 or 0.50, at most ${p.most}; \`0\` allows free models only, \`none\` removes it. Nothing was changed.`,
  'budget.guild_only': () =>
    'Budgets belong to communities: use this in one that you manage. For yourself there is `/limits`.',
  'budget.settings': () =>
    'My own budget is set by `DAILY_BUDGET_USD` and `MONTHLY_BUDGET_USD`; `/quota set cost day 5 subject:instance` replaces one of them while it stands.',
} as const;

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
