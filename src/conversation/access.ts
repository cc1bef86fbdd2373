import type { GuildId, UserId } from '../platform/ids.ts';
import type { Envelope } from '../platform/message.ts';

/** Who may use the bot at all, as the operator set it. */
export interface AccessPolicy {
  readonly mode: 'open' | 'approval' | 'list';
  readonly users: readonly UserId[];
  readonly guilds: readonly GuildId[];
  readonly operators: readonly UserId[];
}

/** What the policy alone decides; `if_approved` leaves the last word to the stored approval. */
export type Access = 'granted' | 'denied' | 'if_approved';

/** Decided before anything else, so that a stranger can't spend the operator's money. */
export function decideAccess(policy: AccessPolicy, envelope: Envelope): Access {
  if (isOperator(policy, envelope.author.id) || policy.mode === 'open') return 'granted';
  const listed =
    policy.users.includes(envelope.author.id) ||
    (envelope.guild !== null && policy.guilds.includes(envelope.guild.id));
  if (listed) return 'granted';
  return policy.mode === 'approval' ? 'if_approved' : 'denied';
}

export function isOperator(policy: AccessPolicy, user: UserId): boolean {
  return policy.operators.includes(user);
}
