import { among } from './among.ts';
import { formatCount, formatElapsed, formatLocalMoment, formatUsd } from './duration.ts';
import { plural } from './plural.ts';

const SPANS: Record<string, string> = { day: 'today', week: 'this week', month: 'this month' };

/** What somebody used in a span of time. A figure below 0 is one that nobody knows. */
export const enUsage = {
  'option.span': () => 'day, week or month',
  'option.by': () => 'conversation, model or provider',
  'usage.span': (p: { span: string }) => `**Your usage ${SPANS[p.span] ?? ''}**`,
  'usage.nothing': () => 'You have not asked anything yet.',
  'usage.sum': (p: { requests: number; tokens: number; costNanoUsd: number }) =>
    `${plural(p.requests, 'message', 'messages')}, ${plural(p.tokens, 'token', 'tokens')}, ${formatUsd('en', p.costNanoUsd)}`,
  'usage.tokens': (p: {
    promptTokens: number;
    cachedTokens: number;
    cacheWriteTokens: number;
    completionTokens: number;
    reasoningTokens: number;
  }) =>
    `${plural(p.promptTokens, 'token', 'tokens')} read${among([
      p.cachedTokens > 0 && `${formatCount('en', p.cachedTokens)} from a cache`,
      p.cacheWriteTokens > 0 && `${formatCount('en', p.cacheWriteTokens)} kept in a cache`,
    ])}, ${formatCount('en', p.completionTokens)} written${among([p.reasoningTokens > 0 && `${formatCount('en', p.reasoningTokens)} while thinking`])}`,
  'usage.calls': (p: { calls: number; failures: number; firstTokenMs: number }) =>
    `${plural(p.calls, 'call', 'calls')} of models${p.failures > 0 ? `, ${formatCount('en', p.failures)} of them failed` : ''}${p.firstTokenMs < 0 ? '' : `; the first word after ${formatElapsed('en', p.firstTokenMs)} on average`}`,
  'usage.cell.requests': (p: { requests: number }) => plural(p.requests, 'message', 'messages'),
  'usage.cell.tokens': (p: { tokens: number }) => plural(p.tokens, 'token', 'tokens'),
  'usage.cell.cost': (p: { costNanoUsd: number }) => formatUsd('en', p.costNanoUsd),
  'usage.others': () => 'others',
  'usage.conversation': (p: { guild: string; begunAtMs: number; timeZone: string }) =>
    `${p.guild === '' ? 'private' : p.guild}, ${formatLocalMoment('en', p.begunAtMs, p.timeZone)}`,
} as const;
