import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdmitVerdict } from '../../../src/conversation/ports.ts';
import { KEY_PROVIDER, type KeyChange } from '../../../src/keys/ports.ts';
import { originKey, type UserId } from '../../../src/platform/ids.ts';
import type { Author, Guild } from '../../../src/platform/message.ts';
import { storableJson } from '../../../src/store/document.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { auditOf, inDatabase } from '../../support/own-keys.ts';
import { openStore } from './open-store.ts';
import { admission, attempt, claim, community, nextId, person, run, settlement } from './requests.ts';

const NOON = Date.UTC(2026, 6, 15, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

describe.each(databaseKinds)('own keys on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = NOON;
  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const newKey = (last4 = 'last', fingerprint = randomUUID()) => {
    const id = randomUUID();
    return { id, provider: KEY_PROVIDER, sealed: `sealed ${id}`, last4, fingerprint };
  };
  const changeBy = (author: Author, guild: Guild | null = null): KeyChange => ({
    originKey: originKey('telegram', 'bot', 'command', nextId()),
    author,
    guild,
  });
  const give = (author: Author, guild: Guild | null = null, key = newKey()) =>
    store.keys.set(changeBy(author, guild), key, 'command');
  const find = (author: Author) => store.keys.find({ scope: 'user', id: author.id });
  const paid = (nanoUsd: number) => attempt({ index: 0, isFree: false, usage: usageOf(nanoUsd) });
  const usageOf = (nanoUsd: number) => ({
    promptTokens: 10,
    completionTokens: 10,
    cachedTokens: 0,
    reasoningTokens: 0,
    costNanoUsd: BigInt(nanoUsd),
    source: 'reported' as const,
  });
  const costOf = async (of: string) => {
    const [row] = await database.sql<{ cost: number }[]>`
      select coalesce(sum(q.cost_month), 0)::int as cost from quota_subjects q
      where q.subject_id = case ${of} when 'instance' then '00000000-0000-0000-0000-000000000000'::uuid
        else coalesce((select id from users where platform_user_id = ${of}), (select id from guilds where platform_guild_id = ${of})) end`;
    return row?.cost;
  };

  describe('decide who pays', () => {
    it('the person, else the guild, else the operator; what is begun stays as it is', async () => {
      const [author, other, guild] = [person(), person(), community()];
      const begin = (by: Author, where: Guild | null = guild) =>
        run(store.turns, admission({ author: by, chat: nextId(), guild: where }));
      const first = await begin(author);
      expect([first.payer, first.ownKey]).toEqual(['operator', null]);
      await give(other, guild);
      const second = await begin(author);
      expect([second.payer, second.ownKey?.scope]).toEqual(['guild', 'guild']);
      expect((await begin(author, null)).payer).toBe('operator');
      const own = newKey();
      await give(author, null, own);
      const third = await begin(author);
      expect(third).toMatchObject({
        payer: 'user',
        ownKey: { id: own.id, sealed: own.sealed, state: 'valid' },
      });
      await store.keys.remove(changeBy(author));
      clock += MINUTE_MS;
      const claimed = (await store.turns.claimWork(claim({ limit: 1000 }))).run;
      clock = NOON;
      const again = claimed.filter(({ id }) => [first.id, second.id, third.id].includes(id));
      expect(again.map(({ payer, ownKey }) => [payer, ownKey?.scope ?? null])).toEqual([
        ['operator', null],
        ['guild', 'guild'],
        ['user', null],
      ]);
    });

    it('the key of a turn is the one of now: replaced, or taken back, since it began', async () => {
      const author = person();
      expect(
        await store.keys.ofTurn((await run(store.turns, admission({ author, chat: nextId() }))).id),
      ).toBeNull();
      await give(author);
      const turn = await run(store.turns, admission({ author, chat: nextId() }));
      const second = newKey();
      await give(author, null, second);
      expect(await store.keys.ofTurn(turn.id)).toMatchObject({ id: second.id, sealed: second.sealed });
      await store.keys.remove(changeBy(author));
      expect(await store.keys.ofTurn(turn.id)).toBeNull();
    });

    it('a key that was refused still is the payer’s', async () => {
      const author = person();
      const key = newKey();
      await give(author, null, key);
      await store.keys.mark({ id: key.id, revision: 1 }, 'refused', author.id);
      const turn = await run(store.turns, admission({ author, chat: nextId() }));
      expect(turn).toMatchObject({ payer: 'user', ownKey: { state: 'invalid' } });
      expect(await store.keys.payer(author.id, null)).toBe('user');
    });
  });

  describe('of money', () => {
    it('count by who paid: the operator’s everywhere, the guild’s at the guild and its people, a person’s nowhere', async () => {
      const before = (await costOf('instance')) ?? 0;
      const guild = community();
      const [operators, guilds, users] = [person(), person(), person()];
      const spend = async (author: Author, nanoUsd: number) => {
        const turn = await run(store.turns, admission({ author, chat: nextId(), guild }));
        expect(await store.turns.holdCost(turn, 0, BigInt(nanoUsd))).toEqual({ kind: 'held' });
        const settled = await store.turns.settle({ ...settlement(turn), attempts: [paid(nanoUsd)] });
        expect(settled.kind).toBe('settled');
      };
      await spend(operators, 1000);
      await give(guilds, guild);
      await spend(guilds, 200);
      await give(users);
      await spend(users, 30);
      expect([
        ((await costOf('instance')) ?? 0) - before,
        await costOf(guild.id),
        await costOf(operators.id),
        await costOf(guilds.id),
        await costOf(users.id),
      ]).toEqual([1000, 1200, 1000, 200, 0]);
      const payers = await database.sql`
        select u.payer, u.cost_nano_usd::int as cost from usage u join guilds g on g.id = u.guild_id
        where g.platform_guild_id = ${guild.id} order by 2 desc`;
      expect(payers).toEqual([
        { payer: 'operator', cost: 1000 },
        { payer: 'guild', cost: 200 },
        { payer: 'user', cost: 30 },
      ]);
      expect(await store.counters.rebuild()).toEqual([]);
      expect((await store.usage.statsOf(operators, guild, 30)).totals.costNanoUsd).toBe(1200n);
    });

    it('hold what a person pays against no limit, and book a lost attempt of theirs by it', async () => {
      const author = person();
      await give(author);
      const defaults = { user: { cost_day: 1 }, guild: {}, instance: { cost_day: 1 } };
      const turn = await run(store.turns, admission({ author, chat: nextId() }, { defaults }));
      expect(await store.turns.holdCost(turn, 0, 5_000_000n)).toEqual({ kind: 'held' });
      const holds = await database.sql`
        select kind, payer, nano_usd::int as held from quota_holds where turn_id = ${turn.id} and attempt = 0`;
      expect(holds).toEqual([{ kind: 3, payer: 'user', held: 5_000_000 }]);
      await store.turns.settle({ ...settlement(turn), attempts: [] });
      const booked =
        await database.sql`select payer, cost_nano_usd::int as cost from usage where turn_id = ${turn.id}`;
      expect(booked).toEqual([{ payer: 'user', cost: 5_000_000 }]);
      expect(await costOf(author.id)).toBe(0);
    });

    it('leave requests and tokens counted for everybody', async () => {
      const author = person();
      await give(author);
      const defaults = { user: { requests_day: 1 }, guild: {}, instance: {} };
      const turn = await run(store.turns, admission({ author, chat: nextId() }, { defaults }));
      await store.turns.settle({ ...settlement(turn), attempts: [paid(1)] });
      const next = await store.turns.admit(admission({ author, chat: nextId() }, { defaults }));
      expect(next).toMatchObject({ kind: 'refused', refusal: { reason: 'quota', metric: 'requests' } });
    });
  });

  describe('beside processes of an older release', () => {
    const asOlder = async (name: string, document: object): Promise<unknown> => {
      const text = storableJson({ ...document, nowMs: clock });
      const rows = await database.sql<{ outcome: unknown }[]>`
        select ${database.sql(name)}(${text}::text::jsonb) as outcome`;
      return rows[0]?.outcome;
    };

    it('are not used by them: their turns are the operator’s, and others’ are left to newer ones', async () => {
      const author = person();
      await give(author);
      const older = (await asOlder('admit_v3', admission({ author, chat: nextId() }))) as AdmitVerdict;
      expect(older).toMatchObject({ kind: 'run', turn: { payer: 'operator' } });
      const chat = nextId();
      const turn = await run(store.turns, admission({ author, chat }));
      await store.turns.admit(admission({ author, chat }));
      expect(await asOlder('settle_v2', settlement(turn))).toMatchObject({ kind: 'settled', next: null });
      clock += MINUTE_MS;
      const sweep = claim({ limit: 1000 });
      const theirs = (await asOlder('claim_work_v2', sweep)) as { run: { payer: string }[] };
      expect(theirs.run.filter(({ payer }) => payer !== 'operator')).toEqual([]);
      const ours = await store.turns.claimWork(sweep);
      clock = NOON;
      expect(ours.run.filter(({ author: { id } }) => id === author.id)).toMatchObject([{ payer: 'user' }]);
    });
  });

  describe('are given', () => {
    it('once for an event, however often it comes', async () => {
      const author = person();
      const change = changeBy(author);
      const first = await store.keys.set(change, newKey('1111'), 'command');
      const again = await store.keys.set(change, newKey('2222'), 'command');
      expect(again).toEqual(first);
      expect(await store.keys.outcome(change.originKey)).toEqual(first);
      expect((await find(author))?.last4).toBe('1111');
      expect(await auditOf(database, author.id)).toHaveLength(1);
    });

    it('one at a time: of twenty at once one is left, and each is told what it replaced', async () => {
      const author = person();
      const given = await Promise.all(
        Array.from({ length: 20 }, (_, index) => give(author, null, newKey(String(1000 + index)))),
      );
      expect(given.filter(({ replaced }) => replaced === null)).toHaveLength(1);
      const left = await find(author);
      const replaced = given.flatMap((one) => one.replaced?.last4 ?? []);
      expect(new Set([...replaced, left?.last4]).size).toBe(20);
      const rows =
        await database.sql`select 1 from provider_keys k join users u on u.id = k.user_id where u.platform_user_id = ${author.id}`;
      expect(rows).toHaveLength(1);
      expect(await auditOf(database, author.id)).toHaveLength(20);
    });

    it('and taken back without a trace of what was sealed, also with the person', async () => {
      const author = person();
      const key = newKey();
      await give(author, null, key);
      const change = changeBy(author);
      expect(await store.keys.remove(change)).toEqual({ kind: 'removed', last4: 'last' });
      expect(await store.keys.remove(change)).toEqual({ kind: 'removed', last4: 'last' });
      expect(await store.keys.remove(changeBy(author))).toEqual({ kind: 'none' });
      const second = newKey();
      await give(author, null, second);
      await store.keys.ask(
        changeBy(author),
        { id: randomUUID(), kind: 'sign_in', sealed: 'verifier' },
        DAY_MS,
      );
      await store.control.forgetUser(author.id, author.id);
      const left = await database.sql`
        select sealed from provider_keys where sealed in (${key.sealed}, ${second.sealed})
        union all select sealed from key_requests where sealed = 'verifier'`;
      expect(left).toEqual([]);
    });

    it('and found by an index, however many there are', async () => {
      const [author, guild, change] = [person(), community(), changeBy];
      await give(author);
      await give(author, guild);
      const seen = await database.sql.begin(async (sql) => {
        await sql`set local enable_seqscan = off`;
        const scans = async () => {
          const [row] = await sql<{ scans: number }[]>`
            select seq_scan::int as scans from pg_stat_xact_user_tables where relname = 'provider_keys'`;
          return row?.scans ?? 0;
        };
        const before = await scans();
        const act = (name: string, document: object) =>
          sql`select ${sql(name)}(${storableJson({ ...document, nowMs: clock })}::text::jsonb)`;
        for (const where of [null, guild]) {
          const asked = admission({ author, chat: nextId(), guild: where });
          await act('admit_v3', { ...asked, servesKeys: true });
          await act('settle_v2', settlement({ id: asked.turnId, epoch: 1 }));
          await act('set_provider_key_v1', { ...change(author, where), key: newKey(), by: 'command' });
          await act('remove_provider_key_v1', { ...change(author, where), provider: KEY_PROVIDER });
        }
        return (await scans()) - before;
      });
      expect(seen).toBe(0);
    });

    it('and stay on record without a person who is forgotten', async () => {
      const [author, other, guild] = [person('Zoë'), person(), community()];
      await give(author, null, newKey('1234'));
      await give(author, guild, newKey('5678'));
      const change = changeBy(other, guild);
      const kept = await store.keys.set(change, newKey('9999'), 'command');
      expect(kept.replaced).toMatchObject({ givenBy: 'Zoë' });
      expect(await store.keys.outcome(change.originKey)).toEqual(kept);
      await give(author, guild, newKey('8888'));
      expect(await inDatabase(database, [author.id])).not.toEqual([]);
      await store.control.forgetUser(author.id, other.id);
      expect(await inDatabase(database, [author.id, 'Zoë'])).toEqual([]);
      const noted = await auditOf(database, guild.id);
      expect(noted.map(({ action, actor, details }) => [action, actor, details?.['last4']])).toEqual([
        ['key.add', '', undefined],
        ['key.replace', other.id, '9999'],
        ['key.replace', '', undefined],
      ]);
      expect(await store.keys.find({ scope: 'guild', id: guild.id })).toMatchObject({ givenBy: '' });
      expect((await store.keys.outcome(change.originKey)) ?? {}).toMatchObject({
        replaced: { givenBy: null },
      });
    });

    it('and judged: refused once, good again with a new revision, unreadable once', async () => {
      const author = person();
      const key = newKey();
      await give(author, null, key);
      const of = (revision: number) => ({ id: key.id, revision });
      await Promise.all([1, 2, 3].map(() => store.keys.mark(of(1), 'refused', author.id)));
      expect(await find(author)).toMatchObject({ state: 'invalid', revision: 1 });
      await store.keys.mark(of(1), 'accepted', author.id);
      expect(await find(author)).toMatchObject({ state: 'valid', revision: 2 });
      // A turn that began before it was found good tells nothing new.
      await store.keys.mark(of(1), 'refused', author.id);
      expect(await find(author)).toMatchObject({ state: 'valid', revision: 2 });
      await Promise.all([1, 2].map(() => store.keys.mark(of(2), 'unreadable', null)));
      const actions = (await auditOf(database, author.id)).map(({ action, actor }) => [action, actor]);
      expect(actions).toEqual([
        ['key.add', author.id],
        ['key.refused', author.id],
        ['key.accepted', author.id],
        ['key.unreadable', 'system'],
      ]);
    });
  });

  describe('that were asked for', () => {
    it('are taken once, by whoever asked, for as long as was said', async () => {
      const [author, other, guild] = [person(), person(), community()];
      const ask = async (forMs = MINUTE_MS, where: Guild | null = null) => {
        const id = randomUUID();
        await store.keys.ask(changeBy(author, where), { id, kind: 'sign_in', sealed: 'verifier' }, forMs);
        return id;
      };
      const take = (which: { id: string } | { user: UserId }) =>
        store.keys.take(
          'sign_in',
          'id' in which ? which : { ...which, originKey: changeBy(author).originKey },
        );
      expect(await take({ user: author.id })).toEqual({ kind: 'none' });
      const first = await ask();
      const second = await ask(MINUTE_MS, guild);
      expect(await take({ user: other.id })).toEqual({ kind: 'none' });
      const { originKey: event } = changeBy(author);
      expect(await store.keys.take('message', { user: author.id, originKey: event })).toEqual({
        kind: 'none',
      });
      expect(await take({ id: first })).toEqual({ kind: 'expired' });
      const taken = await Promise.all([1, 2, 3].map(() => take({ user: author.id })));
      expect(taken.map((one) => one.kind).toSorted()).toEqual(['taken', 'used', 'used']);
      expect(taken.find((one) => one.kind === 'taken')).toMatchObject({
        id: second,
        guild,
        author: { id: author.id },
      });
      await store.keys.end(second, true);
      expect(await take({ id: second })).toMatchObject({ kind: 'taken', sealed: 'verifier' });
      await store.keys.end(second, false);
      expect(await take({ id: second })).toEqual({ kind: 'used' });
      expect(await database.sql`select sealed from key_requests where id = ${second}`).toEqual([
        { sealed: null },
      ]);
      const third = await ask(1000);
      clock += 1000;
      expect(await take({ id: third })).toEqual({ kind: 'expired' });
      const fourth = await ask(1000);
      clock += 1000;
      await store.housekeeping();
      const sealed = await database.sql`select sealed from key_requests where id in (${third}, ${fourth})`;
      expect(sealed).toEqual([{ sealed: null }, { sealed: null }]);
      clock += 2 * DAY_MS;
      await store.housekeeping();
      clock = NOON;
      expect(await take({ id: third })).toEqual({ kind: 'none' });
    });
  });
});
