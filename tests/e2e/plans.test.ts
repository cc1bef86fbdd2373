import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { anyKinds } from '../support/database.ts';
import { openScene, PAID, PAID_SETTINGS, type Person, type Scene } from '../support/scene.ts';

const OPERATOR = 1;
const SETTINGS = { PLANS_ENABLED: 'true', OPERATOR_IDS: `telegram:${OPERATOR}`, MAX_TOKENS: '1000' };

describe.each(anyKinds)('plans in the whole bot, on a database of kind %s', (kind) => {
  let scene: Scene;
  let operator: Person;
  beforeAll(async () => {
    scene = await openScene({ database: kind, settings: { ...PAID_SETTINGS, ...SETTINGS } });
    operator = scene.person({ id: OPERATOR });
  });
  afterAll(() => scene.stop());
  beforeEach(() => scene.openrouter.reset());

  const grant = (person: Person, rest: string) =>
    operator.command(`/plan grant user:telegram:${person.user.id} ${rest}`);
  const edit = (line: string) => operator.command(`/plan edit ${line}`);
  const audit = async () =>
    await scene.database.sql<{ actor: string; action: string; reason: string | null }[]>`
      select actor, action, details ->> 'reason' as reason from audit where action like 'plan.%' order by id`;

  test('the free plan ends at its last message; what is given lifts that, and its end brings it back', async () => {
    const ann = scene.person();
    expect(await edit('free requests_month 2')).toMatch(/version 2: .?requests_month.? is 2, it was 100/u);
    for (const word of ['one', 'two']) expect((await ann.ask(word)).turn.state).toBe('delivered');
    const refused = await ann.ask('three');
    expect(refused.turn.state).toBe('refused');
    expect(refused.text).toMatch(/2 .*2 messages this month/u);
    expect(await ann.command('/plan')).toContain('Messages this month: 2 of 2');
    const ben = scene.person();
    for (const word of ['one', 'two']) await ben.ask(word);
    expect(await grant(ben, 'premium 3d')).toMatch(/has \*?\*?Premium/u);
    expect((await ben.ask('three')).turn.state).toBe('delivered');
    const chat = scene.telegram.group({ members: [ben.user, operator.user] });
    for (const line of ['/paysupport', `/plan revoke user:telegram:${ben.user.id}`]) {
      expect(await scene.command(chat, operator.user, line)).toContain('Please ask me in a private chat');
    }
    const overheard = await scene.command(chat, ben.user, '/plan show');
    expect(overheard).toContain('Your plan: Premium');
    expect(overheard).not.toContain('a gift');
    const shown = await ben.command('/plan show');
    expect(shown).toContain('Your plan: Premium');
    expect(shown).toContain('Messages this month: 3 of 2,000');
    expect(shown).toMatch(/Premium, a gift, ends on/u);
    expect(await operator.command(`/plan revoke user:telegram:${ben.user.id}`)).toContain(
      'has no plan of their own',
    );
    expect((await ben.ask('four')).turn.state).toBe('refused');
    await edit('free requests_month 100');
  });

  test('a plan decides how fast one may ask, from what was heard last', async () => {
    const ann = scene.person();
    const asked = [];
    for (let count = 0; count < 6; count += 1) asked.push((await ann.ask(`word ${count}`)).turn.state);
    expect(asked).toEqual([...Array.from({ length: 5 }, () => 'delivered'), 'refused']);
    const ben = scene.person();
    await ben.ask('Hello?');
    await grant(ben, 'premium');
    const faster = [];
    for (let count = 0; count < 7; count += 1) faster.push((await ben.ask(`word ${count}`)).turn.state);
    expect(faster).toEqual(Array.from({ length: 7 }, () => 'delivered'));
  });

  test('free models answer who has the free plan, paid ones who pays; both are told by the same settings', async () => {
    const ann = scene.person();
    const { turn } = await ann.ask('Hello?');
    expect(turn.attempts.map(({ modelAsked }) => modelAsked)).not.toContain(PAID);
    expect(scene.requests().map(({ model }) => model)).not.toContain(PAID);
    await ann.command(`/model use ${PAID}`);
    expect((await ann.ask('And now?')).text).toContain('the plan Free has free models only');
    await grant(ann, 'premium');
    const paid = await ann.ask('And paid?');
    expect(paid.turn.attempts.map(({ modelAsked }) => modelAsked)).toEqual([PAID]);
  });

  test('a feature that a plan lacks is told, and is there once an operator turns it on', async () => {
    await edit('free web_search off');
    const ann = scene.person();
    const used = async () =>
      (await scene.database.sql`select day_used from free_pools where payer = 'operator'`)[0]?.['day_used'];
    const before = await used();
    expect((await ann.ask('/ask search:true What is new?')).text).toContain(
      'Your plan does not include searching the web',
    );
    // No model was asked, so that the place which came with the admission is for others.
    expect(await until(async () => (await used()) === before)).toBe(true);
    await edit('free web_search on');
    expect((await ann.ask('/ask search:true What is new?')).text).not.toContain('does not include');
  });

  test('a message that fills more than the context of the plan is refused with what would fit', async () => {
    const ann = scene.person();
    const { turn, text } = await ann.ask('漢字'.repeat(2000));
    expect(turn.state).toBe('refused');
    expect(text).toMatch(/longer than the plan Free takes: about [\d,]+ tokens/u);
  });

  test('all plans are listed with what they give, and buttons lead to an invoice for the one who asks', async () => {
    const ann = scene.person();
    const list = await ann.command('/plan list');
    expect(list).toContain('Premium, $19.99 or 1,000 Stars a month');
    expect(list).toContain('2,000 messages and 5,000,000 tokens a month; 50 messages a minute');
    expect(await ann.command('/plan subscribe premium')).toContain('Premium costs 1,000 Stars for 30 days');
    expect(await ann.command('/plan subscribe golden')).toContain('I have no plan called golden');
    expect(await ann.command('/plan subscribe enterprise')).toContain('can’t be bought here');
    expect(await ann.command('/plan subscribe free')).toContain('That is what everybody has');
    expect(await ann.command('/plan cancel')).toContain('There is no plan to end');
    expect(await ann.command('/paysupport')).toContain('I know of no payment of yours');
  });

  test.each([
    ['/plan grant me premium', /has Premium \(version \d+\) now, without an end/u],
    ['/plan grant user:telegram:999999 premium', /I have never met them.*Nothing was changed/u],
    ['/plan grant nobody premium', /Name whom you mean as/u],
    ['/plan grant me golden', /I have no plan called golden/u],
    ['/plan grant me free', /what everybody has anyway/u],
    ['/plan grant me premium 2020-01-01', /has passed already/u],
    ['/plan edit premium requests_month -5', /takes a whole number from 0/u],
    ['/plan edit premium requests_month 1.5', /takes a whole number from 0/u],
    ['/plan edit premium requests_month many', /takes a whole number from 0/u],
    ['/plan edit premium rate_per_minute 0', /takes a whole number from 1/u],
    ['/plan edit premium stars 10001', /from 1 to 10,000, or none/u],
    ['/plan edit premium pdf maybe', /takes on or off/u],
    ['/plan edit premium colour red', /field|change/iu],
    ['/plan edit free is_offered off', /costs nothing and is always there/u],
    ['/plan sku abc premium', /id of a SKU is a number/u],
    ['/plan refund nothing', /I know no such payment/u],
    ['/plan revoke user:telegram:999999', /never met/u],
  ])('operators are told what became of %s', async (line, told) => {
    expect(await operator.command(line)).toMatch(told);
  });

  test('nobody else gives or changes plans: nothing happens, and the attempt is on record', async () => {
    const ann = scene.person();
    const before = (await audit()).length;
    expect(await ann.command('/plan grant me unlimited')).toContain('is for my operators');
    expect(await ann.command('/plan edit free requests_month 1000000')).toContain('is for my operators');
    const group = scene.telegram.group({ members: [ann.user] });
    await scene.command(group, ann.user, '/plan cancel whose:server');
    expect((await audit()).slice(before).map(({ actor, action }) => [actor, action])).toEqual([
      [`telegram:${ann.user.id}`, 'plan.grant.refused'],
      [`telegram:${ann.user.id}`, 'plan.edit.refused'],
      [`telegram:${ann.user.id}`, 'plan.cancel.refused'],
    ]);
    expect(await ann.command('/plan')).toContain('Your plan: Free');
  });

  test('where plans are off, nothing of them is there, whatever is stored', async () => {
    const ann = scene.person();
    await ann.ask('one');
    await grant(ann, 'unlimited');
    const before = scene.telegram.calls.length;
    await scene.restart({
      ...PAID_SETTINGS,
      OPERATOR_IDS: `telegram:${OPERATOR}`,
      MAX_TOKENS: '1000',
      DEFAULT_USER_REQUESTS_PER_DAY: '2',
    });
    expect(await ann.command('/plan')).toContain("I don't know the command");
    const menus = scene.telegram.calls.slice(before).filter(({ method }) => method === 'setMyCommands');
    expect(menus).not.toEqual([]);
    expect(JSON.stringify(menus)).not.toContain('"plan"');
    const asked = await ann.ask('two');
    expect(asked.turn.attempts.map(({ modelAsked }) => modelAsked)).toEqual([PAID]);
    expect((await ann.ask('three')).text).toMatch(/2 messages today/u);
    expect(
      JSON.stringify(
        await scene.database
          .sql`select settings from turns where user_id = (select id from users where platform_user_id = ${`telegram:${ann.user.id}`}) order by seq desc limit 1`,
      ),
    ).not.toContain('plan');
  });
});
