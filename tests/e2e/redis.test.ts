import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { openScene, stalling, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasRedis)('where redis-server is installed', () => {
  let redis: TestRedis;
  let scene: Scene;
  beforeAll(async () => {
    redis = await startRedis('hunter2-secret');
    scene = await openScene({ settings: { REDIS_URL: redis.url } });
  });
  afterAll(async () => {
    await scene.stop();
    await redis.stop();
  });

  test('every message is answered while Redis is emptied, killed and back', async () => {
    const ann = scene.person();
    expect((await ann.ask('Before?')).turn.state).toBe('delivered');
    await redis.flush();
    expect((await ann.ask('Emptied?')).turn.state).toBe('delivered');
    scene.openrouter.play(stalling('I begin'));
    const running = ann.send('In the middle?');
    await until(() => scene.said(ann.chat).some(({ text }) => text === 'I begin'));
    const queued = ann.send('And behind it?');
    await redis.kill();
    const others = [scene.person(), scene.person(), scene.person()];
    const asked = await Promise.all(others.map((person) => person.ask('Without?')));
    expect(asked.map(({ turn }) => turn.state)).toEqual(['delivered', 'delivered', 'delivered']);
    await ann.command('/stop');
    for (const id of [running, queued]) await scene.over(ann.chat, id);
    await redis.start();
    await until(() => scene.log.some((line) => line.includes('Redis is there again')));
    expect((await ann.ask('After?')).turn.state).toBe('delivered');
    expect(scene.log.filter((line) => line.includes('Redis is not there'))).toHaveLength(1);
    expect(scene.log.join()).not.toContain('hunter2');
  });
});
