import { createHash } from 'node:crypto';
import { invalidForm, refusal } from './refusal.ts';
import type { Problem } from './refusal.ts';
import type { SnowflakeSource } from './snowflake.ts';
import type { Wire } from './world.ts';

/** A command as a request declares it. Its shape was checked against the description before. */
export interface CommandBody extends Wire {
  readonly name: string;
  readonly type?: number | null;
  readonly description?: string | null;
  readonly default_member_permissions?: string | number | null;
  readonly options?: readonly OptionBody[] | null;
}

/** An option of a command, or a subcommand, or a group of them. */
export interface OptionBody extends Wire {
  readonly name: string;
  readonly type: number;
  readonly description: string;
  readonly required?: boolean | null;
  readonly autocomplete?: boolean | null;
  readonly choices?: readonly { readonly name: string; readonly value: string | number }[] | null;
  readonly options?: readonly OptionBody[] | null;
}

/** A registered command: ApplicationCommandResponse. */
export interface Command extends Wire {
  readonly id: string;
  readonly name: string;
  readonly type: number;
  readonly default_member_permissions: string | null;
  readonly contexts?: readonly number[] | null;
  readonly integration_types?: readonly number[];
  readonly options?: readonly OptionBody[];
}

/** Commands by scope: a guild's id, or `global`. */
export interface CommandBook {
  of(scope: string): readonly Command[];
  /** Replaces all commands of a scope. Commands that stay keep their ids; only new names count against the day's 200 creates. */
  overwrite(scope: string, bodies: readonly CommandBody[], context: CommandContext): readonly Command[];
  /** Adds one command, or replaces the one of its type and name; `isNew` tells which. */
  upsert(scope: string, body: CommandBody, context: CommandContext): { command: Command; isNew: boolean };
}

export interface CommandContext {
  readonly ids: SnowflakeSource;
  readonly applicationId: string;
}

/** Types (interactions/application-commands): a slash command, and entries of a person's and a message's menu. */
export const commandTypes = { chatInput: 1, user: 2, message: 3 } as const;

const mostOfType: Readonly<Record<number, number>> = { 1: 100, 2: 15, 3: 15 };
const mostCreatesPerDay = 200;
const mostCharacters = 8000;
const dayMs = 86_400_000;

export function createCommandBook(now: () => number): CommandBook {
  const scopes = new Map<string, readonly Command[]>();
  const creates = new Map<string, number[]>();
  const countCreates = (scope: string, added: number): void => {
    const recent = (creates.get(scope) ?? []).filter((at) => at > now() - dayMs);
    if (recent.length + added > mostCreatesPerDay) throw refusal('tooManyCommandCreates');
    creates.set(scope, [...recent, ...Array.from({ length: added }, now)]);
  };
  const book: CommandBook = {
    of: (scope) => scopes.get(scope) ?? [],
    overwrite(scope, bodies, context) {
      checkCommands(bodies);
      const old = book.of(scope);
      countCreates(scope, bodies.filter((body) => sameCommand(old, body) === undefined).length);
      const commands = bodies.map((body) => registered(scope, body, sameCommand(old, body), context));
      scopes.set(scope, commands);
      return commands;
    },
    upsert(scope, body, context) {
      const old = book.of(scope);
      const replaced = sameCommand(old, body);
      const others = old.filter((command) => command !== replaced);
      checkCommands([body]);
      checkCounts([...others, body]);
      countCreates(scope, replaced === undefined ? 1 : 0);
      const command = registered(scope, body, replaced, context);
      scopes.set(scope, [...others, command]);
      return { command, isNew: replaced === undefined };
    },
  };
  return book;
}

function typeOf({ type }: CommandBody | Command): number {
  return type ?? commandTypes.chatInput;
}

function sameCommand(commands: readonly Command[], body: CommandBody): Command | undefined {
  return commands.find(({ name, type }) => name === body.name && type === typeOf(body));
}

function registered(
  scope: string,
  body: CommandBody,
  old: Command | undefined,
  { ids, applicationId }: CommandContext,
): Command {
  const isGlobal = scope === 'global';
  const { contexts, integration_types: installs, default_member_permissions: permissions } = body;
  const content = {
    application_id: applicationId,
    default_member_permissions:
      permissions === undefined || permissions === null ? null : String(permissions),
    type: typeOf(body),
    name: body.name,
    name_localizations: body['name_localizations'] ?? null,
    description: body.description ?? '',
    description_localizations: body['description_localizations'] ?? null,
    nsfw: false,
    ...(isGlobal
      ? { dm_permission: true, contexts: contexts ?? null, integration_types: installs ?? [0] }
      : { guild_id: scope }),
    ...(body.options === undefined || body.options === null
      ? {}
      : { options: body.options.map(placedOption) }),
  };
  const isSame =
    old !== undefined && fingerprint(content) === fingerprint({ ...old, id: undefined, version: undefined });
  return {
    ...content,
    id: old?.id ?? ids.next(),
    version: isSame ? String(old['version']) : ids.next(),
  } as Command;
}

function placedOption(option: OptionBody): OptionBody {
  const given = Object.entries(option).filter(([, value]) => value !== null && value !== undefined);
  return {
    ...(Object.fromEntries(given) as unknown as OptionBody),
    ...(option.options === undefined || option.options === null
      ? {}
      : { options: option.options.map(placedOption) }),
  };
}

function fingerprint(content: object): string {
  const sorted = Object.entries(content)
    .filter(([, value]) => value !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}

function checkCounts(bodies: readonly (CommandBody | Command)[]): void {
  for (const [type, most] of Object.entries(mostOfType)) {
    if (bodies.filter((body) => typeOf(body) === Number(type)).length > most)
      throw refusal('tooManyCommands');
  }
}

function checkCommands(bodies: readonly CommandBody[]): void {
  checkCounts(bodies);
  const seen = new Set<string>();
  const problems = bodies.flatMap((body, index): Problem[] => {
    const path = bodies.length === 1 ? [] : [index];
    const key = `${typeOf(body)}:${body.name}`;
    const duplicate = seen.has(key);
    seen.add(key);
    const name = [...path, 'name'];
    return [
      ...(duplicate
        ? [
            {
              path: name,
              code: 'APPLICATION_COMMANDS_DUPLICATE_NAME',
              message: 'Application command names must be unique',
            },
          ]
        : []),
      ...commandProblems(body, path),
    ];
  });
  if (problems.length > 0) throw invalidForm(problems);
}

const slashName = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;

type Path = readonly (string | number)[];

function commandProblems(body: CommandBody, path: Path): Problem[] {
  const problems: Problem[] = [];
  const isSlash = typeOf(body) === commandTypes.chatInput;
  if (isSlash) problems.push(...nameProblems(body.name, [...path, 'name']));
  if (isSlash && (body.description ?? '') === '') {
    problems.push({
      path: [...path, 'description'],
      code: 'BASE_TYPE_REQUIRED',
      message: 'This field is required',
    });
  }
  if (!isSlash && (body.description ?? '') !== '') {
    const message = 'Context menu commands cannot have description';
    problems.push({
      path: [...path, 'description'],
      code: 'APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION',
      message,
    });
  }
  if (!isSlash && (body.options ?? []).length > 0) {
    const message = 'Context menu commands cannot have options';
    problems.push({ path: [...path, 'options'], code: 'APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS', message });
  }
  if (charactersOf(body) > mostCharacters) {
    const message = `Command exceeds maximum size (${mostCharacters})`;
    problems.push({ path, code: 'APPLICATION_COMMAND_TOO_LARGE', message });
  }
  return [...problems, ...optionProblems(body.options ?? [], [...path, 'options'])];
}

function nameProblems(name: string, path: Path): Problem[] {
  if (slashName.test(name) && name === name.toLowerCase()) return [];
  return [{ path, code: 'APPLICATION_COMMAND_INVALID_NAME', message: 'Command name is invalid' }];
}

function optionProblems(options: readonly OptionBody[], path: Path): Problem[] {
  const seen = new Set<string>();
  let sawOptional = false;
  return options.flatMap((option, index) => {
    const at = [...path, index];
    const problems = nameProblems(option.name, [...at, 'name']);
    if (seen.has(option.name)) {
      const message = 'Option name already exists';
      problems.push({ path: at, code: 'APPLICATION_COMMAND_OPTIONS_DUPLICATE_NAME', message });
    }
    if (option.required === true && sawOptional) {
      const message = 'Required options must be placed before non-required options';
      problems.push({ path: at, code: 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID', message });
    }
    if (option.autocomplete === true && (option.choices ?? []).length > 0) {
      const message = 'Autocomplete options cannot have choices';
      problems.push({ path: at, code: 'APPLICATION_COMMAND_AUTOCOMPLETE_WITH_CHOICES', message });
    }
    if (option.type <= 2 !== (options[0]?.type ?? 0) <= 2) {
      const message =
        'Sub-command and sub-command group option types are mutually exclusive to all other types';
      problems.push({ path: at, code: 'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID', message });
    }
    seen.add(option.name);
    sawOptional ||= option.required !== true;
    return [...problems, ...optionProblems(option.options ?? [], [...at, 'options'])];
  });
}

/** Characters that count towards the 8000 of a command: names, descriptions and choice values. */
function charactersOf(body: CommandBody | OptionBody): number {
  const choices = ('choices' in body ? (body as OptionBody).choices : undefined) ?? [];
  const own = body.name.length + (body.description ?? '').length;
  const values = choices.reduce((sum, { name, value }) => sum + name.length + String(value).length, 0);
  return (body.options ?? []).reduce((sum, option) => sum + charactersOf(option), own + values);
}
