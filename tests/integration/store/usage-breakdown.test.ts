import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Author, Guild } from '../../../src/platform/message.ts';
import type { Store } from '../../../src/store/store.ts';
import type { UsageDivision, UsageShare, UsageSpan } from '../../../src/usage/ports.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, attempt, community, nextId, person, run, settlement, spent } from './requests.ts';

/** A Sunday evening in UTC, which is Monday morning in Tokyo. */
const SUNDAY = Date.UTC(2026, 7, 2, 20, 30);
const HOUR_MS = 3_600_000;

describe.each(databaseKinds)('what a person used on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = SUNDAY;
  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  interface Use {
    readonly author: Author;
    readonly guild?: Guild | null;
    readonly chat?: number;
    readonly model?: string;
    readonly provider?: string;
    readonly tokens?: number;
    readonly cost?: bigint;
  }
  const use = async ({
    author,
    guild = null,
    chat = nextId(),
    model = 'acme/a',
    provider = 'openrouter',
    tokens = 10,
    cost = 0n,
  }: Use) => {
    const turn = await run(store.turns, admission({ author, chat, guild }));
    const usage = { ...spent(tokens, 0, cost), reasoningTokens: 1, cachedTokens: 2, cacheWriteTokens: 3 };
    const answered = attempt({ index: 1, modelUsed: model, provider, isFree: cost === 0n, usage });
    const failed = attempt({
      outcome: 'failed',
      usage: null,
      provider,
      modelUsed: model,
      firstTokenMs: null,
    });
    await store.turns.settle(settlement(turn, { attempts: [failed, answered] }));
  };
  const at = async <Result>(time: number, work: () => Promise<Result>): Promise<Result> => {
    clock = time;
    try {
      return await work();
    } finally {
      clock = SUNDAY;
    }
  };
  const ask = (
    author: Author,
    span: UsageSpan,
    by: UsageDivision | null = null,
    guild: Guild | null = null,
  ) => store.usage.breakdownOf({ author, guild, span, by });
  const requestsIn = async (author: Author, guild: Guild | null) => {
    const spans = await Promise.all(
      (['day', 'week', 'month'] as const).map((span) => ask(author, span, null, guild)),
    );
    return spans.map(({ totals }) => totals.requests);
  };

  it('is summed since the day, the week and the month began, each token kind by itself', async () => {
    const author = person();
    await at(Date.UTC(2026, 6, 31, 23), () => use({ author }));
    await at(Date.UTC(2026, 7, 1, 1), () => use({ author }));
    await use({ author, cost: 5n });
    expect(await ask(author, 'day')).toEqual({
      totals: {
        requests: 1,
        promptTokens: 10,
        completionTokens: 0,
        cachedTokens: 2,
        cacheWriteTokens: 3,
        reasoningTokens: 1,
        costNanoUsd: 5n,
      },
      calls: 2,
      failures: 1,
      meanFirstTokenMs: 250,
      shares: [],
      others: null,
      timeZone: 'UTC',
    });
    expect(await requestsIn(author, null)).toEqual([1, 3, 2]);
  });

  it('has days and weeks of the guild’s time zone in a guild; the week begins on Monday', async () => {
    const [author, guild] = [person(), community()];
    await at(SUNDAY - 6 * HOUR_MS, () => use({ author, guild }));
    await use({ author, guild });
    expect(await requestsIn(author, guild)).toEqual([2, 2, 2]);
    await database.sql`update guilds set time_zone = 'Asia/Tokyo' where platform_guild_id = ${guild.id}`;
    expect(await requestsIn(author, guild)).toEqual([1, 1, 2]);
    expect(await requestsIn(author, null)).toEqual([2, 2, 2]);
  });

  it('is divided by models and by providers, the dearest first', async () => {
    const author = person();
    await use({ author, model: 'acme/a', tokens: 500 });
    await use({ author, model: 'acme/b', tokens: 10, cost: 9n });
    await use({ author, model: 'acme/a', tokens: 500, provider: 'gemini' });
    const byModel = await ask(author, 'day', 'model');
    expect(byModel.shares).toMatchObject([
      { by: 'model', model: 'acme/b', provider: 'openrouter', requests: 1, costNanoUsd: 9n },
      { by: 'model', model: 'acme/a', promptTokens: 500 },
      { by: 'model', model: 'acme/a', promptTokens: 500 },
    ]);
    expect(byModel.others).toBeNull();
    expect((await ask(author, 'day', 'provider')).shares).toMatchObject([
      { by: 'provider', provider: 'openrouter', requests: 2, promptTokens: 510, costNanoUsd: 9n },
      { by: 'provider', provider: 'gemini', requests: 1, promptTokens: 500 },
    ]);
  });

  it('is divided into ten at most; the others stand together', async () => {
    const author = person();
    for (let model = 1; model <= 12; model += 1) await use({ author, model: `acme/${model}`, tokens: model });
    const { shares, others, totals } = await ask(author, 'month', 'model');
    expect(shares.map((share) => share.promptTokens)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    expect(others).toMatchObject({ requests: 2, promptTokens: 3, cachedTokens: 4, reasoningTokens: 2 });
    expect(totals.promptTokens).toBe(78);
  });

  it('is divided by conversations, of which those elsewhere have no name in a guild', async () => {
    const [author, other, guild, secret] = [person(), person(), community('Readers'), community('Secret')];
    const chat = nextId();
    await use({ author, guild, chat, tokens: 5 });
    await use({ author: other, guild, chat, tokens: 1000 });
    await use({ author, guild: secret, tokens: 70 });
    await use({ author, tokens: 30 });
    const here = await ask(author, 'day', 'conversation', guild);
    expect(here.shares).toMatchObject([{ by: 'conversation', guild: 'Readers', promptTokens: 5 }]);
    expect(here.shares).toHaveLength(1);
    expect(here.others).toMatchObject({ requests: 2, promptTokens: 100 });
    const { shares, others } = await ask(author, 'day', 'conversation');
    const named = shares.map((share: UsageShare) => (share.by === 'conversation' ? share.guild : ''));
    expect(named).toEqual(['Secret', null, 'Readers']);
    expect(shares[0]).toMatchObject({ begunAtMs: SUNDAY });
    expect(others).toBeNull();
  });

  it('is nothing for somebody who never asked', async () => {
    expect(await ask(person(), 'week', 'model')).toMatchObject({ calls: 0, shares: [], others: null });
  });
});
