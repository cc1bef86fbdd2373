import { messageFlags } from './content.ts';
import type { InteractionAnswer, InteractionState } from './interactions.ts';
import type { Simulation } from './simulation.ts';
import type { Mentions, MessageReference, StoredMessage, UserState, Wire } from './world.ts';

/** A message as a reader sees it. */
export interface SimMessage {
  readonly id: string;
  readonly channelId: string;
  readonly author: Pick<UserState, 'id' | 'username' | 'isBot'>;
  /** Discord's message type: 0 plain, 19 reply, 20 answer to a slash command, 23 to a context menu. */
  readonly type: number;
  readonly content: string;
  readonly embeds: readonly Wire[];
  readonly components: readonly Wire[];
  readonly files: readonly { readonly name: string; readonly content: string }[];
  readonly flags: number;
  /** Whether it shows as "thinking…". */
  readonly isLoading: boolean;
  readonly isEphemeral: boolean;
  /** Id of the message it replies to. */
  readonly replyTo: string | undefined;
  readonly reference: MessageReference | undefined;
  readonly nonce: string | number | undefined;
  /** Whom it pings as it stands. */
  readonly mentions: Mentions;
  /** Ids of those who reacted, by emoji. */
  readonly reactions: Readonly<Record<string, readonly string[]>>;
  readonly threadId: string | undefined;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly editedAtMs: number | undefined;
  readonly isDeleted: boolean;
}

export function messageView(message: StoredMessage): SimMessage {
  const { author, channel, reference, thread } = message;
  return {
    id: message.id,
    channelId: channel.id,
    author: { id: author.id, username: author.username, isBot: author.isBot },
    type: message.type,
    content: message.content,
    embeds: message.embeds,
    components: message.components,
    files: message.attachments.map(({ name, content }) => ({
      name,
      content: Buffer.from(content).toString('utf8'),
    })),
    flags: message.flags,
    isLoading: (message.flags & messageFlags.loading) !== 0,
    isEphemeral: message.ephemeralTo !== undefined,
    replyTo: reference?.type === 0 ? reference.messageId : undefined,
    reference,
    nonce: message.nonce,
    mentions: message.mentions,
    reactions: Object.fromEntries([...message.reactions].map(([emoji, users]) => [emoji, [...users]])),
    threadId: thread?.id,
    atMs: message.atMs,
    editedAtMs: message.editedAtMs,
    isDeleted: message.deleted,
  };
}

/** What came of an interaction so far, as the person who began it sees it. */
export interface SimInteraction {
  readonly id: string;
  readonly token: string;
  /** `failed` once the bot has let the deadline pass: the person reads that the application did not respond. */
  readonly state: 'waiting' | 'failed' | 'thinking' | 'answered';
  readonly answer: InteractionAnswer | undefined;
  /** The first answer and the follow-ups that are not deleted, hidden ones too. */
  readonly messages: readonly SimMessage[];
}

export function interactionView({ now, options }: Simulation, interaction: InteractionState): SimInteraction {
  const { id, token, answer, original, followUps, createdAtMs } = interaction;
  const messages = [original, ...followUps].flatMap((message) =>
    message === undefined || message.deleted ? [] : [messageView(message)],
  );
  const isLate = now() - createdAtMs > options.interactionDeadlineMs;
  const unanswered = isLate ? 'failed' : 'waiting';
  const answered = messages[0]?.isLoading === true ? 'thinking' : 'answered';
  return { id, token, state: answer === undefined ? unanswered : answered, answer, messages };
}
