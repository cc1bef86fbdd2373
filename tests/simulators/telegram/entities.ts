import type { MessageEntity } from '@grammyjs/types';
import { badRequest } from './refusal.ts';

type EntityType = MessageEntity['type'];

const styles: ReadonlySet<string> = new Set(['bold', 'italic', 'underline', 'strikethrough', 'spoiler']);
const blocks: ReadonlySet<string> = new Set(['blockquote', 'expandable_blockquote']);
const code: ReadonlySet<string> = new Set(['pre', 'code']);
const others: ReadonlySet<string> = new Set([
  'mention',
  'hashtag',
  'cashtag',
  'bot_command',
  'url',
  'email',
  'phone_number',
  'text_link',
  'text_mention',
  'custom_emoji',
  'date_time',
]);

/**
 * Checks the entities a bot sent with a text and returns them in order. Refuses with 400: bounds and surrogate pairs in the words of
 * the real server, which counts in UTF-16 code units. Overlaps that break the nesting rules are refused too, although the real server
 * splits or drops such entities without a word: readers would see something else than what was sent.
 */
export function checkedEntities(text: string, entities: readonly MessageEntity[]): MessageEntity[] {
  const sorted = entities
    .filter((entity) => entity.length !== 0)
    .toSorted((a, b) => a.offset - b.offset || b.length - a.length);
  for (const entity of sorted) {
    checkType(entity);
    checkBounds(text, entity);
  }
  for (const [index, outer] of sorted.entries()) {
    for (const inner of sorted.slice(index + 1)) checkNesting(outer, inner);
  }
  return sorted;
}

function checkType(entity: MessageEntity): void {
  const { type } = entity;
  if (!styles.has(type) && !blocks.has(type) && !code.has(type) && !others.has(type)) {
    throw badRequest("can't parse MessageEntity: Unsupported type specified");
  }
  if (type === 'text_link' && !/^(https?|tg|mailto|tel):/i.test(entity.url)) {
    throw badRequest(
      "can't parse MessageEntity: simulator: text_link needs a http, https, tg, mailto or tel URL",
    );
  }
}

function checkBounds(text: string, { offset, length }: MessageEntity): void {
  if (offset < 0) throw badRequest('Receive an entity with incorrect offset');
  if (length < 0) throw badRequest('Receive an entity with incorrect length');
  const end = offset + length;
  if (offset > text.length) {
    throw badRequest(`Entity begins after the end of the text at UTF-16 offset ${offset}`);
  }
  if (splitsPair(text, offset)) {
    const at = Buffer.byteLength(text.slice(0, offset - 1));
    throw badRequest(`Entity begins in a middle of a UTF-16 symbol at byte offset ${at}`);
  }
  if (end > text.length) {
    throw badRequest(
      `Entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${end}`,
    );
  }
  if (splitsPair(text, end)) {
    const at = Buffer.byteLength(text.slice(0, end - 1));
    throw badRequest(
      `Entity beginning at UTF-16 offset ${offset} ends in a middle of a UTF-16 symbol at byte offset ${at}`,
    );
  }
}

function splitsPair(text: string, index: number): boolean {
  return /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(index - 1, index + 1)) && index > 0;
}

/** `outer` begins first, or at the same place and is no shorter. */
function checkNesting(outer: MessageEntity, inner: MessageEntity): void {
  const outerEnd = outer.offset + outer.length;
  if (inner.offset >= outerEnd) return;
  const pair = `${outer.type} at ${outer.offset} and ${inner.type} at ${inner.offset}`;
  if (inner.offset + inner.length > outerEnd) {
    throw badRequest(`simulator: entities overlap without nesting: ${pair}`);
  }
  const sameSpan = inner.offset === outer.offset && inner.length === outer.length;
  if (!(mayContain(outer.type, inner.type) || (sameSpan && mayContain(inner.type, outer.type)))) {
    throw badRequest(`simulator: entities must not nest: ${pair}`);
  }
}

/** Bot API, formatting options: styles hold and are held by anything but code; quotes hold anything but quotes; the rest only styles. */
function mayContain(outer: EntityType, inner: EntityType): boolean {
  if (code.has(outer)) return false;
  if (blocks.has(outer)) return !blocks.has(inner);
  if (styles.has(outer)) return !code.has(inner);
  return styles.has(inner);
}

const detectors: readonly { type: EntityType; pattern: RegExp }[] = [
  {
    type: 'url',
    pattern:
      /\b(?:https?:\/\/|www\.)[^\s<>"]+[^\s<>".,;:!?)\]}']|(?<![@\w.-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|me|ai|app)(?:\/[^\s<>"]*[^\s<>".,;:!?)\]}'])?(?![\w@])/gi,
  },
  { type: 'email', pattern: /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g },
  { type: 'mention', pattern: /(?<![\w@/])@[a-zA-Z][a-zA-Z0-9_]{2,31}(?![a-zA-Z0-9_])/g },
  {
    type: 'bot_command',
    pattern: /(?<![\w/<>@.])\/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z][a-zA-Z0-9_]{2,31})?(?![\w/])/g,
  },
  { type: 'hashtag', pattern: /(?<![\p{L}\p{N}_#&])#(?=[\p{N}_]*\p{L})[\p{L}\p{N}_]{1,256}/gu },
];

/** The entities the server finds by itself in any text, a person's or a bot's: links, addresses, mentions, commands, hashtags. */
function detectedEntities(text: string): MessageEntity[] {
  const found: MessageEntity[] = [];
  for (const { type, pattern } of detectors) {
    for (const match of text.matchAll(pattern)) {
      const entity = { type, offset: match.index, length: match[0].length } as MessageEntity;
      if (!found.some((other) => intersects(other, entity))) found.push(entity);
    }
  }
  return found.toSorted((a, b) => a.offset - b.offset);
}

/** Adds what the server finds itself to the given entities, except where code, a link or another found entity already is. */
export function withDetected(text: string, given: readonly MessageEntity[]): MessageEntity[] {
  const taken = given.filter(({ type }) => code.has(type) || others.has(type));
  const fitting = detectedEntities(text).filter(
    (entity) =>
      !taken.some((other) => intersects(other, entity)) &&
      given.every(
        (other) => !intersects(other, entity) || contains(other, entity) || contains(entity, other),
      ),
  );
  return [...given, ...fitting].toSorted((a, b) => a.offset - b.offset || b.length - a.length);
}

function intersects(a: MessageEntity, b: MessageEntity): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

function contains(outer: MessageEntity, inner: MessageEntity): boolean {
  return outer.offset <= inner.offset && inner.offset + inner.length <= outer.offset + outer.length;
}
