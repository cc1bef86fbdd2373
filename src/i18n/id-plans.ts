import { formatCount, formatMoment, formatUsd } from './duration.ts';
import type { Translation } from './en.ts';
import type { enPlans } from './en-plans.ts';

const count = (value: number): string => formatCount('id', value);
const most = (value: number): string => (value < 0 ? 'tanpa batas' : count(value));

const FEATURES: Record<string, string> = {
  advanced_models: 'model berbayar',
  web_search: 'pencarian web',
  prompt_caching: 'cache perintah',
  first_in_queue: 'didahulukan dalam antrean',
};
const METRICS: Record<string, string> = { requests: 'Pesan', tokens: 'Token' };
const CHANGES_REFUSED: Record<string, string> = {
  unknown_plan: 'Tidak ada paket seperti itu; `/plan list` menyebutkan semuanya.',
  unknown_subject: 'Saya belum pernah bertemu mereka: mereka harus menulis kepada saya dulu.',
  nothing_to_end: 'Tidak ada yang bisa diakhiri: mereka hanya punya paket yang dimiliki semua orang.',
  plan_is_free: 'Itu memang sudah dimiliki semua orang.',
  in_the_past: 'Waktu itu sudah lewat.',
  unchanged: 'Memang sudah begitu.',
  free_stays_free: 'Paket yang dimiliki semua orang itu gratis dan selalu ada.',
};
const OFFERS_REFUSED: Record<string, string> = {
  plan_gone: 'Paket ini tidak ditawarkan lagi.',
  not_for_sale: 'Paket ini tidak bisa dibeli di sini. Tanyakan kepada pengelola bot ini.',
  already_subscribed: 'Kamu sudah punya paket ini, dan paket ini diperpanjang sendiri.',
  has_better: 'Sekarang kamu punya paket yang lebih baik. Ambil paket ini setelah yang itu berakhir.',
};

/** As `enPlans`, in Indonesian. */
export const idPlans: Pick<Translation, keyof typeof enPlans> = {
  'refusal.over_context': (p) =>
    `Pesanmu lebih panjang dari yang diterima paket **${p.plan}**: sekitar ${count(p.maxTokens)} token. Silakan persingkat, atau lihat \`/plan list\`.`,
  'failure.search_not_in_plan': () =>
    'Paketmu tidak mencakup pencarian web. Bertanyalah tanpa itu, atau lihat `/plan list`.',
  'failure.chosen_not_in_plan': (p) =>
    `\`${p.model}\` berbayar, dan paket **${p.plan}** hanya mencakup model gratis. Pilih yang lain dengan \`/model use\`, atau lihat \`/plan list\`.`,
  'plan.title': (p) =>
    p.from === 'guild'
      ? `**Paketmu di sini: ${p.plan}**, karena komunitas ini memilikinya`
      : `**Paketmu: ${p.plan}**`,
  'plan.used': (p) =>
    p.limit < 0
      ? `${METRICS[p.metric] ?? p.metric} bulan ini: ${count(p.used)}, tanpa batas`
      : `${METRICS[p.metric] ?? p.metric} bulan ini: ${count(p.used)} dari ${count(p.limit)}`,
  'plan.resets': (p) => `Bulan baru dimulai pada ${formatMoment(p.atMs)}.`,
  'plan.rate': (p) => `Pesan per menit: ${count(p.perMinute)}`,
  'plan.context': (p) =>
    `Pertanyaan dan riwayatnya: paling banyak ${count(p.tokens)} token, dan tidak lebih dari yang diizinkan operator saya`,
  'plan.has': (p) => `Termasuk: ${p.features}`,
  'plan.feature': (p) => FEATURES[p.feature] ?? p.feature,
  'plan.until': (p) => {
    const whose = p.whose === 'guild' ? 'Komunitas ini: ' : '';
    const paid =
      { grant: 'pemberian', stars: 'dibayar dengan Stars', shop: 'dibeli di Discord' }[p.source] ?? '';
    if (p.atMs < 0) {
      return `${whose}**${p.plan}**, ${paid}${p.source === 'shop' ? ', diperpanjang sendiri' : ', tanpa batas waktu'}`;
    }
    const at = formatMoment(p.atMs);
    if (p.status === 'past_due')
      return `${whose}**${p.plan}**, ${paid}; perpanjangan gagal, berakhir pada ${at} jika tidak dibayar`;
    const isRenewed = p.status === 'active' && p.isRetired === 0;
    const retired = p.isRetired === 1 ? ' (tidak ditawarkan lagi; setelah itu paket gratis)' : '';
    return `${whose}**${p.plan}**, ${paid}, ${isRenewed ? 'diperpanjang' : 'berakhir'} pada ${at}${retired}`;
  },
  'plan.how': () => '`/plan list` menampilkan semua paket; `/plan subscribe` mengambil salah satunya.',
  'plan.how_cancel': () => '`/plan cancel` menghentikan perpanjangan.',
  'plan.choose': (p) => `Ambil ${p.plan}`,
  'plan.list_title': () => '**Paket**',
  'plan.price': (p) => {
    if (p.usdCents === 0) return `**${p.plan}**: tanpa biaya`;
    const prices = [
      ...(p.usdCents < 0 ? [] : [formatUsd('id', p.usdCents * 1e7)]),
      ...(p.stars < 0 ? [] : [`${count(p.stars)} Stars`]),
    ];
    return prices.length === 0 ? `**${p.plan}**` : `**${p.plan}**, ${prices.join(' atau ')} per bulan`;
  },
  'plan.gives': (p) =>
    `${most(p.requests)} pesan dan ${most(p.tokens)} token per bulan; ${count(p.perMinute)} pesan per menit; pertanyaan dan riwayatnya paling banyak ${count(p.context)} token, dan tidak lebih dari yang diizinkan operator saya`,
  'plan.unknown': (p) => `Tidak ada paket bernama ${p.written}. Yang ada: ${p.known}.`,
  'plan.is_free': () => 'Itu dimiliki semua orang. Untuk mengakhiri paket ada `/plan cancel`.',
  'plan.not_offered': (p) =>
    `${OFFERS_REFUSED[p.reason] ?? 'Paket ini tidak bisa dibeli sekarang.'}${p.endsAtMs < 0 ? '' : ` Paketmu berlaku sampai ${formatMoment(p.endsAtMs)}.`}`,
  'plan.invoice': (p) =>
    `${p.replaces === '' ? '' : `**${p.replaces}** berakhir begitu ini dibayar; sisanya tidak dikembalikan dan tidak diperhitungkan.\n`}**${p.plan}** berharga ${count(p.stars)} Stars untuk 30 hari dan diperpanjang sendiri sampai kamu menghentikannya dengan \`/plan cancel\`. Hanya kamu yang bisa membayar di sini:`,
  'plan.pay': (p) => `Bayar ${count(p.stars)} Stars`,
  'plan.invoice_title': (p) => `${p.plan} untuk 30 hari`.slice(0, 32),
  'plan.invoice_description': (p) =>
    `Paket ${p.plan} ${p.whose === 'guild' ? 'untuk komunitasmu' : 'untukmu'}: ${most(p.requests)} pesan per bulan. Diperpanjang sendiri setiap 30 hari.`,
  'plan.shop': (p) => `**${p.plan}** dijual oleh Discord:`,
  'plan.not_here': () =>
    'Paket tidak bisa dibeli di sini. Tanyakan kepada pengelola bot ini, atau belilah di Telegram atau Discord.',
  'plan.desk_unreachable': () =>
    'Layanan pembayaran tidak bisa dijangkau sekarang. Silakan coba lagi sebentar lagi.',
  'plan.desk_refused': () => 'Layanan pembayaran menolaknya. Pengelola bot ini bisa membantu: `/paysupport`.',
  'plan.cancelled': (p) =>
    `**${p.plan}** tidak diperpanjang lagi. Paket ini berlaku sampai ${formatMoment(p.endsAtMs)}.`,
  'plan.already_cancelled': (p) =>
    `**${p.plan}** memang tidak diperpanjang. Paket ini berlaku sampai ${formatMoment(p.endsAtMs)}.`,
  'plan.cancel_shop': () =>
    'Paket ini dibeli di Discord: hentikan di sana, di pengaturan pengguna bagian *Subscriptions*, atau sebagai pemilik server di pengaturan server.',
  'plan.cancel_given': () => 'Paket ini pemberian: gratis dan tidak diperpanjang.',
  'plan.nothing_to_cancel': () => 'Tidak ada paket yang bisa diakhiri: yang kamu punya itu gratis.',
  'plan.anonymous': () =>
    'Kamu menulis sebagai grup, dan hanya orang yang bisa membayar. Matikan dulu *Tetap anonim*, atau minta admin lain melakukannya.',
  'plan.where_server': () => 'Paket sebuah komunitas diurus di komunitas itu.',
  'plan.granted': (p) =>
    `\`${p.subject}\` sekarang punya **${p.plan}** (versi ${p.version}), ${p.endsAtMs < 0 ? 'tanpa batas waktu' : `sampai ${formatMoment(p.endsAtMs)}`}.`,
  'plan.revoked': (p) => `\`${p.subject}\` tidak punya paket sendiri lagi.`,
  'plan.sku_set': (p) => `\`${p.sku}\` mulai sekarang adalah **${p.plan}**.`,
  'plan.edited': (p) =>
    `**${p.plan}** punya versi ${p.version}: \`${p.field}\` menjadi ${p.after}, sebelumnya ${p.before}. ${p.isFree === 1 ? 'Itu langsung berlaku untuk semua yang tidak punya paket lain.' : 'Yang punya versi lama tetap memilikinya selama diperpanjang.'}`,
  'plan.change_refused': (p) =>
    `${CHANGES_REFUSED[p.reason] ?? 'Itu tidak bisa dilakukan.'} Tidak ada yang diubah.`,
  'plan.subject_wrong': () =>
    'Sebutkan siapa yang dimaksud: `user:telegram:42`, `guild:discord:7`, `me`, atau `here` untuk komunitas ini. Tidak ada yang diubah.',
  'plan.value_wrong': (p) => `\`${p.field}\` menerima ${p.allowed}. Tidak ada yang diubah.`,
  'plan.allowed_switch': () => 'on atau off',
  'plan.allowed_number': (p) =>
    `bilangan bulat dari ${count(p.least)} sampai ${count(p.most)}${p.isOptional === 1 ? ', atau none' : ''}`,
  'plan.sku_wrong': () =>
    'ID sebuah SKU adalah angka, seperti yang ditampilkan Discord. Tidak ada yang diubah.',
  'plan.payment_unknown': () => 'Saya tidak mengenal pembayaran itu. Tidak ada yang dikembalikan.',
  'plan.refund_done': (p) =>
    `${count(p.amount)} ${p.currency} dikembalikan kepada \`${p.payer}\`. Yang mereka bayar sudah berakhir.`,
  'plan.refund_goes_on': (p) =>
    `${count(p.amount)} ${p.currency} dikembalikan kepada \`${p.payer}\`, tetapi layanan pembayaran belum menghentikan tagihan berikutnya. Ulangi \`/plan refund\`, atau pakai \`/plan revoke\`.`,
  'plan.refund_known': () => 'Pembayaran itu sudah pernah dikembalikan.',
  'plan.value': (p) => ({ true: 'on', false: 'off', null: 'none' })[p.value] ?? count(Number(p.value)),
  'paysupport.how': () =>
    'Ada yang salah dengan pembayaran? Tulislah kepada pengelola bot ini dan sebutkan ID pembayarannya di bawah. Mereka bisa mengembalikannya; dukungan Telegram sendiri tidak bisa membantu.',
  'paysupport.none': () => 'Saya tidak tahu ada pembayaran darimu.',
  'paysupport.title': (p) => `**${count(p.payments)} pembayaran**`,
  'paysupport.payment': (p) => {
    const state = { refunded: ', dikembalikan', unassigned: ', tanpa akibat' }[p.state] ?? '';
    return `\`${p.id}\`: ${count(p.amount)} ${p.currency}${p.plan === '' ? '' : ` untuk ${p.plan}`}, ${formatMoment(p.atMs)}${state}`;
  },
  'command.plan.description': () => 'Paketmu, paket lain, dan cara mengambilnya',
  'command.plan.show.description': () => 'Paket yang kamu punya, dan sisanya',
  'command.plan.list.description': () => 'Semua paket, isi dan harganya',
  'command.plan.subscribe.description': () => 'Mengambil paket',
  'command.plan.cancel.description': () => 'Menghentikan perpanjangan paket',
  'command.plan.grant.description': () => 'Memberi seseorang paket (untuk operator)',
  'command.plan.revoke.description': () => 'Mengakhiri paket seseorang seketika (untuk operator)',
  'command.plan.edit.description': () => 'Membuat versi baru sebuah paket (untuk operator)',
  'command.plan.sku.description': () => 'Menjual paket sebagai SKU Discord (untuk operator)',
  'command.plan.refund.description': () => 'Mengembalikan pembayaran (untuk operator)',
  'command.paysupport.description': () => 'Bantuan soal pembayaran, dan pembayaranmu',
  'option.plan': () => 'nama paket',
  'option.sku': () => 'ID SKU',
  'option.field': () => 'yang diubah',
  'option.value': () => 'bilangan bulat, none, on atau off',
  'option.payment': () => 'ID pembayaran',
  'option.whose': () => 'untuk siapa: me atau server',
};
