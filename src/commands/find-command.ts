import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import type { Notice } from '../i18n/translate.ts';
import { nameOf, type CommandInvocation } from '../platform/command.ts';
import { editDistance } from '../platform/edit-distance.ts';
import { isWritten, type Command } from './command.ts';

export type Found =
  /** `invocation` without what was read of its line. */
  | { readonly kind: 'found'; readonly command: Command; readonly invocation: CommandInvocation }
  | { readonly kind: 'unknown'; readonly problem: Notice };

/** The command that somebody uses. */
export function findCommand(commands: readonly Command[], invocation: CommandInvocation): Found {
  const offered = commands.filter(({ spec }) => invocation.line === null || isWritten(spec));
  const family = offered.filter(({ spec }) => spec.name === invocation.name);
  const [first] = family;
  if (first === undefined) return { kind: 'unknown', problem: unknownCommand(invocation.name, offered) };
  if (first.spec.subcommand === undefined) return { kind: 'found', command: first, invocation };
  const { subcommand, line } = splitLine(invocation);
  const command = subcommand === '' ? first : family.find(({ spec }) => spec.subcommand === subcommand);
  return command === undefined
    ? { kind: 'unknown', problem: unknownSubcommand(subcommand, family) }
    : { kind: 'found', command, invocation: { ...invocation, line } };
}

/** The first word of what is written is the subcommand, where the platform does not tell it apart. */
function splitLine({ subcommand, line }: CommandInvocation): { subcommand: string; line: string | null } {
  if (line === null) return { subcommand: subcommand ?? '', line };
  const [, word = '', rest = ''] = /^\s*(\S*)\s*(.*)$/su.exec(line) ?? [];
  return { subcommand: word.toLowerCase(), line: rest };
}

function unknownCommand(name: string, commands: readonly Command[]): Notice {
  const known = commands.map(({ spec }) => spec.name);
  const params = { name: escapeMarkdown(name.slice(0, 32).toWellFormed()), suggestion: nearest(name, known) };
  return { key: 'command.unknown', params };
}

function unknownSubcommand(word: string, family: readonly Command[]): Notice {
  const known = family.map(({ spec }) => `/${nameOf(spec)}`);
  const isConfidential = family[0]?.spec.isConfidential === true;
  const shown = isConfidential ? '…' : escapeMarkdown(word.slice(0, 32).toWellFormed());
  const written = `/${family[0]?.spec.name ?? ''} ${shown}`;
  return { key: 'command.unknown_subcommand', params: { written, known: known.join(', ') } };
}

/** The name that was begun or misspelt; empty when none is near. */
function nearest(name: string, known: readonly string[]): string {
  const begun = known.find((candidate) => candidate.startsWith(name) || name.startsWith(candidate));
  if (begun !== undefined) return begun;
  const [closest] = known
    .map((candidate) => ({ candidate, distance: editDistance(candidate, name) }))
    .filter(({ distance }) => distance <= 2)
    .toSorted((one, other) => one.distance - other.distance);
  return closest?.candidate ?? '';
}
