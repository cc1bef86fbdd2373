import { describe, expect, it } from 'vitest';
import { say } from '../../../../src/adapters/discord/reply.ts';
import { turnId } from '../../../../src/platform/ids.ts';
import { until } from '../../../support/until.ts';
import {
  aWhile,
  addressOf,
  answers,
  ask,
  EDIT,
  MESSAGES,
  openReply,
  openStage,
  THREAD,
  TITLED,
  TURN,
  TYPING,
} from './stage.ts';

const SUPPRESS_EMBEDS = 1 << 2;
const LONG = Array.from({ length: 700 }, (_, word) => `word${word}`).join(' ');

describe('a reply in a channel', () => {
  it('shows typing, then the first text with a Stop button, then the rest, and ends without the button', async () => {
    const stage = await openStage();
    const { channel, question, reply } = ask(stage);
    reply.working();
    await until(() => channel.isTyping());
    reply.append('Hello, how are you today, my friend?');
    const first = await until(() => answers(stage, channel)[0]);
    expect(first).toMatchObject({ content: 'Hello, how are you today, my friend?', replyTo: question });
    expect(first.components).toMatchObject([
      { type: 1, components: [{ type: 2, style: 2, label: '■ Stop', custom_id: `stop:${TURN}` }] },
    ]);
    reply.append(' **Well**?');
    await until(() => answers(stage, channel)[0]?.content.endsWith('**Well**?'));
    expect(await reply.finish({ text: 'All is **well**!', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([
      { id: first.id, content: 'All is **well**!', components: [], flags: SUPPRESS_EMBEDS },
    ]);
  });

  it('waits for more than a syllable, but not for long', async () => {
    const stage = await openStage({ pace: { firstText: { characters: 10, waitMs: 100 } } });
    const { channel, reply } = ask(stage);
    reply.append('Hm');
    await until(() => answers(stage, channel).length === 1);
    expect(answers(stage, channel)).toMatchObject([{ content: 'Hm' }]);
    const other = ask(stage);
    other.reply.append('No');
    other.reply.append(' and never again');
    await until(() => answers(stage, other.channel).length === 1);
    expect(answers(stage, other.channel)).toMatchObject([{ content: 'No and never again' }]);
  });

  it('keeps up the typing sign until text comes', async () => {
    const stage = await openStage({ pace: { typingMs: 50, typingGapMs: 10 } });
    const { channel, reply } = ask(stage);
    reply.working();
    await until(() => stage.calls(TYPING).length > 2);
    reply.append('text that is long enough to be shown');
    await until(() => answers(stage, channel).length === 1);
    const { length } = stage.calls(TYPING);
    await aWhile(150);
    expect(stage.calls(TYPING)).toHaveLength(length);
    expect(channel.isTyping()).toBe(false);
  });

  it('grows with few edits and meets no limit, and the newest text wins', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    reply.working();
    let text = 'Once upon a time there was a bot.';
    reply.append(text);
    for (let word = 1; word <= 200; word += 1) {
      text += ` ${word}`;
      reply.append(` ${word}`);
      await aWhile(5);
    }
    await until(() => answers(stage, channel)[0]?.content === text);
    expect(await reply.finish({ text, buttons: [] })).toEqual({ kind: 'delivered' });
    const edits = stage.calls(EDIT);
    expect(edits.length).toBeGreaterThan(3);
    expect(edits.length).toBeLessThan(30);
    expect(stage.discord.calls.filter(({ status }) => status === 429)).toEqual([]);
    expect(stage.calls(MESSAGES)).toHaveLength(1);
  });

  it('heeds what Discord says of a limit that is narrower than the usual one', async () => {
    const editMessage = { limit: 2, windowMs: 700 };
    const stage = await openStage({ simulator: { buckets: { editMessage } }, pace: { frameMs: 20 } });
    const { reply } = ask(stage);
    for (let word = 0; word < 150; word += 1) {
      reply.append(`word ${word} `);
      await aWhile(10);
    }
    expect(stage.calls(EDIT).length).toBeGreaterThan(1);
    expect(stage.log.filter((line) => line.startsWith('asked to slow down'))).toEqual([]);
  });

  it('never has two calls for its messages under way', async () => {
    const stage = await openStage();
    const { reply } = ask(stage);
    stage.discord.fault(EDIT, { kind: 'delay', ms: 150, when: 'before' }, { times: 3 });
    let isOverlapping = false;
    for (let word = 0; word < 60; word += 1) {
      reply.append(`word ${word} `);
      await aWhile(8);
      isOverlapping ||= stage.discord.calls.filter(({ pending }) => pending).length > 1;
    }
    expect(await reply.finish({ text: 'done', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(isOverlapping).toBe(false);
    expect(stage.calls(EDIT).length).toBeGreaterThan(2);
  });

  it('pings nobody, when it is sent and when it is edited, and lets no link show a preview', async () => {
    const stage = await openStage();
    const { user, guild, channel, reply } = ask(stage, {
      guild: { roles: [{ name: 'fans', isMentionable: true }] },
    });
    const text = `@everyone @here <@${user.id}> <@&${guild.role('fans')}> \`<@${user.id}>\` https://example.org`;
    reply.append(text);
    await until(() => answers(stage, channel).length === 1);
    expect(await reply.finish({ text: `${text} again`, buttons: [] })).toEqual({ kind: 'delivered' });
    expect(
      stage.discord.pings.filter(({ users, roles, everyone }) => users.length + roles.length > 0 || everyone),
    ).toEqual([]);
    const bodies = [...stage.calls(MESSAGES), ...stage.calls(EDIT)].map(({ body }) => body);
    expect(bodies.length).toBeGreaterThan(1);
    for (const body of bodies)
      expect(body).toMatchObject({
        allowed_mentions: { parse: [], replied_user: false },
        flags: SUPPRESS_EMBEDS,
      });
  });

  it('says at least something when an answer has nothing to show, and sends nothing blank before', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    reply.append(' \n\n **');
    await aWhile(150);
    expect(await reply.finish({ text: ' \n ', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: '…' }]);
    expect(stage.discord.calls.filter(({ code }) => code === 50006)).toEqual([]);
  });

  it('is one call when all of it is there at once', async () => {
    const stage = await openStage();
    const before = ask(stage);
    await before.reply.finish({ text: 'all of it', buttons: [] });
    expect(stage.discord.calls.map(({ route }) => route)).toEqual([MESSAGES]);
  });

  it('writes nothing more once it is abandoned', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    reply.append('what this process has to say');
    await until(() => answers(stage, channel).length === 1);
    await reply.abandon();
    const { length } = stage.discord.calls;
    reply.working();
    reply.append(' and more of it');
    expect(await reply.finish({ text: 'all of it', buttons: [] })).toMatchObject({ kind: 'postponed' });
    expect(stage.discord.calls).toHaveLength(length);
    expect(answers(stage, channel)).toMatchObject([{ content: 'what this process has to say' }]);
  });

  it('is delivered although the question was deleted', async () => {
    const stage = await openStage();
    const { user, channel, question, reply } = ask(stage);
    channel.delete(user, question);
    expect(await reply.finish({ text: 'still', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'still', replyTo: undefined }]);
  });

  it('goes without a reply where the bot may not see what it replies to', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    channel.overwrite({ for: 'bot', deny: ['ReadMessageHistory'] });
    expect(await reply.finish({ text: LONG, buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel).map(({ replyTo }) => replyTo)).toEqual([undefined, undefined, undefined]);
  });

  it('shares the channel with another one, and both end complete and without a limit', async () => {
    const stage = await openStage();
    const first = ask(stage);
    const second = openReply(stage, addressOf(first.channel, first.channel.send(first.user, 'me too')), {
      turn: turnId('0192f0c1-2345-7abc-8def-0123456789ff'),
    });
    const replies = [first.reply, second.reply];
    for (let word = 0; word < 60; word += 1) {
      for (const [index, reply] of replies.entries()) reply.append(`answer ${index} word ${word} `);
      await aWhile(15);
    }
    const ends = await Promise.all(
      replies.map((reply, index) => reply.finish({ text: `answer ${index}`, buttons: [] })),
    );
    expect(ends).toEqual([{ kind: 'delivered' }, { kind: 'delivered' }]);
    expect(
      answers(stage, first.channel)
        .map(({ content }) => content)
        .toSorted(),
    ).toEqual(['answer 0', 'answer 1']);
    expect(stage.discord.calls.filter(({ status }) => status === 429)).toEqual([]);
  });
});

describe('a long answer', () => {
  const code = Array.from({ length: 220 }, (_, line) => `print(${line}) # line`).join('\n');
  const table = `| key | value |\n|---|---|\n${Array.from({ length: 60 }, (_, row) => `| k${row} | v${row} |`).join('\n')}`;
  const markdown = `Intro\n\n\`\`\`python\n${code}\n\`\`\`\n\n${table}\n\nOutro`;

  it('grows over several messages, each noted before and after it is sent, with Stop only under the last', async () => {
    const stage = await openStage();
    const { channel, reply, journal } = ask(stage);
    for (let at = 0; at < markdown.length; at += 900) {
      reply.append(markdown.slice(at, at + 900));
      await aWhile(60);
    }
    await until(() => answers(stage, channel).length >= 2);
    await until(() => answers(stage, channel).filter(({ components }) => components.length > 0).length === 1);
    expect(answers(stage, channel).at(-1)?.components).toHaveLength(1);
    expect(await reply.finish({ text: markdown, buttons: [] })).toEqual({ kind: 'delivered' });
    const messages = answers(stage, channel);
    expect(messages.length).toBeGreaterThan(2);
    for (const { content, components } of messages) {
      expect(content.length).toBeLessThanOrEqual(2000);
      expect((content.match(/```/g) ?? []).length % 2).toBe(0);
      expect(components).toEqual([]);
    }
    const shown = messages.map(({ content }) => content.replaceAll(/```(?:python)?/g, '')).join('\n');
    const words = (text: string) => text.match(/[\w]+/gu);
    expect(words(shown)).toEqual(words(`Intro ${code} ${table.replaceAll(/[|-]+/g, ' ')} Outro`));
    expect(journal).toEqual(
      messages.flatMap(({ id }, index) =>
        (index === 0 ? [] : [`intend ${index}`]).concat(`sent ${index} ${id}`),
      ),
    );
  });

  it('is a chain of replies that begins at the question', async () => {
    const stage = await openStage();
    const { channel, question, reply } = ask(stage);
    await reply.finish({ text: LONG, buttons: [] });
    const messages = answers(stage, channel);
    expect(messages).toHaveLength(3);
    expect(messages.map(({ replyTo }) => replyTo)).toEqual([question, messages[0]!.id, messages[1]!.id]);
    expect(messages.map(({ nonce }) => String(nonce).length)).toEqual([23, 23, 23]);
  });

  it('loses the messages that its final text does not fill', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage);
    reply.append(LONG);
    await until(() => answers(stage, channel).length >= 2);
    expect(await reply.finish({ text: 'short', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'short' }]);
  });
});

describe('a reply that an earlier process began', () => {
  it('is edited in place, and what is left over is deleted', async () => {
    const stage = await openStage();
    const before = ask(stage);
    await before.reply.finish({ text: LONG, buttons: [] });
    const existing = answers(stage, before.channel).map(({ id }, index) => ({
      index,
      platformMessageId: id,
    }));
    const { reply, journal } = openReply(stage, before.address, { existing });
    expect(await reply.finish({ text: 'short now', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, before.channel)).toMatchObject([
      { id: existing[0]!.platformMessageId, content: 'short now' },
    ]);
    expect(journal).toEqual([
      `removed ${existing[1]!.platformMessageId}`,
      `removed ${existing[2]!.platformMessageId}`,
    ]);
  });

  it('takes over the message whose id nobody noted, however long ago it was sent', async () => {
    const stage = await openStage();
    const before = ask(stage);
    await before.reply.finish({ text: 'by another process', buttons: [] });
    const [message] = answers(stage, before.channel);
    stage.advance(3_600_000);
    before.channel.send(before.user, 'something else', { replyTo: before.question });
    const existing = [{ index: 0, platformMessageId: null }];
    const { reply, journal } = openReply(stage, before.address, { existing });
    expect(await reply.finish({ text: 'by this one', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, before.channel)).toMatchObject([{ id: message!.id, content: 'by this one' }]);
    expect(journal).toEqual([`sent 0 ${message!.id}`]);
  });

  it('finds a later part by the part that it replies to', async () => {
    const stage = await openStage();
    const before = ask(stage);
    await before.reply.finish({ text: LONG, buttons: [] });
    const ids = answers(stage, before.channel).map(({ id }) => id);
    stage.advance(3_600_000);
    const existing = [0, 1, 2].map((index) => ({
      index,
      platformMessageId: index === 1 ? null : ids[index]!,
    }));
    const { reply } = openReply(stage, before.address, { existing });
    expect(await reply.finish({ text: LONG.replace('word0', 'anew'), buttons: [] })).toEqual({
      kind: 'delivered',
    });
    const messages = answers(stage, before.channel);
    expect(messages.slice(0, 2).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(messages.flatMap(({ content }) => content.split(' ')).slice(0, 2)).toEqual(['anew', 'word1']);
    expect(messages.flatMap(({ content }) => content.split(/\s+/u))).toHaveLength(700);
  });

  it('keeps a later part that its nonce gives back', async () => {
    const stage = await openStage();
    const before = ask(stage);
    await before.reply.finish({ text: LONG, buttons: [] });
    const ids = answers(stage, before.channel).map(({ id }) => id);
    const existing = [0, 1, 2].map((index) => ({
      index,
      platformMessageId: index === 1 ? null : ids[index]!,
    }));
    const { reply } = openReply(stage, before.address, { existing });
    expect(await reply.finish({ text: LONG, buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, before.channel).map(({ id }) => id)).toEqual(ids);
  });

  it('is not mistaken for what a person replied to the question', async () => {
    const stage = await openStage();
    const { user, channel, question, reply } = ask(stage, {
      existing: [{ index: 0, platformMessageId: null }],
    });
    channel.send(user, 'me too', { replyTo: question });
    expect(await reply.finish({ text: 'for the first time', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'for the first time', replyTo: question }]);
  });

  it('is sent when it never was', async () => {
    const stage = await openStage();
    const { channel, question, reply } = ask(stage, { existing: [{ index: 0, platformMessageId: null }] });
    expect(await reply.finish({ text: 'for the first time', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, channel)).toMatchObject([{ content: 'for the first time', replyTo: question }]);
  });
});

describe('a reply in a thread of its own', () => {
  const inThread = { thread: TITLED, address: { canOpenThread: true } };

  it('opens it with the first sign of work, and types and answers there', async () => {
    const stage = await openStage();
    const { channel, question, reply } = ask(stage, inThread);
    reply.working();
    await until(() => stage.calls(THREAD).length === 1);
    const thread = stage.discord.channel({ id: question });
    await until(() => thread.isTyping());
    expect(channel.isTyping()).toBe(false);
    expect(await reply.finish({ text: LONG, buttons: [] })).toEqual({ kind: 'delivered' });
    const messages = answers(stage, thread);
    expect(messages.map(({ replyTo }) => replyTo)).toEqual([undefined, messages[0]!.id, messages[1]!.id]);
    expect(answers(stage, channel)).toEqual([]);
    expect(stage.calls(THREAD)).toHaveLength(1);
  });

  it('goes on in the one that is there already', async () => {
    const stage = await openStage();
    const { user, channel, question, reply } = ask(stage, inThread);
    const thread = channel.startThread(user, 'theirs', { messageId: question });
    expect(await reply.finish({ text: 'here', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, thread)).toMatchObject([{ content: 'here' }]);
  });

  it('finds its message there after a restart', async () => {
    const stage = await openStage();
    const before = ask(stage, inThread);
    await before.reply.finish({ text: 'by another process', buttons: [] });
    stage.advance(3_600_000);
    const { reply } = openReply(stage, before.address, {
      thread: TITLED,
      existing: [{ index: 0, platformMessageId: null }],
    });
    expect(await reply.finish({ text: 'by this one', buttons: [] })).toEqual({ kind: 'delivered' });
    const thread = stage.discord.channel({ id: before.question });
    expect(answers(stage, thread)).toMatchObject([{ content: 'by this one' }]);
  });

  it('is edited there after a restart', async () => {
    const stage = await openStage();
    const before = ask(stage, inThread);
    await before.reply.finish({ text: 'by another process', buttons: [] });
    const thread = stage.discord.channel({ id: before.question });
    const { id } = answers(stage, thread)[0]!;
    const existing = [{ index: 0, platformMessageId: id }];
    const { reply, unseen } = openReply(stage, before.address, { thread: TITLED, existing });
    expect(await reply.finish({ text: 'by this one', buttons: [] })).toEqual({ kind: 'delivered' });
    expect(answers(stage, thread)).toMatchObject([{ id, content: 'by this one' }]);
    expect(unseen()).toBe(0);
  });

  it('shows no typing there when it is abandoned while the thread opens', async () => {
    const stage = await openStage();
    const { reply, question } = ask(stage, inThread);
    stage.discord.fault(THREAD, { kind: 'delay', ms: 60, when: 'after' });
    reply.working();
    await until(() => stage.calls(THREAD).length === 1);
    await reply.abandon();
    await until(() => stage.discord.channel({ id: question }));
    await aWhile(150);
    expect(stage.calls(TYPING)).toEqual([]);
  });

  it.each(['CreatePublicThreads', 'SendMessagesInThreads'] as const)(
    'becomes a usual one where the bot lacks %s',
    async (permission) => {
      const stage = await openStage();
      const { channel, question, reply, unseen } = ask(stage, inThread);
      channel.overwrite({ for: 'bot', deny: [permission] });
      reply.append('an answer for everybody in the channel');
      await until(() => answers(stage, channel).length === 1);
      expect(await reply.finish({ text: 'in the channel', buttons: [] })).toEqual({ kind: 'delivered' });
      expect(answers(stage, channel)).toMatchObject([{ content: 'in the channel', replyTo: question }]);
      expect(unseen()).toBe(0);
    },
  );

  it('stays in the channel where no thread can start', async () => {
    const stage = await openStage();
    const { channel, reply } = ask(stage, { thread: TITLED });
    await reply.finish({ text: 'here', buttons: [] });
    expect(answers(stage, channel)).toMatchObject([{ content: 'here' }]);
    expect(stage.calls(THREAD)).toEqual([]);
  });
});

describe('something said that is no turn', () => {
  it('replies to the message, and is said once although the answer to it was lost', async () => {
    const stage = await openStage();
    const { channel, question, address } = ask(stage);
    stage.discord.fault(MESSAGES, { kind: 'drop', when: 'after' });
    expect(await say(stage.context, address, { text: 'a notice' }, { isPrivate: false })).toEqual({
      kind: 'delivered',
    });
    expect(answers(stage, channel)).toMatchObject([{ content: 'a notice', replyTo: question }]);
    await say(stage.context, address, { text: 'a notice' }, { isPrivate: false });
    expect(answers(stage, channel)).toHaveLength(2);
  });

  it('is not said at all when it is private and everybody would read it', async () => {
    const stage = await openStage();
    const { channel, address } = ask(stage);
    expect(await say(stage.context, address, { text: 'secret' }, { isPrivate: true })).toMatchObject({
      kind: 'unreachable',
    });
    expect(answers(stage, channel)).toEqual([]);
  });
});
