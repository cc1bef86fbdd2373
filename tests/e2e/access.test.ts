import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimChat } from '../simulators/telegram/handles.ts';
import { anyKinds } from '../support/database.ts';
import { openScene, slowly, stalling, type Person, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

describe.each(anyKinds)('on a database of kind %s', (kind) => {
  let scene: Scene;
  let boss: Person;
  let chair: Person;
  let ann: Person;
  let ben: Person;
  let chat: SimChat;
  beforeAll(async () => {
    scene = await openScene({ database: kind });
    [boss, chair, ann, ben] = ['Boss', 'Chair', 'Ann', 'Ben'].map((firstName) =>
      scene.person({ firstName }),
    ) as [Person, Person, Person, Person];
    chat = scene.telegram.group({ members: [ann.user, ben.user, boss.user], admins: [chair.user] });
    await scene.restart({ OPERATOR_IDS: `telegram:${boss.user.id}`, ACCESS: 'approval' });
  });
  afterAll(async () => {
    expect(await scene.records.holds()).toBe(0);
    await scene.stop();
  });

  const here = (person: Person, text: string, replyTo?: number) =>
    scene.command(chat, person.user, text, replyTo === undefined ? {} : { replyTo });
  const asks = (person: Person, text = '@parley_bot Hello?') => scene.ask(chat, person.user, text);
  const idOf = (person: Person) => `telegram:${person.user.id}`;
  const actions = async () => {
    const rows = await scene.database.sql<{ action: string; subject: string }[]>`
      select action, subject from audit order by id`;
    return rows.map(({ action, subject }) => `${action} ${subject}`);
  };

  test('an operator sees who waits, approves them, and sees what they use', async () => {
    expect((await asks(ann)).turn.state).toBe('refused');
    const guild = `telegram:${chat.id}`;
    expect(await boss.command('/guild list')).toContain(guild);
    expect(await boss.command(`/guild approve ${guild}`)).toBe(`Approved: ${guild}.`);
    await scene.restart({ OPERATOR_IDS: idOf(boss), ACCESS: 'approval' });
    expect((await asks(ann)).turn.state).toBe('delivered');
    const listed = await boss.command('/guild list');
    expect(listed).toMatch(/Nobody waits for approval/u);
    expect(listed).toMatch(new RegExp(`${guild} .*\\(approved\\): 1 message, \\d+ tokens`, 'u'));
    expect(await ann.command('/guild list')).toBe('/guild is for my operators.');
    expect(await actions()).toEqual([`approve ${guild}`, 'refused guild']);
  });

  test('those who manage a group block a member there, whose running answer ends; nobody else can', async () => {
    scene.openrouter.play(stalling('I begin'));
    const running = chat.send(ben.user, '@parley_bot A long one');
    await until(() => scene.said(chat).some(({ text }) => text === 'I begin'));
    expect(await here(ann, `/block user ${ben.user.id}`)).toBe(
      '/block user is for those who manage this community.',
    );
    expect(await here(chair, `/block user ${ben.user.id} shouting all day`)).toBe(
      `Blocked here: ${idOf(ben)}. I don't answer them any more.`,
    );
    expect((await scene.over(chat, running)).turn.state).toBe('cancelled');
    const before = scene.said(chat).length;
    expect((await asks(ben)).turn).toMatchObject({ state: 'refused', refusal: { reason: 'blocked' } });
    expect(scene.said(chat)).toHaveLength(before);
    expect((await asks(ann)).turn.state).toBe('delivered');
    expect(await here(chair, '/block list')).toContain(`${idOf(ben)} Ben: shouting all day`);
    expect(await here(chair, `/unblock ${ben.user.id}`)).toBe(`No longer blocked here: ${idOf(ben)}.`);
    expect(await here(chair, `/unblock ${ben.user.id}`)).toBe(`${idOf(ben)} is not blocked here.`);
    expect(await here(chair, '/block list')).toBe('Nobody is blocked.');
    expect((await actions()).slice(2)).toEqual([
      'refused block user',
      `block ${idOf(ben)}`,
      `unblock ${idOf(ben)}`,
    ]);
  });

  test('who manages the group, an operator, the bot and oneself are never blocked', async () => {
    const unchanged = 'Nothing was changed';
    for (const id of [chair.user.id, scene.telegram.bot.id, boss.user.id]) {
      expect(await here(chair, `/block user ${id}`)).toContain(unchanged);
    }
    const other = scene.person();
    const second = scene.telegram.group({ members: [boss.user], admins: [chair.user, other.user] });
    expect(await scene.command(second, chair.user, `/block user ${other.user.id}`)).toBe(
      'They manage this community, or me, and can’t be blocked. Nothing was changed.',
    );
    expect(await here(chair, `/block user ${ben.user.id} everywhere:yes`)).toMatch(
      /^Only my operators can block/u,
    );
  });

  test('by replying to what somebody wrote, and everywhere by an operator', async () => {
    const messageId = chat.send(ben.user, 'Not for the bot');
    expect(await here(boss, '/block user everywhere:yes reply', messageId)).toBe(
      `Blocked everywhere: ${idOf(ben)}. I don't answer them any more.`,
    );
    await scene.restart({ OPERATOR_IDS: idOf(boss), ACCESS: 'open' });
    expect((await ben.ask('In private?')).turn.refusal).toMatchObject({ reason: 'blocked' });
    expect(await boss.command('/block list')).toContain(idOf(ben));
    expect(await boss.command(`/unblock ${ben.user.id}`)).toBe(`No longer blocked everywhere: ${idOf(ben)}.`);
    expect(await ann.command(`/block user ${ben.user.id}`)).toBe(
      '/block user works in groups and servers only.',
    );
  });

  test('a report reaches those who manage the group, who end it', async () => {
    scene.openrouter.play(slowly(['Something wrong']));
    const { reply } = await asks(ann);
    const said = await here(ann, '/report That is nonsense', reply[0]?.id);
    const [id = ''] = /R-[\dA-F]{8}/u.exec(said) ?? [];
    expect(said).toBe(`Thank you. Your report is ${id}; those who manage this community can see it.`);
    expect(await here(ann, '/report')).toContain('Reply to the message');
    expect(await here(ann, '/report list')).toBe('Reports are read by those who manage this community.');
    const listed = await here(chair, '/report list');
    expect(listed).toMatch(new RegExp(`${id}, .*, about an answer`, 'u'));
    expect(listed).not.toMatch(/Ann|nonsense/u);
    expect(await boss.command('/report list')).toMatch(
      new RegExp(`${id}, .*, Ann, about an answer .*: That is nonsense`, 'u'),
    );
    expect(await here(chair, '/report done R-00000000')).toBe('There is no report R-00000000 here.');
    expect(await here(chair, `/report done ${id}`)).toBe(`Done: ${id}.`);
    expect(await here(chair, `/report done ${id}`)).toBe(`${id} was dealt with before.`);
    expect(await here(chair, '/report list')).toBe('No report is waiting.');
    expect(scene.log.join()).not.toContain('nonsense');
  });

  test('what is for one person alone is not told where others read along', async () => {
    const guild = `telegram:${chat.id}`;
    for (const line of [
      '/guild list',
      `/quota show subject:user:telegram:${ann.user.id}`,
      '/quota explain subject:instance',
    ]) {
      expect(await here(boss, line)).toMatch(
        /^Others would read what \/[a-z ]+ tells here. Please ask me in a private chat.$/u,
      );
    }
    expect(await here(boss, '/quota show')).not.toContain('Others would read');
    expect(await here(boss, '/audit')).toContain('Ben');
    expect(await here(ann, `/guild approve ${guild}`)).toBe('/guild is for my operators.');
  });

  test('one person reports five things an hour', async () => {
    for (let index = 1; index < 5; index += 1) {
      expect(await here(ann, `/report thing ${index}`)).toContain('Thank you');
    }
    expect(await here(ann, '/report one more')).toMatch(/You can send the next one in \d+ minutes/u);
  });

  test('the record tells in words who changed what, to those who manage the group, page by page', async () => {
    expect(await here(ann, '/settings search:no')).toBe('/settings is for those who manage this community.');
    expect(await here(chair, '/audit')).toContain(`${idOf(chair)} blocked Ben`);
    await asks(chair);
    const said = await here(chair, '/audit');
    expect(said).toContain('Chair blocked Ben');
    expect(said).toContain('Ann tried without the right: settings');
    expect(said).toContain(`${idOf(boss)} approved Group`);
    expect(said).not.toContain('Boss');
    expect(said).toContain('Ann tried without the right: block user');
    expect(said).not.toContain('everywhere');
    const rows = await scene.database.sql<{ id: number }[]>`
      select id::int as id from audit where action = 'unblock' and guild is not null order by id`;
    const older = await here(chair, `/audit before:${rows[0]?.id}`);
    expect(older).not.toContain('no longer blocks');
    expect(older).toContain('approved Group');
    expect(await ann.command('/audit')).toBe('/audit works in groups and servers only.');
    expect(await boss.command('/audit')).toContain('Boss blocked Ben');
  });

  test('the bot leaves a group at an operator’s word, and its approval with it', async () => {
    const guild = `telegram:${chat.id}`;
    expect(await boss.command('/guild leave nonsense')).toContain('is not the id of a community');
    expect(await boss.command(`/guild block ${guild}`)).toBe(`Blocked: ${guild}. Nobody is answered there.`);
    expect((await asks(ann)).turn.refusal).toMatchObject({ reason: 'blocked' });
    expect(await boss.command(`/guild unblock ${guild}`)).toBe(`No longer blocked: ${guild}.`);
    expect(await boss.command(`/guild leave ${guild}`)).toBe(
      `I have left ${guild}, and its approval is withdrawn.`,
    );
    expect(scene.telegram.calls.filter(({ method }) => method === 'leaveChat')).toHaveLength(1);
    const [row] = await scene.database.sql<{ approved: boolean }[]>`
      select approved_at is not null as approved from guilds where platform_guild_id = ${guild}`;
    expect(row).toEqual({ approved: false });
    expect(await boss.command(`/guild leave ${guild}`)).toContain('I have left');
  });
});
