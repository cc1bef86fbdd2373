import type { Api } from 'grammy';
import type { GuildOffice } from '../../platform/adapter.ts';
import type { Logger } from '../../platform/logger.ts';
import { attempt, describe } from './failure.ts';

/** Groups, by the ids that their chats have. */
export function createGuildOffice(api: Api, logger: Logger): GuildOffice {
  return {
    async leave(guild) {
      const outcome = await attempt(() => api.leaveChat(rawOf(guild)));
      if (outcome.ok) return true;
      logger.warn({ reason: describe(outcome.failure) }, 'a group could not be left');
      if (outcome.failure.kind !== 'refused') return null;
      // "bot was kicked", "bot is not a member": there is nothing to leave.
      const { code, description } = outcome.failure;
      return code === 403 || description.includes('chat not found');
    },
    async isAdmin(guild, user) {
      const outcome = await attempt(() => api.getChatAdministrators(rawOf(guild)));
      if (outcome.ok) return outcome.value.some((member) => member.user.id === rawOf(user));
      logger.warn({ reason: describe(outcome.failure) }, 'group administrators unknown');
      return null;
    },
  };
}

const rawOf = (id: string): number => Number(id.slice(id.indexOf(':') + 1));
