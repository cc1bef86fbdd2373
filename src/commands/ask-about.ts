import type { Command } from './command.ts';

/** Asks about somebody's message, from that message's menu. */
export const askAbout: Command = {
  spec: {
    name: 'ask_about',
    options: [{ name: 'message', kind: 'text', required: false, greedy: true }],
    onMessage: 'message',
    scope: 'any',
    requires: 'everyone',
    respond: 'deferPublic',
  },
  // Quoted line by line: nothing in the message can look like the end of it.
  question: ({ message }, say) =>
    message === undefined
      ? ''
      : `${say({ key: 'ask_about.question' })}\n\n${String(message).replaceAll(/^/gmu, '> ')}`,
};
