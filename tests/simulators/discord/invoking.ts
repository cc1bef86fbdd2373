import { randomBytes } from 'node:crypto';
import { commandTypes } from './commands.ts';
import type { Command } from './commands.ts';
import { fillOptions, resolveChosen } from './command-options.ts';
import type { Offered, OptionValues } from './command-options.ts';
import { findControl } from './components.ts';
import { interactionTypes } from './interactions.ts';
import type { InteractionAnswer, InteractionState } from './interactions.ts';
import { messageObject } from './message-object.ts';
import { modalFields } from './modals.ts';
import { channelObject, memberObject, partialMember, userObject } from './objects.ts';
import { entitlementsOf } from './shop.ts';
import { guildPermissions, has, permissionsIn } from './permissions.ts';
import type { Simulation } from './simulation.ts';
import type { ChannelState, StoredMessage, UserState, Wire } from './world.ts';

/** Where and by whom something is invoked. */
export interface Invocation {
  readonly simulation: Simulation;
  readonly channel: ChannelState;
  readonly user: UserState;
}

/** An interaction and the promise of the bot's first answer to it. */
export interface Invoked {
  readonly interaction: InteractionState;
  readonly answer: Promise<InteractionAnswer>;
}

/** Largest file a person may attach for the bot, in bytes. */
const attachmentLimitBytes = 10 * 1024 * 1024;

/** A person uses a slash command; `name` holds its words, as in `model set`. Throws when the client would not offer it. */
export function slashAs(invocation: Invocation, name: string, values: OptionValues): Invoked {
  const offered = offeredCommand(invocation, commandTypes.chatInput, name);
  const { command } = offered;
  const { options, resolved } = fillOptions(invocation, offered, values);
  return invoke(invocation, {
    type: interactionTypes.command,
    answerType: 20,
    command,
    data: {
      ...commandData(command),
      ...(options.length === 0 ? {} : { options }),
      ...(Object.keys(resolved).length === 0 ? {} : { resolved }),
    },
  });
}

/** A person types into an option that completes itself. */
export function autocompleteAs(
  invocation: Invocation,
  name: string,
  option: string,
  typed: OptionValues,
): Invoked {
  const offered = offeredCommand(invocation, commandTypes.chatInput, name);
  const { command } = offered;
  const { options } = fillOptions(invocation, offered, { [option]: '', ...typed }, option);
  return invoke(invocation, {
    type: interactionTypes.autocomplete,
    answerType: 20,
    command,
    data: { ...commandData(command), options },
  });
}

/** A person uses an entry of a message's menu. The bot may read that message whatever its intents. */
export function messageCommandAs(invocation: Invocation, message: StoredMessage, name: string): Invoked {
  const { command } = offeredCommand(invocation, commandTypes.message, name);
  const view = { ...invocation.simulation.view(false), showsAll: true };
  return invoke(invocation, {
    type: interactionTypes.command,
    answerType: 23,
    command,
    metadata: { target_message_id: message.id },
    data: {
      ...commandData(command),
      target_id: message.id,
      resolved: { messages: { [message.id]: messageObject(view, message) } },
    },
  });
}

/** A person uses an entry of somebody's menu. */
export function userCommandAs(invocation: Invocation, target: UserState, name: string): Invoked {
  const { command } = offeredCommand(invocation, commandTypes.user, name);
  const member = invocation.channel.guild?.members.get(target.id);
  return invoke(invocation, {
    type: interactionTypes.command,
    answerType: 23,
    command,
    metadata: { target_user: userObject(target) },
    data: {
      ...commandData(command),
      target_id: target.id,
      resolved: {
        users: { [target.id]: userObject(target) },
        ...(member === undefined ? {} : { members: { [target.id]: partialMember(member) } }),
      },
    },
  });
}

/** A person presses a button or, with `values`, chooses in a select. Throws when the message has no such component that can be used. */
export function pressAs(
  invocation: Invocation,
  message: StoredMessage,
  customId: string,
  values?: readonly string[],
): Invoked {
  if (message.ephemeralTo !== undefined && message.ephemeralTo !== invocation.user.id) {
    throw new Error(`User ${invocation.user.id} does not see message ${message.id}.`);
  }
  const control = findControl(message.components, customId);
  if (control === undefined) throw new Error(`Message ${message.id} has no component "${customId}".`);
  if (control['disabled'] === true) throw new Error(`The component "${customId}" is disabled.`);
  if (values !== undefined) checkChosen(control, values);
  const resolved = resolveChosen(invocation, Number(control['type']), values ?? []);
  return invoke(invocation, {
    type: interactionTypes.component,
    answerType: 19,
    source: message,
    ...ownersOf(message.interaction?.metadata),
    metadata: { interacted_message_id: message.id },
    data: {
      custom_id: customId,
      component_type: control['type'],
      id: control['id'],
      ...(values === undefined ? {} : { values }),
      ...(Object.keys(resolved).length === 0 ? {} : { resolved }),
    },
  });
}

/** A person sends a modal that an interaction was answered with. */
export function submitModalAs(
  invocation: Invocation,
  origin: InteractionState,
  values: Readonly<Record<string, string | readonly string[]>>,
): Invoked {
  if (origin.answer?.kind !== 'modal')
    throw new Error(`Interaction ${origin.id} was not answered with a modal.`);
  if (origin.user !== invocation.user) throw new Error(`User ${invocation.user.id} does not see this modal.`);
  const { modal } = origin.answer;
  return invoke(invocation, {
    type: interactionTypes.modalSubmit,
    answerType: origin.source === undefined ? origin.answerType : 19,
    ...(origin.source === undefined ? {} : { source: origin.source }),
    ...ownersOf(origin.metadata),
    metadata: { triggering_interaction_metadata: origin.metadata },
    data: { custom_id: modal['custom_id'], components: modalFields(modal, values) },
  });
}

interface Use {
  readonly type: InteractionState['type'];
  readonly answerType: number;
  readonly data: Wire;
  readonly command?: Command;
  readonly source?: StoredMessage;
  /** The installation it was begun under, where it follows from another interaction. */
  readonly owners?: Wire;
  /** What `interaction_metadata` tells besides who and what kind. */
  readonly metadata?: Wire;
}

function invoke(invocation: Invocation, use: Use): Invoked {
  const { simulation, channel, user } = invocation;
  const { world, gateway } = simulation;
  if (channel.guild?.members.has(user.id) === false) throw new Error(`User ${user.id} is not in the guild.`);
  const id = world.ids.next();
  const owners = use.owners ?? installOwners(invocation, use.command);
  const interaction: InteractionState = {
    id,
    token: randomBytes(90).toString('base64url'),
    type: use.type,
    user,
    channel,
    guild: channel.guild,
    createdAtMs: simulation.now(),
    answerType: use.answerType,
    metadata: {
      id,
      type: use.type,
      user: userObject(user),
      authorizing_integration_owners: owners,
      ...use.metadata,
    },
    isUserInstall: !('0' in owners),
    source: use.source,
    answer: undefined,
    original: undefined,
    followUps: [],
  };
  const answer = simulation.interactions.open(interaction);
  const payload = interactionEvent(invocation, interaction, use.data, owners);
  gateway.dispatch({ name: 'INTERACTION_CREATE', guildId: channel.guild?.id, intent: 0, payload });
  return { interaction, answer };
}

/** INTERACTION_CREATE (interactions/receiving-and-responding "Interaction Structure"). */
function interactionEvent(
  { simulation, channel, user }: Invocation,
  interaction: InteractionState,
  data: Wire,
  owners: Wire,
): (hasIntent: boolean) => Wire {
  const { guild } = channel;
  const member = guild?.members.get(user.id);
  const { world, options, now } = simulation;
  const place = {
    id: interaction.id,
    application_id: options.applicationId,
    type: interaction.type,
    data,
    channel_id: channel.id,
    channel: channelObject(channel, world.bot.id),
    token: interaction.token,
    version: 1,
    app_permissions: String(permissionsIn(channel, world.bot, now())),
    locale: user.locale,
    entitlements: entitlementsOf(simulation, user.id, guild?.id),
    authorizing_integration_owners: owners,
    context: guild === undefined ? 1 : 0,
    attachment_size_limit: attachmentLimitBytes,
    ...(guild === undefined
      ? { user: userObject(user) }
      : {
          guild_id: guild.id,
          guild: { id: guild.id, locale: guild.locale, features: [] },
          guild_locale: guild.locale,
        }),
    ...(member === undefined
      ? {}
      : { member: { ...memberObject(member), permissions: String(permissionsIn(channel, user, now())) } }),
  };
  const { source } = interaction;
  return (hasIntent) =>
    source === undefined ? place : { ...place, message: sourceObject(simulation, source, hasIntent) };
}

/** The component's message; it is the bot's own, so that all of it shows. */
function sourceObject(simulation: Simulation, source: StoredMessage, hasIntent: boolean): Wire {
  return messageObject(simulation.view(hasIntent), source);
}

function ownersOf(metadata: Wire | undefined): Pick<Use, 'owners'> {
  return metadata === undefined ? {} : { owners: metadata['authorizing_integration_owners'] as Wire };
}

/** `authorizing_integration_owners`: 0 the guild that installed the application (or "0" in its direct messages), 1 the person. */
function installOwners(
  { simulation, channel, user }: Invocation,
  command: Command | undefined,
): Record<string, string> {
  const { guild } = channel;
  const isInGuild = guild === undefined || guild.members.has(simulation.world.bot.id);
  const installs = command?.integration_types ?? [0];
  return {
    ...(isInGuild && installs.includes(0) ? { 0: guild?.id ?? '0' } : {}),
    ...(installs.includes(1) ? { 1: user.id } : {}),
  };
}

function commandData({ id, name, type, guild_id: guildId }: Command): Wire {
  return { id, name, type, ...(guildId === undefined ? {} : { guild_id: guildId }) };
}

/** A command that the client shows to the person here: a guild's own comes before the global one of the same name. */
function offeredCommand({ simulation, channel, user }: Invocation, type: number, name: string): Offered {
  const [word = '', ...path] = type === commandTypes.chatInput ? name.replace(/^\//, '').split(' ') : [name];
  const { guild } = channel;
  const scopes = guild === undefined ? ['global'] : [guild.id, 'global'];
  const command = scopes
    .flatMap((scope) => simulation.commands.of(scope))
    .find((candidate) => candidate.name === word && candidate.type === type);
  if (command === undefined) throw new Error(`There is no command "${word}".`);
  const context = guild === undefined ? 1 : 0;
  if (command.contexts?.includes(context) === false)
    throw new Error(`"${word}" is not offered in this place.`);
  checkPermitted(simulation, channel, user, command);
  if (channel.thread?.archived === true) throw new Error('No command can be used in an archived thread.');
  return { command, path };
}

function checkPermitted(
  simulation: Simulation,
  channel: ChannelState,
  user: UserState,
  command: Command,
): void {
  const { guild } = channel;
  const member = guild?.members.get(user.id);
  const allowed = permissionsIn(channel, user, simulation.now());
  if (guild === undefined) {
    if (!channel.recipients.includes(user)) throw new Error(`User ${user.id} is not in this conversation.`);
    return;
  }
  if (member === undefined || !has(allowed, 'UseApplicationCommands')) {
    throw new Error(`User ${user.id} cannot use commands in channel ${channel.id}.`);
  }
  const needed = command.default_member_permissions;
  if (needed === null || has(guildPermissions(guild, member), 'Administrator')) return;
  // "0" stands for administrators alone.
  const bits = BigInt(needed);
  if (bits === 0n || (allowed & bits) !== bits)
    throw new Error(`"${command.name}" is not offered to user ${user.id}.`);
}

function checkChosen(control: Wire, values: readonly string[]): void {
  const {
    options,
    min_values: least,
    max_values: most,
  } = control as {
    options?: readonly { value: string }[];
    min_values?: number;
    max_values?: number;
  };
  if (values.length < (least ?? 1) || values.length > (most ?? 1)) {
    throw new Error(`The select takes ${least ?? 1} to ${most ?? 1} values.`);
  }
  const unknown = values.filter((value) => options?.some((option) => option.value === value) === false);
  if (unknown.length > 0) throw new Error(`The select has no option "${unknown.join('", "')}".`);
}
