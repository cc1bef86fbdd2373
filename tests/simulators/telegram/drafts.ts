import type { MessageEntity } from '@grammyjs/types';

/** A draft as the reader of a private chat sees it. */
export interface SimDraft {
  readonly chatId: number;
  readonly topicId: number | undefined;
  readonly draftId: number;
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  /** Source of a rich draft, which has no text. */
  readonly richSource: string | undefined;
  readonly canStop: boolean;
  readonly keepOnStop: boolean;
  readonly atMs: number;
}

export interface DraftBoard {
  /** Shows a frame for 30 seconds in place of the former one. */
  show(draft: SimDraft): void;
  /** A message of the bot removes the draft of its chat and topic; the ids used until now are over. */
  finish(chatId: number, topicId: number | undefined): void;
  /** The reader presses Stop: the id is ignored from now on. Returns the draft, or `undefined` when there is nothing to stop. */
  stop(chatId: number): SimDraft | undefined;
  live(chatId: number): readonly SimDraft[];
  /** Frames that came after the message that ended their draft: readers see such a leftover for 30 seconds. */
  ghosts(): readonly SimDraft[];
  clear(): void;
}

const draftLifeMs = 30_000;

interface Place {
  live: SimDraft | undefined;
  readonly seen: Set<number>;
  readonly finished: Set<number>;
  readonly stopped: Set<number>;
}

/** The drafts of all private chats; one is live per chat and topic. */
export function createDraftBoard(now: () => number): DraftBoard {
  const places = new Map<string, Place>();
  let ghosts: SimDraft[] = [];
  const placeOf = (chatId: number, topicId: number | undefined): Place => {
    const key = `${chatId}:${topicId ?? 0}`;
    const place = places.get(key) ?? {
      live: undefined,
      seen: new Set(),
      finished: new Set(),
      stopped: new Set(),
    };
    places.set(key, place);
    return place;
  };
  const visible = (chatId: number): SimDraft[] =>
    [...places.values()].flatMap(({ live }) =>
      live !== undefined && live.chatId === chatId && live.atMs + draftLifeMs > now() ? [live] : [],
    );
  return {
    show(draft) {
      const place = placeOf(draft.chatId, draft.topicId);
      if (place.stopped.has(draft.draftId)) return;
      if (place.finished.has(draft.draftId)) ghosts.push(draft);
      place.seen.add(draft.draftId);
      place.live = draft;
    },
    finish(chatId, topicId) {
      const place = placeOf(chatId, topicId);
      place.live = undefined;
      for (const id of place.seen) place.finished.add(id);
    },
    stop(chatId) {
      const draft = visible(chatId).findLast(({ canStop }) => canStop);
      if (draft === undefined) return undefined;
      const place = placeOf(chatId, draft.topicId);
      place.stopped.add(draft.draftId);
      if (!draft.keepOnStop) place.live = undefined;
      return draft;
    },
    live: visible,
    ghosts: () => ghosts,
    clear() {
      places.clear();
      ghosts = [];
    },
  };
}
