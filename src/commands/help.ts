import { isOperator } from '../conversation/access.ts';
import type { MessageKey } from '../i18n/en.ts';
import type { Notice } from '../i18n/translate.ts';
import { lines, type Command } from './command.ts';

export const help: Command = {
  spec: { name: 'help', options: [], scope: 'any', requires: 'everyone', respond: 'deferPrivate' },
  run({ invocation, services, say }) {
    const offered = services.commands.filter(
      ({ spec }) => spec.requires !== 'operator' || isOperator(services.access, invocation.author.id),
    );
    const described = offered.map(({ spec }) =>
      say({ key: 'help.line', params: { command: spec.name, description: say(describeCommand(spec.name)) } }),
    );
    return Promise.resolve(lines(say({ key: 'help.intro' }), '', ...described));
  },
};

/** The sentence that describes a command; a test proves that each has one. */
export function describeCommand(name: string): Notice {
  return { key: `command.${name}.description` as MessageKey } as Notice;
}
