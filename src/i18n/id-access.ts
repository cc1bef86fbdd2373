import { formatCount, formatDuration, formatUsd } from './duration.ts';
import type { Translation } from './en.ts';
import type { enAccess } from './en-access.ts';

const count = (value: number): string => formatCount('id', value);
const where = (isEverywhere: number): string => (isEverywhere === 1 ? 'di mana-mana' : 'di sini');

const STATES: Record<string, string> = {
  approved: 'disetujui',
  open: 'terbuka untuk semua',
  blocked: 'diblokir',
};

export const idAccess: Pick<Translation, keyof typeof enAccess> = {
  'command.discreet': (p) =>
    `Orang lain akan ikut membaca jawaban /${p.command} di sini. Silakan tanyakan di obrolan pribadi.`,
  'command.block.description': () =>
    'Blokir seseorang, atau lihat siapa yang diblokir (untuk pengelola tempat ini)',
  'command.block.user.description': () =>
    'Tidak lagi menjawab seseorang; dengan membalas pesan tulis: user reply',
  'command.block.list.description': () => 'Siapa yang diblokir',
  'command.unblock.description': () => 'Menjawab seseorang lagi',
  'command.audit.description': () => 'Siapa mengubah apa di sini, dan siapa yang mencoba',
  'command.report.description': () => 'Beri tahu pengelola tempat ini bahwa ada yang tidak beres',
  'command.report_message.description': () => 'Beri tahu pengelola tempat ini tentang sebuah pesan',
  'command.report_message.label': () => 'Laporkan ini',
  'option.everywhere': () => 'di semua tempat (hanya operator)',
  'option.reason': () => 'alasan',
  'option.words': () => 'apa yang tidak beres',
  'option.before': () => 'nomor catatan tertua yang tampil',
  'guild.used': () => '**Komunitas, dengan 30 hari terakhirnya**',
  'guild.use': (p) =>
    `- \`${p.id}\` ${p.name} (${STATES[p.state] ?? p.state}): ${count(p.requests)} pesan, ${count(p.tokens)} token, ${formatUsd('id', p.costNanoUsd)}`,
  'guild.id_wrong': (p) =>
    `${p.id} bukan id komunitas. Tulis seperti yang ditampilkan /guild list, misalnya discord:123 atau telegram:-100123.`,
  'guild.left': (p) => `Saya sudah keluar dari ${p.id}, dan persetujuannya dicabut.`,
  'guild.not_left': (p) =>
    `Persetujuan ${p.id} dicabut, tetapi saya belum bisa keluar sekarang. Silakan coba lagi sebentar lagi.`,
  'guild.blocked': (p) => `Diblokir: ${p.id}. Tidak ada yang dijawab di sana.`,
  'guild.blocked_already': (p) => `${p.id} sudah diblokir.`,
  'guild.unblocked': (p) => `Tidak diblokir lagi: ${p.id}.`,
  'guild.not_blocked': (p) => `${p.id} tidak diblokir.`,
  'block.done': (p) => `Diblokir ${where(p.isEverywhere)}: ${p.id}. Saya tidak menjawabnya lagi.`,
  'block.already': (p) => `${p.id} sudah diblokir ${where(p.isEverywhere)}.`,
  'block.undone': (p) => `Tidak diblokir lagi ${where(p.isEverywhere)}: ${p.id}.`,
  'block.not_blocked': (p) => `${p.id} tidak diblokir ${where(p.isEverywhere)}.`,
  'block.none': () => 'Tidak ada yang diblokir.',
  'block.title': () => '**Diblokir**',
  'block.entry': (p) =>
    `- \`${p.id}\`${p.name === '' ? '' : ` ${p.name}`}${p.reason === '' ? '' : `: ${p.reason}`}`,
  'block.self': () => 'Itu kamu sendiri. Tidak ada yang diubah.',
  'block.bot': () => 'Itu saya. Tidak ada yang diubah.',
  'block.protected': () =>
    'Orang itu mengelola komunitas ini, atau saya, jadi tidak bisa diblokir. Tidak ada yang diubah.',
  'block.unsure': () =>
    'Saya belum bisa memastikan apakah orang itu mengelola komunitas ini, jadi tidak ada yang diubah. Silakan coba lagi sebentar lagi.',
  'block.everywhere_operator': () =>
    'Hanya operator saya yang bisa memblokir di mana-mana. Tidak ada yang diubah; tanpa `everywhere` itu berlaku di sini.',
  'report.how': () =>
    'Balas pesannya dengan /report, atau tulis di belakangnya apa yang tidak beres. Pengelola tempat ini akan melihatnya.',
  'report.kept': (p) =>
    `Terima kasih. Laporanmu ${p.id}; ${p.isPrivate === 1 ? 'operator saya' : 'pengelola komunitas ini'} bisa melihatnya.`,
  'report.too_many': (p) =>
    `Kamu sudah melaporkan beberapa hal. Laporan berikutnya bisa dikirim dalam ${formatDuration('id', p.waitMs)}.`,
  'report.not_yours': () => 'Laporan dibaca oleh pengelola komunitas ini.',
  'report.none': () => 'Tidak ada laporan yang menunggu.',
  'report.title': () => '**Laporan** (`/report done <id>` menyelesaikannya)',
  'report.entry': (p) =>
    `- ${p.id}, ${p.at},${p.by === '' ? '' : ` ${p.by},`} ${p.isAnswer === 1 ? 'tentang jawaban atau pertanyaannya' : 'tentang'} \`${p.where}\`${p.words === '' ? '' : `: ${p.words}`}`,
  'report.id_missing': () => 'Yang mana? Tulis id-nya di belakang, seperti yang ditampilkan /report list.',
  'report.done': (p) => `Selesai: ${p.id}.`,
  'report.over': (p) => `${p.id} sudah diselesaikan sebelumnya.`,
  'report.unknown': (p) => `Tidak ada laporan ${p.id} di sini.`,
};
