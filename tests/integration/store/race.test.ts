import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { race, type RaceReport } from '../../support/race.ts';
import { openTestDatabase, serverKinds, silentLog, type TestDatabase } from '../../support/database.ts';
import { createStore } from '../../../src/store/store.ts';
import { mutants, applyMutant } from './mutants.ts';
import { admission, nextId, person } from './requests.ts';

const OPERATIONS = Number(process.env['RACE_OPERATIONS'] ?? 3000);
const SEED = Number(process.env['RACE_SEED'] ?? Date.now() % 1_000_000);
const WORKERS = 48;
/** Other tests share the server, which has a hundred places. */
const CONNECTIONS = 24;

function print(title: string, report: RaceReport): void {
  const { operations, simulatedHours, looks, sightings } = report;
  console.log(`${title} (seed ${SEED}, ${simulatedHours} simulated hours, ${looks} looks)`, operations);
  const first = new Map(sightings.toReversed().map((sighting) => [sighting.invariant, sighting.detail]));
  for (const [invariant, detail] of first) console.log(`  seen: ${invariant}: ${detail}`);
}

describe.each(serverKinds)('a race on %s', (kind) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase(kind, { poolSize: CONNECTIONS });
  });
  afterAll(() => database.close());

  it(
    'of 48 workers breaks no promise',
    async () => {
      const report = await race({ sql: database.sql, operations: OPERATIONS, workers: WORKERS, seed: SEED });
      print('race', report);
      expect(report.sightings).toEqual([]);
      expect(report.operations).toMatchObject({
        'admit: run': expect.any(Number),
        'admit: queued': expect.any(Number),
        'admit: refused': expect.any(Number),
        'admit: duplicate': expect.any(Number),
        'admit: merged': expect.any(Number),
        'edit: revised': expect.any(Number),
        'repeat: run': expect.any(Number),
        'repeat: queued': expect.any(Number),
        'select: selected': expect.any(Number),
        'settle: settled': expect.any(Number),
        'settle: already_settled': expect.any(Number),
        'settle: lease_lost': expect.any(Number),
        'hold cost: held': expect.any(Number),
        'hold cost: refused': expect.any(Number),
      });
    },
    60_000 + OPERATIONS * 30,
  );

  it('of forty first messages of an unknown person, sixty times over, admits exactly one each', async () => {
    const store = createStore(database, {
      log: silentLog,
      defaults: { user: {}, guild: {}, instance: {} },
      instance: 'one',
    });
    const defaults = { user: { requests_day: 1 }, guild: {}, instance: {} };
    const rounds = Array.from({ length: 60 }, async () => {
      const author = person();
      const requests = Array.from({ length: 40 }, () => admission({ author, chat: nextId() }, { defaults }));
      const verdicts = await Promise.all(requests.map((request) => store.turns.admit(request)));
      return verdicts.filter((verdict) => verdict.kind === 'run').length;
    });
    expect(await Promise.all(rounds)).toEqual(rounds.map(() => 1));
  }, 60_000);
});

describe.each(serverKinds)('a race on %s with a fault built in', (kind) => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    'sees it: %s',
    async (_name, mutant) => {
      const database = await openTestDatabase(kind, { poolSize: CONNECTIONS });
      try {
        await applyMutant(database.sql, mutant);
        const options = {
          sql: database.sql,
          // It ends with the first sighting; the rarest faults take some thousands.
          operations: 20_000,
          workers: WORKERS,
          seed: SEED,
          stopAt: mutant.seenAs,
        };
        const report = await race(options);
        print(`with “${mutant.name}”`, report);
        const seen = new Set(report.sightings.map((sighting) => sighting.invariant));
        expect([...seen].filter((invariant) => mutant.seenAs.test(invariant))).not.toEqual([]);
      } finally {
        await database.close();
      }
    },
    120_000,
  );
});
