import type { Message } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import { backoffMs, type RetryPace } from '../../intake/back-off.ts';
import type { Logger } from '../../platform/logger.ts';
import { describe, isTokenRefused, isTransient, toFailure, type Failure, type Outcome } from './failure.ts';
import { createGate, type Gate, type GateOptions } from './gate.ts';
import type { Missed } from './history.ts';

/** The reading of what was said while nobody listened. */
export interface CatchUp {
  /**
   * Resolves when what was missed in the channel is handed over, so that what was said later may follow, or after a
   * while. The channel is read before others from now on.
   */
  passed(channelId: string): Promise<void>;
  /** Whether something may be missing in the channel that is not handed over. */
  isPending(channelId: string): boolean;
  /** Whether all of it was handed over, before the signal fired. Never rejects. */
  readonly whole: Promise<boolean>;
}

export interface CatchUpPace extends RetryPace {
  /** Between two writings of a bookmark. */
  readonly writeMs: number;
  /** Between the beginnings of two calls that read. */
  readonly gapMs: number;
  /** How many channels are read at a time. */
  readonly channels: number;
  /** How long what is said in a channel waits for what was missed there. */
  readonly holdMs: number;
}

export const DEFAULT_CATCH_UP_PACE: CatchUpPace = {
  writeMs: 2000,
  gapMs: 60,
  channels: 4,
  holdMs: 60_000,
  retryMs: 500,
  longestRetryMs: 30_000,
};

export interface CatchUpOptions {
  /** The channels in which something may be missing, those first that matter most; null when the signal fired. */
  readonly channels: Promise<readonly string[] | null>;
  readonly read: (channelId: string) => Promise<Outcome<Missed>>;
  /** Learns more of a message's author. */
  readonly meet: (message: Message) => Promise<Outcome<unknown>>;
  /** Whether a message is of any concern. */
  readonly concerns: (message: Message) => boolean;
  /** Resolves with whether it is handed over, or given up. */
  readonly hand: (message: Message) => Promise<boolean>;
  /** Told of every channel that was read, or can't be, with the newest message in it, if that was missed. */
  readonly onChannelPassed: (channelId: string, newest: bigint | null) => void;
  /** Told of every message that was read, once it is handed over or of no concern. */
  readonly onPassed: (message: Message) => void;
  readonly pace: CatchUpPace;
  readonly signal: AbortSignal;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Begins at once. */
export function catchUp(options: CatchUpOptions): CatchUp {
  const { pace, clock, signal, logger, random } = options;
  const ahead = createAhead({ holdMs: pace.holdMs, signal, clock });
  const count = { messages: 0 };
  const readAll = createReader(options, () => (count.messages += 1));

  const work = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      const channelId = ahead.take();
      if (channelId === undefined) {
        if (await ahead.restingIsOver()) continue;
        return;
      }
      const end = await readAll(channelId);
      failures = end.kind === 'failing' ? failures + 1 : 0;
      if (end.kind === 'passed') {
        options.onChannelPassed(channelId, end.newest);
        ahead.pass(channelId);
      } else ahead.putBack(channelId, end.kind === 'later' ? end.afterMs : 0);
      if (failures > 0) await clock.sleep(backoffMs(failures, pace, random), signal);
    }
  };

  const run = async (): Promise<boolean> => {
    const channels = await options.channels;
    ahead.list(channels);
    if (channels === null) return false;
    await Promise.all(Array.from({ length: pace.channels }, work));
    if (count.messages > 0) logger.info(count, 'Discord: handed over what was missed');
    return !signal.aborted;
  };
  return {
    passed: (channelId) => ahead.passed(channelId),
    isPending: (channelId) => ahead.isPending(channelId),
    whole: run(),
  };
}

/** What became of a try to read a channel. */
type End =
  | { readonly kind: 'passed'; readonly newest: bigint | null }
  /** Discord fails, which is seldom about one channel. */
  | { readonly kind: 'failing' }
  /** This channel can't be read before so many milliseconds. */
  | { readonly kind: 'later'; readonly afterMs: number };

/** Hands over what was missed in a channel. Never rejects. */
function createReader(options: CatchUpOptions, onHanded: () => void) {
  const { logger, pace } = options;

  /** Null where no later try would help: the channel is gone or closed to the bot, or something is wrong with us. */
  const endOf = (failure: Failure): End | null => {
    const reason = describe(failure);
    const isLater = isTransient(failure) || isTokenRefused(failure) || failure.kind === 'late';
    const level = failure.kind === 'ours' ? 'error' : 'debug';
    logger[level](
      { reason },
      isLater ? 'what was missed can not be read yet' : 'what was missed is not read',
    );
    if (failure.kind === 'late')
      return { kind: 'later', afterMs: failure.retryAfterMs || pace.longestRetryMs };
    return isLater ? { kind: 'failing' } : null;
  };

  const pass = async (message: Message): Promise<End | null> => {
    try {
      if (!options.concerns(message)) return null;
      const met = await options.meet(message);
      const end = met.ok ? null : endOf(met.failure);
      if (end !== null) return end;
      if (!(await options.hand(message))) return { kind: 'failing' };
      onHanded();
    } catch (error) {
      logger.error({ reason: describe(toFailure(error)) }, 'event not understood');
    }
    return null;
  };

  return async (channelId: string): Promise<End> => {
    const missed = await options.read(channelId);
    if (!missed.ok) return endOf(missed.failure) ?? { kind: 'passed', newest: null };
    if (missed.value.isCut) logger.info({ channel: channelId }, 'more was missed in a channel than is read');
    for (const message of missed.value.messages) {
      const end = await pass(message);
      if (end !== null) return end;
      options.onPassed(message);
    }
    const newest = missed.value.messages.at(-1);
    return { kind: 'passed', newest: newest === undefined ? null : BigInt(newest.id) };
  };
}

/** The channels that are yet to be read. */
function createAhead(options: GateOptions) {
  const { signal, clock } = options;
  const listed = createGate(options);
  /** Those in hand as well. */
  const gates = new Map<string, Gate>();
  const line = new Set<string>();
  const urgent = new Set<string>();
  const resting = new Set<Promise<void>>();
  let isListed = false;
  return {
    /** Null where nobody will tell which. */
    list(channels: readonly string[] | null): void {
      for (const id of channels ?? []) {
        gates.set(id, createGate(options));
        line.add(id);
      }
      isListed = channels !== null;
      listed.open();
    },
    take(): string | undefined {
      const [id] = urgent.size > 0 ? urgent : line;
      if (id !== undefined) {
        urgent.delete(id);
        line.delete(id);
      }
      return id;
    },
    putBack(id: string, afterMs: number): void {
      if (afterMs === 0) return void line.add(id);
      const rest = clock.sleep(afterMs, signal).then(() => {
        resting.delete(rest);
        line.add(id);
      });
      resting.add(rest);
    },
    /** Resolves with true when a channel that rested is in the line again; with false at once where none rests. */
    async restingIsOver(): Promise<boolean> {
      if (resting.size === 0) return false;
      await Promise.race(resting);
      return true;
    },
    isPending: (id: string): boolean => !isListed || gates.has(id),
    pass(id: string): void {
      gates.get(id)?.open();
      gates.delete(id);
    },
    async passed(id: string): Promise<void> {
      await listed.passed();
      if (line.has(id)) urgent.add(id);
      await gates.get(id)?.passed();
    },
  };
}
