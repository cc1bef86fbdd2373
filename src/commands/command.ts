import type { AccessPolicy } from '../conversation/access.ts';
import type { Engine } from '../conversation/engine.ts';
import type { TurnStore } from '../conversation/ports.ts';
import type { Notice } from '../i18n/translate.ts';
import type { CommandInvocation, CommandSpec } from '../platform/command.ts';
import type { UsageReader } from '../usage/ports.ts';

/** A command: what it is called and takes, and what it does. One file each. */
export interface Command {
  readonly spec: CommandSpec;
  /** Options are checked against the spec before. Rejects with `StoreUnavailable`. */
  run(use: CommandUse): Promise<CommandOutcome>;
}

export interface CommandUse {
  readonly invocation: CommandInvocation;
  readonly options: CommandOptions;
  readonly services: CommandServices;
  /** A sentence in the reader's language. */
  readonly say: (notice: Notice) => string;
}

export type CommandOptions = Readonly<Record<string, string | number | boolean>>;

export type CommandOutcome =
  /** Markdown for the person. */
  | { readonly kind: 'said'; readonly text: string }
  /** Makes a turn of this text; its answer is the reply. */
  | { readonly kind: 'ask'; readonly text: string };

/** What commands may use. */
export interface CommandServices {
  readonly engine: Engine;
  readonly store: TurnStore;
  readonly usage: UsageReader;
  readonly access: AccessPolicy;
  readonly commands: readonly Command[];
  readonly now: () => number;
}

export const said = (...lines: readonly string[]): CommandOutcome => ({
  kind: 'said',
  text: lines.join('\n'),
});
