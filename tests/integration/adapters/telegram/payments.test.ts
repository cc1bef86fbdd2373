import { describe, expect, it } from 'vitest';
import { StoreUnavailable, type Handlers } from '../../../../src/platform/adapter.ts';
import { userId } from '../../../../src/platform/ids.ts';
import type { Payment, PreCheckout, Refund, SubscriptionChange } from '../../../../src/platform/payment.ts';
import { answers, openStage, until, type Stage, type StageOptions } from './stage.ts';
import { openWebhookStage } from './webhook-stage.ts';

/** What the core was told of money, and a core that agrees to all of it. */
function createBooks(overrides: Partial<Handlers> = {}) {
  const books = {
    queries: [] as PreCheckout[],
    payments: [] as (Payment & { isFoundLater: boolean })[],
    refunds: [] as Refund[],
    changes: [] as SubscriptionChange[],
  };
  const known = new Set<string>();
  /** Says so once. */
  const once = (what: string, text: string): Promise<string> => {
    const isKnown = known.has(what);
    known.add(what);
    return Promise.resolve(isKnown ? '' : text);
  };
  const handlers: Partial<Omit<Handlers, 'memory'>> = {
    sells: true,
    onPreCheckout: (query) => Promise.resolve((books.queries.push(query), null)),
    async onPayment(payment, { isFoundLater }) {
      const said = await once(payment.chargeId, `Thank you for ${payment.amount}.`);
      books.payments.push({ ...payment, isFoundLater });
      return said;
    },
    async onRefund(refund) {
      books.refunds.push(refund);
      return await once(`${refund.chargeId} back`, 'Given back.');
    },
    onSubscription: (change) => Promise.resolve((books.changes.push(change), `It is ${change.state}.`)),
    ...overrides,
  };
  return { ...books, handlers };
}

type Books = ReturnType<typeof createBooks>;

async function open(books: Books, options: StageOptions = {}) {
  const stage = await openStage({ ...options, handlers: books.handlers });
  return { stage, ...(await offerTo(stage)) };
}

/** A person who has spoken to the bot, with a link to a subscription made by the bot. */
async function offerTo(stage: Stage) {
  const user = stage.telegram.user({ languageCode: 'id' });
  const chat = user.privateChat();
  chat.send(user, 'hello');
  const buyer = userId('telegram', user.id);
  const texts = { title: 'Basic', description: 'A month of Basic' };
  const invoice = { payload: 'basic:1', currency: 'XTR', amount: 150 };
  const made = await stage.adapter.payments?.invoiceLink({ ...texts, ...invoice, buyer });
  if (made?.kind !== 'link') throw new Error('no link');
  return { user, chat, buyer, invoice, link: made.url };
}

const textsIn = (stage: Stage, chat: { readonly id: number }) => answers(stage, chat).map(({ text }) => text);

describe('a payment', () => {
  it('is agreed to, taken down and told to whoever paid', async () => {
    const books = createBooks();
    const { stage, user, chat, buyer, invoice, link } = await open(books);
    expect(await user.pay(link)).toMatchObject({ ok: true });
    await until(() => textsIn(stage, chat)[0] === 'Thank you for 150.');
    expect(books.queries).toEqual([{ ...invoice, payer: buyer }]);
    const payment = books.payments[0];
    expect(payment).toMatchObject({ ...invoice, payer: buyer, isRenewal: false });
    const [chargeId = ''] = stage.telegram.subscriptions.charges();
    expect(payment?.chargeId).toBe(chargeId);
    expect(payment?.expiresAtMs).toBe((payment?.paidAtMs ?? 0) + 2_592_000_000);
    expect(stage.messages.map(({ text }) => text)).toEqual(['hello']);
  });

  it('that is told again is handed over again, and told once to whoever paid', async () => {
    const books = createBooks();
    const { stage, user, chat, link } = await open(books);
    await user.pay(link);
    await until(() => textsIn(stage, chat).length === 1);
    const service = chat.messages().find(({ service: fields }) => fields?.['successful_payment'])?.service;
    const from = { id: user.id, is_bot: false, first_name: 'A' };
    const place = { id: user.id, type: 'private', first_name: 'A' };
    stage.telegram.pushUpdate({ message: { message_id: 1, date: 1, chat: place, from, ...service } });
    await until(() => books.payments.length === 2);
    expect(books.payments[1]?.chargeId).toBe(books.payments[0]?.chargeId);
    chat.send(user, 'later');
    await until(() => stage.messages.some(({ text }) => text === 'later'));
    expect(textsIn(stage, chat)).toHaveLength(1);
  });

  it('is kept by Telegram until it is stored', async () => {
    let isAway = true;
    const books = createBooks();
    const { onPayment } = books.handlers;
    books.handlers.onPayment = (payment, reader) =>
      isAway
        ? Promise.reject(new StoreUnavailable('away'))
        : (onPayment?.(payment, reader) ?? Promise.resolve(''));
    const { stage, user, chat, link } = await open(books);
    await user.pay(link);
    await until(() => stage.log.some((line) => line.startsWith('update not taken')));
    expect(stage.telegram.unconfirmed().some(({ message }) => message?.successful_payment)).toBe(true);
    isAway = false;
    await until(() => textsIn(stage, chat).includes('Thank you for 150.'));
    await until(() => stage.telegram.unconfirmed().length === 0);
  });

  it.each([
    ['polling', openStage],
    ['a webhook', openWebhookStage],
  ])('is refused in time while the store is away, by %s', async (_, openWith) => {
    const away = () => Promise.reject(new StoreUnavailable('away'));
    const books = createBooks({ onPreCheckout: away });
    const stage = await openWith({ handlers: books.handlers });
    const { user, link } = await offerTo(stage);
    const answer = await user.pay(link);
    expect(answer.ok).toBe(false);
    expect(answer.errorMessage).toContain('tidak dapat menerima pembayaran');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(books.payments).toEqual([]);
  });

  it('is refused in time while the store says nothing', async () => {
    const books = createBooks({ onPreCheckout: () => new Promise(() => undefined) });
    const { user, link } = await open(books);
    const answer = await user.pay(link);
    expect(answer.errorMessage).toContain('tidak dapat menerima pembayaran');
  });

  it('that must not be made is refused with the reason', async () => {
    const books = createBooks({ onPreCheckout: () => Promise.resolve('It was made for somebody else.') });
    const { stage, link } = await open(books);
    const answer = await stage.telegram.user().pay(link);
    expect(answer).toEqual({ ok: false, errorMessage: 'It was made for somebody else.' });
    expect(stage.telegram.subscriptions.charges()).toEqual([]);
  });

  it('is agreed to again where the answer was lost', async () => {
    const books = createBooks();
    const { stage, user, link } = await open(books);
    stage.telegram.fault('answerPreCheckoutQuery', {
      kind: 'error',
      code: 502,
      description: 'Bad Gateway',
    });
    expect(await user.pay(link)).toMatchObject({ ok: true });
    expect(stage.calls('answerPreCheckoutQuery')).toHaveLength(2);
  });
});

describe('a subscription', () => {
  it('is renewed, cancelled, wanted again and not paid for, and each is handed over', async () => {
    const books = createBooks();
    const { stage, user, chat, buyer, link } = await open(books);
    const { subscriptions } = stage.telegram;
    await user.pay(link);
    await until(() => books.payments.length === 1);
    const [charge = ''] = subscriptions.charges();
    subscriptions.renew(charge);
    await until(() => books.payments[1]?.isRenewal === true);
    expect(books.payments[1]?.expiresAtMs).toBe((books.payments[0]?.expiresAtMs ?? 0) + 2_592_000_000);
    subscriptions.setCanceled(charge, true);
    subscriptions.setCanceled(charge, false);
    subscriptions.failRenewal(charge);
    await until(() => books.changes.length === 3);
    expect(books.changes).toMatchObject([
      { payer: buyer, payload: 'basic:1', state: 'cancelled' },
      { state: 'active' },
      { state: 'failed' },
    ]);
    await until(() => textsIn(stage, chat).includes('It is failed.'));
  });

  it('is ended by the bot, and its Stars are given back once', async () => {
    const books = createBooks();
    const { stage, user, chat, buyer, link } = await open(books);
    await user.pay(link);
    const chargeId = await until(() => books.payments[0]?.chargeId);
    const desk = stage.adapter.payments;
    expect(stage.telegram.violations).toEqual([]);
    expect(await desk?.cancel({ payer: buyer, chargeId })).toEqual({ kind: 'done' });
    expect(() => stage.telegram.subscriptions.renew(chargeId)).toThrow('not renewed');
    expect(await desk?.cancel({ payer: buyer, chargeId: 'other' })).toMatchObject({ kind: 'refused' });
    stage.telegram.fault('refundStarPayment', { kind: 'drop', when: 'after' });
    expect(await desk?.refund({ payer: buyer, chargeId })).toEqual({ kind: 'known' });
    await until(() => textsIn(stage, chat).includes('Given back.'));
    expect(books.refunds).toMatchObject([{ payer: buyer, chargeId }]);
  });

  it('is not offered in other words than Telegram takes', async () => {
    const books = createBooks();
    const { stage, buyer, invoice } = await open(books);
    const offer = { ...invoice, buyer, title: 'x'.repeat(33), description: 'Basic' };
    expect(await stage.adapter.payments?.invoiceLink(offer)).toMatchObject({ kind: 'refused' });
  });
});

describe('the account of Stars', () => {
  it('is read at the start, so that what was missed is credited once', async () => {
    const books = createBooks();
    const { stage, user, chat, link } = await open(books);
    await user.pay(link);
    await until(() => textsIn(stage, chat).length === 1);
    await stage.adapter.stop();
    const { subscriptions } = stage.telegram;
    const [charge = ''] = subscriptions.charges();
    const missed = subscriptions.renew(charge);
    stage.telegram.expireUpdates();
    await stage.another().start(stage.handlers);
    await until(() => textsIn(stage, chat).length === 2);
    const found = books.payments.filter(({ chargeId }) => chargeId === missed);
    expect(found).toMatchObject([{ amount: 150, payload: 'basic:1', isFoundLater: true }]);
    expect(stage.calls('getStarTransactions').every(({ ok }) => ok)).toBe(true);
  });

  it('is read on from where it was read, again where that failed, and not at all where nothing is sold', async () => {
    const books = createBooks();
    const stage = await openStage({ handlers: books.handlers, isStarted: false });
    stage.telegram.fault('getStarTransactions', { kind: 'error', code: 502, description: 'Bad Gateway' });
    await stage.adapter.start(stage.handlers);
    await until(() => stage.calls('getStarTransactions').length === 2);
    expect(await stage.handlers.memory.bookmark(`telegram-stars:${stage.telegram.bot.id}`)).toBeNull();
    const shut = await openStage();
    const user = shut.telegram.user();
    user.privateChat().send(user, 'hello');
    await until(() => shut.messages.length === 1);
    expect(shut.calls('getStarTransactions')).toEqual([]);
  });

  it('passes by what can’t be taken, and records it', async () => {
    const books = createBooks();
    const { stage, user, chat, link } = await open(books);
    await user.pay(link);
    await until(() => textsIn(stage, chat).length === 1);
    const { subscriptions } = stage.telegram;
    const [charge = ''] = subscriptions.charges();
    await stage.adapter.stop();
    const bad = subscriptions.renew(charge);
    const good = subscriptions.renew(charge);
    stage.telegram.expireUpdates();
    const { onPayment } = books.handlers;
    const handlers: Handlers = {
      ...stage.handlers,
      onPayment: (payment, reader) =>
        payment.chargeId === bad
          ? Promise.reject(new Error('a bug'))
          : (onPayment?.(payment, reader) ?? Promise.resolve('')),
    };
    await stage.another().start(handlers);
    await until(() => books.payments.some(({ chargeId }) => chargeId === good));
    expect(stage.poison).toMatchObject([{ eventId: `stars:${bad}` }]);
  });
});
