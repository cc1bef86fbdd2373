import { askAbout } from './ask-about.ts';
import { ask } from './ask.ts';
import type { Command } from './command.ts';
import { guild } from './guild.ts';
import { help } from './help.ts';
import { startNew } from './new.ts';
import { settings } from './settings.ts';
import { start } from './start.ts';
import { stats } from './stats.ts';
import { stop } from './stop.ts';
import { usage } from './usage.ts';

/** Every command, in the order in which lists show them. */
export const commands: readonly Command[] = [
  ask,
  askAbout,
  startNew,
  stop,
  usage,
  stats,
  settings,
  help,
  start,
  guild,
];
