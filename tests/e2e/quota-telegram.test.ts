import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds } from '../support/database.ts';
import { openScene, type Person, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const SETTINGS = { MAX_TOKENS: '100', USER_RATE_LIMIT_PER_MINUTE: '1000' };

describe.each(databaseKinds)('on a database of kind %s', (kind) => {
  let scene: Scene;
  let boss: Person;
  beforeAll(async () => {
    scene = await openScene({ database: kind });
    boss = scene.person();
    const DEFAULT_GUILD_REQUESTS_PER_DAY = '500';
    await scene.restart({
      ...SETTINGS,
      DEFAULT_GUILD_REQUESTS_PER_DAY,
      OPERATOR_IDS: `telegram:${boss.user.id}`,
    });
  });
  afterAll(async () => {
    expect(await scene.records.holds()).toBe(0);
    expect(await scene.records.wrongCounters()).toEqual([]);
    await scene.stop();
  });
  beforeEach(() => scene.openrouter.reset());

  /** A group with an administrator, and members. */
  function community(size: number) {
    const people = Array.from({ length: size }, () => scene.person());
    const admin = scene.person();
    const chat = scene.telegram.group({ members: [...people, admin].map(({ user }) => user), forum: true });
    chat.promote(admin.user);
    const manage = (line: string, options = {}) => scene.command(chat, admin.user, line, options);
    const ask = ({ user }: Person) => scene.ask(chat, user, '@parley_bot Hello?');
    const [ann = admin, ben = admin] = people;
    return { people, ann, ben, admin, chat, manage, ask };
  }
  const audit = async (chat: { id: number }) => {
    const rows = await scene.database.sql<{ action: string; actor: string; subject: string }[]>`
      select action, actor, subject from audit
      where guild = ${`telegram:${chat.id}`} and action like 'quota%' order by id`;
    return rows.map(({ action, actor, subject }) => ({ action, actor, subject }));
  };
  const limitsOf = async (chat: { id: number }) => {
    const [row] = await scene.database.sql<{ own: object; limits: object; temporary: object }[]>`
      select q.own, q.limits, q.own_temporary as temporary from quota_subjects q join guilds g on g.id = q.subject_id
      where g.platform_guild_id = ${`telegram:${chat.id}`}`;
    return row === undefined ? { own: {}, limits: {}, temporary: {} } : { ...row };
  };

  test('of 200 people at once in a community with 50 answers left exactly 50 are answered and 150 are told', async () => {
    const { people, chat, manage } = community(200);
    expect(await manage('/quota set requests day 50')).toBe('✅ This community: at most 50 messages a day.');
    const ids = people.map(({ user }) => chat.send(user, '@parley_bot Everybody at once'));
    const place = `telegram:${scene.telegram.bot.id}:${chat.id}`;
    await until(async () => {
      const [row] = await scene.database.sql<{ isOver: boolean }[]>`
        select count(*) = ${ids.length} as "isOver" from turns where place = ${place} and delivered_at is not null`;
      return row?.isOver;
    }, 60_000);
    const states = (await scene.records.turnsIn(place)).map(({ state }) => state);
    expect(states.filter((state) => state === 'delivered')).toHaveLength(50);
    expect(states.filter((state) => state === 'refused')).toHaveLength(150);
    const isRefusal = /^This community has used 50 of 50 messages today\./u;
    const told = scene.said(chat).filter(({ text }) => isRefusal.test(text));
    expect(new Set(told.map(({ replyTo }) => replyTo)).size).toBe(150);
    expect(scene.requests()).toHaveLength(50);
    const explained = await manage('/quota explain');
    expect(explained).toMatch(/messages today: 50 counted, 50 in the records, difference 0; limit 50/u);
    expect(explained).toContain('Nothing is held.');
  }, 90_000);

  test('what is set is shown, is in force at once, and is cleared again', async () => {
    const { ann, ben, chat, manage, ask } = community(2);
    await manage('/quota set requests day 1 members:yes');
    expect((await ask(ann)).turn.state).toBe('delivered');
    const { text, turn } = await ask(ann);
    expect(turn.refusal).toMatchObject({ reason: 'quota', subject: 'member', limit: 1, used: 1 });
    expect(text).toMatch(
      /^Here in this community you have used 1 of 1 messages today\. It starts again in .*Elsewhere/u,
    );
    expect((await ask(ben)).turn.state).toBe('delivered');
    expect((await ann.ask('And in private?')).turn.state).toBe('delivered');
    expect(await manage('/quota show members:yes')).toContain(
      'at most 1 message a day – set by those who manage the community',
    );
    const limits = await scene.command(chat, ann.user, '/limits');
    expect(limits).toMatch(/You, here, messages today: 1 of 1 used, 0 left.* – set by those who manage/u);
    expect(limits).toMatch(/The community, messages today: 2 of 500 used, 498 left/u);
    expect(await manage('/quota clear members:yes')).toBe(
      '🗑️ Each member of this community: nothing is set any more.',
    );
    expect(await manage('/quota clear members:yes')).toBe('There was nothing to clear.');
    expect((await ask(ben)).turn.state).toBe('delivered');
    expect((await audit(chat)).map(({ action }) => action)).toEqual(['quota.set', 'quota.clear']);
  });

  test('a limit of a topic holds in that topic, and one of a person for that person, named by a reply', async () => {
    const { ann, ben, admin, chat, manage, ask } = community(2);
    const topicId = chat.createTopic(admin.user, 'Tea');
    expect(await manage('/quota set requests hour 0 channel:here', { topicId })).toContain(
      'A limit of 0 blocks',
    );
    const inTopic = await scene.ask(chat, ben.user, '@parley_bot Tea?', { topicId });
    expect(inTopic.text).toMatch(/^This channel has no messages allowance/u);
    const { messageId, turn } = await ask(ben);
    expect(turn.state).toBe('delivered');
    const named = await manage('/quota set requests hour 1 user:reply', { replyTo: messageId });
    expect(named).toBe('✅ That member, here: at most 1 message an hour.');
    expect((await ask(ben)).turn.refusal).toMatchObject({ subject: 'member', used: 1 });
    expect((await ask(ann)).turn.state).toBe('delivered');
    expect(await manage(`/quota explain user:${ben.user.id}`)).toMatch(
      /messages this hour: 1 counted, 1 in the records, difference 0/u,
    );
  });

  test('a person’s own limit lowers what they may, holds everywhere, and can be lifted by them alone', async () => {
    const { ann, chat, manage, ask } = community(1);
    expect(await ann.command('/limits set requests day 2')).toBe('✅ You: at most 2 messages a day.');
    expect((await ann.ask('one')).turn.state).toBe('delivered');
    expect((await ask(ann)).turn.state).toBe('delivered');
    const { text, turn } = await ask(ann);
    expect(turn.refusal).toMatchObject({ subject: 'user', limit: 2, used: 2 });
    expect(text).toContain('/limits clear');
    await manage(`/quota clear user:${ann.user.id}`);
    expect(await ann.command('/limits')).toMatch(
      /You, everywhere, messages today: 2 of 2 used, 0 left.* – set by you/u,
    );
    expect(await ann.command('/limits clear requests day')).toMatch(
      /^🗑️ You: nothing is set for messages a day any more\./u,
    );
    await scene.restart({
      ...SETTINGS,
      DEFAULT_USER_REQUESTS_PER_DAY: '4',
      OPERATOR_IDS: `telegram:${boss.user.id}`,
    });
    expect(await ann.command('/limits set requests day 100')).toContain(
      'In force is what is lower: at most 4 messages a day.',
    );
    expect(
      (await scene.command(chat, ann.user, '/limits')).match(/messages today: 2 of 4 used/u),
    ).not.toBeNull();
  });

  test('a limit with an end stands in place of the other until then', async () => {
    const { ann, chat, manage, ask } = community(1);
    await manage('/quota set requests day 0');
    const until = new Date(Date.now() + 86_400_000).toISOString().slice(0, 16);
    expect(await manage(`/quota set requests day 1 until:${until}`)).toContain(
      `, until ${until.replace('T', ' ')} UTC.`,
    );
    expect((await ask(ann)).turn.state).toBe('delivered');
    expect((await ask(ann)).turn.refusal).toMatchObject({ subject: 'guild', limit: 1 });
    // The moment passes.
    await scene.database.sql`
      update quota_subjects set own_temporary = jsonb_set(own_temporary, '{requests_day,untilMs}', '1')
      where own_temporary ? 'requests_day'`;
    await scene.restart({ ...SETTINGS, OPERATOR_IDS: `telegram:${boss.user.id}` });
    expect((await ask(ann)).turn.refusal).toMatchObject({ subject: 'guild', limit: 0 });
    expect(await manage('/quota show')).toContain('messages today: blocked');
    expect((await limitsOf(chat)).own).toEqual({ requests_day: 0 });
  });

  test('an operator’s word goes beyond the default, and a community’s own only below it', async () => {
    const { ann, admin, chat, manage } = community(1);
    const there = `guild:telegram:${chat.id}`;
    expect(await boss.command(`/quota set requests day 600 subject:${there}`)).toContain(
      'I have never heard from',
    );
    await scene.ask(chat, ann.user, '@parley_bot Hello?');
    expect(await boss.command(`/quota set requests day 600 subject:${there}`)).toBe(
      '✅ That community: at most 600 messages a day.',
    );
    expect(await manage('/quota set requests day 700')).toContain(
      'In force is what is lower: at most 600 messages a day.',
    );
    expect(await boss.command('/quota set requests day 0 subject:instance')).toContain(
      'For the whole bot only spending is counted',
    );
    expect(await scene.database.sql`select 1 from quota_subjects where kind = 0 and limits <> '{}'`).toEqual(
      [],
    );
    expect(
      await scene.database.sql`
        select actor, details from audit where action = 'quota.set.refused' and subject = 'instance' order by id desc limit 1`,
    ).toEqual([{ actor: `telegram:${boss.user.id}`, details: { why: 'instance_money_only' } }]);
    expect(await boss.command('/quota show subject:instance')).toContain('The whole bot');
    expect(await limitsOf(chat)).toMatchObject({ limits: { requests_day: 600 }, own: { requests_day: 700 } });
    const { action, actor, subject } = (await audit(chat))[0] ?? {};
    expect([action, actor, subject]).toEqual([
      'quota.set',
      `telegram:${boss.user.id}`,
      `telegram:${chat.id}`,
    ]);
    expect(await admin.command('/quota show')).toContain('I can’t tell which community you mean');
  });

  test('days begin at the midnight of the community’s time zone once it is set', async () => {
    const { ann, chat, manage, ask } = community(1);
    expect(await manage('/settings timezone:europe/berlin')).toContain('Europe/Berlin');
    await ask(ann);
    expect(await manage('/settings timezone:Asia/Tokyo')).toContain(
      'The time zone was changed less than 30 days ago, so nothing is changed',
    );
    expect(await manage('/settings timezone:Mars/Olympus')).toContain(
      'I know no time zone called Mars/Olympus, so nothing is changed',
    );
    expect(await manage('/settings')).toContain('Europe/Berlin');
    const [row] = await scene.database.sql<{ offset: number; used: number; zone: string }[]>`
      select extract(hour from q.day_start at time zone 'Europe/Berlin')::int as offset, q.requests_day::int as used, g.time_zone as zone
      from quota_subjects q join guilds g on g.id = q.subject_id where g.platform_guild_id = ${`telegram:${chat.id}`}`;
    expect(row).toEqual({ offset: 0, used: 1, zone: 'Europe/Berlin' });
  });

  describe('what can’t be', () => {
    test.each([
      ['/quota set requests day -5', 'A limit can’t be below zero'],
      ['/quota set requests day 2.5', 'A limit is a whole number'],
      ['/quota set requests day many', 'A limit is a whole number'],
      ['/quota set requests day 99999999999999999999', 'That is more than I can count'],
      ['/quota set cost month 1000001', 'That is more than I can count: $1,000,000.00'],
      ['/quota set cost month 1e3', 'a sum in US dollars'],
      ['/quota set words day 5', 'It should be requests, tokens, cost or images. Nothing was changed.'],
      ['/quota set requests week 5', 'It should be hour, day or month.'],
      ['/quota set requests day', 'please add limit (a number'],
      ['/quota set requests day 5 until:yesterday', 'I can’t read until when'],
      ['/quota set requests day 5 until:2020-01-01', 'That moment has passed already'],
      ['/quota set requests day 5 until:2w members:yes user:me', 'For whom?'],
      ['/quota set requests day 5 user:@nobody', 'a person: their id'],
      ['/quota set requests day 5 role:1', 'a role of the server'],
      ['/quota set requests day 5 channel:-100', 'here, written in that channel'],
      ['/quota clear requests', 'Please name both, a metric and a window'],
      ['/quota show subject:everything', 'A subject is instance'],
      ['/limits set requests day -1', 'A limit can’t be below zero'],
      ['/quota forget', 'You can use /quota show'],
    ])('%s: a clear sentence, and nothing is changed', async (line, sentence) => {
      const { chat, manage } = community(0);
      expect(await manage(line)).toContain(sentence);
      expect(await limitsOf(chat)).toEqual({ own: {}, limits: {}, temporary: {} });
      expect((await audit(chat)).filter(({ action }) => !action.endsWith('.refused'))).toEqual([]);
    });

    test('somebody who manages nothing, or manages another community: refused, and on record', async () => {
      const one = community(1);
      const other = community(0);
      const said = await scene.command(one.chat, one.ann.user, '/quota set requests day 5');
      expect(said).toBe('/quota set is for those who manage this community.');
      const elsewhere = `/quota set requests day 5 subject:guild:telegram:${one.chat.id}`;
      expect(await other.manage(elsewhere)).toBe(
        'Limits beyond this community are for my operators. Nothing is changed.',
      );
      expect(await limitsOf(one.chat)).toEqual({ own: {}, limits: {}, temporary: {} });
      const there = `telegram:${one.chat.id}`;
      expect(await audit(one.chat)).toEqual([
        { action: 'quota.set.refused', actor: `telegram:${one.ann.user.id}`, subject: there },
      ]);
      expect(await audit(other.chat)).toEqual([
        { action: 'quota.set.refused', actor: `telegram:${other.admin.user.id}`, subject: there },
      ]);
    });
  });
});
