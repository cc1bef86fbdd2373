import { Routes, type REST } from 'discord.js';
import { isArchived, type Outcome } from './failure.ts';
import type { Lane } from './pacing.ts';
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
  readonly bot: { readonly id: string };
}

/** A channel's lane: sends and edits have been seen to share one limit. */
export function laneOf(channelId: string): Lane {
  return { key: `channels/${channelId}`, isGlobal: true };
}

export function createChannel({ rest, sender, bot }: ChannelOptions): Channel {
  return {
    create: (channelId, body, manner) =>
      sender.call(
        laneOf(channelId),
        manner,
        async () => (await rest.post(Routes.channelMessages(channelId), { body })) as PostedMessage,
      ),
    async edit(channelId, messageId, body, manner) {
      const once = () =>
        sender.call(laneOf(channelId), manner, () =>
          rest.patch(Routes.channelMessage(channelId, messageId), { body }),
        );
      const outcome = await once();
      if (outcome.ok || manner.urgency === 'once' || !isArchived(outcome.failure)) return outcome;
      const opened = await sender.call({ key: `threads/${channelId}`, isGlobal: true }, manner, () =>
        rest.patch(Routes.channel(channelId), { body: { archived: false } }),
      );
      return opened.ok ? await once() : opened;
    },
    remove: (channelId, messageId, manner) =>
      sender.call(laneOf(channelId), manner, () => rest.delete(Routes.channelMessage(channelId, messageId))),
    async find(channelId, afterId, repliesTo, manner) {
      // Work of an earlier process may be taken up before Discord has told who the bot is.
      if (bot.id === '') return notYet;
      const query = new URLSearchParams({ after: afterId, limit: String(MOST_LOOKED_AT) });
      const outcome = await sender.call(
        { key: `reads/${channelId}`, isGlobal: true },
        { ...manner, takesPlace: true },
        () => rest.get(Routes.channelMessages(channelId), { query }),
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

const MOST_LOOKED_AT = 50;
const notYet: Outcome<never> = {
  ok: false,
  failure: { kind: 'late', retryAfterMs: 1000, reason: 'the bot is not known yet' },
};
