import type { enAudit } from './en-audit.ts';
import type { Translation } from './en.ts';
import { amount, EACH, METRICS } from './id-quota.ts';

export const DEEDS: Record<string, string> = {
  stop: 'menghentikan sementara',
  resume: 'melanjutkan',
  block: 'memblokir',
  unblock: 'membuka blokir',
  approve: 'menyetujui',
  forget: 'meminta seseorang dilupakan:',
  refused: 'mencoba tanpa hak:',
  'guild.leave': 'membuat saya keluar dari',
  'report.done': 'menyelesaikan laporan',
  'set conversation_style': 'mengubah jenis percakapan di',
  'set allowed_models': 'mengubah model yang diizinkan di',
  'set allow_search': 'mengubah pencarian web di',
  'set time_zone': 'mengubah zona waktu',
  'key.add': 'memberi kunci untuk',
  'key.replace': 'mengganti kunci',
  'key.remove': 'mencabut kunci',
  'key.first_use': 'pertama kali memakai kunci',
  'key.refused': 'mencatat bahwa OpenRouter menolak kunci',
  'key.accepted': 'mencatat bahwa OpenRouter menerima lagi kunci',
  'key.unreadable': 'tidak bisa membaca kunci',
  'key.rotate': 'menyegel ulang semua kunci untuk',
  'quota.set': 'menetapkan batas untuk',
  'quota.clear': 'menghapus batas untuk',
  'budget.set': 'mengubah anggaran',
  'plan.grant': 'memberi paket kepada',
  'plan.revoke': 'mencabut paket dari',
  'plan.cancel': 'menghentikan perpanjangan paket',
  'plan.active': 'melanjutkan perpanjangan paket',
  'plan.cancelled': 'menghentikan perpanjangan paket',
  'plan.past_due': 'belum membayar perpanjangan paket',
  'plan.paid': 'membayar paket untuk',
  'plan.payment_unassigned': 'membayar, tanpa akibat, untuk',
  'plan.refunded': 'menerima pengembalian pembayaran untuk',
  'plan.edit': 'mengubah paket',
  'plan.sku': 'menjual paket sebagai SKU',
  'plan.entitlement_granted': 'membeli di toko Discord paket untuk',
  'plan.entitlement_changed': 'mengubah di toko Discord paket',
  'plan.entitlement_ended': 'mengakhiri di toko Discord paket',
  'books.counter': 'menemukan penghitung yang berbeda dari catatan:',
  'books.hour': 'menemukan jumlah sejam yang berbeda dari catatan:',
  'books.day': 'menemukan jumlah sehari yang berbeda dari catatan:',
  'books.drift': 'menemukan akun OpenRouter berbeda dari catatan:',
};

const TARGETS: Record<string, (name: string) => string> = {
  instance: () => 'bot ini seluruhnya',
  role: (name) => `peran ${name}`,
  channel: (name) => `kanal ${name}`,
  members: (name) => `setiap anggota ${name}`,
  member: (name) => `${name}, sebagai anggota`,
};
const deedOf = (action: string): string => {
  const tried = action.endsWith('.refused') ? action.slice(0, -'.refused'.length) : action;
  const isTried = tried !== action && DEEDS[action] === undefined;
  return isTried ? `gagal memakai \`/${tried.replace('.', ' ')}\` untuk` : (DEEDS[action] ?? action);
};
const limit = (metric: string, value: number): string => (value < 0 ? 'tidak ada' : amount(metric, value));

/** As `enAudit`, in Indonesian. */
export const idAudit: Pick<Translation, keyof typeof enAudit> = {
  'audit.title': () => '**Siapa mengubah apa**',
  'audit.none': () => 'Belum ada catatan.',
  'audit.who': (p) => (p.name === 'system' ? 'Parley' : p.name === '' ? 'Seseorang' : p.name),
  'audit.target': (p) => TARGETS[p.kind]?.(p.name) ?? p.name,
  'audit.limit': (p) =>
    `${METRICS[p.metric]} ${EACH[p.window]}: ${limit(p.metric, p.before)} → ${limit(p.metric, p.after)}`,
  'audit.entry': (p) =>
    `- ${p.at}: ${p.who} ${deedOf(p.action)} ${p.subject}${p.change === '' ? '' : ` (${p.change})`}`,
  'audit.more': (p) => `Catatan yang lebih lama: \`/audit before:${p.before}\``,
};
