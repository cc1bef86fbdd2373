import { hostOf } from './fleet.ts';
import type { AskedModel } from './model.ts';
import type { Place } from './places.ts';
import { firstOf } from './patience.ts';
import type { Random } from './random.ts';
import type { SeenCall, Stage } from './stage.ts';
import type { Asked, World } from './world.ts';

/** What there is to bring a process into a window with. */
export interface WindowContext {
  readonly stage: Stage;
  readonly world: World;
  readonly random: Random;
  /** Keeps everybody from the turns until it is called again; null where the database can't be reached from outside. */
  readonly lockTurns: (() => Promise<() => void>) | null;
  /** Questions that an earlier kill interrupted. */
  readonly isInterrupted: (question: number) => boolean;
}

export function anyIdle(
  { world, random }: WindowContext,
  platform?: Place['platform'],
  manners: readonly Place['manner'][] = ['alone', 'shared', 'command'],
): Place | null {
  const idle = world
    .idle('windows')
    .filter((place) => manners.includes(place.manner) && (platform ?? place.platform) === place.platform);
  const preferred = platform ?? random.pick(['telegram', 'discord'] as const);
  const wanted = idle.filter((place) => place.platform === preferred);
  if (wanted.length > 0) return random.pick(wanted);
  return idle.length > 0 ? random.pick(idle) : null;
}

function seen(stage: Stage, is: (call: SeenCall) => boolean, found: (call: SeenCall) => void): () => void {
  return stage.watch((call) => {
    if (is(call)) found(call);
    return undefined;
  });
}

export function askedFor(
  stage: Stage,
  is: (question: number) => boolean,
  timeoutMs: number,
): Promise<AskedModel | null> {
  return firstOf<AskedModel>(
    (found) =>
      stage.onAsked((asked) => {
        if (is(asked.number)) found(asked);
      }),
    timeoutMs,
  );
}

/** Resolves with the first call that has shown something of a question's answer; null when that took too long. */
export function shownFor(
  stage: Stage,
  { number }: Pick<Asked, 'number'>,
  timeoutMs: number,
): Promise<SeenCall | null> {
  return firstOf<SeenCall>(
    (found) => seen(stage, (call) => call.when === 'after' && call.question === number, found),
    timeoutMs,
  );
}

/** Parks the first call of this kind, and all others of it that follow, until it is released; they are broken off then. */
export function hold(stage: Stage, is: (call: SeenCall) => boolean) {
  const { promise: released, resolve } = Promise.withResolvers<'drop'>();
  let tell: (call: SeenCall) => void = () => undefined;
  const end = stage.watch((call) => {
    if (!is(call)) return undefined;
    tell(call);
    return released;
  });
  const release = (): void => {
    end();
    resolve('drop');
  };
  return {
    release,
    held: async (timeoutMs: number): Promise<SeenCall | null> => {
      const call = await firstOf<SeenCall>((found) => {
        tell = found;
        return () => undefined;
      }, timeoutMs);
      if (call === null) release();
      return call;
    },
  };
}

/** A poll whose offset says that the question's update is taken, or the answer that says so. */
export function confirms({ kind, when, params, result }: SeenCall, stage: Stage, question: Asked): boolean {
  if (kind === 'update' && when === 'after') return holds(result, question);
  const { eventId, place } = question;
  if (kind !== 'poll' || when !== 'before') return false;
  const update = stage.telegram
    .unconfirmed()
    .find(
      ({ message }) => String(message?.message_id) === eventId && `telegram:${message?.chat.id}` === place,
    );
  return update !== undefined && Number(params['offset']) > update.update_id;
}

/** Whether the question's message is among these updates. */
function holds(updates: unknown, { eventId, place }: Asked): boolean {
  if (!Array.isArray(updates)) return false;
  return updates.some(
    ({ message }: { message?: { message_id: number; chat: { id: number } } }) =>
      String(message?.message_id) === eventId && `telegram:${message?.chat.id}` === place,
  );
}

/** Which of so many shards hears what is said there (topics/gateway "Sharding"). */
function shardOf({ guildId }: Place, count: number): number {
  return guildId === null ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(count));
}

/** Resolves with the name of whom the question was handed to, once it was; null when that took too long. */
export function handedOut(stage: Stage, place: Place): (question: Asked) => Promise<string | null> {
  return async (question) => {
    if (place.platform === 'discord') {
      const session = stage.discord.gateway
        .sessions()
        .find(({ connected, shard: [index, count] }) => connected && index === shardOf(place, count));
      return session === undefined ? null : hostOf(session.shard[0]);
    }
    const poll = await firstOf<SeenCall>(
      (found) =>
        seen(
          stage,
          ({ kind, when, result }) =>
            ((kind === 'poll' && when === 'after') || (kind === 'update' && when === 'before')) &&
            holds(result, question),
          found,
        ),
      5000,
    );
    return poll?.host ?? null;
  };
}
