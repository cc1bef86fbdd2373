import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import { lines, type Command } from './command.ts';

/** Lets operators see who waits for approval, and give it. */
export const guild: Command = {
  spec: {
    name: 'guild',
    options: [
      { name: 'action', kind: 'text', required: true, choices: ['list', 'approve'] },
      { name: 'id', kind: 'text', required: false },
    ],
    scope: 'any',
    requires: 'operator',
    respond: 'deferPrivate',
  },
  async run({ invocation, options, services, say }) {
    const { id, action } = options;
    if (action === 'approve') {
      if (id === undefined) {
        return say({ key: 'command.option_missing', params: { command: 'guild', option: 'id' } });
      }
      const params = { id: escapeMarkdown(String(id)) };
      const isKnown = await services.requests.approve(String(id), invocation.author.id);
      return say(isKnown ? { key: 'guild.approved', params } : { key: 'guild.unknown', params });
    }
    const pending = await services.requests.pending();
    if (pending.length === 0) return say({ key: 'guild.none' });
    return lines(
      say({ key: 'guild.pending' }),
      ...pending.map((request) =>
        say({ key: 'guild.request', params: { id: request.id, name: escapeMarkdown(request.name) } }),
      ),
    );
  },
};
