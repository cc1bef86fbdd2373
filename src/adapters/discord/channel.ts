import { Routes, type REST } from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import { isArchived, type Outcome } from './failure.ts';
import { channelLane, readLane, threadLane } from './lane.ts';
import type { messageBody, PostedMessage } from './post.ts';
import type { Manner, Sender } from './sender.ts';

/** The way to a reply's messages as the bot itself, in a channel, thread or direct message. */
export interface Channel {
  create(channelId: string, body: object, manner: Manner): Promise<Outcome<PostedMessage>>;
  /** A final edit opens an archived thread first, once. */
  edit(
    channelId: string,
    messageId: string,
    body: ReturnType<typeof messageBody>,
    manner: Manner,
  ): Promise<Outcome<unknown>>;
  remove(channelId: string, messageId: string, manner: Manner): Promise<Outcome<unknown>>;
  /** The first of the bot's own messages after another one, if any, that replies to `repliesTo`, or to nothing when that is null. */
  find(
    channelId: string,
    afterId: string,
    repliesTo: string | null,
    manner: Manner,
  ): Promise<Outcome<PostedMessage | null>>;
}

export interface ChannelOptions {
  readonly rest: REST;
  readonly sender: Sender;
  /** The bot's account; null until Discord has told it. */
  readonly bot: { readonly id: string | null };
  readonly clock: Clock;
}

export function createChannel({ rest, sender, bot, clock }: ChannelOptions): Channel {
  return {
    create: (channelId, body, manner) =>
      sender.call(
        channelLane(channelId),
        manner,
        async () => (await rest.post(Routes.channelMessages(channelId), { body })) as PostedMessage,
      ),
    async edit(channelId, messageId, body, manner) {
      const once = () =>
        sender.call(channelLane(channelId), manner, () =>
          rest.patch(Routes.channelMessage(channelId, messageId), { body }),
        );
      const outcome = await once();
      if (outcome.ok || manner.urgency === 'once' || !isArchived(outcome.failure)) return outcome;
      const opened = await sender.call(threadLane(channelId), manner, () =>
        rest.patch(Routes.channel(channelId), { body: { archived: false } }),
      );
      return opened.ok ? await once() : opened;
    },
    remove: (channelId, messageId, manner) =>
      sender.call(channelLane(channelId), manner, () =>
        rest.delete(Routes.channelMessage(channelId, messageId)),
      ),
    async find(channelId, afterId, repliesTo, manner) {
      if (!(await isKnown(bot, clock, manner.signal))) return notYet;
      const query = new URLSearchParams({ after: afterId, limit: String(MOST_LOOKED_AT) });
      const outcome = await sender.call(readLane(channelId), { ...manner, takesPlace: true }, () =>
        rest.get(Routes.channelMessages(channelId), { query }),
      );
      if (!outcome.ok) return outcome;
      const newestFirst = outcome.value as readonly PostedMessage[];
      const found = newestFirst.findLast(
        ({ author, message_reference: reference }) =>
          author.id === bot.id && (reference?.message_id ?? null) === repliesTo,
      );
      return { ok: true, value: found ?? null };
    },
  };
}

/** Work of an earlier process may be taken up a little before Discord has told who the bot is. */
async function isKnown(bot: ChannelOptions['bot'], clock: Clock, signal?: AbortSignal): Promise<boolean> {
  const giveUpAtMs = clock.now() + LONGEST_INTRODUCTION_MS;
  while (bot.id === null && clock.now() < giveUpAtMs && signal?.aborted !== true)
    await clock.sleep(INTRODUCTION_GLANCE_MS, signal);
  return bot.id !== null;
}

const LONGEST_INTRODUCTION_MS = 10_000;
const INTRODUCTION_GLANCE_MS = 50;
const MOST_LOOKED_AT = 50;
const notYet: Outcome<never> = {
  ok: false,
  failure: { kind: 'late', retryAfterMs: 1000, reason: 'the bot is not known yet' },
};
