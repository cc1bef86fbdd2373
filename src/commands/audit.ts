import { isOperator } from '../conversation/access.ts';
import type { AuditEntry } from '../conversation/operation-ports.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import { formatMoment } from '../i18n/duration.ts';
import type { CommandSpec } from '../platform/command.ts';
import { lines, type Command, type CommandUse } from './command.ts';
import { changeWords, targetWords } from './audit-words.ts';
import { noteDenied, onRecord } from './denied.ts';

const SPEC: CommandSpec = {
  name: 'audit',
  options: [{ name: 'before', kind: 'integer', required: false }],
  scope: 'any',
  requires: 'guild_admin',
  respond: 'deferPrivate',
};

/** Who changed what: in a guild its own record, for operators in private everything. */
export const audit: Command = {
  spec: SPEC,
  ...onRecord(SPEC),
  async run({ invocation, options, services, say }) {
    const guild = invocation.guild?.id ?? null;
    if (guild === null && !isOperator(services.access, invocation.author.id)) {
      await noteDenied(SPEC, invocation, services);
      return say({ key: 'command.guild_only', params: { command: SPEC.name } });
    }
    const before = options['before'] === undefined ? null : Number(options['before']);
    const entries = await services.audit.entries(guild, before);
    const last = entries.at(-1);
    if (last === undefined) return say({ key: 'audit.none' });
    return lines(
      say({ key: 'audit.title' }),
      ...entries.map((entry) => inWords(entry, say)),
      ...(last.id > 1 ? ['', say({ key: 'audit.more', params: { before: last.id } })] : []),
    );
  },
};

function inWords(entry: AuditEntry, say: CommandUse['say']): string {
  const { atMs, actor, actorName, action } = entry;
  return say({
    key: 'audit.entry',
    params: {
      at: formatMoment(atMs),
      who: say({ key: 'audit.who', params: { name: escapeMarkdown(actorName === '' ? actor : actorName) } }),
      action,
      subject: targetWords(entry, say),
      change: changeWords(entry, say),
    },
  });
}
