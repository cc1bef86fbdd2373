import { isMessageKey, pickLocale, translate, type Locale, type Notice } from '../i18n/translate.ts';
import type { PlatformAdapter } from '../platform/adapter.ts';
import type { Platform } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { ReplyTarget } from '../platform/message.ts';
import type { Delivery, PartRecord, Reply } from '../platform/reply.ts';
import { createPartJournal } from './part-journal.ts';
import type { TurnClaim, TurnStore } from './ports.ts';
import type { StoredNotice, TurnSettings } from './turn.ts';

/** What a reply needs of a turn, whether it still runs or is only delivered. */
export interface Answerable extends TurnClaim {
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
  /**
   * `subject` is what the reply is about, for the title of a thread. `onUnseen` is called when it
   * turns out that nobody can see the reply any more.
   */
  open(turn: Answerable, subject: string, onUnseen: () => void): TurnReply;
  /** The visible text: the answer, and below it or in its place what there is to say about it. */
  compose(turn: Answerable, answer: string | null, notice: Notice | StoredNotice | null): string;
  /** Notes that nothing (more) is to be shown. Never rejects: an unnoted delivery is found again by recovery. */
  close(claim: TurnClaim): Promise<void>;
}

export interface TurnReply {
  working(): void;
  append(delta: string): void;
  /** Shows the final text and, once the turn is settled, notes how that went. Rejects only as `settled` does. */
  finish(text: string, settled: Promise<unknown>): Promise<void>;
  /** Shows nothing more, and lets the conversation's next reply begin. Harmless after `finish`. */
  abandon(): void;
}

export interface ReplyDeskParts {
  readonly store: TurnStore;
  readonly adapterOf: (platform: Platform) => PlatformAdapter | null;
  readonly log: Logger;
  readonly sleep: (ms: number) => Promise<void>;
}

export function createReplyDesk(parts: ReplyDeskParts): ReplyDesk {
  const { store, adapterOf, log } = parts;
  /** The last reply that was opened in each conversation, settled when it is complete. */
  const lastShown = new Map<string, Promise<void>>();

  function open(turn: Answerable, subject: string, onUnseen: () => void): TurnReply {
    const journal = createPartJournal({ id: turn.id, epoch: turn.epoch }, turn.parts, parts);
    const running = [{ action: 'stop', label: translate(localeOf(turn), { key: 'button.stop' }) } as const];
    const thread = turn.settings.opensThread ? { title: titleOf(subject) } : null;
    const options = { turn: turn.id, journal, running, thread, onUnseen };
    const reply = adapterOf(turn.platform)?.openReply(turn.replyTarget, options) ?? unserved(turn.platform);
    const { promise: shown, resolve: markShown } = Promise.withResolvers<void>();
    return inOrder(reply, takeTurn(turn.conversationId, shown), markShown, async (delivery) => {
      await journal.saved();
      await record(turn, delivery);
    });
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

  async function record({ id, epoch }: TurnClaim, delivery: Delivery): Promise<void> {
    try {
      switch (delivery.kind) {
        case 'delivered':
          return await store.markDelivered({ id, epoch }, null);
        case 'unreachable':
          log.info({ turn: id, reason: delivery.reason }, 'a reply can not be delivered');
          return await store.markDelivered({ id, epoch }, delivery.reason);
        case 'postponed':
          log.warn({ turn: id, ...delivery }, 'a reply could not be delivered yet');
          return await store.postpone({ id, epoch }, delivery.retryAfterMs);
      }
    } catch (error) {
      log.warn({ turn: id, err: error }, 'could not note a delivery');
    }
  }

  return {
    open,
    compose(turn, answer, notice) {
      const said = notice === null ? null : say(localeOf(turn), notice);
      return [answer, said].filter((text) => text !== null && text.trim() !== '').join('\n\n');
    },
    close: (claim) => record(claim, { kind: 'delivered' }),
  };
}

const LONGEST_TITLE = 60;

function titleOf(subject: string): string {
  const line = subject.replaceAll(/\s+/gu, ' ').trim();
  if (line === '') return '…';
  return line.length <= LONGEST_TITLE ? line : `${line.slice(0, LONGEST_TITLE - 1).toWellFormed()}…`;
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
  reply: Reply,
  predecessor: Promise<void> | null,
  markShown: () => void,
  record: (delivery: Delivery) => Promise<void>,
): TurnReply {
  let isOurTurn = predecessor === null;
  let isOver = false;
  let early = '';
  const ready = predecessor?.then(() => {
    isOurTurn = true;
    if (early !== '' && !isOver) reply.append(early);
  });
  return {
    working: () => reply.working(),
    append(delta) {
      if (isOver) return;
      if (isOurTurn) reply.append(delta);
      else early += delta;
    },
    async finish(text, settled) {
      await ready;
      if (isOver) return;
      const delivery = await reply.finish({ text });
      markShown();
      await settled;
      // A claim that was lost meanwhile has nothing to note: another process delivers.
      if (!isOver) await record(delivery);
      isOver = true;
    },
    abandon() {
      if (isOver) return;
      isOver = true;
      reply.abandon();
      markShown();
    },
  };
}

/** The platform is not served by this process: the turn stays for one that does. */
function unserved(platform: Platform): Reply {
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
