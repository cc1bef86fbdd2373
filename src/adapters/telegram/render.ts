import type { MessageEntity } from 'grammy/types';
import { renderMarkdown } from '../../rendering/markdown.ts';
import { splitRichText, type PartLimit } from '../../rendering/parts.ts';
import type { RichText, Span } from '../../rendering/rich-text.ts';

/** One Telegram message's worth of an answer. */
export interface TelegramPart {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

/** The whole answer as messages; at least one, because a person must never be left without a reply. */
export function renderAnswer(markdown: string): readonly TelegramPart[] {
  const parts = renderParts(renderMarkdown(markdown));
  return parts.length === 0 ? [{ text: NOTHING_VISIBLE, entities: [] }] : parts;
}

/** What is there so far as messages; none while there is nothing to see. */
export function renderParts(whole: RichText): readonly TelegramPart[] {
  return splitRichText(whole, MESSAGE_LIMIT).map(toPart);
}

/** Bot API sendMessage: 1-4096 characters after entities parsing; the server counts code points. */
const MESSAGE_LIMIT: PartLimit = { max: 4096, measure: ({ text }) => codePoints(text) };

const NOTHING_VISIBLE = '…';

function codePoints(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const isLowSurrogate = (text.charCodeAt(index) & 0xfc00) === 0xdc00;
    if (!isLowSurrogate) count += 1;
  }
  return count;
}

function toPart({ text, spans }: RichText): TelegramPart {
  return { text, entities: spans.map(toEntity) };
}

/** Bot API MessageEntity: offset and length in UTF-16 code units, as ours are. */
function toEntity(span: Span): MessageEntity {
  const { offset, length } = span;
  switch (span.kind) {
    case 'link':
      return { type: 'text_link', offset, length, url: span.url };
    case 'pre':
      return span.language === undefined
        ? { type: 'pre', offset, length }
        : { type: 'pre', offset, length, language: span.language };
    case 'quote':
      return { type: 'blockquote', offset, length };
    case 'bold':
    case 'italic':
    case 'underline':
    case 'strikethrough':
    case 'spoiler':
    case 'code':
      return { type: span.kind, offset, length };
  }
}
