import type { Translation } from './en.ts';
import { formatCount, formatDuration, formatUsd } from './duration.ts';
import { idBudget } from './id-budget.ts';
import { idAccess } from './id-access.ts';
import { idAudit } from './id-audit.ts';
import { idModels } from './id-models.ts';
import { idPlans } from './id-plans.ts';
import { idPayments } from './id-payments.ts';
import { amount, idQuota, METRICS, WINDOWS } from './id-quota.ts';
import { idUsage } from './id-usage.ts';
import { idPool } from './id-pool.ts';
import { idWhy } from './id-why.ts';
import { otherProvider, PROVIDER_NAMES } from './provider-names.ts';

const wait = (waitMs: number): string => formatDuration('id', waitMs);
const count = (value: number): string => formatCount('id', value);
const usd = (nanoUsd: number): string => formatUsd('id', nanoUsd);

const STYLES: Record<string, string> = {
  chain: 'setiap rangkaian balasan adalah satu percakapan',
  thread: 'setiap pertanyaan membuka utas; jika tidak bisa, setiap rangkaian balasan adalah satu percakapan',
  channel: 'setiap kanal adalah satu percakapan',
};
const OWN_KEY: Record<string, Record<string, string>> = {
  user: {
    refused:
      'Kunci OpenRouter milikmu ditolak, jadi saya tidak menjawab: tidak dikenal di sana, dicabut, atau dinonaktifkan.',
    spent:
      'Kunci OpenRouter milikmu tidak punya sisa dana, jadi saya tidak menjawab: batasnya tercapai, atau akunnya kosong.',
    unreadable:
      'Kunci OpenRouter milikmu yang tersimpan tidak bisa saya buka lagi, jadi saya tidak menjawab. Silakan berikan lagi.',
  },
  guild: {
    refused:
      'Kunci OpenRouter komunitas ini ditolak, jadi saya tidak menjawab: tidak dikenal di sana, dicabut, atau dinonaktifkan.',
    spent:
      'Kunci OpenRouter komunitas ini tidak punya sisa dana, jadi saya tidak menjawab: batasnya tercapai, atau akunnya kosong.',
    unreadable:
      'Kunci OpenRouter komunitas ini yang tersimpan tidak bisa saya buka lagi, jadi saya tidak menjawab. Kunci itu perlu diberikan lagi.',
  },
};
const ownKey = (whose: string): string => (whose === 'guild' ? 'Kunci komunitas ini' : 'Kuncimu');

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
    'Saya tadi sempat tidak aktif dan melewatkan pesan-pesan di sini. Silakan tanyakan lagi yang masih ingin kamu ketahui.',
  'refusal.message_too_long': (p) =>
    `Pesan itu terlalu panjang untuk saya: paling banyak ${count(p.maxCharacters)} karakter. Bisa dipersingkat atau dikirim terpisah?`,
  'refusal.rate_limited': (p) => `Itu agak terlalu cepat. Silakan coba lagi dalam ${wait(p.waitMs)}.`,

  'failure.unauthorized': (p) =>
    `Saya belum masuk ke layanan model dengan benar, jadi saya baru bisa menjawab setelah operator memperbaikinya. (${p.errorId})`,
  'failure.no_credits': (p) =>
    `Akun saya di layanan model sudah tidak punya saldo. Operator harus mengisinya. (${p.errorId})`,
  'failure.own_key': (p) =>
    `${OWN_KEY[p.payer]?.[p.why] ?? ''} ${p.payer === 'guild' ? 'Pengelolanya bisa memperbaikinya dengan `/key set for:server`, atau melepasnya dengan `/key remove for:server`.' : '`/key set` atau `/key connect` memperbaikinya, `/key remove` melepasnya.'}`,
  'failure.own_key_removed': () =>
    'Kunci yang seharusnya membayar ini sudah tidak ada, jadi saya tidak menjawab. Silakan tanyakan lagi.',
  'failure.own_key_privacy': (p) =>
    `Pengaturan privasi akun OpenRouter ${p.payer === 'guild' ? 'komunitas ini' : 'milikmu'} tidak menyisakan model yang boleh menjawab. ${p.payer === 'guild' ? 'Pemberi kuncinya' : 'Kamu'} bisa mengubahnya di https://openrouter.ai/settings/privacy.`,
  'failure.own_key_free_spent': (p) =>
    `Jatah jawaban gratis hari ini dari akun OpenRouter ${p.payer === 'guild' ? 'komunitas ini' : 'milikmu'} sudah habis. Dimulai lagi dalam ${wait(p.waitMs)}.`,
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
  'failure.search_guild_pays': () =>
    'Pencarian di web memerlukan biaya, dan kunci komunitas ini tidak membayarnya. Tanyakan tanpa pencarian; pengelolanya bisa mengizinkannya dengan `/settings search:on`.',
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
  'command.option_missing': (p) =>
    `/${p.command} masih kurang: tolong tambahkan \`${p.option}\` (${p.words}).`,
  'command.option_invalid': (p) =>
    `Saya tidak bisa membaca \`${p.option}\` pada /${p.command}. Seharusnya ${p.allowed}. Tidak ada yang diubah.`,
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
  'command.key.description': () => 'Bayar dengan kunci OpenRouter milikmu sendiri',
  'command.key.show.description': () =>
    'Yang saya dan OpenRouter ketahui tentang kuncimu, atau kunci server ini',
  'command.key.set.description': () => 'Berikan kunci OpenRouter kepada saya',
  'command.key.connect.description': () => 'Masuk lewat OpenRouter tanpa mengetik kunci',
  'command.key.code.description': () => 'Selesaikan proses masuk dengan kode yang ditampilkan',
  'command.key.test.description': () => 'Tanyakan kepada OpenRouter apakah kuncinya berlaku',
  'command.key.remove.description': () => 'Buat saya melupakan kunci itu',
  'command.preferences.description': () => 'Yang sudah kamu pilih untuk dirimu',
  'command.usage.description': () => 'Yang sudah kamu pakai dan yang tersisa',
  'command.cache.description': () => 'Yang diingat model dari percakapan ini, dan penghematannya',
  'command.stats.description': () => 'Angka-angka komunitas ini (untuk pengelola)',
  'command.settings.description': () => 'Cara kerja saya di komunitas ini (untuk pengelola)',
  'command.help.description': () => 'Apa yang bisa saya lakukan',
  'command.start.description': () => 'Menyapa',
  'command.guild.description': () =>
    'Komunitas yang menunggu dan memakai saya: setujui, keluar, blokir (untuk operator)',
  'option.question': () => 'pertanyaan',
  'option.search': () => 'cari di web',
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
  'option.for': () => 'kunci siapa: me atau server',
  'option.key': () => 'kunci OpenRouter (sk-or-…)',
  'option.code': () => 'kode',

  'ask_about.question': () => 'Jelaskan pesan ini, dan jawab pertanyaannya jika ada:',

  'settings.title': () => '**Pengaturan komunitas ini**',
  'settings.conversations': (p) => `Percakapan: **${p.style}** – ${STYLES[p.style]}`,
  'settings.models': (p) =>
    p.models === '' ? 'Model: **semua** yang saya tawarkan' : `Model: hanya ${p.models}`,
  'settings.search': (p) =>
    `Pencarian web dengan kunci komunitas ini sendiri: **${p.isAllowed === 1 ? 'on' : 'off'}**`,
  'settings.models_wrong': (p) =>
    `Saya tidak bisa membaca “${p.entry}”. Tulis \`models:all\`, atau daftar seperti \`models:free,google/*,deepseek/deepseek-v4\`.`,
  'settings.models_many': (p) => `Daftar itu terlalu panjang: paling banyak ${count(p.most)} entri.`,
  'settings.models_unknown': (p) =>
    `Saya tidak mengenal model seperti ${p.entries}, jadi tidak ada yang diubah. \`/model search\` mencari model lewat namanya.`,
  'settings.how': (p) =>
    `Ubah dengan \`/settings\` dan salah satu dari ini: ${p.styles}; atau dengan \`/settings models:\` dan yang boleh menjawab: \`free\`, \`google/*\`, id, atau \`all\`; dengan \`/settings search:on\` atau \`off\`; atau dengan \`/settings timezone:Asia/Jakarta\`.`,

  'guild.pending': () => '**Menunggu persetujuan** (`/guild approve <id>`)',
  'guild.request': (p) => `- \`${p.id}\` ${p.name}`,
  'guild.none': () => 'Tidak ada yang menunggu persetujuan.',
  'guild.approved': (p) => `Disetujui: ${p.id}.`,
  'guild.unknown': (p) =>
    `Saya belum pernah mendengar dari ${p.id}. /guild list menunjukkan siapa yang menunggu.`,

  'key.off': () => 'Kunci milik sendiri dinonaktifkan di sini.',
  'key.off_operator': () =>
    'Kunci milik sendiri dinonaktifkan di sini. Untuk mengaktifkannya, atur `ENCRYPTION_KEY` untuk saya: 32 byte acak dalam base64, dari `openssl rand -base64 32`.',
  'key.in_private': () =>
    'Orang lain ikut membaca di sini. Silakan pakai /key di obrolan pribadi dengan saya.',
  'key.sign_in_private': () =>
    'Orang lain ikut membaca di sini, jadi saya tidak menampilkan proses masuk. Pakai `/key set for:server` di sini, lalu kirim kuncinya kepada saya secara pribadi.',
  'key.where_server': () =>
    'Saya tidak tahu komunitas mana yang kamu maksud. Silakan pakai perintah ini di komunitas yang memakai kunci itu.',
  'key.exposed': () =>
    '⚠️ Orang lain ikut membaca di sini, jadi kunci itu tidak saya terima. Pesannya saya hapus bila boleh, tetapi anggap kuncinya sudah terlihat: hapus di openrouter.ai/keys dan buat yang baru. Lalu kirim kepada saya di obrolan pribadi, dengan /key set.',
  'key.send': (p) =>
    `Silakan kirim kunci OpenRouter ${p.whose === 'guild' ? 'komunitas ' : ''}(sk-or-…) sebagai pesan berikutnya di sini, dalam 10 menit. Pesan itu langsung saya hapus. Tanpa mengetik kunci, bisa dengan \`/key connect\`.`,
  'key.send_in_private': () =>
    'Silakan kirim kunci OpenRouter untuk komunitas ini (sk-or-…) sebagai pesan di obrolan pribadi kita, dalam 10 menit. Jangan tulis di sini.',
  'key.kept': (p) =>
    `✅ ${p.whose === 'guild' ? 'Mulai sekarang kunci komunitas ini membayar yang ditanyakan di sana' : 'Mulai sekarang kuncimu membayar yang kamu tanyakan'} (…${p.last4}).${p.before === '' ? '' : ` Kunci ini menggantikan …${p.before}${p.givenBy === '' ? '' : `, yang diberikan ${p.givenBy}`}.`} Model gratis yang menjawab, kecuali ${p.whose === 'guild' ? 'pengelola menyebut yang lain dengan `/settings models:`' : 'kamu memilih yang lain dengan `/model use`'}. Saya menyimpannya terenkripsi dan tidak pernah menampilkannya; \`/key remove\` membuat saya melupakannya.`,
  'key.no_key': () =>
    'Itu bukan kunci OpenRouter: kuncinya diawali sk-or-. Saya tidak menyimpannya, dan tidak mengirimnya ke mana pun. Kuncimu ada di openrouter.ai/keys.',
  'key.management': () =>
    'Kunci itu mengelola kunci lain dan tidak bisa membayar jawaban, jadi tidak saya simpan. Silakan buat kunci biasa di openrouter.ai/keys.',
  'key.not_good': () =>
    'OpenRouter tidak menerima kunci itu: salah ketik, dicabut, atau dinonaktifkan. Saya tidak menyimpannya.',
  'key.unreachable': () =>
    'Saya tidak bisa menjangkau OpenRouter untuk memeriksanya, jadi tidak ada yang berubah. Silakan coba lagi sebentar lagi.',
  'key.unasked': () =>
    'Itu tampak seperti kunci, jadi tidak saya baca sebagai pertanyaan, dan tidak saya simpan. Agar dipakai, kirim `/key set` dulu. Jika pesannya masih terlihat, silakan hapus.',
  'key.unasked_off': () =>
    'Itu tampak seperti kunci, jadi tidak saya baca sebagai pertanyaan, dan tidak saya simpan. Kunci milik sendiri dinonaktifkan di sini. Jika pesannya masih terlihat, silakan hapus.',
  'key.sign_in': (p) =>
    `[Masuk lewat OpenRouter](${p.url}) dan izinkan sebuah kunci untuk ${p.whose === 'guild' ? 'komunitas ini' : 'dirimu'}, dalam 10 menit. ${p.comesBack === 1 ? 'Itu saja.' : 'Di sana kamu akan melihat kode: berikan kepada saya dengan `/key code`.'} Tautan itu hanya untukmu: jangan diteruskan.`,
  'key.code_none': () => 'Kamu belum memulai proses masuk. `/key connect` memulainya.',
  'key.code_used': () => 'Proses masuk itu sudah selesai. `/key connect` memulai yang baru.',
  'key.code_expired': () =>
    'Itu lebih lama dari 10 menit, jadi kodenya tidak berlaku lagi. `/key connect` memulai dari awal.',
  'key.code_refused': () =>
    'OpenRouter tidak menerima kode itu: sudah dipakai, salah ketik, atau milik proses masuk selain yang terakhir. `/key connect` memulai dari awal.',
  'key.none': (p) =>
    p.whose === 'guild' ? 'Komunitas ini tidak punya kunci sendiri.' : 'Kamu tidak punya kunci sendiri.',
  'key.how': () =>
    '`/key connect` memasukkanmu lewat OpenRouter, `/key set` menerima kunci yang kamu punya. Kunci itu lalu membayar menggantikan operator saya.',
  'key.title': (p) => `**${ownKey(p.whose)}**: OpenRouter, …${p.last4}`,
  'key.is_good': (p) => `✅ ${ownKey(p.whose)} berlaku.`,
  'key.is_refused': (p) =>
    `❌ ${ownKey(p.whose)} ditolak OpenRouter. Berikan yang lain dengan \`/key set\`, atau hapus dengan \`/key remove\`.`,
  'key.is_unknown': () => '❔ Saya tidak bisa menjangkau OpenRouter untuk memeriksanya.',
  'key.is_unreadable': (p) =>
    `❌ ${ownKey(p.whose)} tidak bisa dibuka lagi dan perlu dimasukkan ulang, dengan \`/key set\` atau \`/key connect\`.`,
  'key.no_limit': (p) => `Tanpa batas sendiri; sejauh ini terpakai ${usd(p.usedNanoUsd)}`,
  'key.credit': (p) => `Sisa ${usd(p.remainingNanoUsd)}, sejauh ini terpakai ${usd(p.usedNanoUsd)}`,
  'key.given': (p) => `Diberikan ${p.givenBy === '' ? '' : `oleh ${p.givenBy} `}pada ${p.on}`,
  'key.used': (p) => (p.on === '' ? 'Belum pernah dipakai' : `Terakhir dipakai pada ${p.on}`),
  'key.removed': (p) =>
    `🗑️ Saya sudah melupakan ${p.whose === 'guild' ? 'kunci komunitas ini' : 'kuncimu'}${p.last4 === '' ? '' : ` …${p.last4}`}. Agar tidak bisa dipakai di mana pun, hapus di openrouter.ai/keys.`,
  'key.page_title': () => 'Masuk lewat OpenRouter',
  'key.page_missing': () => 'OpenRouter tidak menyertakan kode. Silakan mulai lagi dengan /key connect.',
  'key.page_back': () => 'Halaman ini bisa ditutup; silakan kembali ke obrolan.',

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
    `${count(p.cachedTokens)} dari ${count(p.promptTokens)} token dibaca dari cache: tingkat cache hit ${count(Math.round(p.percent))}%`,
  'cache.saved': (p) =>
    p.savedNanoUsd < 0
      ? `sejauh ini ${usd(-p.savedNanoUsd)} lebih mahal daripada tanpa cache; biasanya terbayar kembali seiring percakapan berlanjut`
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
    'Belum ada kunci yang boleh saya pakai untuk model: jawaban disimulasikan. Untuk yang sungguhan, atur OPENROUTER_API_KEY, atau GEMINI_API_KEY atau HF_TOKEN (dengan GEMINI_FREE=true atau HF_FREE=true bila kunci itu gratis); untuk obrolan, atur DISCORD_TOKEN atau TELEGRAM_BOT_TOKEN.',
  'terminal.earlier': () => '(jawaban untuk pesan sebelumnya)',
  ...idBudget,
  ...idWhy,
  ...idAccess,
  ...idAudit,
  ...idModels,
  ...idPayments,
  ...idPlans,
  ...idQuota,
  ...idUsage,
  ...idPool,
};
