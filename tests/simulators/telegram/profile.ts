import type { BotCommand } from '@grammyjs/types';

/** What the bot has set about itself, by scope and language. */
export interface Profile {
  /** Commands by scope key and language code (empty for all languages). */
  readonly commands: Map<string, readonly BotCommand[]>;
  /** Name, description and short description by field and language code. */
  readonly texts: Map<string, string>;
  clear(): void;
}

export function createProfile(): Profile {
  const commands = new Map<string, readonly BotCommand[]>();
  const texts = new Map<string, string>();
  return {
    commands,
    texts,
    clear() {
      commands.clear();
      texts.clear();
    },
  };
}
