import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import type { Command } from './command.ts';

/** What Telegram sends when a person opens the bot, with a payload when they came by a link. */
export const start: Command = {
  spec: {
    name: 'start',
    options: [{ name: 'payload', kind: 'text', required: false, greedy: true }],
    opensChat: true,
    scope: 'any',
    requires: 'everyone',
    respond: 'deferPublic',
  },
  run: ({ invocation, say }) =>
    Promise.resolve(say({ key: 'start.hello', params: { name: escapeMarkdown(invocation.author.name) } })),
};
