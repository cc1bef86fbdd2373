import { Routes, type AnyThreadChannel, type APIThreadChannel, type REST } from 'discord.js';
import type { Logger } from '../../platform/logger.ts';
import { createRecent } from '../../platform/recent.ts';
import { attempt, describe, isTransient } from './failure.ts';

/**
 * Who opened a thread. Discord does not list archived threads to a new session; when a message is
 * the first sign of one, discord.js makes it up without its owner and never learns who it was.
 */
export interface ThreadOwners {
  /** Undefined where Discord has to be asked; null where it does not tell. */
  known(thread: AnyThreadChannel): string | null | undefined;
  /** Rejects where Discord can't tell now: without an answer a message may be lost. */
  ask(thread: AnyThreadChannel): Promise<string | null>;
}

export function createThreadOwners(rest: REST, logger: Logger): ThreadOwners {
  const asked = createRecent<string, string | null>();

  const known: ThreadOwners['known'] = (thread) => {
    // Declared as always there, but as absent as it was in the event.
    const ownerId: string | null | undefined = thread.ownerId;
    return ownerId ?? asked.get(thread.id);
  };

  return {
    known,
    async ask(thread) {
      const already = known(thread);
      if (already !== undefined) return already;
      const outcome = await attempt(() => rest.get(Routes.channel(thread.id)) as Promise<APIThreadChannel>);
      if (!outcome.ok && isTransient(outcome.failure)) throw new Error(describe(outcome.failure));
      if (!outcome.ok) logger.debug({ reason: describe(outcome.failure) }, 'owner of a thread not known');
      const owner = outcome.ok ? (outcome.value.owner_id ?? null) : null;
      // A refusal is remembered too: asked again and again, Discord would shut the bot out.
      asked.set(thread.id, owner);
      return owner;
    },
  };
}
