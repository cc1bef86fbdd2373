import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import type { CommandSpec } from '../platform/command.ts';
import { writtenId, type GuildId } from '../platform/ids.ts';
import { lines, type Command, type CommandUse } from './command.ts';
import { onRecord } from './denied.ts';

const ACTIONS = ['list', 'approve', 'leave', 'block', 'unblock'] as const;

const spec: CommandSpec = {
  name: 'guild',
  options: [
    { name: 'action', kind: 'text', required: true, choices: ACTIONS },
    { name: 'id', kind: 'text', required: false },
  ],
  scope: 'any',
  requires: 'operator',
  isDiscreet: true,
  respond: 'deferPrivate',
};

/** Lets operators see which guilds wait, and which use the bot, and decide about them. */
export const guild: Command = {
  spec,
  ...onRecord(spec),
  async run(use) {
    const { options, say } = use;
    const action = ACTIONS.find((one) => one === options['action']) ?? 'list';
    if (action === 'list') return await list(use);
    const { id } = options;
    if (id === undefined) {
      const params = { command: 'guild', option: 'id', words: say({ key: 'option.id' }) };
      return say({ key: 'command.option_missing', params });
    }
    const written = String(id);
    if (action === 'approve') return await approve(use, written);
    const about = writtenId('guild', written);
    if (about === null) return say({ key: 'guild.id_wrong', params: { id: escapeMarkdown(written) } });
    return await decide[action](use, about);
  },
};

async function approve({ invocation, services, say }: CommandUse, written: string): Promise<string> {
  const params = { id: escapeMarkdown(written) };
  const isKnown = await services.requests.approve(invocation, written);
  return say(isKnown ? { key: 'guild.approved', params } : { key: 'guild.unknown', params });
}

type Decide = (use: CommandUse, guild: GuildId) => Promise<string>;

const decide: Readonly<Record<'leave' | 'block' | 'unblock', Decide>> = {
  async leave({ invocation, services, say }, about) {
    const params = { id: escapeMarkdown(about) };
    const isKnown = await services.requests.leave(invocation, about);
    const hasLeft = (await services.officeOf(about)?.leave(about)) ?? null;
    if (hasLeft === true) return say({ key: 'guild.left', params });
    return say({ key: isKnown ? 'guild.not_left' : 'guild.unknown', params });
  },
  async block({ invocation, services, say }, about) {
    const isNew = await services.blocks.block(invocation, { kind: 'guild', id: about }, null);
    const params = { id: escapeMarkdown(about) };
    return say({ key: isNew ? 'guild.blocked' : 'guild.blocked_already', params });
  },
  async unblock({ invocation, services, say }, about) {
    const wasBlocked = await services.blocks.unblock(invocation, { kind: 'guild', id: about });
    const params = { id: escapeMarkdown(about) };
    return say({ key: wasBlocked ? 'guild.unblocked' : 'guild.not_blocked', params });
  },
};

async function list({ services, say }: CommandUse): Promise<string> {
  const [pending, guilds] = await Promise.all([services.requests.pending(), services.requests.guilds()]);
  const waiting =
    pending.length === 0
      ? [say({ key: 'guild.none' })]
      : [
          say({ key: 'guild.pending' }),
          ...pending.map(({ id, name }) =>
            say({ key: 'guild.request', params: { id, name: escapeMarkdown(name) } }),
          ),
        ];
  if (guilds.length === 0) return lines(...waiting);
  const used = guilds.map(({ id, name, isApproved, isBlocked, requests, tokens, costNanoUsd }) =>
    say({
      key: 'guild.use',
      params: {
        id,
        name: escapeMarkdown(name),
        state: isBlocked ? 'blocked' : isApproved ? 'approved' : 'open',
        requests,
        tokens,
        costNanoUsd,
      },
    }),
  );
  return lines(...waiting, '', say({ key: 'guild.used' }), ...used);
}
