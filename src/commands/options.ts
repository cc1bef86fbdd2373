import type { MessageKey } from '../i18n/en.ts';
import { isMessageKey, type Notice } from '../i18n/translate.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import { nameOf, type CommandInvocation, type CommandOption, type CommandSpec } from '../platform/command.ts';
import { userId } from '../platform/ids.ts';
import type { CommandOptions } from './command.ts';

export type ParsedOptions =
  | { readonly ok: true; readonly options: CommandOptions }
  | { readonly ok: false; readonly problem: Notice };

type Say = (notice: Notice) => string;

/**
 * Checks what was given to a command against its spec.
 */
export function parseOptions(spec: CommandSpec, invocation: CommandInvocation, say: Say): ParsedOptions {
  const { written, extra } =
    invocation.line === null ? { written: invocation.options, extra: '' } : bindWords(spec, invocation.line);
  const options: Record<string, string | number | boolean> = {};
  for (const option of spec.options) {
    const value = written[option.name]?.trim() ?? '';
    if (value === '') {
      if (!option.required) continue;
      const params = { command: nameOf(spec), option: option.name, words: optionWords(option, say) };
      return { ok: false, problem: { key: 'command.option_missing', params } };
    }
    const read = readOption(option, value, invocation);
    if (read === null) return { ok: false, problem: invalid(spec, option, say) };
    options[option.name] = read;
  }
  if (extra !== '') {
    const shown = spec.isConfidential === true ? '…' : extra.slice(0, 50).toWellFormed();
    const params = { command: nameOf(spec), extra: escapeMarkdown(shown) };
    return { ok: false, problem: { key: 'command.option_extra', params } };
  }
  return { ok: true, options };
}

/**
 * Gives the words of a line to the options. They bind in order and a greedy option takes the rest;
 * before it, an optional option binds only as `name:value`, because a plain word there is the
 * beginning of the greedy text.
 */
function bindWords(spec: CommandSpec, line: string): { written: Record<string, string>; extra: string } {
  const written: Record<string, string> = {};
  const greedy = spec.options.find((option) => option.greedy === true);
  let rest = line.trim();
  while (rest !== '') {
    const [word = ''] = rest.split(/\s/u, 1);
    const named = spec.options.find(
      (option) =>
        !Object.hasOwn(written, option.name) &&
        word.startsWith(`${option.name}:`) &&
        word.length > option.name.length + 1,
    );
    const inOrder = spec.options.find(
      (option) =>
        !Object.hasOwn(written, option.name) &&
        (option === greedy || greedy === undefined || option.required),
    );
    const bound = named ?? inOrder;
    if (bound === undefined) break;
    if (bound === greedy) {
      const value = named === undefined ? rest : rest.slice(bound.name.length + 1);
      return { written: { ...written, [bound.name]: value }, extra: '' };
    }
    written[bound.name] = named === undefined ? word : word.slice(bound.name.length + 1);
    rest = rest.slice(word.length).trimStart();
  }
  return { written, extra: rest };
}

function readOption(
  option: CommandOption,
  value: string,
  invocation: CommandInvocation,
): string | number | boolean | null {
  if (option.choices !== undefined && !option.choices.includes(value)) return null;
  switch (option.kind) {
    case 'text':
      return value;
    case 'integer':
      return /^[+-]?\d{1,15}$/u.test(value) ? Number(value) : null;
    case 'number':
      return /^[+-]?\d{1,15}(?:[.,]\d{1,9})?$/u.test(value) ? Number(value.replace(',', '.')) : null;
    case 'boolean':
      return BOOLEANS[value.toLowerCase()] ?? null;
    case 'user':
    case 'role':
    case 'channel':
      return invocation.line === null ? value : writtenId(option.kind, value.toLowerCase(), invocation);
  }
}

/** Roles are chosen where they exist, and not written. */
function writtenId(
  kind: 'user' | 'role' | 'channel',
  word: string,
  invocation: CommandInvocation,
): string | null {
  if (kind === 'user') return writtenUser(word, invocation);
  return kind === 'channel' && word === 'here' ? invocation.channel : null;
}

function writtenUser(word: string, { platform, author, repliesToUser }: CommandInvocation): string | null {
  if (word === 'me') return author.id;
  if (word === 'reply') return repliesToUser ?? null;
  const [, id] = new RegExp(`^(?:${platform}:)?(\\d{1,20})$`, 'u').exec(word) ?? [];
  return id === undefined ? null : userId(platform, id);
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  yes: true,
  no: false,
  true: true,
  false: false,
  on: true,
  off: false,
  ya: true,
  tidak: false,
};

function invalid(spec: CommandSpec, option: CommandOption, say: Say): Notice {
  const allowed =
    anyOf(option.choices, say) ??
    // A text without choices is never refused.
    say({ key: `command.allowed_${option.kind === 'text' ? 'integer' : option.kind}` });
  return {
    key: 'command.option_invalid',
    params: { command: nameOf(spec), option: option.name, allowed },
  };
}

function anyOf(choices: readonly string[] | undefined, say: Say): string | undefined {
  const last = choices?.at(-1);
  if (choices === undefined || last === undefined) return undefined;
  return say({ key: 'command.allowed_choices', params: { others: choices.slice(0, -1).join(', '), last } });
}

function optionWords(option: CommandOption, say: Say): string {
  const key = `option.${option.name}`;
  return isMessageKey(key) ? say({ key: key as MessageKey } as Notice) : option.name;
}
