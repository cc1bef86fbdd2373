import type { Channel, Client, Collection, Message, TextBasedChannel } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import { tooLate } from '../../delivery/insist.ts';
import type { Outcome } from './failure.ts';
import { readLane } from './lane.ts';
import type { Sender } from './sender.ts';

/** What was said in a channel. */
export interface Missed {
  /** Oldest first; at most 100. */
  readonly messages: readonly Message[];
  /** There are more, which are older. */
  readonly isCut: boolean;
}

/** Reads what a connection was not told, at a pace. No method rejects. */
export interface History {
  /** The messages of a channel after an id, the newest of them if there are too many. */
  after(channelId: string, id: bigint, signal: AbortSignal): Promise<Outcome<Missed>>;
  /** Learns what Discord does not tell with a message that is read: its author's nickname and rank in the guild. */
  meet(message: Message, signal: AbortSignal): Promise<Outcome<unknown>>;
}

export interface HistoryOptions {
  readonly client: Client;
  readonly sender: Sender;
  /** Between the beginnings of two calls. */
  readonly gapMs: number;
  readonly clock: Clock;
}

export function createHistory({ client, sender, gapMs, clock }: HistoryOptions): History {
  let nextAtMs = -Infinity;

  const call = async <Value>(
    channelId: string,
    signal: AbortSignal,
    run: () => Promise<Value>,
  ): Promise<Outcome<Value>> => {
    const atMs = Math.max(nextAtMs, clock.now());
    nextAtMs = atMs + gapMs;
    await clock.sleep(Math.max(0, atMs - clock.now()), signal);
    return await sender.call(readLane(channelId), { urgency: 'once', takesPlace: true, signal }, run);
  };

  const open = async (channelId: string, signal: AbortSignal) => {
    const known = client.channels.cache.get(channelId);
    const outcome =
      known === undefined
        ? await call(channelId, signal, () => client.channels.fetch(channelId))
        : ({ ok: true, value: known } as const);
    return outcome.ok && !hasGuild(outcome.value) ? guildUnavailable : outcome;
  };

  return {
    async after(channelId, id, signal) {
      const opened = await open(channelId, signal);
      if (!opened.ok) return opened;
      const channel = opened.value;
      if (channel?.isTextBased() !== true || saysNothingNew(channel, id)) return nothing;
      const page = (after: { after?: string }) =>
        call<Page>(channelId, signal, () => channel.messages.fetch({ ...after, limit: PAGE, cache: false }));
      // From Discord these are the oldest ones after the id.
      const first = await page({ after: String(id) });
      if (!first.ok) return first;
      if (first.value.size < PAGE) return { ok: true, value: inOrder(first.value, id) };
      const last = await page({});
      return last.ok ? { ok: true, value: inOrder(first.value.concat(last.value), id, last.value) } : last;
    },
    meet(message, signal) {
      const { guild, author } = message;
      if (guild === null || message.member !== null) return Promise.resolve({ ok: true, value: null });
      return call(message.channelId, signal, () => guild.members.fetch({ user: author.id }));
    },
  };
}

type Page = Collection<string, Message>;

/** The most that Discord gives at once (resources/message "Get Channel Messages"). */
const PAGE = 100;
const nothing: Outcome<Missed> = { ok: true, value: { messages: [], isCut: false } };
/** A guild that is out of order, or late, has neither roles nor members, without which no message can be read. */
function hasGuild(channel: Channel | null): boolean {
  return channel !== null && (channel.isDMBased() || channel.guild.available);
}

const guildUnavailable = tooLate(0, 'the guild is not available');

/**
 * A guild's channel came with its newest message when the session began. Of threads that are archived and of direct
 * messages nothing comes.
 */
function saysNothingNew(channel: TextBasedChannel, id: bigint): boolean {
  if (channel.isDMBased() || channel.isThread()) return false;
  return channel.lastMessageId !== null && BigInt(channel.lastMessageId) <= id;
}

/** `newest` is the last page where the first was full. */
function inOrder(messages: Page, after: bigint, newest?: Page): Missed {
  const ordered = [...messages.values()]
    .filter(({ id }) => BigInt(id) > after)
    .toSorted((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  const isGapped = newest !== undefined && ordered.length === 2 * PAGE;
  return { messages: ordered.slice(-PAGE), isCut: isGapped || ordered.length > PAGE };
}
