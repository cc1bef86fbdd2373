import type { Command } from './command.ts';

export const startNew: Command = {
  spec: { name: 'new', options: [], scope: 'any', requires: 'everyone', respond: 'deferPublic' },
  async run({ invocation, services, say }) {
    await services.store.startConversation(invocation);
    return say({ key: 'new.done' });
  },
};
