import type { Chat, InlineKeyboardMarkup, MessageEntity, User } from '@grammyjs/types';

/** A Telegram account, person or bot. */
export interface SimUser {
  readonly id: number;
  readonly isBot: boolean;
  readonly firstName: string;
  readonly lastName?: string;
  readonly username?: string;
  /** IETF tag; Telegram leaves it out for some people. */
  readonly languageCode?: string;
  readonly isPremium?: boolean;
}

export type MemberStatus = 'creator' | 'administrator' | 'member' | 'restricted' | 'left' | 'kicked';

export type ChatType = 'private' | 'group' | 'supergroup';

/** A file a person or the bot sent. Content is kept so that it can be downloaded again. */
export interface StoredFile {
  readonly fileId: string;
  readonly uniqueId: string;
  readonly path: string;
  readonly name: string;
  readonly mimeType: string;
  readonly content: Uint8Array;
}

export type AttachmentKind = 'document' | 'photo' | 'voice';

export interface StoredMessage {
  readonly id: number;
  readonly chat: ChatState;
  readonly from: SimUser;
  readonly atMs: number;
  /** Set when an administrator writes in the name of the group. */
  readonly anonymous: boolean;
  readonly replyTo: number | undefined;
  readonly quote: string | undefined;
  /** Forum or private topic; or, in a plain supergroup, the first message of the reply thread. */
  readonly threadId: number | undefined;
  readonly isTopicMessage: boolean;
  /** Fields of a service message (joined, left, migrated…), which has no text. */
  readonly service: Readonly<Record<string, unknown>> | undefined;
  readonly attachment: { readonly kind: AttachmentKind; readonly file: StoredFile } | undefined;
  readonly mediaGroupId: string | undefined;
  /** Text, or the caption of an attachment. */
  text: string;
  entities: readonly MessageEntity[];
  /** Source of a rich message, which has no text. */
  richSource: string | undefined;
  replyMarkup: InlineKeyboardMarkup | undefined;
  editedAtMs: number | undefined;
  deleted: boolean;
  /** Emoji the bot put on the message. */
  reactions: readonly string[];
}

export interface ChatState {
  readonly id: number;
  readonly type: ChatType;
  title: string;
  /** The other side of a private chat. */
  readonly user: SimUser | undefined;
  readonly isForum: boolean;
  readonly members: Map<number, MemberStatus>;
  readonly messages: Map<number, StoredMessage>;
  /** Topic names by thread id. */
  readonly topics: Map<number, string>;
  lastMessageId: number;
  /** Whether the person has ever written to the bot: before that, a bot cannot write first. */
  started: boolean;
  blocked: boolean;
  /** Set once a group became a supergroup with another id. */
  migratedTo: number | undefined;
  /** The bot that spoke last: the only one to receive commands without a bot's name in privacy mode. */
  lastBotId: number | undefined;
}

export interface World {
  readonly now: () => number;
  readonly bot: SimUser;
  readonly users: Map<number, SimUser>;
  readonly chats: Map<number, ChatState>;
  addUser(profile: Partial<SimUser>): SimUser;
  addChat(chat: Pick<ChatState, 'type'> & Partial<Pick<ChatState, 'user' | 'title' | 'isForum'>>): ChatState;
  /** The private chat of a user with the bot, made at first use. */
  privateChat(user: SimUser): ChatState;
  /** Ids are one sequence for private chats and plain groups together, and one per supergroup. */
  nextMessageId(chat: ChatState): number;
  clear(): void;
}

/** The account that Telegram shows as the sender when an administrator writes anonymously. */
export const anonymousAdmin: SimUser = {
  id: 1_087_968_824,
  isBot: true,
  firstName: 'Group',
  username: 'GroupAnonymousBot',
};

/** An empty Telegram with one bot. Ids keep growing across `clear`, so that nothing old is mistaken for something new. */
export function createWorld(bot: SimUser, now: () => number): World {
  const users = new Map<number, SimUser>([[bot.id, bot]]);
  const chats = new Map<number, ChatState>();
  let lastUserId = 500_000_000;
  let lastGroupNumber = 4_000_000;
  let lastMailboxId = 0;
  const world: World = {
    now,
    bot,
    users,
    chats,
    addUser(profile) {
      const id = profile.id ?? ++lastUserId;
      const user: SimUser = { isBot: false, firstName: `Person ${id - 500_000_000}`, ...profile, id };
      users.set(id, user);
      return user;
    },
    addChat({ type, user, title = '', isForum = false }) {
      const id = user?.id ?? groupId(type, ++lastGroupNumber);
      const chat = emptyChat(id, type, { title, user, isForum });
      chats.set(id, chat);
      return chat;
    },
    privateChat(user) {
      return chats.get(user.id) ?? world.addChat({ type: 'private', user });
    },
    nextMessageId(chat) {
      if (chat.type === 'supergroup') return ++chat.lastMessageId;
      chat.lastMessageId = ++lastMailboxId;
      return lastMailboxId;
    },
    clear() {
      users.clear();
      users.set(bot.id, bot);
      chats.clear();
    },
  };
  return world;
}

function groupId(type: ChatType, number: number): number {
  return type === 'supergroup' ? -1_001_000_000_000 - number : -number;
}

function emptyChat(
  id: number,
  type: ChatType,
  rest: Pick<ChatState, 'title' | 'user' | 'isForum'>,
): ChatState {
  return {
    id,
    type,
    ...rest,
    members: new Map(),
    messages: new Map(),
    topics: new Map(),
    // Id 1 of a forum stands for its General topic.
    lastMessageId: rest.isForum ? 1 : 0,
    started: false,
    blocked: false,
    migratedTo: undefined,
    lastBotId: undefined,
  };
}

/** The Bot API's User object. */
export function userObject(user: SimUser): User {
  return {
    id: user.id,
    is_bot: user.isBot,
    first_name: user.firstName,
    ...(user.lastName === undefined ? {} : { last_name: user.lastName }),
    ...(user.username === undefined ? {} : { username: user.username }),
    ...(user.languageCode === undefined ? {} : { language_code: user.languageCode }),
    ...(user.isPremium === true ? { is_premium: true } : {}),
  };
}

/** The Bot API's Chat object. */
export function chatObject(chat: ChatState): Chat {
  if (chat.user !== undefined) {
    const { first_name, last_name, username } = userObject(chat.user);
    return {
      id: chat.id,
      type: 'private',
      first_name,
      ...(last_name === undefined ? {} : { last_name }),
      ...(username === undefined ? {} : { username }),
    };
  }
  if (chat.type === 'group') return { id: chat.id, type: 'group', title: chat.title };
  return {
    id: chat.id,
    type: 'supergroup',
    title: chat.title,
    ...(chat.isForum ? { is_forum: true } : {}),
  };
}
