import { describe, expect, it } from 'vitest';
import type { Failure, Refusal } from '../../../src/delivery/failure.ts';
import { createParts, deliverParts, type MessageCalls } from '../../../src/delivery/parts.ts';
import type { PartRecord } from '../../../src/platform/reply.ts';

type Calls = MessageCalls<string, Failure<Refusal>>;
const refusal: Refusal = { kind: 'refused' };
const silent = () => undefined;

/** A list of parts over a platform that takes down every call. */
function open(existing: readonly PartRecord[] = [], overrides: Partial<Calls> = {}) {
  const log: string[] = [];
  let created = 0;
  const parts = createParts<string, Refusal>(
    {
      create({ index, previousId, isUnsure }, { part }) {
        created += 1;
        log.push(`create ${index} after ${previousId} ${part}${isUnsure ? ' unsure' : ''}`);
        return Promise.resolve({ ok: true, value: { id: `new${created}`, isAsSent: true } });
      },
      edit: (id, { part }) => Promise.resolve((log.push(`edit ${id} ${part}`), null)),
      remove: (id) => Promise.resolve((log.push(`remove ${id}`), null)),
      orphaned: (id) => void log.push(`orphaned ${id}`),
      isSentAnew: () => false,
      simpler: () => null,
      contentOf: ({ part, buttons }) =>
        [part, ...buttons.map((button) => ('label' in button ? button.label : button.sku))].join(' '),
      describe: ({ kind }) => kind,
      ...overrides,
    },
    {
      existing,
      intend: (index) => Promise.resolve(void log.push(`intend ${index}`)),
      sent: (index, id) => Promise.resolve(void log.push(`sent ${index} ${id}`)),
      removed: (id) => Promise.resolve(void log.push(`removed ${id}`)),
      mayWrite: () => true,
    },
    { debug: silent, info: silent, warn: silent, error: silent },
  );
  return { parts, log };
}

const known = (index: number): PartRecord => ({ index, platformMessageId: `old${index}` });

describe('the parts of a reply', () => {
  it('are created one after another, each noted before and after', async () => {
    const { parts, log } = open();
    expect(await deliverParts(parts, ['a', 'b'], [])).toBeNull();
    expect(log).toEqual([
      'create 0 after null a',
      'sent 0 new1',
      'intend 1',
      'create 1 after new1 b',
      'sent 1 new2',
    ]);
  });

  it('are left alone where they show the final text already', async () => {
    const { parts, log } = open();
    await parts.show(0, { part: 'a', buttons: [] }, 'once');
    log.length = 0;
    await deliverParts(parts, ['a'], []);
    expect(log).toEqual([]);
  });

  it('take over what an earlier process left, and lose what is too much', async () => {
    const { parts, log } = open([known(1), known(0), known(2)]);
    await deliverParts(parts, ['a', 'b'], []);
    expect(log).toEqual(['edit old0 a', 'edit old1 b', 'remove old2', 'removed old2']);
  });

  it('keep their order across a gap: what stands behind it is sent again, then removed', async () => {
    const { parts, log } = open([known(0), { index: 1, platformMessageId: null }, known(2)]);
    await deliverParts(parts, ['a', 'b', 'c'], []);
    expect(log.filter((line) => !/^(?:intend|sent)/.test(line))).toEqual([
      'edit old0 a',
      'create 1 after old0 b unsure',
      'create 2 after new1 c',
      'remove old2',
      'removed old2',
    ]);
  });

  it('never remove a message that the platform gives back for a new one', async () => {
    const { parts, log } = open([known(1)], {
      create: ({ index }) => Promise.resolve({ ok: true, value: { id: `old${index}`, isAsSent: false } }),
    });
    await deliverParts(parts, ['a', 'b'], []);
    expect(log).toEqual(['sent 0 old0', 'edit old0 a', 'intend 1', 'sent 1 old1', 'edit old1 b']);
  });

  it('are sent anew, with all that follow, where the platform says so', async () => {
    const { parts, log } = open([known(0), known(1)], {
      edit: (id) => Promise.resolve((log.push(`edit ${id}`), refusal)),
      isSentAnew: () => true,
    });
    await deliverParts(parts, ['a', 'b'], []);
    expect(log.filter((line) => !/^(?:intend|sent)/.test(line))).toEqual([
      'edit old0',
      'create 0 after null a',
      'create 1 after new1 b',
      'remove old1',
      'removed old1',
    ]);
  });

  it('are tried once more in a simpler look', async () => {
    const { parts, log } = open([known(0)], {
      edit: (id, { part }) =>
        Promise.resolve((log.push(`edit ${id} ${part}`), part === 'a' ? refusal : null)),
      simpler: () => ({ part: 'plain', buttons: [] }),
    });
    expect(await deliverParts(parts, ['a'], [])).toBeNull();
    expect(log).toEqual(['edit old0 a', 'edit old0 plain']);
  });

  it('stop at the first that can not be shown, and remove nothing', async () => {
    const { parts, log } = open([known(0), known(1), known(2)], {
      edit: (id) => Promise.resolve(id === 'old1' ? refusal : null),
    });
    expect(await deliverParts(parts, ['a', 'b'], [])).toEqual({
      index: 1,
      failure: refusal,
      isSurplus: false,
    });
    expect(log).toEqual([]);
  });
});
