import type { Api } from 'grammy';
import type { StarTransaction, TransactionPartnerUser } from 'grammy/types';
import type { Clock } from '../../delivery/clock.ts';
import { backoffMs } from '../../intake/back-off.ts';
import { handOver } from '../../intake/hand-over.ts';
import { StoreUnavailable, type Handlers } from '../../platform/adapter.ts';
import { userId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import { describe, toFailure } from './failure.ts';
import type { PollingPace } from './hand.ts';
import { privateChat } from './money.ts';
import { say, type ReplyContext } from './reply.ts';

export interface StarAccountOptions {
  readonly api: Api;
  readonly botId: number;
  readonly handlers: Handlers;
  readonly replies: ReplyContext;
  readonly pace: PollingPace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

/**
 * Reads the bot's account of Stars, at once and then every day, and hands over what it holds: an update that was not
 * fetched for a day is gone, and a payment must not be. Resolves when stopped; never rejects.
 */
export async function watchStars(options: StarAccountOptions): Promise<void> {
  const { clock, logger, stopping, pace } = options;
  if (!options.handlers.sells) return;
  for (let failures = 0; !stopping.aborted;) {
    try {
      await readAccount(options);
      if (stopping.aborted) return;
      await options.handlers.onAccountRead('telegram');
      failures = 0;
      await clock.sleep(DAY_MS, stopping);
    } catch (error) {
      if (stopping.aborted) return;
      failures += 1;
      const isStoreAway = error instanceof StoreUnavailable;
      const reason = isStoreAway ? 'store unavailable' : describe(toFailure(error));
      logger[failures === 1 ? 'warn' : 'debug']({ reason }, 'account of Stars not read');
      const rests = { ...pace, longestRetryMs: LONGEST_RETRY_MS };
      await clock.sleep(backoffMs(failures, rests, Math.random), stopping);
    }
  }
}

/** Reads on from where the last reading ended. Rejects as grammY does, or with `StoreUnavailable`. */
async function readAccount(options: StarAccountOptions): Promise<void> {
  const { api, handlers, stopping } = options;
  const key = `telegram-stars:${options.botId}`;
  const read = Number((await handlers.memory.bookmark(key)) ?? 0);
  // The last ones once more: what was cut short by a kill after it was stored is put right.
  let offset = Math.max(0, read - OVERLAP);
  for (;;) {
    const { transactions } = await api.getStarTransactions({ offset, limit: PAGE }, stopping as GrammySignal);
    for (const transaction of transactions) {
      if (!(await hand(transaction, options)) || stopping.aborted) return;
    }
    offset += transactions.length;
    if (offset > read) await handlers.memory.setBookmark(key, String(offset));
    if (transactions.length < PAGE) return;
  }
}

/** False when stopped before it is stored. What fails for reasons of ours again and again is recorded and passed by. */
async function hand(transaction: StarTransaction, options: StarAccountOptions): Promise<boolean> {
  const { handlers, pace, clock, logger, stopping } = options;
  const run = runOf(transaction, options);
  if (run === null) return true;
  const eventId = `stars:${transaction.id}`;
  const effort = { eventId, deadlineMs: Infinity, signal: stopping, comesAgain: true };
  const trying = {
    pace,
    clock,
    random: Math.random,
    onFailure: ({ error, tries }: { readonly error: unknown; readonly tries: number }) =>
      logger[tries === 1 ? 'warn' : 'debug']({ reason: describe(toFailure(error)) }, 'payment not taken'),
  };
  const handed = await handOver(run, effort, trying);
  if (handed.kind !== 'poison') return handed.kind === 'taken';
  const noted = await handOver(() => handlers.onPoison(eventId, handed.cause), effort, trying);
  return noted.kind === 'taken';
}

/** What is to be done for a transaction; null for one that is no payment of an invoice. */
function runOf(
  { id: chargeId, amount, date, source, receiver }: StarTransaction,
  { handlers, replies }: StarAccountOptions,
): (() => Promise<void>) | null {
  const partner = buyerIn(source) ?? buyerIn(receiver);
  if (partner === null) return null;
  const { user, invoice_payload: payload = '' } = partner;
  const payer = userId('telegram', user.id);
  const reader = { locale: user.language_code ?? null, isFoundLater: true };
  const atMs = date * 1000;
  const invoice = { payload, currency: 'XTR', amount };
  return async () => {
    const text =
      source === undefined
        ? await handlers.onRefund({ payer, chargeId, atMs }, reader)
        : await handlers.onPayment(
            { ...invoice, payer, chargeId, paidAtMs: atMs, expiresAtMs: null, isRenewal: null },
            reader,
          );
    if (text !== '') replies.chores.add(say(replies, privateChat(user.id), { text }));
  };
}

function buyerIn(partner: StarTransaction['source']): TransactionPartnerUser | null {
  return partner?.type === 'user' && partner.transaction_type === 'invoice_payment' ? partner : null;
}

/** grammY declares the signal of a polyfill, which differs from Node's in event types only. */
type GrammySignal = NonNullable<Parameters<Api['getMe']>[0]>;

/** Bot API getStarTransactions: 1-100, the oldest first. */
const PAGE = 100;
const OVERLAP = 100;
const DAY_MS = 86_400_000;
const LONGEST_RETRY_MS = 600_000;
