import type { MessageEntity } from '@grammyjs/types';
import { checkedEntities, withDetected } from './entities.ts';
import { badRequest } from './refusal.ts';

/** Text as the server stores it: trimmed, with the entities moved along. */
export interface CleanText {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

export interface TextInput {
  readonly text: string | undefined;
  readonly parseMode: string | undefined;
  readonly entities: readonly MessageEntity[] | undefined;
}

export interface TextRules {
  /** Largest number of code points after trimming. */
  readonly maxLength: number;
  /** Drafts and captions may be empty. */
  readonly mayBeEmpty: boolean;
}

/** Bot API sendMessage: 1-4096 characters after entities parsing; the server counts code points. */
export const messageText: TextRules = { maxLength: 4096, mayBeEmpty: false };
/** Bot API sendMessageDraft: 0-4096 characters. */
export const draftText: TextRules = { maxLength: 4096, mayBeEmpty: true };
/** Bot API captions: 0-1024 characters. */
export const captionText: TextRules = { maxLength: 1024, mayBeEmpty: true };

const longestRawBytes = 32_768;

/** Checks and trims a bot's text as the server does. Refuses with 400. */
export function cleanText({ text = '', parseMode, entities = [] }: TextInput, rules: TextRules): CleanText {
  // Parley sends entities and never markup, because markup of a model can be refused; so any parse_mode is a mistake.
  if (parseMode !== undefined) throw badRequest('unsupported parse_mode');
  if (Buffer.byteLength(text) > longestRawBytes) throw badRequest('text is too long');
  if (text === '') {
    if (rules.mayBeEmpty) return { text, entities: [] };
    throw badRequest('message text is empty');
  }
  if (!text.isWellFormed()) throw badRequest('strings must be encoded in UTF-8');
  const cleaned = trimmed(text, checkedEntities(text, entities));
  if (cleaned.text === '' && !rules.mayBeEmpty) throw badRequest('text must be non-empty');
  if (codePoints(cleaned.text) > rules.maxLength) throw badRequest('message is too long');
  return { text: cleaned.text, entities: withDetected(cleaned.text, cleaned.entities) };
}

/** The length Telegram's limits are about: Unicode code points, not UTF-16 units. */
export function codePoints(text: string): number {
  return Array.from(text).length;
}

/** Strips trailing whitespace, and leading blanks up to the first entity; control characters become blanks. */
export function trimmed(raw: string, entities: readonly MessageEntity[]): CleanText {
  // oxlint-disable-next-line no-control-regex -- The server replaces exactly these control characters.
  const text = raw.replace(/[\u0000-\u0008\u000B-\u001F]/g, ' ');
  const end = text.trimEnd().length;
  const leading = /^[ \n]*/.exec(text)?.[0].length ?? 0;
  const start = Math.min(leading, end, ...entities.map(({ offset }) => offset));
  const moved = entities.flatMap((entity) => {
    const offset = entity.offset - start;
    const length = Math.min(entity.offset + entity.length, end) - entity.offset;
    return length > 0 ? [{ ...entity, offset, length }] : [];
  });
  return { text: text.slice(start, end), entities: moved };
}
