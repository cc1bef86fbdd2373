import { formatCount, formatDuration, formatMoment, formatUsd } from './duration.ts';
import type { Translation } from './en.ts';
import type { enQuota } from './en-quota.ts';

const wait = (waitMs: number): string => formatDuration('id', waitMs);
const count = (value: number): string => formatCount('id', value);
const usd = (nanoUsd: number): string => formatUsd('id', nanoUsd);

export const METRICS: Record<string, string> = {
  requests: 'pesan',
  tokens: 'token',
  cost: 'pengeluaran',
  images: 'gambar',
};
export const WINDOWS: Record<string, string> = { hour: 'jam ini', day: 'hari ini', month: 'bulan ini' };
export const amount = (metric: string, value: number): string =>
  metric === 'cost' ? usd(value) : count(value);

export const EACH: Record<string, string> = { hour: 'per jam', day: 'per hari', month: 'per bulan' };
const SUBJECTS: Record<string, string> = {
  user: 'Kamu',
  member: 'Di komunitas ini kamu',
  channel: 'Kanal ini',
  guild: 'Komunitas ini',
  instance: 'Bot ini',
};
const BESIDES: Record<string, string> = {
  user: ' `/limits` menampilkan siapa yang menetapkan batas ini; batasmu sendiri dihapus dengan `/limits clear`.',
  member: ' Di tempat lain batas itu tidak berlaku; `/limits` menampilkan batasmu di sini.',
  channel: ' Itu batas kanal ini saja dan tidak berlaku di tempat lain; lihat `/limits`.',
  guild: ' Batas itu tidak berlaku di obrolan pribadi dengan saya; lihat `/limits`.',
  instance: '',
};
const WHOSE: Record<string, string> = {
  instance: 'Bot ini seluruhnya',
  guild: 'Komunitas ini',
  channel: 'Kanal itu',
  role: 'Setiap anggota dengan peran itu',
  members: 'Setiap anggota komunitas ini',
  member: 'Anggota itu, di sini',
  user: 'Orang itu',
  other_guild: 'Komunitas itu',
  self: 'Kamu',
};
const COUNTS: Record<string, string> = {
  instance: 'Bot ini seluruhnya',
  guild: 'Komunitas',
  channel: 'Kanal',
  member: 'Anggota, di sini',
  user: 'Orangnya, di mana pun',
};
const MINE: Record<string, string> = { member: 'Kamu, di sini', user: 'Kamu, di mana pun' };
const SET_BY: Record<string, string> = {
  operator: 'operator saya',
  admins: 'pengelola komunitas',
  self: 'orangnya sendiri',
};
const STATES: Record<string, string> = { queued: 'menunggu', running: 'sedang ditulis' };

const rule = (p: { metric: string; window: string; limit: number }): string => {
  const what = `${METRICS[p.metric]} ${EACH[p.window]}`;
  if (p.limit < 0) return `tanpa batas ${what}`;
  if (p.limit === 0) return `diblokir (tanpa ${what})`;
  return p.metric === 'cost'
    ? `paling banyak ${usd(p.limit)} ${EACH[p.window]}`
    : `paling banyak ${count(p.limit)} ${what}`;
};
const until = (untilMs: number): string => (untilMs === 0 ? '' : `, sampai ${formatMoment(untilMs)}`);

/** What is said of limits, in Indonesian. */
export const idQuota: Pick<Translation, keyof typeof enQuota> = {
  'refusal.quota': (p) =>
    (p.limit === 0
      ? `${SUBJECTS[p.subject]} tidak punya jatah ${METRICS[p.metric]}, jadi saya tidak bisa menjawab ini.`
      : `${SUBJECTS[p.subject]} sudah memakai ${amount(p.metric, p.used)} dari ${amount(p.metric, p.limit)} ${METRICS[p.metric]} ${WINDOWS[p.window]}. Dimulai lagi dalam ${wait(p.waitMs)}.`) +
    (BESIDES[p.subject] ?? ''),

  'quota.title': (p) => `**Batas: ${WHOSE[p.whose]}**`,
  'quota.line': (p) =>
    `- ${(p.isReader === 1 ? MINE[p.subject] : undefined) ?? COUNTS[p.subject]}, ${METRICS[p.metric]} ${WINDOWS[p.window]}: ${
      p.limit === 0
        ? '**diblokir**'
        : `${amount(p.metric, p.used + p.held)} dari ${amount(p.metric, p.limit)} terpakai${p.held > 0 ? ` (${amount(p.metric, p.held)} di antaranya ditahan untuk jawaban yang sedang berjalan)` : ''}, sisa ${amount(p.metric, Math.max(0, p.limit - p.used - p.held))}, dimulai lagi dalam ${wait(p.waitMs)}`
    }${p.isByRole === 1 ? ' – lewat sebuah peran' : ''}${p.by === 'default' ? '' : ` – ditetapkan oleh ${p.isReader === 1 && p.by === 'self' ? 'kamu' : SET_BY[p.by]}`}${until(p.untilMs)}`,
  'quota.rules': () => '**Yang ditetapkan**',
  'quota.rule': (p) => `- ${rule(p)} – ditetapkan oleh ${SET_BY[p.by]}${until(p.untilMs)}`,
  'quota.none': () => 'Tidak ada batas yang berlaku, dan tidak ada yang ditetapkan.',
  'quota.how': () =>
    'Ubah misalnya dengan `/quota set metric:requests window:day limit:50`; tambahkan `user:`, `role:`, `channel:`, atau `members:yes` untuk siapa batas itu berlaku, dan `until:3d` untuk batas yang berakhir. `limit:none` dan `/quota clear` mencabutnya.',
  'quota.changed': (p) => `✅ ${WHOSE[p.whose]}: ${rule(p)}${until(p.untilMs)}.`,
  'quota.same': (p) => `Sebelumnya sudah begitu. ${WHOSE[p.whose]}: ${rule(p)}${until(p.untilMs)}.`,
  'quota.blocks': () =>
    '⚠️ Batas 0 memblokir: saya tidak akan menjawab di sana sampai batas itu dinaikkan atau dicabut.',
  'quota.lower_holds': (p) => `Yang berlaku adalah yang lebih rendah: ${rule(p)}.`,
  'quota.cleared': (p) =>
    p.metric === ''
      ? `🗑️ ${WHOSE[p.whose]}: tidak ada lagi yang ditetapkan.`
      : `🗑️ ${WHOSE[p.whose]}: tidak ada lagi yang ditetapkan untuk ${METRICS[p.metric]} ${EACH[p.window]}.`,
  'quota.in_force': (p) => `Yang berlaku: ${rule(p)}.`,
  'quota.nothing': () => 'Tidak ada yang bisa dicabut.',
  'quota.unknown': (p) => `Saya belum pernah mendengar dari ${p.id}, jadi tidak ada yang diubah.`,
  'quota.limit_wrong': (p) =>
    p.metric === 'cost'
      ? 'Batas pengeluaran adalah jumlah dalam dolar AS seperti `2.50`, `0` untuk memblokir, atau `none`. Tidak ada yang diubah.'
      : 'Batas adalah bilangan bulat seperti `50`, `0` untuk memblokir, atau `none`. Tidak ada yang diubah.',
  'quota.limit_negative': () =>
    'Batas tidak bisa di bawah nol. `0` memblokir, `none` mencabut batasnya. Tidak ada yang diubah.',
  'quota.limit_huge': (p) =>
    `Itu lebih banyak dari yang bisa saya hitung: paling banyak ${amount(p.metric, p.most)}. \`none\` mencabut batasnya. Tidak ada yang diubah.`,
  'quota.until_wrong': () =>
    'Saya tidak bisa membaca sampai kapan. Tulis berapa lama, seperti `12h` atau `3d`, atau tanggal seperti `2027-01-31` atau `2027-01-31T18:00` (UTC). Tidak ada yang diubah.',
  'quota.until_past': () => 'Saat itu sudah lewat. Tidak ada yang diubah.',
  'quota.until_far': () =>
    'Itu lebih dari setahun lagi. Kosongkan `until` untuk batas yang menetap. Tidak ada yang diubah.',
  'quota.one_target': () =>
    'Untuk siapa? Sebutkan hanya satu dari `user`, `role`, `channel`, `members:yes`, dan `subject`. Tidak ada yang diubah.',
  'quota.where': (p) =>
    `Saya tidak tahu komunitas mana yang kamu maksud: silakan pakai /${p.command} di sana. \`/limits\` menampilkan dan menetapkan batasmu sendiri.`,
  'quota.key_half': () =>
    'Sebutkan keduanya, metrik dan jangka waktu, seperti `requests day`; atau kosongkan keduanya untuk semuanya. Tidak ada yang diubah.',
  'quota.subject_wrong': () =>
    'Subjek adalah `instance`, atau `guild:` atau `user:` dengan id, seperti `guild:discord:123` atau `user:telegram:42`. Tidak ada yang diubah.',
  'quota.instance_money': () =>
    'Untuk saya secara keseluruhan hanya pengeluaran yang dihitung: gunakan `metric:cost`, atau tetapkan batas untuk komunitas (`subject:guild:…`) atau seseorang (`subject:user:…`). Tidak ada yang diubah.',
  'quota.subject_operator': () =>
    'Batas di luar komunitas ini hanya untuk operator saya. Tidak ada yang diubah.',
  'quota.explain_title': (p) => `**Penghitung: ${WHOSE[p.whose]}**`,
  'quota.explain_counter': (p) =>
    `- ${METRICS[p.metric]} ${WINDOWS[p.window]}: ${amount(p.metric, p.used)} terhitung, ${amount(p.metric, p.rebuilt)} di catatan, selisih ${amount(p.metric, p.difference)}; ${p.limit < 0 ? 'tanpa batas' : `batas ${amount(p.metric, p.limit)}`}, dimulai lagi dalam ${wait(p.waitMs)}`,
  'quota.explain_holds': (p) =>
    p.holds === 0
      ? 'Tidak ada yang ditahan.'
      : `**Ditahan untuk ${count(p.holds)} jawaban yang sedang berjalan**`,
  'quota.explain_hold': (p) =>
    `- \`${p.turn === '' ? '–' : p.turn}\` ${STATES[p.state] ?? 'sudah tidak ada; penahanannya berakhir sendiri'}, sejak ${wait(p.sinceMs)}: ${count(p.requests)} pesan, ${count(p.tokens)} token, ${count(p.images)} gambar, ${usd(p.nanoUsd)}`,
  'quota.explain_more': (p) => `… dan ${count(p.more)} lagi.`,
  'quota.explain_none': () => 'Di sana belum ada yang dihitung.',
  'quota.explain_each': () =>
    'Setiap anggota punya penghitung sendiri: sebutkan satu dengan `/quota explain user:`.',

  'limits.title': () => '**Batas yang berlaku untukmu di sini**',
  'limits.none': () => 'Tidak ada batas yang berlaku untukmu di sini.',
  'limits.how': () =>
    'Kamu bisa menetapkan batas yang lebih rendah untuk dirimu sendiri, misalnya `/limits set metric:requests window:day limit:20`; `/limits clear` mencabutnya.',

  'settings.time_zone': (p) => `Zona waktu, yang tengah malamnya memulai hari dan bulan: **${p.timeZone}**`,
  'settings.time_zone_before': (p) =>
    `Batas dan anggaran mengikuti **${p.timeZone}** sampai ${formatMoment(p.untilMs)}, saat bulan yang sedang berjalan berakhir`,
  'settings.time_zone_soon': (p) =>
    `Zona waktu diubah kurang dari 30 hari yang lalu, jadi tidak ada yang diubah. Anda bisa mengubahnya lagi mulai ${formatMoment(p.fromMs)}; sebelum itu hanya operator saya yang bisa.`,
  'settings.time_zone_unknown': (p) =>
    `Saya tidak mengenal zona waktu bernama ${p.written}, jadi tidak ada yang diubah. Tulis seperti \`Europe/Berlin\` atau \`Asia/Jakarta\`, atau \`UTC\`.`,

  'command.allowed_choices': (p) => (p.others === '' ? p.last : `${p.others} atau ${p.last}`),
  'command.allowed_number': () => 'angka, seperti 2.5',
  'command.allowed_user': () =>
    'seseorang: id-nya, `me`, atau `reply` sebagai balasan atas pesannya (nama hanya saya kenal kalau saya pernah membaca tulisannya)',
  'command.allowed_role': () => 'peran di server, dipilih dari daftar Discord',
  'command.allowed_channel': () => '`here`, ditulis di kanal atau topik itu',
  'command.quota.description': () => 'Batas komunitas ini (untuk pengelola)',
  'command.quota.show.description': () => 'Batas komunitas ini, sebuah kanal, peran, atau anggota',
  'command.quota.set.description': () => 'Menetapkan batas untuk komunitas ini, kanal, peran, atau anggota',
  'command.quota.clear.description': () => 'Mencabut batas yang ditetapkan di sini',
  'command.quota.explain.description': () => 'Yang terhitung dan ditahan, dan apakah catatannya sama',
  'command.limits.description': () => 'Batas yang berlaku untukmu di sini, dan batasmu sendiri',
  'command.limits.show.description': () => 'Batas yang berlaku untukmu di sini, dan sisanya',
  'command.limits.set.description': () => 'Menetapkan batas yang lebih rendah untuk dirimu',
  'command.limits.clear.description': () => 'Mencabut batas yang kamu tetapkan sendiri',
  'option.metric': () => 'yang dihitung',
  'option.window': () => 'jangka waktu',
  'option.limit': () => 'angka (dolar AS untuk cost), 0 memblokir, atau none',
  'option.user': () => 'orang',
  'option.role': () => 'peran, untuk setiap anggota yang memilikinya',
  'option.channel': () => 'kanal',
  'option.members': () => 'setiap anggota komunitas ini',
  'option.until': () => 'akhir: 12h, 3d, atau 2027-01-31',
  'option.subject': () => 'subjek, untuk operator: instance, guild:<id>, atau user:<id>',
  'option.timezone': () => 'zona waktu, seperti Asia/Jakarta',
};
