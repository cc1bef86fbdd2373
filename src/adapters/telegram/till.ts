import type { Api } from 'grammy';
import type { Chores } from '../../delivery/chores.ts';
import type { Clock } from '../../delivery/clock.ts';
import { pickLocale, translate } from '../../i18n/translate.ts';
import { StoreUnavailable, type Handlers } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { attempt, describe, isTransient, toFailure } from './failure.ts';
import type { MoneyEvent, Payer } from './money.ts';
import { say, type ReplyContext } from './reply.ts';

export interface TillOptions {
  readonly handlers: Handlers;
  readonly replies: ReplyContext;
  readonly chores: Chores;
  readonly logger: Logger;
}

/** Takes what Telegram tells of money to the core. Resolves when it may be confirmed; rejects with `StoreUnavailable`. */
export function createTill(options: TillOptions): (event: MoneyEvent) => Promise<void> {
  const { handlers, replies, chores } = options;
  const checkOut = createCheckout(options);
  const tell = ({ address }: Payer, text: string): void => {
    if (text !== '') chores.add(say(replies, address, { text }));
  };
  return async (event) => {
    const { payer } = event;
    const reader = { locale: payer.locale, isFoundLater: false };
    switch (event.kind) {
      case 'checkout':
        return await checkOut(event);
      case 'payment':
        return tell(payer, await handlers.onPayment(event.payment, reader));
      case 'refund':
        return tell(payer, await handlers.onRefund(event.refund, reader));
      case 'subscription':
        return tell(payer, await handlers.onSubscription(event.change, reader));
    }
  };
}

/**
 * Agrees to a payment, or says why not, while the payer waits (Bot API answerPreCheckoutQuery: 10 seconds). Where the store
 * can't be asked in time nothing is sold. Never rejects: what is asked again later is too late.
 */
function createCheckout({ handlers, replies, logger }: TillOptions) {
  const { api, clock } = replies;

  const verdictOn = async ({ query, payer }: Checkout): Promise<string | null> => {
    const { locale } = payer;
    const over = new AbortController();
    const late = clock.sleep(VERDICT_WITHIN_MS, over.signal).then((): typeof LATE => LATE);
    try {
      const verdict = await Promise.race([
        handlers.onPreCheckout(query, { locale, isFoundLater: false }),
        late,
      ]);
      if (verdict !== LATE) return verdict;
      logger.warn({}, 'a payment was refused: the store takes too long');
    } catch (error) {
      const isStoreAway = error instanceof StoreUnavailable;
      const reason = isStoreAway ? 'store unavailable' : describe(toFailure(error));
      logger[isStoreAway ? 'warn' : 'error']({ reason }, 'a payment was refused: the store was not asked');
    } finally {
      over.abort();
    }
    return translate(pickLocale(locale), { key: 'checkout.unavailable' });
  };

  return async (checkout: Checkout): Promise<void> => {
    const refusal = await verdictOn(checkout);
    await answer(api, checkout.queryId, refusal, { clock, logger });
  };
}

type Checkout = Extract<MoneyEvent, { kind: 'checkout' }>;

async function answer(
  api: Api,
  queryId: string,
  refusal: string | null,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<void> {
  const how = refusal === null ? {} : { error_message: refusal };
  for (let tries = 1; ; tries += 1) {
    const patience = AbortSignal.timeout(TRY_TIMEOUT_MS) as GrammySignal;
    const outcome = await attempt(() => api.answerPreCheckoutQuery(queryId, refusal === null, how, patience));
    if (outcome.ok) return;
    if (!isTransient(outcome.failure) || tries === MOST_TRIES) {
      // The payer was charged nothing, and reads that the bot did not answer.
      logger.warn({ reason: describe(outcome.failure), tries }, 'a payment was not answered in time');
      return;
    }
    await clock.sleep(RETRY_MS);
  }
}

/** grammY declares the signal of a polyfill, which differs from Node's in event types only. */
type GrammySignal = NonNullable<Parameters<Api['getMe']>[0]>;

const LATE: unique symbol = Symbol('late');
/** Together with the tries to answer it has to fit into 10 seconds. */
const VERDICT_WITHIN_MS = 4000;
const TRY_TIMEOUT_MS = 1500;
const MOST_TRIES = 3;
const RETRY_MS = 200;
