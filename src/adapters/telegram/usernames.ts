import type { Message, MessageEntity } from 'grammy/types';
import { createRecent } from '../../platform/recent.ts';
import { rawText } from './message-text.ts';

/** Whose names were seen lately. Telegram tells a bot who a name belongs to only with what that person writes. */
export interface Usernames {
  /** Notes who wrote a message, and the one that it answers. */
  note(message: Written | undefined): void;
  /** Null for a name that was not seen. Without the `@`, in any case. */
  idOf(username: string): number | null;
}

type Written = Pick<Message, 'from'> & { readonly reply_to_message?: Pick<Message, 'from'> };

export function createUsernames(): Usernames {
  const seen = createRecent<string, number>();
  return {
    note(message) {
      for (const person of [message?.reply_to_message?.from, message?.from])
        if (person?.username !== undefined) seen.set(person.username.toLowerCase(), person.id);
    },
    idOf: (username) => seen.get(username.toLowerCase()) ?? null,
  };
}

/** The line of a command with people's ids in the place of their names, where it is known whose they are. */
export function withPeople(message: Message, usernames: Usernames): string {
  const { text, entities } = rawText(message);
  const commandLength = entities.find(({ type, offset }) => type === 'bot_command' && offset === 0)?.length;
  let written = text;
  // Backwards, so that the offsets of the earlier ones stay true.
  for (const entity of entities.toReversed()) {
    const id = personOf(entity, text, usernames);
    const { offset, length } = entity;
    if (id !== null) written = `${written.slice(0, offset)}${id}${written.slice(offset + length)}`;
  }
  return written.slice(commandLength).trim();
}

function personOf(entity: MessageEntity, text: string, usernames: Usernames): number | null {
  if (entity.type === 'text_mention') return entity.user.id;
  const { type, offset, length } = entity;
  return type === 'mention' ? usernames.idOf(text.slice(offset + 1, offset + length)) : null;
}
