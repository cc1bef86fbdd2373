import { isMessageKey, pickLocale, translate, type Locale, type Notice } from '../i18n/translate.ts';
import type { PlatformAdapter } from '../platform/adapter.ts';
import type { ButtonAction } from '../platform/command.ts';
import type { Platform, TurnId } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { ReplyTarget } from '../platform/message.ts';
import type { Delivery, FinalReply, PartRecord, Reply, ReplyButton } from '../platform/reply.ts';
import { actionsOf, type ReplyFacts } from './buttons.ts';
import type { SearchReport } from '../completion/sources.ts';
import { describeSearch } from './search-words.ts';
import { createPartJournal } from './part-journal.ts';
import type { TurnClaim, TurnStore } from './ports.ts';
import { createReplyQueue } from './reply-queue.ts';
import type { StoredNotice, TurnSettings, Versions } from './turn.ts';
import { createTurnReply, type TurnReply } from './turn-reply.ts';
import type { WaitingMarks } from './waiting-marks.ts';

/** What a reply needs of a turn, whether it still runs or is only delivered. */
export interface Answerable extends TurnClaim {
  readonly platform: Platform;
  readonly replyTarget: ReplyTarget;
  readonly settings: TurnSettings;
  readonly reportedLocale: string | null;
  readonly parts: readonly PartRecord[];
  readonly replyOf: TurnId | null;
  readonly after: TurnId | null;
  /** Where its questions may be marked as waiting. */
  readonly waited: readonly ReplyTarget[];
}

export interface OpenOptions {
  /** What the reply is about, for the title of a thread. */
  readonly subject: string;
  /** Called when it turns out that nobody can see the reply any more. */
  readonly onUnseen: () => void;
  readonly mayWrite: () => boolean;
}

/**
 * Opens replies on the platforms and keeps their order: a conversation's next answer may be
 * written meanwhile, but shows only after its predecessor's last part.
 */
export interface ReplyDesk {
  /** The questions are marked as waiting no more from then on. */
  open(turn: Answerable, options: OpenOptions): TurnReply;
  /** What is shown in the end: the answer, and below it or in its place what there is to say about it. */
  compose(turn: Answerable, said: Composition): FinalReply;
  /** Notes that nothing (more) is to be shown. Never rejects: an unnoted delivery is found again by recovery. */
  close(turn: TurnClaim & Pick<Answerable, 'platform' | 'waited'>): Promise<void>;
}

export interface Composition extends Pick<ReplyFacts, 'state' | 'isPartial' | 'versions'> {
  readonly answer: string | null;
  readonly search?: SearchReport | null;
  readonly notice: Notice | StoredNotice | null;
  readonly remarks?: readonly StoredNotice[];
}

export interface ReplyDeskParts {
  readonly store: TurnStore;
  readonly adapterOf: (platform: Platform) => PlatformAdapter | null;
  readonly log: Logger;
  readonly sleep: (ms: number) => Promise<void>;
  readonly marks: Pick<WaitingMarks, 'remove'>;
}

export function createReplyDesk(parts: ReplyDeskParts): ReplyDesk {
  const { store, adapterOf, log } = parts;
  const queue = createReplyQueue(parts);

  function open(turn: Answerable, { subject, onUnseen, mayWrite }: OpenOptions): TurnReply {
    const running = [buttonOf('stop', localeOf(turn), ONE_VERSION)];
    const thread = turn.settings.opensThread ? { title: titleOf(subject) } : null;
    const openWith = (existing: readonly PartRecord[]) => {
      const journal = createPartJournal(turn, existing, mayWrite, parts);
      const options = { turn: turn.id, journal, running, thread, onUnseen };
      const reply = adapterOf(turn.platform)?.openReply(turn.replyTarget, options) ?? unserved(turn.platform);
      return { reply, saved: () => journal.saved() };
    };
    const unmarked = parts.marks.remove(turn);
    return createTurnReply(turn, {
      openWith,
      partsNow: () => queue.insist(() => store.parts(turn.id)),
      whenFree: (isOver) => queue.whenFree(turn.after, isOver),
      complete: queue.enter(turn.id),
      async record(delivery, isRetracted) {
        // Nobody looks after the marks of what is noted as delivered.
        await unmarked;
        await record(turn, delivery, isRetracted);
      },
    });
  }

  /** Insists while the store is away: what is not noted is shown once more by whoever takes the turn over. */
  async function record(claim: TurnClaim, delivery: Delivery, isRetracted: boolean): Promise<void> {
    try {
      await queue.insist(() => note(claim, delivery, isRetracted));
    } catch (error) {
      log.warn({ turn: claim.id, err: error }, 'could not note a delivery');
    }
  }

  async function note({ id, epoch }: TurnClaim, delivery: Delivery, isRetracted: boolean): Promise<void> {
    switch (delivery.kind) {
      case 'delivered':
        return await store.markDelivered({ id, epoch }, { unreachable: null, isRetracted });
      case 'unreachable':
        log.info({ turn: id, reason: delivery.reason }, 'a reply can not be delivered');
        return await store.markDelivered({ id, epoch }, { unreachable: delivery.reason, isRetracted });
      case 'postponed':
        log.warn({ turn: id, ...delivery }, 'a reply could not be delivered yet');
        return await store.postpone({ id, epoch }, delivery.retryAfterMs);
    }
  }

  return {
    open,
    compose(turn, { answer, search = null, notice, remarks = [], ...facts }) {
      const locale = localeOf(turn);
      const said = notice === null ? null : say(locale, notice);
      const found = answer === null ? null : describeSearch(search, locale);
      const remarked = remarks.filter(({ key }) => isMessageKey(key)).map((remark) => say(locale, remark));
      const text = [answer, found, said, remarked.join('\n')]
        .filter((piece) => piece !== null && piece.trim() !== '')
        .join('\n\n');
      const actions = actionsOf({ ...facts, hasAnswer: answer !== null });
      return { text, buttons: actions.map((action) => buttonOf(action, locale, facts.versions)) };
    },
    async close(turn) {
      await parts.marks.remove(turn);
      await record(turn, { kind: 'delivered' }, true);
    },
  };
}

const LONGEST_TITLE = 60;
const ONE_VERSION: Versions = { index: 1, count: 1 };

function titleOf(subject: string): string {
  const line = subject.replaceAll(/\s+/gu, ' ').trim();
  if (line === '') return '…';
  return line.length <= LONGEST_TITLE ? line : `${line.slice(0, LONGEST_TITLE - 1).toWellFormed()}…`;
}

function buttonOf(action: ButtonAction, locale: Locale, { index, count }: Versions): ReplyButton {
  return {
    action,
    label:
      action === 'next'
        ? translate(locale, { key: 'button.next', params: { index, count } })
        : translate(locale, { key: `button.${action}` }),
  };
}

function localeOf(turn: Answerable): Locale {
  return pickLocale(turn.settings.locale, turn.reportedLocale);
}

/** A notice of an older release may have a key that is gone; its reader still gets a sentence. */
function say(locale: Locale, notice: Notice | StoredNotice): string {
  return isMessageKey(notice.key)
    ? translate(locale, notice as Notice)
    : translate(locale, { key: 'turn.interrupted' });
}

/** The platform is not served by this process: the turn stays for one that does. */
function unserved(platform: Platform): Reply {
  const later: Delivery & { kind: 'postponed' } = {
    kind: 'postponed',
    retryAfterMs: 60_000,
    reason: `no ${platform} adapter runs here`,
  };
  return {
    working: () => undefined,
    append: () => undefined,
    finish: () => Promise.resolve(later),
    retract: () => Promise.resolve(later),
    abandon: () => Promise.resolve(),
  };
}
