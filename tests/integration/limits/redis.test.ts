import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createRedisLink, type RedisLink } from '../../../src/limits/redis-link.ts';
import { createUserLimiter, type UserLimiter } from '../../../src/limits/user-limiter.ts';
import { userId, type UserId } from '../../../src/platform/ids.ts';
import { hasRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';

interface Process {
  readonly limiter: UserLimiter;
  readonly link: RedisLink;
  readonly log: readonly string[];
}

describe.skipIf(!hasRedis)('where redis-server is installed', () => {
  let redis: TestRedis;
  let lastPerson = 0;
  const open: RedisLink[] = [];
  beforeAll(async () => {
    redis = await startRedis('hunter2-secret');
  });
  afterEach(() => {
    for (const link of open.splice(0)) link.close();
  });
  afterAll(() => redis.stop());

  const somebody = (): UserId => {
    lastPerson += 1;
    return userId('terminal', `p${lastPerson}`);
  };

  async function startProcess(instance: string): Promise<Process> {
    const log: string[] = [];
    const note = (fields: object, message: string): void =>
      void log.push(`${message} ${JSON.stringify(fields)}`);
    const link = createRedisLink({
      url: redis.url,
      log: { debug: note, info: note, warn: note, error: note },
      lookMs: 50,
    });
    open.push(link);
    await link.start();
    const limiter = createUserLimiter({
      now: Date.now,
      longestTurnMs: 60_000,
      redis: { link, instance, goneMs: 1000 },
    });
    return { limiter, link, log };
  }

  const startTwo = () => Promise.all([startProcess('one'), startProcess('two')]);

  /** How many of so many that come at once are let in. */
  async function letIn({ limiter }: Process, user: UserId, rate: number, times: number): Promise<number> {
    const reserved = await Promise.all(
      Array.from({ length: times }, () => limiter.reserve(user, rate, Date.now())),
    );
    for (const place of reserved) if (!place.full) place.release();
    return reserved.filter(({ full }) => !full).length;
  }

  test('two processes keep one person at the rate, to the message, and name the wait', async () => {
    const [one, two] = await startTwo();
    const ann = somebody();
    const admitted = await Promise.all([letIn(one, ann, 10, 20), letIn(two, ann, 10, 20)]);
    expect(admitted[0] + admitted[1]).toBe(10);
    const refused = await two.limiter.reserve(ann, 10, Date.now());
    expect(refused).toEqual({
      full: true,
      retryAfterMs: expect.toSatisfy((ms: number) => ms > 0 && ms <= 60_000),
    });
    expect(await letIn(two, somebody(), 10, 1)).toBe(1);
  });

  test('what is given back counts in no process', async () => {
    const [one, two] = await startTwo();
    const ann = somebody();
    const place = await one.limiter.reserve(ann, 1, Date.now());
    if (!place.full) place.giveBack();
    expect(await until(async () => (await letIn(two, ann, 1, 1)) === 1)).toBe(true);
  });

  test('what is refused counts in no process, although what came with it told of it', async () => {
    const [one, two] = await startTwo();
    const ann = somebody();
    expect(await letIn(one, ann, 2, 2)).toBe(2);
    expect(await letIn(two, ann, 2, 2)).toBe(0);
    expect(await until(async () => (await one.link.ask((c) => c.zcard(`parley-pace-${ann}`))) === 2)).toBe(
      true,
    );
  });

  test('three turns of one person run at once over both processes, the others follow', async () => {
    const [one, two] = await startTwo();
    const ann = somebody();
    const { promise: held, resolve: free } = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const turn = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await held;
      running -= 1;
    };
    const turns = [one, two, one, two, one, two].map(({ limiter }) => limiter.run(ann, turn));
    await until(() => running === 3);
    free();
    await Promise.all(turns);
    expect(most).toBe(3);
  });

  test('a Redis that was emptied is told again what each process counted, and loses no turn', async () => {
    const [one, two] = await startTwo();
    const ann = somebody();
    const { promise: held, resolve: free } = Promise.withResolvers<void>();
    const ended: string[] = [];
    const turns = ['a', 'b', 'c', 'd', 'e'].map((name) =>
      one.limiter.run(ann, async () => {
        await held;
        ended.push(name);
      }),
    );
    expect((await letIn(one, ann, 10, 5)) + (await letIn(two, ann, 10, 4))).toBe(9);
    await redis.flush();
    expect((await letIn(one, ann, 10, 1)) + (await letIn(two, ann, 10, 1))).toBe(1);
    free();
    await Promise.all(turns);
    expect(ended.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(one.link.session()).not.toBeNull();
  });

  test('a Redis that is killed in the middle loses no turn and refuses nobody; it is used again when it is back', async () => {
    const [one, two] = await startTwo();
    const ann = somebody();
    const ended: string[] = [];
    const { promise: held, resolve: free } = Promise.withResolvers<void>();
    const turns = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) =>
      one.limiter.run(ann, async () => {
        await held;
        ended.push(name);
      }),
    );
    await redis.kill();
    expect(await letIn(one, ann, 10, 10)).toBe(10);
    expect(await letIn(two, ann, 10, 10)).toBe(10);
    expect((await one.limiter.reserve(ann, 10, Date.now())).full).toBe(true);
    const place = await one.limiter.reserve(ann, 100, Date.now());
    const late = place.full
      ? Promise.reject(new Error('full'))
      : place.run(async () => void ended.push('late'));
    free();
    await Promise.all([...turns, late]);
    expect(ended.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'late']);

    await redis.start();
    await until(() => one.link.session() !== null && two.link.session() !== null);
    const ben = somebody();
    expect((await letIn(one, ben, 10, 8)) + (await letIn(two, ben, 10, 8))).toBe(10);
    await one.limiter.run(ben, () => Promise.resolve());
    for (const { log } of [one, two]) {
      expect(log.map((line) => line.split(' {')[0])).toEqual([
        'Redis is not there: each process keeps the limits of people by itself until it is',
        'Redis is there again: all processes keep the limits of people together',
      ]);
      expect(log.join()).not.toContain('hunter2');
    }
  });

  test('a Redis that does not answer is not waited for', async () => {
    const one = await startProcess('one');
    const ann = somebody();
    await one.limiter.run(ann, () => Promise.resolve());
    redis.freeze();
    try {
      expect(await letIn(one, ann, 10, 3)).toBe(3);
      let runs = 0;
      await Promise.all([1, 2, 3, 4].map(() => one.limiter.run(ann, async () => void (runs += 1))));
      expect(runs).toBe(4);
    } finally {
      redis.thaw();
    }
    await until(() => one.link.session() !== null);
    await one.limiter.run(ann, () => Promise.resolve());
    expect(one.log).toHaveLength(2);
  });

  test('the slots of a process that is gone are free again soon', async () => {
    const [one, two] = await startTwo();
    const ann = somebody();
    let running = 0;
    const { promise: held, resolve: free } = Promise.withResolvers<void>();
    const turns = [1, 2, 3].map(() =>
      one.limiter.run(ann, async () => {
        running += 1;
        await held;
      }),
    );
    await until(() => running === 3);
    one.link.close();
    await two.limiter.run(ann, async () => void (running += 1));
    expect(running).toBe(4);
    free();
    await Promise.all(turns);
  });

  test('a Redis that was never there is looked for', async () => {
    await redis.kill();
    const one = await startProcess('one');
    expect(await letIn(one, somebody(), 10, 11)).toBe(10);
    await redis.start();
    await until(() => one.link.session() !== null);
  });
});
