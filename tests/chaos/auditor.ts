import { translate } from '../../src/i18n/translate.ts';
import { byCreation, nameOf, type Answered } from './answered.ts';
import type {
  BotMessage,
  Evidence,
  Question,
  TurnRecord,
  Verdict,
  Violation,
  ViolationKind,
} from './evidence.ts';
import { questionOf } from './model.ts';
import { auditOrder } from './order.ts';
import { judgeReply, type Reply } from './reply.ts';

type Tell = (kind: ViolationKind, detail: string) => void;

/** Another turn answers for one in this state. */
const GONE = new Set(['merged', 'superseded']);
const ENDED_WITH_NOTICE = new Set(['refused', 'failed', 'cancelled', 'interrupted']);

/** Checks the promises from outside: each question has one end, one visible reply, in order; and the books agree. */
export function audit(evidence: Evidence): Verdict {
  const violations: Violation[] = [];
  const tell: Tell = (kind, detail) => void violations.push({ kind, detail });
  const ends = new Map<string, number>();
  const turns = new Map(evidence.turns.map((turn) => [turn.originKey, turn]));
  const index = indexOf(evidence);
  const answered: Answered[] = [];
  const accounted = new Set<BotMessage>();
  let uncertain = 0;

  for (const question of evidence.questions) {
    const turn = turns.get(question.originKey);
    const end = endOf(question, turn, { ...evidence, ...index }, tell);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    if (turn === undefined) continue;
    if (GONE.has(turn.state)) continue;
    if (turn.answer === null) {
      const messages = partsOf(turn, question.place, evidence);
      answered.push({ question, turn, messages });
      continue;
    }
    const reply = replyOf(question, turn, evidence, index);
    const { messages, spare, verdict } = judgeReply(reply);
    for (const message of [...messages, ...spare]) accounted.add(message);
    answered.push({ question, turn, messages });
    if (verdict === null) uncertain += spare.length;
    else {
      const first = reply.messages[0]?.createdAtMs ?? question.askedAtMs;
      tell(verdict.kind, `${verdict.detail}; ${nameOf(question, turn)}${killAfter(first, evidence)}`);
    }
    for (const message of messages)
      if (message.hasStopButton) tell('leftover', `a button below ${nameOf(question, turn)}`);
  }

  auditMessages(evidence, accounted, tell);
  uncertain += auditNotices(evidence, turns, accounted, tell);
  auditOutageNotices(evidence, tell);
  auditOrder(answered, evidence.changes, tell);
  auditLateWrites(evidence, answered, tell);
  auditBooks(evidence, tell);
  return { violations, uncertain, ends };
}

function endOf(
  question: Question,
  turn: TurnRecord | undefined,
  evidence: Evidence & Index,
  tell: Tell,
): string {
  if (turn === undefined) {
    // The person reads that nobody took the command; Discord offers no way to take it later.
    if (question.isDeclaredFailed && (question.wasDisturbed || !question.wasHeard))
      return 'not taken, and told so';
    tell(
      question.wasHeard ? 'lost' : 'unheard',
      `never admitted; ${nameOf(question, turn)}${firstWords(question, evidence)}${killAfter(question.askedAtMs, evidence)}`,
    );
    return 'lost';
  }
  if (turn.unreachable !== null) {
    tell('lost', `given up: ${turn.unreachable}; ${nameOf(question, turn)}`);
    return 'lost';
  }
  if (GONE.has(turn.state)) {
    if (GONE.has(presentTurn(turn, evidence.turnById).state))
      tell('lost', `${turn.state}, and nothing answers for it; ${nameOf(question, turn)}`);
    return turn.state;
  }
  if (turn.state === 'delivered') return turn.answer?.isPartial === true ? 'answered in part' : 'answered';
  if (ENDED_WITH_NOTICE.has(turn.state) && turn.isDelivered) return turn.state;
  tell('unfinished', nameOf(question, turn));
  return 'unfinished';
}

/** A place in which nothing was heard before is unknown to whoever starts later. */
function firstWords({ number, place }: Question, { questions, turns }: Evidence): string {
  const admitted = new Set(turns.map(({ originKey }) => originKey));
  const isKnown = questions.some(
    (other) => other.place === place && other.number < number && admitted.has(other.originKey),
  );
  return isKnown ? '' : '; nothing was heard in that place before';
}

/** For the search after a cause: the first kill after this moment. */
function killAfter(atMs: number, { kills }: Evidence): string {
  const kill = kills.find((one) => one.atMs >= atMs);
  return kill === undefined ? '' : `; ${kill.atMs - atMs} ms later a kill ${kill.window}`;
}

/** The turn that answers for this one in the end; itself where none does. */
function presentTurn(turn: TurnRecord, byId: ReadonlyMap<string, TurnRecord>): TurnRecord {
  const next = byId.get(turn.succeededBy ?? '');
  return next === undefined ? turn : presentTurn(next, byId);
}

/** What is looked for again and again. */
type Index = ReturnType<typeof indexOf>;

function indexOf({ questions, messages, generations, turns }: Evidence) {
  const turnById = new Map(turns.map((turn) => [turn.id, turn]));
  const numberOf = new Map(questions.map(({ originKey, number }) => [originKey, number]));
  const gone = turns.filter(({ state }) => GONE.has(state));
  const others = Map.groupBy(gone, (turn) => presentTurn(turn, turnById).id);
  return {
    turnById,
    numberOf,
    /** A turn, and the others that it answers for. */
    together: (turn: TurnRecord): readonly TurnRecord[] => [turn, ...(others.get(turn.id) ?? [])],
    spokenOf: Map.groupBy(messages, ({ text }) => questionOf(text)),
    saidTo: Map.groupBy(generations, ({ question }) => question),
    partsIn: Map.groupBy(turns, ({ conversationId }) => conversationId),
  };
}

function replyOf(
  question: Question,
  turn: TurnRecord,
  evidence: Evidence,
  { numberOf, together, spokenOf, saidTo, partsIn }: Index,
): Reply {
  const turns = together(turn);
  const numbers = turns.flatMap(({ originKey }) => numberOf.get(originKey) ?? []);
  const tagged = numbers.flatMap((number) => spokenOf.get(number) ?? []);
  // What is said below an answer that fills its last message stands in one of its own.
  const untagged = turns
    .flatMap((one) => partsOf(one, question.place, evidence))
    .filter(({ text }) => questionOf(text) === null);
  return {
    messages: [...tagged, ...untagged].toSorted(byCreation),
    said: numbers.flatMap((number) => saidTo.get(number) ?? []),
    recorded: (partsIn.get(turn.conversationId) ?? []).flatMap(({ parts }) => parts),
    stored: turn.answer ?? { text: '', isPartial: true },
    mayRepeat: evidence.createsCutOff.filter((cut) => cut.question !== null && numbers.includes(cut.question))
      .length,
  };
}

function partsOf(turn: TurnRecord, place: string, { messages }: Evidence): readonly BotMessage[] {
  return messages.filter((message) => message.place === place && turn.parts.includes(message.id));
}

/** What stands in a place and belongs to no answer. */
function auditMessages({ messages }: Evidence, accounted: ReadonlySet<BotMessage>, tell: Tell): void {
  for (const message of messages) {
    if (accounted.has(message)) continue;
    const where = `message ${message.id} in ${message.place}: ${message.text.slice(0, 60)}`;
    if (message.isLoading) tell('leftover', `still “thinking”: ${where}`);
    else if (message.hasStopButton) tell('leftover', `a button below ${where}`);
    else if (questionOf(message.text) !== null) tell('leftover', `an answer that no turn has: ${where}`);
  }
}

/** No turn's: who writes while nothing can be stored reads this, once in a place and ten minutes. */
const OUTAGE_NOTICE = translate('en', { key: 'failure.store_waits' });
const OUTAGE_LASTS_MS = 600_000;

function auditOutageNotices({ messages, kills }: Evidence, tell: Tell): void {
  const told = messages.filter(({ text }) => text === OUTAGE_NOTICE);
  for (const [place, notices] of Map.groupBy(told, (message) => message.place)) {
    const inOrder = notices.map(({ createdAtMs }) => createdAtMs).toSorted((one, other) => one - other);
    const isRepeated = inOrder.some((atMs, index) => {
      const beforeMs = inOrder[index - 1] ?? -Infinity;
      // Who was told is in the memory of the process.
      const isAnother = kills.some((kill) => kill.atMs > beforeMs && kill.atMs < atMs);
      return atMs - beforeMs < OUTAGE_LASTS_MS && !isAnother;
    });
    if (isRepeated) tell('extra notice', `told of one outage more than once in ${place}`);
  }
}

/** In each place, as many notices as turns that ended with one. Returns how many repeated ones a kill excuses. */
function auditNotices(
  evidence: Evidence,
  turns: ReadonlyMap<string, TurnRecord>,
  accounted: ReadonlySet<BotMessage>,
  tell: Tell,
): number {
  let excused = 0;
  const expected = expectedNotices(evidence, turns);
  const found = Map.groupBy(
    evidence.messages.filter(
      (message) =>
        !message.isLoading &&
        !accounted.has(message) &&
        questionOf(message.text) === null &&
        message.text !== OUTAGE_NOTICE,
    ),
    ({ place }) => place,
  );
  for (const place of new Set([...expected.keys(), ...found.keys()])) {
    const wanted = expected.get(place) ?? [];
    const seen = found.get(place) ?? [];
    // Where several are refused for one cause, one sentence tells.
    const least = wanted.length - Math.max(0, wanted.filter(({ isRefused }) => isRefused).length - 1);
    const cut = evidence.createsCutOff.filter((one) => one.place === place && one.question === null).length;
    const more = seen.length - wanted.length;
    if (seen.length < least)
      tell('no notice', `${seen.length} notices for ${wanted.map(({ name }) => name).join(' and ')}`);
    else if (more > cut)
      tell(
        'extra notice',
        `${more - cut} too many in ${place}: ${seen.map(({ text }) => text.slice(0, 60)).join(' | ')}`,
      );
    excused += Math.max(0, Math.min(more, cut));
  }
  return excused;
}

/** The turns that ended with a notice in place of an answer, by place. */
function expectedNotices({ questions }: Evidence, turns: ReadonlyMap<string, TurnRecord>) {
  const expected = new Map<string, { readonly name: string; readonly isRefused: boolean }[]>();
  for (const question of questions) {
    const turn = turns.get(question.originKey);
    if (turn?.answer !== null || !ENDED_WITH_NOTICE.has(turn.state) || !turn.hasNotice) continue;
    const one = { name: nameOf(question, turn), isRefused: turn.state === 'refused' };
    expected.set(question.place, [...(expected.get(question.place) ?? []), one]);
  }
  return expected;
}

/** After a turn is marked as delivered its messages stay as they are. */
function auditLateWrites(evidence: Evidence, answered: readonly Answered[], tell: Tell): void {
  const owners = new Map<string, Answered>(
    answered.flatMap((one) => one.messages.map(({ place, id }) => [`${place}/${id}`, one] as const)),
  );
  const texts = new Map<string, string>();
  for (const { message, atMs, text } of evidence.changes) {
    const before = texts.get(message);
    texts.set(message, text);
    const owner = owners.get(message);
    const deliveredAtMs = owner?.turn.deliveredAtMs ?? null;
    if (owner === undefined || deliveredAtMs === null || before === undefined || before === text) continue;
    if (atMs > deliveredAtMs + evidence.clockErrorMs + IN_FLIGHT_MS)
      tell(
        'late write',
        `${atMs - deliveredAtMs} ms after its delivery; ${nameOf(owner.question, owner.turn)}`,
      );
  }
}

/** A write is noted when its answer is ready, which may be a little after the delivery was. */
const IN_FLIGHT_MS = 500;

function auditBooks(evidence: Evidence, tell: Tell): void {
  if (evidence.holds > 0) tell('hold left', `${evidence.holds} holds`);
  for (const failure of evidence.ownFailures) tell('own failure', failure);
  for (const message of evidence.marked) {
    const question = evidence.questions.find(
      ({ place, originKey }) => message === `${place}/${originKey.slice(originKey.lastIndexOf(':') + 1)}`,
    );
    const turn = evidence.turns.find(({ originKey }) => originKey === question?.originKey);
    const what = question === undefined ? message : nameOf(question, turn);
    tell('leftover', `still marked as waiting: ${what}`);
  }
  for (const counter of evidence.wrongCounters) tell('counter off', counter);
  for (const refusal of evidence.paceRefusals) tell('pace refused', refusal);
  for (const objection of evidence.objections) tell('simulator objects', objection);
}
