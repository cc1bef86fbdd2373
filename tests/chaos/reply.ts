import type { BotMessage, Generation, TurnRecord, ViolationKind } from './evidence.ts';

/** What was said for a turn, and what its readers see of it. */
export interface Reply {
  /** In the order of their creation. */
  readonly messages: readonly BotMessage[];
  readonly said: readonly Generation[];
  readonly stored: NonNullable<TurnRecord['answer']>;
  /** Ids that are on record; such a message is no repetition that a kill excuses. */
  readonly recorded: readonly string[];
  /** Creates that may have been repeated, because their process was killed meanwhile. */
  readonly mayRepeat: number;
}

export interface ReplyVerdict {
  /** Those that make up the reply. */
  readonly messages: readonly BotMessage[];
  /** Those that are there besides, because a create was repeated. */
  readonly spare: readonly BotMessage[];
  /** Null when all is well. */
  readonly verdict: { readonly kind: ViolationKind; readonly detail: string } | null;
}

/** Whether the messages together are one generation, whole unless it is stored as partial, and the stored one. */
export function judgeReply(reply: Reply): ReplyVerdict {
  const { messages, mayRepeat, recorded } = reply;
  const spare = leastSpare(reply);
  if (spare !== null && spare.length <= mayRepeat && !spare.some(({ id }) => recorded.includes(id)))
    return { messages: messages.filter((message) => !spare.includes(message)), spare, verdict: null };
  return { messages, spare: [], verdict: fault(reply, spare) };
}

function fault(
  { messages, said, stored }: Reply,
  spare: readonly BotMessage[] | null,
): NonNullable<ReplyVerdict['verdict']> {
  if (messages.length === 0) return { kind: 'lost', detail: 'no visible reply' };
  const tags = new Set(messages.flatMap(({ text }) => tagsIn(text)));
  const shown = messages.map(({ id, text }) => `${id}: ${text.slice(0, 40)}…${text.slice(-30)}`).join(' | ');
  if (spare !== null) return { kind: 'doubled', detail: `${spare.length} messages too many (${shown})` };
  if (messages.some(({ text }) => new Set(tagsIn(text)).size > 1))
    return { kind: 'glued', detail: `in one message: ${[...tags].join(', ')}` };
  if (tags.size > 1) return { kind: 'glued', detail: `in one reply: ${[...tags].join(', ')} (${shown})` };
  const isWhole = said.some(({ text }) => flat(text) === flat(stored.text));
  const what = stored.isPartial ? 'part of an answer' : isWhole ? 'whole answer' : 'text that no model said';
  return { kind: 'wrong text', detail: `the ${what} that is stored is not what is shown (${shown})` };
}

/** The fewest messages without which the rest is right; null when there are none. */
function leastSpare(reply: Reply): readonly BotMessage[] | null {
  const { messages } = reply;
  if (messages.length > MOST_MESSAGES) return null;
  const choices = Array.from({ length: 2 ** messages.length }, (_, bits) =>
    messages.filter((_message, index) => (bits >> index) % 2 === 1),
  );
  const fitting = choices.filter((spare) =>
    isRight(
      reply,
      messages.filter((message) => !spare.includes(message)),
    ),
  );
  return fitting.toSorted((one, other) => one.length - other.length)[0] ?? null;
}

const MOST_MESSAGES = 10;

function isRight({ said, stored }: Reply, messages: readonly BotMessage[]): boolean {
  if (messages.length === 0) return false;
  const shown = flat(messages.map(({ text }) => text).join(' '));
  const answer = flat(stored.text);
  if (!stored.isPartial) return shown === answer && said.some(({ text }) => flat(text) === answer);
  if (!shown.startsWith(answer) || !said.some(({ text }) => flat(text).startsWith(answer))) return false;
  return isOneNotice(shown.slice(answer.length).trim());
}

/** What stands below a part of an answer: one sentence about it, and nothing of an answer. */
function isOneNotice(text: string): boolean {
  return text !== '' && tagsIn(text).length === 0 && !text.includes(text.slice(0, NOTICE_START), 1);
}

/** Notices begin in as many ways. */
const NOTICE_START = 12;

function tagsIn(text: string): string[] {
  return [...text.matchAll(/\bQ\d+G\d+\b/gu)].map(([tag]) => tag);
}

/** Without differences in blanks, which the ends of parts may take away. */
function flat(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim();
}
