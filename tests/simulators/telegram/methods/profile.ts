import type { BotCommand, BotCommandScope } from '@grammyjs/types';
import { badRequest } from '../refusal.ts';
import { codePoints } from '../text.ts';
import { userObject } from '../world.ts';
import { findChat } from './method.ts';
import type { Method } from './method.ts';
import type { Simulation } from '../simulation.ts';

export const getMe: Method<object> = ({ world, options }) => ({
  ...userObject(world.bot),
  can_join_groups: true,
  can_read_all_group_messages: !options.privacyMode,
  supports_guest_queries: false,
  supports_inline_queries: false,
  can_connect_to_business: false,
  has_main_web_app: false,
  has_topics_enabled: options.topicsInPrivate,
  allows_users_to_create_topics: options.topicsInPrivate,
  can_manage_bots: false,
  supports_join_request_queries: false,
});

interface CommandPlace {
  scope?: BotCommandScope;
  language_code?: string;
}

export const setMyCommands: Method<CommandPlace & { commands: BotCommand[] }> = (simulation, params) => {
  const key = commandKey(simulation, params);
  // Bot API setMyCommands: at most 100 commands.
  if (params.commands.length > 100) throw badRequest('BOT_COMMANDS_TOO_MUCH');
  const commands = params.commands.map(({ command, ...rest }) => ({
    ...rest,
    command: command.replace(/^\//, ''),
  }));
  for (const { command, description } of commands) {
    // Bot API BotCommand: 1-32 lowercase letters, digits and underscores; description 1-256 characters.
    if (!/^[a-z0-9_]{1,32}$/.test(command)) throw badRequest('BOT_COMMAND_INVALID');
    const length = codePoints(description.trim());
    if (length < 1 || length > 256) throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID');
  }
  if (commands.length === 0) simulation.profile.commands.delete(key);
  else simulation.profile.commands.set(key, commands);
  return true;
};

export const getMyCommands: Method<CommandPlace> = (simulation, params) =>
  simulation.profile.commands.get(commandKey(simulation, params)) ?? [];

export const deleteMyCommands: Method<CommandPlace> = (simulation, params) => {
  simulation.profile.commands.delete(commandKey(simulation, params));
  return true;
};

function commandKey(simulation: Simulation, { scope, language_code }: CommandPlace): string {
  const parts: (string | number)[] = [scope?.type ?? 'default'];
  if (scope !== undefined && 'chat_id' in scope) parts.push(findChat(simulation, scope.chat_id).id);
  if (scope !== undefined && 'user_id' in scope) parts.push(scope.user_id);
  return `${parts.join(':')}|${checkedLanguage(language_code)}`;
}

/** A two-letter ISO 639-1 code, or nothing for all languages. Refuses with 400. */
function checkedLanguage(code = ''): string {
  if (!/^([a-z]{2})?$/.test(code)) throw badRequest('invalid language code specified');
  return code;
}

type TextField = 'name' | 'description' | 'short_description';

/** Bot API setMyName, setMyDescription, setMyShortDescription: the longest text in characters. */
const longestText: Readonly<Record<TextField, number>> = {
  name: 64,
  description: 512,
  short_description: 120,
};

/** The setter of one of the bot's texts, kept per language. */
export function textSetter(field: TextField): Method<Record<string, string | undefined>> {
  return (simulation, params) => {
    const text = params[field] ?? '';
    const key = `${field}|${checkedLanguage(params['language_code'])}`;
    if (codePoints(text) > longestText[field]) {
      throw badRequest(`BOT_${field === 'short_description' ? 'ABOUT' : field.toUpperCase()}_TOO_LONG`);
    }
    simulation.profile.texts.set(key, text);
    return true;
  };
}

/** The getter: the language's own text, or the one for all languages. */
export function textGetter(field: TextField): Method<{ language_code?: string }> {
  return ({ profile, world }, { language_code }) => {
    const own = profile.texts.get(`${field}|${checkedLanguage(language_code)}`);
    const text = own === undefined || own === '' ? profile.texts.get(`${field}|`) : own;
    return { [field]: text ?? (field === 'name' ? world.bot.firstName : '') };
  };
}
