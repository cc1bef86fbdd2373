import { createFreePoolStore } from '../src/store/free-pool-store.ts';
import { openTestDatabase, type DatabaseKind } from '../tests/support/database.ts';
import { simulateFairness, type Fairness, type Waits } from '../tests/support/fairness.ts';
import { formatTable } from './table.ts';

export interface FairnessOptions {
  /** The first of them is used. */
  readonly databases: readonly DatabaseKind[];
  readonly print: (text: string) => void;
  readonly say: (line: string) => void;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`;
const cells = ({ p50Ms, p95Ms, answered, refusals }: Waits) =>
  [seconds(p50Ms), seconds(p95Ms), String(answered), String(refusals)] as const;

/** How long guilds wait for the free models that they share, in turns and first come, first served. */
export async function benchFairness({ databases, print, say }: FairnessOptions): Promise<Fairness> {
  const [kind = 'embedded'] = databases;
  say(`half a simulated hour, twice, on a database of kind ${kind}`);
  const database = await openTestDatabase(kind);
  try {
    const fairness = await simulateFairness((now) => createFreePoolStore(database.sql, now));
    const head = ['p50', 'p95', 'answered', 'told to come back'];
    print(
      formatTable('Waits for a free model, in turns | first come, first served', [
        ['guild', 'asked', ...head, ...head],
        ...fairness.guilds.map(
          ({ guild, asked, inTurns, inOrder }) =>
            [guild, String(asked), ...cells(inTurns), ...cells(inOrder)] as const,
        ),
      ]),
    );
    return fairness;
  } finally {
    await database.close();
  }
}
