import { isOperator } from '../conversation/access.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import { formatMoment } from '../i18n/duration.ts';
import type { CommandSpec } from '../platform/command.ts';
import type { GuildId, MessageId } from '../platform/ids.ts';
import { lines, type Command, type CommandUse } from './command.ts';
import { noteDenied } from './denied.ts';

const SPEC: CommandSpec = {
  name: 'report',
  options: [
    { name: 'action', kind: 'text', required: false, choices: ['list', 'done'] },
    { name: 'words', kind: 'text', required: false, greedy: true },
  ],
  scope: 'any',
  requires: 'everyone',
  respond: 'deferPrivate',
};

const LONGEST_WORDS = 1000;

/** Tells those who manage the place that something is wrong; they see what was told, and end it. */
export const report: Command = {
  spec: SPEC,
  run(use) {
    const { invocation, options } = use;
    const words = String(options['words'] ?? '').trim();
    // Written as text, the first word says what is meant.
    const [, first, rest = ''] = /^(list|done)(?:\s+(\S+))?$/iu.exec(words) ?? [];
    const action = options['action'] ?? first?.toLowerCase();
    if (action === 'list') return list(use);
    if (action === 'done') return end(use, options['action'] === undefined ? rest : words);
    return tell(use, invocation.repliesTo, words);
  },
};

/** The same about a message, from its menu. */
export const reportMessage: Command = {
  spec: {
    ...SPEC,
    name: 'report_message',
    options: [{ name: 'message', kind: 'text', required: false, greedy: true }],
    onMessage: 'message',
  },
  run: (use) => tell(use, use.invocation.about ?? null, ''),
};

async function tell(
  { invocation, services, say }: CommandUse,
  message: MessageId | null,
  words: string,
): Promise<string> {
  if (message === null && words === '') return say({ key: 'report.how' });
  const draft = { id: services.newReportId(), message, words: words.slice(0, LONGEST_WORDS).toWellFormed() };
  const { name: _, subcommand: __, options: ___, line: ____, about: _____, ...envelope } = invocation;
  const outcome = await services.reports.report(envelope, draft);
  switch (outcome.kind) {
    case 'kept': {
      const { id } = outcome;
      return say({ key: 'report.kept', params: { id, isPrivate: Number(invocation.guild === null) } });
    }
    case 'too_many':
      return say({ key: 'report.too_many', params: { waitMs: outcome.retryAfterMs } });
    case 'blocked':
      return '';
  }
}

/** The guild whose reports somebody deals with, null for an operator outside of one; undefined for who may not. */
async function deskOf({ invocation, services }: CommandUse): Promise<GuildId | null | undefined> {
  const { author, guild } = invocation;
  if (isOperator(services.access, author.id)) return guild?.id ?? null;
  if (guild !== null && author.isGuildAdmin) return guild.id;
  await noteDenied({ ...SPEC, requires: 'guild_admin' }, invocation, services);
  return undefined;
}

async function list(use: CommandUse): Promise<string> {
  const { services, say } = use;
  const guild = await deskOf(use);
  if (guild === undefined) return say({ key: 'report.not_yours' });
  const reports = await services.reports.open(guild);
  if (reports.length === 0) return say({ key: 'report.none' });
  const isOverheard = use.invocation.isOverheard === true;
  const entries = reports.map(({ id, atMs, by, byName, place, message, turn, words }) =>
    say({
      key: 'report.entry',
      params: {
        id,
        at: formatMoment(atMs),
        // Who tells on somebody is not named before them.
        by: isOverheard ? '' : escapeMarkdown(byName === '' ? by : byName),
        where: message ?? place,
        isAnswer: Number(turn !== null),
        words: isOverheard ? '' : escapeMarkdown(words),
      },
    }),
  );
  return lines(say({ key: 'report.title' }), ...entries);
}

async function end(use: CommandUse, written: string): Promise<string> {
  const { invocation, services, say } = use;
  const guild = await deskOf(use);
  if (guild === undefined) return say({ key: 'report.not_yours' });
  const id = written.trim().toUpperCase();
  if (id === '') return say({ key: 'report.id_missing' });
  const outcome = await services.reports.end(invocation, id, guild);
  return say({ key: `report.${outcome}`, params: { id: escapeMarkdown(id) } });
}
