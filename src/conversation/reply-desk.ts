import { isMessageKey, pickLocale, translate, type Locale, type Notice } from '../i18n/translate.ts';
import type { PlatformAdapter } from '../platform/adapter.ts';
import type { Platform, TurnId } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { ReplyTarget } from '../platform/message.ts';
import type { Delivery, PartJournal, PartRecord } from '../platform/reply.ts';
import type { TurnStore } from './ports.ts';
import type { StoredNotice, TurnSettings } from './turn.ts';

/** What a reply needs of a turn, whether it still runs or is only delivered. */
export interface Answerable {
  readonly id: TurnId;
  readonly platform: Platform;
  readonly conversationId: string | null;
  readonly replyTarget: ReplyTarget;
  readonly settings: TurnSettings;
  readonly reportedLocale: string | null;
  readonly parts: readonly PartRecord[];
}

/**
 * Opens replies on the platforms and keeps their order: a conversation's next answer may be
 * written meanwhile, but shows only after its predecessor's last part.
 */
export interface ReplyDesk {
  open(turn: Answerable): TurnReply;
  /** The visible text: the answer, and below it or in its place what there is to say about it. */
  compose(turn: Answerable, answer: string | null, notice: Notice | StoredNotice | null): string;
  /** Notes how a delivery went. Never rejects: an unnoted delivery is found again by recovery. */
  record(turn: TurnId, epoch: number, delivery: Delivery): Promise<void>;
}

export interface TurnReply {
  working(): void;
  append(delta: string): void;
  finish(text: string): Promise<Delivery>;
  /** Leaves the reply to the process that took the turn over. */
  abandon(): void;
}

export interface ReplyDeskParts {
  readonly store: TurnStore;
  readonly adapterOf: (platform: Platform) => PlatformAdapter | null;
  readonly log: Logger;
}

export function createReplyDesk({ store, adapterOf, log }: ReplyDeskParts): ReplyDesk {
  /** The last reply that was opened in each conversation, settled when it is complete. */
  const lastShown = new Map<string, Promise<void>>();

  function open(turn: Answerable): TurnReply {
    const adapter = adapterOf(turn.platform);
    if (adapter === null) return unreachable(turn.platform);
    const locale = localeOf(turn);
    const reply = adapter.openReply(turn.replyTarget, {
      turn: turn.id,
      journal: journal(turn),
      running: [{ action: 'stop', label: translate(locale, { key: 'button.stop' }) }],
    });
    const { promise: shown, resolve: markShown } = Promise.withResolvers<void>();
    const predecessor = takeTurn(turn.conversationId, shown);
    return inOrder(reply, predecessor, markShown);
  }

  function takeTurn(conversationId: string | null, shown: Promise<void>): Promise<void> | null {
    if (conversationId === null) return null;
    const predecessor = lastShown.get(conversationId) ?? null;
    lastShown.set(conversationId, shown);
    void shown.then(() => {
      if (lastShown.get(conversationId) === shown) lastShown.delete(conversationId);
    });
    return predecessor;
  }

  function journal(turn: Answerable): PartJournal {
    return {
      existing: turn.parts,
      intend: (index) => store.intendPart(turn.id, index),
      async sent(index, platformMessageId) {
        try {
          await store.partSent(turn.id, index, platformMessageId);
        } catch (error) {
          log.warn({ turn: turn.id, index, err: error }, 'could not note a sent part');
        }
      },
    };
  }

  return {
    open,
    compose(turn, answer, notice) {
      const said = notice === null ? null : say(localeOf(turn), notice);
      return [answer, said].filter((text) => text !== null && text.trim() !== '').join('\n\n');
    },
    async record(turn, epoch, delivery) {
      if (delivery.kind === 'postponed') {
        log.warn({ turn, ...delivery }, 'a reply could not be delivered yet');
        return;
      }
      const reason = delivery.kind === 'unreachable' ? delivery.reason : null;
      if (reason !== null) log.info({ turn, reason }, 'a reply can not be delivered');
      try {
        await store.markDelivered(turn, epoch, reason);
      } catch (error) {
        log.warn({ turn, err: error }, 'could not note a delivery');
      }
    },
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

/** Holds back what is shown until the reply before it is complete. */
function inOrder(
  reply: ReturnType<PlatformAdapter['openReply']>,
  predecessor: Promise<void> | null,
  markShown: () => void,
): TurnReply {
  let isOurTurn = predecessor === null;
  let early = '';
  const ready = predecessor?.then(() => {
    isOurTurn = true;
    if (early !== '') reply.append(early);
  });
  return {
    working: () => reply.working(),
    append(delta) {
      if (isOurTurn) reply.append(delta);
      else early += delta;
    },
    async finish(text) {
      await ready;
      try {
        return await reply.finish({ text });
      } finally {
        markShown();
      }
    },
    abandon() {
      reply.abandon();
      markShown();
    },
  };
}

/** The platform is not served by this process (any more): the turn stays for one that does. */
function unreachable(platform: Platform): TurnReply {
  return {
    working: () => undefined,
    append: () => undefined,
    finish: () =>
      Promise.resolve({
        kind: 'postponed',
        retryAfterMs: 60_000,
        reason: `no ${platform} adapter runs here`,
      }),
    abandon: () => undefined,
  };
}
