import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { finish, ran, repetition } from './deeds.ts';
import { openStore } from './open-store.ts';
import { admission, attempt, nextId, person, run, settlement } from './requests.ts';

describe.each(databaseKinds)('how models did, on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  beforeAll(async () => {
    ({ database, store } = await openStore(kind, () => Date.now()));
  });
  afterAll(() => database.close());

  const failed = { outcome: 'failed', usage: null, firstTokenMs: null } as const;
  const settle = async (attempts: Parameters<typeof attempt>[0][]) => {
    const turn = await run(store.turns, admission({ author: person(), chat: nextId() }));
    const startedAtMs = Date.now();
    await store.turns.settle(
      settlement(turn, { attempts: attempts.map((one, index) => attempt({ startedAtMs, ...one, index })) }),
    );
  };

  it('counts what tells something about a model, by the name it was asked for', async () => {
    await settle([
      { ...failed, modelAsked: 'a/one', failure: 'overloaded' },
      { ...failed, modelAsked: 'a/one', failure: 'moderated' },
      { modelAsked: 'b/two', modelUsed: 'b/two-20261101', firstTokenMs: 400 },
    ]);
    await settle([{ modelAsked: 'a/one', firstTokenMs: 1000 }]);
    await settle([{ modelAsked: 'c/old', startedAtMs: Date.now() - 4 * 86_400_000 }]);
    // Elsewhere the same id is another thing.
    await settle([{ ...failed, provider: 'huggingface', modelAsked: 'b/two', failure: 'overloaded' }]);
    const recent = await store.experience.recent(['overloaded']);
    expect(recent.toSorted((one, other) => (one.model < other.model ? -1 : 1))).toEqual([
      { model: 'a/one', calls: 2, failures: 1, askedAgain: 0, firstTokenMs: 1000 },
      { model: 'b/two', calls: 1, failures: 0, askedAgain: 0, firstTokenMs: 400 },
    ]);
  });

  it('counts the answers that a reader had written anew, each once', async () => {
    const asked = admission({ author: person(), chat: nextId() });
    const model = `d/${asked.turnId}`;
    const answer = (turn: Parameters<typeof finish>[1]) => {
      const attempts = [attempt({ startedAtMs: Date.now(), modelAsked: model, firstTokenMs: 400 })];
      return finish(store.turns, turn, 'words', { attempts });
    };
    await answer(await run(store.turns, asked));
    for (let version = 2; version <= 3; version += 1) {
      await answer(ran(await store.turns.repeat(repetition(asked, 'regenerate'))));
    }
    const recent = await store.experience.recent([]);
    expect(recent.find((one) => one.model === model)).toMatchObject({ calls: 3, askedAgain: 2 });
  });
});
