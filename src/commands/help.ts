import type { MessageKey } from '../i18n/en.ts';
import type { Notice } from '../i18n/translate.ts';
import { said, type Command } from './command.ts';

export const help: Command = {
  spec: { name: 'help', options: [], scope: 'any', requires: 'everyone', respond: 'deferPrivate' },
  run({ services, say }) {
    const lines = services.commands.map(({ spec }) =>
      say({ key: 'help.line', params: { command: spec.name, description: say(describeCommand(spec.name)) } }),
    );
    return Promise.resolve(said(say({ key: 'help.intro' }), '', ...lines));
  },
};

/** The sentence that describes a command; a test proves that each has one. */
export function describeCommand(name: string): Notice {
  return { key: `command.${name}.description` as MessageKey } as Notice;
}
