import type { Translation } from './en.ts';
import { formatCount, formatDuration, formatUsd } from './duration.ts';
import { idWhy } from './id-why.ts';
import { otherProvider, PROVIDER_NAMES } from './provider-names.ts';

const wait = (waitMs: number): string => formatDuration('id', waitMs);
const count = (value: number): string => formatCount('id', value);
const usd = (nanoUsd: number): string => formatUsd('id', nanoUsd);

const METRICS: Record<string, string> = {
  requests: 'pesan',
  tokens: 'token',
  cost: 'pengeluaran',
  images: 'gambar',
};
const WINDOWS: Record<string, string> = { hour: 'jam ini', day: 'hari ini', month: 'bulan ini' };
const STYLES: Record<string, string> = {
  chain: 'setiap rangkaian balasan adalah satu percakapan',
  thread: 'setiap pertanyaan membuka utas; jika tidak bisa, setiap rangkaian balasan adalah satu percakapan',
  channel: 'setiap kanal adalah satu percakapan',
};
const SUBJECTS: Record<string, string> = { user: 'Kamu', guild: 'Komunitas ini', instance: 'Bot ini' };
const amount = (metric: string, value: number): string => (metric === 'cost' ? usd(value) : count(value));

/** Bahasa Indonesia. The language has no plural forms, so a count stands before the plain noun. */
export const id: Translation = {
  'refusal.stopped': () => 'Operator sedang menghentikan saya untuk sementara. Silakan coba lagi nanti.',
  'refusal.access_denied': () =>
    'Saya hanya disiapkan untuk orang dan komunitas tertentu, jadi saya tidak bisa menjawab di sini.',
  'refusal.approval_needed': () =>
    'Saya perlu persetujuan operator sebelum bisa menjawab di sini. Mereka melihatnya dengan /guild list.',
  'refusal.empty_message': () =>
    'Saya hanya bisa membaca teks, dan pesan itu tidak berisi teks. Apa yang ingin kamu tanyakan?',
  'refusal.text_withheld': () =>
    'Di sini saya hanya bisa membaca pesan yang menyebut saya, atau yang membalas saya dengan @ pada balasan aktif. Kamu juga bisa memakai /ask.',
  'refusal.too_old': () =>
    'Saya tadi sempat tidak aktif dan melewatkan pesan-pesan di sini. Silakan tanyakan lagi yang masih ingin Anda ketahui.',
  'refusal.message_too_long': (p) =>
    `Pesan itu terlalu panjang untuk saya: paling banyak ${count(p.maxCharacters)} karakter. Bisa dipersingkat atau dikirim terpisah?`,
  'refusal.rate_limited': (p) => `Itu agak terlalu cepat. Silakan coba lagi dalam ${wait(p.waitMs)}.`,
  'refusal.quota': (p) =>
    p.limit === 0
      ? `${SUBJECTS[p.subject]} tidak punya jatah ${METRICS[p.metric]}, jadi saya tidak bisa menjawab ini.`
      : `${SUBJECTS[p.subject]} sudah memakai ${amount(p.metric, p.used)} dari ${amount(p.metric, p.limit)} ${METRICS[p.metric]} ${WINDOWS[p.window]}. Dimulai lagi dalam ${wait(p.waitMs)}.`,

  'failure.unauthorized': (p) =>
    `Saya belum masuk ke layanan model dengan benar, jadi saya baru bisa menjawab setelah operator memperbaikinya. (${p.errorId})`,
  'failure.no_credits': (p) =>
    `Akun saya di layanan model sudah tidak punya saldo. Operator harus mengisinya. (${p.errorId})`,
  'failure.budget_spent': (p) =>
    `Anggaran untuk model berbayar sudah habis. Dimulai lagi dalam ${wait(p.waitMs)}.`,
  'failure.model_not_found': (p) =>
    `Model yang seharusnya saya pakai sudah tidak ada, dan tidak ada model lain yang bisa menjawab. (${p.errorId})`,
  'failure.free_spent': (p) =>
    `Jatah jawaban gratis hari ini sudah habis untuk semua orang. Dimulai lagi dalam ${wait(p.waitMs)}.`,
  'failure.rate_limited': (p) =>
    `Semua model yang boleh saya pakai sedang sibuk. Silakan coba lagi dalam ${wait(p.waitMs)}.`,
  'failure.chosen_model': (p) =>
    `Model pilihanmu, \`${p.model}\`, sedang tidak bisa menjawab${p.waitMs > 0 ? `; mungkin bisa lagi dalam ${wait(p.waitMs)}` : ''}. Kamu belum mengizinkan model lain menggantikannya: \`/preferences fallback:on\` mengizinkannya, \`/model reset\` menyerahkan pilihan kepada saya. (${p.errorId})`,
  'failure.chosen_not_here': (p) =>
    `Model pilihanmu, \`${p.model}\`, tidak termasuk yang boleh menjawab di sini. \`/model use\` memilih yang lain, \`/model reset\` menyerahkan pilihan kepada saya.`,
  'failure.none_allowed': () =>
    'Tidak ada model yang diizinkan komunitas ini yang bisa dipakai saat ini. Pengelolanya bisa mengubahnya dengan `/settings`.',
  'failure.moderated': () => 'Layanan model menolak menjawab ini. Bisa disampaikan dengan cara lain?',
  'failure.context_too_long': () =>
    'Percakapan ini sudah terlalu panjang untuk model. Mulai yang baru dengan /new, atau tanyakan sesuatu yang lebih singkat.',
  'failure.invalid_request': (p) =>
    `Layanan model tidak bisa menerima pesan ini. Bisa dibuat lebih pendek, atau disampaikan dengan cara lain? (${p.errorId})`,
  'failure.timeout': (p) => `Model terlalu lama menjawab. Silakan coba lagi sebentar lagi. (${p.errorId})`,
  'failure.search': (p) =>
    `Pencarian di web gagal, jadi saya belum menjawab. Silakan coba lagi sebentar lagi, atau tanyakan tanpa pencarian. (${p.errorId})`,
  'failure.search_unsupported': () =>
    'Tidak ada model yang boleh menjawab di sini yang bisa mencari di web. Tanyakan tanpa pencarian, atau pilih model lain dengan `/model use`.',
  'failure.search_free_only': () =>
    'Pencarian di web memerlukan biaya, sedangkan saya diatur hanya untuk jawaban gratis. Tanyakan tanpa pencarian, dan saya akan menjawab dari yang saya ketahui.',
  'failure.unavailable': (p) =>
    `Belum ada model yang bisa menjawab saat ini. Silakan coba lagi sebentar lagi. (${p.errorId})`,
  'failure.unexpected': (p) =>
    `Ada yang salah di pihak saya. Sudah dicatat sebagai ${p.errorId}; silakan coba lagi.`,
  'failure.store_waits': () =>
    'Ingatan saya sedang tidak terjangkau. Saya akan menjawab segera setelah bisa dijangkau lagi.',
  'failure.store_away': () => 'Ingatan saya sedang tidak terjangkau. Silakan coba lagi sebentar lagi.',

  'answer.partial': () => '⚠️ *Jawaban terputus di sini.*',
  'answer.cut_by_length': () => '✂️ *Jawaban dipotong pada batas panjangnya.*',
  'answer.filtered': () => '⚠️ *Layanan model memotong jawaban di sini.*',
  'answer.not_allowed': () => '⚠️ Jawaban saya untuk ini tidak diizinkan di sini.',
  'answer.searched': (p) =>
    `🔎 *Mencari di web${p.searches > 1 ? ` ${count(p.searches)} kali` : ''}*${p.costNanoUsd > 0 ? ` · ${usd(p.costNanoUsd)}` : ''}`,
  'answer.not_searched': () => '🔎 *Model menjawab tanpa pencarian.*',
  'answer.stopped': () => '⏹️ *Dihentikan.*',

  'turn.cancelled': () => '⏹️ Dihentikan.',
  'turn.interrupted': () => 'Saya terputus sebelum sempat menjawab ini. Tekan Lanjutkan, atau tanyakan lagi.',

  'button.stop': () => '⏹ Hentikan',
  'button.regenerate': () => '🔄 Ulangi',
  'button.continue': () => '⏩ Lanjutkan',
  'button.why': () => '❔ Mengapa?',
  'button.previous': () => '◀',
  'button.next': (p) => `${p.index}/${p.count} ▶`,
  'press.again': () => 'Menjawab sekali lagi…',
  'press.continuing': () => 'Melanjutkan…',
  'press.queued': () => 'Segera setelah jawaban sebelumnya selesai.',
  'press.busy': () => 'Jawaban ini sedang ditulis.',
  'press.gone': () => 'Pertanyaannya sudah tidak ada.',
  'press.stopping': () => 'Menghentikan…',
  'press.not_running': () => 'Jawaban itu sudah tidak sedang ditulis.',
  'press.not_yours': () => 'Hanya penanya atau admin yang bisa melakukannya.',
  'press.unknown': () => 'Tombol itu sudah tidak berfungsi.',

  'command.unknown': (p) =>
    p.suggestion === ''
      ? `Saya tidak mengenal perintah /${p.name}. /help menunjukkan apa yang bisa saya lakukan.`
      : `Saya tidak mengenal perintah /${p.name}. Maksudmu /${p.suggestion}? /help menunjukkan apa yang bisa saya lakukan.`,
  'command.unknown_subcommand': (p) => `Saya tidak mengenal ${p.written}. Kamu bisa memakai ${p.known}.`,
  'command.option_missing': (p) => `/${p.command} masih kurang: tolong tambahkan ${p.option}.`,
  'command.option_invalid': (p) =>
    `Saya tidak bisa membaca ${p.option} pada /${p.command}. Seharusnya ${p.allowed}.`,
  'command.option_extra': (p) => `/${p.command} tidak menerima “${p.extra}”.`,
  'command.allowed_integer': () => 'bilangan bulat',
  'command.allowed_boolean': () => 'ya atau tidak',
  'command.guild_only': (p) => `/${p.command} hanya berfungsi di grup dan server.`,
  'command.private_only': (p) => `/${p.command} hanya berfungsi di obrolan pribadi.`,
  'command.admin_only': (p) => `/${p.command} hanya untuk pengelola komunitas ini.`,
  'command.operator_only': (p) => `/${p.command} hanya untuk operator saya.`,

  'command.ask.description': () => 'Ajukan pertanyaan',
  'command.ask_about.description': () => 'Tanya tentang sebuah pesan',
  'command.ask_about.label': () => 'Tanyakan tentang ini',
  'command.why.description': () => 'Asal sebuah jawaban: model, waktu tunggu, biaya',
  'command.new.description': () => 'Mulai percakapan baru',
  'command.stop.description': () => 'Hentikan jawaban yang sedang ditulis',
  'command.model.description': () => 'Model yang bisa menjawab, dan memilih salah satunya',
  'command.model.list.description': () => 'Model yang bisa kamu pilih',
  'command.model.search.description': () => 'Cari model lewat namanya',
  'command.model.info.description': () => 'Kemampuan dan harga sebuah model',
  'command.model.use.description': () => 'Pilih model yang menjawabmu',
  'command.model.reset.description': () => 'Serahkan pilihan model kepada saya',
  'command.preferences.description': () => 'Yang sudah kamu pilih untuk dirimu',
  'command.usage.description': () => 'Yang sudah kamu pakai dan yang tersisa',
  'command.cache.description': () => 'Yang diingat model dari percakapan ini, dan penghematannya',
  'command.stats.description': () => 'Angka-angka komunitas ini (untuk pengelola)',
  'command.settings.description': () => 'Cara kerja saya di komunitas ini (untuk pengelola)',
  'command.help.description': () => 'Apa yang bisa saya lakukan',
  'command.start.description': () => 'Menyapa',
  'command.guild.description': () => 'Siapa yang menunggu persetujuan, dan menyetujuinya (untuk operator)',
  'option.question': () => 'pertanyaan',
  'option.search': () => 'cari dulu di web',
  'option.days': () => 'jumlah hari',
  'option.message': () => 'pesan',
  'option.conversations': () => 'jenis percakapan',
  'option.action': () => 'tindakan',
  'option.id': () => 'id',
  'option.payload': () => 'salam',
  'option.model': () => 'model',
  'option.models': () => 'daftar model',
  'option.query': () => 'nama atau bagiannya',
  'option.filter': () => 'filter',
  'option.page': () => 'halaman',
  'option.fallback': () => 'pengganti',
  'option.temperature': () => 'temperatur, 0 sampai 2',
  'option.max_tokens': () => 'jawaban terpanjang, dalam token',
  'option.reset': () => 'lupakan semuanya',

  'ask_about.question': () => 'Jelaskan pesan ini, dan jawab pertanyaannya jika ada:',

  'settings.title': () => '**Pengaturan komunitas ini**',
  'settings.conversations': (p) => `Percakapan: **${p.style}** – ${STYLES[p.style]}`,
  'settings.models': (p) =>
    p.models === '' ? 'Model: **semua** yang saya tawarkan' : `Model: hanya ${p.models}`,
  'settings.models_wrong': (p) =>
    `Saya tidak bisa membaca “${p.entry}”. Tulis \`models:all\`, atau daftar seperti \`models:free,google/*,deepseek/deepseek-v4\`.`,
  'settings.models_many': (p) => `Daftar itu terlalu panjang: paling banyak ${count(p.most)} entri.`,
  'settings.models_unknown': (p) =>
    `Saya tidak mengenal model seperti ${p.entries}, jadi tidak ada yang diubah. \`/model search\` mencari model lewat namanya.`,
  'settings.how': (p) =>
    `Ubah dengan \`/settings\` dan salah satu dari ini: ${p.styles}; atau dengan \`/settings models:\` dan yang boleh menjawab: \`free\`, \`google/*\`, id, atau \`all\`.`,

  'guild.pending': () => '**Menunggu persetujuan** (`/guild approve <id>`)',
  'guild.request': (p) => `- \`${p.id}\` ${p.name}`,
  'guild.none': () => 'Tidak ada yang menunggu persetujuan.',
  'guild.approved': (p) => `Disetujui: ${p.id}.`,
  'guild.unknown': (p) =>
    `Saya belum pernah mendengar dari ${p.id}. /guild list menunjukkan siapa yang menunggu.`,

  'model.title': (p) => `**${count(p.count)} model**, halaman ${p.page} dari ${p.pages}`,
  'model.how': () => 'Pilih salah satu dengan `/model use`; `/model info` memberi tahu lebih banyak.',
  'model.how_pages': (p) => `Halaman berikutnya: \`${p.line}\``,
  'model.is_yours': () => '✅ *pilihanmu*',
  'model.none': () => 'Tidak ada model seperti itu yang bisa kamu pilih di sini.',
  'model.no_choice': () => 'Di sini model ditentukan oleh pengelola bot ini; tidak ada yang bisa dipilih.',
  'model.no_list': () => 'Saya belum menerima daftar model. Silakan coba lagi sebentar lagi.',
  'model.context': (p) => `membaca ${count(p.tokens)} token`,
  'model.longest_answer': (p) => `menulis sampai ${count(p.tokens)} token`,
  'model.free': () => 'gratis',
  'model.price': (p) =>
    `${usd(p.promptNanoUsd)} dibaca, ${usd(p.completionNanoUsd)} ditulis, per sejuta token`,
  'model.price_from': (p) =>
    `mulai ${usd(p.promptNanoUsd)} dibaca, ${usd(p.completionNanoUsd)} ditulis, per sejuta token`,
  'model.price_unknown': () => 'harga baru ditentukan saat dipakai',
  'model.price_request': (p) => `dan ${usd(p.nanoUsd)} per pertanyaan`,
  'model.price_highest': (p) =>
    `paling mahal ${usd(p.promptNanoUsd)} dibaca, ${usd(p.completionNanoUsd)} ditulis, misalnya untuk pertanyaan panjang`,
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
  'preferences.title': () => '**Preferensimu**',
  'preferences.model': (p) => (p.model === '' ? 'Model: saya yang memilih' : `Model: \`${p.model}\``),
  'preferences.fallback': (p) =>
    p.isAllowed === 1
      ? 'Pengganti: **ya** – bila modelmu tidak bisa menjawab, model lain yang menjawab'
      : 'Pengganti: **tidak** – hanya model pilihanmu yang menjawab',
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

  'new.done': () => '🆕 Percakapan baru. Tentang apa?',
  'stop.done': (p) => `⏹️ Menghentikan ${count(p.answers)} jawaban.`,
  'stop.nothing': () => 'Tidak ada yang perlu dihentikan.',
  'start.hello': (p) =>
    `Halo ${p.name}! Saya Parley, asisten AI. Tulis saja di sini, atau sebut saya di grup atau server. /help menunjukkan apa yang bisa saya lakukan.`,
  'help.intro': () =>
    '**Parley** menjawab bila kamu menulis secara pribadi, menyebutnya, atau membalasnya. Perintah ini juga bisa dipakai:',
  'help.line': (p) => `- /${p.command} – ${p.description}`,

  'usage.title': () => '**Pemakaianmu**',
  'usage.today': () => 'Hari ini',
  'usage.month': () => 'Bulan ini',
  'usage.line': (p) =>
    `${p.label}: ${count(p.requests)} pesan, ${count(p.tokens)} token, ${usd(p.costNanoUsd)}`,
  'usage.providers': () => '**Bulan ini menurut penyedia**',
  'usage.provider': (p) =>
    `- ${PROVIDER_NAMES[p.provider] ?? 'Tidak diketahui'}: ${count(p.calls)} panggilan, ${count(p.tokens)} token, ${usd(p.costNanoUsd)}`,
  'usage.limits': () => '**Yang tersisa**',
  'usage.limit': (p) =>
    `- ${p.subject === 'guild' ? 'Komunitas' : 'Kamu'}, ${METRICS[p.metric]} ${WINDOWS[p.window]}: ${amount(p.metric, p.used)} dari ${amount(p.metric, p.limit)} terpakai, dimulai lagi dalam ${wait(p.waitMs)}`,

  'cache.title': () => '**Cache di percakapan ini**',
  'cache.messages': (p) => `${count(p.messages)} pesan`,
  'cache.tokens': (p) =>
    `${count(p.cachedTokens)} dari ${count(p.promptTokens)} token dibaca dari cache: ${count(Math.round(p.percent))} % kena`,
  'cache.saved': (p) =>
    p.savedNanoUsd < 0
      ? `sejauh ini ${usd(-p.savedNanoUsd)} lebih mahal daripada tanpa cache; itu berbalik selama percakapan berlanjut`
      : `hemat ${usd(p.savedNanoUsd)}`,
  'cache.none': () =>
    'Belum ada percakapan di sini. Tanyakan sesuatu dulu, lalu /cache menunjukkan seberapa banyak yang diingat model.',

  'stats.title': (p) =>
    `**${p.guild === '' ? 'Percakapan pribadimu' : p.guild}**, ${count(p.days)} hari terakhir`,
  'stats.totals': (p) =>
    `${count(p.requests)} pesan dari ${count(p.users)} orang, ${count(p.tokens)} token, ${usd(p.costNanoUsd)}`,
  'stats.outcomes': (p) => `${count(p.answered)} terjawab, ${count(p.failed)} gagal`,
  'stats.models': () => '**Model**',
  'stats.model': (p) =>
    `- \`${p.model}\`${otherProvider(p.provider)}: ${count(p.requests)} jawaban, ${count(p.failures)} kegagalan, ${count(p.tokens)} token, ${usd(p.costNanoUsd)}${p.firstTokenMs < 0 ? '' : `, kata pertama setelah ${count(Math.round(p.firstTokenMs))} md`}`,
  'stats.providers': () => '**Penyedia**',
  'stats.users': () => '**Paling aktif**',
  'stats.user': (p) => `- ${p.name}: ${count(p.requests)} pesan, ${count(p.tokens)} token`,
  'stats.none': () => 'Belum ada yang ditanyakan di sini.',

  'terminal.welcome': () =>
    'Parley di terminal. Tulis pertanyaan lalu tekan Enter; /help menunjukkan perintah, Ctrl+D mengakhiri.',
  'terminal.simulated': () =>
    'Kunci model belum diatur: jawaban disimulasikan. Untuk yang sungguhan, atur OPENROUTER_API_KEY; untuk obrolan, atur DISCORD_TOKEN atau TELEGRAM_BOT_TOKEN.',
  'terminal.earlier': () => '(jawaban untuk pesan sebelumnya)',
  ...idWhy,
};
