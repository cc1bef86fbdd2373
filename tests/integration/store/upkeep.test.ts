import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CatalogueSnapshot } from '../../../src/completion/catalogue-model.ts';
import type { Author } from '../../../src/platform/message.ts';
import { userId } from '../../../src/platform/ids.ts';
import { instanceSubject } from '../../../src/store/settings-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { finish, ran, repetition } from './deeds.ts';
import { openStore } from './open-store.ts';
import {
  admission,
  attempt,
  community,
  converse,
  nextId,
  NOTICE,
  person,
  run,
  settlement,
  spent,
} from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12, 20);
const DAY_MS = 86_400_000;
const operator = userId('telegram', 1);

describe.each(databaseKinds)('the record on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock, {
      user: { requests_day: 5 },
      guild: { tokens_month: 9000 },
      instance: {},
    }));
  });
  afterAll(() => database.close());

  const at = async <Result>(time: number, work: () => Promise<Result>): Promise<Result> => {
    clock = time;
    try {
      return await work();
    } finally {
      clock = NOON;
    }
  };
  const use = async (request: Parameters<typeof run>[1], usage = spent(100, 20, 7n)) => {
    const turn = await run(store.turns, request);
    await store.turns.settle(settlement(turn, { attempts: [attempt({ usage, isFree: false })] }));
    return turn;
  };
  const sums = async () => {
    const [row] = await database.sql`
      select (select row(sum(requests), sum(prompt_tokens + completion_tokens), sum(cost_nano_usd))::text from usage) as details,
        (select row(sum(requests), sum(prompt_tokens + completion_tokens), sum(cost_nano_usd))::text from usage_hourly) as hourly`;
    return row as { details: string; hourly: string };
  };

  describe('of usage', () => {
    it('tells a person what they used today and this month, and how their quotas stand', async () => {
      const [author, guild] = [person(), community()];
      await at(NOON - 3 * DAY_MS, () => use(admission({ author, chat: nextId(), guild })));
      await use(admission({ author, chat: nextId() }));
      await run(store.turns, admission({ author, chat: nextId() }));
      expect(await store.usage.usageOf(author, guild)).toEqual({
        today: {
          requests: 1,
          promptTokens: 100,
          completionTokens: 20,
          cachedTokens: 0,
          reasoningTokens: 0,
          cacheWriteTokens: 0,
          costNanoUsd: 7n,
        },
        month: {
          requests: 2,
          promptTokens: 200,
          completionTokens: 40,
          cachedTokens: 0,
          reasoningTokens: 0,
          cacheWriteTokens: 0,
          costNanoUsd: 14n,
        },
        providers: [
          {
            provider: 'openrouter',
            calls: 2,
            requests: 2,
            promptTokens: 200,
            completionTokens: 40,
            cachedTokens: 0,
            reasoningTokens: 0,
            cacheWriteTokens: 0,
            costNanoUsd: 14n,
          },
        ],
        quotas: [
          {
            subject: 'user',
            metric: 'requests',
            window: 'day',
            used: 1,
            held: 1,
            limit: 5,
            resetsAtMs: Date.UTC(2026, 6, 16),
          },
          {
            subject: 'guild',
            metric: 'tokens',
            window: 'month',
            used: 120,
            held: 0,
            limit: 9000,
            resetsAtMs: Date.UTC(2026, 7, 1),
          },
        ],
      });
    });

    it('tells a stranger the limits with nothing used', async () => {
      const report = await store.usage.usageOf(person(), null);
      expect(report.today.requests).toBe(0);
      expect(report.quotas).toMatchObject([{ subject: 'user', used: 0, held: 0, limit: 5 }]);
    });

    it('tells a guild its models and its busiest people, failures included', async () => {
      const [guild, ann, bea] = [community(), person('Ann'), person('Bea')];
      const chat = nextId();
      await at(NOON - 40 * DAY_MS, () => use(admission({ author: bea, chat, guild })));
      await use(admission({ author: ann, chat, guild }));
      await use(admission({ author: ann, chat, guild }));
      const turn = await run(store.turns, admission({ author: bea, chat, guild }));
      const attempts = [
        attempt({
          index: 0,
          modelAsked: 'acme/slow',
          modelUsed: null,
          outcome: 'failed',
          failure: 'timeout',
          usage: null,
          firstTokenMs: null,
        }),
        attempt({ index: 1, outcome: 'failed', failure: 'overloaded', usage: null, firstTokenMs: null }),
      ];
      await store.turns.settle(settlement(turn, { state: 'failed', answer: null, attempts, notice: NOTICE }));
      const report = await store.usage.statsOf(ann, guild, 30);
      expect(report).toMatchObject({
        days: 30,
        totals: { requests: 2, promptTokens: 200, completionTokens: 40, costNanoUsd: 14n },
        answered: 2,
        failed: 1,
        users: 2,
        topUsers: [
          { name: 'Ann', requests: 2, tokens: 240 },
          { name: 'Bea', requests: 0, tokens: 0 },
        ],
      });
      expect(report.models).toMatchObject([
        { model: 'acme/small', requests: 2, failures: 1, meanFirstTokenMs: 250 },
        { model: 'acme/slow', requests: 0, failures: 1, meanFirstTokenMs: null },
      ]);
    });

    it('keeps private use and each guild apart', async () => {
      const [author, one, other] = [person(), community(), community()];
      await use(admission({ author, chat: nextId(), guild: one }));
      await use(admission({ author, chat: nextId() }));
      expect((await store.usage.statsOf(author, null, 30)).totals.requests).toBe(1);
      expect((await store.usage.statsOf(author, one, 30)).totals.requests).toBe(1);
      expect((await store.usage.statsOf(author, other, 30)).totals.requests).toBe(0);
      expect((await store.usage.statsOf(person(), null, 30)).totals.requests).toBe(0);
    });

    it('shows the same sums in the views as in the details', async () => {
      const { details, hourly } = await sums();
      expect(hourly).toBe(details);
      const [analytics] = await database.sql`
        select row(sum(requests), sum(prompt_tokens + completion_tokens), sum(cost_nano_usd))::text as sums from usage_analytics`;
      expect(analytics).toEqual({ sums: details });
      const models = await database.sql`
        select attempts, failures, failure_rate, mean_first_token_ms from model_performance_summary where model = 'acme/slow'`;
      expect(models).toEqual([
        { attempts: '1', failures: '1', failure_rate: '1.0000', mean_first_token_ms: null },
      ]);
    });

    it('goes into the partition of its month, and into the default one only outside of all', async () => {
      const turn = await at(Date.UTC(2031, 2, 3), () => use(admission({ author: person(), chat: nextId() })));
      const partition = async () => {
        const rows =
          await database.sql`select tableoid::regclass::text as name from usage where turn_id = ${turn.id}`;
        return rows[0]?.['name'];
      };
      expect(await partition()).toBe('usage_default');
      await at(Date.UTC(2031, 1, 3), () => store.housekeeping());
      expect(await partition()).toBe('usage_2031_03');
      await at(Date.UTC(2031, 1, 3), () => store.housekeeping());
    });
  });

  describe('of counters', () => {
    it('equals usage, so that making them anew finds nothing', async () => {
      await use(admission({ author: person(), chat: nextId(), guild: community() }));
      expect(await at(Date.UTC(2031, 4, 1), () => store.counters.rebuild())).toEqual([]);
    });

    it('can be made anew from usage when somebody spoilt them', async () => {
      const author = person();
      await use(admission({ author, chat: nextId() }));
      await database.sql`
        update quota_subjects set requests_day = 77, cost_month = 0
        where subject_id = (select id from users where platform_user_id = ${author.id})`;
      const differences = await store.counters.rebuild();
      expect(differences).toContainEqual({
        subject: 'user',
        subjectId: expect.any(String),
        changes: { requests_day: [77, 1], cost_month: [0, 7] },
      });
      expect((await store.counters.rebuild()).filter((each) => each.subject === 'user')).toEqual([]);
    });
  });

  describe('of people', () => {
    const rowsOf = async (author: Author) => {
      const [row] = await database.sql`
        select (select count(*)::int from users where platform_user_id = ${author.id}) as users,
          (select count(*)::int from messages where text like ${`%${author.id}%`}) as messages`;
      return row;
    };

    it('forgets a person’s words, name and unfinished turns and keeps the sums', async () => {
      const [author, guild, chat] = [person('Zoë'), community(), nextId()];
      const text = `I am ${author.id}`;
      await use(admission({ author, chat, guild }, { text }));
      await converse(store.turns, admission({ author, chat: nextId() }, { text }), `Hello ${author.id}`);
      const running = await run(store.turns, admission({ author, chat, guild }, { text }));
      const before = await sums();
      expect(await rowsOf(author)).toEqual({ users: 1, messages: 4 });

      expect(await store.control.forgetUser(author.id, operator)).toBe(true);
      expect(await rowsOf(author)).toEqual({ users: 0, messages: 0 });
      expect(await sums()).toEqual(before);
      expect(before.details).toBe(before.hourly);
      expect(await store.turns.settle(settlement(running))).toMatchObject({ kind: 'already_settled' });
      expect(await store.control.forgetUser(author.id, operator)).toBe(false);

      const again = await run(store.turns, admission({ author, chat: nextId() }));
      expect(again.window).toHaveLength(1);
    });

    it('forgets what was found for a person', async () => {
      const asked = admission({ author: person(), chat: nextId(), guild: community() });
      const turn = await run(store.turns, asked);
      const search = { searches: 1, costNanoUsd: 7, sources: [{ url: 'https://a.example/', title: 'A' }] };
      const { answer } = settlement(turn);
      await store.turns.settle(settlement(turn, { answer: answer && { ...answer, search } }));
      const found = () =>
        database.sql`select search from messages where turn_id = ${turn.id} and role = 'assistant'`;
      expect(await found()).toEqual([{ search }]);
      await store.control.forgetUser(asked.envelope.author.id, operator);
      expect(await found()).toEqual([{ search: null }]);
    });

    it('forgets what others had written anew for a person', async () => {
      const asked = admission({ author: person(), chat: nextId(), guild: community() });
      const turn = await run(store.turns, asked);
      await finish(store.turns, turn, 'one');
      const by = { user: person().id, adminOf: asked.envelope.guild?.id ?? null, isOperator: false };
      await finish(
        store.turns,
        ran(await store.turns.repeat(repetition(asked, 'regenerate', { by }))),
        'two',
      );
      await store.control.forgetUser(asked.envelope.author.id, operator);
      const rows =
        await database.sql`select distinct text from messages where conversation_id = ${turn.conversationId}`;
      expect(rows).toEqual([{ text: '' }]);
    });

    it('books what runs for a person by what is held for it, before they are forgotten', async () => {
      const guild = community();
      const turn = await run(store.turns, admission({ author: person(), chat: nextId(), guild }));
      await store.turns.holdCost(turn, 0, 5_000n);
      await store.control.forgetUser(turn.author.id, operator);
      const rows = await database.sql`
        select user_id, cost_nano_usd::int as cost, (select count(*)::int from quota_holds h where h.turn_id = ${turn.id}) as holds
        from usage where turn_id = ${turn.id}`;
      expect(rows).toEqual([{ user_id: null, cost: 5000, holds: 0 }]);
      const [summed] = await database.sql`
        select sum(h.cost_nano_usd)::int as cost from usage_hourly h join guilds g on g.id = h.guild_id where g.platform_guild_id = ${guild.id}`;
      expect(summed).toEqual({ cost: 5000 });
    });

    it('forgets where a person spoke in private, and keeps what others did', async () => {
      const [author, guild] = [person(), community()];
      const id = Number(author.id.split(':')[1]);
      // One chat bears the person's id, the other has its own.
      const [own, other] = [admission({ author, chat: id }), admission({ author, chat: nextId() })];
      await run(store.turns, other);
      const denied = admission({ author, chat: id }, { access: 'denied' });
      await store.turns.admit(denied);
      const inGuild = admission({ author, chat: nextId(), guild });
      // Somebody else's message that happens to have the number of the person.
      const stranger = admission({ author: person(), chat: nextId(), message: id });
      const requests = [own, other, inGuild, stranger];
      for (const { turnId, envelope } of requests) {
        await store.turns.startConversation(envelope);
        const { originKey } = envelope;
        await store.errors.record({ id: `E-${turnId}`, area: 'turn', message: 'x', originKey });
      }
      await store.control.forgetUser(author.id, operator);
      const keys = requests.map(({ envelope }) => envelope.originKey);
      const failures = await database.sql<{ origin_key: string | null }[]>`
        select origin_key from errors where id in ${database.sql(requests.map(({ turnId }) => `E-${turnId}`))}`;
      expect(failures.filter((row) => row.origin_key === null)).toHaveLength(2);
      const outcomes = await database.sql<{ origin_key: string }[]>`
        select origin_key from command_outcomes where origin_key in ${database.sql(keys)}`;
      for (const rows of [failures, outcomes])
        expect(new Set(rows.map((row) => row.origin_key).filter((key) => key !== null))).toEqual(
          new Set([inGuild, stranger].map(({ envelope }) => envelope.originKey)),
        );
      const turns = await database.sql`select 1 from turns where id in (${denied.turnId}, ${other.turnId})`;
      expect(turns).toHaveLength(0);
    });

    it('notes who decided what, once', async () => {
      const guild = community();
      const stop = { scope: 'guild', subject: guild.id } as const;
      await store.control.stop(stop, 'spam', operator);
      await store.control.stop(stop, 'spam', operator);
      await store.control.resume(stop, operator);
      await store.control.resume(stop, operator);
      const noted =
        await database.sql`select actor, action from audit where subject = ${`guild:${guild.id}`} order by id`;
      expect(noted).toEqual([
        { actor: operator, action: 'stop' },
        { actor: operator, action: 'resume' },
      ]);
    });
  });

  it('of settings is read back, changed and taken back', async () => {
    const subject = instanceSubject;
    expect(await store.settings.read('instance', subject, 'model')).toBeNull();
    await store.settings.write('instance', subject, 'model', 'a', operator);
    await store.settings.write('instance', subject, 'model', 'b', operator);
    expect(await store.settings.read('instance', subject, 'model')).toBe('b');
    await store.settings.write('instance', subject, 'model', null, operator);
    expect(await store.settings.read('instance', subject, 'model')).toBeNull();
  });

  it('of the catalogue gives back the last list, in order', async () => {
    expect(await store.catalogue.load()).toBeNull();
    const model = (id: string) => ({ id, name: `Model ${id}` }) as CatalogueSnapshot['models'][number];
    await store.catalogue.save({ fetchedAtMs: 1, models: [model('a'), model('b')] });
    const second = { fetchedAtMs: 1_795_000_000_123, models: [model('c'), model('a')] };
    await store.catalogue.save(second);
    expect(await store.catalogue.load()).toEqual(second);
    await store.catalogue.save({ fetchedAtMs: 5, models: [] });
    expect(await store.catalogue.load()).toEqual({ fetchedAtMs: 5, models: [] });
  });

  it('of failures is found by its id and takes a repetition', async () => {
    const entry = { id: `E-${nextId()}`, area: 'turn', message: 'TypeError: x is\0 not', originKey: null };
    await store.errors.record(entry);
    await store.errors.record(entry);
    expect(await database.sql`select area, message from errors where id = ${entry.id}`).toEqual([
      { area: 'turn', message: 'TypeError: x is not' },
    ]);
  });
});
