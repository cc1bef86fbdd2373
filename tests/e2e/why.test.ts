import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimChannel } from '../simulators/discord/channel-handle.ts';
import type { SimUser as DiscordUser } from '../simulators/discord/handles.ts';
import type { SimChat } from '../simulators/telegram/handles.ts';
import type { SimUser } from '../simulators/telegram/world.ts';
import { anyKinds } from '../support/database.ts';
import { openDiscordScene, type DiscordScene } from '../support/discord-scene.ts';
import {
  nanoUsd,
  openScene,
  OTHER_FREE,
  OTHER_PAID,
  PAID,
  PAID_SETTINGS,
  stalling,
  type Scene,
} from '../support/scene.ts';
import { until } from '../support/until.ts';

const DOWN = { kind: 'refusal', name: 'overloaded' } as const;
const ownFailures = (errors: readonly { readonly area: string }[]) =>
  errors.filter(({ area }) => !area.startsWith('completion.'));

describe.each(anyKinds)('why an answer is as it is, on Telegram and a database of kind %s', (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ database: kind, settings: PAID_SETTINGS });
  });
  afterAll(async () => {
    expect(scene.telegram.violations).toEqual([]);
    expect(ownFailures(await scene.records.errors())).toEqual([]);
    await scene.stop();
  });

  const play = (text: string) => scene.openrouter.play({ kind: 'answer', text });
  /** Until then an answer that shows is not to be changed by a button. */
  const settled = (chat: { readonly id: number }) =>
    until(async () => {
      const turns = await scene.records.turnsIn(`telegram:${scene.telegram.bot.id}:${chat.id}`);
      return turns.every(({ isDelivered }) => isDelivered);
    });
  async function press(chat: SimChat, user: Pick<SimUser, 'id'>, action: string, below = -1) {
    const message = scene.said(chat).at(below);
    const button = message?.replyMarkup?.inline_keyboard
      .flat()
      .find((candidate) => 'callback_data' in candidate && candidate.callback_data.startsWith(`${action}:`));
    if (message === undefined || button === undefined || !('callback_data' in button))
      throw new Error(`There is no button "${action}".`);
    return await chat.press(user, message.id, button.callback_data);
  }
  const costIn = (text: string) => Number(/\$([\d.]+)/u.exec(text)?.[1] ?? Number.NaN);

  test('tells model, choice, tokens, cost, wait and payer of the newest answer', async () => {
    const ann = scene.person();
    scene.openrouter.play({ kind: 'answer', text: 'A drink.', cachedTokens: 3, reasoning: 'Hm, tea.' });
    const { turn } = await ann.ask('What is tea?');
    const told = await ann.command('/why');
    const [used] = turn.usage;
    expect(told.split('\n')[1]).toBe(`• Model: ${PAID}`);
    expect(turn.attempts[0]?.modelUsed).not.toBe(PAID);
    expect(told).toContain('Why this model: first in my order of models');
    expect(told).toContain(`Tokens: ${used?.promptTokens} read (3 from a cache), ${used?.completionTokens}`);
    expect(told).toMatch(/written \(\d+ while thinking\)/u);
    expect(nanoUsd(costIn(told))).toBe(used?.costNanoUsd);
    expect(told).toMatch(/Wait: first word after [\d.]+ seconds?, complete after [\d.]+ seconds?/u);
    expect(told).toContain('Paid by: my operator');
    expect(told).not.toContain('Tried');
    scene.openrouter.play({ kind: 'answer', text: 'Leaves.', reportedModel: 'acme/other`model' });
    await ann.ask('And what is it made of?');
    expect(await ann.command('/why')).toContain(`Model: ${PAID} was asked, acme/othermodel answered`);
  });

  test('tells which models failed before, and how; and that a free one costs nothing', async () => {
    const ann = scene.person();
    await ann.command(`/model use ${OTHER_FREE}`);
    await ann.command('/preferences fallback:on');
    scene.openrouter.play(DOWN, { model: OTHER_FREE });
    play('A drink.');
    await ann.ask('What is tea?');
    const instead = await ann.command('/why');
    expect(instead).toContain(`Why this model: stepped in for the chosen model, ${OTHER_FREE}`);
    expect(instead).toContain(`Tried without an answer\n• ${OTHER_FREE}: it was overloaded`);
    play('Leaves in water.');
    await ann.ask('What is it made of?');
    const chosen = await ann.command('/why');
    expect(chosen).toContain('Why this model: chosen by whoever asked');
    expect(chosen).toContain('Cost: free');
  });

  test('as a reply it explains that answer, or the answer to that question', async () => {
    const ann = scene.person();
    play('A drink.');
    const first = await ann.ask('What is tea?');
    await ann.command(`/model use ${OTHER_FREE}`);
    play('Another drink.');
    await ann.ask('What is coffee?');
    const ask = (replyTo: number) => scene.command(ann.chat, ann.user, '/why', { replyTo });
    expect(await ask(first.reply[0]?.id ?? 0)).toContain(PAID);
    expect(await ask(first.messageId)).toContain(PAID);
    expect(await ann.command('/why')).toContain(OTHER_FREE);
  });

  test('the button tells the gist in an alert, to anybody there, also after a restart', async () => {
    const [ann, bob] = [scene.person(), scene.person({ languageCode: 'id' })];
    const group = scene.telegram.group({ members: [ann.user, bob.user] });
    play('A drink.');
    const { turn } = await scene.ask(group, ann.user, '@parley_bot What is tea?');
    await scene.restart(PAID_SETTINGS);
    const told = await press(group, ann.user, 'why');
    expect(told.showAlert).toBe(true);
    expect(told.text).toMatch(/^openai\/gpt-6-luna.* · first in my order of models · [\d,]+ tokens · \$/u);
    expect(told.text?.length).toBeLessThanOrEqual(200);
    expect(nanoUsd(costIn(told.text ?? ''))).toBe(turn.usage[0]?.costNanoUsd);
    const toBob = await press(group, bob.user, 'why');
    expect(toBob.text).toContain('yang pertama dalam urutan model saya');
    expect(toBob.text).not.toContain('$');
    expect(scene.said(group)).toHaveLength(1);
    const aloud = await scene.command(group, ann.user, '/why@parley_bot');
    expect(aloud).toContain('Cost: not told where others read along');
    expect(aloud).not.toContain('$');
  });

  test('each version is explained by the turn that made it', async () => {
    const ann = scene.person();
    play('A drink.');
    await ann.ask('What is tea?');
    await ann.command(`/model use ${OTHER_FREE}`);
    play('Leaves in water.');
    await press(ann.chat, ann.user, 'regenerate', 0);
    await until(() => scene.said(ann.chat)[0]?.text === 'Leaves in water.');
    await settled(ann.chat);
    expect((await press(ann.chat, ann.user, 'why', 0)).text).toContain(OTHER_FREE.split('/')[0]);
    await press(ann.chat, ann.user, 'previous', 0);
    await until(() => scene.said(ann.chat)[0]?.text === 'A drink.');
    await settled(ann.chat);
    expect((await press(ann.chat, ann.user, 'why', 0)).text).toContain(PAID);
    scene.openrouter.play(DOWN, { times: 2 });
    await press(ann.chat, ann.user, 'regenerate', 0);
    await until(() => scene.said(ann.chat)[0]?.text.includes('The model you chose'));
    const shown = scene.said(ann.chat)[0]?.id ?? 0;
    const told = await scene.command(ann.chat, ann.user, '/why', { replyTo: shown });
    expect(told).toContain(PAID);
    expect(told).toContain('The last try to answer it once more failed');
  });

  test('what runs, failed, was stopped, was refused or never was is met with a sentence', async () => {
    const ann = scene.person();
    expect(await ann.command('/why')).toBe('I have not answered anything here yet.');
    scene.openrouter.play(stalling('It begins'));
    const running = ann.send('What is tea?');
    await until(() => scene.said(ann.chat).find(({ text }) => text.includes('It begins')));
    expect(await ann.command('/why')).toContain('still being written');
    await ann.command('/stop');
    const stopped = await scene.over(ann.chat, running);
    expect(await ann.command('/why')).toContain(`Model: ${PAID}`);
    expect(stopped.turn.state).toBe('cancelled');
    scene.openrouter.play(DOWN, { times: 9 });
    const failed = await ann.ask('And coffee?');
    const told = await ann.command('/why');
    expect(told).toContain('There is no answer to explain: no model could give one.');
    for (const { modelAsked } of failed.turn.attempts)
      expect(told).toContain(`${modelAsked}: it was overloaded`);
    expect(failed.turn.attempts.map(({ modelAsked }) => modelAsked)).toContain(OTHER_PAID);
    expect((await press(ann.chat, ann.user, 'why', -2)).text).toContain('no model could give one');
    scene.openrouter.reset();
    const notice = scene.said(ann.chat)[0]?.id ?? 0;
    expect(await scene.command(ann.chat, ann.user, '/why', { replyTo: notice })).toBe(
      'I have no record of that answer, or not any more.',
    );
  });

  test('a refusal and an answer whose record is gone are met with a sentence', async () => {
    const ann = scene.person();
    play('A secret.');
    const { turn, reply } = await ann.ask('What is the secret?');
    await scene.database.sql`
      update quota_subjects set limits = '{"requests_day": 1}'
      where subject_id = (select user_id from turns where id = ${turn.id})`;
    const refused = await ann.ask('And another one?');
    expect(refused.turn.refusal).toMatchObject({ reason: 'quota' });
    expect(await ann.command('/why')).toBe(refused.text);
    await scene.database.sql`delete from turns where id = ${turn.id}`;
    const gone = await scene.command(ann.chat, ann.user, '/why', { replyTo: reply[0]?.id ?? 0 });
    expect(gone).toBe('I have no record of that answer, or not any more.');
  });
});

describe('why an answer is as it is, on Discord', () => {
  let scene: DiscordScene;
  beforeAll(async () => {
    scene = await openDiscordScene({ settings: PAID_SETTINGS });
  });
  afterAll(async () => {
    expect(scene.discord.violations).toEqual([]);
    expect(ownFailures(await scene.records.errors())).toEqual([]);
    await scene.stop();
  });

  async function press(channel: SimChannel, user: DiscordUser, action: string) {
    const message = scene.said(channel).at(-1);
    const rows = (message?.components ?? []) as readonly {
      readonly components: readonly { readonly custom_id: string }[];
    }[];
    const button = rows.flatMap((row) => row.components).find(({ custom_id: id }) => id.startsWith(action));
    if (message === undefined || button === undefined) throw new Error(`There is no button "${action}".`);
    const invoked = channel.press(user, message.id, button.custom_id);
    await invoked.answer;
    return invoked.view().messages.at(-1);
  }

  test('the button tells everything to whoever presses, the cost to the asker and the admins alone', async () => {
    const { ann, guild, channel } = scene.ownGuild();
    const [bob, cid] = [scene.discord.user(), scene.discord.user()];
    for (const user of [bob, cid]) guild.join(user);
    scene.openrouter.play({ kind: 'answer', text: 'A drink.' });
    await scene.ask(channel, bob, 'What is tea?');
    const toAsker = await press(channel, bob, 'why');
    expect(toAsker?.content).toContain('**Why this answer**');
    expect(toAsker?.content).toMatch(/Cost: \$/u);
    expect((await press(channel, ann, 'why'))?.content).toMatch(/Cost: \$/u);
    const toOther = await press(channel, cid, 'why');
    expect(toOther?.content).toContain('Cost: told to whoever asked');
    expect(toOther?.content).not.toContain('$');
    expect(scene.said(channel)).toHaveLength(1);
  });

  test('the command tells it in private', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.openrouter.play(DOWN, { model: PAID });
    scene.openrouter.play({ kind: 'answer', text: 'A drink.' });
    await scene.ask(channel, ann, 'What is tea?');
    const told = await scene.slash(channel, ann, 'why');
    expect(told.content).toContain(`\`${PAID}\`: it was overloaded`);
    expect(told.content).toContain('stepped in where others could not answer');
    expect(scene.said(channel)).toHaveLength(1);
  });
});
