import type { AdmitRequest } from '../../../src/conversation/ports.ts';
import type { RunnableTurn } from '../../../src/conversation/turn.ts';
import type { QuotaAsker, QuotaChange, QuotaChangeOutcome, QuotaTarget } from '../../../src/limits/ports.ts';
import { originKey, placeId, type GuildId, type PlaceId } from '../../../src/platform/ids.ts';
import type { Author, Guild } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import type { DefaultQuotas } from '../../../src/store/usage-reader.ts';
import type { DatabaseKind, TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, community, nextId, person, run, settlement } from './requests.ts';

/** Half past ten in the morning, UTC, in the middle of a month. */
export const MORNING = Date.UTC(2026, 6, 15, 10, 30);
export const HOUR_MS = 3_600_000;

/** A store whose clock stands still, and the ways in which people set limits and use them up. */
export interface QuotaScene {
  readonly database: TestDatabase;
  readonly store: Store;
  /** Does something at another time. */
  at<Result>(time: number, work: () => Promise<Result>): Promise<Result>;
  /** Admins set a limit; people for themselves. */
  set(
    target: QuotaTarget,
    key: QuotaChange['key'],
    limit: number | null,
    changes?: Partial<QuotaChange>,
  ): Promise<QuotaChangeOutcome>;
  clear(target: QuotaTarget, key?: QuotaChange['key'] | null): Promise<QuotaChangeOutcome>;
  /** Asks something and has it answered, with 120 tokens. */
  use(request: AdmitRequest): Promise<RunnableTurn>;
  /** A guild that is known, with someone in it. */
  team(): Promise<{ guild: Guild; author: Author }>;
  /** Counters of a guild's channels or members. */
  rows(guild: GuildId, kind: 4 | 5): Promise<readonly object[]>;
  /** What differs from usage of what counts for a target. */
  differences(target: QuotaTarget): Promise<readonly object[]>;
}

export const place = (chat: number): PlaceId => placeId('telegram', 'bot', chat);

export const askerOf = (author: Author, guild: Guild | null = null): QuotaAsker => ({
  originKey: originKey('telegram', 'bot', 'command', nextId()),
  author,
  guild,
});

export async function openQuotaScene(kind: DatabaseKind, defaults?: DefaultQuotas): Promise<QuotaScene> {
  let clock = MORNING;
  const { database, store } = await openStore(kind, () => clock, defaults);
  return {
    database,
    store,
    async at(time, work) {
      clock = time;
      try {
        return await work();
      } finally {
        clock = MORNING;
      }
    },
    set: (target, key, limit, changes = {}) =>
      store.quotas.set({
        asker: askerOf(person()),
        target,
        by: target.kind === 'user' ? 'self' : 'admins',
        key,
        limit,
        untilMs: null,
        ...changes,
      }),
    clear: (target, key = null) =>
      store.quotas.clear({
        asker: askerOf(person()),
        target,
        by: target.kind === 'user' ? 'self' : 'admins',
        key,
      }),
    async use(request) {
      const turn = await run(store.turns, request);
      await store.turns.settle(settlement(turn));
      return turn;
    },
    async team() {
      const [guild, author] = [community(), person()];
      await store.turns.admit(admission({ author, chat: nextId(), guild }, { access: 'denied' }));
      return { guild, author };
    },
    rows: (guild, of) => database.sql`
      select requests_day::int as requests, tokens_day::int as tokens from quota_subjects
      where kind = ${of} and guild_id = (select id from guilds where platform_guild_id = ${guild})`,
    async differences(target) {
      const { counters } = await store.quotas.explain(target);
      return counters.filter(({ difference }) => difference !== 0);
    },
  };
}
