import type { AllowedModels } from '../completion/ports.ts';
import type { GuildId, UserId } from '../platform/ids.ts';
import type { Envelope } from '../platform/message.ts';
import type { ConversationStyle } from './turn.ts';

/** What people choose for themselves, everywhere. Rejects with `StoreUnavailable`; repeating an origin key changes nothing. */
export interface Preferences {
  /** The model that is to answer; null leaves the choice to the bot. */
  model(user: UserId): Promise<string | null>;
  setModel(envelope: Envelope, model: string | null): Promise<void>;
  /** Whether another model may answer where the chosen one can't. */
  allowsFallback(user: UserId): Promise<boolean>;
  setAllowsFallback(envelope: Envelope, allows: boolean): Promise<void>;
}

/** What a guild's admins decide for it. Rejects with `StoreUnavailable`. */
export interface GuildSettings {
  /** The models that may answer there. */
  allowedModels(guild: GuildId): Promise<AllowedModels>;
  /** As `setConversationStyle` does. */
  setAllowedModels(envelope: Envelope, allowed: AllowedModels): Promise<void>;
  conversationStyle(guild: GuildId): Promise<ConversationStyle>;
  /** Sets it for the guild of the envelope. Recorded with its author; repeating its origin key changes nothing. */
  setConversationStyle(envelope: Envelope, style: ConversationStyle): Promise<void>;
}
