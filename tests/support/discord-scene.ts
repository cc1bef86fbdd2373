import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../src/simulator/openrouter.ts';
import type { SimChannel, SimInvoked } from '../simulators/discord/channel-handle.ts';
import type { OptionValues } from '../simulators/discord/command-options.ts';
import type { GuildOptions } from '../simulators/discord/guilds.ts';
import type { SimGuild, SimUser } from '../simulators/discord/handles.ts';
import type { SendOptions } from '../simulators/discord/people.ts';
import {
  startDiscordSimulator,
  type DiscordSimulator,
  type DiscordSimulatorOptions,
} from '../simulators/discord/server.ts';
import type { SimMessage } from '../simulators/discord/views.ts';
import { QUICK_DISCORD, startBot, type Bot } from './bot.ts';
import { openTestDatabase, type DatabaseKind, type TestDatabase } from './database.ts';
import { createRecords, type Records, type TurnRow } from './records.ts';
import { requestsTo, SETTINGS, type ModelRequest, forgetFreePools } from './scene.ts';
import { until } from './until.ts';

/** The whole bot between a simulated Discord and a simulated OpenRouter, on a database that can be read meanwhile. */
export interface DiscordScene {
  readonly discord: DiscordSimulator;
  readonly openrouter: OpenRouterSimulator;
  readonly database: TestDatabase;
  readonly records: Records;
  readonly bot: () => Bot;
  /** Everything that was logged, line by line. */
  readonly log: readonly string[];
  /** Stops the bot and starts it again, with these settings in place of the former departures. */
  restart(settings?: Record<string, string>): Promise<void>;
  /** A guild of a new person, and its first channel. */
  ownGuild(): { ann: SimUser; guild: SimGuild; channel: SimChannel };
  /** A guild with these people in it, and its first channel. */
  guild(people: readonly SimUser[], options?: GuildOptions): { guild: SimGuild; channel: SimChannel };
  /** Says something to the bot (by mention in a guild) and waits until its turn is over and shown. */
  ask(channel: SimChannel, user: SimUser, text: string, options?: SendOptions): Promise<DiscordAsked>;
  /** Says something to the bot; returns the message's id. */
  send(channel: SimChannel, user: SimUser, text: string, options?: SendOptions): string;
  /** Uses a slash command that asks the model, and waits until its turn is over and shown. */
  askBySlash(channel: SimChannel, user: SimUser, name: string, values: OptionValues): Promise<DiscordAsked>;
  /** Uses a slash command that makes no turn, and waits for what the bot says. */
  slash(channel: SimChannel, user: SimUser, name: string, values?: OptionValues): Promise<SimMessage>;
  /** Waits for the answer to an interaction. */
  answerTo(invoked: SimInvoked): Promise<SimMessage>;
  /** Waits until the turn of a message or an interaction is over and shown. */
  over(channel: SimChannel, eventId: string): Promise<DiscordAsked>;
  turn(channel: SimChannel, eventId: string): Promise<TurnRow | null>;
  /** The bot's messages in a channel that everyone sees, oldest first. */
  said(channel: SimChannel): readonly SimMessage[];
  /** Chat requests that reached the models, oldest first. */
  requests(): readonly ModelRequest[];
  /** Tokens, of the bot and of interactions, that the log gives away. */
  loggedTokens(): readonly string[];
  stop(): Promise<void>;
}

/** What came of a message or a command. */
export interface DiscordAsked {
  readonly eventId: string;
  readonly turn: TurnRow;
  /** The messages of the reply, in order. */
  readonly reply: readonly SimMessage[];
  /** Their texts together. */
  readonly text: string;
}

export interface DiscordSceneOptions {
  readonly discord?: DiscordSimulatorOptions;
  readonly settings?: Record<string, string>;
  /** Of its own, embedded unless told; or one that somebody else closes. */
  readonly database?: DatabaseKind | TestDatabase;
  /** Without it the bot waits as little as it can. */
  readonly discordPace?: typeof QUICK_DISCORD;
}

export async function openDiscordScene(options: DiscordSceneOptions = {}): Promise<DiscordScene> {
  const { database: wanted = 'embedded' } = options;
  const discord = await startDiscordSimulator({ enforceRates: false, ...options.discord });
  const openrouter = await startOpenRouterSimulator({
    freeLimits: { perMinute: 1_000_000, perDay: 1_000_000 },
  });
  const database = typeof wanted === 'string' ? await openTestDatabase(wanted) : wanted;
  const log: string[] = [];
  const start = (settings = options.settings ?? {}): Promise<Bot> =>
    startBot(
      { ...environmentOf(discord, openrouter), ...SETTINGS, ...settings },
      {
        database,
        discordPace: options.discordPace ?? QUICK_DISCORD,
        onLog: (line) => void log.push(line),
      },
    );
  let bot = await start();
  await until(() => discord.commands().length > 0);
  const records = createRecords(database);

  return {
    ...createDeeds(discord, records),
    discord,
    openrouter,
    database,
    records,
    log,
    bot: () => bot,
    async restart(settings) {
      await bot.stop();
      await forgetFreePools(database);
      bot = await start(settings);
    },
    requests: () => requestsTo(openrouter),
    loggedTokens() {
      const used = discord.calls.flatMap(({ params }) => [
        params['interaction_token'] ?? [],
        params['webhook_token'] ?? [],
      ]);
      const whole = log.join('');
      return [...new Set([discord.token, ...used.flat()])].filter((token) => whole.includes(token));
    },
    async stop() {
      await bot.stop();
      await discord.stop();
      await openrouter.stop();
      if (typeof wanted === 'string') await database.close();
    },
  };
}

/** The settings that lead the bot to both simulators. */
function environmentOf(
  discord: Pick<DiscordSimulator, 'token' | 'url'>,
  openrouter: Pick<OpenRouterSimulator, 'url'>,
): Record<string, string> {
  return {
    DISCORD_TOKEN: discord.token,
    DISCORD_API_URL: discord.url,
    OPENROUTER_API_KEY: 'sk-or-v1-simulated',
    OPENROUTER_BASE_URL: openrouter.url,
    FREE_MODEL_RATE_LIMIT_PER_MINUTE: '100000',
  };
}

/** Routes that tests let go wrong, as the API's description names them. */
export const ROUTES = {
  create: 'POST /channels/{channel_id}/messages',
  edit: 'PATCH /channels/{channel_id}/messages/{message_id}',
  callback: 'POST /interactions/{interaction_id}/{interaction_token}/callback',
} as const;

/** A refusal in Discord's own words. */
export const refusal = (status: number, code: number, message: string) =>
  ({ kind: 'error', status, code, message }) as const;

/** An answer that takes a few frames, and what it says as a whole. */
export const STORY = ['Once upon a time there was ', 'a queen ', 'who lived ', 'in a castle ', 'by the sea.'];
export const TALE = STORY.join('');

type Deeds = Omit<
  DiscordScene,
  | 'discord'
  | 'openrouter'
  | 'database'
  | 'records'
  | 'bot'
  | 'log'
  | 'restart'
  | 'requests'
  | 'loggedTokens'
  | 'stop'
>;

function createDeeds(discord: DiscordSimulator, records: Records): Deeds {
  const said = (channel: SimChannel) =>
    channel.messages().filter(({ author }) => author.id === discord.bot.id);
  const turn = (channel: SimChannel, eventId: string) =>
    records.turn(`discord:${discord.bot.id}:${channel.id}:${eventId}`);
  const send: Deeds['send'] = (channel, user, text, options) => {
    const mentions = channel.guildId === undefined || options?.replyTo !== undefined ? [] : [discord.bot];
    return channel.send(user, text, { mentions, ...options });
  };

  const over: Deeds['over'] = async (channel, eventId) => {
    const found = await until(async () => {
      const row = await turn(channel, eventId);
      return row?.isDelivered === true ? row : null;
    });
    // A thread of the answer bears the id of its question.
    const where = found.place.endsWith(`:${eventId}`) ? discord.channel({ id: eventId }) : channel;
    const reply = said(where).filter(({ id, replyTo }) =>
      // What a turn says without an answer has no parts in the record of a refused turn.
      found.parts.length === 0 ? replyTo === eventId : found.parts.includes(id),
    );
    return { eventId, turn: found, reply, text: reply.map(({ content }) => content).join('\n') };
  };
  const answerTo = (invoked: SimInvoked) =>
    until(() => {
      const { state, messages } = invoked.view();
      return state === 'answered' ? messages[0] : undefined;
    });

  const guildOf: Deeds['guild'] = (people, options) => {
    const guild = discord.guild({ members: people, ...options });
    return { guild, channel: guild.channel('general') };
  };

  return {
    said,
    turn,
    send,
    over,
    answerTo,
    ask: (channel, user, text, options) => over(channel, send(channel, user, text, options)),
    askBySlash: (channel, user, name, values) => over(channel, channel.slash(user, name, values).id),
    slash: (channel, user, name, values) => answerTo(channel.slash(user, name, values)),
    guild: guildOf,
    ownGuild() {
      const ann = discord.user({ globalName: 'Ann' });
      return { ann, ...guildOf([], { owner: ann }) };
    },
  };
}
