import type { Message, MessageEntity, RichBlock, RichText, User } from 'grammy/types';

/** What a person wrote in a message, with the bot's name taken out. */
export interface WrittenText {
  readonly text: string;
  readonly mentionsBot: boolean;
}

/** Text or caption of a message and its entities; a rich message is flattened and has none. */
export function rawText(message: Message): {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
} {
  if (message.text !== undefined) return { text: message.text, entities: message.entities ?? [] };
  if (message.caption !== undefined)
    return { text: message.caption, entities: message.caption_entities ?? [] };
  return { text: flattenBlocks(message.rich_message?.blocks ?? []), entities: [] };
}

/** Whether a client may have cut it here and sent the rest as a message of its own: they cut at 4096 characters or before. */
export function isMaybeCut(text: string): boolean {
  return text.length >= SHORTEST_CUT && Array.from(text).length >= SHORTEST_CUT;
}

/** Code points, which is what Telegram counts. */
const SHORTEST_CUT = 4000;

/** Takes `@bot` out of the text wherever it stands, and characters that no store can keep. */
export function readText(message: Message, me: Pick<User, 'id' | 'username'>): WrittenText {
  const { text, entities } = rawText(message);
  const ranges =
    message.rich_message === undefined ? mentions(text, entities, me) : namesakes(text, me.username);
  let rest = text;
  // Backwards, so that the offsets of the earlier ones stay true.
  for (const { offset, length } of ranges.toReversed()) {
    const before = rest.slice(0, offset);
    const after = rest.slice(offset + length);
    // A name at the front is a form of address, and its comma goes with it.
    rest = before.trim() === '' ? after.replace(/^[\s,:;]+/u, '') : before.replace(/[ \t]+$/u, '') + after;
  }
  return { text: rest.replaceAll('\0', '').trim(), mentionsBot: ranges.length > 0 };
}

interface Range {
  readonly offset: number;
  readonly length: number;
}

function mentions(
  text: string,
  entities: readonly MessageEntity[],
  me: Pick<User, 'id' | 'username'>,
): Range[] {
  return entities.filter((entity) => {
    if (entity.type === 'text_mention') return entity.user.id === me.id;
    const name = text.slice(entity.offset + 1, entity.offset + entity.length);
    return entity.type === 'mention' && name.toLowerCase() === me.username?.toLowerCase();
  });
}

function namesakes(text: string, username: string | undefined): Range[] {
  if (username === undefined) return [];
  return [...text.matchAll(new RegExp(`@${username}(?!\\w)`, 'giu'))].map((match) => ({
    offset: match.index,
    length: match[0].length,
  }));
}

function flattenBlocks(blocks: readonly RichBlock[]): string {
  return blocks
    .map(flattenBlock)
    .filter((text) => text !== '')
    .join('\n');
}

function flattenBlock(block: RichBlock): string {
  if ('text' in block) return flattenText(block.text);
  if ('expression' in block) return block.expression;
  if ('items' in block) {
    return block.items.map(({ label, blocks }) => `${label} ${flattenBlocks(blocks)}`).join('\n');
  }
  if ('cells' in block) {
    return block.cells.map((row) => row.map((cell) => flattenText(cell.text ?? '')).join(' | ')).join('\n');
  }
  if ('summary' in block) return `${flattenText(block.summary)}\n${flattenBlocks(block.blocks)}`;
  return 'blocks' in block ? flattenBlocks(block.blocks) : '';
}

function flattenText(text: RichText): string {
  if (typeof text === 'string') return text;
  if (Array.isArray(text)) return text.map(flattenText).join('');
  if ('text' in text) return flattenText(text.text);
  if ('expression' in text) return text.expression;
  return 'alternative_text' in text ? text.alternative_text : '';
}
