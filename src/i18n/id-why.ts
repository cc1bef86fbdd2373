import type { Translation } from './en.ts';
import type { enWhy } from './en-why.ts';
import { formatCount, formatElapsed, formatUsd } from './duration.ts';

const count = (value: number): string => formatCount('id', value);
const usd = (nanoUsd: number): string => formatUsd('id', nanoUsd);
const elapsed = (durationMs: number): string => formatElapsed('id', durationMs);

const FAILURES: Record<string, string> = {
  unauthorized: 'layanan model menolak kuncinya',
  no_credits: 'tidak ada saldo yang tersisa untuknya',
  key_limit: 'kuncinya sudah mencapai batas',
  budget_spent: 'anggaran untuknya sudah habis',
  model_not_found: 'sudah tidak ada',
  no_endpoint: 'tidak ada yang menyediakannya',
  free_minute_spent: 'terlalu banyak jawaban gratis pada menit itu',
  free_day_spent: 'jatah jawaban gratis hari itu sudah habis',
  rate_limited: 'sedang sibuk',
  in_flight_budget: 'jawaban lain masih harus dibayar',
  overloaded: 'kelebihan beban',
  moderated: 'menolak menjawab',
  context_too_long: 'tidak bisa membaca percakapan sepanjang itu',
  invalid_request: 'tidak menerima pertanyaannya',
  timeout: 'terlalu lama',
  unreachable: 'tidak bisa dijangkau',
  empty_answer: 'tidak mengatakan apa-apa',
  truncated: 'terputus',
  upstream_error: 'penyedianya gagal',
  lost: 'saya terputus di tengah jalan',
  search_failed: 'pencarian webnya gagal',
  search_unsupported: 'tidak bisa mencari di web',
};
const CHOICES: Record<string, string> = {
  person: 'dipilih penanya',
  guild: 'dipilih komunitas ini',
  first: 'yang pertama dalam urutan model saya',
  fallback: 'menggantikan model lain yang tidak bisa menjawab',
  instead: 'menggantikan model yang dipilih',
};
const PAYERS: Record<string, string> = {
  operator: 'operator saya',
  user: 'penanya, dengan kuncinya sendiri',
  guild: 'komunitas ini, dengan kuncinya sendiri',
};

export const idWhy: Pick<Translation, keyof typeof enWhy> = {
  'why.title': () => '**Mengapa jawaban ini**',
  'why.model': (p) =>
    p.asked === p.used
      ? `Model: \`${p.used}\``
      : `Model: \`${p.asked}\` yang ditanya, \`${p.used}\` yang menjawab`,
  'why.chosen': (p) =>
    `Mengapa model ini: ${CHOICES[p.by] ?? ''}${p.instead === '' ? '' : `, \`${p.instead}\``}`,
  'why.tokens': (p) =>
    `Token: ${count(p.promptTokens)} dibaca${p.cachedTokens > 0 ? ` (${count(p.cachedTokens)} dari cache)` : ''}, ${count(p.completionTokens)} ditulis${p.reasoningTokens > 0 ? ` (${count(p.reasoningTokens)} saat berpikir)` : ''}`,
  'why.cost': (p) => (p.costNanoUsd === 0 ? 'Biaya: gratis' : `Biaya: ${usd(p.costNanoUsd)}`),
  'why.cost_hidden': () => 'Biaya: hanya untuk penanya dan pengelola komunitas ini',
  'why.cost_overheard': () =>
    'Biaya: tidak disebut di tempat yang dibaca orang lain; tombol di bawah jawaban menunjukkannya',
  'why.search': (p) =>
    p.searches === 0
      ? 'Web: tidak ada yang dicari'
      : `Web: dicari${p.searches > 0 ? ` ${count(p.searches)} kali` : ''}${p.costNanoUsd > 0 ? `, ${usd(p.costNanoUsd)} dari biaya` : ''}`,
  'why.wait': (p) =>
    `Waktu tunggu: ${p.firstMs < 0 ? '' : `kata pertama setelah ${elapsed(p.firstMs)}, `}lengkap setelah ${elapsed(p.wholeMs)}`,
  'why.payer': (p) => `Dibayar oleh: ${PAYERS[p.payer] ?? p.payer}`,
  'why.continued': () => 'Ini lanjutan jawaban yang terputus; angkanya dari potongan terakhir',
  'why.again_running': () => 'Pertanyaannya sedang dijawab sekali lagi',
  'why.again_failed': () => 'Percobaan terakhir untuk menjawab lagi gagal, jadi jawaban ini tetap dipakai',
  'why.tried': () => '**Dicoba tanpa jawaban**',
  'why.attempt': (p) => `\`${p.model}\`: ${FAILURES[p.failure] ?? 'tidak bisa menjawab'}`,
  'why.brief': (p) =>
    [
      p.model,
      CHOICES[p.by] ?? '',
      p.tokens < 0 ? '' : `${count(p.tokens)} token`,
      p.costNanoUsd < 0 ? '' : p.costNanoUsd === 0 ? 'gratis' : usd(p.costNanoUsd),
      p.wholeMs < 0 ? '' : elapsed(p.wholeMs),
      p.tried === 0 ? '' : `${count(p.tried)} percobaan lain gagal`,
    ]
      .filter((fact) => fact !== '')
      .join(' · ') + '. Lebih lengkap: /why',
  'why.running': () => 'Jawaban itu masih ditulis. Tanyakan lagi kalau sudah lengkap.',
  'why.failed': () => 'Tidak ada jawaban untuk dijelaskan: tidak ada model yang bisa menjawab.',
  'why.cancelled': () => 'Tidak ada jawaban untuk dijelaskan: dihentikan sebelum kata pertamanya.',
  'why.interrupted': () => 'Tidak ada jawaban untuk dijelaskan: saya terputus sebelum kata pertamanya.',
  'why.gone': () => 'Saya tidak (lagi) punya catatan tentang jawaban itu.',
  'why.none': () => 'Saya belum menjawab apa pun di sini.',
};
