import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { guildId, originKey, userId } from '../../src/platform/ids.ts';
import { builtInModels } from '../../src/simulator/built-in-models.ts';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { createAccessRequests } from '../../src/store/access-requests.ts';
import { createControl, type Control } from '../../src/store/control.ts';
import { anyKinds } from '../support/database.ts';
import {
  FREE,
  nanoUsd,
  openScene,
  OTHER_FREE,
  OTHER_PAID,
  PAID,
  PAID_SETTINGS,
  ROUTER,
  stalling,
  type Person,
  type Scene,
} from '../support/scene.ts';
import { until } from '../support/until.ts';

/** The usual size of an answer: an allowance of tokens goes with each allowed request. */
const USUAL = { MAX_TOKENS: '1000' };

const failing: Scenario = { kind: 'refusal', name: 'provider-error' };

describe.each(anyKinds)('on a database of kind %s', (kind) => {
  let scene: Scene;
  let control: Control;
  const operator = userId('telegram', 1);
  beforeAll(async () => {
    scene = await openScene({ database: kind, settings: USUAL });
    control = createControl(scene.database);
  });
  afterAll(async () => {
    expect(await scene.records.holds()).toBe(0);
    expect(await scene.records.wrongCounters()).toEqual([]);
    await scene.stop();
  });
  beforeEach(() => scene.openrouter.reset());

  const use = (settings: Record<string, string>) => scene.restart({ ...USUAL, ...settings });
  const modelsAsked = () => new Set(scene.requests().map(({ model }) => model));
  const instanceCost = async () => {
    const [row] = await scene.database.sql<{ cost: number }[]>`
      select cost_day::int as cost from quota_subjects where kind = 0`;
    return row?.cost ?? 0;
  };

  describe('free stays free', () => {
    test('whatever the settings name and whatever fails: no paid model is asked, no price is accepted', async () => {
      await use({
        DEFAULT_MODEL: PAID,
        FALLBACK_MODEL: `${OTHER_PAID},${FREE}`,
        EMERGENCY_FALLBACK_MODEL: PAID,
      });
      const ann = scene.person();
      await ann.ask('one');
      for (const scenario of [failing, { kind: 'refusal', name: 'no-credits' }] satisfies Scenario[]) {
        scene.openrouter.play(scenario, { times: 3 });
        await ann.ask('two');
      }
      expect(scene.requests().length).toBeGreaterThan(4);
      expect([...modelsAsked()].filter((model) => !model.endsWith(':free') && model !== ROUTER)).toEqual([]);
      for (const { maxPrice, call } of scene.requests()) {
        expect(Object.entries(Object(maxPrice)).map(([part, usd]) => [part, Number(usd)])).toEqual(
          expect.arrayContaining([
            ['prompt', 0],
            ['completion', 0],
            ['request', 0],
            ['image', 0],
            ['audio', 0],
          ]),
        );
        const { plugins } = call.body as { plugins: { id: string; enabled: boolean }[] };
        expect(plugins).toEqual(expect.arrayContaining([{ id: 'web', enabled: false }]));
        expect(plugins.filter(({ enabled }) => enabled)).toEqual([]);
        expect(call.body).not.toHaveProperty('models');
      }
      expect(scene.requests().map(({ call }) => call.usage?.cost ?? 0)).not.toContainEqual(
        expect.toSatisfy((cost: number) => cost > 0),
      );
      expect(scene.log.some((line) => line.includes('a configured model is left out'))).toBe(true);
    });

    test('also when a model that was free takes money by now', async () => {
      await use({});
      const ann = scene.person();
      const models = (prompt: string) => [
        { id: FREE, pricing: { prompt, completion: prompt } },
        { id: OTHER_FREE, pricing: { prompt: '0', completion: '0' } },
      ];
      scene.openrouter.setModels(models('0.000001'));
      const { turn } = await ann.ask('Still free?');
      expect(turn.attempts.map(({ modelAsked, outcome }) => [modelAsked, outcome])).toEqual([
        [FREE, 'failed'],
        [OTHER_FREE, 'answered'],
      ]);
      expect(turn.usage.map(({ costNanoUsd }) => costNanoUsd)).toEqual([0]);
      scene.openrouter.setModels(builtInModels);
    });
  });

  describe('the budget', () => {
    test('that an answer could pass keeps the paid model from being asked; a free one answers', async () => {
      await use({ ...PAID_SETTINGS, DAILY_BUDGET_USD: '0.000001' });
      const before = await instanceCost();
      const { turn } = await scene.person().ask('Hello?');
      expect(turn.attempts).toMatchObject([{ outcome: 'answered' }]);
      expect([...modelsAsked()].map((model) => model.endsWith(':free'))).toEqual([true]);
      expect(await scene.records.holds()).toBe(0);
      expect(await instanceCost()).toBe(before);
    });

    test('is named when no free model is left either', async () => {
      await use({ ...PAID_SETTINGS, DAILY_BUDGET_USD: '0.000001' });
      scene.openrouter.play({ kind: 'refusal', name: 'free-per-day' });
      const ann = scene.person();
      await ann.ask('one');
      const { text, turn } = await ann.ask('two');
      expect(text).toMatch(
        /^My daily budget is used up, and no free model could answer in place of a paid one\. It starts again in \d+ \w+\.$/u,
      );
      expect(turn).toMatchObject({ state: 'failed', attempts: [] });
      expect(await scene.records.holds()).toBe(0);
    });

    test('is never passed, however many ask at once', async () => {
      const spent = await instanceCost();
      // Room for a few answers at their highest price: some wait for nobody, but get a free model.
      const budgetNanoUsd = spent + 200_000;
      await use({ ...PAID_SETTINGS, MAX_TOKENS: '100', DAILY_BUDGET_USD: (budgetNanoUsd / 1e9).toFixed(9) });
      const people = Array.from({ length: 20 }, () => scene.person());
      const asked = await Promise.all(people.map((person) => person.ask('Everybody at once')));
      expect(asked.map(({ turn }) => turn.state)).toEqual(asked.map(() => 'delivered'));
      const paid = scene.requests().filter(({ model }) => model === PAID);
      expect(paid.length).toBeGreaterThan(0);
      expect(paid.length).toBeLessThan(20);
      const billed = scene.requests().reduce((sum, { call }) => sum + nanoUsd(call.usage?.cost), 0);
      expect(await instanceCost()).toBe(spent + billed);
      expect(spent + billed).toBeLessThanOrEqual(budgetNanoUsd);
      expect(await scene.records.holds()).toBe(0);
    });

    test('holds money only while an answer is on its way', async () => {
      await use(PAID_SETTINGS);
      const ann = scene.person();
      scene.openrouter.play(stalling('It costs'), { model: PAID });
      const messageId = ann.send('Hello?');
      await until(() => scene.said(ann.chat).some(({ text }) => text === 'It costs'));
      expect(await scene.records.holds()).toBeGreaterThan(1);
      await ann.command('/stop');
      await scene.over(ann.chat, messageId);
      expect(await scene.records.holds()).toBe(0);
    });
  });

  describe('a person’s pace', () => {
    test('of more than 20 messages a minute is refused once, with the wait, and does not touch others', async () => {
      await use({});
      const ann = scene.person();
      const ids = Array.from({ length: 23 }, (_, index) => ann.send(`Question ${index}`));
      const refused = await scene.over(ann.chat, ids[20] ?? 0);
      expect(refused.text).toMatch(/^That was a bit fast for me\. Please try again in \d+ seconds\.$/u);
      expect(refused.turn).toMatchObject({
        state: 'refused',
        refusal: { reason: 'rate_limited' },
        attempts: [],
      });
      for (const id of ids.slice(0, 20))
        expect((await scene.over(ann.chat, id)).turn.state).toBe('delivered');
      expect((await scene.person().ask('And I?')).turn.state).toBe('delivered');
      expect(scene.said(ann.chat)).toHaveLength(21);
      expect(scene.requests()).toHaveLength(21);
      const again = ann.send('And now?');
      await ann.command('/help');
      expect(await scene.turn(ann.chat, again)).toBeNull();
    });

    test('is not limited for an operator', async () => {
      const boss = scene.person();
      await use({ OPERATOR_IDS: `telegram:${boss.user.id}`, USER_RATE_LIMIT_PER_MINUTE: '2' });
      for (const question of ['one', 'two', 'three', 'four']) {
        expect((await boss.ask(question)).turn.state).toBe('delivered');
      }
    });
  });

  describe('an allowance of answers', () => {
    test('of two a day refuses the third with the time, and /usage agrees', async () => {
      await use({ DEFAULT_USER_REQUESTS_PER_DAY: '2' });
      const ann = scene.person();
      await ann.ask('one');
      await ann.ask('two');
      const third = await ann.ask('three');
      expect(third.text).toMatch(
        /^You have used 2 of 2 messages today\. It starts again in \d+ \w+\. `?\/limits`? shows who set this limit/u,
      );
      expect(third.turn).toMatchObject({ state: 'refused', refusal: { reason: 'quota', subject: 'user' } });
      expect(await ann.command('/usage')).toMatch(
        /You, messages today: 2 of 2 used, starts again in \d+ \w+/u,
      );
      expect(scene.requests()).toHaveLength(2);
      expect((await scene.person().ask('And I?')).turn.state).toBe('delivered');
    });

    test('is told in the language of the reader', async () => {
      await use({ DEFAULT_USER_REQUESTS_PER_DAY: '0' });
      const { text } = await scene.person({ languageCode: 'id' }).ask('Halo?');
      expect(text).toMatch(/^Kamu tidak punya jatah pesan, jadi saya tidak bisa menjawab ini\. .*\/limits/u);
    });

    test('is not taken by an answer that never came', async () => {
      await use({ DEFAULT_USER_REQUESTS_PER_DAY: '1', MODEL_TIMEOUT_MS: '2000' });
      const ann = scene.person();
      scene.openrouter.play({ kind: 'refusal', name: 'upstream-rate-limit' }, { times: 3 });
      expect((await ann.ask('one')).turn.state).toBe('failed');
      expect((await ann.ask('two')).turn.state).toBe('delivered');
      expect((await ann.ask('three')).turn.state).toBe('refused');
    });

    test('of a group is shared by all: of 30 people at once exactly 10 are answered and 20 are told', async () => {
      await use({ DEFAULT_GUILD_REQUESTS_PER_DAY: '10' });
      const people = Array.from({ length: 30 }, () => scene.person());
      const chat = scene.telegram.group({ members: people.map(({ user }) => user) });
      const ids = people.map(({ user }) => chat.send(user, '@parley_bot Everybody at once'));
      const states = [];
      const texts = [];
      for (const id of ids) {
        const { turn, text } = await scene.over(chat, id);
        states.push(turn.state);
        if (turn.state === 'refused') texts.push(text);
      }
      expect(states.filter((state) => state === 'delivered')).toHaveLength(10);
      expect(texts).toHaveLength(20);
      for (const text of texts) {
        expect(text).toMatch(
          /^This community has used 10 of 10 messages today\. It starts again in \d+ \w+\. .*private chat/u,
        );
      }
      expect(scene.requests()).toHaveLength(10);
      expect((await people[0]?.ask('In private?'))?.turn.state).toBe('delivered');
    });
  });

  describe('who may use the bot', () => {
    const refusedOnce = async (person: Person, sentence: string) => {
      const { text, turn } = await person.ask('Hello?');
      expect(text).toContain(sentence);
      expect(turn).toMatchObject({ state: 'refused', question: null, usage: [] });
      const again = person.send('Hello again?');
      await person.command('/help');
      expect(await scene.turn(person.chat, again)).toBeNull();
    };

    test('with a list: those on it, their groups and operators, and nobody else', async () => {
      const [ann, boss, stranger] = [scene.person(), scene.person(), scene.person()];
      const listed = scene.telegram.group({ members: [stranger.user] });
      const other = scene.telegram.group({ members: [stranger.user, ann.user] });
      await use({
        ACCESS: 'list',
        ALLOWED_USERS: `telegram:${ann.user.id}`,
        ALLOWED_GUILDS: `telegram:${listed.id}`,
        OPERATOR_IDS: `telegram:${boss.user.id}`,
      });
      await refusedOnce(stranger, "I'm set up for certain people and communities only");
      const states = [];
      states.push((await ann.ask('May I?')).turn.state, (await boss.ask('May I?')).turn.state);
      for (const [chat, { user }] of [
        [listed, stranger],
        [other, ann],
        [other, stranger],
      ] as const) {
        states.push((await scene.ask(chat, user, '@parley_bot May I?')).turn.state);
      }
      expect(states).toEqual(['delivered', 'delivered', 'delivered', 'delivered', 'refused']);
      expect(scene.requests()).toHaveLength(4);
    });

    test('with approval: nobody before an operator said so', async () => {
      const [ann, ben] = [scene.person(), scene.person()];
      const chat = scene.telegram.group({ members: [ann.user, ben.user] });
      const requests = createAccessRequests(scene.database);
      await use({ ACCESS: 'approval' });
      await refusedOnce(ann, 'I need an operator’s approval before I can answer here');
      expect((await scene.ask(chat, ann.user, '@parley_bot May we?')).turn.state).toBe('refused');
      const author = {
        id: operator,
        name: 'Boss',
        locale: 'en',
        isBot: false,
        isGuildAdmin: false,
        roles: [],
      };
      const decision = (event: number) => ({
        originKey: originKey('telegram', 'bot', 1, event),
        author,
        guild: null,
      });
      await requests.approve(decision(1), guildId('telegram', chat.id));
      expect((await scene.ask(chat, ben.user, '@parley_bot May we?')).turn.state).toBe('delivered');
      expect((await ben.ask('And in private?')).turn.state).toBe('refused');
      await requests.approve(decision(2), userId('telegram', ann.user.id));
      // Who was told "no" a moment ago is heard again soon; a restart forgets it at once.
      await use({ ACCESS: 'approval' });
      expect((await ann.ask('And now?')).turn.state).toBe('delivered');
    });

    test('is on by default once paid models are allowed', async () => {
      const { ACCESS: _access, ...settings } = PAID_SETTINGS;
      await use(settings);
      await refusedOnce(scene.person(), 'I need an operator’s approval');
      expect(scene.requests()).toEqual([]);
    });

    test('not who is blocked: they hear nothing at all', async () => {
      await use({});
      const ann = scene.person();
      await control.block(
        { kind: 'user', id: userId('telegram', ann.user.id), within: null },
        null,
        operator,
      );
      const { turn } = await ann.ask('Hello?');
      expect(turn).toMatchObject({ state: 'refused', refusal: { reason: 'blocked' } });
      expect(scene.said(ann.chat)).toEqual([]);
      expect(scene.requests()).toEqual([]);
    });

    test('nobody while an operator has stopped everything, and all again afterwards', async () => {
      await use({});
      await control.stop({ scope: 'all' }, null, operator);
      expect((await scene.person().ask('Hello?')).text).toContain('An operator has paused me for now');
      await control.resume({ scope: 'all' }, operator);
      expect((await scene.person().ask('Hello?')).turn.state).toBe('delivered');
    });
  });
});
