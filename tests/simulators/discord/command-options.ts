import type { Command, OptionBody } from './commands.ts';
import { partialMember, userObject, roleObject, channelObject } from './objects.ts';
import { has, permissionsIn } from './permissions.ts';
import type { Simulation } from './simulation.ts';
import type { ChannelState, MemberState, UserState, Wire } from './world.ts';

/** What a person fills in, by option name. People, roles and channels go by their ids. */
export type OptionValues = Readonly<Record<string, string | number | boolean>>;

/** Option types (interactions/application-commands). */
const optionTypes = {
  subcommand: 1,
  group: 2,
  string: 3,
  integer: 4,
  boolean: 5,
  user: 6,
  channel: 7,
  role: 8,
  mentionable: 9,
  number: 10,
} as const;

/** Where options are filled in, and by whom. */
interface Place {
  readonly simulation: Simulation;
  readonly channel: ChannelState;
  readonly user: UserState;
}

/** A command, and the words after its name that lead to a subcommand. */
export interface Offered {
  readonly command: Command;
  readonly path: readonly string[];
}

interface Filled {
  /** `options` of the interaction's data. */
  readonly options: readonly Wire[];
  /** `resolved` of the interaction's data. */
  readonly resolved: Wire;
}

/**
 * The data of a slash command as a person's client makes it. `path` holds the subcommand's words. Throws when the client would not let it
 * through: an unknown, missing, mistyped or out-of-range option. With `focused` the options may be partial, and that one is marked.
 */
export function fillOptions(
  place: Place,
  { command, path }: Offered,
  values: OptionValues,
  focused?: string,
): Filled {
  const { declared, wrap } = descend(command, path);
  for (const name of Object.keys(values)) {
    if (!declared.some((option) => option.name === name))
      throw new Error(`/${command.name} has no option "${name}".`);
  }
  const options = declared.flatMap((option): Wire[] => {
    const value = values[option.name];
    if (value === undefined) {
      if (option.required === true && focused === undefined) {
        throw new Error(`/${command.name} needs the option "${option.name}".`);
      }
      return [];
    }
    const isFocused = option.name === focused;
    if (!isFocused) checkValue(option, value);
    if (!isFocused) checkShown(option, String(value), place);
    return [{ name: option.name, type: option.type, value, ...(isFocused ? { focused: true } : {}) }];
  });
  return { options: wrap(options), resolved: resolve(place, options) };
}

/** The option type that corresponds to a select of people, roles, both or channels. */
const selectTypes: Readonly<Record<number, number>> = {
  5: optionTypes.user,
  6: optionTypes.role,
  7: optionTypes.mentionable,
  8: optionTypes.channel,
};

/** The people, roles and channels that were chosen in a select. */
export function resolveChosen(place: Place, selectType: number, values: readonly string[]): Wire {
  const type = selectTypes[selectType];
  return type === undefined
    ? {}
    : resolve(
        place,
        values.map((value) => ({ type, value })),
      );
}

/** Walks down to the subcommand that `path` names. */
function descend(
  command: Command,
  path: readonly string[],
): { declared: readonly OptionBody[]; wrap: (options: readonly Wire[]) => readonly Wire[] } {
  let declared = command.options ?? [];
  const levels: OptionBody[] = [];
  for (const word of path) {
    const level = declared.find(({ name, type }) => name === word && type <= optionTypes.group);
    if (level === undefined) throw new Error(`/${command.name} has no subcommand "${word}".`);
    levels.push(level);
    declared = level.options ?? [];
  }
  if (declared.some(({ type }) => type <= optionTypes.group))
    throw new Error(`/${command.name} needs a subcommand.`);
  const wrap = (options: readonly Wire[]): readonly Wire[] =>
    levels.reduceRight<readonly Wire[]>((inner, { name, type }) => [{ name, type, options: inner }], options);
  return { declared, wrap };
}

function checkValue(option: OptionBody, value: string | number | boolean): void {
  const { name, type, choices } = option;
  const expected = type === optionTypes.boolean ? 'boolean' : isNumeric(type) ? 'number' : 'string';
  if (typeof value !== expected) throw new Error(`The option "${name}" takes a ${expected}.`);
  if (Array.isArray(choices) && choices.length > 0 && !choices.some((choice) => choice.value === value)) {
    throw new Error(`The option "${name}" has no choice ${value}.`);
  }
  const isText = typeof value === 'string';
  const size = isText ? value.length : Number(value);
  const least = Number(option[isText ? 'min_length' : 'min_value'] ?? -Infinity);
  const most = Number(option[isText ? 'max_length' : 'max_value'] ?? (isText ? 6000 : Infinity));
  if (size < least || size > most) throw new Error(`The option "${name}" takes ${least} to ${most}.`);
}

/** A client lets people choose from what they see: people, the guild's roles, and its channels of the declared types. */
function checkShown({ name, type, channel_types: types }: OptionBody, id: string, place: Place): void {
  const { simulation, channel: here, user } = place;
  const { guild } = here;
  const channel = guild?.channels.get(id);
  const offers: Readonly<Record<number, () => boolean>> = {
    [optionTypes.user]: () => simulation.world.users.has(id),
    [optionTypes.role]: () => guild?.roles.has(id) === true,
    [optionTypes.channel]: () =>
      channel !== undefined &&
      has(permissionsIn(channel, user, simulation.now()), 'ViewChannel') &&
      (!Array.isArray(types) || types.length === 0 || types.includes(channel.type)),
  };
  if (offers[type]?.() === false) throw new Error(`The option "${name}" does not offer ${id}.`);
}

function isNumeric(type: number): boolean {
  return type === optionTypes.integer || type === optionTypes.number;
}

/** The people, roles and channels that options name. */
function resolve(place: Place, options: readonly Wire[]): Wire {
  const { simulation } = place;
  const { guild } = place.channel;
  const resolved: Record<string, Record<string, Wire>> = {};
  const add = (kind: string, id: string, object: Wire): void => {
    resolved[kind] = { ...resolved[kind], [id]: object };
  };
  for (const { type, value } of options) {
    const id = String(value);
    const user = simulation.world.users.get(id);
    const role = guild?.roles.get(id);
    const channel = guild?.channels.get(id);
    if ((type === optionTypes.user || type === optionTypes.mentionable) && user !== undefined) {
      add('users', id, userObject(user));
      const member = guild?.members.get(id);
      if (member !== undefined) add('members', id, resolvedMember(member, place));
    }
    if ((type === optionTypes.role || type === optionTypes.mentionable) && role !== undefined) {
      add('roles', id, roleObject(role));
    }
    if (type === optionTypes.channel && channel !== undefined) {
      add('channels', id, resolvedChannel(channel, place));
    }
  }
  return resolved;
}

/** A member without `user`, `deaf` and `mute`, with what they may do where the interaction took place. */
function resolvedMember(member: MemberState, { simulation, channel }: Place): Wire {
  const { mute: _mute, deaf: _deaf, ...partial } = partialMember(member);
  return { ...partial, permissions: String(permissionsIn(channel, member.user, simulation.now())) };
}

/** With what the person, and the bot, may do there. */
function resolvedChannel(channel: ChannelState, { simulation, user }: Place): Wire {
  const { bot } = simulation.world;
  const mayDo = (who: UserState): string => String(permissionsIn(channel, who, simulation.now()));
  const { permission_overwrites: _overwrites, ...partial } = channelObject(channel, bot.id);
  return { ...partial, permissions: mayDo(user), app_permissions: mayDo(bot) };
}
