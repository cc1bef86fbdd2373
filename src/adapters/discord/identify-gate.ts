import type { APIGatewaySessionStartLimit } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import type { Logger } from '../../platform/logger.ts';

/**
 * Lets sessions begin no faster than Discord allows. A bot has 1000 beginnings in 24 hours; with one
 * more its token is reset (events/gateway "Rate Limiting").
 */
export interface IdentifyGate {
  /** Resolves when the shard may identify; rejects when the signal fires before. */
  pass(
    shardId: number,
    limit: () => Promise<APIGatewaySessionStartLimit>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Somebody has to wait so that the day's beginnings suffice. */
  isHolding(): boolean;
}

export interface IdentifyGateOptions {
  /** Between two beginnings of shards that share a turn; Discord asks for 5000. */
  readonly identifyIntervalMs: number;
  /** Nobody will ask any more. */
  readonly closed?: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One gate for all clients that follow each other: the limits are the bot's, not a client's. */
export function createIdentifyGate(options: IdentifyGateOptions): IdentifyGate {
  const { identifyIntervalMs, clock, logger } = options;
  /** The last in line of each group of shards that may not begin together. */
  const lines = new Map<number, Promise<void>>();
  let holding = 0;

  const hold = async (limit: APIGatewaySessionStartLimit | null, signal: AbortSignal): Promise<void> => {
    const restMs = limit === null ? 0 : restBeforeIdentifyMs(limit);
    if (restMs === 0) return;
    logger.warn(
      { remaining: limit?.remaining, restMs },
      'few session starts are left today: waiting before the next',
    );
    holding += 1;
    await clock.sleep(restMs, signal);
    holding -= 1;
  };

  return {
    isHolding: () => holding > 0,
    async pass(shardId, readLimit, signal) {
      const limit = await readLimit().catch(() => null);
      const group = shardId % (limit?.max_concurrency ?? 1);
      const turn = (lines.get(group) ?? Promise.resolve()).then(() => hold(limit, signal));
      lines.set(
        group,
        turn.then(() => clock.sleep(identifyIntervalMs, options.closed)),
      );
      await turn;
      signal.throwIfAborted();
    },
  };
}

/**
 * Free until half of the day's beginnings are used; what is left is then spread over the rest of the
 * day. So neither a flapping gateway nor a process that crashes again and again uses them up.
 */
export function restBeforeIdentifyMs(limit: APIGatewaySessionStartLimit): number {
  const { total, remaining, reset_after: resetAfterMs } = limit;
  return remaining >= total / 2 ? 0 : Math.ceil(resetAfterMs / Math.max(1, remaining));
}
