import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { databaseKinds, type DatabaseKind } from '../support/database.ts';
import {
  buildProgram,
  createStorage,
  endAllProcesses,
  readBooks,
  startOutsideProcesses,
  startParley,
  type Program,
} from '../support/process.ts';
import { openScene, stalling } from '../support/scene.ts';
import { newPerson, PATIENCE } from '../support/telegram-person.ts';
import { until } from '../support/until.ts';

let program: Program;

beforeAll(async () => {
  program = await buildProgram();
});

afterAll(async () => {
  await endAllProcesses();
  await program?.remove();
});

/** A bot that answers a person, and has come to the middle of it. */
async function inMidAnswer(
  kind: DatabaseKind,
  settings: Record<string, string>,
  onTestFinished: (clean: () => Promise<void>) => void,
) {
  const [outside, storage] = await Promise.all([startOutsideProcesses(), createStorage(kind)]);
  onTestFinished(async () => {
    await outside.stop();
    await storage.remove();
  });
  const start = async (more: Record<string, string> = settings) => {
    const bot = await startParley(program, { ...outside.environment, ...storage.environment, ...more });
    await bot.untilLogged('Parley is ready');
    return bot;
  };
  const bot = await start();
  const person = await newPerson(outside.telegram);
  await outside.openrouter.play({
    kind: 'answer',
    pieces: [
      { text: 'A beginning' },
      { text: ' that grows', delayMs: 1300 },
      { text: ' slowly.', delayMs: 600_000 },
    ],
  });
  await person.send('Tell me.');
  await person.seesTextGrow();
  return { ...outside, storage, person, bot, start };
}

describe.each(databaseKinds)('a process that is asked to end, on the %s database', (kind) => {
  it(
    'leaves what it can not finish in time, and the next one takes it up at once in the same message',
    { timeout: 90_000 },
    async ({ onTestFinished }) => {
      const { bot, person, storage, start, telegram } = await inMidAnswer(
        kind,
        { SHUTDOWN_GRACE_MS: '300' },
        onTestFinished,
      );
      const begun = await person.answers();
      bot.kill('SIGTERM');
      expect(await bot.ended).toMatchObject({ code: 0, signal: null });
      expect(bot.log().map(({ msg }) => msg)).toContain('left unfinished turns to whoever comes next');
      expect(await readBooks(storage)).toMatchObject({ turns: [{ state: 'running', isDelivered: false }] });

      const next = await start();
      await person.reads(expect.stringContaining('You asked: “Tell me.”') as string);
      expect((await person.answers()).map(({ id }) => id)).toEqual(begun.map(({ id }) => id));
      next.kill('SIGTERM');
      expect(await next.ended).toMatchObject({ code: 0 });
      expect(await readBooks(storage)).toMatchObject({ turns: [{ state: 'delivered' }], holds: 0 });
      expect(await telegram.violations()).toEqual([]);
    },
  );
});

describe('a process', () => {
  it(
    'that meets a failure nobody expected ends in order, with a code that tells',
    { timeout: 90_000 },
    async ({ onTestFinished }) => {
      const folder = await mkdtemp(join(tmpdir(), 'parley-failure-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      const sign = join(folder, 'now');
      const source = `import { existsSync } from 'node:fs';
        import { isMainThread } from 'node:worker_threads';
        const look = () => {
          if (!existsSync(${JSON.stringify(sign)})) return;
          clearInterval(looking);
          void Promise.reject(new Error('out of the blue'));
        };
        const looking = isMainThread ? setInterval(look, 50) : null;`;
      const settings = {
        SHUTDOWN_GRACE_MS: '300',
        NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(source)}"`,
      };
      const { bot, person, start } = await inMidAnswer('embedded', settings, onTestFinished);
      await writeFile(sign, '');
      expect(await bot.ended).toMatchObject({ code: 1, signal: null });
      const messages = bot.log().map(({ msg }) => msg);
      expect(messages).toContain('an unexpected failure; stopping');
      expect(messages).toContain('left unfinished turns to whoever comes next');
      await start({});
      await vi.waitFor(
        () => person.reads(expect.stringContaining('You asked: “Tell me.”') as string),
        PATIENCE,
      );
    },
  );
});

describe('the grace period', () => {
  it('lets a message that waited lose its mark, however slowly that is taken away', async ({
    onTestFinished,
  }) => {
    const scene = await openScene({ settings: { SHUTDOWN_GRACE_MS: '30000' } });
    onTestFinished(() => scene.stop());
    const ann = scene.person();
    scene.openrouter.play({ kind: 'answer', pieces: [{ text: 'One' }, { text: '.', delayMs: 2000 }] });
    ann.send('First?');
    await until(() => scene.said(ann.chat).length === 1);
    const waiting = ann.send('Second?');
    const marks = () => ann.chat.messages().find(({ id }) => id === waiting)?.reactions;
    await until(() => marks()?.length === 1);
    scene.telegram.fault('setMessageReaction', { kind: 'delay', ms: 1500 });
    await scene.bot().stop();
    expect((await scene.turn(ann.chat, waiting))?.state).toBe('delivered');
    expect(marks()).toEqual([]);
  });

  it('begins with the stop, and a platform that hangs does not prolong it', async ({ onTestFinished }) => {
    const scene = await openScene({ settings: { SHUTDOWN_GRACE_MS: '300' } });
    onTestFinished(() => scene.stop());
    const ann = scene.person();
    const group = scene.telegram.group({ members: [ann.user] });
    scene.openrouter.play(stalling('A beginning'));
    const asked = ann.send('Tell me.');
    await until(() => scene.said(ann.chat).length === 1);
    scene.telegram.fault('getChatAdministrators', { kind: 'hang' });
    group.send(ann.user, '/settings');
    const hanging = await until(() =>
      scene.telegram.calls.find(({ method }) => method === 'getChatAdministrators'),
    );
    await scene.bot().stop();
    expect(hanging.pending).toBe(true);
    expect(scene.log.join('\n')).toContain('left unfinished turns to whoever comes next');
    expect((await scene.turn(ann.chat, asked))?.state).toBe('running');
  });
});
