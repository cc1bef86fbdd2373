import type { Command } from './command.ts';

export const stop: Command = {
  spec: { name: 'stop', options: [], scope: 'any', requires: 'everyone', respond: 'instant' },
  async run({ invocation, services, say }) {
    const answers = await services.engine.stopPlace(invocation);
    return answers === 0 ? say({ key: 'stop.nothing' }) : say({ key: 'stop.done', params: { answers } });
  },
};
