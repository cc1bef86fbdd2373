import type { MessageKey } from '../i18n/en.ts';
import { translate, type Locale, type Notice } from '../i18n/translate.ts';

/** How commands are written in the platforms' menus; a test proves that each has its words. */
export const menu = {
  /** 1-100 characters. */
  describe: (command: string, locale: Locale): string => translate(locale, describeCommand(command)),
  /** 1-100 characters. */
  describeOption: (option: string, locale: Locale): string => translate(locale, named(`option.${option}`)),
  /** The name of a command on a message: 1-32 characters. */
  labelOf: (command: string, locale: Locale): string => translate(locale, named(`command.${command}.label`)),
};

/** The sentence that describes a command. */
export const describeCommand = (command: string): Notice => named(`command.${command}.description`);

function named(key: string): Notice {
  return { key: key as MessageKey } as Notice;
}
