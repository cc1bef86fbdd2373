import type { Interaction, Message, REST } from 'discord.js';
import type { Chores } from '../../delivery/chores.ts';
import type { Clock } from '../../delivery/clock.ts';
import { pickLocale, translate } from '../../i18n/translate.ts';
import { createOutageNotices } from '../../intake/outage-notices.ts';
import type { Handlers, Said, Taken } from '../../platform/adapter.ts';
import type { IncomingMessage, ReplyTarget } from '../../platform/message.ts';
import { messageId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import { createRecent } from '../../platform/recent.ts';
import { addressAt, type Address } from './address.ts';
import type { Began, GatewayListener } from './client.ts';
import { decodeEdit, decodeMessage, type DecodeContext } from './decode.ts';
import type { Entitlements } from './entitlements.ts';
import { describe, toFailure } from './failure.ts';
import type { Intake } from './intake.ts';
import type { Deletion, Edit } from './message-events.ts';
import { say, type ReplyContext } from './reply.ts';
import type { Shards, ShardsOptions } from './shards.ts';
import { createThreadOwners, type ThreadOwners } from './thread-owner.ts';

export interface DispatchOptions extends SpeechOptions {
  readonly intake: Intake;
  /** Makes what follows how far each shard has come. */
  readonly openShards: (missed: Pick<ShardsOptions, 'concerns' | 'hand'>) => Shards;
  /** Begins to read what a session was not told. */
  readonly historyOf: (began: Began) => Parameters<Shards['began']>[0];
  readonly takeInteraction: (interaction: Interaction) => void;
  readonly entitlements: Entitlements;
  readonly replies: ReplyContext;
  readonly addressOf: (target: ReplyTarget) => Address;
  readonly chores: Chores;
  /** A stopped adapter takes no event, also where the gateway still tells one. */
  readonly stopped: AbortSignal;
  readonly clock: Clock;
}

export interface Dispatch {
  readonly listener: GatewayListener;
  readonly shards: Shards;
}

/** Takes what the gateway tells to the core. Nothing here throws or makes the gateway wait. */
export function createDispatch(options: DispatchOptions): Dispatch {
  const { intake, logger, entitlements } = options;
  const owners = createThreadOwners(options.rest, logger);
  const tellAuthor = (message: IncomingMessage, said: Said | Taken): void => {
    if (typeof said !== 'object' || said.text === '') return;
    const address = options.addressOf(message.replyTarget);
    options.chores.add(say(options.replies, address, said, { isPrivate: false }));
  };
  const speechOf = createSpeech(options, owners, tellAuthor);
  const tell = createNotices(options);
  const shards = options.openShards({
    concerns: (message) => speechOf(message) !== null,
    async hand(message, signal) {
      const speech = speechOf(message);
      return speech === null || (await intake.hand({ id: message.id, hand: speech.hand }, signal));
    },
  });

  const onMessage = (message: Message): void => {
    const { id, channelId, guildId } = message;
    const speech = speechOf(message);
    const ended = shards.follow(message);
    if (speech === null) return ended();
    intake.take({
      id,
      lane: channelId,
      async hand() {
        if (!(await shards.turn(channelId, guildId))) return false;
        await speech.hand();
        return true;
      },
      onWait: () => tell(channelId, speech.isPrivate, 'failure.store_waits'),
      giveUp: () => tell(channelId, speech.isPrivate, 'failure.store_away'),
      ended,
    });
  };

  const guarded =
    <Event>(take: (event: Event) => void): ((event: Event) => void) =>
    (event) => {
      if (options.stopped.aborted) return;
      try {
        take(event);
      } catch (error) {
        logger.error({ reason: describe(toFailure(error)) }, 'event not understood');
      }
    };

  const listener = {
    onMessage: guarded(onMessage),
    onEdit: guarded(createEdits(options, owners, shards, tellAuthor)),
    onDelete: guarded(createDeletions(options, shards)),
    onInteraction: guarded((interaction: Interaction) => {
      entitlements.met(interaction.entitlements);
      options.takeInteraction(interaction);
    }),
    onEntitlement: guarded(({ entitlement, isDeleted }: Parameters<GatewayListener['onEntitlement']>[0]) =>
      entitlements.told(entitlement, isDeleted),
    ),
    onDown: guarded((shard: number | null) => shards.down(shard)),
    onResumed: guarded((shard: number) => shards.resumed(shard)),
    onBegan: guarded((began: Began) => {
      shards.began(options.historyOf(began));
      entitlements.compare();
    }),
  };
  return { listener, shards };
}

interface SpeechOptions {
  readonly context: DecodeContext;
  readonly handlers: Handlers;
  readonly rest: REST;
  readonly logger: Logger;
}

/** What a person has said to the bot, or may have. */
interface Speech {
  readonly isPrivate: boolean;
  /** Hands it over. Rejects with `StoreUnavailable` when nothing is stored. */
  readonly hand: () => Promise<void>;
}

/** Says what there is to say at once, where the message was written. */
type TellAuthor = (message: IncomingMessage, said: Said | Taken) => void;

/** Reads messages; null for what is not meant for the bot. */
function createSpeech({ context, handlers }: SpeechOptions, owners: ThreadOwners, tellAuthor: TellAuthor) {
  const hintedThreads = createRecent<string, true>();

  const hand = async (message: IncomingMessage): Promise<void> => {
    // The store keeps the hint to one for ever; this spares it the further messages.
    const isHint = message.isTextWithheld && message.addressing.inOwnThread;
    if (isHint && hintedThreads.has(message.place)) return;
    tellAuthor(message, await handlers.onMessage(message));
    if (isHint) hintedThreads.set(message.place, true);
  };

  return (message: Message): Speech | null => {
    const { channel } = message;
    const owner = channel.isThread() ? owners.known(channel) : null;
    const asUsual = decodeMessage(message, context, owner ?? null);
    // Who wrote and whom they named is known now only, so both cases are read before the owner is asked for.
    const inOwnThread = owner === undefined ? decodeMessage(message, context, context.bot.id) : asUsual;
    if (inOwnThread === null) return null;
    const choose = async (): Promise<IncomingMessage | null> => {
      if (owner !== undefined || !channel.isThread()) return asUsual;
      return (await owners.ask(channel)) === context.bot.id ? inOwnThread : asUsual;
    };
    return {
      isPrivate: inOwnThread.addressing.isPrivate,
      async hand() {
        const decoded = await choose();
        if (decoded !== null) await hand(decoded);
      },
    };
  };
}

/** Takes changes of messages to the core, behind the messages themselves. */
function createEdits(
  { context, handlers, intake }: DispatchOptions,
  owners: ThreadOwners,
  shards: Shards,
  tellAuthor: TellAuthor,
): (edit: Edit) => void {
  const decode = (message: Message): IncomingMessage | null => {
    const { channel } = message;
    return decodeEdit(message, context, channel.isThread() ? (owners.known(channel) ?? null) : null);
  };

  return ({ id, channelId, guildId, message, read }) => {
    // What is told whole is decoded at once, for who wrote and whom they named is known now only.
    const told = message === null ? null : decode(message);
    if (message !== null && told === null) return;
    intake.take({
      id,
      lane: channelId,
      async hand() {
        await shards.turn(channelId, guildId);
        const found = told === null ? await read() : null;
        const edited = told ?? (found === null ? null : decode(found));
        if (edited !== null) tellAuthor(edited, await handlers.onEdit(edited));
      },
      giveUp: () => undefined,
    });
  };
}

/** Takes deletions to the core, behind the messages themselves. */
function createDeletions(
  { handlers, intake }: DispatchOptions,
  shards: Shards,
): (deletion: Deletion) => void {
  return ({ channelId, guildId, ids }) => {
    const [first] = ids;
    if (first === undefined) return;
    intake.take({
      id: first,
      lane: channelId,
      async hand() {
        await shards.turn(channelId, guildId);
        await handlers.onDelete(ids.map((id) => messageId('discord', channelId, id)));
      },
      giveUp: () => undefined,
    });
  };
}

/** One notice of a kind for a channel and outage: many messages may wait in it, or be given up, together. */
function createNotices({ replies, chores, clock }: DispatchOptions) {
  const once = createOutageNotices(clock);
  return (channelId: string, isPrivate: boolean, key: 'failure.store_waits' | 'failure.store_away'): void =>
    once(`${channelId} ${key}`, () => {
      // Who waits here, and in which language, is not known without the store.
      const text = translate(pickLocale(null), { key });
      chores.add(say(replies, addressAt(channelId, isPrivate), { text }, { isPrivate: false }));
    });
}
