import { Api } from 'grammy';
import { originKey, placeId, userId, type UserId } from '../../src/platform/ids.ts';
import type { Envelope } from '../../src/platform/message.ts';
import type { PlanSubject } from '../../src/platform/payment.ts';
import type { PlanLedger, PlanView } from '../../src/plans/ports.ts';
import { createStore } from '../../src/store/store.ts';
import type { SimUser as DiscordPerson } from '../simulators/discord/handles.ts';
import { silentLog, type TestDatabase } from './database.ts';
import type { Scene } from './scene.ts';

/** The ledger on a database that a bot uses, as another process would have it. */
export function ledgerOn(database: TestDatabase): PlanLedger {
  const defaults = { user: {}, guild: {}, instance: {} };
  return createStore(database, { log: silentLog, defaults, instance: 'test', plansEnabled: true }).plans;
}

/** What is in force for somebody in private, in the words of a test. */
export async function planOf(ledger: PlanLedger, user: UserId) {
  const { entitlements, own }: PlanView = await ledger.show(user, null);
  return {
    plan: entitlements.plan,
    status: own[0]?.status ?? null,
    endsAtMs: own[0]?.periodEndsAtMs ?? null,
  };
}

/** Rows of the audit about somebody's plans, in order. */
export async function planAudit({ sql }: TestDatabase, subject: string): Promise<readonly string[]> {
  const rows = await sql<{ action: string }[]>`
    select action from audit where subject = ${subject} and action like 'plan.%' order by id`;
  return rows.map(({ action }) => action);
}

/** A link at which somebody can subscribe, as the bot makes it. */
export async function subscriptionLink(
  { telegram }: Pick<Scene, 'telegram'>,
  ledger: PlanLedger,
  buyer: { readonly id: number },
  { plan = 'premium', subject = null as PlanSubject | null, amount = null as number | null } = {},
): Promise<string> {
  const id = userId('telegram', buyer.id);
  const offered = await ledger.offer(id, subject ?? { kind: 'user', id }, plan);
  if (offered.kind !== 'offered') throw new Error(`not offered: ${offered.reason}`);
  const api = new Api(telegram.token, { apiRoot: telegram.url });
  const prices = [{ label: plan, amount: amount ?? offered.amount }];
  const month = { subscription_period: 2_592_000 };
  return await api.createInvoiceLink(plan, plan, offered.payload, '', offered.currency, prices, month);
}

/** What an operator does with a command. */
export function operatorEvent(event: string, operator: Pick<DiscordPerson, 'id'>): Envelope {
  const author = {
    id: userId('discord', operator.id),
    name: 'Olga',
    locale: 'en',
    isBot: false,
    isGuildAdmin: false,
    roles: [],
  };
  return {
    platform: 'discord',
    originKey: originKey('discord', 'bot', 'chat', event),
    author,
    guild: null,
    place: placeId('discord', 'bot', 'chat'),
    channel: null,
    thread: null,
    messageId: null,
    sentAtMs: 0,
    replyTarget: {},
  };
}
