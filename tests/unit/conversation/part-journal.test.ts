import { expect, test } from 'vitest';
import { createPartJournal } from '../../../src/conversation/part-journal.ts';
import type { TurnStore } from '../../../src/conversation/ports.ts';
import { StoreUnavailable } from '../../../src/platform/adapter.ts';
import { turnId } from '../../../src/platform/ids.ts';

/** A journal over a store that fails these times, one after the other, before it takes a part. */
function journalOver(...failures: readonly Error[]) {
  const left = [...failures];
  const told: string[] = [];
  const sent: string[] = [];
  const silent = () => undefined;
  const tell = (level: string) => (_fields: unknown, text: unknown) =>
    void told.push(`${level} ${String(text)}`);
  const store: Pick<TurnStore, 'partSent'> = {
    partSent: (_claim, _index, id) => {
      const failure = left.shift();
      if (failure !== undefined) return Promise.reject(failure);
      sent.push(id);
      return Promise.resolve(id !== 'orphan');
    },
  };
  const journal = createPartJournal({ id: turnId('t'), epoch: 1 }, [], () => true, {
    store: store as TurnStore,
    log: { debug: tell('debug'), info: silent, warn: tell('warn'), error: silent },
    sleep: () => Promise.resolve(),
  });
  return { journal, told, sent };
}

const away = () => new StoreUnavailable('away');
const never = () => expect.unreachable('nothing is an orphan');
const TEXT = 'could not note what became of a part';

test('a store that stays away is told of once for each reply, and gets every part in the end', async () => {
  const { journal, told, sent } = journalOver(away(), away(), away(), away());
  await journal.sent(0, 'one', never);
  await journal.sent(1, 'two', never);
  await journal.saved();
  expect(sent.toSorted()).toEqual(['one', 'two']);
  expect(told).toEqual([`warn ${TEXT}`, ...Array.from({ length: 3 }, () => `debug ${TEXT}`)]);
});

test('a part that is given up is told of, also where the store was away before', async () => {
  const { journal, told, sent } = journalOver(away(), new Error('broken'));
  await journal.sent(0, 'one', never);
  await journal.saved();
  expect(sent).toEqual([]);
  expect(told).toEqual([`warn ${TEXT}`, `warn ${TEXT}`]);
});

test("a part that is nobody's is told of, once that is known, and parts are noted in order", async () => {
  const { journal, sent } = journalOver(away(), away());
  const orphans: string[] = [];
  await journal.sent(0, 'orphan', () => orphans.push('orphan'));
  await journal.sent(0, 'two', never);
  expect(orphans).toEqual([]);
  await journal.saved();
  expect(orphans).toEqual(['orphan']);
  expect(sent).toEqual(['orphan', 'two']);
});
