import { formatCount, formatDuration, formatMoment, formatUsd } from './duration.ts';
import { plural } from './plural.ts';

const wait = (waitMs: number): string => formatDuration('en', waitMs);
const count = (value: number): string => formatCount('en', value);
const usd = (nanoUsd: number): string => formatUsd('en', nanoUsd);

export const METRICS: Record<string, string> = {
  requests: 'messages',
  tokens: 'tokens',
  cost: 'spending',
  images: 'images',
};
export const WINDOWS: Record<string, string> = { hour: 'this hour', day: 'today', month: 'this month' };
export const amount = (metric: string, value: number): string =>
  metric === 'cost' ? usd(value) : count(value);

export const EACH: Record<string, string> = { hour: 'an hour', day: 'a day', month: 'a month' };
const HAS_USED: Record<string, string> = {
  user: 'You have',
  member: 'Here in this community you have',
  channel: 'This channel has',
  guild: 'This community has',
  instance: 'This bot has',
};
/** What still works, and where more is told. */
const BESIDES: Record<string, string> = {
  user: ' `/limits` shows who set this limit; one of your own ends with `/limits clear`.',
  member: ' Elsewhere that does not count; `/limits` shows your limits here.',
  channel: ' That is this channel’s own limit, and does not count elsewhere; `/limits` tells more.',
  guild: ' That does not count in a private chat with me; `/limits` tells more.',
  instance: '',
};
const WHOSE: Record<string, string> = {
  instance: 'The whole bot',
  guild: 'This community',
  channel: 'The channel',
  role: 'Each member who has that role',
  members: 'Each member of this community',
  member: 'That member, here',
  user: 'That person',
  other_guild: 'That community',
  self: 'You',
};
const COUNTS: Record<string, string> = {
  instance: 'The whole bot',
  guild: 'The community',
  channel: 'The channel',
  member: 'The member, here',
  user: 'The person, everywhere',
};
const MINE: Record<string, string> = { member: 'You, here', user: 'You, everywhere' };
const SET_BY: Record<string, string> = {
  operator: 'my operator',
  admins: 'those who manage the community',
  self: 'the person',
};

function allowance(metric: string, window: string, limit: number): string {
  const each = EACH[window] ?? '';
  if (metric === 'cost') return `${usd(limit)} ${each}`;
  return `${plural(limit, (METRICS[metric] ?? '').replace(/s$/u, ''), METRICS[metric] ?? '')} ${each}`;
}

/** Below zero stands for none. */
const rule = (p: { metric: string; window: string; limit: number }): string => {
  const what = `${METRICS[p.metric]} ${EACH[p.window]}`;
  if (p.limit < 0) return `no limit on ${what}`;
  return p.limit === 0 ? `blocked (no ${what})` : `at most ${allowance(p.metric, p.window, p.limit)}`;
};
const until = (untilMs: number): string => (untilMs === 0 ? '' : `, until ${formatMoment(untilMs)}`);

/** What is said of limits. An `untilMs` of 0 stands for no end. */
export const enQuota = {
  'refusal.quota': (p: {
    subject: string;
    metric: string;
    window: string;
    limit: number;
    used: number;
    waitMs: number;
  }) =>
    (p.limit === 0
      ? `${HAS_USED[p.subject]} no ${METRICS[p.metric]} allowance, so I can't answer this.`
      : `${HAS_USED[p.subject]} used ${amount(p.metric, p.used)} of ${amount(p.metric, p.limit)} ${METRICS[p.metric]} ${WINDOWS[p.window]}. It starts again in ${wait(p.waitMs)}.`) +
    (BESIDES[p.subject] ?? ''),

  'quota.title': (p: { whose: string }) => `**Limits: ${WHOSE[p.whose]}**`,
  'quota.line': (p: {
    subject: string;
    metric: string;
    window: string;
    limit: number;
    used: number;
    held: number;
    waitMs: number;
    by: string;
    isByRole: number;
    isReader: number;
    untilMs: number;
  }) =>
    `- ${(p.isReader === 1 ? MINE[p.subject] : undefined) ?? COUNTS[p.subject]}, ${METRICS[p.metric]} ${WINDOWS[p.window]}: ${
      p.limit === 0
        ? '**blocked**'
        : `${amount(p.metric, p.used + p.held)} of ${amount(p.metric, p.limit)} used${p.held > 0 ? ` (${amount(p.metric, p.held)} of it held for answers under way)` : ''}, ${amount(p.metric, Math.max(0, p.limit - p.used - p.held))} left, starts again in ${wait(p.waitMs)}`
    }${p.isByRole === 1 ? ' – by a role' : ''}${p.by === 'default' ? '' : ` – set by ${p.isReader === 1 && p.by === 'self' ? 'you' : SET_BY[p.by]}`}${until(p.untilMs)}`,
  'quota.rules': () => '**What is set**',
  'quota.rule': (p: { metric: string; window: string; limit: number; by: string; untilMs: number }) =>
    `- ${rule(p)} – set by ${SET_BY[p.by]}${until(p.untilMs)}`,
  'quota.none': () => 'No limit is in force, and none is set.',
  'quota.how': () =>
    'Change it with, for example, `/quota set metric:requests window:day limit:50`; add `user:`, `role:`, `channel:` or `members:yes` for whom it holds, and `until:3d` for one that ends. `limit:none` and `/quota clear` take it away.',
  'quota.changed': (p: { whose: string; metric: string; window: string; limit: number; untilMs: number }) =>
    `✅ ${WHOSE[p.whose]}: ${rule(p)}${until(p.untilMs)}.`,
  'quota.same': (p: { whose: string; metric: string; window: string; limit: number; untilMs: number }) =>
    `It was set like that before. ${WHOSE[p.whose]}: ${rule(p)}${until(p.untilMs)}.`,
  'quota.blocks': () => '⚠️ A limit of 0 blocks: I will not answer there until it is raised or cleared.',
  'quota.lower_holds': (p: { metric: string; window: string; limit: number }) =>
    `In force is what is lower: ${rule(p)}.`,
  'quota.cleared': (p: { whose: string; metric: string; window: string }) =>
    p.metric === ''
      ? `🗑️ ${WHOSE[p.whose]}: nothing is set any more.`
      : `🗑️ ${WHOSE[p.whose]}: nothing is set for ${METRICS[p.metric]} ${EACH[p.window]} any more.`,
  'quota.in_force': (p: { metric: string; window: string; limit: number }) => `In force: ${rule(p)}.`,
  'quota.nothing': () => 'There was nothing to clear.',
  'quota.unknown': (p: { id: string }) => `I have never heard from ${p.id}, so nothing is changed.`,
  'quota.limit_wrong': (p: { metric: string }) =>
    p.metric === 'cost'
      ? 'A limit on spending is a sum in US dollars such as `2.50`, `0` to block, or `none`. Nothing is changed.'
      : 'A limit is a whole number such as `50`, `0` to block, or `none`. Nothing is changed.',
  'quota.limit_negative': () =>
    'A limit can’t be below zero. `0` blocks, `none` takes the limit away. Nothing is changed.',
  'quota.limit_huge': (p: { metric: string; most: number }) =>
    `That is more than I can count: ${amount(p.metric, p.most)} is the most. \`none\` takes the limit away. Nothing is changed.`,
  'quota.until_wrong': () =>
    'I can’t read until when. Write how long, such as `12h` or `3d`, or a date such as `2027-01-31` or `2027-01-31T18:00` (UTC). Nothing is changed.',
  'quota.until_past': () => 'That moment has passed already. Nothing is changed.',
  'quota.until_far': () =>
    'That is more than a year away. Leave `until` out for a limit that stays. Nothing is changed.',
  'quota.one_target': () =>
    'For whom? Please name one of `user`, `role`, `channel`, `members:yes` and `subject` only. Nothing is changed.',
  'quota.where': (p: { command: string }) =>
    `I can’t tell which community you mean: please use /${p.command} there. \`/limits\` shows and sets your own limits.`,
  'quota.key_half': () =>
    'Please name both, a metric and a window, such as `requests day`; or neither for all of them. Nothing is changed.',
  'quota.subject_wrong': () =>
    'A subject is `instance`, or `guild:` or `user:` with the id, such as `guild:discord:123` or `user:telegram:42`. Nothing is changed.',
  'quota.instance_money': () =>
    'For the whole bot only spending is counted: please use `metric:cost`, or set limits for a community (`subject:guild:…`) or a person (`subject:user:…`). Nothing is changed.',
  'quota.subject_operator': () => 'Limits beyond this community are for my operators. Nothing is changed.',
  'quota.explain_title': (p: { whose: string }) => `**Counters: ${WHOSE[p.whose]}**`,
  'quota.explain_counter': (p: {
    metric: string;
    window: string;
    used: number;
    rebuilt: number;
    difference: number;
    limit: number;
    waitMs: number;
  }) =>
    `- ${METRICS[p.metric]} ${WINDOWS[p.window]}: ${amount(p.metric, p.used)} counted, ${amount(p.metric, p.rebuilt)} in the records, difference ${amount(p.metric, p.difference)}; ${p.limit < 0 ? 'no limit' : `limit ${amount(p.metric, p.limit)}`}, starts again in ${wait(p.waitMs)}`,
  'quota.explain_holds': (p: { holds: number }) =>
    p.holds === 0 ? 'Nothing is held.' : `**Held for ${plural(p.holds, 'answer', 'answers')} under way**`,
  'quota.explain_hold': (p: {
    turn: string;
    state: string;
    sinceMs: number;
    requests: number;
    tokens: number;
    images: number;
    nanoUsd: number;
  }) =>
    `- \`${p.turn === '' ? '–' : p.turn}\` ${STATES[p.state] ?? 'is gone; its hold ends by itself'}, since ${wait(p.sinceMs)}: ${plural(p.requests, 'message', 'messages')}, ${plural(p.tokens, 'token', 'tokens')}, ${plural(p.images, 'image', 'images')}, ${usd(p.nanoUsd)}`,
  'quota.explain_more': (p: { more: number }) => `… and ${count(p.more)} more.`,
  'quota.explain_none': () => 'Nothing has been counted there yet.',
  'quota.explain_each': () => 'Each member has a counter of their own: name one with `/quota explain user:`.',

  'limits.title': () => '**Limits that count for you here**',
  'limits.none': () => 'No limit counts for you here.',
  'limits.how': () =>
    'You can set lower ones for yourself, for example `/limits set metric:requests window:day limit:20`; `/limits clear` lifts them.',

  'settings.time_zone': (p: { timeZone: string }) =>
    `Time zone, by whose midnight days and months begin: **${p.timeZone}**`,
  'settings.time_zone_before': (p: { timeZone: string; untilMs: number }) =>
    `Limits and budgets go by **${p.timeZone}** until ${formatMoment(p.untilMs)}, when the month that has begun is over`,
  'settings.time_zone_soon': (p: { fromMs: number }) =>
    `The time zone was changed less than 30 days ago, so nothing is changed. You can change it again from ${formatMoment(p.fromMs)} on; before that, only my operators can.`,
  'settings.time_zone_unknown': (p: { written: string }) =>
    `I know no time zone called ${p.written}, so nothing is changed. Write one as \`Europe/Berlin\` or \`Asia/Jakarta\`, or \`UTC\`.`,

  'command.allowed_choices': (p: { others: string; last: string }) =>
    p.others === '' ? p.last : `${p.others} or ${p.last}`,
  'command.allowed_number': () => 'a number, such as 2.5',
  'command.allowed_user': () =>
    'a person: their id, `me`, or `reply` in reply to one of their messages (I know a name only where I have read something of theirs)',
  'command.allowed_role': () => 'a role of the server, chosen from Discord’s list',
  'command.allowed_channel': () => '`here`, written in that channel or topic',
  'command.quota.description': () => 'Limits of this community (for those who manage it)',
  'command.quota.show.description': () => 'The limits of this community, a channel, a role or a member',
  'command.quota.set.description': () => 'Set a limit for this community, a channel, a role or a member',
  'command.quota.clear.description': () => 'Take a limit away that was set here',
  'command.quota.explain.description': () => 'What is counted and held, and whether the records agree',
  'command.limits.description': () => 'The limits that count for you here, and lower ones of your own',
  'command.limits.show.description': () => 'The limits that count for you here, and what is left',
  'command.limits.set.description': () => 'Set a lower limit for yourself',
  'command.limits.clear.description': () => 'Lift limits that you have set for yourself',
  'option.metric': () => 'what is counted',
  'option.window': () => 'for how long',
  'option.limit': () => 'a number (US dollars for cost), 0 to block, or none',
  'option.user': () => 'person',
  'option.role': () => 'role, for each member who has it',
  'option.channel': () => 'channel',
  'option.members': () => 'each member of this community',
  'option.until': () => 'end: 12h, 3d or 2027-01-31',
  'option.subject': () => 'subject, for operators: instance, guild:<id> or user:<id>',
  'option.timezone': () => 'time zone, such as Europe/Berlin',
} as const;

const STATES: Record<string, string> = {
  queued: 'waits',
  running: 'is being written',
};
