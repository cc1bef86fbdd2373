import { Routes, type REST } from 'discord.js';
import type { Chores } from '../../delivery/chores.ts';
import type { Clock } from '../../delivery/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { createRecent } from '../../platform/recent.ts';
import type { Address } from './address.ts';
import { describe, isTransient, type Outcome } from './failure.ts';
import { reactionLane } from './lane.ts';
import type { Manner, Sender } from './sender.ts';

export interface WaitingMarksOptions {
  readonly rest: REST;
  readonly sender: Sender;
  readonly chores: Chores;
  /** Nothing is marked from then on; marks are taken away until the end. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A question whose mark is being changed. */
interface Change {
  readonly channelId: string;
  readonly questionId: string;
  isWanted: boolean;
  done: Promise<void>;
}

/**
 * Puts a reaction on questions that wait their turn, and takes it away again; the newest wish wins. Resolves when that is
 * done or given up; never rejects.
 */
export function createWaitingMarks({ rest, sender, chores, signal, clock, logger }: WaitingMarksOptions) {
  const changes = new Map<string, Change>();
  /** Whether a question bears the mark; of another process's it is not known. */
  const borne = createRecent<string, boolean>();
  const refusedAtMs = createRecent<string, number>();

  const call = ({ channelId, questionId }: Change, puts: boolean): Promise<Outcome<unknown>> => {
    const route = Routes.channelMessageOwnReaction(channelId, questionId, encodeURIComponent(SEEN));
    // A mark that comes late is of no use; one that stays would be wrong.
    const manner: Manner = puts
      ? { urgency: 'once', takesPlace: true, signal }
      : { urgency: 'insist', takesPlace: true };
    return sender.call(reactionLane(channelId), manner, () => (puts ? rest.put(route) : rest.delete(route)));
  };

  const isRefused = (channelId: string): boolean =>
    clock.now() - (refusedAtMs.get(channelId) ?? -Infinity) < REFUSAL_LASTS_MS;

  const work = async (change: Change): Promise<void> => {
    const { channelId, questionId } = change;
    for (let puts: boolean | null = null; change.isWanted !== puts;) {
      puts = change.isWanted;
      if (puts ? isRefused(channelId) : borne.get(questionId) === false) continue;
      const outcome = await call(change, puts);
      borne.set(questionId, puts && (outcome.ok || isTransient(outcome.failure)));
      if (outcome.ok) continue;
      logger.debug({ reason: describe(outcome.failure) }, 'waiting mark not changed');
      const isFinal = outcome.failure.kind === 'refused' && !isTransient(outcome.failure);
      if (puts && isFinal) refusedAtMs.set(channelId, clock.now());
    }
    changes.delete(questionId);
  };

  return ({ channelId, questionId }: Address, isWaiting: boolean): Promise<void> => {
    if (questionId === null || (isWaiting && signal.aborted)) return Promise.resolve();
    const running = changes.get(questionId);
    if (running !== undefined) {
      running.isWanted = isWaiting;
      return running.done;
    }
    const change: Change = { channelId, questionId, isWanted: isWaiting, done: Promise.resolve() };
    changes.set(questionId, change);
    change.done = work(change);
    chores.add(change.done);
    return change.done;
  };
}

const SEEN = '👀';
/** Discord counts refusals; a permission may be given meanwhile. */
const REFUSAL_LASTS_MS = 600_000;
