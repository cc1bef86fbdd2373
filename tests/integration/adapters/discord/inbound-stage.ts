import { expect, onTestFinished } from 'vitest';
import { createDiscordAdapter, type DiscordPace } from '../../../../src/adapters/discord/adapter.ts';
import type { ShardChoice } from '../../../../src/adapters/discord/client.ts';
import { systemClock, type Clock } from '../../../../src/delivery/clock.ts';
import {
  StoreUnavailable,
  type ActivePlace,
  type AdapterMemory,
  type FatalAdapterError,
  type Handlers,
  type PlatformAdapter,
  type Said,
  type Taken,
} from '../../../../src/platform/adapter.ts';
import type { ButtonPress, CommandInvocation, CommandSpec } from '../../../../src/platform/command.ts';
import { guildId, placeId, turnId, type MessageId, type OriginKey } from '../../../../src/platform/ids.ts';
import type { IncomingMessage, ReplyTarget } from '../../../../src/platform/message.ts';
import { shutTill } from '../till.ts';
import type { SimChannel } from '../../../simulators/discord/channel-handle.ts';
import type { GuildOptions } from '../../../simulators/discord/guilds.ts';
import type { SimGuild, SimUser } from '../../../simulators/discord/handles.ts';
import {
  startDiscordSimulator,
  type DiscordSimulator,
  type DiscordSimulatorOptions,
} from '../../../simulators/discord/server.ts';
import { until } from '../../../support/until.ts';

/** The real adapter on real sockets, between a simulated Discord and a core that writes down. */
export interface InboundStage {
  readonly discord: DiscordSimulator;
  readonly adapter: PlatformAdapter;
  readonly handlers: Handlers;
  readonly messages: readonly IncomingMessage[];
  readonly commands: readonly CommandInvocation[];
  readonly presses: readonly ButtonPress[];
  readonly edits: readonly IncomingMessage[];
  /** The messages of each deletion. */
  readonly deletions: readonly (readonly MessageId[])[];
  /** What the adapters keep in the store. */
  readonly memory: Memory;
  readonly poison: readonly { readonly eventId: string; readonly cause: unknown }[];
  readonly fatal: readonly FatalAdapterError[];
  /** Everything that was logged. */
  readonly log: readonly string[];
  /** Another process with the same core and token. */
  another(options?: Partial<InboundOptions>): PlatformAdapter;
  /** How many log lines begin so. */
  logged(message: string): number;
  /** Waits for the next message that the core gets while `send` is done. */
  next(send: () => unknown): Promise<IncomingMessage>;
}

export interface InboundOptions extends DiscordPace {
  readonly simulator?: DiscordSimulatorOptions;
  /** One that was started before, in place of a new one. */
  readonly discord?: DiscordSimulator;
  readonly handlers?: Partial<Handlers>;
  readonly specs?: readonly CommandSpec[];
  readonly token?: string;
  readonly shards?: ShardChoice;
  readonly apiUrl?: string;
  readonly clock?: Clock;
  readonly isStarted?: boolean;
}

export const SPECS: readonly CommandSpec[] = [
  {
    ...command('ask', 'deferPublic'),
    options: [
      { name: 'style', kind: 'text', required: false, choices: ['short', 'long'] },
      { name: 'question', kind: 'text', required: true, greedy: true },
    ],
  },
  command('usage', 'deferPrivate'),
  command('stop', 'instant'),
  { ...command('settings', 'deferPrivate'), scope: 'guild', requires: 'guild_admin' },
  { ...command('halt', 'deferPrivate'), requires: 'operator' },
  { ...command('memory', 'deferPrivate'), scope: 'private' },
  {
    ...command('compose', 'modal'),
    options: [
      { name: 'title', kind: 'text', required: false },
      { name: 'pages', kind: 'integer', required: false },
      { name: 'body', kind: 'text', required: true, greedy: true },
    ],
  },
  {
    ...command('explain', 'deferPublic'),
    options: [{ name: 'passage', kind: 'text', required: true, greedy: true }],
    onMessage: 'passage',
  },
];

/** Waits are short, but their order is that of the real ones. */
const QUICK: Required<Pick<DiscordPace, 'gatewayPace' | 'handingPace' | 'catchUpPace'>> = {
  catchUpPace: { writeMs: 20, gapMs: 1, retryMs: 5, longestRetryMs: 20 },
  gatewayPace: {
    waitGuildTimeoutMs: 100,
    handshakeTimeoutMs: 500,
    identifyIntervalMs: 0,
    retryMs: 5,
    longestRetryMs: 20,
  },
  handingPace: { retryMs: 2, longestRetryMs: 10 },
};

export async function openInbound(options: InboundOptions = {}): Promise<InboundStage> {
  const discord = options.discord ?? (await startDiscordSimulator(options.simulator));
  const seen = createRecord();
  const handlers = createHandlers(seen, options.handlers);
  const note = (fields: object, message: string) =>
    void seen.log.push(`${message} ${JSON.stringify(fields)}`);
  const adapters: PlatformAdapter[] = [];
  const another = (others: Partial<InboundOptions> = {}): PlatformAdapter => {
    const adapter = createDiscordAdapter({
      config: {
        shards: others.shards ?? options.shards ?? null,
        token: options.token ?? discord.token,
        apiUrl: options.apiUrl ?? discord.url,
        sealingSecret: 'a secret',
      },
      commands: options.specs ?? SPECS,
      describe: (name, locale) => `${locale}: ${name}`,
      describeOption: (option, locale) => `${locale}: ${option}`,
      labelOf: (name, locale) => (locale === 'en' ? `${name} this` : `${name} ini`),
      logger: { debug: note, info: note, warn: note, error: note },
      onFatal: (error) => seen.fatal.push(error),
      clock: options.clock ?? systemClock,
      gatewayPace: { ...QUICK.gatewayPace, ...options.gatewayPace },
      handingPace: { ...QUICK.handingPace, ...options.handingPace },
      catchUpPace: { ...QUICK.catchUpPace, ...options.catchUpPace },
    });
    adapters.push(adapter);
    return adapter;
  };
  onTestFinished(async () => {
    await Promise.all(adapters.map((adapter) => adapter.stop()));
    expect(discord.violations).toEqual([]);
    await discord.stop();
  });
  const adapter = another();
  if (options.isStarted !== false) await adapter.start(handlers);
  const next: InboundStage['next'] = async (send) => {
    const { length } = seen.messages;
    send();
    return await until(() => seen.messages[length]);
  };
  const logged = (message: string) => seen.log.filter((line) => line.startsWith(message)).length;
  return { discord, adapter, handlers, ...seen, another, logged, next };
}

/** A guild with one person in it, and its first channel. */
export function scene(
  { discord }: Pick<InboundStage, 'discord'>,
  options: GuildOptions = {},
): { user: SimUser; guild: SimGuild; channel: SimChannel } {
  const user = discord.user({ username: 'alice', globalName: 'Alice' });
  const guild = discord.guild({ ...options, members: [user, ...(options.members ?? [])] });
  return { user, guild, channel: guild.channel('general') };
}

/** The bot was asked in the channel lately. */
export function asked(
  { discord, memory }: Pick<InboundStage, 'discord' | 'memory'>,
  channel: SimChannel,
): void {
  const guild = channel.guildId === undefined ? null : guildId('discord', channel.guildId);
  memory.places.push({ place: placeId('discord', discord.bot.id, channel.id), guild });
}

export const TURN = turnId('0192f0c1-2345-7abc-8def-0123456789ab');

/** A message of the bot with a button, as a reply in progress has it. */
export async function showButton(
  stage: InboundStage,
  channel: SimChannel,
  customId: string,
): Promise<string> {
  const button = { type: 2, style: 2, label: 'Press', custom_id: customId };
  const response = await fetch(`${stage.discord.url}/v10/channels/${channel.id}/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bot ${stage.discord.token}`,
      'content-type': 'application/json',
      'user-agent': 'DiscordBot (https://example.com, 1.0)',
    },
    body: JSON.stringify({ content: 'an answer', components: [{ type: 1, components: [button] }] }),
  });
  const { id } = (await response.json()) as { id: string };
  return id;
}

/** The bot says something in a channel; returns the message's id. */
export async function botSays(stage: InboundStage, channel: SimChannel): Promise<string> {
  return await showButton(stage, channel, `stop:${TURN}`);
}

/** The bot opens a thread from a message, as its answers do. */
export async function botThread(stage: InboundStage, channel: SimChannel, from: string): Promise<SimChannel> {
  await fetch(`${stage.discord.url}/v10/channels/${channel.id}/messages/${from}/threads`, {
    method: 'POST',
    headers: {
      authorization: `Bot ${stage.discord.token}`,
      'content-type': 'application/json',
      'user-agent': 'DiscordBot (https://example.com, 1.0)',
    },
    body: JSON.stringify({ name: 'Answer' }),
  });
  return stage.discord.channel({ id: from });
}

interface Record {
  readonly messages: IncomingMessage[];
  readonly commands: CommandInvocation[];
  readonly presses: ButtonPress[];
  readonly edits: IncomingMessage[];
  readonly deletions: (readonly MessageId[])[];
  readonly memory: Memory;
  readonly poison: { eventId: string; cause: unknown }[];
  readonly fatal: FatalAdapterError[];
  readonly log: string[];
}

/** What the core keeps for adapters, in the memory of the test. */
interface Memory {
  readonly bookmarks: Map<string, string>;
  readonly places: ActivePlace[];
  /** What was added to the addresses of turns. */
  readonly amended: { readonly event: OriginKey; readonly additions: ReplyTarget }[];
  /** While true, nothing of it is in reach. */
  isAway: boolean;
}

function createRecord(): Record {
  const memory = { bookmarks: new Map<string, string>(), places: [], amended: [], isAway: false };
  const heard = { messages: [], commands: [], presses: [], edits: [], deletions: [] };
  return { ...heard, memory, poison: [], fatal: [], log: [] };
}

function createHandlers(seen: Record, overrides: Partial<Handlers> = {}): Handlers {
  return {
    ...shutTill(overrides),
    async onMessage(message): Promise<Said | Taken> {
      const taken = (await overrides.onMessage?.(message)) ?? 'no_reply';
      seen.messages.push(message);
      return taken;
    },
    async onCommand(invocation): Promise<Said | Taken> {
      const said = (await overrides.onCommand?.(invocation)) ?? 'no_reply';
      seen.commands.push(invocation);
      return said;
    },
    async onPress(press) {
      const said = (await overrides.onPress?.(press)) ?? 'Stopping.';
      seen.presses.push(press);
      return said;
    },
    async onEdit(message) {
      const taken = (await overrides.onEdit?.(message)) ?? 'no_reply';
      seen.edits.push(message);
      return taken;
    },
    onSuggest: async (request) => (await overrides.onSuggest?.(request)) ?? [],
    async onDelete(ids) {
      await overrides.onDelete?.(ids);
      seen.deletions.push(ids);
    },
    async onPoison(eventId, cause) {
      await overrides.onPoison?.(eventId, cause);
      seen.poison.push({ eventId, cause });
    },
    memory: createMemory(seen.memory),
  };
}

function createMemory(memory: Memory): AdapterMemory {
  const reach = <Value>(act: () => Value): Promise<Value> =>
    memory.isAway ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve(act());
  return {
    lead: () => reach(() => true),
    resign: () => reach(() => undefined),
    activePlaces: () => reach(() => [...memory.places]),
    bookmark: (key) => reach(() => memory.bookmarks.get(key) ?? null),
    setBookmark: (key, value) => reach(() => void memory.bookmarks.set(key, value)),
    noteRest: () => Promise.resolve(),
    rests: () => Promise.resolve([]),
    amendTarget: (event, additions) => reach(() => void memory.amended.push({ event, additions })),
  };
}

function command(name: string, respond: CommandSpec['respond']): CommandSpec {
  return { name, options: [], scope: 'any', requires: 'everyone', respond };
}
