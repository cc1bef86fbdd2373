import type { Place } from '../limits/user-limiter.ts';
import type { Envelope } from '../platform/message.ts';
import { isOperator } from './access.ts';
import { tooFast } from './admission.ts';
import type { EngineOptions, EngineParts } from './engine-parts.ts';
import { createNoticeGate } from './notice-gate.ts';
import { refusalNotice } from './outcome.ts';
import type { AdmitVerdict, DecidedBy, Planned, QueuedVerdict, RunVerdict } from './ports.ts';
import type { Refusal } from './turn.ts';

/** What all ways into a turn have in common: the person's limiter before the store decides, and what follows from it. */
export interface Admissions {
  /** Takes a place in the person's limiter for what the store decides; `full` is the refusal where there is none. */
  decide<Verdict>(
    envelope: Envelope,
    ask: (full: Refusal | null) => Promise<Planned<Verdict>>,
  ): Promise<{ readonly place: Place | null; readonly verdict: Verdict }>;
  /** Runs what may run, `restMs` later if told. A queued turn leaves its place: it gets another slot when its conversation is free. */
  occupy(verdict: RunVerdict | QueuedVerdict | Merged, place: Place | null, restMs?: number): void;
  /** The person was told just before why they are refused. */
  isClosed(envelope: Envelope): boolean;
  /** `silenced` when there is nothing to tell: a blocked person gets no answer at all, and some things are said once. */
  tellRefused(envelope: Envelope, verdict: Refused): 'refused' | 'silenced';
  decidedBy(envelope: Envelope): DecidedBy;
}

/** What took longer to arrive was held up on the way, and is judged by when it was written. */
const LATE_MS = 60_000;

export function createAdmissions(
  options: EngineOptions,
  { limiter, runner, plans, now }: EngineParts,
): Admissions {
  const gate = createNoticeGate(now);
  const usualPace = ({ author, guild }: Envelope): number =>
    plans?.ratePerMinute(author.id, guild?.id ?? null) ?? options.userPerMinute;
  return {
    async decide(envelope, ask) {
      const { author, sentAtMs } = envelope;
      const perMinute = isOperator(options.access, author.id) ? Number.MAX_SAFE_INTEGER : usualPace(envelope);
      const isLate = now() - sentAtMs > LATE_MS;
      const reserved = await limiter.reserve(author.id, perMinute, isLate ? sentAtMs : now());
      const place = reserved.full ? null : reserved;
      try {
        const verdict = await ask(reserved.full ? tooFast(reserved) : null);
        if (verdict.plan !== undefined) plans?.note(author.id, envelope.guild?.id ?? null, verdict.plan);
        return { place, verdict };
      } catch (error) {
        place?.giveBack();
        throw error;
      }
    },
    occupy(verdict, place, restMs = 0) {
      if (verdict.kind === 'run') {
        if (place === null) runner.startLater(verdict.turn);
        else runner.start(verdict.turn, (task, isFirst) => place.run(task, isFirst), restMs);
        return;
      }
      place?.release();
      const absorbed = verdict.kind === 'queued' ? verdict.absorbs : null;
      if (absorbed !== null) runner.cancel(absorbed);
    },
    isClosed: (envelope) => gate.isClosed(envelope),
    tellRefused(envelope, verdict) {
      gate.refuse(envelope, verdict.refusal);
      if (verdict.isTold) return 'silenced';
      const { turnId: id, epoch, leasedAtMs, settings, reportedLocale } = verdict;
      const { platform, replyTarget } = envelope;
      const notice = refusalNotice(verdict.refusal, now());
      const refused = { id, epoch, leasedAtMs, platform, replyTarget, settings, reportedLocale, notice };
      runner.deliver({ ...NOTHING_SHOWN, ...refused });
      return notice === null ? 'silenced' : 'refused';
    },
    decidedBy: ({ author, guild }) => ({
      user: author.id,
      adminOf: author.isGuildAdmin ? (guild?.id ?? null) : null,
      isOperator: isOperator(options.access, author.id),
    }),
  };
}

type Refused = Extract<AdmitVerdict, { kind: 'refused' }>;
type Merged = Extract<AdmitVerdict, { kind: 'merged' }>;

/** A refused turn has no answer, no conversation and nothing before it. */
const NOTHING_SHOWN = {
  state: 'refused',
  answer: null,
  isPartial: false,
  isRetracted: false,
  versions: { index: 1, count: 1 },
  replyOf: null,
  after: null,
  parts: [],
  waited: [],
} as const;
