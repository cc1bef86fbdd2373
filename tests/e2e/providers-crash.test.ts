import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServiceSimulator, type ServiceSimulator } from '../../src/simulator/compatible/server.ts';
import { anyKinds } from '../support/database.ts';
import {
  buildProgram,
  createStorage,
  endAllProcesses,
  startOutsideProcesses,
  startParley,
  type OutsideProcesses,
  type Program,
} from '../support/process.ts';
import { PAID_SETTINGS } from '../support/scene.ts';
import { newPerson } from '../support/telegram-person.ts';

let program: Program;
let outside: OutsideProcesses;
let gemini: ServiceSimulator;

beforeAll(async () => {
  program = await buildProgram();
  outside = await startOutsideProcesses();
  gemini = await startServiceSimulator('gemini');
});

afterAll(async () => {
  await outside?.stop();
  await gemini?.stop();
  await endAllProcesses();
  await program?.remove();
});

test.each(anyKinds)(
  'a call that is lost with its process is booked by what was held for it, for its provider, on %s',
  async (kind) => {
    const storage = await createStorage(kind);
    const person = await newPerson(outside.telegram);
    const start = async () => {
      const bot = await startParley(program, {
        ...outside.environment,
        ...storage.environment,
        ...PAID_SETTINGS,
        GEMINI_API_KEY: gemini.key,
        GEMINI_BASE_URL: gemini.url,
        MAX_TOKENS: '500',
      });
      await bot.untilLogged('Parley is ready');
      return bot;
    };
    const bot = await start();
    const pieces = [
      { text: 'The first' },
      { text: ' telling', delayMs: 1500 },
      { text: '.', delayMs: 600_000 },
    ];
    gemini.play({ kind: 'answer', pieces });
    gemini.play({ kind: 'answer', text: 'From the beginning.' });
    await person.send('What does it cost?');
    await person.seesTextGrow();
    bot.kill('SIGKILL');
    await bot.ended;

    const next = await start();
    await person.reads('From the beginning.');
    next.kill('SIGTERM');
    expect(await next.ended).toMatchObject({ code: 0 });
    const booked = await storage.read(
      (sql) => sql<{ cost: number }[]>`
        select epoch, provider, model_asked as model, requests, source, cost_nano_usd::int as cost
        from usage order by epoch`,
    );
    const model = 'gemini-3.8-flash';
    expect(booked).toMatchObject([
      { epoch: 1, provider: 'gemini', model, requests: 0, source: 'estimated' },
      { epoch: 2, provider: 'gemini', model, requests: 1, source: 'estimated' },
    ]);
    // Five hundred tokens at 4.125 $ a million, and the prompt.
    expect(booked[0]?.cost).toBeGreaterThan(2_062_500);
    expect(booked[1]?.cost).toBeLessThan(300_000);
    expect(await outside.openrouter.chats()).toEqual([]);
    await storage.remove();
  },
  120_000,
);
