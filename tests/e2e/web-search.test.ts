import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Scenario } from '../../src/simulator/scenario.ts';
import type { SimMessage } from '../simulators/telegram/handles.ts';
import { anyKinds } from '../support/database.ts';
import { openDiscordScene, type DiscordScene } from '../support/discord-scene.ts';
import {
  actionsBelow,
  FREE,
  nanoUsd,
  openScene,
  OTHER_PAID,
  PAID,
  PAID_SETTINGS,
  stalling,
  type Person,
  type Scene,
} from '../support/scene.ts';
import { until } from '../support/until.ts';

/** The list tells that it calls no tools. */
const NO_TOOLS = 'liquid/lfm-2.5-2.6b:free';

const cited = (url: string, title?: string) => ({
  type: 'url_citation',
  url_citation: { url, ...(title !== undefined && { title }), start_index: 0, end_index: 1 },
});
const answer = (changes: Partial<Extract<Scenario, { kind: 'answer' }>> = {}): Scenario => ({
  kind: 'answer',
  text: 'Tea is a drink.',
  annotations: [cited('https://tea.example.org/leaves?kind=green&cup=1', 'All about *tea*')],
  ...changes,
});
const ownFailures = (errors: readonly { readonly area: string }[]) =>
  errors.filter(({ area }) => !area.startsWith('completion.'));
const toolsOf = (request: { readonly call: { readonly body: unknown } } | undefined) =>
  (request?.call.body as { readonly tools?: readonly { readonly type: string }[] } | undefined)?.tools;
/** Where the links of a message lead. */
const linksIn = ({ entities }: Pick<SimMessage, 'entities'>) =>
  entities.flatMap((entity) => (entity.type === 'text_link' ? [entity.url] : []));

/** What stands on those links. */
const labelsIn = ({ entities, text }: Pick<SimMessage, 'entities' | 'text'>) =>
  entities.flatMap(({ type, offset, length }) =>
    type === 'text_link' ? [text.slice(offset, offset + length)] : [],
  );

describe.each(anyKinds)('a search of the web, on Telegram and a database of kind %s', (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ database: kind, settings: { ...PAID_SETTINGS, MAX_TOKENS: '1000' } });
  });
  afterAll(async () => {
    expect(scene.telegram.violations).toEqual([]);
    expect(ownFailures(await scene.records.errors())).toEqual([]);
    expect(await scene.records.wrongCounters()).toEqual([]);
    expect(await scene.records.holds()).toBe(0);
    await scene.stop();
  });

  /** Until then an answer that shows is not to be changed by a button. */
  const settled = (chat: { readonly id: number }) =>
    until(async () => {
      const turns = await scene.records.turnsIn(`telegram:${scene.telegram.bot.id}:${chat.id}`);
      return turns.every(({ isDelivered }) => isDelivered);
    });
  const search = (person: Person, question = 'What is tea?') => person.ask(`/ask search:true ${question}`);

  test('is made within its bounds, and what it found stands below the answer with its price', async () => {
    const ann = scene.person();
    scene.openrouter.play(answer({ webSearches: 2 }));
    const { turn, reply, text } = await search(ann);
    const request = scene.requests().at(-1);
    expect(toolsOf(request)).toEqual([
      {
        type: 'openrouter:web_search',
        parameters: {
          engine: 'exa',
          max_results: 5,
          max_uses: 2,
          max_total_results: 10,
          max_characters: 2000,
        },
      },
    ]);
    expect(request?.call.body).not.toHaveProperty('models');
    expect(request?.maxPrice).toHaveProperty('prompt');
    expect(request?.messages.at(-1)?.content).toBe('What is tea?');
    expect(text).toBe(
      'Tea is a drink.\n\n🔎 Searched the web 2 times · $0.014\n• tea.example.org – All about *tea*',
    );
    expect(reply.flatMap(linksIn)).toEqual(['https://tea.example.org/leaves?kind=green&cup=1']);
    expect(turn.answer?.text).toBe('Tea is a drink.');
    expect(turn.usage[0]?.costNanoUsd).toBe(nanoUsd(request?.call.usage?.cost));
    expect(turn.usage[0]?.costNanoUsd).toBeGreaterThan(14e6);
    const told = await ann.command('/why');
    expect(told).toContain('Web: searched 2 times, $0.014 of the cost');
  });

  test('costs on a free model too: it is held for, booked, and the model is asked again all the same', async () => {
    const ann = scene.person();
    await ann.command(`/model use ${FREE}`);
    scene.openrouter.play(answer());
    const { turn } = await search(ann);
    expect(turn.attempts).toMatchObject([{ modelAsked: FREE, outcome: 'answered' }]);
    expect(scene.requests().at(-1)?.maxPrice).toMatchObject({ prompt: '0', completion: '0' });
    expect(turn.usage).toMatchObject([{ costNanoUsd: 7e6, source: 'reported' }]);
    const rows = await scene.database.sql`select is_free from usage where turn_id = ${turn.id}`;
    expect(rows).toEqual([{ is_free: false }]);
    expect((await ann.ask('And coffee?')).turn.attempts).toMatchObject([{ modelAsked: FREE }]);
    expect(scene.log.join('\n')).not.toContain('reported a cost');
    expect(toolsOf(scene.requests().at(-1))).toBeUndefined();
  });

  test('waits for the money that it can cost at most, and is not made where the budget has less', async () => {
    const ann = scene.person();
    const { turn } = await ann.ask('Hello');
    await ann.command(`/model use ${FREE}`);
    const [subject] = await scene.database.sql<{ id: string; spent: string }[]>`
      select subject_id as id, cost_day::text as spent from quota_subjects
      where subject_id = (select user_id from turns where id = ${turn.id})`;
    const limit = async (nanoUsd: number) => {
      const limits = JSON.stringify({ cost_day: Number(subject?.spent) + nanoUsd });
      await scene.database
        .sql`update quota_subjects set limits = ${limits}::text::jsonb where subject_id = ${subject?.id ?? ''}`;
    };
    await limit(13_999_999);
    const before = scene.requests().length;
    const refused = await search(ann);
    expect(scene.requests()).toHaveLength(before);
    expect(refused.text).toContain('no free model could answer in place of a paid one');
    await limit(14_000_000);
    scene.openrouter.play(stalling('It'));
    const id = ann.send('/ask search:true What is tea?');
    await until(() => scene.said(ann.chat).find(({ text }) => text.startsWith('It')));
    const holds = await scene.database.sql`
      select max(nano_usd)::float8 as held from quota_holds where attempt >= 0 and subject_id = ${subject?.id ?? ''}`;
    expect(holds).toEqual([{ held: 14_000_000 }]);
    await ann.command('/stop');
    const { turn: stopped } = await scene.over(ann.chat, id);
    expect(stopped.usage).toMatchObject([{ costNanoUsd: 14_000_000, source: 'estimated' }]);
  });

  test('is made again with Again, its sources stay with their versions, and enter no prompt', async () => {
    const ann = scene.person();
    const first = answer();
    scene.openrouter.play(first);
    const { reply } = await search(ann);
    const id = reply[0]?.id ?? 0;
    const shown = () => scene.said(ann.chat)[0]?.text ?? '';
    const press = (action: string) => {
      const below = scene.said(ann.chat)[0]?.replyMarkup?.inline_keyboard.flat() ?? [];
      const data = below.flatMap((button) => ('callback_data' in button ? [button.callback_data] : []));
      return ann.chat.press(ann.user, id, data.find((one) => one.startsWith(`${action}:`)) ?? '');
    };
    scene.openrouter.play(answer({ text: 'Leaves.', annotations: [cited('https://leaves.example/')] }));
    await press('regenerate');
    await until(() => shown().includes('leaves.example') && actionsBelow(scene.said(ann.chat)[0]).length > 2);
    expect(toolsOf(scene.requests().at(-1))).toHaveLength(1);
    expect(shown()).not.toContain('tea.example.org');
    await settled(ann.chat);
    await press('previous');
    await until(() => shown().includes('tea.example.org'));
    expect(shown()).toContain('$0.007');
    await settled(ann.chat);
    await ann.ask('And coffee?');
    const prompt = JSON.stringify(scene.requests().at(-1)?.messages);
    expect(prompt).toContain('Tea is a drink.');
    expect(prompt).not.toMatch(/tea\.example|Searched|🔎/u);
  });

  test('is not made once more where a cut answer goes on, and its sources stay', async () => {
    const ann = scene.person();
    scene.openrouter.play(answer({ text: 'Tea is', finishReason: 'length' }));
    const { reply } = await search(ann);
    const below = reply[0]?.replyMarkup?.inline_keyboard.flat() ?? [];
    const data = below.flatMap((button) => ('callback_data' in button ? [button.callback_data] : []));
    scene.openrouter.play({ kind: 'answer', text: ' a drink.' });
    await ann.chat.press(ann.user, reply[0]?.id ?? 0, data.find((one) => one.startsWith('continue:')) ?? '');
    await until(() =>
      scene
        .said(ann.chat)
        .find(({ text }) => /Tea is a drink\.[^]*• tea\.example\.org – All about \*tea\*/u.test(text)),
    );
    expect(toolsOf(scene.requests().at(-1))).toBeUndefined();
    await settled(ann.chat);
  });

  test('that a restart interrupts is made by the next process, and shows what it found', async () => {
    const ann = scene.person();
    scene.openrouter.play(stalling('It begins'));
    const id = ann.send('/ask search:true What is tea?');
    await until(() => scene.said(ann.chat).find(({ text }) => text.includes('It begins')));
    scene.openrouter.play(answer());
    await scene.restart({ ...PAID_SETTINGS, MAX_TOKENS: '1000', SHUTDOWN_GRACE_MS: '1000' });
    const { text, reply } = await scene.over(ann.chat, id);
    expect(reply).toHaveLength(1);
    expect(text).toContain('• tea.example.org – All about *tea*');
    expect(toolsOf(scene.requests().at(-1))).toHaveLength(1);
  });

  test('goes to the next model where one can’t call tools, which is asked again without a search', async () => {
    const ann = scene.person();
    const body = {
      error: { code: 404, message: 'No endpoints found that support tool use. Try disabling "x".' },
    };
    scene.openrouter.play({ kind: 'http', status: 404, body }, { model: PAID });
    scene.openrouter.play(answer(), { model: OTHER_PAID });
    const { turn, text } = await search(ann);
    expect(turn.attempts).toMatchObject([
      { modelAsked: PAID, failure: 'search_unsupported' },
      { modelAsked: OTHER_PAID, outcome: 'answered' },
    ]);
    expect(text).toContain('Searched the web');
    expect((await ann.ask('Hello')).turn.attempts).toMatchObject([{ modelAsked: PAID }]);
  });

  test('that fails is told so, and no answer without it takes its place', async () => {
    const ann = scene.person();
    scene.openrouter.play({ kind: 'refusal', name: 'server-tool' });
    const before = scene.requests().length;
    const { turn, text } = await search(ann);
    expect(text).toMatch(/^The search of the web failed, so I have not answered\./u);
    expect(scene.requests()).toHaveLength(before + 1);
    expect(turn).toMatchObject({ state: 'failed', answer: null, usage: [] });
  });

  test('that no model of a person’s choice can make is told so, and nothing is sent', async () => {
    const ann = scene.person();
    const before = scene.requests().length;
    await ann.command(`/model use ${NO_TOOLS}`);
    const { text, turn } = await search(ann);
    expect(text).toBe(
      'None of the models that may answer here can search the web. Ask without the search, or choose another model with /model use.',
    );
    expect(turn).toMatchObject({ state: 'failed', attempts: [] });
    expect(scene.requests()).toHaveLength(before);
  });

  test('that the model did not make, or that found nothing to cite, is told as it is', async () => {
    const ann = scene.person();
    scene.openrouter.play(answer({ webSearches: 0, annotations: [] }));
    expect((await search(ann)).text).toBe('Tea is a drink.\n\n🔎 The model answered without a search.');
    scene.openrouter.play(answer({ annotations: [] }));
    expect((await search(ann)).text).toBe('Tea is a drink.\n\n🔎 Searched the web · $0.007');
  });

  test('shows no source that could mislead, and each once', async () => {
    const ann = scene.person();
    const hostile = [
      cited('javascript:alert(1)', 'Script'),
      cited('data:text/html,x', 'Data'),
      cited('https://bank.example@evil.example/', 'Login'),
      cited('not a url', 'Nothing'),
      cited(`https://long.example/${'x'.repeat(500)}`, 'Long'),
      { type: 'file', file: { hash: 'h', content: [] } },
      cited('https://аpple.com/', '[bank](https://bank.example) **bold** `code` \u202Eevil\nnext'),
      cited('https://one.example/a#top', `${'t'.repeat(10_000)}`),
      cited('https://one.example/a#end', 'The same'),
      cited('https://two.example/(a)_b*c?x=<y>&copy;=1', '@everyone <b>tag</b>'),
      ...Array.from({ length: 200 }, (_, index) => cited(`https://many.example/${index}`)),
    ];
    scene.openrouter.play(answer({ annotations: hostile }));
    const { reply, text } = await search(ann);
    const [below = ''] = text.split('🔎').slice(1);
    expect(below.split('\n').slice(1)).toEqual([
      '• xn--pple-43d.com – [bank](https://bank.example) **bold** `code` evil next',
      `• one.example – ${'t'.repeat(99)}…`,
      '• two.example – @everyone <b>tag</b>',
      ...Array.from({ length: 5 }, () => '• many.example'),
    ]);
    const links = reply.flatMap(linksIn);
    expect(links).toEqual([
      'https://xn--pple-43d.com/',
      'https://one.example/a',
      'https://two.example/(a)_b*c?x=%3Cy%3E&copy;=1',
      ...Array.from({ length: 5 }, (_, index) => `https://many.example/${index}`),
    ]);
    expect(reply.flatMap(labelsIn)).toEqual(links.map((url) => new URL(url).host));
  });
});

describe('where only free answers are allowed', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene();
  });
  afterAll(async () => {
    expect(await scene.records.errors()).toEqual([]);
    await scene.stop();
  });

  test('nothing is searched and nothing sent, with a sentence that says why', async () => {
    const ann = scene.person();
    const { text, turn } = await ann.ask('/ask search:true What is tea?');
    expect(text).toMatch(/^A search of the web costs money, and I am set to free answers only\./u);
    expect(turn).toMatchObject({ state: 'failed', attempts: [], usage: [] });
    expect(scene.requests()).toEqual([]);
    expect(await ann.command('/why')).toContain(text);
    const bob = scene.person({ languageCode: 'id' });
    expect((await bob.ask('/ask search:ya Apa itu teh?')).text).toContain(
      'Pencarian di web memerlukan biaya',
    );
    expect((await ann.ask('/ask What is tea?')).turn.state).toBe('delivered');
    expect(toolsOf(scene.requests().at(-1))).toBeUndefined();
  });
});

describe('a search of the web on Discord', () => {
  let scene: DiscordScene;
  beforeAll(async () => {
    scene = await openDiscordScene({ settings: { ...PAID_SETTINGS, MAX_TOKENS: '1000' } });
  });
  afterAll(async () => {
    expect(scene.discord.violations).toEqual([]);
    expect(ownFailures(await scene.records.errors())).toEqual([]);
    expect(await scene.records.wrongCounters()).toEqual([]);
    await scene.stop();
  });

  test('shows each source with its whole address, without a preview, and its price', async () => {
    const { ann, channel } = scene.ownGuild();
    const annotations = [
      cited('https://tea.example.org/leaves?kind=green&cup=1', 'All about *tea*'),
      cited('https://аpple.com/', '<@123> @everyone'),
    ];
    scene.openrouter.play(answer({ annotations }));
    const { text, turn, reply } = await scene.askBySlash(channel, ann, 'ask', {
      search: true,
      question: 'What is tea?',
    });
    expect(turn.answer?.text).toBe('Tea is a drink.');
    expect(text).toContain('🔎 *Searched the web* · $0.007');
    expect(text).toContain('tea.example.org <https://tea.example.org/leaves?kind=green&cup=1>');
    expect(text).toContain('xn--pple-43d.com <https://xn--pple-43d.com/>');
    expect(text).not.toMatch(/<@123>|\]\(/u);
    expect(reply).toHaveLength(1);
    expect(turn.usage[0]?.costNanoUsd).toBe(nanoUsd(scene.requests().at(-1)?.call.usage?.cost));
  });

  test('that fails is told so', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.openrouter.play({ kind: 'refusal', name: 'server-tool' });
    const values = { search: true, question: 'What is tea?' };
    const { text } = await scene.askBySlash(channel, ann, 'ask', values);
    expect(text).toContain('The search of the web failed, so I have not answered.');
  });
});
