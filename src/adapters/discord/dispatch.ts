import type { Interaction, Message, REST } from 'discord.js';
import type { Chores } from '../../delivery/chores.ts';
import type { Clock } from '../../delivery/clock.ts';
import { pickLocale, translate } from '../../i18n/translate.ts';
import type { Handlers } from '../../platform/adapter.ts';
import type { IncomingMessage } from '../../platform/message.ts';
import type { Logger } from '../../platform/logger.ts';
import { addressAt } from './address.ts';
import type { GatewayListener } from './client.ts';
import { decodeMessage, type DecodeContext } from './decode.ts';
import { describe, toFailure } from './failure.ts';
import type { Intake } from './intake.ts';
import { createRecent } from './recent.ts';
import { say, type ReplyContext } from './reply.ts';
import { createThreadOwners } from './thread-owner.ts';

export interface DispatchOptions {
  readonly context: DecodeContext;
  readonly handlers: Handlers;
  readonly intake: Intake;
  readonly takeInteraction: (interaction: Interaction) => void;
  readonly rest: REST;
  readonly replies: ReplyContext;
  readonly chores: Chores;
  /** A stopped adapter takes no event, also where the gateway still tells one. */
  readonly stopped: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Takes what the gateway tells to the core. Nothing here throws or makes the gateway wait. */
export function createDispatch(options: DispatchOptions): GatewayListener {
  const { context, handlers, intake, logger } = options;
  const hintedThreads = createRecent<true>();
  const owners = createThreadOwners(options.rest, logger);
  const tellStoreAway = createNotices(options);

  const hand = async (message: IncomingMessage): Promise<void> => {
    // The store keeps the hint to one for ever; this spares it the further messages.
    const isHint = message.isTextWithheld && message.addressing.inOwnThread;
    if (isHint && hintedThreads.has(message.place)) return;
    await handlers.onMessage(message);
    if (isHint) hintedThreads.set(message.place, true);
  };

  const onMessage = (message: Message): void => {
    const { channel, channelId } = message;
    const owner = channel.isThread() ? owners.known(channel) : null;
    const asUsual = decodeMessage(message, context, owner ?? null);
    // Who wrote and whom they named is known now only, so both cases are read before the owner is asked for.
    const inOwnThread = owner === undefined ? decodeMessage(message, context, context.bot.id) : asUsual;
    if (inOwnThread === null) return;
    const choose = async (): Promise<IncomingMessage | null> => {
      if (owner !== undefined || !channel.isThread()) return asUsual;
      return (await owners.ask(channel)) === context.bot.id ? inOwnThread : asUsual;
    };
    intake.take({
      id: message.id,
      lane: channelId,
      hand: async () => {
        const decoded = await choose();
        if (decoded !== null) await hand(decoded);
      },
      giveUp: () => tellStoreAway(channelId, inOwnThread.addressing.isPrivate),
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

  return { onMessage: guarded(onMessage), onInteraction: guarded(options.takeInteraction) };
}

/** One notice a channel and outage: many messages may be given up in it together. */
function createNotices({ replies, chores, clock }: DispatchOptions) {
  const toldAtMs = createRecent<number>();
  return (channelId: string, isPrivate: boolean): void => {
    const nowMs = clock.now();
    if (nowMs - (toldAtMs.get(channelId) ?? -Infinity) < NOTICE_LASTS_MS) return;
    toldAtMs.set(channelId, nowMs);
    // Who waits here, and in which language, is not known without the store.
    const text = translate(pickLocale(null), { key: 'failure.store_away' });
    chores.add(say(replies, addressAt(channelId, isPrivate), { text }, { isPrivate: false }));
  };
}

const NOTICE_LASTS_MS = 600_000;
