import type { UsageDivision, UsageSpan, UsageTotals } from '../usage/ports.ts';
import { lines, type Command } from './command.ts';
import { providerLines } from './provider-usage.ts';
import { tellBreakdown } from './usage-words.ts';

const SPANS: readonly UsageSpan[] = ['day', 'week', 'month'];
const DIVISIONS: readonly UsageDivision[] = ['conversation', 'model', 'provider'];

export const usage: Command = {
  spec: {
    name: 'usage',
    options: [
      { name: 'span', kind: 'text', required: false, choices: SPANS },
      { name: 'by', kind: 'text', required: false, choices: DIVISIONS },
    ],
    scope: 'any',
    requires: 'everyone',
    respond: 'deferPrivate',
  },
  async run({ invocation, options, services, say }) {
    const by = DIVISIONS.find((division) => division === options.by) ?? null;
    const named = SPANS.find((choice) => choice === options.span);
    const span = named ?? (by === null ? null : 'month');
    if (span !== null) {
      const { author, guild } = invocation;
      const breakdown = await services.usage.breakdownOf({ author, guild, span, by });
      return tellBreakdown(breakdown, span, say);
    }
    const report = await services.usage.usageOf(invocation.author, invocation.guild);
    const line = (label: string, totals: UsageTotals): string =>
      say({
        key: 'usage.line',
        params: {
          label,
          requests: totals.requests,
          tokens: totals.promptTokens + totals.completionTokens,
          costNanoUsd: Number(totals.costNanoUsd),
        },
      });
    const quotas = report.quotas.map(({ subject, metric, window, used, held, limit, resetsAtMs }) =>
      say({
        key: 'usage.limit',
        params: { subject, metric, window, limit, used: used + held, waitMs: resetsAtMs - services.now() },
      }),
    );
    return lines(
      say({ key: 'usage.title' }),
      `- ${line(say({ key: 'usage.today' }), report.today)}`,
      `- ${line(say({ key: 'usage.month' }), report.month)}`,
      ...providerLines(report.providers, say({ key: 'usage.providers' }), say),
      ...(quotas.length === 0 ? [] : ['', say({ key: 'usage.limits' }), ...quotas]),
    );
  },
};
