import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { databaseKinds, type DatabaseKind } from '../support/database.ts';
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
    async start() {
      const bot = await startParley(program, { ...outside.environment, ...storage.environment });
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

const untilBooksSay = (storage: Storage, expected: object) =>
  vi.waitFor(async () => expect(await readBooks(storage)).toMatchObject(expected), PATIENCE);

const quoting = (question: string): string => expect.stringContaining(`You asked: “${question}”`) as string;

/** On a server, whose other processes might be alive, a dead one's turns are free only after some seconds. */
const RECOVERY_MS = 60_000;

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
  },
);
