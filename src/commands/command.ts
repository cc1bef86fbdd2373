import type { AccessPolicy } from '../conversation/access.ts';
import type { AnswerStories } from '../conversation/answer-story.ts';
import type { Engine } from '../conversation/engine.ts';
import type { AccessRequests, AuditLog, Blocks, Reports } from '../conversation/operation-ports.ts';
import type { TurnStore } from '../conversation/ports.ts';
import type { GuildSettings, Preferences } from '../conversation/setting-ports.ts';
import type { Notice } from '../i18n/translate.ts';
import type { ModelShelf } from '../completion/ports.ts';
import type { KeyKeeper } from '../keys/key-keeper.ts';
import type { FreePoolReader } from '../limits/free-ports.ts';
import type { QuotaDesk } from '../limits/ports.ts';
import type { BudgetDesk } from '../limits/budget-desk.ts';
import type { PlanLedger } from '../plans/ports.ts';
import type { GuildOffice, Said } from '../platform/adapter.ts';
import type { CommandInvocation, CommandSpec, SaidButton } from '../platform/command.ts';
import type { GuildId, Platform } from '../platform/ids.ts';
import type { PaymentDesk } from '../platform/payment.ts';
import type { UsageReader } from '../usage/ports.ts';

/** What a command is called and takes, and what it does. One file each; options are checked before. */
export type Command = ActionCommand | QuestionCommand;

/** Does something and says so. */
export interface ActionCommand {
  readonly spec: CommandSpec;
  /** Resolves with Markdown for the person. Rejects with `StoreUnavailable`. */
  run(use: CommandUse): Promise<CommandAnswer>;
  /** Somebody used it who may not. Rejects with `StoreUnavailable`. */
  onDenied?(invocation: CommandInvocation, services: CommandServices): Promise<void>;
}

/** Markdown, perhaps with buttons below it. */
export type CommandAnswer = string | Said;

/** Makes a turn, whose answer is the reply. */
export interface QuestionCommand {
  readonly spec: CommandSpec;
  question(options: CommandOptions, say: CommandUse['say']): string;
  /** Whether the answer is to search the web; absent for a command that never does. */
  searches?(options: CommandOptions): boolean;
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
  readonly stories: AnswerStories;
  readonly requests: AccessRequests;
  readonly blocks: Blocks;
  readonly reports: Reports;
  readonly audit: AuditLog;
  /** What the guild's platform can be asked and told about it; null where it has no guilds, or is not served here. */
  readonly officeOf: (guild: GuildId) => GuildOffice | null;
  readonly newReportId: () => string;
  readonly guildSettings: GuildSettings;
  readonly preferences: Preferences;
  readonly budgets: BudgetDesk;
  readonly models: ModelShelf;
  readonly keys: KeyKeeper;
  readonly quotas: QuotaDesk;
  readonly freePools: FreePoolReader;
  readonly plans: PlanLedger;
  /** The platform's side of payments; null where it takes none. */
  readonly payments: (platform: Platform) => PaymentDesk | null;
  /** Whether the platform sells by itself what its shop has. */
  readonly hasShop: (platform: Platform) => boolean;
  readonly access: AccessPolicy;
  readonly commands: readonly Command[];
  readonly now: () => number;
}

export const withButtons = (text: string, buttons: readonly SaidButton[]): CommandAnswer =>
  buttons.length === 0 ? text : { text, buttons };

/** Whether people write the command; one on a message is chosen from that message's menu. */
export const isWritten = (spec: CommandSpec): boolean => spec.onMessage === undefined;

export const lines = (...texts: readonly string[]): string => texts.join('\n');
