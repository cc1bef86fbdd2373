import { expect, it } from 'vitest';
import { createWaitingMarks } from '../../../src/conversation/waiting-marks.ts';
import { StoreUnavailable, type PlatformAdapter } from '../../../src/platform/adapter.ts';
import { turnId } from '../../../src/platform/ids.ts';
import type { ReplyTarget } from '../../../src/platform/message.ts';

const silent = () => undefined;
const TURN = turnId('t');
const message = (id: number) => ({ platform: 'telegram' as const, replyTarget: { message: id } });

/** Marks on a platform that changes one as `change` says; `waits` is what the store answers, one after the other. */
function openMarks(
  waits: readonly (boolean | Error)[] = [],
  change: () => Promise<void> = () => Promise.resolve(),
) {
  const answers = [...waits];
  const log: string[] = [];
  const markWaiting = async ({ message: id }: ReplyTarget, isWaiting: boolean): Promise<void> => {
    await change();
    log.push(`${isWaiting ? 'put' : 'removed'} ${String(id)}`);
  };
  const marks = createWaitingMarks({
    store: {
      waits(turn) {
        const answer = answers.shift() ?? true;
        log.push(`asked for ${turn}`);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    adapterOf: () => ({ markWaiting }) as unknown as PlatformAdapter,
    log: { debug: silent, info: silent, warn: (_fields, text) => log.push(text), error: silent },
    sleep: () => Promise.resolve(),
  });
  return { marks, log };
}

it('stay on a message whose turn still waits', async () => {
  const { marks, log } = openMarks([true]);
  await marks.put(TURN, message(1));
  expect(log).toEqual(['put 1', 'asked for t']);
});

it('are taken away again where the turn began before they were there, also when the store is back', async () => {
  const { marks, log } = openMarks([new StoreUnavailable('away'), false]);
  await marks.put(TURN, message(1));
  expect(log).toEqual(['put 1', 'asked for t', 'asked for t', 'removed 1']);
});

it('that may stay for a failure of ours are told of', async () => {
  const { marks, log } = openMarks([new Error('broken')]);
  await marks.put(TURN, message(1));
  expect(log).toEqual(['put 1', 'asked for t', 'a mark of waiting may stay']);
});

it('are removed one and all, whichever fails, and for so long only', async () => {
  const refusing = openMarks([], () => Promise.reject(new Error('no such message')));
  const waited = [{ message: 1 }, { message: 2 }];
  await refusing.marks.remove({ platform: 'telegram', waited });
  expect(refusing.log).toEqual(['a waiting message is not marked', 'a waiting message is not marked']);
  const hanging = openMarks([], () => new Promise(silent));
  await hanging.marks.remove({ platform: 'telegram', waited });
  expect(hanging.log).toEqual([]);
});
