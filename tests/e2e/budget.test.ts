import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimulatedModel } from '../../src/simulator/catalogue.ts';
import type { SimChat } from '../simulators/telegram/handles.ts';
import { openScene, PAID_SETTINGS, type Asked, type Person, type Scene } from '../support/scene.ts';

/**
 * A community with $0.01 a day asks until nothing is left, through the whole bot; what everybody sees of it stands in
 * `budget.md`, which `npx vitest run tests/e2e/budget.test.ts -u` writes anew, to be read before it is kept.
 */
const per = (usdForAMillion: number) => {
  const price = (usdForAMillion / 1e6).toFixed(9);
  return { prompt: price, completion: price };
};
const STRONG = 'acme/grand';
const models: readonly SimulatedModel[] = [
  { id: 'openrouter/free', pricing: per(0) },
  { id: 'other/gratis-70b:free', pricing: per(0) },
  { id: STRONG, pricing: per(16) },
  { id: 'acme/small', pricing: per(3) },
];
/** What an answer is billed; less than is held before. */
const COSTS: Readonly<Record<string, string>> = { [STRONG]: '0.0026', 'acme/small': '0.0006' };
const SETTINGS = {
  ...PAID_SETTINGS,
  DEFAULT_MODEL: STRONG,
  FALLBACK_MODEL: '',
  MAX_TOKENS: '100',
  // Half of it is spent in the end.
  DAILY_BUDGET_USD: '0.019',
};

let scene: Scene;
let boss: Person;
let ann: Person;
let chat: SimChat;
const transcript: string[] = [];

beforeAll(async () => {
  scene = await openScene({
    settings: SETTINGS,
    openrouter: {
      models,
      script: ({ body }) => {
        const costUsd = COSTS[(body as { model: string }).model];
        return { kind: 'answer', text: 'Here I am.', ...(costUsd !== undefined && { costUsd }) };
      },
    },
  });
  [boss, ann] = [scene.person({ firstName: 'Boss' }), scene.person({ firstName: 'Ann' })];
  chat = scene.telegram.group({ title: 'Readers', members: [ann.user], admins: [boss.user] });
  await scene.restart({
    ...SETTINGS,
    OPERATOR_IDS: `telegram:${scene.person().user.id},telegram:${boss.user.id}`,
  });
});
afterAll(async () => {
  expect(await scene.records.holds()).toBe(0);
  expect(await scene.records.wrongCounters()).toEqual([]);
  await scene.stop();
});

const write = (who: string, text: string, more = '') =>
  transcript.push(
    `**${who}:** ${text.replaceAll(/\b\d+ (?:seconds?|minutes?|hours?|days?)/gu, 'some time')}${more}`,
  );
const command = async (person: Person, line: string): Promise<string> => {
  const text = await scene.command(chat, person.user, line);
  write(person === boss ? 'Boss' : 'Ann', `\`${line}\``);
  write('Parley', text);
  return text;
};
const spentNanoUsd = async (): Promise<number> => {
  const [row] = await scene.database.sql<{ cost: number }[]>`
    select cost_day::int as cost from quota_subjects where kind = 1`;
  return row?.cost ?? 0;
};
const ask = async (person: Person, text = 'Anybody there?'): Promise<Asked> => {
  const asked = await scene.ask(chat, person.user, `@parley_bot ${text}`);
  write(person === boss ? 'Boss' : 'Ann', text);
  const model = asked.turn.answer?.model ?? 'nobody';
  write('Parley', asked.text, ` — *${model}, $${((await spentNanoUsd()) / 1e9).toFixed(4)} spent so far*`);
  return asked;
};
const audit = () => scene.database.sql`
  select actor, action, before, after, details from audit where action like 'budget.%' or action = 'refused' order by id`;

describe('a community with a budget', () => {
  test('has one that its admins alone can set, in amounts that are ones', async () => {
    expect(await command(ann, '/budget set daily:5')).toContain('is for those who manage this community');
    for (const wrong of ['-1', 'many', '1e3', '99999999', '0.0000001', '5usd']) {
      expect(await scene.command(chat, boss.user, `/budget set daily:${wrong} monthly:5`)).toContain(
        'Nothing was changed',
      );
    }
    expect(await scene.command(chat, boss.user, '/budget set')).toContain('Tell me at least one');
    expect(await command(boss, '/budget set daily:0.01 monthly:1')).toContain('Today: $0.00 spent of $0.01');
    expect(await audit()).toEqual([
      {
        actor: `telegram:${ann.user.id}`,
        action: 'refused',
        before: null,
        after: null,
        details: { why: 'not_admin' },
      },
      {
        actor: `telegram:${boss.user.id}`,
        action: 'budget.set',
        before: null,
        after: { cost_day: 10_000_000, cost_month: 1_000_000_000 },
        details: null,
      },
    ]);
  });

  test('is answered by ever cheaper models, told so each time, and warned three times, once each', async () => {
    for (let turn = 0; turn < 9; turn += 1) {
      await ask(ann);
      expect(await spentNanoUsd()).toBeLessThanOrEqual(10_000_000);
    }
    const said = scene.said(chat).map(({ text }) => text);
    const lines = said.flatMap((text) => text.split('\n'));
    for (const warning of [
      '50 % of',
      '80 % of this community’s daily budget of',
      'is used up. Free models',
    ]) {
      expect(lines.filter((line) => line.startsWith('⚠️') && line.includes(warning))).toHaveLength(1);
    }
    const answeredBy = scene.requests().map(({ model }) => model);
    expect([...new Set(answeredBy)]).toEqual([STRONG, 'acme/small', 'other/gratis-70b:free']);
    expect(await command(boss, '/budget show')).toContain('told so far: 50 %, 80 %, 100 %');
  });

  test('is told what cheaper models spared, as is whoever asks why', async () => {
    expect(await scene.command(chat, boss.user, '/stats')).toMatch(/Cheaper models saved \$[\d.]+ compared/u);
    await boss.command('/model use other/gratis-70b:free');
    await boss.ask('Anybody there?');
    expect(await boss.command('/why')).toMatch(/Saved: \$[\d.]+ compared with acme\/grand/u);
    await boss.command('/model reset');
  });

  test('hears why where nothing is left that may answer, and a model that was chosen strictly is not replaced', async () => {
    await scene.command(chat, ann.user, `/model use ${STRONG}`);
    expect((await ask(ann)).text).toContain(
      `Your model ${STRONG} costs money, and what is left of this community’s daily`,
    );
    scene.openrouter.play({ kind: 'refusal', name: 'free-per-day' });
    expect((await ask(boss)).text).toMatch(
      /^This community’s daily budget of \$0\.01 is used up, and no free model could answer/u,
    );
  });

  test('keeps to itself what the operator is told: once, in the log', async () => {
    const alerts = scene.log.filter((line) => line.includes('"kind":"budget"'));
    expect(alerts.map((line) => (JSON.parse(line) as { alert: object }).alert)).toMatchObject([
      { window: 'day', threshold: 50, limitNanoUsd: 19_000_000 },
    ]);
    expect(await ann.command('/budget show')).toContain('Budgets belong to communities');
    expect(await boss.command('/budget show')).toContain('told so far: 50 %');
  });

  test('goes on as before once it has more', async () => {
    expect(await command(boss, '/budget set daily:none')).toContain('no limit');
    await scene.restart({ ...SETTINGS, DAILY_BUDGET_USD: '10' });
    expect((await ask(boss)).turn.answer?.model).toMatch(/^acme\/grand/u);
    expect(await command(boss, '/budget clear')).toContain('The budget is removed');
  });

  test('lets a cheaper model of the settings answer what is easy, where the person wants that', async () => {
    await scene.restart({ ...SETTINGS, FALLBACK_MODEL: 'acme/small', DAILY_BUDGET_USD: '10' });
    const cleo = scene.person();
    const answeredBy = async (text: string) => (await cleo.ask(text)).turn.answer?.model;
    expect(await answeredBy('Hi there!')).toMatch(/^acme\/grand/u);
    expect(await cleo.command('/preferences optimise:on')).toContain(
      'Cheaper models for easy questions: yes',
    );
    expect(await answeredBy('Hi there!')).toMatch(/^acme\/small/u);
    expect(await answeredBy('Why? Compare and prove it: `f(x)` = x^2, step by step.')).toMatch(
      /^acme\/grand/u,
    );
    expect(await cleo.command('/preferences optimise:off')).toContain(
      'Cheaper models for easy questions: no',
    );
    expect(await answeredBy('Hi there!')).toMatch(/^acme\/grand/u);
  });

  test('reads as the transcript says', async () => {
    await expect(`${transcript.join('\n\n')}\n`).toMatchFileSnapshot('budget.md');
  });
});
