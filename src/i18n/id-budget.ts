import { formatDuration, formatUsd } from './duration.ts';
import type { enBudget } from './en-budget.ts';
import type { Translation } from './en.ts';

const wait = (waitMs: number): string => formatDuration('id', waitMs);
const usd = (nanoUsd: number): string => formatUsd('id', nanoUsd);

const WINDOWS: Record<string, string> = { hour: 'per jam', day: 'harian', month: 'bulanan' };
const SUBJECTS: Record<string, string> = {
  user: 'milikmu',
  member: 'milikmu',
  channel: 'kanal ini',
  guild: 'komunitas ini',
  instance: 'saya',
};
const whose = (p: { subject: string; window: string }): string =>
  `nggaran ${WINDOWS[p.window] ?? p.window} ${SUBJECTS[p.subject] ?? ''}`;
const amount = (p: { subject: string; limitNanoUsd: number }): string =>
  p.subject === 'instance' ? '' : ` sebesar ${usd(p.limitNanoUsd)}`;

/** As `enBudget`, in Indonesian. */
export const idBudget: Pick<Translation, keyof typeof enBudget> = {
  'command.budget.description': () => 'Pengeluaran komunitas ini, dan berapa batasnya',
  'command.budget.show.description': () => 'Yang terpakai, disisihkan, tersisa, dan perkiraannya',
  'command.budget.set.description': () => 'Batasi pengeluaran sehari atau sebulan, dalam dolar AS',
  'command.budget.clear.description': () => 'Hapus anggaran',
  'option.daily': () => 'dolar AS per hari, atau none',
  'option.monthly': () => 'dolar AS per bulan, atau none',
  'option.optimise': () => 'model lebih murah untuk pertanyaan mudah',

  'failure.budget_spent': (p) =>
    p.limitNanoUsd === 0
      ? `A${whose(p)} hanya mengizinkan model gratis, dan tidak ada yang bisa menjawab.`
      : `A${whose(p)}${amount(p)} sudah habis, dan tidak ada model gratis yang bisa menggantikan model berbayar. Dimulai lagi dalam ${wait(p.waitMs)}.`,
  'failure.budget_chosen': (p) =>
    `Modelmu \`${p.model}\` berbayar, dan ${p.limitNanoUsd === 0 ? `a${whose(p)} hanya mengizinkan model gratis` : `sisa a${whose(p)}${amount(p)} tidak cukup untuknya. Dimulai lagi dalam ${wait(p.waitMs)}`}. Dengan \`/preferences fallback:on\` model lain boleh menggantikannya.`,
  'remark.cheaper': (p) =>
    p.percent < 0
      ? `💰 *A${whose(p)} hampir habis: model yang lebih murah menjawab.*`
      : `💰 *${p.percent} % dari a${whose(p)} sudah terpakai: model yang lebih murah menjawab.*`,
  'remark.free': (p) => `💰 *A${whose(p)} sudah habis: model gratis menjawab.*`,
  'remark.alert': (p) =>
    p.threshold >= 100
      ? `⚠️ *A${whose(p)}${amount(p)} sudah habis. Model gratis menjawab sampai anggaran dimulai lagi.*`
      : `⚠️ *${p.threshold} % dari a${whose(p)}${amount(p)} sudah terpakai.*`,

  'preferences.optimise': (p) =>
    p.optimises < 0
      ? 'Model yang lebih murah untuk pertanyaan mudah: setelah setengah anggaran terpakai'
      : `Model yang lebih murah untuk pertanyaan mudah: ${p.optimises === 1 ? '**ya**' : '**tidak**, apa pun pertanyaannya'}`,

  'stats.spared': (p) =>
    p.nanoUsd < 0
      ? `Model lain berbiaya ${usd(-p.nanoUsd)} lebih banyak daripada model kuat saya.`
      : `Model yang lebih murah menghemat ${usd(p.nanoUsd)} dibandingkan model kuat saya.`,
  'why.spared': (p) =>
    p.nanoUsd < 0
      ? `Dibandingkan dengan \`${p.against}\`: ${usd(-p.nanoUsd)} lebih banyak`
      : `Dihemat: ${usd(p.nanoUsd)} dibandingkan dengan \`${p.against}\``,

  'budget.title': (p) => (p.guild === '' ? '**Anggaran saya**' : `**Anggaran ${p.guild}**`),
  'budget.line': (p) =>
    [
      `${p.window === 'day' ? 'Hari ini' : 'Bulan ini'}: ${usd(p.spentNanoUsd)} terpakai`,
      p.heldNanoUsd > 0 ? `, ${usd(p.heldNanoUsd)} disisihkan untuk jawaban yang sedang ditulis` : '',
      p.limitNanoUsd < 0
        ? '; tanpa batas'
        : p.limitNanoUsd === 0
          ? '; hanya model gratis'
          : ` dari ${usd(p.limitNanoUsd)}, sisa ${usd(Math.max(0, p.limitNanoUsd - p.spentNanoUsd - p.heldNanoUsd))}`,
    ].join(''),
  'budget.resets': (p) => `dimulai lagi dalam ${wait(p.waitMs)}`,
  'budget.forecast': (p) =>
    `dengan laju ini ${usd(p.nanoUsd)} pada akhirnya${p.isOver === 1 ? ', **melebihi anggaran**' : ''}`,
  'budget.too_early': () => 'masih terlalu dini untuk perkiraan: perlu tiga jam pemakaian',
  'budget.by_operator': () => 'dibatasi oleh operator saya',
  'budget.told': (p) => `sudah diberitahukan: ${p.thresholds}`,
  'budget.ladder': () =>
    'Mulai 80 % model yang lebih murah menjawab lebih dulu, dan model gratis bila anggaran habis. Tidak ada yang dibelanjakan melebihinya.',
  'budget.how': () =>
    'Atur dengan `/budget set daily:5 monthly:50` dalam dolar AS: `0` hanya mengizinkan model gratis, `none` menghapusnya. `/budget clear` menghapus keduanya.',
  'budget.set': () => 'Selesai. Mulai sekarang:',
  'budget.cleared': () => 'Anggaran sudah dihapus.',
  'budget.nothing': () =>
    'Sebutkan setidaknya salah satu, misalnya `/budget set daily:5` atau `/budget set monthly:50`.',
  'budget.wrong': (p) =>
    `\`${p.option}\` adalah jumlah dalam dolar AS seperti 5 atau 0.50, paling banyak ${p.most}; \`0\` hanya mengizinkan model gratis, \`none\` menghapusnya. Tidak ada yang diubah.`,
  'budget.guild_only': () =>
    'Anggaran adalah milik komunitas: pakai ini di komunitas yang kamu kelola. Untuk dirimu sendiri ada `/limits`.',
  'budget.settings': () =>
    'Anggaran saya sendiri diatur oleh `DAILY_BUDGET_USD` dan `MONTHLY_BUDGET_USD`; `/quota set cost day 5 subject:instance` menggantikan salah satunya selama ditetapkan.',
};
