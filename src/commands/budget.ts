import { isOperator } from '../conversation/access.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import type { Notice } from '../i18n/translate.ts';
import type { BudgetChange, BudgetInForce } from '../limits/budget-desk.ts';
import { forecast } from '../limits/forecast.ts';
import type { CommandSpec } from '../platform/command.ts';
import type { Guild } from '../platform/message.ts';
import { lines, type Command, type CommandServices, type CommandUse } from './command.ts';
import { onRecord } from './denied.ts';

const NANO_USD = 1_000_000_000;
const MOST_USD = 1_000_000;

const spec = (subcommand: string, options: CommandSpec['options'] = []): CommandSpec => ({
  name: 'budget',
  subcommand,
  options,
  scope: 'any',
  requires: 'guild_admin',
  respond: 'deferPrivate',
});

/** What a guild has spent, and may; in private, operators see the instance's. */
export const budgetShow: Command = {
  spec: spec('show'),
  async run({ invocation, services, say }) {
    const { guild, author } = invocation;
    if (guild === null && !isOperator(services.access, author.id)) return say({ key: 'budget.guild_only' });
    return await describe(guild, services, say);
  },
};

const SET = spec('set', [
  { name: 'daily', kind: 'text', required: false },
  { name: 'monthly', kind: 'text', required: false },
]);

export const budgetSet: Command = {
  spec: SET,
  ...onRecord(SET),
  async run({ invocation, options, services, say }) {
    const { guild } = invocation;
    if (guild === null) return say({ key: 'budget.guild_only' });
    const daily = readAmount(options['daily']);
    const monthly = readAmount(options['monthly']);
    if (daily === 'wrong' || monthly === 'wrong') {
      const option = daily === 'wrong' ? 'daily' : 'monthly';
      return say({ key: 'budget.wrong', params: { option, most: MOST_USD } });
    }
    if (daily === undefined && monthly === undefined) return say({ key: 'budget.nothing' });
    const change: BudgetChange = {
      ...(daily !== undefined && { day: daily }),
      ...(monthly !== undefined && { month: monthly }),
    };
    await services.budgets.set({ ...invocation, guild }, change);
    return lines(say({ key: 'budget.set' }), await describe(guild, services, say));
  },
};

const CLEAR = spec('clear');

export const budgetClear: Command = {
  spec: CLEAR,
  ...onRecord(CLEAR),
  async run({ invocation, services, say }) {
    const { guild } = invocation;
    if (guild === null) return say({ key: 'budget.guild_only' });
    await services.budgets.set({ ...invocation, guild }, { day: null, month: null });
    return lines(say({ key: 'budget.cleared' }), await describe(guild, services, say));
  },
};

async function describe(
  guild: Guild | null,
  { budgets, now }: CommandServices,
  say: CommandUse['say'],
): Promise<string> {
  const windows = await budgets.show(guild?.id ?? null);
  return lines(
    say({ key: 'budget.title', params: { guild: guild === null ? '' : escapeMarkdown(guild.name) } }),
    ...windows.map((window) => `- ${describeWindow(window, now(), say)}`),
    '',
    ...(windows.some(({ limitNanoUsd }) => limitNanoUsd !== null) ? [say({ key: 'budget.ladder' })] : []),
    say({ key: guild === null ? 'budget.settings' : 'budget.how' }),
  );
}

function describeWindow(budget: BudgetInForce, nowMs: number, say: CommandUse['say']): string {
  const { window, limitNanoUsd, ownNanoUsd, spentNanoUsd, heldNanoUsd, resetsAtMs, told } = budget;
  const line = { window, limitNanoUsd: limitNanoUsd ?? -1, spentNanoUsd, heldNanoUsd };
  const atTheEnd = forecast(budget, nowMs);
  const isOver = Number(atTheEnd !== null && limitNanoUsd !== null && atTheEnd > limitNanoUsd);
  const facts: Notice[] = [{ key: 'budget.resets', params: { waitMs: resetsAtMs - nowMs } }];
  if (limitNanoUsd !== null && limitNanoUsd !== ownNanoUsd) facts.push({ key: 'budget.by_operator' });
  if (spentNanoUsd > 0) {
    facts.push(
      atTheEnd === null
        ? { key: 'budget.too_early' }
        : { key: 'budget.forecast', params: { nanoUsd: atTheEnd, isOver } },
    );
  }
  if (told.length > 0) {
    const thresholds = told.map((threshold) => `${threshold} %`).join(', ');
    facts.push({ key: 'budget.told', params: { thresholds } });
  }
  return [say({ key: 'budget.line', params: line }), ...facts.map(say)].join(' · ');
}

/** Nano-USD; null for `none`, undefined where nothing is written. */
function readAmount(written: string | number | boolean | undefined): number | null | undefined | 'wrong' {
  if (written === undefined) return undefined;
  const text = String(written).toLowerCase().replace(/^\$/u, '').replace(',', '.');
  if (text === 'none') return null;
  const usd = /^\d{1,7}(?:\.\d{1,6})?$/u.test(text) ? Number(text) : Number.NaN;
  return usd <= MOST_USD ? Math.round(usd * NANO_USD) : 'wrong';
}
