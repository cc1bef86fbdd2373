import type { Update } from '@grammyjs/types';

/** The kinds of update, each a field of the Bot API's Update object. */
type UpdateKind = Exclude<keyof Update, 'update_id'>;

export interface UpdateQueue {
  /** Queues an update of this kind unless the bot did not ask for the kind; returns its id, if it got one. */
  push(kind: UpdateKind, content: object): number | undefined;
  /** Queues any object as it is, valid or not, whatever the bot asked for. */
  pushRaw(update: object): number;
  /** Remembers the kinds the bot wants; an empty list means all but the three rare ones (getUpdates `allowed_updates`). */
  allow(kinds: readonly string[]): void;
  /** Empty for the default. */
  allowed(): readonly string[];
  /** Forgets the updates before `offset`; a negative one keeps that many of the last. */
  keepFrom(offset: number): void;
  /** Forgets one update, as a webhook's 2xx answer does. */
  confirm(updateId: number): void;
  forgetAll(): void;
  /** Updates that are neither confirmed nor expired, oldest first. */
  pending(): readonly Update[];
  onPush(listener: () => void): void;
}

const rareKinds: ReadonlySet<string> = new Set(['chat_member', 'message_reaction', 'message_reaction_count']);

/** Life of an unconfirmed update in milliseconds: 24 hours, less for the kinds a person waits for. */
const defaultLifeMs = 24 * 3_600_000;
const lifeMs: Partial<Record<UpdateKind, number>> = {
  callback_query: 150_000,
  pre_checkout_query: 150_000,
  inline_query: 30_000,
  chosen_inline_result: 600_000,
};

interface Entry {
  readonly update: Update;
  readonly expiresAtMs: number;
}

/**
 * The bot's update queue. `now` (milliseconds) decides expiry. `inspect` sees every update that is not raw before it is queued.
 */
export function createUpdateQueue(now: () => number, inspect: (update: Update) => void): UpdateQueue {
  let entries: Entry[] = [];
  let nextId = 100_000_001;
  let allowedKinds: readonly string[] = [];
  const listeners: (() => void)[] = [];

  const add = (update: object, kind?: UpdateKind): number => {
    const id = nextId++;
    const life = (kind && lifeMs[kind]) ?? defaultLifeMs;
    // The copy keeps later changes of the chat out of an update that was already made.
    const copy = structuredClone({ update_id: id, ...update }) as Update;
    if (kind !== undefined) inspect(copy);
    entries.push({ update: copy, expiresAtMs: now() + life });
    for (const listener of listeners) listener();
    return id;
  };

  const live = (): Entry[] => {
    entries = entries.filter(({ expiresAtMs }) => expiresAtMs > now());
    return entries;
  };

  return {
    push(kind, content) {
      const isWanted = allowedKinds.length === 0 ? !rareKinds.has(kind) : allowedKinds.includes(kind);
      return isWanted ? add({ [kind]: content }, kind) : undefined;
    },
    pushRaw: (update) => add(update),
    allow(kinds) {
      allowedKinds = [...kinds];
    },
    allowed: () => allowedKinds,
    keepFrom(offset) {
      const first = Math.min(offset, nextId);
      entries = offset < 0 ? live().slice(offset) : live().filter(({ update }) => update.update_id >= first);
    },
    confirm(updateId) {
      entries = entries.filter(({ update }) => update.update_id !== updateId);
    },
    forgetAll() {
      entries = [];
    },
    pending: () => live().map(({ update }) => update),
    onPush: (listener) => {
      listeners.push(listener);
    },
  };
}
