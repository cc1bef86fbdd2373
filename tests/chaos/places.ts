import type { SimChannel } from '../simulators/discord/channel-handle.ts';
import type { SimChat } from '../simulators/telegram/handles.ts';
import type { BotMessage, Question } from './evidence.ts';
import type { Random } from './random.ts';
import { stops, type Stage } from './stage.ts';

/** Where people talk to the bot. */
export interface Place {
  readonly key: string;
  readonly platform: Question['platform'];
  /** What kind of place it is, in words. */
  readonly where: string;
  /** `alone`: what is said there is one conversation; `shared`: the bot is named, or its answer replied to. */
  readonly manner: 'alone' | 'shared' | 'command';
  /** Between two questions, so that the platform's own limits for the place are kept, in milliseconds. */
  readonly restMs: number;
  /** The Discord guild that it belongs to; null elsewhere. */
  readonly guildId: string | null;
  /** Says it; returns the id of the event. */
  say(text: string, random: Random): string;
  messages(): readonly BotMessage[];
  /** The ids of messages that bear the mark of waiting. */
  marked(): readonly string[];
}

type View = Pick<Place, 'messages' | 'marked'>;

/** How many places of each kind there are. */
export interface Size {
  readonly privateChats: number;
  readonly groups: number;
  readonly directMessages: number;
  readonly channels: number;
  readonly threads: number;
}

/** Private chats and groups on Telegram. */
export function telegramPlaces({ telegram }: Stage, size: Size): Place[] {
  const view = (chat: SimChat): View => ({
    messages: () =>
      chat
        .messages()
        .filter(({ from, text }) => from.isBot && text !== '')
        .map(({ id, text, replyMarkup, atMs, editedAtMs }) => ({
          place: `telegram:${chat.id}`,
          id: String(id),
          text,
          hasStopButton: stops(replyMarkup),
          isLoading: false,
          createdAtMs: atMs,
          changedAtMs: editedAtMs ?? atMs,
        })),
    marked: () =>
      chat
        .messages()
        .filter(({ reactions }) => reactions.length > 0)
        .map(({ id }) => String(id)),
  });
  const alone = Array.from({ length: size.privateChats }, (): Place => {
    const user = telegram.user();
    const chat = user.privateChat();
    return {
      key: `telegram:${chat.id}`,
      platform: 'telegram',
      where: 'private chat',
      manner: 'alone',
      restMs: 4000,
      guildId: null,
      say: (text) => String(chat.send(user, text)),
      ...view(chat),
    };
  });
  const shared = Array.from({ length: size.groups }, (): Place => {
    const members = [telegram.user(), telegram.user(), telegram.user()];
    const chat = telegram.group({ members });
    return {
      key: `telegram:${chat.id}`,
      platform: 'telegram',
      where: 'group',
      manner: 'shared',
      restMs: 20_000,
      guildId: null,
      say(text, random) {
        const last = view(chat).messages().at(-1);
        const replies = last !== undefined && random.chance(0.4);
        const options = replies ? { replyTo: Number(last.id) } : {};
        const line = replies ? text : `@${telegram.bot.username ?? ''} ${text}`;
        return String(chat.send(random.pick(members), line, options));
      },
      ...view(chat),
    };
  });
  return [...alone, ...shared];
}

/** Direct messages, and one guild with channels for commands and mentions, and threads. */
export function discordPlaces({ discord }: Stage, size: Size): Place[] {
  const { bot } = discord;
  const view = (channel: SimChannel): View => ({
    messages: () =>
      channel
        .messages()
        .filter(({ author }) => author.id === bot.id)
        .map(({ id, content, components, isLoading, atMs, editedAtMs }) => ({
          place: `discord:${channel.id}`,
          id,
          text: content,
          hasStopButton: stops(components),
          isLoading,
          createdAtMs: atMs,
          changedAtMs: editedAtMs ?? atMs,
        })),
    marked: () =>
      channel
        .messages()
        .filter(({ reactions }) => Object.keys(reactions).length > 0)
        .map(({ id }) => id),
  });
  const at = (
    channel: SimChannel,
    rest: Pick<Place, 'where' | 'manner' | 'say' | 'restMs' | 'guildId'>,
  ): Place => ({
    key: `discord:${channel.id}`,
    platform: 'discord',
    ...view(channel),
    ...rest,
  });
  const members = Array.from({ length: 12 }, () => discord.user());
  const guild = discord.guild({ members });
  const alone = Array.from({ length: size.directMessages }, () => {
    const user = discord.user();
    const channel = user.dm();
    return at(channel, {
      where: 'direct messages',
      manner: 'alone',
      restMs: 3000,
      guildId: null,
      say: (text) => channel.send(user, text),
    });
  });
  const channels = Array.from({ length: size.channels }, (_, index) => {
    const channel = guild.addChannel(`channel-${index}`);
    if (index % 2 === 0) {
      return at(channel, {
        where: 'channel, by command',
        manner: 'command',
        restMs: 3000,
        guildId: guild.id,
        say(text, random) {
          const invoked = channel.slash(random.pick(members), 'ask', { question: text });
          // Whether it was answered is read from the channel at the end.
          invoked.answer.catch(() => undefined);
          return invoked.id;
        },
      });
    }
    return at(channel, {
      where: 'channel',
      manner: 'shared',
      restMs: 6000,
      guildId: guild.id,
      say(text, random) {
        const last = view(channel).messages().at(-1);
        const replies = last !== undefined && random.chance(0.4);
        const options = replies ? { replyTo: last.id } : { mentions: [bot] };
        return channel.send(random.pick(members), text, options);
      },
    });
  });
  const threads = Array.from({ length: size.threads }, (_, index) => {
    const opener = members[index % members.length]!;
    const thread = guild.addChannel(`with-thread-${index}`).startThread(opener, `thread ${index}`);
    return at(thread, {
      where: 'thread',
      manner: 'alone',
      restMs: 3000,
      guildId: guild.id,
      say: (text) => thread.send(opener, text, { mentions: [bot] }),
    });
  });
  return [...alone, ...channels, ...threads];
}
