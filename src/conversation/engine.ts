import type { TurnId } from '../platform/ids.ts';
import type { Envelope, IncomingMessage } from '../platform/message.ts';
import { admitRequest, checkText } from './admission.ts';
import { createAdmissions } from './admissions.ts';
import type { EngineOptions, EngineParts } from './engine-parts.ts';
import type { CancelVerdict } from './ports.ts';
import { createRevisions, type Receipt, type Revisions } from './revisions.ts';
import { decideTrigger } from './trigger.ts';
import type { Refusal, TurnCause } from './turn.ts';

/** Decides about each message, and hands what may run to the runner. */
export interface Engine extends Revisions {
  /**
   * Resolves when the message is durably admitted, refused or known, or is none of ours.
   * Rejects with `StoreUnavailable` when nothing is stored; the platform has to deliver it again.
   */
  receive(message: IncomingMessage, cause: TurnCause): Promise<Receipt>;
  /** Stops the person's own running and queued turns in a place; an admin stops everybody's. Returns how many. */
  stopPlace(envelope: Envelope): Promise<number>;
  /** The same for one turn, wherever it runs. */
  stopTurn(turn: TurnId, envelope: Envelope): Promise<CancelVerdict>;
}

/** The next piece of a message that a client has cut comes within this time. */
const NEXT_PIECE_MS = 700;

export function createEngine(options: EngineOptions, parts: EngineParts): Engine {
  const { store, runner, marks, echoes, now, newTurnId } = parts;
  const admissions = createAdmissions(options, parts);

  async function receive(message: IncomingMessage, cause: TurnCause): Promise<Receipt> {
    if (!decideTrigger(message, echoes).addressed) return 'ignored';
    if (admissions.isClosed(message)) return 'silenced';
    const { place, verdict } = await admissions.decide(message, (full) => {
      const refusal = full ?? checkAge(message) ?? checkText(message);
      const unshown = runner.unshown(message.author.id);
      return store.admit(admitRequest(options, newTurnId(), message, cause, { refusal, unshown }));
    });
    switch (verdict.kind) {
      case 'run':
        admissions.occupy(verdict, place, message.isMaybeCut ? NEXT_PIECE_MS : 0);
        return 'running';
      case 'queued':
      case 'merged': {
        admissions.occupy(verdict, place);
        // What takes over a turn that runs does not wait.
        const waits = cause === 'message' && (verdict.kind === 'merged' || verdict.absorbs === null);
        if (waits) void marks.put(verdict.turnId, message);
        return verdict.kind;
      }
      case 'duplicate':
        place?.giveBack();
        return 'duplicate';
      case 'refused':
        place?.release();
        return admissions.tellRefused(message, verdict);
    }
  }

  function checkAge({ sentAtMs }: IncomingMessage): Refusal | null {
    return now() - sentAtMs > options.backlogMaxAgeMs ? { reason: 'too_old' } : null;
  }

  async function stopTurn(turn: TurnId, envelope: Envelope): Promise<CancelVerdict> {
    const verdict = await store.requestCancel(turn, admissions.decidedBy(envelope));
    if (verdict.kind === 'cancelling') {
      runner.cancel(verdict.turnId);
      void marks.remove({ platform: envelope.platform, waited: verdict.waited });
    }
    return verdict;
  }

  return {
    ...createRevisions(options, parts, admissions),
    receive,
    stopTurn,
    async stopPlace(envelope) {
      const turns = await store.activeTurns(envelope.place);
      const verdicts = await Promise.all(turns.map((turn) => stopTurn(turn, envelope)));
      return verdicts.filter((verdict) => verdict.kind === 'cancelling').length;
    },
  };
}
