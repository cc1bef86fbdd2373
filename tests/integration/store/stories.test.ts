import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoryQuestion } from '../../../src/conversation/answer-story.ts';
import type { AdmitRequest } from '../../../src/conversation/ports.ts';
import { turnId } from '../../../src/platform/ids.ts';
import type { Store } from '../../../src/store/store.ts';
import { databaseKinds, type TestDatabase } from '../../support/database.ts';
import { answered, deletion, finish, ran, repetition, selection } from './deeds.ts';
import { openStore } from './open-store.ts';
import { admission, attempt, community, nextId, person, run, spent, type Speech } from './requests.ts';

describe.each(databaseKinds)('how answers came about, on %s', (kind) => {
  let database: TestDatabase;
  let store: Store;
  beforeAll(async () => {
    ({ database, store } = await openStore(kind));
  });
  afterAll(() => database.close());

  const someone = (): Speech => ({ author: person(), chat: nextId() });
  const from = (asked: AdmitRequest, changes: Partial<StoryQuestion> = {}) => {
    const { place, guild, author } = asked.envelope;
    return store.stories.read({
      target: { kind: 'newest' },
      place,
      guild: guild?.id ?? null,
      asker: author.id,
      ...changes,
    });
  };
  const theTurn = ({ turnId: turn }: AdmitRequest) => ({ target: { kind: 'turn', turn } as const });

  it('are told with all attempts and what was booked for them', async () => {
    const asked = admission(someone());
    const turn = await run(store.turns, asked);
    const failed = attempt({ outcome: 'failed', failure: 'overloaded', modelUsed: null, usage: null });
    const paid = attempt({ index: 1, isFree: false, usage: { ...spent(90, 10, 5000n), cachedTokens: 40 } });
    await finish(store.turns, turn, 'a burrito', { attempts: [failed, paid] });
    const story = await from(asked);
    expect(story).toMatchObject({
      state: 'delivered',
      payer: 'operator',
      askedBy: asked.envelope.author.id,
      isGone: false,
      answer: { model: 'acme/small', search: null },
      booked: { promptTokens: 90, completionTokens: 10, cachedTokens: 40, costNanoUsd: 5000 },
      later: null,
    });
    expect(story?.attempts.map(({ failure }) => failure)).toEqual(['overloaded', null]);
    expect(await from(asked, theTurn(asked))).toEqual(story);
  });

  it('are found by any part of the answer, and by the question', async () => {
    const asked = admission(someone());
    const turn = await run(store.turns, asked);
    const [one, two] = [nextId(), nextId()];
    await store.turns.intendPart(turn, 1);
    await store.turns.partSent(turn, 0, String(one));
    await store.turns.partSent(turn, 1, String(two));
    await finish(store.turns, turn, 'a burrito');
    await answered(store.turns, admission({ author: asked.envelope.author, chat: 7 }), 'elsewhere');
    const chat = asked.envelope.place.split(':')[2] ?? '';
    const bare = (id: number) =>
      `telegram:${chat}:${id}` as NonNullable<AdmitRequest['envelope']['messageId']>;
    for (const message of [bare(one), bare(two), asked.envelope.messageId]) {
      if (message === null) throw new Error('the question has an id');
      expect(await from(asked, { target: { kind: 'message', message } })).toMatchObject({
        answer: { model: 'acme/small' },
      });
    }
    expect(await from(asked, { target: { kind: 'message', message: bare(nextId()) } })).toBeNull();
  });

  it('are told where they were given, or elsewhere in the same guild, and nowhere else', async () => {
    const asked = admission(someone());
    await answered(store.turns, asked);
    const other = admission(someone());
    await answered(store.turns, other);
    expect(await from(other, theTurn(asked))).toBeNull();
    expect(await from(asked, theTurn(asked))).not.toBeNull();

    const guild = community();
    const here = admission({ author: person(), chat: nextId(), guild });
    await answered(store.turns, here);
    expect(await from(other, { ...theTurn(here), guild: guild.id })).not.toBeNull();
    expect(await from(other, { ...theTurn(here), guild: community().id })).toBeNull();
    expect(await from(other, theTurn(here))).toBeNull();
    const noTurn = turnId('no-turn');
    expect(await from(asked, { target: { kind: 'turn', turn: noTurn } })).toBeNull();
  });

  it('are those of the version that shows, with what became of the newest try', async () => {
    const asked = admission(someone());
    await answered(store.turns, asked, 'v1');
    const again = ran(await store.turns.repeat(repetition(asked, 'regenerate')));
    const other = attempt({ modelAsked: 'acme/other' });
    await finish(store.turns, again, 'v2', { attempts: [other] });
    expect(await from(asked, theTurn(asked))).toMatchObject({ attempts: [{ modelAsked: 'acme/other' }] });
    await store.turns.selectVersion(selection(asked, -1));
    expect(await from(asked, theTurn({ ...asked, turnId: again.id }))).toMatchObject({
      attempts: [{ modelAsked: 'acme/small:free' }],
      later: 'delivered',
    });
  });

  it('tell a refusal to its own person, and no other person’s', async () => {
    const guild = community();
    const chat = nextId();
    const ann = admission({ author: person(), chat, guild });
    await answered(store.turns, ann);
    const refusal = { reason: 'rate_limited', retryAfterMs: 1000 } as const;
    const bob = admission({ author: person('Bob'), chat, guild }, { refusal });
    await store.turns.admit(bob);
    expect(await from(bob)).toMatchObject({ state: 'refused', refusal, answer: null });
    expect(await from(ann)).toMatchObject({ state: 'delivered' });
  });

  it('leave out what others wait for', async () => {
    const guild = community();
    const chat = nextId();
    const ann = admission({ author: person(), chat, guild });
    await answered(store.turns, ann);
    const bob = admission({ author: person('Bob'), chat, guild });
    await run(store.turns, bob);
    expect(await from(ann)).toMatchObject({ state: 'delivered' });
    expect(await from(bob)).toMatchObject({ state: 'running' });
  });

  it('are gone with their question', async () => {
    const asked = admission(someone());
    await answered(store.turns, asked);
    await store.turns.deleteMessages(deletion(asked));
    expect(await from(asked, theTurn(asked))).toMatchObject({ isGone: true });
  });
});
