import type { UsageTotals } from '../usage/ports.ts';
import { lines, type Command } from './command.ts';
import { providerLines } from './provider-usage.ts';

export const usage: Command = {
  spec: { name: 'usage', options: [], scope: 'any', requires: 'everyone', respond: 'deferPrivate' },
  async run({ invocation, services, say }) {
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
