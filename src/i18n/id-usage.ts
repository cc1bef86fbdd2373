import { among } from './among.ts';
import { formatCount, formatElapsed, formatLocalMoment, formatUsd } from './duration.ts';
import type { enUsage } from './en-usage.ts';
import type { Translation } from './en.ts';

const SPANS: Record<string, string> = { day: 'hari ini', week: 'minggu ini', month: 'bulan ini' };
const count = (value: number): string => formatCount('id', value);

/** As `enUsage`, in Indonesian. */
export const idUsage: Pick<Translation, keyof typeof enUsage> = {
  'option.span': () => 'day (hari), week (minggu) atau month (bulan)',
  'option.by': () => 'conversation (percakapan), model atau provider (penyedia)',
  'usage.span': (p) => `**Pemakaianmu ${SPANS[p.span] ?? ''}**`,
  'usage.nothing': () => 'Kamu belum menanyakan apa pun.',
  'usage.sum': (p) =>
    `${count(p.requests)} pesan, ${count(p.tokens)} token, ${formatUsd('id', p.costNanoUsd)}`,
  'usage.tokens': (p) =>
    `${count(p.promptTokens)} token dibaca${among([
      p.cachedTokens > 0 && `${count(p.cachedTokens)} dari cache`,
      p.cacheWriteTokens > 0 && `${count(p.cacheWriteTokens)} disimpan di cache`,
    ])}, ${count(p.completionTokens)} ditulis${among([p.reasoningTokens > 0 && `${count(p.reasoningTokens)} saat berpikir`])}`,
  'usage.calls': (p) =>
    `${count(p.calls)} panggilan model${p.failures > 0 ? `, ${count(p.failures)} di antaranya gagal` : ''}${p.firstTokenMs < 0 ? '' : `; kata pertama rata-rata setelah ${formatElapsed('id', p.firstTokenMs)}`}`,
  'usage.cell.requests': (p) => `${count(p.requests)} pesan`,
  'usage.cell.tokens': (p) => `${count(p.tokens)} token`,
  'usage.cell.cost': (p) => formatUsd('id', p.costNanoUsd),
  'usage.others': () => 'lainnya',
  'usage.conversation': (p) =>
    `${p.guild === '' ? 'pribadi' : p.guild}, ${formatLocalMoment('id', p.begunAtMs, p.timeZone)}`,
};
