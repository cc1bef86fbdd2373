import { expect, onTestFinished } from 'vitest';
import { MessageFlags, type REST } from 'discord.js';
import type { Address } from '../../../../src/adapters/discord/address.ts';
import { DEFAULT_PACE, type Pace } from '../../../../src/adapters/discord/pacing.ts';
import {
  createReply,
  createReplyContext,
  type ReplyContext,
} from '../../../../src/adapters/discord/reply.ts';
import { createRest } from '../../../../src/adapters/discord/rest.ts';
import { systemClock } from '../../../../src/delivery/clock.ts';
import { turnId, type TurnId } from '../../../../src/platform/ids.ts';
import type { PartRecord, Reply, ReplyOptions } from '../../../../src/platform/reply.ts';
import type { SimChannel } from '../../../simulators/discord/channel-handle.ts';
import type { GuildOptions } from '../../../simulators/discord/guilds.ts';
import {
  startDiscordSimulator,
  type DiscordSimulator,
  type DiscordSimulatorOptions,
} from '../../../simulators/discord/server.ts';

/** The real REST client and replies on one side, a simulated Discord on the other. */
export interface Stage {
  readonly discord: DiscordSimulator;
  readonly rest: REST;
  readonly context: ReplyContext;
  /** Everything that was logged. */
  readonly log: readonly string[];
  readonly tokenRefusals: readonly string[];
  /** Moves Discord's clock forward. */
  advance(ms: number): void;
  calls(route: string): DiscordSimulator['calls'];
}

export interface StageOptions {
  readonly simulator?: DiscordSimulatorOptions;
  readonly pace?: Partial<Pace>;
}

/** Discord's limits and ours, both ten times as fast, so that their proportions stay. */
const FAST_BUCKET = { limit: 5, windowMs: 500 };
const FAST_BUCKETS = {
  createMessage: FAST_BUCKET,
  editMessage: FAST_BUCKET,
  editAnswer: FAST_BUCKET,
  followUp: FAST_BUCKET,
  typing: FAST_BUCKET,
};
const FAST_PACE: Partial<Pace> = {
  frameMs: 120,
  lane: { ...DEFAULT_PACE.lane, windowMs: 600 },
  firstText: { characters: 25, waitMs: 100 },
  typingMs: 400,
  typingGapMs: 100,
  retryMs: 10,
};

export const MESSAGES = 'POST /channels/{channel_id}/messages';
export const EDIT = 'PATCH /channels/{channel_id}/messages/{message_id}';
export const ORIGINAL = 'PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original';
export const FOLLOW_UP = 'POST /webhooks/{webhook_id}/{webhook_token}';
export const THREAD = 'POST /channels/{channel_id}/messages/{message_id}/threads';
/** The answer opens a thread. */
export const TITLED = { title: 'What is tea?' };
export const TYPING = 'POST /channels/{channel_id}/typing';

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  let offsetMs = 0;
  const discord = await startDiscordSimulator({
    now: () => Date.now() + offsetMs,
    buckets: FAST_BUCKETS,
    ...options.simulator,
  });
  const log: string[] = [];
  const tokenRefusals: string[] = [];
  const note = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { debug: note, info: note, warn: note, error: note };
  const rest = createRest({
    token: discord.token,
    apiUrl: discord.url,
    onTokenRefused: (description) => tokenRefusals.push(description),
    logger,
  });
  const context = createReplyContext({
    rest,
    bot: { id: discord.bot.id },
    logger,
    clock: systemClock,
    pace: { ...FAST_PACE, ...options.pace },
  });
  onTestFinished(async () => {
    expect(discord.violations).toEqual([]);
    await discord.stop();
    rest.clearHashSweeper();
    rest.clearHandlerSweeper();
  });
  return {
    discord,
    rest,
    context,
    log,
    tokenRefusals,
    advance: (ms) => {
      offsetMs += ms;
    },
    calls: (route) => discord.calls.filter((call) => call.route === route),
  };
}

export const TURN = turnId('0192f0c1-2345-7abc-8def-0123456789ab');
export const STOP = [{ action: 'stop' as const, label: '■ Stop' }];

/** An address where nothing is special. */
export function addressOf(
  channel: SimChannel,
  questionId: string | null,
  more: Partial<Address> = {},
): Address {
  return {
    channelId: channel.id,
    isPrivate: false,
    questionId,
    canOpenThread: false,
    responseId: null,
    interaction: null,
    ...more,
  };
}

export interface Opened {
  readonly reply: Reply;
  /** In which order parts were noted. */
  readonly journal: readonly string[];
  /** How often it was told that nobody sees the answer. */
  readonly unseen: () => number;
}

export interface OpenOptions {
  readonly existing?: readonly PartRecord[];
  readonly turn?: TurnId;
  readonly thread?: ReplyOptions['thread'];
  readonly mayWrite?: () => boolean;
}

/** Opens the reply of a turn. */
export function openReply({ context }: Stage, address: Address, options: OpenOptions = {}): Opened {
  const journal: string[] = [];
  let unseen = 0;
  const reply = createReply(context, address, {
    turn: options.turn ?? TURN,
    journal: {
      existing: options.existing ?? [],
      intend: (index) => Promise.resolve(void journal.push(`intend ${index}`)),
      sent: (index, id) => Promise.resolve(void journal.push(`sent ${index} ${id}`)),
      removed: (id) => Promise.resolve(void journal.push(`removed ${id}`)),
      mayWrite: options.mayWrite ?? (() => true),
    },
    running: STOP,
    thread: options.thread ?? null,
    onUnseen: () => {
      unseen += 1;
    },
  });
  onTestFinished(() => reply.abandon());
  return { reply, journal, unseen: () => unseen };
}

/** A person asks in a guild, and the reply to it is opened. */
export function ask(
  stage: Stage,
  options: OpenOptions & { guild?: GuildOptions; address?: Partial<Address> } = {},
) {
  const user = stage.discord.user({ username: 'ada' });
  const guild = stage.discord.guild({ members: [user], ...options.guild });
  const channel = guild.channel('general');
  const question = channel.send(user, 'a question');
  const address = addressOf(channel, question, options.address);
  return { user, guild, channel, question, address, ...openReply(stage, address, options) };
}

/** What the bot has written in a channel, as a reader sees it. */
export function answers(stage: Stage, channel: SimChannel) {
  return channel.messages().filter(({ author }) => author.id === stage.discord.bot.id);
}

/** Lets as much time pass as some frames need. */
export function aWhile(ms = 30): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export interface CommandOptions extends OpenOptions {
  readonly isPrivate?: boolean;
  readonly address?: Partial<Address>;
}

/** A person uses a command, which is deferred, and the reply to it is opened. */
export async function useCommand(stage: Stage, options: CommandOptions = {}) {
  const { discord, rest } = stage;
  const user = discord.user();
  const guild = discord.guild({ members: [user] });
  const channel = guild.channel('general');
  await rest.put(`/applications/${discord.applicationId}/commands`, {
    body: [{ name: 'ask', description: 'Asks', type: 1 }],
  });
  const invoked = channel.slash(user, 'ask');
  const { token } = invoked.view();
  await rest.post(`/interactions/${invoked.id}/${token}/callback`, {
    body: { type: 5, data: { flags: options.isPrivate === true ? MessageFlags.Ephemeral : 0 } },
    auth: false,
  });
  const responseId = invoked.view().messages[0]!.id;
  const expiresAtMs = Date.now() + 900_000;
  const address = addressOf(channel, null, {
    responseId,
    interaction: { applicationId: discord.applicationId, token, expiresAtMs },
    ...options.address,
  });
  return { user, channel, address, responseId, invoked, token, ...openReply(stage, address, options) };
}
