import { isOperator } from '../conversation/access.ts';
import { firstOfEach, type CommandSpec } from '../platform/command.ts';
import { isWritten, lines, type Command } from './command.ts';
import { describeCommand } from './menu.ts';

export const help: Command = {
  spec: { name: 'help', options: [], scope: 'any', requires: 'everyone', respond: 'deferPrivate' },
  run({ invocation, services, say }) {
    const offered = services.commands
      .map(({ spec }) => spec)
      .filter(
        (spec) =>
          isWritten(spec) &&
          spec.opensChat !== true &&
          (spec.requires !== 'operator' || isOperator(services.access, invocation.author.id)),
      );
    const described = firstOfEach(offered).map(({ name }) => {
      const params = { command: familyOf(name, offered), description: say(describeCommand(name)) };
      return say({ key: 'help.line', params });
    });
    return Promise.resolve(lines(say({ key: 'help.intro' }), '', ...described));
  },
};

/** A command's name, with the words that may stand behind it where several commands share it: `model list|search`. */
function familyOf(name: string, specs: readonly CommandSpec[]): string {
  const words = specs.flatMap((spec) => (spec.name === name ? (spec.subcommand ?? []) : []));
  return words.length === 0 ? name : `${name} ${words.join('|')}`;
}
