import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { anyKinds } from '../support/database.ts';
import { openScene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const SENTENCE = 'I was away for a while and missed what was written here.';

describe.each(anyKinds)('what was written while nobody listened, on a database of kind %s', (kind) => {
  test('is answered where it is young, and told of in one sentence a chat where it is not', async () => {
    const settings = { BACKLOG_MAX_AGE_MS: '4000' };
    const scene = await openScene({ database: kind, settings });
    onTestFinished(() => scene.stop());
    const [ann, bob] = [scene.person(), scene.person()];
    await ann.ask('Hello?');
    await scene.bot().stop();
    const old = [ann.send('old one'), ann.send('old two'), ann.send('old three')];
    const bobs = bob.send('old four');
    await delay(6000);
    const young = [ann.send('young one'), ann.send('young two')];
    await scene.restart(settings);

    for (const id of young) expect((await scene.over(ann.chat, id)).turn.state).toBe('delivered');
    await until(() => scene.said(bob.chat).length === 1);
    for (const id of old) {
      expect(await scene.turn(ann.chat, id)).toMatchObject({
        state: 'refused',
        refusal: { reason: 'too_old' },
      });
    }
    const [first, told, ...answers] = scene.said(ann.chat);
    expect(first?.text).toContain('Hello?');
    expect(told?.text).toContain(SENTENCE);
    expect(answers.map(({ replyTo }) => replyTo)).toEqual(young);
    expect(scene.said(bob.chat).map(({ text }) => text)).toEqual([expect.stringContaining(SENTENCE)]);
    expect((await scene.turn(bob.chat, bobs))?.state).toBe('refused');
    expect(await scene.records.holds()).toBe(0);
    expect(scene.telegram.unconfirmed()).toEqual([]);
  });

  test('counts for the minutes in which it was written, so that a long silence does not refuse it', async () => {
    let awayMs = 0;
    const scene = await openScene({
      database: kind,
      settings: { USER_RATE_LIMIT_PER_MINUTE: '2' },
      telegram: { now: () => Date.now() - awayMs },
    });
    onTestFinished(() => scene.stop());
    const ann = scene.person();
    await ann.ask('Hello?');
    await scene.bot().stop();
    const ids: number[] = [];
    for (const minutes of [5, 4, 3, 2]) {
      awayMs = minutes * 60_000;
      ids.push(ann.send(`${minutes} minutes ago`));
    }
    awayMs = 0;
    await scene.restart({ USER_RATE_LIMIT_PER_MINUTE: '2' });
    for (const id of ids) expect((await scene.over(ann.chat, id)).turn.state).toBe('delivered');
  });
});
