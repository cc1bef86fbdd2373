import { amount, EACH, METRICS } from './en-quota.ts';

/** What was done, by the name under which it is on record. */
export const DEEDS: Record<string, string> = {
  stop: 'paused',
  resume: 'started again',
  block: 'blocked',
  unblock: 'no longer blocks',
  approve: 'approved',
  forget: 'had somebody forgotten:',
  refused: 'tried without the right:',
  'guild.leave': 'made me leave',
  'report.done': 'dealt with report',
  'set conversation_style': 'changed the kind of conversations of',
  'set allowed_models': 'changed the allowed models of',
  'set allow_search': 'changed the searches of the web of',
  'set time_zone': 'changed the time zone of',
  'key.add': 'gave a key for',
  'key.replace': 'replaced the key of',
  'key.remove': 'took away the key of',
  'key.first_use': 'first used the key of',
  'key.refused': 'noted that OpenRouter refused the key of',
  'key.accepted': 'noted that OpenRouter takes the key again of',
  'key.unreadable': 'could not read the key of',
  'key.rotate': 'sealed all keys anew for',
  'quota.set': 'set a limit for',
  'quota.clear': 'removed a limit for',
  'budget.set': 'changed the budget of',
  'plan.grant': 'gave a plan to',
  'plan.revoke': 'took the plan away from',
  'plan.cancel': 'ended the renewal of the plan of',
  'plan.active': 'had the plan renewed again of',
  'plan.cancelled': 'had the renewal ended of the plan of',
  'plan.past_due': 'did not pay the renewal of the plan of',
  'plan.paid': 'paid a plan for',
  'plan.payment_unassigned': 'paid, without effect, for',
  'plan.refunded': 'had a payment given back for',
  'plan.edit': 'changed a plan',
  'plan.sku': 'sells a plan as a SKU',
  'plan.entitlement_granted': 'bought in Discord’s shop a plan for',
  'plan.entitlement_changed': 'changed in Discord’s shop the plan of',
  'plan.entitlement_ended': 'ended in Discord’s shop the plan of',
  'books.counter': 'found a counter beside the records:',
  'books.hour': 'found an hour’s sum beside the records:',
  'books.day': 'found a day’s sum beside the records:',
  'books.drift': 'found OpenRouter’s account beside the records:',
};

const TARGETS: Record<string, (name: string) => string> = {
  instance: () => 'the whole bot',
  role: (name) => `the role ${name}`,
  channel: (name) => `the channel ${name}`,
  members: (name) => `each member of ${name}`,
  member: (name) => `${name}, as a member`,
};
const deedOf = (action: string): string => {
  const tried = action.endsWith('.refused') ? action.slice(0, -'.refused'.length) : action;
  const isTried = tried !== action && DEEDS[action] === undefined;
  return isTried ? `tried in vain \`/${tried.replace('.', ' ')}\` for` : (DEEDS[action] ?? action);
};
const limit = (metric: string, value: number): string => (value < 0 ? 'none' : amount(metric, value));

/** Who changed what. */
export const enAudit = {
  'audit.title': () => '**Who changed what**',
  'audit.none': () => 'Nothing is on record.',
  'audit.who': (p: { name: string }) =>
    p.name === 'system' ? 'Parley' : p.name === '' ? 'Somebody' : p.name,
  'audit.target': (p: { kind: string; name: string }) => TARGETS[p.kind]?.(p.name) ?? p.name,
  /** Below zero stands for none. */
  'audit.limit': (p: { metric: string; window: string; before: number; after: number }) =>
    `${METRICS[p.metric]} ${EACH[p.window]}: ${limit(p.metric, p.before)} → ${limit(p.metric, p.after)}`,
  'audit.entry': (p: { at: string; who: string; action: string; subject: string; change: string }) =>
    `- ${p.at}: ${p.who} ${deedOf(p.action)} ${p.subject}${p.change === '' ? '' : ` (${p.change})`}`,
  'audit.more': (p: { before: number }) => `Older entries: \`/audit before:${p.before}\``,
} as const;
