/**
 * Qualified ids. Every id from outside carries its platform from the door on, because Discord's,
 * Telegram's and our own ids are all digits and would be confused without it. The brands are made
 * here and nowhere else.
 */

export type Platform = 'discord' | 'telegram' | 'terminal' | 'http';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `telegram:42`: a person. */
export type UserId = Branded<'UserId'>;
/** `telegram:-100123`: the community that owns a quota. */
export type GuildId = Branded<'GuildId'>;
/** `telegram:<bot>:<chat>[:<topic>]`: where something is said; conversations live in places. */
export type PlaceId = Branded<'PlaceId'>;
/** `telegram:<chat>:<message>`: a message of the platform. */
export type MessageId = Branded<'MessageId'>;
/** `platform:bot:chat:event[:cause:version]`: what makes a turn unique, however often it is delivered. */
export type OriginKey = Branded<'OriginKey'>;
/** Our own id of one turn, a UUID. */
export type TurnId = Branded<'TurnId'>;

export const userId = (platform: Platform, raw: string | number): UserId => qualify<UserId>(platform, raw);
export const guildId = (platform: Platform, raw: string | number): GuildId => qualify<GuildId>(platform, raw);

export const placeId = (platform: Platform, ...path: readonly (string | number)[]): PlaceId =>
  qualify<PlaceId>(platform, ...path);

export const messageId = (platform: Platform, chat: string | number, message: string | number): MessageId =>
  qualify<MessageId>(platform, chat, message);

export const originKey = (
  platform: Platform,
  bot: string | number,
  chat: string | number,
  ...event: readonly (string | number)[]
): OriginKey => qualify<OriginKey>(platform, bot, chat, ...event);

/** The guild or person that somebody wrote as a qualified id, such as `discord:123`; null for anything else. */
export function writtenId(kind: 'guild', written: string): GuildId | null;
export function writtenId(kind: 'user', written: string): UserId | null;
export function writtenId(_kind: string, written: string): GuildId | UserId | null {
  const [, platform, raw = ''] = /^(discord|telegram|terminal):(-?\w{1,40})$/u.exec(written) ?? [];
  return platform === undefined ? null : qualify<GuildId | UserId>(platform as Platform, raw);
}

export const platformOf = (id: GuildId | UserId | OriginKey): Platform =>
  id.slice(0, id.indexOf(':')) as Platform;

/** The bot's own account, which stands in the key of each event that it hears of. */
export function botOf(event: OriginKey): UserId {
  const [platform, bot = ''] = event.split(':');
  return qualify<UserId>(platform as Platform, bot);
}

/** Brands an id that was made here before and comes back from storage or from a button. */
export const turnId = (raw: string): TurnId => raw as TurnId;

/** Reads an id that a person wrote as we write it; null for anything else. */
export const readGuildId = (written: string): GuildId | null =>
  isQualified(written) ? (written as GuildId) : null;
export const readUserId = (written: string): UserId | null =>
  isQualified(written) ? (written as UserId) : null;

const isQualified = (written: string): boolean =>
  /^(?:(?:discord|telegram):-?\d{1,20}|terminal:[a-z]{1,20})$/u.test(written);

function qualify<Id extends string>(platform: Platform, ...path: readonly (string | number)[]): Id {
  return [platform, ...path].join(':') as Id;
}
