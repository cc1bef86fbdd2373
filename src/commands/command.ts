import type { AccessPolicy } from '../conversation/access.ts';
import type { Engine } from '../conversation/engine.ts';
import type { AccessRequests, GuildSettings, TurnStore } from '../conversation/ports.ts';
import type { Notice } from '../i18n/translate.ts';
import type { CommandInvocation, CommandSpec } from '../platform/command.ts';
import type { UsageReader } from '../usage/ports.ts';

/** What a command is called and takes, and what it does. One file each; options are checked before. */
export type Command = ActionCommand | QuestionCommand;

/** Does something and says so. */
export interface ActionCommand {
  readonly spec: CommandSpec;
  /** Resolves with Markdown for the person. Rejects with `StoreUnavailable`. */
  run(use: CommandUse): Promise<string>;
}

/** Makes a turn, whose answer is the reply. */
export interface QuestionCommand {
  readonly spec: CommandSpec;
  question(options: CommandOptions, say: CommandUse['say']): string;
}

export interface CommandUse {
  readonly invocation: CommandInvocation;
  readonly options: CommandOptions;
  readonly services: CommandServices;
  /** A sentence in the reader's language. */
  readonly say: (notice: Notice) => string;
}

export type CommandOptions = Readonly<Record<string, string | number | boolean>>;

/** What commands may use. */
export interface CommandServices {
  readonly engine: Engine;
  readonly store: TurnStore;
  readonly usage: UsageReader;
  readonly requests: AccessRequests;
  readonly guildSettings: GuildSettings;
  readonly access: AccessPolicy;
  readonly commands: readonly Command[];
  readonly now: () => number;
}

/** Whether people write the command; one on a message is chosen from that message's menu. */
export const isWritten = (spec: CommandSpec): boolean => spec.onMessage === undefined;

export const lines = (...texts: readonly string[]): string => texts.join('\n');
