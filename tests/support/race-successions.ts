import { randomUUID } from 'node:crypto';
import type {
  AdmitRequest,
  DecidedBy,
  Deleted,
  DeleteRequest,
  EditRequest,
  EditVerdict,
  RepeatRequest,
  RepeatVerdict,
  SelectRequest,
  SelectVerdict,
} from '../../src/conversation/ports.ts';
import { originKey, turnId, userId } from '../../src/platform/ids.ts';
import {
  call,
  count,
  delivered,
  note,
  pick,
  someInstance,
  take,
  type Course,
  type Operation,
} from './race-course.ts';
import { LEASE_MS } from './race-requests.ts';

/** What people do with messages and answers that are there already, once or twice at the same moment. */
export const SUCCESSIONS: readonly Operation[] = [
  [8, 'repeat', (course) => twice(course, repeat, someMessage(course))],
  [10, 'edit', (course) => twice(course, edit, newMessage(course))],
  [2, 'delete', (course) => twice(course, remove, newMessage(course))],
  [6, 'select', (course) => twice(course, select, repeatedMessage(course))],
  [5, 'start an attempt', startAttempt],
];

const someMessage = (course: Course): AdmitRequest | undefined =>
  course.answerable[pick(course, course.answerable.length)];

/** Mostly one of the last three: about these most is still undecided. */
const newMessage = (course: Course): AdmitRequest | undefined =>
  course.random() < 0.8 ? course.answerable.at(-1 - pick(course, 3)) : someMessage(course);

const repeatedMessage = (course: Course): AdmitRequest | undefined =>
  course.random() < 0.8 ? course.repeated[pick(course, course.repeated.length)] : someMessage(course);

/** Delivered again, or done by two at once: now and then. */
async function twice(
  course: Course,
  act: (course: Course, message: AdmitRequest, event: string) => Promise<void>,
  message: AdmitRequest | undefined,
): Promise<void> {
  if (message === undefined) return;
  const event = randomUUID();
  const dice = course.random();
  const events = dice < 0.1 ? [event, event] : dice < 0.25 ? [event, randomUUID()] : [event];
  await Promise.all(events.map((each) => act(course, message, each)));
}

function deciderOf(course: Course, { envelope }: AdmitRequest): DecidedBy {
  const dice = course.random();
  if (dice < 0.1) return { user: userId('telegram', 'nobody'), adminOf: null, isOperator: false };
  if (dice < 0.3)
    return { user: userId('telegram', 0), adminOf: envelope.guild?.id ?? null, isOperator: true };
  return { user: envelope.author.id, adminOf: null, isOperator: false };
}

async function repeat(course: Course, message: AdmitRequest, event: string): Promise<void> {
  const by = deciderOf(course, message);
  const { messageId: _, ...envelope } = message.envelope;
  const request: RepeatRequest = {
    ...message,
    turnId: turnId(randomUUID()),
    envelope: {
      ...envelope,
      messageId: null,
      originKey: originKey('telegram', 'race', 'press', event),
      author: { ...envelope.author, id: by.user, name: by.user },
    },
    refusal: null,
    instance: someInstance(course),
    cause: course.random() < 0.6 ? 'regenerate' : 'continue',
    target: message.turnId,
    by,
  };
  const verdict = (await call(course, 'repeat_turn_v1', request)) as RepeatVerdict;
  count(course, `repeat: ${verdict.kind}`);
  if (verdict.kind === 'run') take(course, verdict.turn, request.instance);
  if (verdict.kind === 'run' || verdict.kind === 'queued') course.repeated.push(message);
}

async function edit(course: Course, message: AdmitRequest, event: string): Promise<void> {
  const text = course.random() < 0.1 ? message.text : 'z'.repeat(1 + pick(course, 900));
  const request: EditRequest = {
    ...message,
    turnId: turnId(randomUUID()),
    envelope: { ...message.envelope, originKey: originKey('telegram', 'race', 'edit', event) },
    cause: 'edit',
    text,
    estTokens: Math.ceil(text.length / 4),
    refusal: null,
    instance: someInstance(course),
  };
  const verdict = (await call(course, 'edit_message_v1', request)) as EditVerdict;
  count(course, `edit: ${verdict.kind}`);
  if (verdict.kind === 'run') take(course, verdict.turn, request.instance);
  if (verdict.kind === 'refused') await delivered(course, verdict.turnId, verdict.epoch);
}

async function remove(course: Course, message: AdmitRequest): Promise<void> {
  const other = course.random() < 0.3 ? newMessage(course) : undefined;
  const messages = [message, other].flatMap((each) => each?.envelope.messageId ?? []);
  const instance = someInstance(course);
  const request: DeleteRequest = { messages, instance, leaseMs: LEASE_MS };
  const { cancel, deliver } = (await call(course, 'delete_messages_v1', request)) as Deleted;
  count(course, `delete: ${cancel.length} stopped, ${deliver.length} retracted`);
  for (const turn of deliver) {
    note(course, turn.id, turn.epoch);
    if (course.random() < 0.9) await delivered(course, turn.id, turn.epoch, turn.isRetracted);
  }
}

async function select(course: Course, message: AdmitRequest, event: string): Promise<void> {
  const request: SelectRequest = {
    target: message.turnId,
    step: course.random() < 0.5 ? 1 : -1,
    by: deciderOf(course, message),
    originKey: originKey('telegram', 'race', 'select', event),
    access: 'granted',
    refusal: null,
    instance: someInstance(course),
    leaseMs: LEASE_MS,
  };
  const verdict = (await call(course, 'select_version_v1', request)) as SelectVerdict;
  count(course, `select: ${verdict.kind}`);
  if (verdict.kind !== 'selected') return;
  const { id, epoch, isRetracted } = verdict.turn;
  note(course, id, epoch);
  if (course.random() < 0.9) await delivered(course, id, epoch, isRetracted);
}

/** Its process may be lost before it tells the end. */
async function startAttempt(course: Course): Promise<void> {
  const held = course.held[pick(course, course.held.length)];
  if (held === undefined) return;
  const { id, epoch } = held.turn;
  const attempt = {
    index: Math.max(0, held.costs.size - 1),
    provider: 'openrouter',
    model: 'm',
    generationId: `g-${randomUUID()}`,
  };
  await call(course, 'attempt_started_v2', { turnId: id, epoch, ...attempt });
}
