import type { MessageId, UserId } from './ids.ts';
import type { Envelope } from './message.ts';

/**
 * `number` may have decimals. A user, a role or a channel is read as its qualified id, a channel's being that of a place; where
 * a platform does not show them to choose from, people write `reply`, `me` or an id for a user and `here` for a channel.
 */
export interface CommandOption {
  readonly name: string;
  readonly kind: 'text' | 'integer' | 'number' | 'boolean' | 'user' | 'role' | 'channel';
  readonly required: boolean;
  /** Allowed values; anything else is refused with a sentence that lists them. */
  readonly choices?: readonly string[];
  /** Takes the rest of the line where options are written as text. At most one, the last. */
  readonly greedy?: boolean;
  /** Asked for where nobody reads along, and never as an option that a platform would show. */
  readonly isSecret?: boolean;
  /** What is proposed while it is written, where a platform can. */
  readonly suggests?: 'models';
}

/**
 * A command as data. Every adapter renders it its own way: an application command, a bot command,
 * a line that starts with a slash. Names fit both platforms: 1-32 of `[a-z0-9_]`; the description
 * is the i18n key `command.<name>.description`, at most 100 characters.
 */
export interface CommandSpec {
  readonly name: string;
  /**
   * The word behind the name, where several commands share one: the first of them is meant where none is written. Its
   * description is `command.<name>.<subcommand>.description`.
   */
  readonly subcommand?: string;
  readonly options: readonly CommandOption[];
  /** Where set, people use the command on a message, from its menu; the option of this name is that message's text. */
  readonly onMessage?: string;
  /** Sent by a platform when a person opens the bot, and of no use where none does. */
  readonly opensChat?: boolean;
  readonly scope: 'any' | 'guild' | 'private';
  readonly requires: 'everyone' | 'guild_admin' | 'operator';
  /** What is written with it may be secret: it is taken out of sight where a platform can, and never said back. */
  readonly isConfidential?: boolean;
  /** What it says is for nobody but who asks: where others would read it, it says only where to ask. */
  readonly isDiscreet?: boolean;
  /** How the answer shows where the platform can choose; a modal must be the first response. */
  readonly respond: 'modal' | 'privateModal' | 'instant' | 'deferPublic' | 'deferPrivate';
}

/** A command as people write it, without the slash. */
export function nameOf({
  name,
  subcommand = null,
}: {
  readonly name: string;
  readonly subcommand?: string | null;
}): string {
  return subcommand === null ? name : `${name} ${subcommand}`;
}

/** One of each name, the first: what a menu shows of commands that share one. */
export function firstOfEach<Spec extends Pick<CommandSpec, 'name'>>(specs: readonly Spec[]): readonly Spec[] {
  return [...Map.groupBy(specs, ({ name }) => name).values()].flatMap(([first]) => first ?? []);
}

/** One use of a command; options as written, not yet checked against the spec. */
export interface CommandInvocation extends Envelope {
  readonly name: string;
  /** Null where it is written in the line, or there is none. */
  readonly subcommand: string | null;
  readonly options: Readonly<Record<string, string>>;
  /** What was written behind the command where options are text; null where the platform sends them apart. */
  readonly line: string | null;
  readonly isPrivate: boolean;
  /** Others read what is written here, and what is answered whatever the spec says. */
  readonly isOverheard?: boolean;
  readonly repliesTo: MessageId | null;
  /** The person whose message that is, where a platform tells. */
  readonly repliesToUser?: UserId;
  /** The message from whose menu it is used. */
  readonly about?: MessageId;
}

/** Whether what was written with a command may be a secret, so that nobody should go on reading it. */
export function bearsSecret(
  specs: readonly CommandSpec[],
  { name, line }: Pick<CommandInvocation, 'name' | 'line'>,
): boolean {
  const family = specs.filter((spec) => spec.name === name && spec.isConfidential === true);
  const [first = '', ...others] = (line ?? '').trim().toLowerCase().split(/\s+/u);
  if (family.length === 0 || first === '') return false;
  const isPlain = (word: string): boolean =>
    family.some(({ options }) =>
      options.some((option) => option.choices?.some((choice) => word === `${option.name}:${choice}`)),
    );
  return family.every(({ subcommand }) => subcommand !== first) || !others.every(isPlain);
}

/** A button below what a command said: pressing it uses a command as if this line were written behind its name. */
export interface CommandButton {
  readonly label: string;
  readonly command: string;
  readonly line: string;
}

/** A button that opens an address of the platform's own, such as that of an invoice. */
export interface LinkButton {
  readonly label: string;
  readonly url: string;
}

/** A button that opens the platform's shop at what it calls so; it bears the shop's own words. Shown only where there is such a shop. */
export interface ShopButton {
  readonly sku: string;
}

/** What may stand below what a command said. */
export type SaidButton = CommandButton | LinkButton | ShopButton;

/** What a platform keeps for such a button: the command as it would be written. */
export function dataOf({ command, line }: CommandButton): string {
  return `/${command} ${line}`;
}

/** What stands behind a button with such data; null for any other. */
export function readData(
  data: string,
): Pick<CommandInvocation, 'name' | 'subcommand' | 'options' | 'line'> | null {
  const [, name, line] = /^\/([a-z\d_]{1,32}) (.*)$/su.exec(data) ?? [];
  return name === undefined || line === undefined ? null : { name, subcommand: null, options: {}, line };
}

/** A person writes an option of a command and may be proposed what to write. */
export interface SuggestionRequest extends Envelope {
  readonly command: string;
  readonly option: string;
  /** So far. */
  readonly written: string;
}

/** A button under one of our replies. */
export interface ButtonPress extends Envelope {
  readonly action: ButtonAction;
  /** The turn whose text stood above the button. */
  readonly turn: string;
}

export const BUTTON_ACTIONS = ['stop', 'regenerate', 'continue', 'previous', 'next', 'why'] as const;

/** `previous` and `next` move between the versions of an answer; `why` tells how it came about. */
export type ButtonAction = (typeof BUTTON_ACTIONS)[number];
