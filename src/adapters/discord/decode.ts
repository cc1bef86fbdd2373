import {
  ApplicationCommandOptionType,
  ChannelType,
  MessageType,
  PermissionFlagsBits,
  type BaseInteraction,
  type ButtonInteraction,
  type Message,
  type PermissionsBitField,
} from 'discord.js';
import {
  BUTTON_ACTIONS,
  readData,
  type ButtonPress,
  type CommandInvocation,
} from '../../platform/command.ts';
import {
  guildId,
  messageId,
  originKey,
  placeId,
  userId,
  type OriginKey,
  type PlaceId,
} from '../../platform/ids.ts';
import type { Addressing, Author, Envelope, Guild, IncomingMessage } from '../../platform/message.ts';
import { addressAt, addressOf, toReplyTarget, type Address } from './address.ts';
import { readText, type MentionNames, type WrittenText } from './message-text.ts';
import type { Seal } from './seal.ts';

export interface DecodeContext {
  /** The bot's account. */
  readonly bot: { readonly id: string };
  /** Whether Discord shows this bot messages that are not addressed to it. */
  readonly readsContent: boolean;
  readonly seal: Seal;
}

/**
 * Translates a message; null for what is not meant for the bot: its own, other bots', what nobody
 * said, and what people say among themselves. `threadOwner` is who opened the
 * thread it stands in, if it does and that is known.
 */
export function decodeMessage(
  message: Message,
  context: DecodeContext,
  threadOwner: string | null,
): IncomingMessage | null {
  const said = decodeSaid(message, context, threadOwner);
  if (said === null) return null;
  const { isPrivate, mentionsBot, repliesToBot, inOwnThread } = said.addressing;
  if (!isPrivate && !mentionsBot && !repliesToBot && !inOwnThread) return null;
  // One hint is enough for a thread: with this key the store knows every further one as a repetition.
  return said.isTextWithheld && inOwnThread ? withKey(said, context, message, WITHHELD_EVENT) : said;
}

/**
 * Translates a message that was changed, with a key of its own for each version, whoever it is written to: the question
 * it was may have been to the bot. Null where no person has changed anything: a link's preview is no change.
 */
export function decodeEdit(
  message: Message,
  context: DecodeContext,
  threadOwner: string | null,
): IncomingMessage | null {
  const { id, editedTimestamp } = message;
  if (editedTimestamp === null) return null;
  const said = decodeSaid(message, context, threadOwner);
  return said === null ? null : withKey(said, context, message, id, 'edit', editedTimestamp);
}

function withKey(
  said: IncomingMessage,
  { bot }: DecodeContext,
  { channelId }: Message,
  ...event: readonly (string | number)[]
): IncomingMessage {
  return { ...said, originKey: originKey('discord', bot.id, channelId, ...event) };
}

/** What a person has said, to whomever; null for all else. */
function decodeSaid(
  message: Message,
  context: DecodeContext,
  threadOwner: string | null,
): IncomingMessage | null {
  const { author, channel, channelId } = message;
  if (author.bot || author.system || message.webhookId !== null || !isSpoken(message)) return null;
  const written = writtenIn(message, context);
  const isNamed = written.mentionsBot;
  const addressing = addressingOf(message, { isNamed, isOwnThread: threadOwner === context.bot.id }, context);
  const { isPrivate } = addressing;
  const isTextWithheld =
    written.text === '' && !context.readsContent && !isPrivate && !message.mentions.users.has(context.bot.id);
  const canOpenThread = threadCanStartAt(message);
  const threadAtMessage = canOpenThread ? placeId('discord', context.bot.id, message.id) : null;
  return {
    platform: 'discord',
    originKey: originKey('discord', context.bot.id, channelId, message.id),
    author: messageAuthor(message),
    guild: guildOf(message),
    place: placeId('discord', context.bot.id, channelId),
    channel: channelOf(message, context),
    thread: channel.isThread() ? 'here' : threadAtMessage,
    messageId: messageId('discord', channelId, message.id),
    sentAtMs: message.createdTimestamp,
    replyTarget: toReplyTarget(
      { ...addressAt(channelId, isPrivate), questionId: message.id, canOpenThread },
      context.seal,
    ),
    text: written.text,
    isTextWithheld,
    isMaybeCut: message.content.length >= MAYBE_CUT_LENGTH,
    repliesTo: repliesTo(message),
    addressing,
  };
}

/** In UTF-16 units as written: a client cuts at 2000, and at an earlier blank where it finds one. */
const MAYBE_CUT_LENGTH = 1900;

/** The text of a message, as its readers see it. */
export function writtenIn(message: Message, context: DecodeContext): WrittenText {
  return readText(message.content, mentionNames(message, context));
}

/** What is known of a command when it is used, before its options. */
export type CommandEnvelope = Omit<CommandInvocation, 'name' | 'subcommand' | 'options'>;

/** `address` is where the answer goes. */
export function decodeCommand(
  interaction: BaseInteraction,
  address: Address,
  context: DecodeContext,
): CommandEnvelope {
  return {
    ...interactionEnvelope(interaction, address, context),
    messageId: null,
    line: null,
    isPrivate: address.isPrivate,
    repliesTo: null,
    ...(interaction.isMessageContextMenuCommand() && {
      about: messageId('discord', interaction.channelId, interaction.targetId),
    }),
  };
}

/** The custom id of our buttons, such as `stop:<turn>`. */
const BUTTON_ID = /^([a-z]+):([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/u;

/** Null for a button that is none of ours. */
export function decodePress(interaction: ButtonInteraction, context: DecodeContext): ButtonPress | null {
  const [, name, turn] = BUTTON_ID.exec(interaction.customId) ?? [];
  const action = BUTTON_ACTIONS.find((known) => known === name);
  if (turn === undefined || action === undefined) return null;
  const { channelId, message } = interaction;
  const address = { ...addressAt(channelId, interaction.guildId === null), questionId: message.id };
  return {
    ...interactionEnvelope(interaction, address, context),
    messageId: messageId('discord', channelId, message.id),
    action,
    turn,
  };
}

/** What a button that uses a command stands for; null for any other. */
export function decodeCommandPress(
  interaction: ButtonInteraction,
  context: DecodeContext,
): CommandInvocation | null {
  const used = readData(interaction.customId);
  if (used === null) return null;
  const address = addressOf(interaction, interaction.message.id);
  return { ...decodeCommand(interaction, address, context), ...used };
}

const WITHHELD_EVENT = 'text-withheld';

/** Anything else is a join, a pin, a boost: nothing anybody said (resources/message "Message Types"). */
function isSpoken({ type }: Message): boolean {
  return type === MessageType.Default || type === MessageType.Reply;
}

function addressingOf(
  message: Message,
  { isNamed, isOwnThread }: { readonly isNamed: boolean; readonly isOwnThread: boolean },
  { bot }: DecodeContext,
): Addressing {
  const { channel, mentions, author } = message;
  const repliedTo = message.type === MessageType.Reply ? (mentions.repliedUser?.id ?? null) : null;
  const isToOthers = repliedTo !== null && repliedTo !== bot.id && repliedTo !== author.id;
  return {
    isPrivate: channel.type === ChannelType.DM,
    mentionsBot: isNamed || mentions.users.has(bot.id) || namesOwnRole(message),
    repliesToBot: repliedTo === bot.id,
    inOwnThread: isOwnThread && !isToOthers,
    byCommand: false,
    fromSelf: false,
    isSystem: false,
  };
}

/** Clients offer the bot's own role beside the bot; the mention shows also where the text does not. */
function namesOwnRole({ mentions, guild }: Message): boolean {
  const own = guild?.members.me?.roles.cache;
  return mentions.roles.some(({ id, managed }) => managed && own?.has(id) === true);
}

function mentionNames({ mentions, guild }: Message, { bot }: DecodeContext): MentionNames {
  return {
    isBot: (kind, id) =>
      kind === '@' ? id === bot.id : guild?.members.me?.roles.cache.get(id)?.managed === true,
    user: (id) => mentions.members?.get(id)?.displayName ?? mentions.users.get(id)?.displayName ?? null,
    role: (id) => guild?.roles.cache.get(id)?.name ?? null,
    channel: (id) => guild?.channels.cache.get(id)?.name ?? null,
  };
}

/** Starting a thread needs these (resources/channel "Start Thread from Message"); the answer is then written in it. */
function threadCanStartAt({ channel }: Message): boolean {
  if (channel.type !== ChannelType.GuildText && channel.type !== ChannelType.GuildAnnouncement) return false;
  const { me } = channel.guild.members;
  return me !== null && channel.permissionsFor(me).has(OPENS_THREADS);
}

const OPENS_THREADS = [
  PermissionFlagsBits.ViewChannel,
  PermissionFlagsBits.CreatePublicThreads,
  PermissionFlagsBits.SendMessagesInThreads,
];

function repliesTo({ type, reference }: Message): IncomingMessage['repliesTo'] {
  if (type !== MessageType.Reply || reference?.messageId === undefined) return null;
  return messageId('discord', reference.channelId, reference.messageId);
}

function messageAuthor({ author, member }: Message): Author {
  return {
    id: userId('discord', author.id),
    name: member?.displayName ?? author.displayName,
    locale: null,
    isBot: false,
    isGuildAdmin: managesGuild(member?.permissions),
    roles: rolesOf(member),
  };
}

/** What makes the turn of an interaction unique. */
export function interactionKey(
  { id, channelId }: Pick<BaseInteraction, 'id' | 'channelId'>,
  { bot }: Pick<DecodeContext, 'bot'>,
): OriginKey {
  return originKey('discord', bot.id, channelId ?? '', id);
}

function interactionEnvelope(
  interaction: BaseInteraction,
  address: Address,
  { bot, seal }: DecodeContext,
): Omit<Envelope, 'messageId'> {
  const { user, member } = interaction;
  const { channelId } = address;
  const nickname = member !== null && 'displayName' in member ? member.displayName : member?.nick;
  return {
    platform: 'discord',
    originKey: interactionKey(interaction, { bot }),
    author: {
      id: userId('discord', user.id),
      name: nickname ?? user.displayName,
      locale: interaction.locale,
      isBot: user.bot,
      isGuildAdmin: managesGuild(interaction.memberPermissions),
      roles: rolesOf(member),
    },
    guild: guildOf(interaction),
    place: placeId('discord', bot.id, channelId),
    channel: channelOf(interaction, { bot }),
    thread: interaction.channel?.isThread() === true ? 'here' : null,
    sentAtMs: interaction.createdTimestamp,
    replyTarget: toReplyTarget(address, seal),
  };
}

/** A thread counts as the channel that it belongs to. */
function channelOf(
  { channel, channelId, guildId }: Pick<Message | BaseInteraction, 'channel' | 'channelId' | 'guildId'>,
  { bot }: Pick<DecodeContext, 'bot'>,
): PlaceId | null {
  if (guildId === null) return null;
  const parentId = channel?.isThread() === true ? channel.parentId : null;
  return placeId('discord', bot.id, parentId ?? channelId ?? '');
}

/** What a person has chosen for an option: people, roles and channels by their qualified ids. */
export function optionText(
  type: ApplicationCommandOptionType,
  value: string,
  { bot }: Pick<DecodeContext, 'bot'>,
): string {
  if (type === ApplicationCommandOptionType.User) return userId('discord', value);
  if (type === ApplicationCommandOptionType.Role) return roleId(value);
  return type === ApplicationCommandOptionType.Channel ? placeId('discord', bot.id, value) : value;
}

const roleId = (id: string): string => `discord:${id}`;

/** Without the one that everybody has. */
function rolesOf(member: BaseInteraction['member']): readonly string[] {
  if (member === null) return [];
  const ids = Array.isArray(member.roles)
    ? member.roles
    : member.roles.cache.filter(({ id, guild }) => id !== guild.id).map(({ id }) => id);
  return ids.map(roleId);
}

/** Administrators, and owners, have every permission. */
function managesGuild(permissions: Readonly<PermissionsBitField> | null | undefined): boolean {
  return permissions?.has(PermissionFlagsBits.ManageGuild) === true;
}

function guildOf(source: Pick<Message | BaseInteraction, 'guildId' | 'guild'>): Guild | null {
  if (source.guildId === null) return null;
  return { id: guildId('discord', source.guildId), name: source.guild?.name ?? '' };
}
