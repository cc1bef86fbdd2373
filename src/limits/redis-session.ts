import Bottleneck from 'bottleneck';
import { Redis, type RedisOptions } from 'ioredis';

/** One connection's life. A broken one is never mended: what Bottleneck keeps beside it would be half of something. */
export interface RedisSession {
  readonly client: Redis;
  readonly connection: Bottleneck.IORedisConnection;
  /** Nothing is asked any more, and nothing is answered. */
  close(): void;
}

/** Whoever waits for a command hears of a lost connection at once, and nothing is sent twice. */
const OPTIONS: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  connectTimeout: 2000,
  lazyConnect: true,
};

/**
 * From Redis 7 on, errors of scripts begin with `ERR`, and Bottleneck no longer knows the two that it mends by itself: its
 * keys are gone, or another life of this client was cleared away. What can't be unsubscribed from is gone with its
 * connection; Bottleneck would leave that rejection to nobody.
 */
class HealingRedis extends Redis {
  override sendCommand(...[command, stream]: Parameters<Redis['sendCommand']>): unknown {
    const { reject } = command;
    command.reject = (error: Error) => {
      if (command.name === 'unsubscribe') return command.resolve(0);
      if (typeof error.message === 'string') error.message = error.message.replace(MENDED, '$1');
      reject(error);
    };
    return super.sendCommand(command, stream);
  }

  override duplicate(options: RedisOptions = {}): Redis {
    const copy = new HealingRedis({ ...this.options, ...options });
    copy.connect().catch(ignoreTold);
    return copy;
  }
}

const MENDED = /^ERR (SETTINGS_KEY_NOT_FOUND|UNKNOWN_CLIENT)$/u;

/** Whoever looks after the session hears of it by the client's own events, or by a command that fails. */
function ignoreTold(): void {}

/** Rejects where no connection comes about. `onEnd` is called once, when it is lost. */
export async function openSession(url: string, onEnd: () => void): Promise<RedisSession> {
  const client = new HealingRedis(url, OPTIONS);
  client.on('error', ignoreTold);
  try {
    await client.connect();
  } catch (error) {
    client.disconnect();
    throw error;
  }
  // Named although the client is given: else Bottleneck looks for the package at run time, which a bundle has not.
  const options = { client, Redis: HealingRedis };
  const connection = new Bottleneck.IORedisConnection(options);
  connection.on('error', ignoreTold);
  const { subscriber } = connection as unknown as { readonly subscriber: Redis };
  for (const one of [client, subscriber]) one.once('end', onEnd);
  return { client, connection, close: () => void connection.disconnect(false) };
}
