import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Scenario } from '../../src/simulator/scenario.ts';
import {
  FREE,
  openScene,
  OTHER_FREE,
  OTHER_PAID,
  PAID,
  PAID_SETTINGS,
  ROUTER,
  slowly,
  type Asked,
  type Scene,
} from '../support/scene.ts';
import { broken, FAULTS_AFTER_TEXT, refusal, words } from '../support/model-faults.ts';
import { until } from '../support/until.ts';

/** Nobody waits long here: a silent model is given up after half a second, a turn after one and a half. */
const TIMERS = { MODEL_TIMEOUT_MS: '1500', FIRST_TOKEN_TIMEOUT_MS: '500', IDLE_TOKEN_TIMEOUT_MS: '500' };

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ settings: TIMERS });
});
afterAll(async () => {
  expect(await scene.records.holds()).toBe(0);
  expect(await scene.records.wrongCounters()).toEqual([]);
  await scene.stop();
});

/** What one test taught the bot about models and account is forgotten before the next. */
beforeEach(async () => {
  scene.openrouter.reset();
  await scene.restart(TIMERS);
});

const failures = ({ turn }: Asked) => turn.attempts.map(({ failure }) => failure);
const outcomes = ({ turn }: Asked) => turn.attempts.map(({ outcome }) => outcome);
const asked = ({ turn }: Asked) => turn.attempts.map(({ modelAsked }) => modelAsked);

/** The error that a person was told, as it was recorded. */
async function toldError({ text }: Asked) {
  const id = /E-[\dA-F]{8}/u.exec(text)?.[0] ?? 'no error id';
  return await scene.records.error(id);
}

const errorsOf = async ({ turn }: Asked) =>
  (await scene.records.errors()).filter(({ originKey }) => originKey === turn.originKey);

const isFreeOfCharge: unknown = expect.toSatisfy((rows: { costNanoUsd: number }[]) =>
  rows.every(({ costNanoUsd }) => costNanoUsd === 0),
);

describe('a failure before the first word', () => {
  test.for([
    ['no such model', refusal('model-not-found'), 'Model yang seharusnya', 'failed'],
    ['no provider', refusal('no-endpoints'), 'Model yang seharusnya', 'delivered'],
    ['429', refusal('upstream-rate-limit'), 'Semua model', 'delivered'],
    ['500', refusal('internal'), 'Belum ada model', 'delivered'],
    ['503', refusal('unavailable'), 'Belum ada model', 'delivered'],
    ['504', refusal('gateway-timeout'), 'Model terlalu lama', 'delivered'],
    ["a proxy's page", refusal('proxy-page'), 'Belum ada model', 'delivered'],
    ['a reset connection', { kind: 'connection', event: 'reset' }, 'Belum ada model', 'delivered'],
    ['no answer at all', { kind: 'connection', event: 'stall' }, 'Model terlalu lama', 'delivered'],
    ['an early end', broken({ kind: 'cut', afterTokens: 0 }), 'Belum ada model', 'delivered'],
    ['an empty answer', { kind: 'answer', text: '' }, 'Belum ada model', 'delivered'],
  ] satisfies [string, Scenario, string, string][])(
    'of every model is told kindly, and the next message is taken up: %s',
    async ([, scenario, sentence, next]) => {
      const budi = scene.person({ languageCode: 'id' });
      scene.openrouter.play(scenario, { times: Infinity });
      const first = await budi.ask('Halo?');
      expect(first.turn).toMatchObject({ state: 'failed', answer: null, usage: isFreeOfCharge });
      expect(asked(first)).toEqual(expect.arrayContaining([FREE, OTHER_FREE, ROUTER]));
      expect(first.text.startsWith(sentence)).toBe(true);
      expect(scene.said(budi.chat)).toHaveLength(1);
      const recorded = await errorsOf(first);
      expect(recorded).toHaveLength(1);
      // What passes by itself in a known time is told with that time, and without an id.
      const area = sentence === 'Semua model' ? undefined : recorded[0]?.area;
      expect((await toldError(first))?.area).toBe(area);
      scene.openrouter.reset();
      const second = await budi.ask('Masih di sana?');
      expect(second.turn.state).toBe(next);
      expect(second.text).not.toBe('');
    },
  );
});

describe('a failure after the first word', () => {
  test.for(FAULTS_AFTER_TEXT)(
    'keeps the text, marks it and asks no other model: %s',
    async ([, scenario, failure]) => {
      const ann = scene.person();
      scene.openrouter.play(scenario, { model: FREE });
      const first = await ann.ask('Hello?');
      expect(first.text).toBe('These are the first\n\n⚠️ The answer broke off here.');
      expect(first.turn).toMatchObject({
        state: 'delivered',
        answer: { text: 'These are the first', partial: true },
        notice: { key: 'answer.partial' },
      });
      expect(outcomes(first)).toEqual(['partial']);
      expect(failures(first)).toEqual([failure]);
      expect(first.turn.usage).toMatchObject([{ requests: 1 }]);
      expect(scene.requests()).toHaveLength(1);
      expect(await errorsOf(first)).toMatchObject([{ area: `completion.${failure}` }]);
      expect((await ann.ask('Go on')).turn.state).toBe('delivered');
    },
  );

  test('that the model reports as a limit of length or as filtered is said below the text', async () => {
    const ann = scene.person();
    scene.openrouter.play({ kind: 'answer', text: 'Cut', finishReason: 'length' });
    expect((await ann.ask('one')).text).toBe('Cut\n\n✂️ The answer was cut at its length limit.');
    scene.openrouter.play({ kind: 'answer', text: 'Filtered', finishReason: 'content_filter' });
    expect((await ann.ask('two')).text).toBe('Filtered\n\n⚠️ The model service cut the answer here.');
  });

  test('that is none: a missing end mark, missing usage and strange framing cost no word', async () => {
    const ann = scene.person();
    scene.openrouter.play({ kind: 'answer', text: words, done: false });
    scene.openrouter.play({ kind: 'answer', text: words, usage: 'none' });
    scene.openrouter.play({ kind: 'answer', text: words, as: 'json' });
    scene.openrouter.play({ kind: 'answer', text: words, framing: { splitBytes: 3, crlf: true } });
    const texts = [];
    for (const question of ['one', 'two', 'three', 'four']) texts.push((await ann.ask(question)).text);
    expect(texts).toEqual(texts.map(() => words));
  });
});

describe('a refusal that concerns the account', () => {
  test('a wrong key is told as the operator’s matter, and no model is asked in vain again', async () => {
    await scene.restart({ ...TIMERS, OPENROUTER_API_KEY: 'sk-or-v1-not-the-right-one' });
    const ann = scene.person();
    const first = await ann.ask('Hello?');
    expect(first.text).toContain("I'm not signed in with the model service properly");
    expect(await toldError(first)).toMatchObject({ area: 'completion.unauthorized' });
    expect(failures(first)).toEqual(['unauthorized']);
    expect(first.turn.usage).toEqual([]);
    const second = await ann.ask('Hello again?');
    expect(second.text).toContain("I'm not signed in with the model service properly");
    expect(scene.requests()).toHaveLength(1);
    expect(await toldError(second)).not.toBeNull();
  });

  test.for([
    ['no credits', refusal('no-credits'), 'no_credits'],
    ['credits for fewer tokens only', refusal('cannot-afford', { affordableTokens: 12 }), 'no_credits'],
    ['a key limit', refusal('key-limit'), 'key_limit'],
    ['a budget of the workspace', refusal('workspace-budget'), 'key_limit'],
  ] satisfies [string, Scenario, string][])(
    '%s stops paid models only: a free one answers',
    async ([, scenario, failure]) => {
      await scene.restart({ ...TIMERS, ...PAID_SETTINGS });
      const ann = scene.person();
      scene.openrouter.play(scenario, { model: PAID });
      scene.openrouter.play({ kind: 'answer', text: 'Free of charge.' }, { model: ROUTER });
      const first = await ann.ask('Hello?');
      expect(first.text).toBe('Free of charge.');
      expect(asked(first)).toEqual([PAID, ROUTER]);
      expect(failures(first)).toEqual([failure, null]);
      const second = await ann.ask('And again?');
      expect(asked(second)).toEqual([ROUTER]);
    },
  );

  test.for([
    ['no credits', refusal('no-credits')],
    ['credits for fewer tokens only', refusal('cannot-afford', { affordableTokens: 12 })],
  ] satisfies [string, Scenario][])(
    '%s, also for free models, is told with an error id',
    async ([, scenario]) => {
      const ann = scene.person();
      scene.openrouter.play(scenario, { times: Infinity });
      const first = await ann.ask('Hello?');
      expect(first.text).toContain('My account with the model service has no credit left');
      expect(await toldError(first)).toMatchObject({ area: 'completion.no_credits' });
      const second = await ann.ask('Hello again?');
      expect(second.text).toContain('no credit left');
      expect(scene.requests()).toHaveLength(1);
    },
  );

  test('the free allowance of the day: told with the time, and not asked for again before', async () => {
    const ann = scene.person();
    scene.openrouter.play(refusal('free-per-day'), { times: Infinity });
    const first = await ann.ask('Hello?');
    expect(first.text).toMatch(
      /^Today’s allowance of free answers is used up for everybody\. It starts again in \d+ (hours?|minutes?|seconds?)\.$/u,
    );
    expect(failures(first)).toEqual(['free_day_spent']);
    const second = await scene.person().ask('Hello from somebody else?');
    expect(second.text).toBe(first.text);
    expect(second.turn).toMatchObject({ state: 'failed', attempts: [] });
    expect(scene.requests()).toHaveLength(1);
  });

  test('the free allowance of the day does not stop paid models', async () => {
    await scene.restart({ ...TIMERS, ...PAID_SETTINGS, DEFAULT_MODEL: FREE, FALLBACK_MODEL: PAID });
    scene.openrouter.play(refusal('free-per-day'), { model: FREE });
    const { turn } = await scene.person().ask('Hello?');
    expect(turn.attempts.map(({ modelAsked, failure }) => [modelAsked, failure])).toEqual([
      [FREE, 'free_day_spent'],
      [PAID, null],
    ]);
  });

  test('more requests in flight than the credits cover: asked again after the time that was named', async () => {
    await scene.restart({ ...TIMERS, ...PAID_SETTINGS });
    scene.openrouter.play(refusal('in-flight-budget', { retryAfter: 1 }), { model: PAID });
    const first = await scene.person().ask('Hello?');
    expect(asked(first)).toEqual([PAID, PAID]);
    expect(failures(first)).toEqual(['in_flight_budget', null]);
  });
});

describe('a refusal that concerns the question', () => {
  test.for([
    ['moderation', refusal('moderation')],
    ['a guardrail', refusal('guardrail')],
  ] satisfies [string, Scenario][])(
    'by %s is not got round by asking another model',
    async ([, scenario]) => {
      const ann = scene.person();
      scene.openrouter.play(scenario, { model: FREE });
      const first = await ann.ask('Hello?');
      expect(first.text).toContain('The model service declined to answer this');
      expect(failures(first)).toEqual(['moderated']);
      expect((await ann.ask('Something else')).turn.state).toBe('delivered');
    },
  );

  test('because of its length is taken to a model that reads more', async () => {
    scene.openrouter.play(refusal('context-length'), { model: FREE });
    const first = await scene.person().ask('Hello?');
    expect(asked(first)).toEqual([FREE, OTHER_FREE]);
    expect(failures(first)).toEqual(['context_too_long', null]);
  });
});

describe('a model service that can not be reached', () => {
  test('leaves a kind sentence, and full service once it is back', async () => {
    await scene.restart({ ...TIMERS, OPENROUTER_BASE_URL: 'http://127.0.0.1:1/api/v1' });
    const ann = scene.person();
    const first = await ann.ask('Hello?');
    expect(first.text).toContain('No model could answer just now');
    expect(await toldError(first)).toMatchObject({ area: 'completion.unreachable' });
    expect(new Set(failures(first))).toEqual(new Set(['unreachable']));
    expect(first.turn.usage).toEqual([]);
    await scene.restart(TIMERS);
    expect((await ann.ask('And now?')).turn.state).toBe('delivered');
  });

  test('on the whole takes no longer than the time that a turn has', async () => {
    const ann = scene.person();
    scene.openrouter.play({ kind: 'connection', event: 'stall' }, { times: Infinity });
    const first = await ann.ask('Hello?');
    expect(first.text).toContain('The models took too long to answer');
    expect(await toldError(first)).toMatchObject({ area: 'completion.timeout' });
    expect(first.turn.attempts.length).toBeGreaterThanOrEqual(2);
  });

  test('while somebody stops the answer, leaves the answer stopped', async () => {
    const ann = scene.person();
    scene.openrouter.play(slowly(['Slow ', 'and ', 'slower ', 'still '], 300));
    const messageId = ann.send('Hello?');
    await until(() => scene.said(ann.chat).some(({ text }) => text.includes('Slow')));
    await ann.command('/stop');
    expect((await scene.over(ann.chat, messageId)).turn).toMatchObject({
      state: 'cancelled',
      notice: { key: 'answer.stopped' },
    });
  });
});

describe('other models', () => {
  test('take over for a paid one, which is billed for what it took before', async () => {
    await scene.restart({ ...TIMERS, ...PAID_SETTINGS });
    scene.openrouter.play(refusal('overloaded'), { model: PAID });
    scene.openrouter.play(
      { kind: 'answer', text: 'From the other.', costUsd: '0.00002' },
      { model: OTHER_PAID },
    );
    const first = await scene.person().ask('Hello?');
    expect(asked(first)).toEqual([PAID, OTHER_PAID]);
    expect(first.turn.usage).toMatchObject([{ costNanoUsd: 20_000, requests: 1 }]);
  });

  test('stop where a free one reports a cost: it is booked, and the model is not asked again', async () => {
    const ann = scene.person();
    scene.openrouter.play({ kind: 'answer', text: 'Free?', costUsd: '0.000001' }, { model: FREE });
    const first = await ann.ask('one');
    expect(first.turn.usage).toMatchObject([{ costNanoUsd: 1000 }]);
    expect(asked(await ann.ask('two'))).toEqual([OTHER_FREE]);
  });
});
