import { byCreation, nameOf, type Answered } from './answered.ts';
import type { BotMessage, Evidence, ViolationKind } from './evidence.ts';

/** Answers of a conversation are created, and complete, in the order of their questions. */
export function auditOrder(
  answered: readonly Answered[],
  changes: Evidence['changes'],
  tell: (kind: ViolationKind, detail: string) => void,
): void {
  const becameAtMs = lastChanges(changes);
  const completedAtMs = ({ messages }: Answered): number =>
    Math.max(
      ...messages.map(({ place, id, changedAtMs }) => becameAtMs.get(`${place}/${id}`) ?? changedAtMs),
    );
  const shown = answered.filter(({ turn, messages }) => turn.conversationId !== null && messages.length > 0);
  const conversations = Map.groupBy(shown, ({ turn }) => turn.conversationId);
  for (const conversation of conversations.values()) {
    const inOrder = conversation.toSorted((one, other) => one.question.number - other.question.number);
    for (const [index, later] of inOrder.entries()) {
      const earlier = inOrder[index - 1];
      if (earlier === undefined) continue;
      const names = `${nameOf(earlier.question, earlier.turn)} and ${nameOf(later.question, later.turn)}`;
      if (isCreatedBefore(later, earlier)) tell('out of order', `created the later one first: ${names}`);
      if (completedAtMs(later) < completedAtMs(earlier))
        tell('out of order', `completed the later one first: ${names}`);
    }
  }
}

/** A command's answer stands where its first response was, however long that took. */
function isCreatedBefore(one: Answered, other: Answered): boolean {
  const [first, second] = [firstOf(one), firstOf(other)];
  if (first === undefined || second === undefined) return false;
  if (one.question.kind === 'command' || other.question.kind === 'command') return false;
  return first.place === second.place && byCreation(first, second) < 0;
}

function firstOf({ messages }: Answered): BotMessage | undefined {
  return messages.toSorted(byCreation)[0];
}

/** When each message became what it is: one that is written once more as it stands does not change for its readers. */
function lastChanges(changes: Evidence['changes']): ReadonlyMap<string, number> {
  const texts = new Map<string, string>();
  const becameAtMs = new Map<string, number>();
  for (const { message, atMs, text } of changes) {
    if (texts.get(message) === text) continue;
    texts.set(message, text);
    becameAtMs.set(message, atMs);
  }
  return becameAtMs;
}
