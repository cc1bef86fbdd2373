import { Events, type Client, type Message } from 'discord.js';
import { attempt, describe, isNowhere, isShutOut } from './failure.ts';

/** What happens to messages. None may throw. */
export interface MessageListener {
  onMessage(message: Message): void;
  onEdit(edit: Edit): void;
  onDelete(deletion: Deletion): void;
}

/** A message was changed, or only shows more, such as a link's preview. */
export interface Edit {
  readonly id: string;
  readonly channelId: string;
  /** Null in private. */
  readonly guildId: string | null;
  /** As it was told; null where the event did not tell all of it. */
  readonly message: Message | null;
  /** Reads it from Discord; null where it is gone or out of sight. Rejects where Discord can't tell now. */
  readonly read: () => Promise<Message | null>;
}

export interface Deletion {
  readonly channelId: string;
  /** Null in private. */
  readonly guildId: string | null;
  readonly ids: readonly string[];
}

/**
 * Listens to messages. discord.js keeps silent about changes and deletions in a channel that it does not know, such as
 * the direct messages of somebody who has not written since the start; the raw event tells of these.
 */
export function listenToMessages(client: Client, listener: MessageListener): void {
  const reader = (channelId: string, id: string) => () => readMessage(client, channelId, id);

  client.on(Events.MessageCreate, (message) => listener.onMessage(message));
  client.on(Events.MessageUpdate, (_before, message) => {
    const { id, channelId, guildId, editedTimestamp } = message;
    if (editedTimestamp === null || message.author?.bot === true) return;
    const told = message.partial ? null : message;
    listener.onEdit({ id, channelId, guildId, message: told, read: reader(channelId, id) });
  });
  client.on(Events.MessageDelete, ({ id, channelId, guildId }) =>
    listener.onDelete({ channelId, guildId, ids: [id] }),
  );
  client.on(Events.MessageBulkDelete, (messages, { id: channelId, guildId }) =>
    listener.onDelete({ channelId, guildId, ids: [...messages.keys()] }),
  );
  client.on(Events.Raw, (packet: unknown) => {
    const told = readRaw(packet);
    if (told === null || client.channels.cache.has(told.channelId)) return;
    const { channelId, guildId, ids, isEdit } = told;
    if (!isEdit) return listener.onDelete({ channelId, guildId, ids });
    for (const id of ids)
      listener.onEdit({ id, channelId, guildId, message: null, read: reader(channelId, id) });
  });
}

async function readMessage(client: Client, channelId: string, id: string): Promise<Message | null> {
  const outcome = await attempt(async () => {
    const channel = await client.channels.fetch(channelId);
    if (channel?.isTextBased() !== true) return null;
    return await channel.messages.fetch({ message: id, cache: false, force: true });
  });
  if (outcome.ok) return outcome.value;
  if (isNowhere(outcome.failure) || isShutOut(outcome.failure)) return null;
  throw new Error(describe(outcome.failure));
}

/** A person's change, or a deletion, as the gateway tells it (topics/gateway-events "Messages"); null for all else. */
function readRaw(packet: unknown): (Deletion & { readonly isEdit: boolean }) | null {
  const { t: name, d: data } = packet as { readonly t?: unknown; readonly d?: RawMessage | null };
  if (typeof data?.channel_id !== 'string') return null;
  const where = { channelId: data.channel_id, guildId: data.guild_id ?? null };
  switch (name) {
    case 'MESSAGE_UPDATE': {
      const isByPerson = data.author?.bot !== true && typeof data.webhook_id !== 'string';
      const isEdit = typeof data.edited_timestamp === 'string' && isByPerson;
      return isEdit && typeof data.id === 'string' ? { ...where, ids: [data.id], isEdit } : null;
    }
    case 'MESSAGE_DELETE':
      return typeof data.id === 'string' ? { ...where, ids: [data.id], isEdit: false } : null;
    case 'MESSAGE_DELETE_BULK':
      return Array.isArray(data.ids) ? { ...where, ids: data.ids, isEdit: false } : null;
    default:
      return null;
  }
}

interface RawMessage {
  readonly id?: string;
  readonly ids?: readonly string[];
  readonly channel_id?: string;
  readonly guild_id?: string;
  readonly author?: { readonly bot?: boolean };
  readonly webhook_id?: string;
  readonly edited_timestamp?: string | null;
}
