import { formatCount, formatDuration, formatUsd } from './duration.ts';
import { plural } from './plural.ts';

const count = (value: number): string => formatCount('en', value);
const where = (isEverywhere: number): string => (isEverywhere === 1 ? 'everywhere' : 'here');

const STATES: Record<string, string> = { approved: 'approved', open: 'open to all', blocked: 'blocked' };

/** Access: guilds, blocks, reports, and the record of who decided what. */
export const enAccess = {
  'command.discreet': (p: { command: string }) =>
    `Others would read what /${p.command} tells here. Please ask me in a private chat.`,
  'command.block.description': () =>
    'Block somebody, or see who is blocked (for those who manage this place)',
  'command.block.user.description': () => 'Answer somebody no more; by reply write: user reply',
  'command.block.list.description': () => 'Who is blocked',
  'command.unblock.description': () => 'Answer somebody again',
  'command.audit.description': () => 'Who changed what here, and who tried to',
  'command.report.description': () => 'Tell those who manage this place that something is wrong',
  'command.report_message.description': () => 'Tell those who manage this place about a message',
  'command.report_message.label': () => 'Report this',
  'option.everywhere': () => 'in all places (operators only)',
  'option.reason': () => 'reason',
  'option.words': () => 'what is wrong',
  'option.before': () => 'number of the oldest entry shown',
  'guild.used': () => '**Communities, with their last 30 days**',
  'guild.use': (p: {
    id: string;
    name: string;
    state: string;
    requests: number;
    tokens: number;
    costNanoUsd: number;
  }) =>
    `- \`${p.id}\` ${p.name} (${STATES[p.state] ?? p.state}): ${plural(p.requests, 'message', 'messages')}, ${count(p.tokens)} tokens, ${formatUsd('en', p.costNanoUsd)}`,
  'guild.id_wrong': (p: { id: string }) =>
    `${p.id} is not the id of a community. Write one as /guild list shows it, such as discord:123 or telegram:-100123.`,
  'guild.left': (p: { id: string }) => `I have left ${p.id}, and its approval is withdrawn.`,
  'guild.not_left': (p: { id: string }) =>
    `The approval of ${p.id} is withdrawn, but I could not leave it just now. Please try again in a moment.`,
  'guild.blocked': (p: { id: string }) => `Blocked: ${p.id}. Nobody is answered there.`,
  'guild.blocked_already': (p: { id: string }) => `${p.id} is blocked already.`,
  'guild.unblocked': (p: { id: string }) => `No longer blocked: ${p.id}.`,
  'guild.not_blocked': (p: { id: string }) => `${p.id} is not blocked.`,
  'block.done': (p: { id: string; isEverywhere: number }) =>
    `Blocked ${where(p.isEverywhere)}: ${p.id}. I don't answer them any more.`,
  'block.already': (p: { id: string; isEverywhere: number }) =>
    `${p.id} is blocked ${where(p.isEverywhere)} already.`,
  'block.undone': (p: { id: string; isEverywhere: number }) =>
    `No longer blocked ${where(p.isEverywhere)}: ${p.id}.`,
  'block.not_blocked': (p: { id: string; isEverywhere: number }) =>
    `${p.id} is not blocked ${where(p.isEverywhere)}.`,
  'block.none': () => 'Nobody is blocked.',
  'block.title': () => '**Blocked**',
  'block.entry': (p: { id: string; name: string; reason: string }) =>
    `- \`${p.id}\`${p.name === '' ? '' : ` ${p.name}`}${p.reason === '' ? '' : `: ${p.reason}`}`,
  'block.self': () => 'That is you. Nothing was changed.',
  'block.bot': () => 'That is me. Nothing was changed.',
  'block.protected': () => 'They manage this community, or me, and can’t be blocked. Nothing was changed.',
  'block.unsure': () =>
    'I could not find out just now whether they manage this community, so nothing was changed. Please try again in a moment.',
  'block.everywhere_operator': () =>
    'Only my operators can block somebody everywhere. Nothing was changed; without `everywhere` it holds here.',
  'report.how': () =>
    'Reply to the message with /report, or write behind it what is wrong. Those who manage this place will see it.',
  'report.kept': (p: { id: string; isPrivate: number }) =>
    `Thank you. Your report is ${p.id}; ${p.isPrivate === 1 ? 'my operators' : 'those who manage this community'} can see it.`,
  'report.too_many': (p: { waitMs: number }) =>
    `You have reported several things already. You can send the next one in ${formatDuration('en', p.waitMs)}.`,
  'report.not_yours': () => 'Reports are read by those who manage this community.',
  'report.none': () => 'No report is waiting.',
  'report.title': () => '**Reports** (`/report done <id>` ends one)',
  'report.entry': (p: {
    id: string;
    at: string;
    by: string;
    where: string;
    isAnswer: number;
    words: string;
  }) =>
    `- ${p.id}, ${p.at},${p.by === '' ? '' : ` ${p.by},`} ${p.isAnswer === 1 ? 'about an answer or its question' : 'about'} \`${p.where}\`${p.words === '' ? '' : `: ${p.words}`}`,
  'report.id_missing': () => 'Which one? Write its id behind it, as /report list shows it.',
  'report.done': (p: { id: string }) => `Done: ${p.id}.`,
  'report.over': (p: { id: string }) => `${p.id} was dealt with before.`,
  'report.unknown': (p: { id: string }) => `There is no report ${p.id} here.`,
} as const;
