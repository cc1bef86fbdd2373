import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { userId } from '../../src/platform/ids.ts';
import { anyKinds, openTestDatabase, serverKinds } from '../support/database.ts';
import { startGateway } from '../support/gateway.ts';
import { openScene, slowly, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

describe.each(anyKinds)('on a database of kind %s', (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ database: kind });
  });
  afterAll(async () => {
    expect(await scene.records.holds()).toBe(0);
    expect(await scene.records.wrongCounters()).toEqual([]);
    await scene.stop();
  });
  beforeEach(() => scene.openrouter.reset());

  test('a turn that can not be settled ends as our failure, and the conversation goes on', async () => {
    await scene.database.sql.unsafe(`
      create function refuse_unstorable() returns trigger language plpgsql as $$
      begin
        if new.role = 'assistant' and new.text like '%unstorable%' then raise exception 'no'; end if;
        return new;
      end $$;
      create trigger refuse_unstorable before insert on messages
        for each row execute function refuse_unstorable();`);
    const ann = scene.person();
    scene.openrouter.play({ kind: 'answer', text: 'something unstorable' });
    const failed = await ann.ask('What can not be kept?');
    expect(failed.turn).toMatchObject({ state: 'failed', answer: null, epoch: 1 });
    const errorId = /E-[\dA-F]{8}/u.exec(failed.text)?.[0] ?? '';
    expect(await scene.records.error(errorId)).toMatchObject({ area: 'settle' });
    expect((await ann.ask('And what can?')).turn).toMatchObject({ state: 'delivered', epoch: 1 });
    expect(scene.requests()).toHaveLength(2);
  });

  describe('commands', () => {
    const refusal = 'set up for certain people and communities only';

    test('are for those who may use the bot, and a stranger is told so once', async () => {
      await scene.restart({ ACCESS: 'list' });
      const ann = scene.person();
      expect(await ann.command('/usage')).toContain(refusal);
      ann.send('/usage');
      ann.send('/new');
      const ben = scene.person();
      expect(await ben.command('/help')).toContain(refusal); // sent last, answered after both
      expect(scene.said(ann.chat)).toHaveLength(1);
    });

    test('have a pace of their own, so that /stop works for who has just written too much', async () => {
      await scene.restart({ USER_RATE_LIMIT_PER_MINUTE: '2' });
      const ann = scene.person();
      await ann.ask('one');
      await ann.ask('two');
      expect((await ann.ask('three')).turn.state).toBe('refused');
      expect(await ann.command('/stop')).toContain('nothing to stop');
      expect(await ann.command('/usage')).toContain('Your usage');
      expect(await ann.command('/usage')).toContain('a bit fast');
    });

    test('that are misspelt are met with the nearest one', async () => {
      await scene.restart({});
      expect(await scene.person().command('/hepl')).toContain('Did you mean /help?');
    });

    test('let an operator see who waits for approval, and give it', async () => {
      const [operator, ann] = [scene.person(), scene.person({ firstName: '*Ann*' })];
      await scene.restart({ ACCESS: 'approval', OPERATOR_IDS: userId('telegram', operator.user.id) });
      expect((await ann.ask('May I?')).turn).toMatchObject({ refusal: { reason: 'approval_needed' } });
      const id = userId('telegram', ann.user.id);
      expect(await operator.command('/guild list')).toContain(`${id} *Ann*`);
      expect(await operator.command('/guild approve telegram:1')).toContain('never heard from telegram:1');
      expect(await operator.command(`/guild approve ${id}`)).toBe(`Approved: ${id}.`);
      await scene.restart({ ACCESS: 'approval' });
      expect((await ann.ask('And now?')).turn.state).toBe('delivered');
      expect(await ann.command('/guild list')).toContain('for my operators');
    });
  });
});

describe.each(serverKinds)('on a database of kind %s that goes away', (kind) => {
  test('for longer than a lease, an answer waits, and is neither written twice nor shown twice', async () => {
    const server = await openTestDatabase(kind);
    const gateway = await startGateway(server.url ?? '');
    const scene = await openScene({ database: server });
    await scene.restart({ DATABASE_URL: gateway.url }, 'its own database');
    try {
      const ann = scene.person();
      scene.openrouter.play(slowly(['One', ' two', ' three', ' and four.'], 3000));
      const id = ann.send('Count, please.');
      await until(() => scene.said(ann.chat).find(({ text }) => text.includes('One')));
      await gateway.down();
      // Without a word from the store nobody knows whose turn it is by then: nothing is written until it is back.
      await until(() => scene.requests()[0]?.call.usage);
      await delay(1000);
      expect(scene.said(ann.chat)[0]?.text).not.toContain('and four');
      await gateway.up();
      expect((await scene.over(ann.chat, id)).turn).toMatchObject({ state: 'delivered', epoch: 1 });
      expect(scene.said(ann.chat).map(({ text }) => text)).toEqual(['One two three and four.']);
      expect(scene.requests()).toHaveLength(1);
    } finally {
      await gateway.up();
      await scene.stop();
      await gateway.down();
      await server.close();
    }
  });
});
