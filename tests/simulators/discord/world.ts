import type { SnowflakeSource } from './snowflake.ts';

/** A Discord account, person or bot. */
export interface UserState {
  readonly id: string;
  readonly username: string;
  readonly globalName: string | null;
  readonly isBot: boolean;
  readonly locale: string;
  /** False once the person takes no direct messages from the bot. */
  acceptsDms: boolean;
}

export interface RoleState {
  readonly id: string;
  readonly name: string;
  permissions: bigint;
  readonly position: number;
  readonly isMentionable: boolean;
  /** Whether it is the role of the bot itself. */
  readonly isManaged: boolean;
}

export interface MemberState {
  readonly user: UserState;
  nick: string | null;
  /** Ids of roles, without the one of everyone. */
  readonly roles: Set<string>;
  readonly joinedAtMs: number;
  timedOutUntilMs: number;
}

export interface OverwriteState {
  /** Of a role or a user; the guild's own id stands for everyone. */
  readonly id: string;
  readonly isUser: boolean;
  readonly allow: bigint;
  readonly deny: bigint;
}

export interface ThreadState {
  readonly ownerId: string;
  readonly isPrivate: boolean;
  readonly createdAtMs: number;
  archived: boolean;
  archivedAtMs: number;
  locked: boolean;
  autoArchiveMinutes: number;
  /** Join times by user id. */
  readonly members: Map<string, number>;
  appliedTags: readonly string[];
  messagesEver: number;
}

/** Discord's channel types, as far as the simulator has them (resources/channel). */
export const channelTypes = {
  text: 0,
  dm: 1,
  voice: 2,
  category: 4,
  announcement: 5,
  announcementThread: 10,
  publicThread: 11,
  privateThread: 12,
  forum: 15,
  media: 16,
} as const;

export interface ChannelState {
  readonly id: string;
  readonly type: number;
  readonly guild: GuildState | undefined;
  /** The category of a channel, or the channel of a thread. */
  readonly parent: ChannelState | undefined;
  name: string;
  readonly topic: string | null;
  readonly isNsfw: boolean;
  readonly position: number;
  slowModeSeconds: number;
  overwrites: readonly OverwriteState[];
  /** Both sides of a direct message; empty in a guild. */
  readonly recipients: readonly UserState[];
  readonly thread: ThreadState | undefined;
  readonly messages: Map<string, StoredMessage>;
  lastMessageId: string | null;
  /** Until when the bot's typing shows. */
  typingUntilMs: number;
}

export interface GuildState {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string;
  readonly locale: string;
  readonly roles: Map<string, RoleState>;
  readonly members: Map<string, MemberState>;
  /** Channels and threads. */
  readonly channels: Map<string, ChannelState>;
  /** False during an outage of the guild. */
  isAvailable: boolean;
}

/** A file on a message. The content is kept so that it can be downloaded again. */
export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly content: Uint8Array;
  readonly description: string | undefined;
  readonly voice: { readonly durationSecs: number; readonly waveform: string } | undefined;
}

/** Whom a message pings, after its text, its `allowed_mentions` and its author's permissions were taken together. */
export interface Mentions {
  readonly users: readonly string[];
  readonly roles: readonly string[];
  readonly everyone: boolean;
}

/** An object of the API as it travels; its fields are checked against the description. */
export type Wire = Readonly<Record<string, unknown>>;

export interface MessageReference {
  /** 0 for a reply and for system messages, 1 for a forward. */
  readonly type: 0 | 1;
  readonly channelId: string;
  readonly messageId: string | undefined;
  readonly guildId: string | undefined;
}

/** What of a message shows that an interaction caused it. */
export interface InteractionOrigin {
  readonly id: string;
  readonly user: UserState;
  /** `interaction_metadata` as it travels. */
  readonly metadata: Wire;
}

export interface StoredMessage {
  readonly id: string;
  readonly channel: ChannelState;
  readonly author: UserState;
  readonly atMs: number;
  /** Discord's message type: 0 plain, 19 reply, 20 slash command, 21 thread starter, 23 message command. */
  readonly type: number;
  readonly nonce: string | number | undefined;
  readonly reference: MessageReference | undefined;
  /** The message that was forwarded, as it was then. */
  readonly snapshot: StoredMessage | undefined;
  readonly interaction: InteractionOrigin | undefined;
  /** The only person who sees an ephemeral message. */
  readonly ephemeralTo: string | undefined;
  content: string;
  embeds: readonly Wire[];
  components: readonly Wire[];
  attachments: readonly StoredFile[];
  flags: number;
  mentions: Mentions;
  editedAtMs: number | undefined;
  deleted: boolean;
  /** Ids of those who reacted, by emoji. */
  readonly reactions: Map<string, Set<string>>;
  /** The thread that was started from the message. */
  thread: ChannelState | undefined;
}

export interface World {
  readonly now: () => number;
  readonly ids: SnowflakeSource;
  readonly bot: UserState;
  readonly users: Map<string, UserState>;
  readonly guilds: Map<string, GuildState>;
  /** Every channel, thread and direct message. */
  readonly channels: Map<string, ChannelState>;
  addUser(profile: Partial<UserState>): UserState;
  addChannel(
    channel: Pick<ChannelState, 'type' | 'name'> & Partial<Omit<ChannelState, 'messages'>>,
  ): ChannelState;
  /** The direct messages of a person with the bot, made at first use. */
  directMessages(user: UserState): ChannelState;
  clear(): void;
}

export function createWorld(bot: UserState, ids: SnowflakeSource, now: () => number): World {
  const world: World = {
    now,
    ids,
    bot,
    users: new Map([[bot.id, bot]]),
    guilds: new Map(),
    channels: new Map(),
    addUser(profile) {
      const id = profile.id ?? ids.next();
      const user: UserState = {
        username: `person${world.users.size}`,
        globalName: `Person ${world.users.size}`,
        isBot: false,
        locale: 'en-US',
        acceptsDms: true,
        ...profile,
        id,
      };
      world.users.set(id, user);
      return user;
    },
    addChannel(channel) {
      const created: ChannelState = {
        id: ids.next(),
        guild: undefined,
        parent: undefined,
        topic: null,
        isNsfw: false,
        position: channel.guild?.channels.size ?? 0,
        slowModeSeconds: 0,
        overwrites: [],
        recipients: [],
        thread: undefined,
        lastMessageId: null,
        typingUntilMs: 0,
        ...channel,
        messages: new Map(),
      };
      world.channels.set(created.id, created);
      created.guild?.channels.set(created.id, created);
      return created;
    },
    directMessages(user) {
      const existing = [...world.channels.values()].find(
        ({ type, recipients }) => type === channelTypes.dm && recipients.includes(user),
      );
      return existing ?? world.addChannel({ type: channelTypes.dm, name: '', recipients: [user, bot] });
    },
    clear() {
      world.users.clear();
      world.users.set(bot.id, bot);
      world.guilds.clear();
      world.channels.clear();
    },
  };
  return world;
}

/** The message that is still there, or `undefined`. */
export function liveMessage(channel: ChannelState, id: string): StoredMessage | undefined {
  const message = channel.messages.get(id);
  return message === undefined || message.deleted ? undefined : message;
}
