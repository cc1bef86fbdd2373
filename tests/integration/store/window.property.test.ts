import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AdmitRequest } from '../../../src/conversation/ports.ts';
import type { RunnableTurn } from '../../../src/conversation/turn.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type DatabaseKind, type TestDatabase } from '../../support/database.ts';
import { change, deletion, repetition } from './deeds.ts';
import { openStore } from './open-store.ts';
import { admission, DELIVERED, nextId, person, run, settlement, texts } from './requests.ts';

interface Opened {
  readonly kind: DatabaseKind;
  readonly database: TestDatabase;
  readonly store: Store;
}
let opened: readonly Opened[];
beforeAll(async () => {
  opened = await Promise.all(databaseKinds.map(async (kind) => ({ kind, ...(await openStore(kind)) })));
});
afterAll(() => Promise.all(opened.map(({ database }) => database.close())));

interface Limits {
  readonly maxTokens: number;
  readonly maxMessages: number;
  readonly systemTokens: 0;
}
interface Turn {
  readonly question: number;
  readonly answer: number;
}
/** A message of the path that leads to a question, the question the last. */
interface Step {
  readonly text: string;
  readonly tokens: number;
}

const limits = (leastTokens: number): fc.Arbitrary<Limits> =>
  fc.record({
    maxTokens: fc.integer({ min: leastTokens, max: 2000 }),
    maxMessages: fc.integer({ min: 2, max: 24 }),
    systemTokens: fc.constant(0 as const),
  });
const turns = (mostTokens: number): fc.Arbitrary<readonly Turn[]> => {
  const tokens = fc.integer({ min: 1, max: mostTokens });
  return fc.array(fc.record({ question: tokens, answer: tokens }), { minLength: 4, maxLength: 16 });
};

interface Begun {
  readonly turn: RunnableTurn;
  readonly window: readonly string[];
  readonly path: readonly Step[];
  /** Of the prompt. */
  readonly heldTokens: number;
}

/** Somebody who talks in a chat of their own, on one database. */
function talk({ store, database }: Opened, window: Limits) {
  const [author, chat] = [person(), nextId()];
  let count = 0;
  const named = (letter: string, tokens: number) => `${letter}${(count += 1)}`.padEnd(3 * tokens, '.');
  return {
    named,
    asked: (question: number, repliesTo: AdmitRequest['repliesTo'] = null) =>
      admission({ author, chat }, { text: named('q', question), estTokens: question, repliesTo, window }),
    begun: async (turn: RunnableTurn): Promise<Begun> => {
      const [held] = await database.sql<{ tokens: number }[]>`
        select min(h.tokens)::int as tokens from quota_holds h where h.turn_id = ${turn.id}`;
      const path = await pathTo(database, turn.id);
      return { turn, window: texts(turn), path, heldTokens: (held?.tokens ?? 0) - turn.maxCompletionTokens };
    },
    answer: async (turn: RunnableTurn, tokens: number): Promise<void> => {
      const text = named('a', tokens);
      const answer = {
        messageId: randomUUID(),
        text,
        estTokens: tokens,
        model: 'acme/small',
        partial: false,
      };
      await store.turns.settle(settlement(turn, { answer, window }));
      await store.turns.markDelivered(turn, DELIVERED);
    },
  };
}

async function pathTo({ sql }: TestDatabase, turnId: string): Promise<readonly Step[]> {
  return await sql<Step[]>`
    with recursive path as (
      select m.*, 0 as steps from messages m join turns t on t.question_message_id = m.id where t.id = ${turnId}
      union all
      select m.*, p.steps + 1 from path p join messages m on m.id = p.parent_id
    )
    select text, est_tokens as tokens from path where deleted_at is null order by steps desc`;
}

const sum = (steps: readonly Step[]): number => steps.reduce((total, { tokens }) => total + tokens, 0);

function expectWithin({ window, path, heldTokens }: Begun, { maxTokens, maxMessages }: Limits) {
  const inside = path.slice(-window.length);
  expect(window).toEqual(inside.map(({ text }) => text));
  expect(window.length).toBeGreaterThan(0);
  expect(window.length).toBeLessThanOrEqual(maxMessages);
  // A question that is longer than the limit is read alone.
  expect(window.length === 1 || sum(inside) <= maxTokens).toBe(true);
  const ceiling = window.reduce((total, text) => total + Math.ceil(Buffer.byteLength(text) / 3), 0);
  expect(heldTokens).toBeGreaterThanOrEqual(ceiling);
}

it('a window that goes on begins elsewhere only behind another half of its limits', async () => {
  await fc.assert(
    fc.asyncProperty(limits(200), turns(25), async (window, spoken) => {
      const seen = await Promise.all(opened.map((one) => conversation(one, window, spoken)));
      for (const windows of seen) expect(windows).toEqual(seen[0]);
    }),
    { numRuns: 15 },
  );

  async function conversation(one: Opened, window: Limits, spoken: readonly Turn[]) {
    const { asked, begun, answer } = talk(one, window);
    const [tokenStep, messageStep] = [
      Math.floor(window.maxTokens / 2),
      Math.max(1, Math.floor(window.maxMessages / 2)),
    ];
    const windows: (readonly string[])[] = [];
    let began = 0;
    for (const { question, answer: tokens } of spoken) {
      const now = await begun(await run(one.store.turns, asked(question)));
      expectWithin(now, window);
      const begins = now.path.length - now.window.length;
      const left = now.path.slice(0, began);
      const leaves = now.path.slice(0, begins);
      const passes = (step: number, from: number, to: number) =>
        Math.floor(to / step) > Math.floor(from / step);
      expect(begins).toBeGreaterThanOrEqual(began);
      const passed = passes(messageStep, began, begins) || passes(tokenStep, sum(left), sum(leaves));
      expect(begins === began || passed).toBe(true);
      // What is left is what the limits ask for, and no less: about half.
      const whole = Math.min(sum(now.path), window.maxTokens - tokenStep - question - 25);
      const many = Math.min(now.path.length, window.maxMessages - messageStep);
      expect(now.window.length >= many || sum(now.path.slice(begins)) >= whole).toBe(true);
      began = begins;
      windows.push(now.window);
      await answer(now.turn, tokens);
    }
    return windows;
  }
});

interface Act {
  readonly what: 'ask' | 'again' | 'edit' | 'remove' | 'go back';
  readonly question: number;
  readonly answer: number;
  readonly pick: number;
}
const act: fc.Arbitrary<Act> = fc.record({
  what: fc.constantFrom('ask', 'ask', 'ask', 'again', 'edit', 'remove', 'go back'),
  question: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 100, max: 1500 })),
  answer: fc.oneof(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 100, max: 1500 })),
  pick: fc.nat(),
});

it('a window is the end of its path, within its limits and what is held for it, whatever becomes of the path', async () => {
  await fc.assert(
    fc.asyncProperty(limits(0), fc.array(act, { minLength: 3, maxLength: 20 }), async (window, acts) => {
      const seen = await Promise.all(opened.map((one) => goings(one, window, acts)));
      for (const windows of seen) expect(windows).toEqual(seen[0]);
    }),
    { numRuns: 20 },
  );

  async function goings(one: Opened, window: Limits, acts: readonly Act[]) {
    const { asked, named, begun, answer } = talk(one, window);
    const { turns: store } = one.store;
    let said: readonly AdmitRequest[] = [];
    const windows: (readonly string[])[] = [];
    for (const { what, question, answer: tokens, pick } of acts) {
      const chosen = said[pick % Math.max(1, said.length)];
      const turn = await begin(what, question, chosen);
      if (turn === null) continue;
      const now = await begun(turn);
      expectWithin(now, window);
      windows.push(now.window);
      await answer(turn, tokens);
    }
    return windows;

    async function begin(what: string, tokens: number, of: AdmitRequest | undefined) {
      if (of === undefined || what === 'ask' || what === 'go back') {
        const request = asked(tokens, what === 'go back' ? (of?.envelope.messageId ?? null) : null);
        said = [...said, request];
        return await run(store, request);
      }
      if (what === 'remove') {
        await store.deleteMessages(deletion(of));
        said = said.filter((request) => request !== of);
        return null;
      }
      const verdict =
        what === 'again'
          ? await store.repeat(repetition(of, 'regenerate'))
          : await store.edit(change(of, named('e', tokens), { estTokens: tokens }));
      return verdict.kind === 'run' ? verdict.turn : null;
    }
  }
});
