import {
  PermissionFlagsBits,
  RESTJSONErrorCodes as Codes,
  Routes,
  type APIGuild,
  type APIGuildMember,
  type APIRole,
  type REST,
} from 'discord.js';
import type { GuildOffice } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { attempt, describe, type Outcome } from './failure.ts';

export function createGuildOffice(rest: REST, logger: Logger): GuildOffice {
  /** What Discord answers; null where it has no such thing, undefined where it could not be asked. */
  async function ask<Value>(call: () => Promise<unknown>): Promise<Value | null | undefined> {
    const outcome: Outcome<unknown> = await attempt(call);
    if (outcome.ok) return outcome.value as Value;
    const { failure } = outcome;
    if (failure.kind === 'refused' && NOBODY.includes(failure.code)) return null;
    logger.warn({ reason: describe(failure) }, 'Discord did not say what was asked about a guild');
    return undefined;
  }

  return {
    async leave(guild) {
      const outcome = await attempt(() => rest.delete(Routes.userGuild(rawOf(guild))));
      if (outcome.ok) return true;
      const { failure } = outcome;
      if (failure.kind === 'refused' && NOT_THERE.includes(failure.code)) return true;
      logger.warn({ reason: describe(failure) }, 'a guild could not be left');
      return failure.kind === 'refused' && failure.status < 500 && failure.status !== 429 ? false : null;
    },
    async isAdmin(guild, user) {
      const id = rawOf(guild);
      const member = await ask<APIGuildMember>(() => rest.get(Routes.guildMember(id, rawOf(user))));
      if (member === null) return false;
      const [whole, roles] = await Promise.all([
        ask<APIGuild>(() => rest.get(Routes.guild(id))),
        ask<APIRole[]>(() => rest.get(Routes.guildRoles(id))),
      ]);
      if (!member || !whole || !roles) return null;
      // Everybody has the role that goes by the guild's id.
      const theirs = roles.filter((role) => role.id === id || member.roles.includes(role.id));
      return whole.owner_id === rawOf(user) || theirs.some(({ permissions }) => manages(BigInt(permissions)));
    },
  };
}

/** What Discord says of somebody who is not in a guild, and of a guild that the bot is not in. */
const NOBODY: readonly number[] = [Codes.UnknownMember, Codes.UnknownUser];
const NOT_THERE: readonly number[] = [Codes.UnknownGuild, Codes.MissingAccess];
const MANAGES = PermissionFlagsBits.Administrator | PermissionFlagsBits.ManageGuild;
const manages = (permissions: bigint): boolean => (permissions & MANAGES) !== 0n;
const rawOf = (id: string): string => id.slice(id.indexOf(':') + 1);
