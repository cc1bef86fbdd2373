import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyKinds, openTestDatabase, serverKinds, type TestDatabase } from '../support/database.ts';
import { openScene, type Person, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

describe.each(anyKinds)('the free pool on a database of kind %s', (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({
      database: kind,
      openrouter: { freeLimits: { perMinute: 1_000_000, perDay: 1000 } },
    });
  });
  afterAll(() => scene.stop());

  const pool = async () => {
    const [row] = await scene.database.sql<{ used: number; limit: number | null }[]>`
      select day_used as used, day_limit as "limit" from free_pools where payer = 'operator'`;
    return row;
  };

  test('counts each attempt, with the allowance that the service tells, and keeps the count over a restart', async () => {
    await scene.person().ask('Hello?');
    await until(async () => (await pool())?.limit === 1000);
    expect((await pool())?.used).toBe(scene.requests().length);
    await scene.restart({}, 'the same account');
    scene.openrouter.play({ kind: 'refusal', name: 'provider-error' });
    await scene.person().ask('And now?');
    expect((await pool())?.used).toBe(scene.requests().length);
    expect(scene.requests()).toHaveLength(3);
  });

  test('tells in the reader’s language when the day is spent, and asks no model', async () => {
    await scene.database.sql`update free_pools set day_used = day_limit`;
    const before = scene.requests().length;
    const [ann, budi] = [scene.person(), scene.person({ languageCode: 'id' })];
    expect((await ann.ask('Hello?')).text).toMatch(
      /^Today’s allowance of free answers is used up for everybody\. It starts again in \d+ \w+\.$/u,
    );
    expect((await budi.ask('Halo?')).text).toMatch(
      /^Jatah jawaban gratis hari ini sudah habis .* dalam \d+ \S+\.$/u,
    );
    expect(scene.requests()).toHaveLength(before);
  });

  test('tells in the reader’s language when their share is used up, while others are served', async () => {
    await scene.restart();
    const [ann, budi, cas] = [scene.person(), scene.person({ languageCode: 'id' }), scene.person()];
    for (const person of [ann, budi]) expect((await person.ask('Hello?')).turn.state).toBe('delivered');
    await until(async () => (await pool())?.limit === 1000);
    await scene.database.sql`update free_pools set day_used = 900`;
    await scene.database.sql`update free_pool_shares set used = 450`;
    expect((await ann.ask('More?')).text).toMatch(
      /^Today’s free answers are shared with others, and your part of them is used up\. They start again in \d+ \w+\.$/u,
    );
    expect((await budi.ask('Lagi?')).text).toMatch(
      /^Jawaban gratis hari ini dibagi dengan yang lain, .* dalam \d+ \S+\.$/u,
    );
    expect((await cas.ask('Hello?')).turn.usage).toHaveLength(1);
  });
});

describe.each(serverKinds)('two bots on one database of kind %s', (kind) => {
  test('together keep the allowance of their account: nobody is refused by the service', async () => {
    const database: TestDatabase = await openTestDatabase(kind);
    const limits = { FREE_MODEL_RATE_LIMIT_PER_MINUTE: '6' };
    const one = await openScene({
      database,
      settings: limits,
      openrouter: { freeLimits: { perMinute: 6, perDay: 1000 } },
    });
    const settings = { ...limits, OPENROUTER_BASE_URL: one.openrouter.url };
    const other = await openScene({ database, settings });
    try {
      const people: readonly Person[] = Array.from({ length: 8 }, (_, index) =>
        (index % 2 === 0 ? one : other).person({ id: 81_000 + index }),
      );
      const asked = people.map((person) => ({ person, messageId: person.send('Is there a place for me?') }));
      const answered = () => one.requests().filter(({ call }) => call.status === 200);
      await until(() => answered().length === 5);
      // Who waits for a place can give it up.
      for (const { person } of asked) person.send('/stop');
      const scenes = asked.map(({ person, messageId }, index) =>
        (index % 2 === 0 ? one : other).over(person.chat, messageId),
      );
      const states = (await Promise.all(scenes)).map(({ turn }) => turn.state);
      expect(states.filter((state) => state === 'delivered')).toHaveLength(5);
      expect(one.requests().map(({ call }) => call.status)).toEqual([200, 200, 200, 200, 200]);
    } finally {
      await one.stop();
      await other.stop();
      await database.close();
    }
  });
});
