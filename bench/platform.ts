/** A platform's simulator in another process, as the benchmark sees it: the same for all platforms. */
export interface PlatformSide {
  /** Leads a bot there. */
  readonly environment: Readonly<Record<string, string>>;
  /** New people, each in a private chat with the bot. */
  seats(count: number): Promise<readonly Seat[]>;
  /** The bot's calls for chats, in the order of their arrival; asking for news is not among them. */
  calls(): Promise<readonly PlatformCall[]>;
}

export type PlatformName = 'telegram' | 'discord';

/** A person at their chat. */
export interface Seat {
  /** Equals `PlatformCall.place` of what is said here. */
  readonly place: string;
  ask(text: string): Promise<void>;
  /** What stands in the chat, oldest first. */
  said(): Promise<readonly Said[]>;
}

export interface Said {
  readonly text: string;
  readonly isByBot: boolean;
  /** When it was sent, in epoch milliseconds of the simulator. */
  readonly atMs: number;
}

export interface PlatformCall {
  readonly kind: 'create' | 'edit' | 'typing' | 'other';
  readonly place: string;
  /** The message's text after the call; empty where there is none. */
  readonly text: string;
  /** When the call arrived, in epoch milliseconds of the simulator. */
  readonly atMs: number;
  /** It took effect. */
  readonly isOk: boolean;
  /** It was answered with 429. */
  readonly isLimited: boolean;
}
