import { randomUUID } from 'node:crypto';
import type {
  AdmitRequest,
  DecidedBy,
  DeleteRequest,
  EditRequest,
  RepeatRequest,
  SelectRequest,
  SettleRequest,
  SettleResult,
  TurnStore,
} from '../../../src/conversation/ports.ts';
import type { RunnableTurn } from '../../../src/conversation/turn.ts';
import { originKey, turnId, userId } from '../../../src/platform/ids.ts';
import type { Sql } from '../../../src/store/connection.ts';
import { admission, DELIVERED, nextId, settlement } from './requests.ts';

/** What people do with messages and answers that are there already. */

export const asker = ({ author }: Pick<RunnableTurn, 'author'>): DecidedBy => ({
  user: author.id,
  adminOf: null,
  isOperator: false,
});

export const stranger = (): DecidedBy => ({
  user: userId('telegram', nextId()),
  adminOf: null,
  isOperator: false,
});

/** A press on a button below the reply that a message got; `by` does it, its asker unless told. */
export function repetition(
  asked: AdmitRequest,
  cause: RepeatRequest['cause'],
  changes: Partial<RepeatRequest> = {},
): RepeatRequest {
  const by = changes.by ?? { user: asked.envelope.author.id, adminOf: null, isOperator: false };
  const { messageId: _, ...envelope } = asked.envelope;
  return {
    ...asked,
    turnId: turnId(randomUUID()),
    envelope: {
      ...envelope,
      messageId: null,
      originKey: originKey('telegram', 'bot', 'press', nextId()),
      author: { ...envelope.author, id: by.user },
    },
    cause,
    target: asked.turnId,
    by,
    ...changes,
  };
}

export function selection(
  asked: AdmitRequest,
  step: 1 | -1,
  changes: Partial<SelectRequest> = {},
): SelectRequest {
  return {
    target: asked.turnId,
    step,
    by: { user: asked.envelope.author.id, adminOf: null, isOperator: false },
    originKey: originKey('telegram', 'bot', 'select', nextId()),
    access: 'granted',
    refusal: null,
    instance: 'one',
    leaseMs: 9000,
    ...changes,
  };
}

/** What an author makes of a message. */
export function change(asked: AdmitRequest, text: string, changes: Partial<EditRequest> = {}): EditRequest {
  return {
    ...asked,
    turnId: turnId(randomUUID()),
    envelope: { ...asked.envelope, originKey: originKey('telegram', 'bot', 'edit', nextId()) },
    cause: 'edit',
    text,
    estTokens: Math.ceil(text.length / 4),
    ...changes,
  };
}

export const deletion = (...said: readonly AdmitRequest[]): DeleteRequest => ({
  messages: said.flatMap(({ envelope }) => envelope.messageId ?? []),
  instance: 'one',
  leaseMs: 9000,
});

export const answer = (text: string, partial = false): SettleRequest['answer'] => ({
  messageId: randomUUID(),
  text,
  estTokens: 3,
  model: 'acme/small',
  partial,
});

/** Settles a turn with an answer and notes that it was shown. */
export async function finish(
  store: TurnStore,
  turn: Pick<RunnableTurn, 'id' | 'epoch'>,
  text: string,
  changes: Partial<SettleRequest> = {},
): Promise<Extract<SettleResult, { kind: 'settled' }>> {
  const result = await store.settle(settlement(turn, { answer: answer(text), ...changes }));
  if (result.kind !== 'settled') throw new Error(`Expected the turn to be settled, but: ${result.kind}.`);
  await store.markDelivered(turn, { ...DELIVERED, isRetracted: result.fate !== null });
  return result;
}

/** Asks something and has it answered and shown. */
export async function answered(store: TurnStore, asked: AdmitRequest, text = 'first'): Promise<RunnableTurn> {
  const turn = ran(await store.admit(asked));
  await finish(store, turn, text);
  return turn;
}

/** The turn that a verdict lets run. */
export function ran(verdict: { readonly kind: string } | { kind: 'run'; turn: RunnableTurn }): RunnableTurn {
  if (verdict.kind === 'run' && 'turn' in verdict) return verdict.turn;
  throw new Error(`Expected the turn to run, but: ${JSON.stringify(verdict)}.`);
}

/** The turn that begins once another one is settled. */
export function next({ next: begun }: Extract<SettleResult, { kind: 'settled' }>): RunnableTurn {
  if (begun === null) throw new Error('Expected a turn to begin, but none did.');
  return begun;
}

/** What somebody would be answered upon who speaks in this place now. */
export async function remembered(store: TurnStore, asked: AdmitRequest): Promise<readonly string[]> {
  const { author, guild } = asked.envelope;
  const chat = Number(asked.envelope.place.split(':')[2]);
  const probe = ran(await store.admit(admission({ author, chat, guild }, { text: 'probe' })));
  await finish(store, probe, 'probed');
  await store.deleteMessages(deletion(admissionOf(probe, asked)));
  return probe.window.slice(0, -1).map(({ text }) => text);
}

const admissionOf = (turn: RunnableTurn, asked: AdmitRequest): AdmitRequest => ({
  ...asked,
  turnId: turn.id,
  envelope: { ...asked.envelope, messageId: messageOf(turn) },
});

const messageOf = ({ replyTarget }: RunnableTurn) => {
  const { chat, message } = replyTarget as { chat: number; message: number };
  return `telegram:${chat}:${message}` as AdmitRequest['envelope']['messageId'];
};

/** What the database has of a turn. */
export interface StoredTurn {
  readonly state: string;
  readonly isDelivered: boolean;
  readonly holds: number;
  readonly tokens: number;
  readonly usage: number;
}

export async function stored(sql: Sql, id: string): Promise<StoredTurn | undefined> {
  const [row] = await sql<StoredTurn[]>`
    select t.state, t.delivered_at is not null as "isDelivered",
      (select count(*)::int from quota_holds h where h.turn_id = t.id) as holds,
      (select coalesce(max(h.tokens), 0) from quota_holds h where h.turn_id = t.id) as tokens,
      (select coalesce(sum(u.requests), 0)::int from usage u where u.turn_id = t.id) as usage
    from turns t where t.id = ${id}`;
  return row;
}
