/** Who waits in a queue, and for whom. */
export interface Waiting {
  readonly subject: string;
  readonly user: string;
  readonly isFirst: boolean;
}

/**
 * A queue in which guilds take turns, and in a guild its people: who was served longest ago is next. Those whose plan puts
 * them first go before the others, in the same way among themselves.
 */
export interface FairQueue<Entry extends Waiting> {
  readonly size: number;
  add(entry: Entry): void;
  remove(entry: Entry): void;
  has(entry: Entry): boolean;
  /** The next of those for whom `isEligible`; it stays. Null where there is none. */
  next(isEligible: (subject: string) => boolean): Entry | null;
  entries(): readonly Entry[];
  /** How many would be served before a new entry of theirs, and how many of those are the same subject's. */
  ahead(of: Waiting): { readonly all: number; readonly own: number };
  /** They got what they waited for, or did not have to wait. */
  served(of: Pick<Waiting, 'subject' | 'user'>): void;
}

/** Remembered at most: who was served before those counts as never served. */
const MOST_SERVED = 2000;

export function createFairQueue<Entry extends Waiting>(): FairQueue<Entry> {
  const waiting = new Set<Entry>();
  /** By subject, and by subject and user: the number of the last time. In the order of those numbers. */
  const last = new Map<string, number>();
  let number = 0;

  const lastOf = (key: string): number => last.get(key) ?? 0;
  const note = (key: string): void => {
    last.delete(key);
    last.set(key, number);
    const [oldest] = last.keys();
    if (last.size > MOST_SERVED && oldest !== undefined) last.delete(oldest);
  };
  /** Negative where `a` is before `b`; entries of the same rank stay in the order of arrival. */
  const compare = (a: Waiting, b: Waiting): number =>
    Number(b.isFirst) - Number(a.isFirst) ||
    lastOf(a.subject) - lastOf(b.subject) ||
    (a.subject === b.subject ? lastOf(userKey(a)) - lastOf(userKey(b)) : 0);

  return {
    get size() {
      return waiting.size;
    },
    add: (entry) => void waiting.add(entry),
    remove: (entry) => void waiting.delete(entry),
    has: (entry) => waiting.has(entry),
    next(isEligible) {
      let best: Entry | null = null;
      for (const entry of waiting) {
        if (!isEligible(entry.subject)) continue;
        if (best === null || compare(entry, best) < 0) best = entry;
      }
      return best;
    },
    entries: () => [...waiting],
    ahead(of) {
      const rivals = [...waiting].filter(({ isFirst }) => isFirst || !of.isFirst);
      const own = rivals.filter(({ subject }) => subject === of.subject).length;
      const counts = new Map<string, number>();
      for (const { subject } of rivals) counts.set(subject, (counts.get(subject) ?? 0) + 1);
      // While one subject has `own` places and this one, each other has as many at most.
      const others = [...counts].filter(([subject]) => subject !== of.subject);
      const before = others.reduce((sum, [, count]) => sum + Math.min(count, own + 1), 0);
      return { all: own + before, own };
    },
    served({ subject, user }) {
      number += 1;
      note(subject);
      note(userKey({ subject, user }));
    },
  };
}

const userKey = ({ subject, user }: Pick<Waiting, 'subject' | 'user'>): string => `${subject} ${user}`;
