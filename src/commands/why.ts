import { isOperator } from '../conversation/access.ts';
import type { AnswerStory, StoryTarget } from '../conversation/answer-story.ts';
import type { Explained } from '../platform/adapter.ts';
import type { Envelope } from '../platform/message.ts';
import type { Command, CommandServices, CommandUse } from './command.ts';
import { explain } from './why-words.ts';

/** How an answer came about: the one that is replied to, else the newest of the place. */
export const why: Command = {
  spec: { name: 'why', options: [], scope: 'any', requires: 'everyone', respond: 'deferPrivate' },
  async run({ invocation, services, say }) {
    const { repliesTo, isOverheard = false } = invocation;
    const target: StoryTarget =
      repliesTo === null ? { kind: 'newest' } : { kind: 'message', message: repliesTo };
    const { text } = await tellWhy(invocation, { target, isOverheard }, services, say);
    return text;
  },
};

/** What is told about an answer to the person of an event. Rejects with `StoreUnavailable`. */
export async function tellWhy(
  envelope: Envelope,
  { target, isOverheard }: { readonly target: StoryTarget; readonly isOverheard: boolean },
  { stories, access, now }: Pick<CommandServices, 'stories' | 'access' | 'now'>,
  say: CommandUse['say'],
): Promise<Explained> {
  const { place, guild, author } = envelope;
  const story = await stories.read({ target, place, guild: guild?.id ?? null, asker: author.id });
  if (story === null) {
    const text = say({ key: target.kind === 'newest' ? 'why.none' : 'why.gone' });
    return { text, brief: text };
  }
  const readsCost = !isOverheard && (isOperator(access, author.id) || mayReadCost(story, envelope));
  return explain(story, { readsCost, isOverheard, nowMs: now(), say });
}

/** What an answer cost is for whoever asked, and for those who manage the guild that it was given in. */
function mayReadCost({ askedBy, guild }: AnswerStory, { author, guild: here }: Envelope): boolean {
  return (
    guild === null || askedBy === author.id || (author.isGuildAdmin && here !== null && here.id === guild)
  );
}
