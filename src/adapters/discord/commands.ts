import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  ChannelType,
  InteractionContextType,
  PermissionFlagsBits,
  Routes,
  type APIApplicationCommandBasicOption,
  type REST,
  type RESTGetAPIApplicationCommandsResult,
  type RESTPutAPIApplicationCommandsJSONBody,
} from 'discord.js';
import type { Clock } from '../../delivery/clock.ts';
import type { Locale } from '../../i18n/translate.ts';
import { backoffMs, type RetryPace } from '../../intake/back-off.ts';
import type { CommandOption, CommandSpec } from '../../platform/command.ts';
import type { Logger } from '../../platform/logger.ts';
import type { CommandWords } from './command-words.ts';
import { attempt, describe as describeFailure, isTransient } from './failure.ts';
import { isAskedFor } from './modal.ts';

/** How to insist while Discord is away. */
export interface Retrying {
  readonly pace: RetryPace;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

type CommandBody = RESTPutAPIApplicationCommandsJSONBody[number];

/** The specs as global application commands (interactions/application-commands). */
export function toApplicationCommands(specs: readonly CommandSpec[], words: CommandWords): CommandBody[] {
  const families = Map.groupBy(specs, ({ name }) => name);
  return [...families.values()].flatMap((family) => {
    const [first] = family;
    if (first === undefined) return [];
    return {
      ...(first.onMessage === undefined ? slashCommand(first, family, words) : messageCommand(first, words)),
      contexts: CONTEXTS[first.scope],
      integration_types: [ApplicationIntegrationType.GuildInstall],
      default_member_permissions: PERMISSIONS[first.requires],
    };
  });
}

/** The name under which a command on a message comes back. */
export function messageCommandName(command: string, { labelOf }: CommandWords): string {
  return labelOf(command, 'en').slice(0, LONGEST_NAME);
}

/**
 * Registers the commands, but only where Discord has other ones: new names count against 200 a day.
 * Permission is decided when a command is used. Goes on while Discord is away; a refusal is logged
 * and changes nothing else. Never rejects.
 */
export async function publishCommands(
  rest: REST,
  applicationId: string,
  commands: readonly CommandBody[],
  { clock, pace, random, logger, signal }: Retrying & { readonly signal: AbortSignal },
): Promise<void> {
  for (let failures = 1; !signal.aborted; failures += 1) {
    const outcome = await attempt(() => replaceCommands(rest, applicationId, commands));
    if (outcome.ok) {
      if (outcome.value === 'replaced') logger.info({ commands: commands.length }, 'commands registered');
      return;
    }
    const reason = describeFailure(outcome.failure);
    logger[failures === 1 ? 'warn' : 'debug']({ reason }, 'commands not registered');
    if (!isTransient(outcome.failure)) return;
    await clock.sleep(backoffMs(failures, pace, random), signal);
  }
}

async function replaceCommands(
  rest: REST,
  applicationId: string,
  commands: readonly CommandBody[],
): Promise<'replaced' | 'the same'> {
  const route = Routes.applicationCommands(applicationId);
  const query = new URLSearchParams({ with_localizations: 'true' });
  const known = (await rest.get(route, { query })) as RESTGetAPIApplicationCommandsResult;
  if (sameCommands(known, commands)) return 'the same';
  await rest.put(route, { body: commands });
  return 'replaced';
}

/** Whether what Discord has says the same as what we want, in any order and with Discord's own fields and defaults. */
export function sameCommands(known: readonly object[], wanted: readonly object[]): boolean {
  const asText = (commands: readonly object[]): string =>
    JSON.stringify(commands.map((command) => JSON.stringify(normalized(command, COMMAND_FIELDS))).toSorted());
  return asText(known) === asText(wanted);
}

/** A family shares its name (interactions/application-commands "Subcommands and Subcommand Groups"). */
function slashCommand(first: CommandSpec, family: readonly CommandSpec[], words: CommandWords) {
  const { name } = first;
  return {
    type: ApplicationCommandType.ChatInput as const,
    name,
    ...described((locale) => words.describe(name, locale)),
    options:
      first.subcommand === undefined
        ? optionsOf(first, words)
        : family.map((spec) => subcommandBody(spec, words)),
  };
}

function subcommandBody(spec: CommandSpec, words: CommandWords) {
  const { name, subcommand = '' } = spec;
  return {
    type: ApplicationCommandOptionType.Subcommand as const,
    name: subcommand,
    ...described((locale) => words.describe(`${name}.${subcommand}`, locale)),
    options: optionsOf(spec, words),
  };
}

function optionsOf(spec: CommandSpec, { describeOption }: CommandWords): APIApplicationCommandBasicOption[] {
  return (
    spec.options
      .filter(({ isSecret }) => isSecret !== true)
      // Discord would not let people use the command without it, and the modal could never ask.
      .map((option) => ({ ...option, required: option.required && !isAskedFor(spec, option) }))
      .toSorted((one, other) => Number(other.required) - Number(one.required))
      .map((option) => optionBody(option, (locale) => describeOption(option.name, locale)))
  );
}

function messageCommand({ name }: CommandSpec, words: CommandWords) {
  return {
    type: ApplicationCommandType.Message as const,
    name: messageCommandName(name, words),
    name_localizations: { id: words.labelOf(name, 'id').slice(0, LONGEST_NAME) },
  };
}

function optionBody(
  { name, kind, required, choices, suggests }: CommandOption,
  describe: (locale: Locale) => string,
): APIApplicationCommandBasicOption {
  const shared = { name, required, ...described(describe) };
  switch (kind) {
    case 'boolean':
      return { type: ApplicationCommandOptionType.Boolean, ...shared };
    case 'integer':
      return { type: ApplicationCommandOptionType.Integer, ...shared, ...numbersOf(choices) };
    case 'number':
      return { type: ApplicationCommandOptionType.Number, ...shared, ...numbersOf(choices) };
    case 'user':
      return { type: ApplicationCommandOptionType.User, ...shared };
    case 'role':
      return { type: ApplicationCommandOptionType.Role, ...shared };
    case 'channel':
      return { type: ApplicationCommandOptionType.Channel, ...shared, channel_types: [...TALKED_IN] };
    case 'text': {
      const text = { type: ApplicationCommandOptionType.String as const, ...shared };
      if (suggests !== undefined) return { ...text, autocomplete: true };
      return choices === undefined
        ? text
        : { ...text, choices: choices.map((choice) => ({ name: choice, value: choice })) };
    }
  }
}

function numbersOf(choices: CommandOption['choices']) {
  return choices === undefined
    ? {}
    : { choices: choices.map((choice) => ({ name: choice, value: Number(choice) })) };
}

/** Without an entry for en-US, readers of American English get British English where there is one. */
function described(describe: (locale: Locale) => string) {
  const english = describe('en').slice(0, LONGEST_DESCRIPTION);
  const indonesian = describe('id').slice(0, LONGEST_DESCRIPTION);
  return {
    description: english,
    description_localizations: { 'en-US': english, 'en-GB': english, id: indonesian },
  };
}

/** Where conversations take place; a thread belongs to one of these. */
const TALKED_IN = [
  ChannelType.GuildText,
  ChannelType.GuildVoice,
  ChannelType.GuildAnnouncement,
  ChannelType.GuildStageVoice,
  ChannelType.GuildForum,
] as const;

const LONGEST_DESCRIPTION = 100;
const LONGEST_NAME = 32;

const CONTEXTS: Readonly<Record<CommandSpec['scope'], InteractionContextType[]>> = {
  any: [InteractionContextType.Guild, InteractionContextType.BotDM],
  guild: [InteractionContextType.Guild],
  private: [InteractionContextType.BotDM],
};

/** "0" offers a command to administrators alone, unless a server's admin says otherwise. */
const PERMISSIONS: Readonly<Record<CommandSpec['requires'], string | null>> = {
  everyone: null,
  guild_admin: String(PermissionFlagsBits.ManageGuild),
  operator: '0',
};

/** Fields that we set, each with what stands for it when Discord leaves it out. */
const COMMAND_FIELDS: Readonly<Record<string, unknown>> = {
  type: ApplicationCommandType.ChatInput,
  name: '',
  name_localizations: null,
  description: '',
  description_localizations: null,
  options: [],
  contexts: null,
  integration_types: [ApplicationIntegrationType.GuildInstall],
  default_member_permissions: null,
};

const OPTION_FIELDS: Readonly<Record<string, unknown>> = {
  type: 0,
  name: '',
  name_localizations: null,
  description: '',
  description_localizations: null,
  required: false,
  choices: [],
  channel_types: [],
  autocomplete: false,
  options: [],
};

const CHOICE_FIELDS: Readonly<Record<string, unknown>> = { name: '', name_localizations: null, value: '' };

/** The fields in one order, with their defaults; what Discord adds besides is left out. */
function normalized(given: object, fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const source = given as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(fields).map(([field, fallback]) => [
      field,
      normalizedField(field, source[field] ?? fallback),
    ]),
  );
}

function normalizedField(field: string, value: unknown): unknown {
  if (field.endsWith('_localizations')) return sortedEntries(value);
  if (!Array.isArray(value)) return value;
  if (field === 'options') return value.map((option: object) => normalized(option, OPTION_FIELDS));
  if (field === 'choices') return value.map((choice: object) => normalized(choice, CHOICE_FIELDS));
  return value.toSorted((one, other) => Number(one) - Number(other));
}

/** No translations are said in two ways: null and {}. */
function sortedEntries(value: unknown): readonly unknown[] {
  return Object.entries((value ?? {}) as object).toSorted(([one], [other]) => one.localeCompare(other));
}
