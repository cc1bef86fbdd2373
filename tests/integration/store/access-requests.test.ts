import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { userId } from '../../../src/platform/ids.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, community, nextId, person, run, type Speech } from './requests.ts';

const operator = userId('telegram', 1);

describe.each(databaseKinds)('requests for access on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  /** Moves on with every refusal, so that each is newer than all before. */
  let clock = Date.UTC(2026, 6, 15, 12);

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  /** A command of the operator's, another one each time. */
  const deciding = () => admission({ author: { ...person('Boss'), id: operator }, chat: nextId() }).envelope;
  const ask = async (speech: Omit<Speech, 'chat'>): Promise<number> => {
    clock += 1000;
    await store.turns.admit(admission({ ...speech, chat: nextId() }, { access: 'if_approved' }));
    return clock;
  };

  it('show guilds, and people in private, with the moment they were refused first, newest first', async () => {
    const [ann, guild] = [person('Ann'), community('Readers')];
    const asked = { guild: await ask({ author: person(), guild }), ann: await ask({ author: ann }) };
    await ask({ author: person(), guild });
    expect((await store.accessRequests.pending()).slice(0, 2)).toEqual([
      { id: ann.id, name: 'Ann', kind: 'user', sinceMs: asked.ann },
      { id: guild.id, name: 'Readers', kind: 'guild', sinceMs: asked.guild },
    ]);
  });

  it('are over once approved, for guild and person alike', async () => {
    const [author, guild] = [person(), community()];
    await ask({ author });
    await ask({ author, guild });
    for (const id of [author.id, guild.id])
      expect(await store.accessRequests.approve(deciding(), id)).toBe(true);
    const ids = (await store.accessRequests.pending()).map(({ id }) => id);
    expect(ids).not.toContain(author.id);
    expect(ids).not.toContain(guild.id);
    const access = 'if_approved';
    await run(store.turns, admission({ author, chat: nextId() }, { access }));
    await run(store.turns, admission({ author, chat: nextId(), guild }, { access }));
  });

  it('are approved and recorded once, however often that is repeated', async () => {
    const author = person();
    await ask({ author });
    expect(await store.accessRequests.approve(deciding(), author.id)).toBe(true);
    expect(await store.accessRequests.approve(deciding(), author.id)).toBe(true);
    const noted = await database.sql`select actor, action from audit where subject = ${author.id}`;
    expect(noted).toEqual([{ actor: operator, action: 'approve' }]);
  });

  it('stay withdrawn when an approval before comes once more', async () => {
    const guild = community();
    await ask({ author: person(), guild });
    const event = deciding();
    expect(await store.accessRequests.approve(event, guild.id)).toBe(true);
    await store.accessRequests.leave(deciding(), guild.id);
    expect(await store.accessRequests.approve(event, guild.id)).toBe(true);
    const rows = await database.sql`
      select approved_at from guilds where platform_guild_id = ${guild.id} and approved_at is not null`;
    expect(rows).toHaveLength(0);
  });

  it('of nobody known are not approved', async () => {
    const stranger = person();
    expect(await store.accessRequests.approve(deciding(), stranger.id)).toBe(false);
    expect(await store.accessRequests.approve(deciding(), 'nonsense')).toBe(false);
    expect(await database.sql`select 1 from audit where subject = ${stranger.id}`).toHaveLength(0);
  });

  it('leave out people who were served or refused for another reason, and whom an operator blocked', async () => {
    const [served, denied, blocked] = [person(), person(), person()];
    await run(store.turns, admission({ author: served, chat: nextId() }));
    await store.turns.admit(admission({ author: denied, chat: nextId() }, { access: 'denied' }));
    await ask({ author: blocked });
    await store.control.block({ kind: 'user', id: blocked.id, within: null }, null, operator);
    const ids = (await store.accessRequests.pending()).map(({ id }) => id);
    for (const author of [served, denied, blocked]) expect(ids).not.toContain(author.id);
  });

  it('show the twenty newest', async () => {
    const people = Array.from({ length: 21 }, () => person());
    for (const author of people) await ask({ author });
    expect((await store.accessRequests.pending()).map(({ id }) => id)).toEqual(
      people
        .slice(1)
        .toReversed()
        .map(({ id }) => id),
    );
  });
});
