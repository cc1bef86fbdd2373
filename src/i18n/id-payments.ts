import { formatMoment } from './duration.ts';
import type { Translation } from './en.ts';
import type { enPayments } from './en-payments.ts';

const date = formatMoment;
const yours = (of: string): string => (of === 'guild' ? 'komunitasmu punya' : 'kamu punya');
const owned = (of: string): string => (of === 'guild' ? 'milik komunitasmu' : 'milikmu');

const REFUSALS: Record<string, string> = {
  plans_off: 'paket tidak dijual lagi di sini',
  unknown_offer: 'tagihan ini bukan buatan saya',
  plan_gone: 'paket itu tidak dijual lagi, atau tidak dengan harga itu',
  not_for_sale: 'paket itu tidak dijual',
  wrong_payer: 'tagihan ini dibuat untuk orang lain',
  wrong_currency: 'mata uangnya tidak saya terima',
  wrong_amount: 'jumlahnya bukan harga paket itu',
  already_subscribed: 'paket itu sudah dibayar',
  has_better: 'sudah ada paket yang lebih baik',
};

/** As `enPayments`, in Indonesian. */
export const idPayments: Pick<Translation, keyof typeof enPayments> = {
  'checkout.refused': (p) =>
    `Tagihan ini tidak dapat dibayar: ${REFUSALS[p.reason] ?? 'tidak sedang ditawarkan'}${p.endsAtMs < 0 ? '' : `, sampai ${date(p.endsAtMs)}`}. Tidak ada yang ditagih; /plan menunjukkan apa yang tersedia.`,
  'checkout.unavailable': () =>
    'Saat ini saya tidak dapat menerima pembayaran. Tidak ada yang ditagih; silakan coba lagi beberapa menit lagi.',
  'payment.credited': (p) =>
    `Terima kasih! Mulai sekarang ${yours(p.of)} paket **${p.plan}**. Paket ini diperpanjang pada ${date(p.endsAtMs)}, kecuali kamu mengakhirinya dengan /plan cancel.`,
  'payment.renewed': (p) => `Paket **${p.plan}** ${owned(p.of)} diperpanjang sampai ${date(p.endsAtMs)}.`,
  'payment.unassigned': (p) =>
    `Pembayaranmu sudah masuk, tetapi tidak dapat dipakai untuk apa pun: ${REFUSALS[p.reason] ?? 'tidak sesuai dengan penawaran mana pun'}. Pembayaran ini tercatat; /paysupport menjelaskan cara mendapatkannya kembali.`,
  'payment.refunded': (p) =>
    `Pembayaranmu untuk paket **${p.plan}** sudah dikembalikan.${p.plans === 'ended' ? ' Paket itu berakhir bersamanya.' : ''}`,
  'subscription.cancelled': (p) =>
    `Paket **${p.plan}** tidak akan diperpanjang.${p.endsAtMs < 0 ? '' : ` Paket ini berlaku sampai ${date(p.endsAtMs)}.`}`,
  'subscription.active': (p) =>
    `Paket **${p.plan}** akan diperpanjang lagi.${p.endsAtMs < 0 ? '' : ` Berikutnya pada ${date(p.endsAtMs)}.`}`,
  'subscription.failed': (p) =>
    `Paket **${p.plan}** tidak dapat diperpanjang: Stars tidak cukup.${p.endsAtMs < 0 ? '' : ` Paket ini berlaku sampai ${date(p.endsAtMs)}, dan berlanjut bila pembayaran berhasil sebelumnya.`}`,
};
