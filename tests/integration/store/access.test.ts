import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { originKey, userId, type GuildId, type UserId } from '../../../src/platform/ids.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { openStore } from './open-store.ts';
import { admission, community, nextId, person, run, type Speech } from './requests.ts';

const HOUR_MS = 3_600_000;

describe.each(databaseKinds)('decisions about access on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let clock = Date.UTC(2026, 6, 15, 12);

  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => clock));
  });
  afterAll(() => database.close());

  const spoken = (speech: Omit<Speech, 'chat'>, chat = nextId()) => admission({ ...speech, chat }).envelope;
  const entriesOf = async (subject: string) => {
    const rows = await database.sql<{ action: string; guild: string | null }[]>`
      select action, guild from audit where subject = ${subject} order by id`;
    return rows.map(({ action, guild }) => [action, guild]);
  };
  const whom = (id: UserId, within: GuildId | null) => ({ kind: 'user', id, within }) as const;

  it('block somebody in one guild alone, once for each event, and are on that guild’s record', async () => {
    const [chair, ann, guild, other] = [person('Chair'), person('Ann'), community(), community()];
    const event = spoken({ author: chair, guild });
    expect(await store.blocks.block(event, whom(ann.id, guild.id), 'shouting')).toBe(true);
    expect(await store.blocks.block(event, whom(ann.id, guild.id), 'shouting')).toBe(true);
    const again = spoken({ author: chair, guild });
    expect(await store.blocks.block(again, whom(ann.id, guild.id), 'again')).toBe(false);
    const verdict = await store.turns.admit(admission({ author: ann, guild, chat: nextId() }));
    expect(verdict).toMatchObject({ kind: 'refused', refusal: { reason: 'blocked' } });
    await run(store.turns, admission({ author: ann, guild: other, chat: nextId() }));
    expect(await store.blocks.list(guild.id)).toEqual([
      { kind: 'user', id: ann.id, name: 'Ann', reason: 'shouting', sinceMs: expect.any(Number) },
    ]);
    expect(await store.blocks.list(other.id)).toEqual([]);
    const back = spoken({ author: chair, guild });
    expect(await store.blocks.unblock(back, whom(ann.id, other.id))).toBe(false);
    expect(await store.blocks.unblock(spoken({ author: chair, guild }), whom(ann.id, guild.id))).toBe(true);
    expect(await entriesOf(ann.id)).toEqual([
      ['block', guild.id],
      ['unblock', guild.id],
    ]);
  });

  it('name in a guild nobody who has not spoken there, and no other guild', async () => {
    const [chair, ann, ben, guild, other] = [
      person('Chair'),
      person('Ann'),
      person('Ben'),
      community(),
      community('Strangers'),
    ];
    await run(store.turns, admission({ author: ann, guild, chat: nextId() }));
    await run(store.turns, admission({ author: ben, guild: other, chat: nextId() }));
    for (const { id } of [ann, ben]) {
      await store.blocks.block(spoken({ author: chair, guild }), whom(id, guild.id), null);
    }
    const listed = await store.blocks.list(guild.id);
    expect(new Set(listed.map(({ id, name }) => `${id} ${name}`))).toEqual(
      new Set([`${ann.id} Ann`, `${ben.id} `]),
    );
    for (const subject of [other.id, ben.id]) {
      const attempt = { action: 'quota.show', subject, why: 'not_operator' } as const;
      await store.quotas.refuse(spoken({ author: chair, guild }), attempt);
    }
    const here = await store.audit.entries(guild.id, null);
    expect(here.map(({ subject, subjectName, actorName }) => [subject, subjectName, actorName])).toEqual([
      ['', '', ''],
      ['', '', ''],
      [ben.id, '', ''],
      [ann.id, 'Ann', ''],
    ]);
    const everywhere = (await store.audit.entries(null, null)).slice(0, 2);
    expect(everywhere.map(({ subjectName, actorName }) => [subjectName, actorName])).toEqual([
      ['Ben', 'Chair'],
      ['Strangers', 'Chair'],
    ]);
  });

  it('leave nothing on record of who is forgotten, and block them still', async () => {
    const [chair, ann, guild] = [person('Chair'), person('Ann'), community()];
    const by = (author = ann) => spoken({ author, guild });
    await run(store.turns, admission({ author: ann, guild, chat: nextId() }));
    await store.audit.refused(by(), 'guild', 'not_operator');
    await store.budgets.set({ ...by(), guild }, { day: 1000 });
    await store.audit.refused(by(), 'budget clear', 'not_admin');
    await store.reports.report(by(), { id: 'R-FORGETTING', message: null, words: 'words' });
    await store.reports.end(by(), 'R-FORGETTING', guild.id);
    await store.blocks.block(by(), whom(person().id, guild.id), null);
    await store.blocks.block(by(chair), whom(ann.id, guild.id), 'shouting');
    expect(await store.control.forgetUser(ann.id, userId('telegram', 1))).toBe(true);
    const traces = await database.sql`
      select action from audit a where a::text like ${`%${ann.id}%`} and (a::text ~ ${`${ann.id}(?![0-9])`})
      union all select 'set_by' from blocks where set_by = ${ann.id}`;
    expect(traces).toEqual([]);
    expect(await store.audit.entries(guild.id, null)).toHaveLength(6);
    const verdict = await store.turns.admit(admission({ author: ann, guild, chat: nextId() }));
    expect(verdict).toMatchObject({ refusal: { reason: 'blocked' } });

    const unheard = person();
    await store.audit.refused(spoken({ author: unheard, guild }), 'guild', 'not_operator');
    expect(await store.control.forgetUser(unheard.id, userId('telegram', 1))).toBe(true);
    expect(await store.control.forgetUser(unheard.id, userId('telegram', 1))).toBe(false);
    expect(await database.sql`select 1 from audit where actor = ${unheard.id}`).toHaveLength(0);
  });

  it('know which turns of somebody are under way, in a guild and anywhere', async () => {
    const [ann, guild] = [person('Ann'), community()];
    const here = await run(store.turns, admission({ author: ann, guild, chat: nextId() }));
    const there = await run(store.turns, admission({ author: ann, chat: nextId() }));
    expect(await store.blocks.turnsOf(ann.id, guild.id)).toEqual([here.id]);
    expect(await store.blocks.turnsOf(ann.id, null)).toEqual([here.id, there.id]);
    expect(await store.blocks.turnsOf(person().id, null)).toEqual([]);
  });

  it('take an approval back when the bot leaves, and let the guild ask anew', async () => {
    const [boss, guild] = [person('Boss'), community()];
    const ask = () =>
      store.turns.admit(admission({ author: person(), guild, chat: nextId() }, { access: 'if_approved' }));
    await ask();
    await store.accessRequests.approve(spoken({ author: boss }), guild.id);
    const event = spoken({ author: boss });
    expect(await store.accessRequests.leave(event, guild.id)).toBe(true);
    expect(await store.accessRequests.leave(event, guild.id)).toBe(true);
    expect(await store.accessRequests.leave(spoken({ author: boss }), community().id)).toBe(false);
    expect(await ask()).toMatchObject({ refusal: { reason: 'approval_needed' } });
    expect((await store.accessRequests.pending()).map(({ id }) => id)).toContain(guild.id);
    expect(await entriesOf(guild.id)).toEqual([
      ['approve', guild.id],
      ['guild.leave', guild.id],
    ]);
  });

  it('keep reports once for each event, find the turn they are about, and end them once', async () => {
    const [ann, chair, guild] = [person('Ann'), person('Chair'), community()];
    const chat = nextId();
    const question = admission({ author: ann, guild, chat });
    const turn = await run(store.turns, question);
    const event = spoken({ author: ann, guild }, chat);
    const draft = { id: 'R-00000001', message: question.envelope.messageId, words: 'nonsense \0 here' };
    expect(await store.reports.report(event, draft)).toEqual({ kind: 'kept', id: 'R-00000001' });
    expect(await store.reports.report(event, { ...draft, id: 'R-00000002' })).toEqual({
      kind: 'kept',
      id: 'R-00000001',
    });
    expect(await store.reports.open(guild.id)).toMatchObject([
      { id: 'R-00000001', by: ann.id, byName: 'Ann', turn: turn.id, words: 'nonsense  here' },
    ]);
    expect(await store.reports.open(community().id)).toEqual([]);
    const by = () => spoken({ author: chair, guild });
    expect(await store.reports.end(by(), 'R-00000001', community().id)).toBe('unknown');
    const done = by();
    expect(await store.reports.end(done, 'R-00000001', guild.id)).toBe('done');
    expect(await store.reports.end(done, 'R-00000001', guild.id)).toBe('done');
    expect(await store.reports.end(by(), 'R-00000001', null)).toBe('over');
    expect(await entriesOf('R-00000001')).toEqual([['report.done', guild.id]]);
  });

  it('take five reports an hour of one person, and none of who is blocked', async () => {
    const [ann, guild] = [person('Ann'), community()];
    const tell = async () =>
      await store.reports.report(spoken({ author: ann, guild }), {
        id: `R-${nextId()}`,
        message: null,
        words: 'words',
      });
    for (let index = 0; index < 5; index += 1) {
      expect((await tell()).kind).toBe('kept');
      clock += 60_000;
    }
    expect(await tell()).toEqual({ kind: 'too_many', retryAfterMs: HOUR_MS - 5 * 60_000 });
    clock += HOUR_MS;
    expect((await tell()).kind).toBe('kept');
    await store.control.block(whom(ann.id, null), null, userId('telegram', 1));
    expect(await tell()).toEqual({ kind: 'blocked' });
  });

  it('forget what somebody has reported with everything else of theirs', async () => {
    const ann = person('Ann');
    await store.reports.report(spoken({ author: ann }), { id: 'R-FORGET', message: null, words: 'words' });
    expect(await store.control.forgetUser(ann.id, userId('telegram', 1))).toBe(true);
    expect(await database.sql`select 1 from reports where id = 'R-FORGET'`).toHaveLength(0);
  });

  it('are read page by page, a guild’s own alone', async () => {
    const [chair, guild] = [person('Chair'), community()];
    await store.guildSettings.setConversationStyle(spoken({ author: chair, guild }), 'thread');
    const refused = spoken({ author: chair, guild });
    await store.audit.refused(refused, 'guild', 'not_operator');
    await store.audit.refused(refused, 'guild', 'not_operator');
    await store.control.stop({ scope: 'guild', subject: guild.id }, 'noise', chair.id);
    const event = { ...refused, originKey: originKey('telegram', 'bot', 1, nextId()) };
    await store.blocks.block(event, { kind: 'guild', id: guild.id }, null);
    const entries = await store.audit.entries(guild.id, null);
    expect(entries.map(({ action }) => action)).toEqual([
      'block',
      'stop',
      'refused',
      'set conversation_style',
    ]);
    expect(entries[3]).toMatchObject({ subjectName: guild.name, before: null, after: 'thread' });
    const older = await store.audit.entries(guild.id, entries[1]?.id ?? 0);
    expect(older.map(({ id }) => id)).toEqual(entries.slice(2).map(({ id }) => id));
    expect((await store.audit.entries(null, null))[0]?.id).toBe(entries[0]?.id);
  });
});
