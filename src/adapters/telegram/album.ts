import type { Message, MessageEntity, Update } from 'grammy/types';

/** What the pieces of one album share; null for what is no piece. Never throws, whatever the update looks like. */
export function albumOf(update: Update): string | null {
  const message: Partial<Message> | undefined = update.message;
  const chatId = message?.chat?.id;
  const group = message?.media_group_id;
  return group === undefined || chatId === undefined ? null : `${chatId}:${group}`;
}

/** The updates of one album, as they arrived. */
export type Pieces = readonly [Update, ...Update[]];

/** One update for an album: the first piece's, with the captions of all, joined by a blank line. */
export function joinAlbum(pieces: Pieces): Update {
  const sorted = pieces.toSorted((a, b) => numberOf(a) - numberOf(b));
  const [first = pieces[0]] = sorted;
  if (first.message === undefined || sorted.length === 1) return first;
  let caption = '';
  const entities: MessageEntity[] = [];
  for (const { message } of sorted) {
    if (message?.caption === undefined || message.caption === '') continue;
    if (caption !== '') caption += '\n\n';
    const start = caption.length;
    entities.push(
      ...(message.caption_entities ?? []).map((entity) => ({ ...entity, offset: entity.offset + start })),
    );
    caption += message.caption;
  }
  if (caption === '') return first;
  return { ...first, message: { ...first.message, caption, caption_entities: entities } };
}

function numberOf(update: Update): number {
  return update.message?.message_id ?? 0;
}
