import { isOperator } from '../conversation/access.ts';
import type { AuditEntry } from '../conversation/operation-ports.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import { formatMoment } from '../i18n/duration.ts';
import type { CommandSpec } from '../platform/command.ts';
import { lines, type Command, type CommandUse } from './command.ts';
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
  const { atMs, actor, actorName, action, subject, subjectName } = entry;
  return say({
    key: 'audit.entry',
    params: {
      at: formatMoment(atMs),
      who: escapeMarkdown(actorName === '' ? actor : actorName),
      action: escapeMarkdown(action),
      subject: escapeMarkdown(subjectName === '' ? subject : subjectName),
      change: changeOf(entry),
    },
  });
}

/** What was before and is now, where that is short and no row of a table. */
function changeOf({ before, after }: AuditEntry): string {
  const [from, to] = [shortly(before), shortly(after)];
  if (from === '' && to === '') return '';
  return escapeMarkdown(`${from === '' ? '–' : from} → ${to === '' ? '–' : to}`);
}

function shortly(value: unknown): string {
  if (Array.isArray(value)) return value.map(shortly).filter(Boolean).join(', ').slice(0, LONGEST_VALUE);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? value.slice(0, LONGEST_VALUE) : '';
}

const LONGEST_VALUE = 60;
