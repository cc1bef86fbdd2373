import type { StatsReport } from '../usage/ports.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import { lines, type Command, type CommandUse } from './command.ts';
import { providerLines } from './provider-usage.ts';

const USUAL_DAYS = 30;
const MOST_DAYS = 90;

export const stats: Command = {
  spec: {
    name: 'stats',
    options: [{ name: 'days', kind: 'integer', required: false }],
    scope: 'any',
    requires: 'guild_admin',
    respond: 'deferPrivate',
  },
  async run({ invocation, options, services, say }) {
    const days = typeof options.days === 'number' ? options.days : USUAL_DAYS;
    if (days < 1 || days > MOST_DAYS) {
      return lines(
        say({
          key: 'command.option_invalid',
          params: { command: 'stats', option: 'days', allowed: `1–${MOST_DAYS}` },
        }),
      );
    }
    const report = await services.usage.statsOf(invocation.author, invocation.guild, days);
    const guild = invocation.guild === null ? '' : escapeMarkdown(invocation.guild.name);
    const spared = Number(await services.budgets.spared(invocation.author, invocation.guild, days));
    return lines(
      say({ key: 'stats.title', params: { days, guild } }),
      ...describe(report, say),
      ...(spared === 0 ? [] : ['', say({ key: 'stats.spared', params: { nanoUsd: spared } })]),
    );
  },
};

function describe(report: StatsReport, say: CommandUse['say']): string[] {
  const { totals, answered, failed, users, models, providers, topUsers } = report;
  if (answered + failed === 0) return [say({ key: 'stats.none' })];
  const tokens = totals.promptTokens + totals.completionTokens;
  const costNanoUsd = Number(totals.costNanoUsd);
  return [
    `- ${say({ key: 'stats.totals', params: { requests: totals.requests, tokens, costNanoUsd, users } })}`,
    `- ${say({ key: 'stats.outcomes', params: { answered, failed } })}`,
    '',
    say({ key: 'stats.models' }),
    ...models.map((model) =>
      say({
        key: 'stats.model',
        params: {
          model: model.model,
          provider: model.provider,
          requests: model.requests,
          failures: model.failures,
          tokens: model.promptTokens + model.completionTokens,
          costNanoUsd: Number(model.costNanoUsd),
          firstTokenMs: model.meanFirstTokenMs ?? -1,
        },
      }),
    ),
    ...providerLines(providers, say({ key: 'stats.providers' }), say),
    '',
    say({ key: 'stats.users' }),
    ...topUsers.map((user) =>
      say({ key: 'stats.user', params: { ...user, name: escapeMarkdown(user.name) } }),
    ),
  ];
}
