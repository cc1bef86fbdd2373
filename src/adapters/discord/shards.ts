import type { Message } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import { handOver, type HandOverOptions } from '../../intake/hand-over.ts';
import type { ActivePlace, AdapterMemory } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { createBookmark, type Bookmark, type Progress } from './bookmark.ts';
import { catchUp, type CatchUp, type CatchUpOptions, type CatchUpPace } from './catch-up.ts';
import { createGate, type Gate } from './gate.ts';
import type { History } from './history.ts';
import { shardOf, snowflakeAt, snowflakeBefore } from './snowflake.ts';

/** A session of a shard that began anew: what was said before it is not told. */
export interface ShardSession {
  readonly shard: number;
  /** How many shards the bot's guilds are divided into. */
  readonly count: number;
  readonly history: History;
}

/** How far each shard has come, over all connections. */
export interface Shards {
  /** A shard has no session, or none has (null). */
  down(shard: number | null): void;
  /** Its session goes on, and told what came meanwhile. */
  resumed(shard: number): void;
  /** Begins to hand over what was missed. */
  began(session: ShardSession): void;
  /** A message was told and is in hand. Returns what to call when it is handed over, given up or of no concern. */
  follow(message: Pick<Message, 'id' | 'guildId'>): () => void;
  /**
   * Resolves when what happens in a channel may be handed over: after what was missed there. With false where all ends
   * before, and the next process has to read both. Never rejects.
   */
  turn(channelId: string, guildId: string | null): Promise<boolean>;
  /** Resolves when all is written down. Never rejects. */
  settle(): Promise<void>;
}

export interface ShardsOptions extends Pick<CatchUpOptions, 'concerns'> {
  /** The bot's account. */
  readonly botId: string;
  readonly memory: AdapterMemory;
  /** Hands a message over, however long it takes; false when the signal fires before. */
  readonly hand: (message: Message, signal: AbortSignal) => Promise<boolean>;
  readonly handingOver: HandOverOptions;
  readonly pace: CatchUpPace;
  readonly stopping: AbortSignal;
  /** Milliseconds since 1970. */
  readonly today: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Shard {
  readonly bookmark: Bookmark;
  isUp: boolean;
  /** What comes between the loss of a session and the next waits here until it is known what was missed. */
  revival: Gate;
  /** Null where nothing is missing. */
  running: (CatchUp & { readonly over: AbortController }) | null;
}

export function createShards(options: ShardsOptions): Shards {
  const { stopping } = options;
  const shards = new Map<number, Shard>();
  let shardCount = 1;
  const ending = new Set<Promise<void>>();

  const update = (shard: Shard): void => shard.bookmark.freeze(!shard.isUp || shard.running !== null);
  const gate = () => createGate({ holdMs: options.pace.holdMs, signal: stopping, clock: options.clock });
  const isUp = (shard: Shard, up: boolean): void => {
    if (up) shard.revival.open();
    else if (shard.isUp) shard.revival = gate();
    shard.isUp = up;
    update(shard);
  };
  const known = (index: number): Shard => {
    const before = shards.get(index);
    if (before !== undefined) return before;
    const key = `discord-seen:${options.botId}:${index}:${shardCount}`;
    const bookmark = createBookmark({ ...options, key, writeMs: options.pace.writeMs, closed: stopping });
    const shard = { bookmark, isUp: false, revival: gate(), running: null };
    shards.set(index, shard);
    return shard;
  };
  const of = (guildId: string | null): Shard | undefined => shards.get(shardOf(guildId, shardCount));

  return {
    down: (index) => shards.forEach((shard, each) => (index ?? each) === each && isUp(shard, false)),
    resumed(index) {
      const shard = shards.get(index);
      if (shard !== undefined) isUp(shard, true);
    },
    began(session) {
      if (session.count !== shardCount) {
        // Discord advised another division when the connection was made anew.
        for (const { running } of shards.values()) running?.over.abort();
        shards.clear();
        shardCount = session.count;
      }
      const shard = known(session.shard);
      shard.running?.over.abort();
      const over = new AbortController();
      const signal = AbortSignal.any([stopping, over.signal]);
      const running = { ...begin(shard, session, signal, options), over };
      shard.running = running;
      isUp(shard, true);
      const end = running.whole.then((isWhole) => {
        ending.delete(end);
        if (!isWhole || shard.running !== running) return;
        shard.running = null;
        update(shard);
      });
      ending.add(end);
    },
    follow({ id, guildId }) {
      const bookmark = of(guildId)?.bookmark;
      bookmark?.begin(id);
      return () => bookmark?.end(id);
    },
    async turn(channelId, guildId) {
      const shard = of(guildId);
      await turnIn(shard, channelId);
      return !(stopping.aborted && shard?.running?.isPending(channelId) === true);
    },
    async settle() {
      await Promise.all(ending);
      await Promise.all([...shards.values()].map(({ bookmark }) => bookmark.close()));
    },
  };
}

async function turnIn(shard: Shard | undefined, channelId: string): Promise<void> {
  await shard?.revival.passed();
  const running = (): Shard['running'] => shard?.running ?? null;
  let waitedFor: Shard['running'] = null;
  // The session may be lost meanwhile, and all be read anew.
  for (let now = running(); now !== null && now !== waitedFor; now = running()) {
    waitedFor = now;
    await now.passed(channelId);
  }
}

/** Reads what was missed since the bookmark in the places where the bot was asked lately. */
function begin(
  { bookmark }: Shard,
  session: ShardSession,
  signal: AbortSignal,
  options: ShardsOptions,
): CatchUp {
  const { history } = session;
  const { memory, today } = options;
  const reading = createReading(bookmark);
  const list = async (): Promise<readonly string[]> => {
    // Only a bound of how much is read, so that it may be told by a clock that is not Discord's.
    const sinceMs = today() - LONGEST_ABSENCE_MS;
    await reading.begin(snowflakeAt(sinceMs));
    const places = await memory.activePlaces('discord', sinceMs);
    return reading.inOrder(channelsOf(places, options.botId, session));
  };
  const effort = {
    eventId: 'missed',
    deadlineMs: Infinity,
    signal,
    comesAgain: true,
    mostFailures: Infinity,
  };
  const listed = handOver(list, effort, options.handingOver);
  return catchUp({
    ...options,
    channels: listed.then((handed) => (handed.kind === 'taken' ? handed.value : null)),
    read: (channelId) => history.after(channelId, reading.since(channelId), signal),
    onChannelPassed: (channelId, newest) => reading.passed(channelId, newest),
    meet: (message) => history.meet(message, signal),
    hand: (message) => options.hand(message, signal),
    onPassed: ({ id }) => bookmark.seen(id),
    signal,
    random: options.handingOver.random,
  });
}

/** From where each channel is read on, over the lives of processes that end before all are read. */
function createReading(bookmark: Bookmark) {
  let least = 0n;
  let ahead: Progress['channels'] = new Map();
  /** The newest message of all, as each channel was about to be read. */
  const newestBefore = new Map<string, bigint | null>();
  const markOf = (channelId: string): bigint => ahead.get(channelId) ?? 0n;

  const sinceOf = (channelId: string): bigint => max(least, snowflakeBefore(markOf(channelId), REREAD_MS));
  return {
    async begin(atLeast: bigint): Promise<void> {
      const { position, channels } = await bookmark.read();
      least = max(atLeast, position === null ? 0n : snowflakeBefore(position, OVERLAP_MS));
      ahead = new Map(channels);
    },
    /** Those that were not read so far, then those whose reading is longest ago. */
    inOrder: (channels: readonly string[]): readonly string[] =>
      channels.toSorted((one, other) => Number(markOf(one) - markOf(other))),
    since(channelId: string): bigint {
      newestBefore.set(channelId, bookmark.newest());
      return sinceOf(channelId);
    },
    passed(channelId: string, newest: bigint | null): void {
      const before = newestBefore.get(channelId) ?? null;
      const told = before === null ? 0n : snowflakeBefore(before, OVERLAP_MS);
      bookmark.passed(channelId, max(max(newest ?? 0n, told), sinceOf(channelId)));
    },
  };
}

const max = (one: bigint, other: bigint): bigint => (one > other ? one : other);

const LONGEST_ABSENCE_MS = 7 * 86_400_000;
/** Discord's servers may tell in another order than that of the ids. */
const OVERLAP_MS = 60_000;
/** A channel's own messages are in order, but for those that were made at the same time. */
const REREAD_MS = 5000;

/** The channels of this bot that the shard is told of. */
function channelsOf(
  places: readonly ActivePlace[],
  botId: string,
  { shard, count }: ShardSession,
): readonly string[] {
  return places.flatMap(({ place, guild }) => {
    const [platform, bot, channelId] = place.split(':');
    const guildId = guild === null ? null : (guild.split(':')[1] ?? null);
    const isOwn = platform === 'discord' && bot === botId && shardOf(guildId, count) === shard;
    return isOwn && channelId !== undefined ? [channelId] : [];
  });
}
