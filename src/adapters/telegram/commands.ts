import type { Api } from 'grammy';
import type { BotCommandScope, MessageEntity } from 'grammy/types';
import { LOCALES, type Locale } from '../../i18n/translate.ts';
import { firstOfEach, type CommandSpec } from '../../platform/command.ts';
import type { Logger } from '../../platform/logger.ts';
import { attempt, describe as describeFailure } from './failure.ts';

/** `/name@bot line`, as written. */
export interface CommandLine {
  readonly name: string;
  /** The bot it is addressed to, without the `@`. */
  readonly bot: string | null;
  readonly line: string;
}

/** The command that a message starts with, if Telegram marked one there. */
export function parseCommandLine(text: string, entities: readonly MessageEntity[]): CommandLine | null {
  const entity = entities.find(({ type, offset }) => type === 'bot_command' && offset === 0);
  if (entity === undefined) return null;
  const [name = '', bot] = text.slice(1, entity.length).split('@');
  return { name: name.toLowerCase(), bot: bot ?? null, line: text.slice(entity.length).trim() };
}

/**
 * Publishes the command menus, for each scope in each language. Menus are only what clients offer:
 * permission is decided when a command is used. A failure is logged and changes nothing else.
 */
export async function publishCommands(
  api: Api,
  specs: readonly CommandSpec[],
  describe: (command: string, locale: Locale) => string,
  logger: Logger,
): Promise<void> {
  for (const { scope, offers } of MENUS) {
    for (const locale of LOCALES) {
      const commands = firstOfEach(specs)
        .filter((spec) => spec.requires !== 'operator' && offers.includes(spec.scope))
        .map(({ name }) => ({ command: name, description: describe(name, locale) }));
      // English is the list without a language: the one for everybody whose language has none.
      const language = locale === 'en' ? {} : { language_code: locale };
      const outcome = await attempt(() => api.setMyCommands(commands, { scope, ...language }));
      if (!outcome.ok) {
        logger.warn(
          { scope: scope.type, locale, reason: describeFailure(outcome.failure) },
          'command menu not published',
        );
      }
    }
  }
}

const MENUS: readonly {
  readonly scope: BotCommandScope;
  readonly offers: readonly CommandSpec['scope'][];
}[] = [
  { scope: { type: 'default' }, offers: ['any'] },
  { scope: { type: 'all_private_chats' }, offers: ['any', 'private'] },
  { scope: { type: 'all_group_chats' }, offers: ['any', 'guild'] },
];
