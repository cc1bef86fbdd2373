import type { Author, Envelope, Guild } from '../../../src/platform/message.ts';
import type { Entitlement, Invoice, Payment, PlanSubject } from '../../../src/platform/payment.ts';
import { createStore, type Store } from '../../../src/store/store.ts';
import { openTestDatabase, silentLog, type DatabaseKind, type TestDatabase } from '../../support/database.ts';
import { admission, converse, nextId, person } from './requests.ts';

export const NOON = Date.UTC(2026, 6, 15, 12);
export const DAY_MS = 86_400_000;
export const MONTH_MS = 30 * DAY_MS;

export const ofUser = ({ id }: Author): PlanSubject => ({ kind: 'user', id });
export const ofGuild = ({ id }: Guild): PlanSubject => ({ kind: 'guild', id });
export const operator = person('Olga');
/** What somebody does with a command. */
export const event = (author: Author = operator): Envelope => admission({ author, chat: nextId() }).envelope;

/** Stores on one database that serve plans, and that do not, with a clock that a test sets. */
export interface PlanScene {
  readonly database: TestDatabase;
  readonly store: Store;
  readonly off: Store;
  clockMs: number;
  /** Somebody who has written before. */
  known(): Promise<Author>;
  invoice(buyer: Author, plan?: string, subject?: PlanSubject): Promise<Invoice>;
  payment(
    buyer: Author,
    changes?: Partial<Payment>,
    of?: { plan?: string; subject?: PlanSubject },
  ): Promise<Payment>;
  planOf(user: Author, guild?: Guild | null): Promise<string>;
  audit(subject: string): Promise<readonly { readonly action: string; readonly actor: string }[]>;
}

export async function openPlanScene(kind: DatabaseKind): Promise<PlanScene> {
  const database = await openTestDatabase(kind);
  const options = {
    log: silentLog,
    defaults: { user: {}, guild: {}, instance: {} },
    instance: 'one',
    now: () => scene.clockMs,
  };
  const store = createStore(database, { ...options, plansEnabled: true });
  const scene: PlanScene = {
    database,
    store,
    off: createStore(database, options),
    clockMs: NOON,
    async known() {
      const author = person();
      await converse(store.turns, admission({ author, chat: nextId() }));
      return author;
    },
    async invoice(buyer, plan = 'premium', subject = ofUser(buyer)) {
      const offered = await store.plans.offer(buyer.id, subject, plan);
      if (offered.kind !== 'offered') throw new Error(offered.reason);
      const { payload, currency, amount } = offered;
      return { payload, currency, amount };
    },
    payment: async (buyer, changes = {}, { plan, subject } = {}) => ({
      ...(changes.payload === undefined
        ? await scene.invoice(buyer, plan, subject)
        : { payload: changes.payload, currency: 'XTR', amount: 1000 }),
      payer: buyer.id,
      chargeId: `charge ${nextId()}`,
      paidAtMs: scene.clockMs,
      expiresAtMs: scene.clockMs + MONTH_MS,
      isRenewal: false,
      ...changes,
    }),
    planOf: async (user, guild = null) =>
      (await store.plans.show(user.id, guild?.id ?? null)).entitlements.plan,
    audit: (subject) => database.sql<{ action: string; actor: string }[]>`
      select action, actor from audit where subject = ${subject} and action like 'plan.%' order by id`,
  };
  return scene;
}

export const entitlement = (subject: PlanSubject, changes: Partial<Entitlement> = {}): Entitlement => ({
  id: String(nextId()),
  sku: '1001',
  subject,
  startsAtMs: null,
  endsAtMs: null,
  isDeleted: false,
  ...changes,
});
