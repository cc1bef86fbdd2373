import { has, permissionsIn } from './permissions.ts';
import { invalidField } from './refusal.ts';
import type { ChannelState, Mentions, StoredMessage, UserState } from './world.ts';

/** `allowed_mentions` of a request. */
export interface AllowedMentions {
  readonly parse?: readonly ('users' | 'roles' | 'everyone' | null)[] | null;
  readonly users?: readonly (string | null)[] | null;
  readonly roles?: readonly (string | null)[] | null;
  readonly replied_user?: boolean | null;
}

export const nobody: Mentions = { users: [], roles: [], everyone: false };

export interface MentionContext {
  readonly channel: ChannelState;
  readonly author: UserState;
  readonly nowMs: number;
  /** The message replied to. */
  readonly replied: StoredMessage | undefined;
  /** Without `allowed_mentions` a message pings all it names, and an answer to an interaction only people. */
  readonly isAnswer: boolean;
}

/**
 * Whom a text pings. Nothing of `allowed_mentions` is remembered: an edit without it is computed with the defaults again. Everyone and
 * roles that are not mentionable are pinged only where the author may mention everyone.
 */
export function computeMentions(
  content: string,
  allowed: AllowedMentions | null | undefined,
  context: MentionContext,
): Mentions {
  checkExclusive(allowed);
  const { channel, author, replied, nowMs } = context;
  const text = withoutCode(content);
  const rules = rulesOf(allowed, context.isAnswer);
  const mayMentionAll = has(permissionsIn(channel, author, nowMs), 'MentionEveryone');
  const users = idsIn(text, /<@!?(\d{15,20})>/g).filter((id) => rules.users(id) && isKnown(channel, id));
  const roles = idsIn(text, /<@&(\d{15,20})>/g).filter((id) => {
    const role = channel.guild?.roles.get(id);
    return role !== undefined && rules.roles(id) && (role.isMentionable || mayMentionAll);
  });
  const pingsReplied = replied !== undefined && rules.repliedUser && replied.author !== author;
  return {
    users: [...new Set(pingsReplied ? [...users, replied.author.id] : users)],
    roles,
    everyone:
      rules.everyone && mayMentionAll && channel.guild !== undefined && /@(everyone|here)\b/.test(text),
  };
}

interface Rules {
  readonly users: (id: string) => boolean;
  readonly roles: (id: string) => boolean;
  readonly everyone: boolean;
  readonly repliedUser: boolean;
}

function rulesOf(allowed: AllowedMentions | null | undefined, isAnswer: boolean): Rules {
  if (allowed === undefined || allowed === null) {
    return { users: () => true, roles: () => !isAnswer, everyone: !isAnswer, repliedUser: true };
  }
  const parse = allowed.parse ?? [];
  return {
    users: (id) => parse.includes('users') || (allowed.users ?? []).includes(id),
    roles: (id) => parse.includes('roles') || (allowed.roles ?? []).includes(id),
    everyone: parse.includes('everyone'),
    repliedUser: allowed.replied_user ?? false,
  };
}

function checkExclusive(allowed: AllowedMentions | null | undefined): void {
  for (const kind of ['users', 'roles'] as const) {
    if (allowed?.parse?.includes(kind) === true && (allowed[kind] ?? []).length > 0) {
      throw invalidField(
        'allowed_mentions',
        'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE',
        `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`,
      );
    }
  }
}

/** Mentions inside code are text. */
function withoutCode(content: string): string {
  return content.replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '');
}

function idsIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].flatMap(([, id]) => (id === undefined ? [] : [id])))];
}

function isKnown(channel: ChannelState, userId: string): boolean {
  return channel.guild?.members.has(userId) ?? channel.recipients.some(({ id }) => id === userId);
}
