import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anyKinds } from '../support/database.ts';
import { openDiscordScene, type DiscordScene } from '../support/discord-scene.ts';
import {
  FREE,
  openScene,
  OTHER_FREE,
  OTHER_PAID,
  PAID,
  PAID_SETTINGS,
  type Person,
  type Scene,
} from '../support/scene.ts';
import { until } from '../support/until.ts';

/** The provider of the model is down, for one call. */
const DOWN = { kind: 'http', status: 502 } as const;

describe.each(anyKinds)('choosing a model on Telegram, on a database of kind %s', (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ database: kind, settings: PAID_SETTINGS });
  });
  afterAll(async () => {
    expect(scene.telegram.violations).toEqual([]);
    expect((await scene.records.errors()).filter(({ area }) => !area.startsWith('completion.'))).toEqual([]);
    await scene.stop();
  });

  const modelsAskedSince = (from: number) =>
    scene
      .requests()
      .slice(from)
      .map(({ model }) => model);
  const ask = async (person: Person, text = 'Which one are you?') => {
    const from = scene.requests().length;
    const { text: answer } = await person.ask(text);
    return { answer, models: modelsAskedSince(from) };
  };

  test('the list shows free ones first, and turns its pages in place', async () => {
    const ann = scene.person();
    const first = await ann.command('/model');
    expect(first).toMatch(/models, page 1 of \d/u);
    expect(first).toContain(FREE);
    expect(first).not.toContain('openrouter/auto');
    expect(first).toContain('🔧 uses tools · 🧠 can think before it answers');
    const message = scene.said(ann.chat).at(-1);
    const [button] = message?.replyMarkup?.inline_keyboard.flat() ?? [];
    expect(button).toMatchObject({
      text: expect.stringMatching(/^1\/\d ▶$/u),
      callback_data: '/model list page:2',
    });
    await ann.chat.press(ann.user, message?.id ?? 0, '/model list page:2');
    const second = await until(() => scene.said(ann.chat).find(({ text }) => text.includes('page 2 of')));
    expect(second.id).toBe(message?.id);
    expect(second.text).not.toContain(FREE);
    expect(scene.said(ann.chat)).toHaveLength(1);
  });

  test('whoever turns its page in a group reads nobody’s choice there', async () => {
    const [ann, bob] = [scene.person(), scene.person()];
    const chat = scene.telegram.group({ members: [ann.user, bob.user] });
    await scene.command(chat, ann.user, '/model');
    const list = scene.said(chat).at(-1);
    const id = list?.id ?? 0;
    await chat.press(bob.user, id, '/model list page:2');
    await until(() => scene.said(chat).find(({ text }) => text.includes('page 2 of')));
    expect(scene.said(chat)).toHaveLength(1);
    expect(scene.said(chat)[0]?.text).not.toContain('yours');
  });

  test('a filter and a search narrow it', async () => {
    const ann = scene.person();
    expect(await ann.command('/model list filter:free')).not.toContain(PAID);
    expect(await ann.command('/model search gemma')).toContain(FREE);
    expect(await ann.command('/model search gemma')).not.toContain(PAID);
    expect(await ann.command('/model search nothing is called so')).toContain('No model');
  });

  test('its details name what it costs, reads and writes', async () => {
    const ann = scene.person();
    const info = await ann.command(`/model info ${OTHER_PAID}`);
    expect(info).toContain(OTHER_PAID);
    expect(info).toContain('uses tools');
    expect(info).not.toMatch(/🖼|📄|🎧|🔧|🧠/u);
    expect(info).toMatch(/per million tokens: (?:from )?\$[\d.]+ read, \$[\d.]+ written/u);
    expect(await ann.command('/model info llama-99')).toContain('I know no model called llama-99');
    expect(await ann.command('/model info openrouter/auto')).toContain('Nobody can tell beforehand');
  });

  test('the chosen one answers, and it alone, until the choice is taken back', async () => {
    const ann = scene.person();
    expect((await ask(ann)).models).toEqual([PAID]);
    expect(await ann.command(`/model use ${OTHER_FREE}`)).toContain(`From now on ${OTHER_FREE} answers you`);
    expect((await ask(ann)).models).toEqual([OTHER_FREE]);
    scene.openrouter.play(DOWN);
    scene.openrouter.play(DOWN);
    const failed = await ask(ann);
    expect(new Set(failed.models)).toEqual(new Set([OTHER_FREE]));
    expect(failed.answer).toContain(`The model you chose, ${OTHER_FREE}, can’t answer at the moment`);
    await ann.command('/model reset');
    expect((await ask(ann)).models).toEqual([PAID]);
  });

  test('others step in where the person allows it', async () => {
    const ann = scene.person();
    await ann.command(`/model use ${FREE}`);
    expect(await ann.command('/preferences fallback:on')).toContain('Fallback: on');
    scene.openrouter.play(DOWN);
    expect((await ask(ann)).models).toEqual([FREE, PAID]);
    expect(await ann.command('/preferences')).toContain(FREE);
  });

  test('a person’s temperature and length of answers reach the model, within the operator’s bounds', async () => {
    const ann = scene.person();
    expect(await ann.command('/preferences temperature:0,2 max_tokens:300')).toContain('at most 300 tokens');
    await ann.ask('Hello?');
    expect(scene.requests().at(-1)?.call.body).toMatchObject({ temperature: 0.2, max_tokens: 300 });
    await ann.command('/preferences max_tokens:128000 temperature:default');
    await ann.ask('Hello?');
    expect(scene.requests().at(-1)?.call.body).toMatchObject({ temperature: 0.7, max_tokens: 20_000 });
    for (const wrong of ['temperature:9', 'temperature:hot', 'max_tokens:3']) {
      expect(await ann.command(`/preferences ${wrong}`)).toMatch(/number/u);
    }
    expect(await ann.command('/preferences reset:yes')).toContain('Length of answers: the usual one');
  });

  test('a name that is none, or that many have, is met with what may be meant', async () => {
    const ann = scene.person();
    expect(await ann.command('/model use nemotron')).toContain(OTHER_FREE);
    expect(await ann.command('/model use google')).toMatch(
      /I know no model called google|From now on google/u,
    );
    expect(await ann.command('/model use')).toContain('/model use needs something more');
    expect(await ann.command('/model sell')).toContain("I don't know /model sell");
  });

  test('what a group allows is all that answers there, whatever its members have chosen', async () => {
    const ann = scene.person();
    const chat = scene.telegram.group({ members: [ann.user], admins: [ann.user] });
    const command = (text: string) => scene.command(chat, ann.user, text);
    expect(await command('/settings models:free')).toContain('only free');
    await ann.command(`/model use ${OTHER_PAID}`);
    const from = scene.requests().length;
    const refused = await scene.ask(chat, ann.user, '@parley_bot Which one are you?');
    expect(modelsAskedSince(from)).toEqual([]);
    expect(refused.text).toContain(OTHER_PAID);
    await ann.command('/model reset');
    await scene.ask(chat, ann.user, '@parley_bot And now?');
    expect(modelsAskedSince(from)).toHaveLength(1);
    expect(modelsAskedSince(from)[0]).toMatch(/:free$|^openrouter\/free$/u);
    expect(await command(`/model info ${PAID}`)).toContain('not among the models that this community allows');
    expect(await command('/settings models:free;google')).toContain("I can't read");
    expect(await command('/settings models:nobody/*,free')).toContain('I know no model like nobody/*');
    expect(await command(`/settings models:${OTHER_PAID}`)).toContain(`only ${OTHER_PAID}`);
    const before = scene.requests().length;
    await scene.ask(chat, ann.user, '@parley_bot Who else?');
    expect(modelsAskedSince(before)).toEqual([OTHER_PAID]);
    expect(await command('/settings models:all')).toContain('Models: all');
  });
});

describe('choosing a model on Discord', () => {
  let scene: DiscordScene;
  beforeAll(async () => {
    scene = await openDiscordScene({ settings: PAID_SETTINGS });
  });
  afterAll(async () => {
    expect(scene.discord.violations).toEqual([]);
    expect((await scene.records.errors()).filter(({ area }) => !area.startsWith('completion.'))).toEqual([]);
    await scene.stop();
  });

  test('names are proposed while they are written, of those that the server allows', async () => {
    const { ann, channel } = scene.ownGuild();
    const names = async (written: string) =>
      (await channel.autocomplete(ann, 'model use', 'model', { model: written })).map(({ value }) => value);
    expect(await names('gemma')).toContain(FREE);
    expect(await names('gpt')).toContain(PAID);
    expect(await names('nothing is called so')).toEqual([]);
    await scene.slash(channel, ann, 'settings', { models: 'free' });
    expect(await names('gpt')).not.toContain(PAID);
    expect((await names('')).length).toBeLessThanOrEqual(25);
  });

  test('the chosen one answers; the list turns its pages in place', async () => {
    const ann = scene.discord.user();
    const { channel } = scene.guild([ann]);
    expect((await scene.slash(channel, ann, 'model use', { model: OTHER_FREE })).content).toContain(
      OTHER_FREE,
    );
    await scene.ask(channel, ann, 'Which one are you?');
    expect(scene.requests().at(-1)?.model).toBe(OTHER_FREE);
    const list = await scene.slash(channel, ann, 'model list');
    expect(list.content).toContain('page 1 of');
    expect(list.components).toMatchObject([{ components: [{ custom_id: '/model list page:2' }] }]);
    channel.press(ann, list.id, '/model list page:2');
    const turned = await until(() =>
      channel.ephemeral(ann).find(({ id, content }) => id === list.id && content.includes('page 2 of')),
    );
    expect(turned.components).toMatchObject([{ components: [{ label: '◀' }] }]);
  });
});
