import { PROVIDER_NAMES } from '../i18n/provider-names.ts';
import type { UsageBreakdown, UsageShare, UsageSpan, UsageTotals } from '../usage/ports.ts';
import { lines, type CommandUse } from './command.ts';

type Say = CommandUse['say'];

const LONGEST_NAME = 40;

/** What somebody used in a span, and what it is made of. */
export function tellBreakdown(breakdown: UsageBreakdown, span: UsageSpan, say: Say): string {
  const { totals, calls, failures, meanFirstTokenMs } = breakdown;
  const title = say({ key: 'usage.span', params: { span } });
  if (calls === 0) return lines(title, say({ key: 'usage.nothing' }));
  const { promptTokens, cachedTokens, cacheWriteTokens, completionTokens, reasoningTokens } = totals;
  const tokens = { promptTokens, cachedTokens, cacheWriteTokens, completionTokens, reasoningTokens };
  return lines(
    title,
    `- ${say({ key: 'usage.sum', params: sumOf(totals) })}`,
    `- ${say({ key: 'usage.tokens', params: tokens })}`,
    `- ${say({ key: 'usage.calls', params: { calls, failures, firstTokenMs: meanFirstTokenMs ?? -1 } })}`,
    ...listOf(breakdown, say),
  );
}

const sumOf = ({ requests, promptTokens, completionTokens, costNanoUsd }: UsageTotals) => ({
  requests,
  tokens: promptTokens + completionTokens,
  costNanoUsd: Number(costNanoUsd),
});

/** A list in columns, which only a block of code keeps. */
function listOf({ shares, others, timeZone }: UsageBreakdown, say: Say): readonly string[] {
  if (shares.length === 0) return [];
  const rows = shares.map((share) => [nameOf(share, timeZone, say), ...cellsOf(share, say)]);
  if (others !== null) rows.push([say({ key: 'usage.others' }), ...cellsOf(others, say)]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const aligned = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  return ['```', ...aligned, '```'];
}

function cellsOf(totals: UsageTotals, say: Say): readonly string[] {
  const { requests, tokens, costNanoUsd } = sumOf(totals);
  return [
    say({ key: 'usage.cell.requests', params: { requests } }),
    say({ key: 'usage.cell.tokens', params: { tokens } }),
    say({ key: 'usage.cell.cost', params: { costNanoUsd } }),
  ];
}

function nameOf(share: UsageShare, timeZone: string, say: Say): string {
  switch (share.by) {
    case 'model':
      return plainly(share.model);
    case 'provider':
      return PROVIDER_NAMES[share.provider] ?? plainly(share.provider);
    case 'conversation': {
      const guild = share.guild === null ? '' : plainly(share.guild, LONGEST_NAME / 2);
      return say({ key: 'usage.conversation', params: { guild, begunAtMs: share.begunAtMs, timeZone } });
    }
  }
}

/** Without what would end a block of code or break its columns. */
function plainly(name: string, longest = LONGEST_NAME): string {
  const plain = name.replaceAll(/[\s`\p{Cc}\p{Cf}]+/gu, ' ').trim();
  const characters = Array.from(plain);
  return characters.length <= longest ? plain : `${characters.slice(0, longest - 1).join('')}…`;
}
