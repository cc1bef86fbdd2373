import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { databaseKinds, serverKinds, type DatabaseKind } from '../support/database.ts';
import {
  buildProgram,
  createStorage,
  endAllProcesses,
  readBooks,
  startOutsideProcesses,
  startParley,
  type OutsideProcesses,
  type Program,
  type Storage,
} from '../support/process.ts';
import { actionsBelow, PAID_SETTINGS } from '../support/scene.ts';
import { newPerson, PATIENCE } from '../support/telegram-person.ts';

let program: Program;

beforeAll(async () => {
  program = await buildProgram();
});

afterAll(async () => {
  await endAllProcesses();
  await program?.remove();
});

type OnTestFinished = (clean: () => Promise<void>) => void;

/** A world of its own, so that what one test orders from a simulator can't reach another test. */
async function newWorld(kind: DatabaseKind, onTestFinished: OnTestFinished) {
  const [outside, storage] = await Promise.all([startOutsideProcesses(), createStorage(kind)]);
  onTestFinished(async () => {
    await outside.stop();
    await storage.remove();
  });
  return {
    ...outside,
    storage,
    async start(settings: Record<string, string> = {}) {
      const bot = await startParley(program, { ...outside.environment, ...storage.environment, ...settings });
      await bot.untilLogged('Parley is ready');
      return bot;
    },
  };
}

/** Its reader sees it begin and grow, and then nothing more comes. */
const BROKEN_OFF: Scenario = {
  kind: 'answer',
  pieces: [
    { text: 'The first telling' },
    { text: ' goes on', delayMs: 1500 },
    { text: ' and on', delayMs: 1500 },
    { text: ' to an end that nobody reads.', delayMs: 600_000 },
  ],
};

/** Its reader sees it begin and grow, and then it ends. */
const WHOLE = [
  { text: 'A beginning' },
  { text: ' that grows', delayMs: 1300 },
  { text: ' to its end.', delayMs: 1300 },
];
const WHOLE_TEXT = WHOLE.map(({ text }) => text).join('');

/** The requests to the model with this question as the last message. */
const asked = async ({ openrouter }: OutsideProcesses, question: string) =>
  (await openrouter.chats()).filter(({ body }) => {
    const { messages } = body as { messages: readonly { content: unknown }[] };
    return messages.at(-1)?.content === question;
  });

/** A server shows when that is recorded; the embedded database is closed to others, so a moment has to do. */
const untilDelivered = async (kind: DatabaseKind, storage: Storage): Promise<void> => {
  if (kind === 'embedded') return await delay(1000);
  await vi.waitFor(
    async () => expect((await readBooks(storage)).turns.at(-1)?.isDelivered).toBe(true),
    PATIENCE,
  );
};

const untilBooksSay = (storage: Storage, expected: object) =>
  vi.waitFor(async () => expect(await readBooks(storage)).toMatchObject(expected), PATIENCE);

const quoting = (question: string): string => expect.stringContaining(`You asked: “${question}”`) as string;

/** On a server, whose other processes might be alive, a dead one's turns are free only after some seconds. */
const RECOVERY_MS = 120_000;

describe.each(databaseKinds)(
  'after a kill, on the %s database',
  { concurrent: true, timeout: RECOVERY_MS },
  (kind) => {
    it('every message that was taken is answered once, in its place and in order', async ({
      onTestFinished,
    }) => {
      const world = await newWorld(kind, onTestFinished);
      const { telegram, openrouter, storage } = world;
      const [reader, waiter] = [await newPerson(telegram), await newPerson(telegram)];
      const bot = await world.start();

      await openrouter.play(BROKEN_OFF);
      await reader.send('Tell me a story.');
      await reader.seesTextGrow();
      await openrouter.play({ kind: 'connection', event: 'stall' });
      await waiter.send('Are you there?');
      await delay(2000); // sooner, both would be one question
      await waiter.send('Hello?');
      await vi.waitFor(async () => expect(await asked(world, 'Are you there?')).toHaveLength(1), PATIENCE);
      await vi.waitFor(async () => expect(await telegram.unconfirmed()).toEqual([]), PATIENCE);
      const begun = await reader.answers();
      bot.kill('SIGKILL');
      await bot.ended;

      const next = await world.start();
      await reader.reads(quoting('Tell me a story.'));
      await waiter.reads(quoting('Are you there?'), quoting('Hello?'));
      expect((await reader.answers()).map(({ id }) => id)).toEqual(begun.map(({ id }) => id));
      next.kill('SIGTERM');
      expect(await next.ended).toMatchObject({ code: 0 });

      const delivered = (question: string) => ({
        state: 'delivered',
        isDelivered: true,
        question,
        answer: quoting(question),
      });
      expect(await readBooks(storage)).toMatchObject({
        turns: ['Tell me a story.', 'Are you there?', 'Hello?'].map(delivered),
        holds: 0,
      });
      expect(await openrouter.chats()).toHaveLength(5);
      expect(await telegram.violations()).toEqual([]);
    });

    it('at the moment when answers end and are settled, none is lost or shown twice', async ({
      onTestFinished,
    }) => {
      const world = await newWorld(kind, onTestFinished);
      const { telegram, openrouter, storage } = world;
      await openrouter.play({ kind: 'answer', pieces: WHOLE }, 100);
      const people = [];
      for (const waitMs of [0, 5, 20]) {
        const bot = await world.start();
        const person = await newPerson(telegram);
        people.push(person);
        const question = `Go on after ${waitMs}.`;
        await person.send(question);
        await person.seesTextGrow();
        const hasEnded = async () => expect((await asked(world, question))[0]?.usage).toBeDefined();
        await vi.waitFor(hasEnded, { ...PATIENCE, interval: 1 });
        await delay(waitMs);
        bot.kill('SIGKILL');
        await bot.ended;
      }
      const last = await world.start();
      for (const person of people) await person.reads(WHOLE_TEXT);
      const told = { state: 'delivered', isDelivered: true, answer: WHOLE_TEXT };
      const expected = { turns: people.map(() => told), holds: 0 };
      // A server shows when the last record is made; the embedded database is closed to others while it is open.
      if (kind === 'postgres') await untilBooksSay(storage, expected);
      last.kill('SIGTERM');
      expect(await last.ended).toMatchObject({ code: 0 });
      expect(await readBooks(storage)).toMatchObject(expected);
    });

    it('what the lost attempt took is booked as the model service tells it, beside what the new one took', async ({
      onTestFinished,
    }) => {
      const world = await newWorld(kind, onTestFinished);
      const { telegram, openrouter, storage } = world;
      const person = await newPerson(telegram);
      const bot = await world.start(PAID_SETTINGS);
      await openrouter.play({ ...BROKEN_OFF, costUsd: '0.000123' });
      await openrouter.play({ kind: 'answer', text: 'From the beginning.', costUsd: '0.000456' });
      await person.send('What does it cost?');
      await person.seesTextGrow();
      bot.kill('SIGKILL');
      await bot.ended;

      const next = await world.start(PAID_SETTINGS);
      await person.reads('From the beginning.');
      next.kill('SIGTERM');
      expect(await next.ended).toMatchObject({ code: 0 });
      const booked = await storage.read(
        (sql) => sql`
          select u.epoch, u.requests, u.source, u.completion_tokens > 0 as "hasTokens", u.cost_nano_usd::int as cost
          from usage u order by u.epoch`,
      );
      expect(booked).toMatchObject([
        { epoch: 1, requests: 0, source: 'reported', hasTokens: true },
        { epoch: 2, requests: 1, source: 'reported', hasTokens: true, cost: 456_000 },
      ]);
      const told = (await openrouter.chats()).map(({ usage }) => usage?.cost);
      expect(booked[0]).toMatchObject({ cost: Math.round((told[0] ?? Number.NaN) * 1e9) });
      expect(
        await storage.read(
          (sql) => sql`select sum(cost_day)::int as cost from quota_subjects where kind = 0`,
        ),
      ).toMatchObject([{ cost: booked.reduce((sum, row) => sum + Number(row['cost']), 0) }]);
    });

    it('an answer that comes too late is not given, and can be had by pressing Continue', async ({
      onTestFinished,
    }) => {
      const world = await newWorld(kind, onTestFinished);
      const { telegram, openrouter, storage } = world;
      const person = await newPerson(telegram);
      const bot = await world.start();
      await openrouter.play(BROKEN_OFF);
      await person.send('Still interesting?');
      await person.seesTextGrow();
      bot.kill('SIGKILL');
      await bot.ended;

      const next = await world.start({ TURN_MAX_AGE_MS: '1000' });
      await person.reads('I was interrupted before I could answer this. Press Continue, or ask again.');
      await untilDelivered(kind, storage);
      const [message] = await person.answers();
      expect(actionsBelow(message)).toEqual(['continue', 'why']);
      await openrouter.play({ kind: 'answer', text: 'Very much so.' });
      await person.press(message?.id ?? 0, 'continue');
      await person.reads('Very much so.');
      next.kill('SIGTERM');
      expect(await next.ended).toMatchObject({ code: 0 });
      expect(await readBooks(storage)).toMatchObject({
        turns: [{ state: 'interrupted' }, { state: 'delivered', answer: 'Very much so.' }],
        holds: 0,
      });
    });
  },
);

describe.each(serverKinds)(
  'a process that sleeps through its lease, on %s',
  { timeout: RECOVERY_MS },
  (kind) => {
    it('takes away what it created meanwhile when another one has answered', async ({ onTestFinished }) => {
      const world = await newWorld(kind, onTestFinished);
      const { telegram, openrouter, storage } = world;
      const person = await newPerson(telegram);
      const sleeper = await world.start();
      await openrouter.play({ kind: 'answer', pieces: WHOLE }, 2);
      await telegram.fault('sendMessage', { kind: 'delay', ms: 3000 });
      await person.send('Are you awake?');
      const isCreating = async () =>
        expect(await telegram.calls()).toContainEqual(
          expect.objectContaining({ method: 'sendMessage', pending: true }),
        );
      await vi.waitFor(isCreating, { ...PATIENCE, interval: 10 });
      sleeper.kill('SIGSTOP');

      const other = await world.start();
      await untilBooksSay(storage, {
        turns: [{ state: 'delivered', isDelivered: true, answer: WHOLE_TEXT }],
      });
      expect(await person.answers()).toHaveLength(2);
      sleeper.kill('SIGCONT');
      await person.reads(WHOLE_TEXT);
      for (const bot of [sleeper, other]) {
        bot.kill('SIGTERM');
        expect(await bot.ended).toMatchObject({ code: 0 });
      }
      expect(await telegram.violations()).toEqual([]);
    });
  },
);
