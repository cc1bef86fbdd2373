import { describe, expect, it } from 'vitest';
import { FORGETFUL } from '../../../../src/delivery/parts.ts';
import { StoreUnavailable, type Taken } from '../../../../src/platform/adapter.ts';
import {
  BUTTON_ACTIONS,
  type CommandInvocation,
  type CommandSpec,
} from '../../../../src/platform/command.ts';
import type { ReplyTarget } from '../../../../src/platform/message.ts';
import type { SimInvoked } from '../../../simulators/discord/channel-handle.ts';
import { until } from '../../../support/until.ts';
import { aWhile } from './stage.ts';
import { openInbound, scene, showButton, TURN, type InboundStage } from './inbound-stage.ts';

const CALLBACK = 'POST /interactions/{interaction_id}/{interaction_token}/callback';
const READ_ANSWER = 'GET /webhooks/{webhook_id}/{webhook_token}/messages/@original';
const FILL_ANSWER = 'PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original';
const REMOVE_ANSWER = 'DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original';
const GONE = { kind: 'error', status: 404, code: 10_062, message: 'Unknown interaction' } as const;

const says = (text: string) => ({ onCommand: () => Promise.resolve({ text }) });

/** Commands are registered in the background after the start. */
async function ready(stage: InboundStage) {
  await until(() => stage.discord.commands().length > 0);
  return scene(stage);
}

/** Opens the reply to a command, as the core does for its turn. */
function answerFrom({ adapter }: InboundStage, target: ReplyTarget) {
  return adapter.openReply(target, {
    turn: TURN,
    journal: FORGETFUL,
    running: [],
    thread: null,
    onUnseen: () => undefined,
  });
}

/** What the person reads in the end. */
async function answerTo(invoked: SimInvoked) {
  return await until(() => {
    const { state, messages } = invoked.view();
    return state === 'answered' ? messages[0] : undefined;
  });
}

describe('a slash command', () => {
  it('arrives with its options, its place and its person', async () => {
    const stage = await openInbound();
    const { user, guild, channel } = await ready(stage);
    const { id, answer } = channel.slash(user, 'ask', { question: 'why?', style: 'short' });
    expect(await answer).toEqual({ kind: 'defer', ephemeral: false });
    const invocation = await until(() => stage.commands[0]);
    expect(invocation).toMatchObject({
      name: 'ask',
      options: { question: 'why?', style: 'short' },
      line: null,
      isPrivate: false,
      repliesTo: null,
      messageId: null,
      thread: null,
      originKey: `discord:${stage.discord.bot.id}:${channel.id}:${id}`,
      place: `discord:${stage.discord.bot.id}:${channel.id}`,
      guild: { id: `discord:${guild.id}` },
      author: { id: `discord:${user.id}`, name: 'Alice', locale: 'en-US', isGuildAdmin: false },
    });
    expect(Math.abs(invocation.sentAtMs - Date.now())).toBeLessThan(60_000);
  });

  it('brings the people, roles and channels that were chosen by their qualified ids', async () => {
    const kinds = ['user', 'role', 'channel', 'number'] as const;
    const limit: CommandSpec = {
      name: 'limit',
      options: kinds.map((kind) => ({ name: kind, kind, required: false })),
      scope: 'any',
      requires: 'everyone',
      respond: 'deferPrivate',
    };
    const stage = await openInbound({ specs: [limit] });
    const { guild, user, channel } = await ready(stage);
    const { id: thread } = channel.startThread(user, 'aside');
    const patrons = { name: 'Patrons', members: [user] };
    const club = stage.discord.guild({ members: [user], roles: [patrons], channels: ['hall'] });
    const values = {
      user: user.id,
      role: club.role('Patrons'),
      channel: club.channel('hall').id,
      number: 2.5,
    };
    club.channel('hall').slash(user, 'limit', values);
    const { options } = await until(() => stage.commands[0]);
    expect(options).toEqual({
      user: `discord:${values.user}`,
      role: `discord:${values.role}`,
      channel: `discord:${stage.discord.bot.id}:${values.channel}`,
      number: '2.5',
    });
    for (const elsewhere of [{ role: values.role }, { channel: values.channel }, { channel: thread }]) {
      expect(() => guild.channel(channel.name).slash(user, 'limit', elsewhere)).toThrow(/does not offer/u);
    }
  });

  it('whose reply follows leads it to the response that shows "thinking"', async () => {
    const stage = await openInbound({ handlers: { onCommand: () => Promise.resolve('reply_follows') } });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'ask', { question: 'why?' });
    const { replyTarget } = await until(() => stage.commands[0]);
    const reply = answerFrom(stage, replyTarget);
    await reply.finish({ text: 'because', buttons: [] });
    await stage.adapter.stop();
    expect(invoked.view()).toMatchObject({ state: 'answered', messages: [{ content: 'because' }] });
    expect(channel.history()).toHaveLength(1);
    expect(replyTarget).toMatchObject({ channelId: channel.id, questionId: null });
    expect(JSON.stringify(replyTarget)).not.toContain(invoked.view().token);
    expect(Number(replyTarget['expiresAtMs'])).toBeGreaterThan(Date.now() + 800_000);
  });

  it('shows "thinking" once its question is stored, and nothing is written before', async () => {
    const { promise: stored, resolve: store } = Promise.withResolvers<Taken>();
    const { promise: handed, resolve: hand } = Promise.withResolvers<CommandInvocation>();
    const onCommand = (command: CommandInvocation) => {
      hand(command);
      return stored;
    };
    const stage = await openInbound({ handlers: { onCommand } });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'ask', { question: 'why?' });
    const { replyTarget } = await handed;
    const answered = answerFrom(stage, replyTarget).finish({ text: 'because', buttons: [] });
    await aWhile(100);
    expect(invoked.view().state).toBe('waiting');
    store('reply_follows');
    expect(await answered).toEqual({ kind: 'delivered' });
    expect(invoked.view()).toMatchObject({ state: 'answered', messages: [{ content: 'because' }] });
    expect(stage.discord.calls.map(({ route }) => route).slice(-2)).toEqual([CALLBACK, FILL_ANSWER]);
  });

  it('has its response noted in the address of its turn, however long the store is away', async () => {
    const stage = await openInbound({
      handlers: {
        onCommand() {
          stage.memory.isAway = true;
          return Promise.resolve('reply_follows');
        },
      },
    });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'ask', { question: 'why?' });
    const { originKey, replyTarget } = await until(() => stage.commands[0]);
    await until(() => stage.logged('deferred response not noted') > 6);
    const reply = answerFrom(stage, replyTarget);
    expect(await reply.finish({ text: 'because', buttons: [] })).toEqual({ kind: 'delivered' });
    stage.memory.isAway = false;
    await until(() => stage.memory.amended.length > 0);
    const responseId = invoked.view().messages[0]?.id;
    expect(stage.memory.amended).toEqual([{ event: originKey, additions: { responseId } }]);
  });

  it('that no turn answers has no response noted', async () => {
    const stage = await openInbound({ handlers: says('so') });
    const { user, channel } = await ready(stage);
    await answerTo(channel.slash(user, 'ask', { question: 'why?' }));
    await stage.adapter.stop();
    expect(stage.memory.amended).toEqual([]);
  });

  it('shows "thinking" while the store takes its time, so that Discord goes on waiting', async () => {
    const { promise: stored, resolve: store } = Promise.withResolvers<Taken>();
    const stage = await openInbound({
      handlers: { onCommand: () => stored },
      handingPace: { deferAfterMs: 10 },
    });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'ask', { question: 'why?' });
    await until(() => invoked.view().state === 'thinking');
    store('no_reply');
    await until(() => channel.messages().length === 0);
    expect(stage.discord.calls.filter(({ route }) => route === CALLBACK)).toHaveLength(1);
  });

  it.each([
    ['ask', { question: 'why?' }, false],
    ['usage', {}, true],
    ['stop', {}, true],
  ] as const)('%s says what the core says; to its person alone: %s', async (name, values, isEphemeral) => {
    const stage = await openInbound({ handlers: says('**so** @everyone') });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, name, values);
    const answer = await answerTo(invoked);
    expect(answer.isEphemeral).toBe(isEphemeral);
    expect(answer.content).toContain('so');
    expect(stage.discord.pings).toEqual([]);
  });

  it('leaves nothing behind when there is nothing to say', async () => {
    const stage = await openInbound();
    const { user, channel } = await ready(stage);
    channel.slash(user, 'ask', { question: 'why?' });
    channel.slash(user, 'usage');
    channel.slash(user, 'stop');
    await until(
      () => stage.discord.calls.filter(({ route, ok }) => route === REMOVE_ANSWER && ok).length === 3,
    );
    expect([...channel.messages(), ...channel.ephemeral(user)]).toEqual([]);
  });

  it('in private and in a thread knows where it is', async () => {
    const stage = await openInbound();
    const { user, channel } = await ready(stage);
    const thread = channel.startThread(user, 'ours');
    user.dm().slash(user, 'memory');
    thread.slash(user, 'usage');
    await until(() => stage.commands.length === 2);
    const [inPrivate, inThread] = stage.commands.toSorted((one) => (one.isPrivate ? -1 : 1));
    expect(inPrivate).toMatchObject({ isPrivate: true, guild: null, thread: null });
    expect(inThread).toMatchObject({ isPrivate: false, thread: 'here' });
  });

  it('tells whether its person manages the guild', async () => {
    const stage = await openInbound();
    const { user, guild, channel } = await ready(stage);
    const manager = stage.discord.user();
    const { guild: another } = scene(stage, {
      members: [manager],
      roles: [{ name: 'managers', permissions: ['ManageGuild'], members: [manager] }],
    });
    another.channel('general').slash(manager, 'settings');
    await until(() => stage.commands.length === 1);
    channel.slash(user, 'usage');
    await until(() => stage.commands.length === 2);
    expect(stage.commands.map(({ author }) => author.isGuildAdmin)).toEqual([true, false]);
    expect(guild.id).not.toBe(another.id);
  });

  it('that takes its time shows "thinking" in time', async () => {
    const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
    const stage = await openInbound({
      handlers: { onCommand: () => mayGoOn.then(() => ({ text: 'done' })) },
      handingPace: { deferAfterMs: 10 },
    });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'stop');
    expect(await invoked.answer).toEqual({ kind: 'defer', ephemeral: true });
    goOn();
    expect((await answerTo(invoked)).content).toBe('done');
  });

  it('with an answer of many parts gives all of it', async () => {
    const text = Array.from({ length: 900 }, (_, index) => `word${index}`).join(' ');
    const stage = await openInbound({ handlers: says(text) });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'stop');
    expect(await invoked.answer).toEqual({ kind: 'defer', ephemeral: true });
    await until(() => channel.ephemeral(user).some(({ content }) => content.includes('word899')));
  });
});

describe('a command on a message', () => {
  it("gives the message's text, which the bot could not read otherwise", async () => {
    const stage = await openInbound();
    const { user, channel } = await ready(stage);
    const target = channel.send(user, `see <@${user.id}>`);
    const { answer } = channel.messageCommand(user, target, 'explain this');
    expect(await answer).toEqual({ kind: 'defer', ephemeral: false });
    const invocation = await until(() => stage.commands[0]);
    expect(invocation).toMatchObject({ name: 'explain', options: { passage: 'see @Alice' } });
  });
});

describe('a modal', () => {
  it('asks for what is missing, keeps what was given, and goes on in public', async () => {
    const stage = await openInbound({ handlers: says('written') });
    const { user, channel } = await ready(stage);
    const begun = channel.slash(user, 'compose', { pages: 3, body: 'Once' });
    const answer = await begun.answer;
    expect(answer.kind).toBe('modal');
    expect(stage.commands).toEqual([]);
    const sent = channel.submitModal(user, begun.id, { title: 'Tale', body: 'Once upon a time' });
    expect(await sent.answer).toEqual({ kind: 'defer', ephemeral: false });
    expect((await answerTo(sent)).content).toBe('written');
    expect(stage.commands).toMatchObject([
      { name: 'compose', options: { title: 'Tale', pages: '3', body: 'Once upon a time' } },
    ]);
  });

  it('asks for a text that the command needs when it was used without', async () => {
    const stage = await openInbound({ handlers: says('written') });
    const { user, channel } = await ready(stage);
    const begun = channel.slash(user, 'compose', { title: 'Tale' });
    expect(await begun.answer).toMatchObject({ kind: 'modal' });
    const sent = channel.submitModal(user, begun.id, { title: 'Tale', body: 'Once' });
    expect((await answerTo(sent)).content).toBe('written');
    expect(stage.commands).toMatchObject([{ name: 'compose', options: { title: 'Tale', body: 'Once' } }]);
  });

  it('is not shown when all is given, and leaves out what is left empty', async () => {
    const stage = await openInbound();
    const { user, channel } = await ready(stage);
    const whole = channel.slash(user, 'compose', { title: 'Tale', body: 'Once' });
    expect((await whole.answer).kind).toBe('defer');
    const begun = channel.slash(user, 'compose', { body: 'Once' });
    await begun.answer;
    channel.submitModal(user, begun.id, { title: '', body: 'Twice' });
    await until(() => stage.commands.length === 2);
    expect(stage.commands.map(({ options }) => options)).toEqual([
      { title: 'Tale', body: 'Once' },
      { body: 'Twice' },
    ]);
  });
});

describe('a button', () => {
  it('for stopping reaches the core and is answered in private', async () => {
    const stage = await openInbound();
    const { user, channel } = await ready(stage);
    const shown = await showButton(stage, channel, `stop:${TURN}`);
    const invoked = channel.press(user, shown, `stop:${TURN}`);
    expect(await answerTo(invoked)).toMatchObject({ content: 'Stopping.', isEphemeral: true });
    expect(stage.presses).toMatchObject([
      {
        action: 'stop',
        turn: TURN,
        messageId: `discord:${channel.id}:${shown}`,
        author: { id: `discord:${user.id}` },
      },
    ]);
  });

  it.each(BUTTON_ACTIONS)(
    'to %s reaches the core with its turn, also in a process that did not show it',
    async (action) => {
      const stage = await openInbound();
      const { user, channel } = await ready(stage);
      const shown = await showButton(stage, channel, `${action}:${TURN}`);
      await stage.adapter.stop();
      await stage.another().start(stage.handlers);
      await answerTo(channel.press(user, shown, `${action}:${TURN}`));
      expect(stage.presses).toMatchObject([{ action, turn: TURN }]);
    },
  );

  it('that the core is slow about shows "thinking" first', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const stage = await openInbound({
      handlers: { onPress: () => promise },
      handingPace: { deferAfterMs: 10 },
    });
    const { user, channel } = await ready(stage);
    const shown = await showButton(stage, channel, `stop:${TURN}`);
    const invoked = channel.press(user, shown, `stop:${TURN}`);
    expect(await invoked.answer).toEqual({ kind: 'defer', ephemeral: true });
    resolve('Not running.');
    expect((await answerTo(invoked)).content).toContain('Not running');
  });

  it('of another time changes nothing', async () => {
    const stage = await openInbound();
    const { user, channel } = await ready(stage);
    for (const id of ['buy:1', `buy:${TURN}`, 'stop:1', `stop:${'-'.repeat(36)}`]) {
      const shown = await showButton(stage, channel, id);
      const { answer } = channel.press(user, shown, id);
      expect(await answer).toEqual({ kind: 'deferUpdate' });
    }
    expect(stage.presses).toEqual([]);
  });
});

describe('an interaction that Discord does not know any more', () => {
  it('is answered by a message when it was public', async () => {
    const stage = await openInbound({ handlers: says('here') });
    const { user, channel } = await ready(stage);
    stage.discord.fault(CALLBACK, GONE);
    channel.slash(user, 'ask', { question: 'why?' });
    await until(() => channel.messages().some(({ content }) => content === 'here'));
    expect(stage.commands[0]!.replyTarget).toMatchObject({ channelId: channel.id });
  });

  it('is dropped when its answer would have been private', async () => {
    const stage = await openInbound({ handlers: says('secret') });
    const { user, channel } = await ready(stage);
    stage.discord.fault(CALLBACK, GONE);
    channel.slash(user, 'usage');
    await until(() => stage.log.some((line) => line.startsWith('interaction not answered')));
    await stage.adapter.stop();
    expect(stage.commands).toEqual([]);
    expect(channel.history()).toEqual([]);
  });
});

describe('an interaction that comes twice', () => {
  it('is handed over again, and its one response is answered', async () => {
    const stage = await openInbound({ handlers: { onCommand: () => Promise.resolve('reply_follows') } });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'ask', { question: 'why?' });
    await until(() => invoked.view().state === 'thinking');
    // The defer's own message is the last event, the interaction the one before.
    stage.discord.gateway.replay(2);
    await until(() => stage.commands.length === 2);
    const [first, second] = stage.commands;
    expect(second!.originKey).toBe(first!.originKey);
    await until(() => stage.discord.calls.some(({ route }) => route === READ_ANSWER));
    await answerFrom(stage, second!.replyTarget).finish({ text: 'because', buttons: [] });
    expect(invoked.view()).toMatchObject({ state: 'answered', messages: [{ content: 'because' }] });
    expect(channel.history()).toHaveLength(1);
  });

  it('does not take away the response of the first time', async () => {
    let times = 0;
    const stage = await openInbound({
      handlers: { onCommand: () => Promise.resolve((times += 1) === 1 ? 'reply_follows' : 'no_reply') },
    });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'ask', { question: 'why?' });
    await until(() => invoked.view().state === 'thinking');
    stage.discord.gateway.replay(2);
    await until(() => stage.commands.length === 2);
    await stage.adapter.stop();
    expect(invoked.view().state).toBe('thinking');
  });
});

describe('a defer whose answer is lost', () => {
  it('is made again, and its response is ours', async () => {
    const stage = await openInbound();
    const { user, channel } = await ready(stage);
    stage.discord.fault(CALLBACK, { kind: 'drop', when: 'after' });
    const invoked = channel.slash(user, 'ask', { question: 'why?' });
    await until(() => stage.discord.calls.some(({ route }) => route === REMOVE_ANSWER));
    await until(() => channel.messages().length === 0);
    expect(invoked.view().messages).toEqual([]);
  });

  it('is made again when it never reached Discord', async () => {
    const stage = await openInbound({ handlers: says('done') });
    const { user, channel } = await ready(stage);
    stage.discord.fault(CALLBACK, { kind: 'status', status: 502, body: 'Bad Gateway' });
    expect((await answerTo(channel.slash(user, 'ask', { question: 'why?' }))).content).toBe('done');
  });

  it('is made twice at most, for a third would come too late', async () => {
    const stage = await openInbound({ handlers: says('done') });
    const { user, channel } = await ready(stage);
    stage.discord.fault(CALLBACK, { kind: 'status', status: 502, body: 'Bad Gateway' }, { times: 3 });
    channel.slash(user, 'ask', { question: 'why?' });
    await until(() => channel.messages().some(({ content }) => content === 'done'));
    expect(stage.discord.calls.filter(({ route }) => route === CALLBACK)).toHaveLength(2);
  });
});

describe('while the store is away', () => {
  it('a command waits for it', async () => {
    let isAway = true;
    const stage = await openInbound({
      handlers: {
        onCommand: () =>
          isAway ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve({ text: 'done' }),
      },
    });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'usage');
    await until(() => stage.log.some((line) => line.startsWith('event not taken')));
    expect(invoked.view().state).toBe('thinking');
    isAway = false;
    expect((await answerTo(invoked)).content).toBe('done');
  });

  it.each([
    ['usage', {}],
    ['ask', { question: 'why?' }],
    ['stop', {}],
  ] as const)('for too long, %s says so in the language of its person', async (name, values) => {
    const stage = await openInbound({
      handlers: { onCommand: () => Promise.reject(new StoreUnavailable('away')) },
      handingPace: { interactionPatienceMs: 20 },
    });
    await until(() => stage.discord.commands().length > 0);
    const user = stage.discord.user({ locale: 'id' });
    const { channel } = scene(stage, { members: [user] });
    const answer = await answerTo(channel.slash(user, name, values));
    expect(answer.content).toContain('Ingatan saya sedang tidak terjangkau');
  });

  it('a shutdown says so at once instead of leaving somebody waiting', async () => {
    const stage = await openInbound({
      handlers: { onCommand: () => Promise.reject(new StoreUnavailable('away')) },
    });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'usage');
    await until(() => stage.log.some((line) => line.startsWith('event not taken')));
    await stage.adapter.stop();
    expect(invoked.view().state).toBe('answered');
  });
});

describe('a command that the core fails on', () => {
  it('is recorded, and its person is not left waiting', async () => {
    const cause = new Error('a bug');
    const stage = await openInbound({ handlers: { onCommand: () => Promise.reject(cause) } });
    const { user, channel } = await ready(stage);
    const invoked = channel.slash(user, 'usage');
    expect((await answerTo(invoked)).content).not.toBe('');
    expect(stage.poison).toEqual([{ eventId: invoked.id, cause }]);
  });
});

describe('a stopped adapter', () => {
  it('has answered the commands and presses in hand, and takes no more', async () => {
    const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
    let begun = 0;
    const late = async () => {
      begun += 1;
      await mayGoOn;
    };
    const stage = await openInbound({
      handlers: {
        onCommand: () => late().then(() => ({ text: 'done' })),
        onPress: () => late().then(() => 'done'),
      },
    });
    const { user, channel } = await ready(stage);
    const shown = await showButton(stage, channel, `stop:${TURN}`);
    const invoked = [channel.slash(user, 'usage'), channel.press(user, shown, `stop:${TURN}`)];
    await until(() => begun === 2);
    const stopped = stage.adapter.stop();
    channel.slash(user, 'usage').answer.catch(() => undefined);
    // The simulator has sent it when this comes back.
    await fetch(`${stage.discord.url}/v10/gateway/bot`).catch(() => undefined);
    goOn();
    await stopped;
    expect(begun).toBe(2);
    expect(invoked.map((each) => each.view().messages[0]?.content)).toEqual(['done', 'done']);
  });
});
