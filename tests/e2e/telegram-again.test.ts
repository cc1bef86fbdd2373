import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimChat } from '../simulators/telegram/handles.ts';
import type { SimUser } from '../simulators/telegram/world.ts';
import { anyKinds } from '../support/database.ts';
import { actionsBelow, openScene, slowly, stalling, type Person, type Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** The shortest that the setting allows. */
const MAX_AGE_MS = 1000;

describe.each(anyKinds)('answers that are changed, on a database of kind %s', (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ database: kind });
  });
  afterAll(async () => {
    expect(scene.telegram.violations).toEqual([]);
    expect(await scene.records.holds()).toBe(0);
    expect(await scene.records.wrongCounters()).toEqual([]);
    expect((await scene.records.errors()).map(({ area }) => area)).toEqual(['completion.overloaded']);
    await scene.stop();
  });

  const asked = (question: string) =>
    scene.requests().filter(({ messages }) => messages.at(-1)?.content === question);
  const turnsOf = (chat: SimChat) => scene.records.turnsIn(`telegram:${scene.telegram.bot.id}:${chat.id}`);
  const settled = (chat: SimChat) =>
    until(async () => (await turnsOf(chat)).every(({ isDelivered }) => isDelivered));
  const labelsBelow = (chat: SimChat) =>
    scene
      .said(chat)
      .at(-1)
      ?.replyMarkup?.inline_keyboard.flat()
      .map(({ text }) => text);

  /** Presses the button of the last message that does this; resolves with what the presser is told. */
  async function press(chat: SimChat, user: Pick<SimUser, 'id'>, action: string) {
    const [message] = scene.said(chat).slice(-1);
    const button = message?.replyMarkup?.inline_keyboard
      .flat()
      .find((candidate) => 'callback_data' in candidate && candidate.callback_data.startsWith(`${action}:`));
    if (message === undefined || button === undefined || !('callback_data' in button))
      throw new Error(`There is no button "${action}".`);
    const { text } = await chat.press(user, message.id, button.callback_data);
    return text;
  }

  const reads = (chat: SimChat, ...texts: readonly string[]) =>
    until(() => JSON.stringify(scene.said(chat).map(({ text }) => text)) === JSON.stringify(texts));

  const play = (text: string) => scene.openrouter.play({ kind: 'answer', text });

  async function answered(question = 'What is tea?'): Promise<Person> {
    const ann = scene.person();
    play('A drink.');
    await ann.ask(question);
    return ann;
  }

  describe('pressing Again', () => {
    test('puts another answer in the place of the first, as its sibling', async () => {
      const ann = await answered();
      play('Leaves in water.');
      expect(await press(ann.chat, ann.user, 'regenerate')).toBe('Answering it again…');
      await reads(ann.chat, 'Leaves in water.');
      await settled(ann.chat);
      const [first, second] = await turnsOf(ann.chat);
      expect(second).toMatchObject({ cause: 'regenerate', state: 'delivered', question: first?.question });
      expect(second?.answer?.parentId).toBe(first?.question?.id);
      expect(first?.answer?.parentId).toBe(first?.question?.id);
      expect(asked('What is tea?')).toHaveLength(2);
      expect(labelsBelow(ann.chat)).toEqual(['🔄 Again', '◀', '2/2 ▶', '❔ Why?']);
    });

    test('lets people move between the versions, also after a restart, and go on from the one that shows', async () => {
      const ann = await answered('What is coffee?');
      play('Beans in water.');
      await press(ann.chat, ann.user, 'regenerate');
      await reads(ann.chat, 'Beans in water.');
      await settled(ann.chat);
      expect(await press(ann.chat, ann.user, 'previous')).toBe('');
      await reads(ann.chat, 'A drink.');
      expect(labelsBelow(ann.chat)).toEqual(['🔄 Again', '◀', '1/2 ▶', '❔ Why?']);
      await settled(ann.chat);
      await scene.restart();
      await press(ann.chat, ann.user, 'next');
      await reads(ann.chat, 'Beans in water.');
      await settled(ann.chat);
      await press(ann.chat, ann.user, 'next');
      await reads(ann.chat, 'A drink.');
      await settled(ann.chat);
      play('More.');
      await ann.ask('And then?');
      const request = scene
        .requests()
        .at(-1)
        ?.messages.map(({ content }) => content);
      expect(request?.slice(1)).toEqual(['What is coffee?', 'A drink.', 'And then?']);
    });

    test('keeps the answer that was there when the models fail', async () => {
      const ann = await answered('What is milk?');
      for (let times = 0; times < 4; times += 1)
        scene.openrouter.play({ kind: 'refusal', name: 'overloaded' });
      await press(ann.chat, ann.user, 'regenerate');
      const shown = await until(() =>
        scene.said(ann.chat).find(({ text }) => text.startsWith('A drink.\n\nNo model could answer')),
      );
      await settled(ann.chat);
      expect(scene.said(ann.chat)).toHaveLength(1);
      expect(actionsBelow(shown)).toContain('regenerate');
      expect(await turnsOf(ann.chat)).toMatchObject([{ state: 'delivered' }, { state: 'failed' }]);
    });

    test('twice at once makes one more answer', async () => {
      const ann = await answered('What is wine?');
      scene.openrouter.play(slowly(['Grapes', ' in a cup.'], 200));
      const told = await Promise.all([
        press(ann.chat, ann.user, 'regenerate'),
        press(ann.chat, ann.user, 'regenerate'),
      ]);
      expect(told.toSorted()).toEqual(['Answering it again…', 'This answer is being written at the moment.']);
      await reads(ann.chat, 'Grapes in a cup.');
      await settled(ann.chat);
      expect(await turnsOf(ann.chat)).toHaveLength(2);
    });

    test('is for the asker and admins: others are told so in private', async () => {
      const [ann, bob, root] = [scene.telegram.user(), scene.telegram.user(), scene.telegram.user()];
      const group = scene.telegram.group({ members: [ann, bob, root] });
      group.promote(root);
      play('A drink.');
      await scene.ask(group, ann, `@${scene.telegram.bot.username} What is beer?`);
      expect(await press(group, bob, 'regenerate')).toBe(
        'Only the person who asked or an admin can do that.',
      );
      play('Grain in water.');
      expect(await press(group, root, 'regenerate')).toBe('Answering it again…');
      await reads(group, 'Grain in water.');
      await settled(group);
      expect(await press(group, bob, 'previous')).toBe('Only the person who asked or an admin can do that.');
      expect(scene.said(group)).toHaveLength(1);
    });
  });

  describe('pressing Continue', () => {
    test('goes on with an answer that was stopped, in the same message', async () => {
      const ann = scene.person();
      scene.openrouter.play(stalling('Once upon'));
      ann.send('Tell me a story.');
      await until(() => scene.said(ann.chat).find(({ text }) => text.includes('Once upon')));
      expect(await press(ann.chat, ann.user, 'stop')).toBe('Stopping…');
      await reads(ann.chat, 'Once upon\n\n⏹️ Stopped.');
      await settled(ann.chat);
      play(' a time. The end.');
      expect(await press(ann.chat, ann.user, 'continue')).toBe('Going on…');
      await reads(ann.chat, 'Once upon a time. The end.');
      await settled(ann.chat);
      expect(actionsBelow(scene.said(ann.chat)[0])).toEqual(['regenerate', 'why']);
      const request = scene.requests().at(-1)?.messages;
      expect(request?.slice(-2)).toMatchObject([
        { role: 'assistant', content: 'Once upon' },
        { role: 'user', content: expect.stringContaining('Continue') as string },
      ]);
      play('Nothing.');
      await ann.ask('What happened then?');
      const next = scene
        .requests()
        .at(-1)
        ?.messages.map(({ content }) => content);
      expect(next?.slice(1)).toEqual([
        'Tell me a story.',
        'Once upon a time. The end.',
        'What happened then?',
      ]);
    });
  });

  describe('a question that its author changes', () => {
    test('is answered anew in place, and only what it says now is remembered', async () => {
      const ann = scene.person();
      play('About tea.');
      const { messageId } = await ann.ask('Tell me of tea');
      play('About coffee.');
      ann.chat.edit(ann.user, messageId, 'Tell me of coffee');
      await reads(ann.chat, 'About coffee.');
      await settled(ann.chat);
      expect(await turnsOf(ann.chat)).toMatchObject([
        { state: 'delivered', cause: 'message' },
        { state: 'delivered', cause: 'edit', usage: [{ requests: 1 }] },
      ]);
      play('Indeed.');
      await ann.ask('Really?');
      const request = scene
        .requests()
        .at(-1)
        ?.messages.map(({ content }) => content);
      expect(request?.slice(1)).toEqual(['Tell me of coffee', 'About coffee.', 'Really?']);
    });

    test('with the same text is not answered again', async () => {
      const ann = scene.person();
      const { messageId } = await ann.ask('Same?');
      const count = scene.requests().length;
      ann.chat.edit(ann.user, messageId, 'Same?');
      await ann.ask('Another');
      expect(scene.requests()).toHaveLength(count + 1);
    });

    test('while it is being answered stops that and is answered as it reads now, in one reply', async () => {
      const ann = scene.person();
      scene.openrouter.play(stalling('It begins'));
      const messageId = ann.send('First wording');
      await until(() => scene.said(ann.chat).find(({ text }) => text.includes('It begins')));
      play('For the second.');
      ann.chat.edit(ann.user, messageId, 'Second wording');
      await reads(ann.chat, 'For the second.');
      await settled(ann.chat);
      expect(await turnsOf(ann.chat)).toMatchObject([
        { state: 'superseded', answer: null, usage: [{ source: 'estimated' }] },
        { state: 'delivered', question: { text: 'Second wording' } },
      ]);
    });

    test('while it waits is answered once, as it reads when its turn comes', async () => {
      const ann = scene.person();
      scene.openrouter.play(slowly(['Slow', ' answer'], 400));
      ann.send('One');
      const waiting = ann.send('Two');
      await until(() => scene.turn(ann.chat, waiting));
      ann.chat.edit(ann.user, waiting, 'Two and a half');
      await until(() => scene.said(ann.chat).length === 2);
      await settled(ann.chat);
      expect(await turnsOf(ann.chat)).toMatchObject([
        { state: 'delivered' },
        { state: 'delivered', question: { text: 'Two and a half' } },
      ]);
      expect(asked('Two and a half')).toHaveLength(1);
    });

    test('for the sixth time stays as it was answered', async () => {
      const ann = scene.person();
      const { messageId } = await ann.ask('Version 0');
      for (let version = 1; version <= 5; version += 1) {
        play(`Answer ${version}`);
        ann.chat.edit(ann.user, messageId, `Version ${version}`);
        await reads(ann.chat, `Answer ${version}`);
        await settled(ann.chat);
      }
      const count = scene.requests().length;
      ann.chat.edit(ann.user, messageId, 'Version 6');
      await ann.ask('Another');
      expect(scene.requests()).toHaveLength(count + 1);
    });
  });

  describe('a message that waits', () => {
    test('is marked as seen until its answer begins', async () => {
      const ann = scene.person();
      scene.openrouter.play(stalling('Busy'));
      ann.send('First');
      await until(() => scene.said(ann.chat).length === 1);
      const waiting = ann.send('Second');
      const marks = () => ann.chat.messages().find(({ id }) => id === waiting)?.reactions;
      await until(() => marks()?.length === 1);
      expect(marks()).toEqual(['👀']);
      await press(ann.chat, ann.user, 'stop');
      await scene.over(ann.chat, waiting);
      await until(() => marks()?.length === 0);
    });

    /** Somebody whose second message waits, marked, behind one whose answer never ends. */
    async function marked() {
      const ann = scene.person();
      scene.openrouter.play(stalling('Busy'));
      const first = ann.send('First');
      await until(() => scene.said(ann.chat).length === 1);
      const waiting = ann.send('Second');
      const marks = () => ann.chat.messages().find(({ id }) => id === waiting)?.reactions;
      await until(() => marks()?.length === 1);
      return { ann, first, waiting, marks };
    }

    test('loses its mark when it has waited too long to be answered', async () => {
      await scene.restart({ SHUTDOWN_GRACE_MS: '300' });
      const { ann, waiting, marks } = await marked();
      await delay(MAX_AGE_MS);
      await scene.restart({ SHUTDOWN_GRACE_MS: '300', TURN_MAX_AGE_MS: String(MAX_AGE_MS) });
      expect((await scene.over(ann.chat, waiting)).turn.state).toBe('interrupted');
      await until(() => marks()?.length === 0);
    });

    test('loses its mark when the next process answers it', async () => {
      await scene.restart({ SHUTDOWN_GRACE_MS: '300' });
      const { ann, first, waiting, marks } = await marked();
      await scene.restart({});
      for (const message of [first, waiting])
        expect((await scene.over(ann.chat, message)).turn.state).toBe('delivered');
      await until(() => marks()?.length === 0);
    });
  });
});

describe('several messages in a row', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ burstMs: 10_000 });
  });
  afterAll(async () => {
    expect(await scene.records.holds()).toBe(0);
    expect(await scene.records.wrongCounters()).toEqual([]);
    await scene.stop();
  });

  const turnsOf = async (chat: SimChat) => {
    await until(async () => {
      const turns = await scene.records.turnsIn(`telegram:${scene.telegram.bot.id}:${chat.id}`);
      return turns.length > 0 && turns.every(({ isDelivered }) => isDelivered);
    });
    return await scene.records.turnsIn(`telegram:${scene.telegram.bot.id}:${chat.id}`);
  };

  test('are one question when nothing of the answer shows yet', async () => {
    const ann = scene.person();
    scene.openrouter.play({ kind: 'connection', event: 'stall' });
    ann.send('I have');
    await until(() => scene.requests().length > 0);
    ann.send('a question:');
    ann.send('what is tea?');
    const texts = () => scene.said(ann.chat).map(({ text }) => text);
    await until(() => texts().length === 1 && texts()[0]?.includes('what is tea?'));
    const turns = await turnsOf(ann.chat);
    expect(turns.map(({ state }) => state).toSorted()).toEqual(['delivered', 'merged', 'merged']);
    const request = scene
      .requests()
      .at(-1)
      ?.messages.map(({ content }) => content);
    expect(request?.slice(1)).toEqual(['I have', 'a question:', 'what is tea?']);
    expect(scene.said(ann.chat)).toHaveLength(1);
  });

  test('behind a busy answer are one question', async () => {
    const ann = scene.person();
    scene.openrouter.play(slowly(['A first', ' answer'], 300));
    ann.send('Begin');
    await until(() => scene.said(ann.chat).length === 1);
    for (const text of ['and', 'now', 'this']) ann.send(text);
    await until(() => scene.said(ann.chat).length === 2);
    const turns = await turnsOf(ann.chat);
    expect(turns.map(({ state }) => state)).toEqual(['delivered', 'delivered', 'merged', 'merged']);
    const request = scene
      .requests()
      .at(-1)
      ?.messages.map(({ content }) => content);
    expect(request?.slice(1)).toEqual(['Begin', 'A first answer', 'and', 'now', 'this']);
  });

  test('of different people are questions of their own', async () => {
    const [ann, bob] = [scene.telegram.user(), scene.telegram.user()];
    const group = scene.telegram.group({ members: [ann, bob] });
    await scene.command(group, ann, `/help@${scene.telegram.bot.username}`);
    const first = group.send(ann, `@${scene.telegram.bot.username} one`);
    const second = group.send(bob, `@${scene.telegram.bot.username} two`);
    const over = [await scene.over(group, first), await scene.over(group, second)];
    expect(over.map(({ turn }) => turn.state)).toEqual(['delivered', 'delivered']);
  });
});
