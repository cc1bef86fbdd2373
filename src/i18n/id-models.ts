import { formatCount, formatUsd } from './duration.ts';
import type { enModels } from './en-models.ts';
import type { Translation } from './en.ts';

const count = (value: number): string => formatCount('id', value);
const usd = (nanoUsd: number): string => formatUsd('id', nanoUsd);

/** As `enModels`, in Indonesian. */
export const idModels: Pick<Translation, keyof typeof enModels> = {
  'model.title': (p) => `**${count(p.count)} model**, halaman ${p.page} dari ${p.pages}`,
  'model.how': () => 'Pilih salah satu dengan `/model use`; `/model info` memberi tahu lebih banyak.',
  'model.how_pages': (p) => `Halaman berikutnya: \`${p.line}\``,
  'model.can.image': () => 'menerima gambar',
  'model.can.file': () => 'menerima berkas',
  'model.can.audio': () => 'menerima audio',
  'model.can.tools': () => 'memakai alat',
  'model.can.think': () => 'bisa berpikir sebelum menjawab',
  'model.is_yours': () => '✅ *pilihanmu*',
  'model.none': () => 'Tidak ada model seperti itu yang bisa kamu pilih di sini.',
  'model.no_choice': () => 'Di sini model ditentukan oleh pengelola bot ini; tidak ada yang bisa dipilih.',
  'model.no_list': () => 'Saya belum menerima daftar model. Silakan coba lagi sebentar lagi.',
  'model.context': (p) => `membaca ${count(p.tokens)} token`,
  'model.longest_answer': (p) => `menulis sampai ${count(p.tokens)} token`,
  'model.free': () => 'gratis',
  'model.price': (p) =>
    `per sejuta token: ${usd(p.promptNanoUsd)} dibaca, ${usd(p.completionNanoUsd)} ditulis`,
  'model.price_from': (p) =>
    `per sejuta token: mulai ${usd(p.promptNanoUsd)} dibaca, ${usd(p.completionNanoUsd)} ditulis`,
  'model.price_unknown': () => 'harga baru ditentukan saat dipakai',
  'model.price_request': (p) => `ditambah ${usd(p.nanoUsd)} per pertanyaan`,
  'model.price_highest': (p) =>
    `paling mahal ${usd(p.promptNanoUsd)} dibaca, ${usd(p.completionNanoUsd)} ditulis per sejuta, misalnya untuk pertanyaan panjang`,
  'model.expires': (p) => `⏳ mungkin hilang setelah ${p.date}`,
  'model.chosen': (p) =>
    `Mulai sekarang \`${p.model}\` yang menjawabmu, bukan model lain. \`/preferences fallback:on\` mengizinkan model lain menggantikannya bila perlu.`,
  'model.chosen_first': (p) =>
    `Mulai sekarang \`${p.model}\` yang menjawabmu, dan model lain menggantikannya bila perlu.`,
  'model.reset': () => 'Mulai sekarang saya yang memilih modelnya lagi.',
  'model.free_only': (p) => `\`${p.model}\` berbayar, sedangkan saya diatur hanya untuk model gratis.`,
  'model.no_price': (p) =>
    `Harga \`${p.model}\` tidak bisa diketahui lebih dulu, jadi saya tidak menawarkannya.`,
  'model.not_allowed': (p) => `\`${p.model}\` tidak termasuk model yang diizinkan komunitas ini.`,
  'model.unknown': (p) =>
    p.near === ''
      ? `Saya tidak mengenal model bernama ${p.written}. \`/model search\` mencarinya lewat kata dari namanya.`
      : `Saya tidak mengenal model bernama ${p.written}. Maksudmu ${p.near}?`,
  'model.guild_pays': (p) =>
    `\`${p.model}\` berbayar. Komunitas ini membayar dengan kuncinya sendiri, dan hanya untuk model yang disebut pengelolanya dengan \`/settings models:\`.`,
  'preferences.title': () => '**Preferensimu**',
  'preferences.model': (p) => (p.model === '' ? 'Model: saya yang memilih' : `Model: \`${p.model}\``),
  'preferences.fallback': (p) =>
    p.isAllowed === 1
      ? 'Pengganti: **ya** – bila model pilihanmu tidak bisa menjawab, model lain yang menjawab'
      : 'Pengganti: **tidak** – bila kamu memilih sebuah model, hanya model itu yang menjawab',
  'preferences.temperature': (p) =>
    p.temperature === '' ? 'Temperatur: yang biasa' : `Temperatur: **${p.temperature}**`,
  'preferences.max_tokens': (p) =>
    p.maxTokens === 0
      ? 'Panjang jawaban: yang biasa'
      : `Panjang jawaban: paling banyak **${count(p.maxTokens)}** token`,
  'preferences.temperature_wrong': () =>
    'Temperatur adalah angka dari 0 (tenang) sampai 2 (liar), misalnya 0.7, atau `default`.',
  'preferences.max_tokens_wrong': (p) =>
    `Panjang jawaban adalah bilangan bulat token dari ${count(p.least)} sampai ${count(p.most)}, atau \`default\`.`,
  'preferences.how': () =>
    'Ubah dengan `/model use`, `/model reset`, dan misalnya `/preferences fallback:on temperature:0.3 max_tokens:500`. `/preferences reset:yes` melupakan semuanya.',
};
