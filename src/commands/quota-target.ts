import { isOperator } from '../conversation/access.ts';
import type { Notice } from '../i18n/translate.ts';
import type { QuotaAuthority, QuotaTarget, RefusedAttempt } from '../limits/ports.ts';
import type { CommandInvocation, CommandOption } from '../platform/command.ts';
import { readGuildId, readUserId, type GuildId, type PlaceId, type UserId } from '../platform/ids.ts';
import type { CommandOptions, CommandServices, CommandUse } from './command.ts';
import type { Whose } from './quota-words.ts';

/** For whom; for the whole community where none is named. */
export const TARGET_OPTIONS: readonly CommandOption[] = [
  { name: 'user', kind: 'user', required: false },
  { name: 'role', kind: 'role', required: false },
  { name: 'channel', kind: 'channel', required: false },
  { name: 'members', kind: 'boolean', required: false },
  { name: 'subject', kind: 'text', required: false },
];

/** What somebody may look at and change, and on whose side it is written. */
export interface Addressed {
  readonly target: QuotaTarget;
  readonly by: QuotaAuthority;
  readonly whose: Whose;
  /** As it is called in sentences and records. */
  readonly id: string;
}

export type AddressedOr =
  | ({ readonly kind: 'addressed' } & Addressed)
  | { readonly kind: 'wrong'; readonly problem: Notice };

/** Finds for whom; records it where somebody tries for whom they may not. Rejects with `StoreUnavailable`. */
export async function address(
  { invocation, options, services }: CommandUse,
  action: RefusedAttempt['action'],
): Promise<AddressedOr> {
  const { author, guild, name } = invocation;
  const named = TARGET_OPTIONS.filter(
    (option) => options[option.name] !== undefined && options[option.name] !== false,
  );
  if (named.length > 1) return { kind: 'wrong', problem: { key: 'quota.one_target' } };
  const subject = options['subject'];
  if (subject !== undefined) {
    const written = String(subject).trim().toLowerCase();
    const found = subjectOf(written);
    if (found !== null && isOperator(services.access, author.id)) {
      // What others use elsewhere is not for those who read along.
      return invocation.isOverheard === true
        ? {
            kind: 'wrong',
            problem: { key: 'command.discreet', params: { command: action.replace('.', ' ') } },
          }
        : { kind: 'addressed', ...found };
    }
    if (found === null) return { kind: 'wrong', problem: { key: 'quota.subject_wrong' } };
    await services.quotas.refuse(invocation, { action, subject: found.id, why: 'not_operator' });
    return { kind: 'wrong', problem: { key: 'quota.subject_operator' } };
  }
  if (guild === null) return { kind: 'wrong', problem: { key: 'quota.where', params: { command: name } } };
  return { kind: 'addressed', by: 'admins', ...withinGuild(guild.id, options) };
}

/** Records that somebody tried who manages nothing here. Rejects with `StoreUnavailable`. */
export async function noteDenied(
  invocation: CommandInvocation,
  { quotas }: CommandServices,
  action: RefusedAttempt['action'],
): Promise<void> {
  const subject = invocation.guild?.id ?? invocation.author.id;
  await quotas.refuse(invocation, { action, subject, why: 'not_admin' });
}

function withinGuild(guild: GuildId, options: CommandOptions): Omit<Addressed, 'by'> {
  // Checked against the spec before, where adapters made them.
  const user = options['user'] as UserId | undefined;
  const channel = options['channel'] as PlaceId | undefined;
  const role = options['role'] as string | undefined;
  if (user !== undefined) return { target: { kind: 'member', guild, user }, whose: 'member', id: user };
  if (channel !== undefined)
    return { target: { kind: 'channel', guild, channel }, whose: 'channel', id: channel };
  // The role of everybody goes by the id of its guild.
  if (options['members'] === true || role === guild) {
    return { target: { kind: 'members', guild }, whose: 'members', id: guild };
  }
  if (role !== undefined) return { target: { kind: 'role', guild, role }, whose: 'role', id: role };
  return { target: { kind: 'guild', guild }, whose: 'guild', id: guild };
}

/** Anybody anywhere, as operators name them. */
function subjectOf(written: string): Addressed | null {
  if (written === 'instance') {
    return { target: { kind: 'instance' }, by: 'operator', whose: 'instance', id: written };
  }
  const [, kind, id = ''] = /^(guild|user):(.+)$/u.exec(written) ?? [];
  const guild = kind === 'guild' ? readGuildId(id) : null;
  if (guild !== null) return { target: { kind: 'guild', guild }, by: 'operator', whose: 'other_guild', id };
  const user = kind === 'user' ? readUserId(id) : null;
  return user === null ? null : { target: { kind: 'user', user }, by: 'operator', whose: 'user', id };
}
