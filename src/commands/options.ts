import type { MessageKey } from '../i18n/en.ts';
import { isMessageKey, type Notice } from '../i18n/translate.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import type { CommandInvocation, CommandOption, CommandSpec } from '../platform/command.ts';
import type { CommandOptions } from './command.ts';

export type ParsedOptions =
  | { readonly ok: true; readonly options: CommandOptions }
  | { readonly ok: false; readonly problem: Notice };

type Say = (notice: Notice) => string;

/**
 * Checks what was given to a command against its spec. Where options are written as a line, they
 * are taken in the spec's order, a greedy one takes the rest.
 */
export function parseOptions(spec: CommandSpec, invocation: CommandInvocation, say: Say): ParsedOptions {
  const written = invocation.line === null ? invocation.options : splitLine(spec, invocation.line);
  const options: Record<string, string | number | boolean> = {};
  for (const option of spec.options) {
    const value = written[option.name]?.trim() ?? '';
    if (value === '') {
      if (!option.required) continue;
      const params = { command: spec.name, option: optionName(option, say) };
      return { ok: false, problem: { key: 'command.option_missing', params } };
    }
    const read = readOption(option, value);
    if (read === null) return { ok: false, problem: invalid(spec, option, say) };
    options[option.name] = read;
  }
  const extra = written[EXTRA] ?? '';
  if (extra !== '') {
    const params = { command: spec.name, extra: escapeMarkdown(extra.slice(0, 50)) };
    return { ok: false, problem: { key: 'command.option_extra', params } };
  }
  return { ok: true, options };
}

/** Where the rest of a line goes that no option takes; no option can have this name. */
const EXTRA = ' ';

function splitLine(spec: CommandSpec, line: string): Record<string, string> {
  const written: Record<string, string> = {};
  let rest = line.trim();
  for (const option of spec.options) {
    const end = option.greedy === true ? -1 : rest.search(/\s/u);
    written[option.name] = end < 0 ? rest : rest.slice(0, end);
    rest = end < 0 ? '' : rest.slice(end).trim();
  }
  written[EXTRA] = rest;
  return written;
}

function readOption(option: CommandOption, value: string): string | number | boolean | null {
  if (option.choices !== undefined && !option.choices.includes(value)) return null;
  switch (option.kind) {
    case 'text':
      return value;
    case 'integer':
      return /^[+-]?\d{1,15}$/u.test(value) ? Number(value) : null;
    case 'boolean':
      return BOOLEANS[value.toLowerCase()] ?? null;
  }
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
    option.choices?.join(', ') ??
    say({ key: option.kind === 'boolean' ? 'command.allowed_boolean' : 'command.allowed_integer' });
  return {
    key: 'command.option_invalid',
    params: { command: spec.name, option: optionName(option, say), allowed },
  };
}

function optionName(option: CommandOption, say: Say): string {
  const key = `option.${option.name}`;
  return isMessageKey(key) ? say({ key: key as MessageKey } as Notice) : option.name;
}
