import type { Command } from './command.ts';

export const ask: Command = {
  spec: {
    name: 'ask',
    options: [
      { name: 'search', kind: 'boolean', required: false },
      { name: 'question', kind: 'text', required: true, greedy: true },
    ],
    scope: 'any',
    requires: 'everyone',
    respond: 'deferPublic',
  },
  question: ({ question }) => String(question),
  searches: ({ search }) => search === true,
};
