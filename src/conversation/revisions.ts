import type { ButtonPress } from '../platform/command.ts';
import { turnId, type MessageId } from '../platform/ids.ts';
import type { IncomingMessage } from '../platform/message.ts';
import { decideAccess } from './access.ts';
import { checkText, editRequest, repeatRequest } from './admission.ts';
import type { Admissions } from './admissions.ts';
import type { EngineOptions, EngineParts } from './engine-parts.ts';
import type { RepeatVerdict, SelectVerdict } from './ports.ts';
import { isPersons } from './trigger.ts';

/** What people do with questions and answers that are there. */
export interface Revisions {
  /** Takes what a message reads now that its author has changed it. Rejects with `StoreUnavailable` when nothing is stored. */
  edit(message: IncomingMessage): Promise<Receipt>;
  /** Ends the turns of deleted messages and takes their answers away. Rejects as above. */
  remove(messages: readonly MessageId[]): Promise<void>;
  /** Answers a question again, or goes on with its answer. Rejects as above. */
  repeat(press: ButtonPress, cause: 'regenerate' | 'continue'): Promise<RepeatVerdict>;
  /** Shows another version of an answer. Rejects as above. */
  select(press: ButtonPress, step: 1 | -1): Promise<SelectVerdict>;
}

/**
 * `refused` tells the person why; `silenced` does not: they have just read it, or are blocked. `merged`: answered together
 * with the message before it.
 */
export type Receipt = 'ignored' | 'running' | 'queued' | 'merged' | 'refused' | 'silenced' | 'duplicate';

export function createRevisions(
  options: EngineOptions,
  { store, runner, newTurnId }: EngineParts,
  admissions: Admissions,
): Revisions {
  const { instance, leaseMs } = options;
  return {
    async edit(message) {
      if (!isPersons(message) || checkText(message) !== null) return 'ignored';
      if (admissions.isClosed(message)) return 'silenced';
      const { place, verdict } = await admissions.decide(message, (full) =>
        store.edit(editRequest(options, newTurnId(), message, full)),
      );
      switch (verdict.kind) {
        case 'run':
        case 'queued':
          admissions.occupy(verdict, place);
          if (verdict.supersedes !== null) runner.cancel(verdict.supersedes);
          return 'running';
        case 'revised':
          place?.release();
          return 'queued';
        case 'refused':
          place?.release();
          return admissions.tellRefused(message, verdict);
        case 'duplicate':
        case 'unknown':
        case 'unchanged':
        case 'too_late':
          place?.giveBack();
          return 'ignored';
      }
    },
    async remove(messages) {
      const { cancel, deliver } = await store.deleteMessages({ messages, instance, leaseMs });
      for (const turn of cancel) runner.cancel(turn);
      runner.resume({ run: [], deliver });
    },
    async repeat(press, cause) {
      const target = turnId(press.turn);
      const by = admissions.decidedBy(press);
      const { place, verdict } = await admissions.decide(press, (refusal) =>
        store.repeat(repeatRequest(options, newTurnId(), press, { cause, target, by, refusal })),
      );
      if (verdict.kind === 'run' || verdict.kind === 'queued') admissions.occupy(verdict, place);
      else place?.giveBack();
      return verdict;
    },
    async select(press, step) {
      const target = turnId(press.turn);
      const { originKey } = press;
      const by = admissions.decidedBy(press);
      const access = decideAccess(options.access, press);
      const request = { target, step, by, originKey, access, instance, leaseMs };
      const { place, verdict } = await admissions.decide(press, (refusal) =>
        store.selectVersion({ ...request, refusal }),
      );
      if (verdict.kind === 'selected') {
        place?.release();
        runner.resume({ run: [], deliver: [verdict.turn] });
      } else place?.giveBack();
      return verdict;
    },
  };
}
