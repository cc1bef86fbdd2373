import { formatCount, formatDuration } from './duration.ts';
import type { enPool } from './en-pool.ts';
import type { Translation } from './en.ts';

const count = (value: number): string => formatCount('id', value);
const wait = (waitMs: number): string => formatDuration('id', waitMs);

/** As `enPool`, in Indonesian. */
export const idPool: Pick<Translation, keyof typeof enPool> = {
  'failure.free_share_spent': (p) =>
    `Jawaban gratis hari ini dibagi dengan yang lain, dan bagianmu sudah habis. Dimulai lagi dalam ${wait(p.waitMs)}.`,
  'failure.free_busy': (p) =>
    `Banyak yang sedang bertanya, dan jumlah jawaban gratis per menit terbatas. Silakan coba lagi dalam ${wait(p.waitMs)}.`,
  'pool.title': (p) =>
    p.payer === 'operator'
      ? '**Jawaban gratis, dibagi untuk semua pemakai**'
      : `**Jawaban gratis dari kunci ${p.payer === 'guild' ? 'komunitas ini' : 'milikmu'}**`,
  'pool.minute': (p) => `Menit ini: sisa ${count(p.left)} dari ${count(p.limit)}`,
  'pool.minute_spent': (p) =>
    `Menit ini: ${count(p.limit)} sudah terpakai semua; berikutnya dalam ${wait(p.waitMs)}`,
  'pool.day': (p) =>
    `Hari ini: sisa ${count(p.left)} dari ${count(p.limit)}${p.ownLeft < p.left ? `, ${count(p.ownLeft)} di antaranya untukmu, karena yang lain juga bertanya` : ''}; penuh lagi dalam ${wait(p.waitMs)}`,
  'pool.day_spent': (p) => `Hari ini: sudah habis; dimulai lagi dalam ${wait(p.waitMs)}`,
  'pool.waiting': (p) =>
    p.count === 1
      ? 'Satu pertanyaan sedang menunggu giliran.'
      : `${count(p.count)} pertanyaan sedang menunggu giliran.`,
};
