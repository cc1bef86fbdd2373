import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Update } from '@grammyjs/types';
import type { SimChat } from '../simulators/telegram/handles.ts';
import { anyKinds } from '../support/database.ts';
import {
  actionsBelow,
  nanoUsd,
  openScene,
  PAID_SETTINGS,
  slowly,
  stalling,
  type Scene,
} from '../support/scene.ts';
import { until } from '../support/until.ts';

describe.each(anyKinds)('on a database of kind %s', (kind) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ database: kind, settings: PAID_SETTINGS });
  });
  afterAll(async () => {
    expect(scene.telegram.violations).toEqual([]);
    expect(await scene.records.holds()).toBe(0);
    expect(await scene.records.wrongCounters()).toEqual([]);
    expect(await scene.records.errors()).toEqual([]);
    await scene.stop();
  });

  const lastRequest = () => scene.requests().at(-1);
  const heard = (text: string) =>
    scene.requests().filter(({ messages }) => contents(messages).includes(text));
  const showing = (chat: SimChat, text: string) =>
    until(() => scene.said(chat).find((message) => message.text.includes(text)));

  describe('a private message', () => {
    test('is answered by one reply that grows and ends as the model ended', async () => {
      const ann = scene.person();
      scene.openrouter.play(slowly(['Tea ', 'is **made** ', 'from ', '`leaves`', ' in ', 'hot ', 'water.']));
      const { text, reply } = await ann.ask('What is tea?');
      expect(text).toBe('Tea is made from leaves in hot water.');
      expect(reply).toHaveLength(1);
      expect(scene.said(ann.chat)).toHaveLength(1);
      const edits = callsTo(scene, ann.chat, 'editMessageText');
      expect(edits.length).toBeGreaterThan(2);
      expect(actionsBelow(reply[0])).toEqual(['regenerate', 'why']);
    });

    test('is stored as question and answer of a delivered turn, with the ids of its parts', async () => {
      const ann = scene.person();
      scene.openrouter.play({ kind: 'answer', text: 'First.' });
      const first = await ann.ask('one');
      scene.openrouter.play({ kind: 'answer', text: 'Second.' });
      const second = await ann.ask('two');
      expect(first.turn).toMatchObject({
        state: 'delivered',
        cause: 'message',
        question: { text: 'one', parentId: null },
        answer: { text: 'First.', parentId: first.turn.question?.id, partial: false },
        parts: [String(first.reply[0]?.id)],
      });
      expect(second.turn).toMatchObject({
        conversationId: first.turn.conversationId,
        question: { text: 'two', parentId: first.turn.answer?.id },
        answer: { text: 'Second.', parentId: second.turn.question?.id },
      });
    });

    test('costs exactly what the model service reported', async () => {
      const ann = scene.person();
      scene.openrouter.play({ kind: 'answer', text: 'It costs a little.', costUsd: '0.000123457' });
      const { turn } = await ann.ask('How much?');
      const { usage } = lastRequest()?.call ?? {};
      expect(turn.usage).toEqual([
        {
          provider: 'openrouter',
          requests: 1,
          promptTokens: usage?.prompt_tokens,
          completionTokens: usage?.completion_tokens,
          costNanoUsd: 123_457,
          source: 'reported',
        },
      ]);
      expect(nanoUsd(usage?.cost)).toBe(123_457);
    });

    test('counts in /usage and in /stats with the tokens and the money of the model service', async () => {
      const ann = scene.person();
      const from = scene.requests().length;
      for (const question of ['one', 'two', 'three']) await ann.ask(question);
      const { tokens, dollars } = total(scene, from);
      const usage = await ann.command('/usage');
      expect(usage).toContain(`Today: 3 messages, ${tokens} tokens, $${dollars}`);
      expect(usage).toContain(`This month: 3 messages, ${tokens} tokens, $${dollars}`);
      const stats = await ann.command('/stats');
      expect(stats).toContain(`3 messages from 1 person, ${tokens} tokens, $${dollars}`);
      expect(stats).toContain('3 answered, 0 failed');
    });

    test.for([
      ['right-to-left text', 'مرحبا بالعالم، ما هو الشاي؟'],
      ['emoji and joined ones', '👩‍👩‍👧‍👦🏳️‍🌈 what is 𝒕𝒆𝒂? 🫖'],
      ['a text as long as Telegram allows', `${'a long question '.repeat(255)}1234567890123456`],
      ['markup and a mention of everyone', '**bold** <b>x</b> @everyone `code` {"json": [1]} \\n'],
    ])('reaches the model as it was written: %s', async ([, question = '']) => {
      const ann = scene.person();
      scene.openrouter.play({ kind: 'answer', text: `Heard: ${question.slice(0, 40)}` });
      const { turn } = await ann.ask(question);
      expect(turn.question?.text).toBe(question);
      expect(lastRequest()?.messages.at(-1)?.content).toBe(question);
      expect(turn.answer?.text).toBe(`Heard: ${question.slice(0, 40)}`);
    });

    test.for([
      ['NUL characters', 'a\0b'],
      ['halves of characters', 'tea \ud83d and \udc00 more'],
      ['control characters', 'bell\u0007 and escape\u001b[31m'],
    ])('is answered although it holds %s', async ([, question = '']) => {
      const ann = scene.person();
      const { id } = ann.user;
      ann.send('hello');
      const messageId = 900_000 + Math.floor(Math.random() * 90_000);
      scene.telegram.pushUpdate({
        message: {
          message_id: messageId,
          from: { id, is_bot: false, first_name: 'Ann' },
          chat: { id, type: 'private', first_name: 'Ann' },
          date: Math.floor(Date.now() / 1000),
          text: question,
        },
      });
      const { turn } = await scene.over(ann.chat, messageId);
      expect(turn.state).toBe('delivered');
      expect(turn.question?.text.isWellFormed()).toBe(true);
      expect(turn.question?.text).not.toContain('\0');
    });

    test('is answered also when it begins with a whole answer of the bot', async () => {
      const ann = scene.person();
      scene.openrouter.play({
        kind: 'answer',
        text: 'Tea is a drink that is made from leaves in hot water. '.repeat(6),
      });
      const first = await ann.ask('What is tea?');
      expect((await ann.ask(first.text)).turn.state).toBe('delivered');
      expect((await ann.ask(`${first.text} Translate that, please.`)).turn.state).toBe('delivered');
    });

    test('is answered by one message even where nothing of the answer can be seen', async () => {
      const ann = scene.person();
      for (const text of ['```\n```', '#', '> ', '---', '[x]: https://example.org', '\u2060x\u2060']) {
        scene.openrouter.play({ kind: 'answer', text });
        const { reply, turn } = await ann.ask('And?');
        expect([turn.state, reply.length]).toEqual(['delivered', 1]);
      }
    });

    test('without any text is told that only text can be read', async () => {
      const ann = scene.person();
      const attachment = {
        kind: 'photo',
        name: 'x.jpg',
        mimeType: 'image/jpeg',
        content: Buffer.from('x'),
      } as const;
      const { text, turn } = await ann.ask('', { attachment });
      expect(text).toContain('I can read text only');
      expect(turn).toMatchObject({ state: 'refused', refusal: { reason: 'empty_message' }, attempts: [] });
      const captioned = await ann.ask('What is this?', { attachment });
      expect(captioned.turn).toMatchObject({ state: 'delivered', question: { text: 'What is this?' } });
    });
  });

  describe('a group', () => {
    test('hears an answer to whoever mentions the bot, as a reply to the question', async () => {
      const [ann, ben] = [scene.person({ firstName: 'Ann' }), scene.person({ firstName: 'Ben' })];
      const chat = scene.telegram.group({ members: [ann.user, ben.user] });
      scene.openrouter.play({ kind: 'answer', text: 'Tea is a drink.' });
      const { reply, turn, messageId } = await scene.ask(chat, ann.user, '@parley_bot What is tea?');
      expect(reply).toMatchObject([{ text: 'Tea is a drink.', replyTo: messageId }]);
      expect(turn.question?.text).toBe('What is tea?');
      expect(lastRequest()?.messages.at(-1)?.content).toBe('Ann: What is tea?');
      const count = scene.requests().length;
      chat.send(ben.user, 'I like coffee.');
      chat.send(ben.user, '@somebody_else What about you?');
      await scene.ask(chat, ben.user, 'And coffee, @Parley_Bot?');
      expect(scene.requests()).toHaveLength(count + 1);
      expect(scene.said(chat)).toHaveLength(2);
    });

    test('continues a chain with its history for everybody who replies to the bot', async () => {
      const [ann, ben] = [scene.person({ firstName: 'Ann' }), scene.person({ firstName: 'Ben' })];
      const chat = scene.telegram.group({ members: [ann.user, ben.user] });
      const first = await scene.ask(chat, ann.user, '@parley_bot the first question');
      const second = await scene.ask(chat, ann.user, 'the second question', {
        replyTo: first.reply[0]?.id ?? 0,
      });
      const third = await scene.ask(chat, ben.user, 'the third question', {
        replyTo: second.reply[0]?.id ?? 0,
      });
      expect(new Set([first, second, third].map(({ turn }) => turn.conversationId)).size).toBe(1);
      expect(lastRequest()?.messages.slice(1)).toEqual([
        { role: 'user', content: 'Ann: the first question' },
        { role: 'assistant', content: first.turn.answer?.text },
        { role: 'user', content: 'Ann: the second question' },
        { role: 'assistant', content: second.turn.answer?.text },
        { role: 'user', content: 'Ben: the third question' },
      ]);
    });

    test('answers whoever quotes a whole answer and adds a question', async () => {
      const ann = scene.person();
      const chat = scene.telegram.group({ members: [ann.user] });
      const story = 'Tea is a drink that is made from leaves in hot water. '.repeat(6);
      scene.openrouter.play({ kind: 'answer', text: story });
      const first = await scene.ask(chat, ann.user, '@parley_bot tea?');
      const second = await scene.ask(chat, ann.user, `${first.text} @parley_bot Translate that, please.`);
      expect(second.turn.state).toBe('delivered');
    });

    test('branches where somebody replies to an earlier answer', async () => {
      const ann = scene.person({ firstName: 'Ann' });
      const chat = scene.telegram.group({ members: [ann.user] });
      const first = await scene.ask(chat, ann.user, '@parley_bot root question');
      await scene.ask(chat, ann.user, 'one branch', { replyTo: first.reply[0]?.id ?? 0 });
      await scene.ask(chat, ann.user, 'other branch', { replyTo: first.reply[0]?.id ?? 0 });
      expect(contents(lastRequest()?.messages ?? [])).toContain('root question');
      expect(contents(lastRequest()?.messages ?? [])).not.toContain('one branch');
    });

    test('keeps two chains apart, and other groups', async () => {
      const [ann, ben] = [scene.person({ firstName: 'Ann' }), scene.person({ firstName: 'Ben' })];
      const chat = scene.telegram.group({ members: [ann.user, ben.user] });
      const other = scene.telegram.group({ members: [ann.user] });
      const secret = await scene.ask(chat, ann.user, '@parley_bot the password is marzipan');
      await scene.ask(chat, ben.user, '@parley_bot what is the password?');
      await scene.ask(chat, ann.user, '@parley_bot and in a new chain?');
      await scene.ask(other, ann.user, '@parley_bot do you know it here?');
      await ann.ask('or in private?');
      expect(heard('marzipan')).toHaveLength(1);
      await scene.ask(chat, ben.user, 'and in that chain?', { replyTo: secret.reply[0]?.id ?? 0 });
      expect(heard('marzipan')).toHaveLength(2);
    });

    test('that is a forum gets the answer in the topic of the question', async () => {
      const ann = scene.person();
      const chat = scene.telegram.group({ members: [ann.user], forum: true });
      const topicId = chat.createTopic(ann.user, 'Tea');
      const inTopic = await scene.ask(chat, ann.user, '@parley_bot in the topic', { topicId });
      expect(inTopic.reply).toMatchObject([{ topicId, replyTo: inTopic.messageId }]);
      const inGeneral = await scene.ask(chat, ann.user, '@parley_bot in general');
      expect(inGeneral.reply[0]?.topicId).toBeUndefined();
      const said = await scene.command(chat, ann.user, '/help@parley_bot', { topicId });
      expect(said).toContain('/usage');
      expect(scene.said(chat).at(-1)?.topicId).toBe(topicId);
      expect(inTopic.turn.place).not.toBe(inGeneral.turn.place);
    });

    test('shows its figures to its admins and to nobody else', async () => {
      const [ann, boss] = [scene.person({ firstName: 'Ann' }), scene.person({ firstName: 'Boss' })];
      const chat = scene.telegram.group({ title: 'Tea *lovers*', members: [ann.user], admins: [boss.user] });
      const from = scene.requests().length;
      await scene.ask(chat, ann.user, '@parley_bot one');
      await scene.ask(chat, ann.user, '@parley_bot two');
      await scene.ask(chat, boss.user, '@parley_bot three');
      const { tokens, dollars } = total(scene, from);
      await ann.ask('a private question is no business of the group');
      expect(await scene.command(chat, ann.user, '/stats')).toBe(
        '/stats is for those who manage this community.',
      );
      const stats = await scene.command(chat, boss.user, '/stats@parley_bot');
      expect(stats).toContain('Tea *lovers*, last 30 days');
      expect(stats).toContain(`3 messages from 2 people, ${tokens} tokens, $${dollars}`);
      expect(stats).toContain('3 answered, 0 failed');
      expect(stats).toContain('Ann: 2 messages');
      expect(stats).toContain('Boss: 1 message,');
      expect(await scene.command(chat, boss.user, '/stats 7')).toContain('last 7 days');
      expect(await scene.command(chat, boss.user, '/stats', { anonymous: true })).toContain('3 answered');
    });

    test('lets those who manage it choose what a conversation is, and nobody else', async () => {
      const [ann, boss] = [scene.person({ firstName: 'Ann' }), scene.person({ firstName: 'Boss' })];
      const chat = scene.telegram.group({ members: [ann.user], admins: [boss.user] });
      expect(await scene.command(chat, ann.user, '/settings@parley_bot channel')).toBe(
        '/settings is for those who manage this community.',
      );
      const shown = await scene.command(chat, boss.user, '/settings@parley_bot');
      expect(shown).toContain('Conversations: chain');
      expect(shown).toContain('/settings and one of these: chain, thread, channel');
      const changed = await scene.command(chat, boss.user, '/settings@parley_bot channel');
      expect(changed).toContain('Conversations: channel – each channel is one conversation');
      await scene.ask(chat, ann.user, '@parley_bot one');
      await scene.ask(chat, boss.user, '@parley_bot two');
      expect(contents(lastRequest()?.messages ?? [])).toContain('one');
      expect(await scene.command(chat, boss.user, '/settings@parley_bot sideways')).toContain(
        'It should be chain, thread or channel.',
      );
      expect(await ann.command('/settings')).toBe('/settings works in groups and servers only.');
    });

    test.for([
      ['/stats abc', "I can't read days of /stats. It should be a whole number. Nothing was changed."],
      ['/stats 0', "I can't read days of /stats. It should be 1–90. Nothing was changed."],
      ['/stats 91', "I can't read days of /stats. It should be 1–90. Nothing was changed."],
      ['/stats 7 8', '/stats does not take “8”.'],
      ['/ask', '/ask needs something more: please add question (question).'],
      ['/he', "I don't know the command /he. Did you mean /help? /help lists what I can do."],
      ['/zzz', "I don't know the command /zzz. /help lists what I can do."],
    ])('hears what is wrong with %s', async ([command = '', sentence = '']) => {
      const boss = scene.person();
      const chat = scene.telegram.group({ admins: [boss.user] });
      const [name, ...rest] = command.split(' ');
      const addressed = [`${name}@parley_bot`, ...rest].join(' ');
      expect(await scene.command(chat, boss.user, addressed)).toBe(sentence);
    });

    test('is answered by /ask, with and without the name of the bot', async () => {
      const ann = scene.person({ firstName: 'Ann' });
      const chat = scene.telegram.group({ members: [ann.user] });
      for (const command of ['/ask', '/ask@parley_bot']) {
        const { turn, reply, messageId } = await scene.ask(chat, ann.user, `${command} What is tea?`);
        expect(turn).toMatchObject({
          cause: 'command',
          state: 'delivered',
          question: { text: 'What is tea?' },
        });
        expect(reply).toMatchObject([{ replyTo: messageId }]);
      }
      const count = scene.requests().length;
      chat.send(ann.user, '/ask@another_bot What is tea?');
      chat.send(ann.user, '/help@another_bot');
      await scene.ask(chat, ann.user, '/ask And this?');
      expect(scene.requests()).toHaveLength(count + 1);
    });
  });

  describe('the language', () => {
    test('of what the bot says itself is that of the reader', async () => {
      const budi = scene.person({ languageCode: 'id', firstName: 'Budi' });
      expect(await budi.command('/help')).toContain('Perintah ini juga bisa dipakai');
      expect(await budi.command('/start')).toContain('Halo Budi!');
      expect(await budi.command('/usage')).toContain('Pemakaianmu');
      const attachment = {
        kind: 'photo',
        name: 'x.jpg',
        mimeType: 'image/jpeg',
        content: Buffer.from('x'),
      } as const;
      expect((await budi.ask('', { attachment })).text).toContain('Saya hanya bisa membaca teks');
      scene.openrouter.play(stalling('Teh adalah'));
      const messageId = budi.send('Apa itu teh?');
      const message = await showing(budi.chat, 'Teh adalah');
      expect(message.replyMarkup?.inline_keyboard[0]?.[0]?.text).toBe('⏹ Hentikan');
      expect(await budi.command('/stop')).toBe('⏹️ Menghentikan 1 jawaban.');
      expect((await scene.over(budi.chat, messageId)).text).toBe('Teh adalah\n\n⏹️ Dihentikan.');
    });

    test('is English where the reader speaks none of ours', async () => {
      expect(await scene.person({ languageCode: 'fr' }).command('/help')).toContain(
        'These commands work too',
      );
    });
  });

  describe('the order', () => {
    test('of quick messages in one chat is kept: one at a time, each answered once', async () => {
      const ann = scene.person();
      for (const text of ['Answer 1', 'Answer 2', 'Answer 3']) scene.openrouter.play(slowly([text, '.'], 40));
      const ids = ['Question 1', 'Question 2', 'Question 3'].map((text) => ann.send(text));
      const asked = [];
      for (const id of ids) asked.push(await scene.over(ann.chat, id));
      expect(asked.map(({ text }) => text)).toEqual(['Answer 1.', 'Answer 2.', 'Answer 3.']);
      expect(asked.map(({ turn }) => turn.epoch)).toEqual([1, 1, 1]);
      expect(scene.said(ann.chat).map(({ text, replyTo }) => [text, replyTo])).toEqual([
        ['Answer 1.', ids[0]],
        ['Answer 2.', ids[1]],
        ['Answer 3.', ids[2]],
      ]);
      // Each model read the answer before it, so none began before the one before had ended.
      expect(
        lastRequest()
          ?.messages.slice(1)
          .map(({ content }) => content),
      ).toEqual(['Question 1', 'Answer 1.', 'Question 2', 'Answer 2.', 'Question 3']);
    });

    test('does not make one chat wait for another', async () => {
      const [ann, ben] = [scene.person(), scene.person()];
      scene.openrouter.play(stalling('A long story'));
      const waiting = ann.send('Tell me a long story');
      await showing(ann.chat, 'A long story');
      const quick = await ben.ask('Quick?');
      expect(quick.turn.state).toBe('delivered');
      expect((await scene.turn(ann.chat, waiting))?.state).toBe('running');
      await ann.command('/stop');
      await scene.over(ann.chat, waiting);
    });
  });

  test('of four answers to one person three are written at once, the fourth after them', async () => {
    const ann = scene.person();
    const chats = Array.from({ length: 4 }, () => scene.telegram.group({ members: [ann.user] }));
    for (const _chat of chats) scene.openrouter.play(stalling('The beginning'));
    const count = scene.requests().length;
    const ids = chats.map((chat) => chat.send(ann.user, '@parley_bot a story'));
    for (const [index, chat] of chats.entries()) await until(() => scene.turn(chat, ids[index] ?? 0));
    await until(() => scene.requests().length === count + 3);
    const waiting = chats.find((chat) => scene.said(chat).length === 0);
    for (const chat of chats.filter((other) => other !== waiting)) {
      await showing(chat, 'The beginning');
      await scene.command(chat, ann.user, '/stop');
    }
    if (waiting !== undefined) await showing(waiting, 'The beginning');
    expect(scene.requests()).toHaveLength(count + 4);
    if (waiting !== undefined) await scene.command(waiting, ann.user, '/stop');
    for (const [index, chat] of chats.entries()) {
      expect((await scene.over(chat, ids[index] ?? 0)).turn.state).toBe('cancelled');
    }
  });

  describe('a message that is delivered again', () => {
    test('makes no second turn, reply or request, also after a restart', async () => {
      const ann = scene.person();
      const { messageId } = await ann.ask('Only once, please');
      const count = scene.requests().length;
      const again = {
        message: {
          message_id: messageId,
          from: { id: ann.user.id, is_bot: false, first_name: 'Ann' },
          chat: { id: ann.user.id, type: 'private', first_name: 'Ann' },
          date: Math.floor(Date.now() / 1000),
          text: 'Only once, please',
        },
      };
      scene.telegram.pushUpdate(again);
      scene.telegram.pushUpdate(again);
      await ann.ask('something else');
      await scene.restart(PAID_SETTINGS);
      scene.telegram.pushUpdate(again);
      await ann.ask('and something more');
      expect(scene.requests()).toHaveLength(count + 2);
      expect(scene.said(ann.chat).filter(({ replyTo }) => replyTo === messageId)).toHaveLength(1);
      expect(await scene.records.turnsIn(`telegram:${scene.telegram.bot.id}:${ann.chat.id}`)).toHaveLength(3);
    });

    test('because the bot ended before it could confirm it is answered once', async () => {
      const ann = scene.person();
      const count = scene.requests().length;
      await ann.command('/help');
      // The poll that would confirm gets no answer, and neither does the last word of the bot.
      scene.telegram.fault('getUpdates', { kind: 'hang' });
      scene.telegram.fault('getUpdates', { kind: 'error', code: 502, description: 'Bad Gateway' });
      const messageId = ann.send('Hello?');
      await scene.over(ann.chat, messageId);
      const pending = () =>
        scene.telegram.unconfirmed().filter((update: Update) => update.message?.message_id === messageId);
      expect(pending()).toHaveLength(1);
      await scene.restart(PAID_SETTINGS);
      await until(() => pending().length === 0);
      expect(scene.requests()).toHaveLength(count + 1);
      expect(scene.said(ann.chat).filter(({ replyTo }) => replyTo === messageId)).toHaveLength(1);
    });
  });

  describe('stopping', () => {
    test('by /stop keeps the text so far, marks it and settles what it took', async () => {
      const ann = scene.person();
      scene.openrouter.play(stalling('The beginning'));
      const messageId = ann.send('Tell me a story');
      await showing(ann.chat, 'The beginning');
      expect(await ann.command('/stop')).toBe('⏹️ Stopping 1 answer.');
      const { turn, text, reply } = await scene.over(ann.chat, messageId);
      expect(text).toBe('The beginning\n\n⏹️ Stopped.');
      expect(actionsBelow(reply[0])).toEqual(['continue', 'regenerate', 'why']);
      expect(turn).toMatchObject({
        state: 'cancelled',
        answer: { text: 'The beginning', partial: true },
        attempts: [{ outcome: 'cancelled' }],
        usage: [{ requests: 1, source: 'estimated' }],
      });
      expect(turn.usage[0]?.costNanoUsd).toBeGreaterThan(0);
      await until(() => lastRequest()?.call.cancelled);
      expect(await ann.command('/stop')).toBe('There is nothing to stop.');
      await ann.ask('Go on');
      expect(contents(lastRequest()?.messages ?? [])).toContain('The beginning');
    });

    test('before there is any text leaves one short sentence', async () => {
      const ann = scene.person();
      scene.openrouter.play({ kind: 'connection', event: 'stall' });
      const messageId = ann.send('Hello?');
      await until(() => heard('Hello?').at(-1)?.call.status === undefined && heard('Hello?').length > 0);
      await ann.command('/stop');
      const { turn, text } = await scene.over(ann.chat, messageId);
      expect(text).toBe('⏹️ Stopped.');
      expect(turn).toMatchObject({ state: 'cancelled', answer: null });
    });

    test('by /stop ends what waits in line as well', async () => {
      const ann = scene.person();
      scene.openrouter.play(stalling('The beginning'));
      const ids = ['one', 'two', 'three'].map((text) => ann.send(text));
      await showing(ann.chat, 'The beginning');
      await until(async () => (await scene.turn(ann.chat, ids[2] ?? 0)) !== null);
      expect(await ann.command('/stop')).toBe('⏹️ Stopping 3 answers.');
      const states = [];
      for (const id of ids) states.push((await scene.over(ann.chat, id)).turn.state);
      expect(states).toEqual(['cancelled', 'cancelled', 'cancelled']);
      expect((await ann.ask('four')).turn.state).toBe('delivered');
    });

    test('by the button works for the person who asked and for admins, and is refused to others', async () => {
      const [ann, ben, boss] = [scene.person(), scene.person(), scene.person()];
      const chat = scene.telegram.group({ members: [ann.user, ben.user], admins: [boss.user] });
      for (const presser of [ann, boss]) {
        scene.openrouter.play(stalling('The beginning'));
        const messageId = chat.send(ann.user, '@parley_bot a story');
        const message = await until(() => scene.said(chat).find(({ replyTo }) => replyTo === messageId));
        const button = message.replyMarkup?.inline_keyboard[0]?.[0];
        expect(button?.text).toBe('⏹ Stop');
        const data = button !== undefined && 'callback_data' in button ? button.callback_data : '';
        const refused = await chat.press(ben.user, message.id, data);
        expect(refused.text).toBe('Only the person who asked or an admin can do that.');
        expect((await scene.turn(chat, messageId))?.state).toBe('running');
        expect((await chat.press(presser.user, message.id, data)).text).toBe('Stopping…');
        const { turn, text } = await scene.over(chat, messageId);
        expect([turn.state, text]).toEqual(['cancelled', 'The beginning\n\n⏹️ Stopped.']);
      }
    });

    test('by /stop in a group leaves the answers to others alone', async () => {
      const [ann, ben] = [scene.person(), scene.person()];
      const chat = scene.telegram.group({ members: [ann.user, ben.user] });
      scene.openrouter.play(stalling('The beginning'));
      const messageId = chat.send(ann.user, '@parley_bot a story');
      await showing(chat, 'The beginning');
      expect(await scene.command(chat, ben.user, '/stop')).toBe('There is nothing to stop.');
      expect(await scene.command(chat, ann.user, '/stop')).toBe('⏹️ Stopping 1 answer.');
      expect((await scene.over(chat, messageId)).turn.state).toBe('cancelled');
    });

    test('and /new begins without history', async () => {
      const ann = scene.person();
      const before = await ann.ask('Remember marmalade');
      expect(await ann.command('/new')).toContain('A fresh conversation');
      const after = await ann.ask('What do you remember?');
      expect(contents(lastRequest()?.messages ?? [])).not.toContain('marmalade');
      expect(after.turn.conversationId).not.toBe(before.turn.conversationId);
      await ann.ask('And now?');
      expect(contents(lastRequest()?.messages ?? [])).toContain('What do you remember?');
    });
  });

  describe('a long answer', () => {
    test('comes in parts without losing a word or a line of code', async () => {
      const ann = scene.person();
      scene.openrouter.play({ kind: 'answer', text: LONG.markdown, tokensPerSecond: 4000 });
      const { reply, turn, text } = await ann.ask('Tell me everything');
      expect(LONG.markdown.length).toBeGreaterThan(10_000);
      expect(reply.length).toBeGreaterThan(2);
      expect(turn.parts).toEqual(reply.map(({ id }) => String(id)));
      expect(scene.said(ann.chat)).toHaveLength(reply.length);
      for (const part of reply) expect(Array.from(part.text).length).toBeLessThanOrEqual(4096);
      expect(words(text)).toBe(words(LONG.plain));
      expect(codeOf(reply)).toBe(LONG.code);
      expect(turn.answer?.text).toBe(LONG.markdown);
    });

    test('has only its first part tied to the question, and only its last with buttons', async () => {
      const ann = scene.person();
      scene.openrouter.play({ kind: 'answer', text: LONG.markdown });
      const { reply, messageId } = await ann.ask('Tell me everything');
      expect(reply.map(({ replyTo }) => replyTo)).toEqual([
        messageId,
        ...reply.slice(1).map(() => undefined),
      ]);
      expect(reply.map(actionsBelow)).toEqual([...reply.slice(1).map(() => []), ['regenerate', 'why']]);
    });

    test('is not asked for anew when somebody replies to one of its parts', async () => {
      const ann = scene.person({ firstName: 'Ann' });
      const chat = scene.telegram.group({ members: [ann.user] });
      scene.openrouter.play({ kind: 'answer', text: LONG.markdown });
      const { reply, turn } = await scene.ask(chat, ann.user, '@parley_bot Tell me everything');
      const next = await scene.ask(chat, ann.user, 'Explain this part', { replyTo: reply.at(-1)?.id ?? 0 });
      expect(next.turn).toMatchObject({
        conversationId: turn.conversationId,
        question: { parentId: turn.answer?.id },
      });
    });
  });

  describe('what a model writes', () => {
    test('stays text: mentions, commands, markup and links do nothing', async () => {
      const ann = scene.person();
      const chat = scene.telegram.group({ members: [ann.user] });
      const written =
        'Hello @everyone and @ann, use /stop or /new@parley_bot now <b>x</b> [https://bank.example](https://evil.example/x) tg://user?id=1';
      scene.openrouter.play(slowly([written]));
      const { text } = await scene.ask(chat, ann.user, '@parley_bot trick us');
      expect(text).toContain('Hello @everyone and @ann, use /stop or /new@parley_bot now <b>x</b>');
      expect(text).toContain('evil.example');
      for (const { params } of callsTo(scene, chat, 'sendMessage', 'editMessageText')) {
        const entities = (params['entities'] ?? []) as { type: string; url?: string }[];
        expect(entities.filter(({ type }) => /mention|command/.test(type))).toEqual([]);
        expect(entities.filter(({ url }) => url?.startsWith('tg:'))).toEqual([]);
      }
    });

    test('is never sent with a parse mode, and never with a preview of its links', () => {
      const calls = scene.telegram.calls.filter(({ method }) =>
        /^(sendMessage|editMessageText)$/.test(method),
      );
      expect(calls.length).toBeGreaterThan(50);
      for (const { params } of calls) {
        expect(params).not.toHaveProperty('parse_mode');
        expect(params['link_preview_options']).toEqual({ is_disabled: true });
      }
    });
  });

  describe.runIf(kind === 'embedded')('with privacy mode off', () => {
    test('a group is still answered only where the bot is meant', async () => {
      const seeingAll = await openScene({ database: scene.database, telegram: { privacyMode: false } });
      onTestFinished(() => seeingAll.stop());
      const [ann, ben] = [seeingAll.person(), seeingAll.person()];
      const chat = seeingAll.telegram.group({ members: [ann.user, ben.user] });
      for (const text of ['good morning', 'who made tea?', '/somebodyelses command', '@other_bot hi'])
        chat.send(ben.user, text);
      const asked = await seeingAll.ask(chat, ann.user, '@parley_bot who made tea?');
      chat.send(ben.user, 'I did', { replyTo: asked.messageId });
      await seeingAll.ask(chat, ben.user, 'really?', { replyTo: asked.reply[0]?.id ?? 0 });
      expect(seeingAll.said(chat)).toHaveLength(2);
      expect(seeingAll.requests()).toHaveLength(2);
      expect(await seeingAll.records.turnsIn(`telegram:${seeingAll.telegram.bot.id}:`)).toHaveLength(2);
    });
  });

  describe('with native drafts', () => {
    beforeAll(async () => {
      await scene.restart({ TELEGRAM_STREAMING: 'draft' });
    });

    test('an answer grows as a draft and ends as exactly one message', async () => {
      const ann = scene.person();
      scene.openrouter.play(slowly(['Tea ', 'is **made** ', 'from ', 'leaves.']));
      const { text, turn } = await ann.ask('What is tea?');
      expect(text).toBe('Tea is made from leaves.');
      expect(turn.state).toBe('delivered');
      expect(callsTo(scene, ann.chat, 'sendMessageDraft').length).toBeGreaterThan(2);
      expect(callsTo(scene, ann.chat, 'sendMessage')).toHaveLength(1);
      expect(ann.chat.drafts()).toEqual([]);
      expect(scene.telegram.ghosts()).toEqual([]);
    });

    test('the Stop button of a draft ends it with what was there', async () => {
      const ann = scene.person();
      scene.openrouter.play(stalling('The beginning'));
      const messageId = ann.send('A story');
      await until(() => ann.chat.drafts().some(({ text }) => text === 'The beginning'));
      ann.chat.stopDraft();
      const { text, turn } = await scene.over(ann.chat, messageId);
      expect([turn.state, text]).toEqual(['cancelled', 'The beginning\n\n⏹️ Stopped.']);
      expect(scene.said(ann.chat)).toHaveLength(1);
      expect(ann.chat.drafts()).toEqual([]);
      expect(scene.telegram.ghosts()).toEqual([]);
    });

    test('a long answer leaves its parts once each, in order', async () => {
      const ann = scene.person();
      scene.openrouter.play({ kind: 'answer', text: LONG.markdown, tokensPerSecond: 4000 });
      const { text, reply } = await ann.ask('Everything');
      expect(words(text)).toBe(words(LONG.plain));
      expect(scene.said(ann.chat)).toHaveLength(reply.length);
      expect(ann.chat.drafts()).toEqual([]);
      expect(scene.telegram.ghosts()).toEqual([]);
    });

    test('a group, which has no drafts, gets edited messages', async () => {
      const ann = scene.person();
      const chat = scene.telegram.group({ members: [ann.user] });
      scene.openrouter.play(slowly(['Tea ', 'is ', 'hot.']));
      expect((await scene.ask(chat, ann.user, '@parley_bot tea?')).text).toBe('Tea is hot.');
      expect(callsTo(scene, chat, 'sendMessageDraft')).toEqual([]);
    });
  });

  describe.runIf(kind === 'embedded')("at the pace that suits Telegram's limits", () => {
    test('nothing is refused while answers grow in a private chat and in a group', async () => {
      const paced = await openScene({
        database: scene.database,
        telegram: { enforceRates: true },
        telegramPace: {},
      });
      onTestFinished(() => paced.stop());
      const ann = paced.person();
      const chat = paced.telegram.group({ members: [ann.user] });
      const answer = slowly(
        Array.from({ length: 40 }, (_, word) => `word${word} `),
        100,
      );
      paced.openrouter.play(answer, { times: 3 });
      const ids = [
        ann.send('one'),
        chat.send(ann.user, '@parley_bot two'),
        chat.send(ann.user, '@parley_bot three'),
      ];
      const asked = [];
      for (const [index, id] of ids.entries())
        asked.push(await paced.over(index === 0 ? ann.chat : chat, id));
      expect(asked.map(({ turn }) => turn.state)).toEqual(['delivered', 'delivered', 'delivered']);
      expect(callsTo(paced, ann.chat, 'editMessageText').length).toBeGreaterThan(1);
      expect(paced.telegram.calls.filter(({ errorCode }) => errorCode === 429)).toEqual([]);
    });
  });
});

/** Everything that a model was sent, as one text. */
function contents(messages: readonly { readonly content: string }[]): string {
  return messages.map(({ content }) => content).join('\n');
}

function callsTo({ telegram }: Scene, chat: SimChat, ...methods: readonly string[]) {
  return telegram.calls.filter(
    ({ method, chatId, ok }) => ok && chatId === chat.id && methods.includes(method),
  );
}

/** What the model service has billed since then. */
function total(scene: Scene, from: number): { tokens: string; dollars: string } {
  const usages = scene
    .requests()
    .slice(from)
    .map(({ call }) => call.usage);
  const tokens = usages.reduce((sum, usage) => sum + (usage?.total_tokens ?? Number.NaN), 0);
  const nano = usages.reduce((sum, usage) => sum + nanoUsd(usage?.cost), 0);
  const dollars = (nano / 1e9).toFixed(9).replace(/0+$/u, '');
  return { tokens: tokens.toLocaleString('en'), dollars };
}

function words(text: string): string {
  return (text.match(/[\p{L}\p{N}]+/gu) ?? []).join(' ');
}

/** What stands in code blocks, over all messages. */
function codeOf(
  reply: readonly {
    text: string;
    entities: readonly { type: string; offset: number; length: number; language?: string }[];
  }[],
): string {
  return reply
    .flatMap(({ text, entities }) =>
      entities
        .filter(({ type, language }) => type === 'pre' && language === 'js')
        .map(({ offset, length }) => text.slice(offset, offset + length)),
    )
    .join('\n');
}

/** An answer of more than 10,000 characters, with all that a model may write. */
const LONG = (() => {
  const code = Array.from(
    { length: 200 },
    (_, line) => `const value${line} = compute(${line}, "text ${line}");`,
  ).join('\n');
  const paragraph = (index: number): string =>
    `Paragraph number ${index} says something with several words in it, again and again.`;
  const prose = Array.from({ length: 40 }, (_, index) => paragraph(index));
  const markdown = [
    '# Heading one',
    ...prose
      .slice(0, 20)
      .map((text, index) => (index % 3 === 0 ? text.replace('something', '**something**') : text)),
    '| left | right |\n|---|---|\n| cell1 | cell2 |\n| cell3 | cell4 |',
    `\`\`\`js\n${code}\n\`\`\``,
    '1. step1\n2. step2\n   - inner1\n   - inner2',
    '> quoted words',
    ...prose.slice(20),
    'The end.',
  ].join('\n\n');
  const plain = [
    'Heading one',
    ...prose.slice(0, 20),
    'left right cell1 cell2 cell3 cell4',
    code,
    '1. step1 2. step2 inner1 inner2',
    'quoted words',
    ...prose.slice(20),
    'The end.',
  ].join('\n');
  return { markdown, plain, code };
})();
