import { isOperator } from '../conversation/access.ts';
import { firstOfEach } from '../platform/command.ts';
import { isWritten, lines, type Command } from './command.ts';
import { describeCommand } from './menu.ts';

export const help: Command = {
  spec: { name: 'help', options: [], scope: 'any', requires: 'everyone', respond: 'deferPrivate' },
  run({ invocation, services, say }) {
    const offered = firstOfEach(services.commands.map(({ spec }) => spec)).filter(
      (spec) =>
        isWritten(spec) &&
        spec.opensChat !== true &&
        (spec.requires !== 'operator' || isOperator(services.access, invocation.author.id)),
    );
    const described = offered.map((spec) =>
      say({ key: 'help.line', params: { command: spec.name, description: say(describeCommand(spec.name)) } }),
    );
    return Promise.resolve(lines(say({ key: 'help.intro' }), '', ...described));
  },
};
