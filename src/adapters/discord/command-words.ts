import type { Locale } from '../../i18n/translate.ts';

/** What commands and their options are called in the menus; Discord takes at most 100 characters. */
export interface CommandWords {
  readonly describe: (command: string, locale: Locale) => string;
  readonly describeOption: (option: string, locale: Locale) => string;
  /** For commands on a message; at most 32 characters. */
  readonly labelOf: (command: string, locale: Locale) => string;
}
