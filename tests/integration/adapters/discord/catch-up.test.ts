import { describe, expect, it } from 'vitest';
import { StoreUnavailable, type Taken } from '../../../../src/platform/adapter.ts';
import type { IncomingMessage } from '../../../../src/platform/message.ts';
import type { SimChannel } from '../../../simulators/discord/channel-handle.ts';
import { until } from '../../../support/until.ts';
import { aWhile } from './stage.ts';
import { asked, botThread, openInbound, scene, type InboundStage } from './inbound-stage.ts';

const HISTORY = 'GET /channels/{channel_id}/messages';
const CHANNEL = 'GET /channels/{channel_id}';
const MEMBER = 'GET /guilds/{guild_id}/members/{user_id}';
const READS_ALL = { privilegedIntents: { messageContent: true, guildMembers: false, presences: false } };

/** What the core heard, each version of each message once, as its store keeps it. */
const heard = ({ messages }: Pick<InboundStage, 'messages'>) => [
  ...new Map(messages.map((message) => [message.originKey, message.text])).values(),
];

const reads = ({ discord }: InboundStage) => discord.calls.filter(({ route }) => route === HISTORY);

/** The only bookmark, as a number. */
const bookmark = ({ memory }: InboundStage) => {
  const [value = '{"position":null}'] = memory.bookmarks.values();
  const { position } = JSON.parse(value) as { position: string | null };
  return position === null ? null : BigInt(position);
};

/** A bot that was asked in a channel of a guild, and what a person says to it there. */
async function listening(options: Parameters<typeof openInbound>[0] = {}) {
  const stage = await openInbound(options);
  const { user, guild, channel } = scene(stage, { channels: ['general', 'other'] });
  const mentions = [stage.discord.bot];
  const say = (text: string, where: SimChannel = channel) => where.send(user, text, { mentions });
  await stage.next(() => say('first'));
  asked(stage, channel);
  return { stage, user, guild, channel, other: guild.channel('other'), say };
}

/** The same, stopped, with its bookmark written. */
async function stopped(options: Parameters<typeof openInbound>[0] = {}) {
  const scenery = await listening(options);
  await scenery.stage.adapter.stop();
  return { ...scenery, restart: () => scenery.stage.another().start(scenery.stage.handlers) };
}

describe('what was said while no session listened', () => {
  it.each([
    ['declared invalid', (stage: InboundStage) => stage.discord.gateway.invalidate(false)],
    ['closed with 4009', (stage: InboundStage) => stage.discord.gateway.close(4009)],
  ] as const)('because it was %s is read, and what follows comes behind it', async (_why, lose) => {
    const { stage, say } = await listening();
    lose(stage);
    say('missed 1');
    say('missed 2');
    await until(() => stage.logged('Discord: connected again') === 1);
    say('live');
    await until(() => heard(stage).length === 4);
    expect(heard(stage)).toEqual(['first', 'missed 1', 'missed 2', 'live']);
  });

  it('is not read again where the session was resumed', async () => {
    const { stage, say } = await listening();
    const { length } = reads(stage);
    stage.discord.gateway.drop();
    say('meanwhile');
    await until(() => heard(stage).length === 2);
    expect(reads(stage)).toHaveLength(length);
  });

  it('because the process was away is read in channels, threads and in private', async () => {
    const stage = await openInbound({ simulator: READS_ALL });
    const { user, channel } = scene(stage);
    const mentions = [stage.discord.bot];
    await stage.next(() => channel.send(user, 'in the channel', { mentions }));
    const thread = await botThread(stage, channel, channel.messages()[0]!.id);
    await stage.next(() => thread.send(user, 'in the thread'));
    await stage.next(() => user.dm().send(user, 'in private'));
    for (const place of [channel, thread, user.dm()]) asked(stage, place);
    await stage.adapter.stop();
    const before = heard(stage).length;
    channel.send(user, 'missed in the channel', { mentions });
    channel.send(user, 'said among people');
    thread.send(user, 'missed in the thread');
    thread.setThread({ archived: true });
    user.dm().send(user, 'missed in private');
    await stage.another().start(stage.handlers);
    await until(() => heard(stage).length === before + 3);
    expect(heard(stage).slice(before).toSorted()).toEqual([
      'missed in private',
      'missed in the channel',
      'missed in the thread',
    ]);
    const missed = stage.messages.find(({ text }) => text === 'missed in the thread');
    expect(missed).toMatchObject({ thread: 'here', addressing: { inOwnThread: true } });
    const inPrivate = stage.messages.find(({ text }) => text === 'missed in private');
    expect(inPrivate).toMatchObject({ guild: null, addressing: { isPrivate: true } });
  });

  it('tells who said it as well as what was told live', async () => {
    const { stage, guild, channel, restart } = await stopped();
    const manager = stage.discord.user({ username: 'carol' });
    guild.join(manager);
    guild.setRoles(manager, []);
    const owner = stage.discord.user();
    const owned = stage.discord.guild({ owner, channels: ['hall'] });
    asked(stage, owned.channel('hall'));
    owned.channel('hall').send(owner, 'by the owner', { mentions: [stage.discord.bot] });
    channel.send(manager, 'by a member', { mentions: [stage.discord.bot] });
    await restart();
    await until(() => heard(stage).length === 3);
    const ranks = stage.messages
      .filter(({ text }) => text.startsWith('by'))
      .map(({ text, author }) => [text, author.isGuildAdmin]);
    expect(Object.fromEntries(ranks)).toEqual({ 'by the owner': true, 'by a member': false });
    // Each of them and who wrote within the minute that is read again.
    expect(stage.discord.calls.filter(({ route }) => route === MEMBER)).toHaveLength(3);
  });

  it('is left where the bot was never asked', async () => {
    const { stage, other, say, restart } = await stopped();
    say('elsewhere', other);
    await restart();
    await stage.next(() => say('live'));
    expect(heard(stage)).toEqual(['first', 'live']);
    expect(reads(stage).filter(({ channelId }) => channelId === other.id)).toEqual([]);
  });

  it('is read up to a hundred messages a channel, the newest, and the log tells so', async () => {
    const { stage, say, restart } = await stopped({ handlers: {} });
    for (let index = 1; index <= 130; index += 1) say(`missed ${index}`);
    await restart();
    await until(() => heard(stage).length === 101);
    expect(heard(stage).slice(1)).toEqual(Array.from({ length: 100 }, (_, index) => `missed ${index + 31}`));
    expect(stage.logged('more was missed in a channel than is read')).toBe(1);
  });

  it('is read whole where it is a hundred messages', async () => {
    const { stage, say, restart } = await stopped();
    // The first message is within the minute that is read again.
    for (let index = 2; index <= 100; index += 1) say(`missed ${index}`);
    await restart();
    await until(() => heard(stage).length === 100);
    expect(stage.logged('more was missed in a channel than is read')).toBe(0);
  });

  it('is not looked for where nothing is newer than the bookmark', async () => {
    const clock = { offsetMs: -3_600_000 };
    const { stage, user, channel, restart } = await (async () => {
      const scenery = await listening({ simulator: { now: () => Date.now() + clock.offsetMs } });
      clock.offsetMs = 0;
      const { user: visitor } = scenery;
      await scenery.stage.next(() => visitor.dm().send(visitor, 'an hour later'));
      await scenery.stage.adapter.stop();
      return { ...scenery, restart: () => scenery.stage.another().start(scenery.stage.handlers) };
    })();
    await restart();
    await stage.next(() => user.dm().send(user, 'live'));
    expect(reads(stage).filter(({ channelId }) => channelId === channel.id)).toEqual([]);
  });

  it('is read for a week back where there is no bookmark', async () => {
    const clock = { offsetMs: -8 * 86_400_000 };
    const stage = await openInbound({
      isStarted: false,
      simulator: { now: () => Date.now() + clock.offsetMs },
    });
    const { user, channel } = scene(stage);
    const mentions = [stage.discord.bot];
    channel.send(user, 'eight days ago', { mentions });
    clock.offsetMs = -6 * 86_400_000;
    channel.send(user, 'six days ago', { mentions });
    clock.offsetMs = 0;
    asked(stage, channel);
    await stage.adapter.start(stage.handlers);
    await stage.next(() => undefined);
    expect(heard(stage)).toEqual(['six days ago']);
  });
});

describe('a first start', () => {
  it('reads nothing, and notes how far it has come', async () => {
    const stage = await openInbound();
    const { user } = scene(stage);
    expect(bookmark(stage)).toBeNull();
    await stage.next(() => user.dm().send(user, 'hello'));
    const { id } = user.dm().messages()[0]!;
    await until(() => bookmark(stage) === BigInt(id));
    expect([...stage.memory.bookmarks.keys()]).toEqual([`discord-seen:${stage.discord.bot.id}:0:1`]);
    expect(reads(stage)).toEqual([]);
  });
});

describe('the bookmark', () => {
  it('is written when the bot stops, and is past what nobody said to it', async () => {
    const { stage, channel, user, say } = await listening({ catchUpPace: { writeMs: 3_600_000 } });
    channel.send(user, 'among people');
    await stage.next(() => say('to the bot'));
    const { id } = channel.messages().at(-1)!;
    expect(bookmark(stage)).toBeNull();
    await stage.adapter.stop();
    expect(bookmark(stage)).toBe(BigInt(id));
  });

  it('stays before a message that is in hand, also at the end', async () => {
    const stage = await openInbound({
      handlers: { onMessage: rejecting((text) => text === 'held') },
      handingPace: { settleMs: 20 },
    });
    const { user, channel } = scene(stage);
    const held = channel.send(user, 'held', { mentions: [stage.discord.bot] });
    await until(() => stage.logged('event not taken') > 0);
    await stage.next(() => user.dm().send(user, 'later'));
    await until(() => bookmark(stage) !== null);
    expect(bookmark(stage)).toBe(BigInt(held) - 1n);
    await stage.adapter.stop();
    expect(bookmark(stage)).toBe(BigInt(held) - 1n);
  });

  it('does not pass what an end in the middle of the reading has left, and the next process reads it', async () => {
    let isBroken = true;
    const handlers = { onMessage: rejecting((text) => isBroken && text === 'missed 2') };
    const { stage, say, other } = await stopped({ handlers });
    asked(stage, other);
    const at = bookmark(stage);
    say('missed 1');
    say('missed 2');
    say('missed 3', other);
    const crashing = stage.another();
    await crashing.start(stage.handlers);
    await until(() => heard(stage).includes('missed 3') && heard(stage).includes('missed 1'));
    await stage.next(() =>
      stage.discord.user({ id: '1100000000000000555' }).dm().send({ id: '1100000000000000555' }, 'live'),
    );
    await crashing.stop();
    expect(bookmark(stage)).toBe(at);
    isBroken = false;
    await stage.another().start(stage.handlers);
    await until(() => heard(stage).includes('missed 2'));
    await until(() => bookmark(stage)! > at!);
    expect(heard(stage).toSorted()).toEqual(['first', 'live', 'missed 1', 'missed 2', 'missed 3']);
  });

  it('tells which channels were read before an end, so that the next process begins with the others', async () => {
    const clock = { offsetMs: -3_600_000 };
    const handlers = { onMessage: rejecting((text) => text === 'poison') };
    const simulator = { now: () => Date.now() + clock.offsetMs };
    const { stage, say, other, channel } = await stopped({ handlers, simulator });
    asked(stage, other);
    clock.offsetMs = -1_800_000;
    say('poison');
    say('older', other);
    clock.offsetMs = -900_000;
    say('newer', other);
    const crashing = stage.another();
    await crashing.start(stage.handlers);
    await until(() => heard(stage).includes('newer'));
    await crashing.stop();
    const before = reads(stage).length;
    const next = stage.another();
    await next.start(stage.handlers);
    await until(() => stage.messages.filter(({ text }) => text === 'newer').length === 2);
    await next.stop();
    expect(stage.messages.filter(({ text }) => text === 'older')).toHaveLength(1);
    expect(reads(stage)[before]?.channelId).toBe(channel.id);
  });

  it('that can not be written is written later', async () => {
    const { stage, say, channel } = await listening();
    await until(() => bookmark(stage) !== null);
    stage.memory.isAway = true;
    await stage.next(() => say('second'));
    await until(() => stage.logged('bookmark not written') > 0);
    const last = BigInt(channel.messages().at(-1)!.id);
    expect(bookmark(stage)).not.toBe(last);
    stage.memory.isAway = false;
    await until(() => bookmark(stage) === last);
  });
});

describe('reading what was missed', () => {
  it('waits for the store, and what is said meanwhile waits too', async () => {
    const { stage, say } = await listening();
    stage.memory.isAway = true;
    stage.discord.gateway.invalidate(false);
    say('missed');
    await until(() => stage.logged('Discord: connected again') === 1);
    say('live');
    await until(() => stage.logged('event not taken') > 0);
    expect(heard(stage)).toEqual(['first']);
    stage.memory.isAway = false;
    await until(() => heard(stage).length === 3);
    expect(heard(stage)).toEqual(['first', 'missed', 'live']);
  });

  it('goes on while the store takes no message, in order', async () => {
    let isAway = true;
    const handlers = { onMessage: rejecting((text) => isAway && text.startsWith('missed')) };
    const { stage, say, restart } = await stopped({ handlers });
    say('missed 1');
    say('missed 2');
    await restart();
    await until(() => stage.logged('event not taken') > 1);
    isAway = false;
    await until(() => heard(stage).length === 3);
    expect(heard(stage)).toEqual(['first', 'missed 1', 'missed 2']);
  });

  it('is tried again while Discord fails, and other channels do not wait', async () => {
    const { stage, channel, other, say, restart } = await stopped();
    asked(stage, other);
    const fault = { kind: 'status', status: 502, body: 'Bad Gateway' } as const;
    stage.discord.fault(HISTORY, fault, { times: 3, channelId: channel.id });
    say('missed');
    say('missed elsewhere', other);
    await restart();
    await until(() => heard(stage).length === 3);
    expect(heard(stage)).toEqual(['first', 'missed elsewhere', 'missed']);
  });

  it('that an end breaks off takes what was said later along to the next process', async () => {
    const { stage, channel, say, restart } = await stopped();
    const fault = { kind: 'delay', ms: 2000, when: 'before' } as const;
    stage.discord.fault(HISTORY, fault, { channelId: channel.id });
    say('missed');
    const ending = stage.another();
    await ending.start(stage.handlers);
    await until(() => reads(stage).length > 0);
    say('live');
    await aWhile(100);
    await ending.stop();
    expect(heard(stage)).toEqual(['first']);
    await restart();
    await until(() => heard(stage).length === 3);
    expect(heard(stage)).toEqual(['first', 'missed', 'live']);
  });

  it('meets a limit, rests, and goes on', async () => {
    const { stage, say, restart } = await stopped();
    stage.discord.fault(HISTORY, { kind: 'rateLimit', scope: 'user', retryAfterMs: 150 });
    say('missed');
    await restart();
    await until(() => heard(stage).length === 2);
    expect(stage.logged('asked to slow down')).toBe(1);
  });

  it('leaves out what is gone or closed to the bot, without a word to the operator', async () => {
    const { stage, guild, other, say, restart } = await stopped();
    const closed = guild.addChannel('closed');
    const gone = guild.addChannel('gone');
    for (const place of [closed, gone, other]) asked(stage, place);
    say('in a closed channel', closed);
    closed.overwrite({ for: 'bot', deny: ['ViewChannel'] });
    gone.remove();
    say('missed', other);
    await restart();
    await until(() => heard(stage).length === 2);
    await until(() => bookmark(stage) === BigInt(other.messages().at(-1)!.id));
    expect(heard(stage)).toEqual(['first', 'missed']);
  });

  it('holds up what is said in its channel, and that alone', async () => {
    const { stage, user, channel, say, restart } = await stopped();
    stage.discord.fault(HISTORY, { kind: 'delay', ms: 300, when: 'before' }, { channelId: channel.id });
    say('missed');
    await restart();
    say('live');
    user.dm().send(user, 'in private');
    await until(() => heard(stage).length === 4);
    expect(heard(stage)).toEqual(['first', 'in private', 'missed', 'live']);
  });

  it('does not hold up a channel for ever', async () => {
    const { stage, channel, say, restart } = await stopped({ catchUpPace: { holdMs: 50 } });
    const fault = { kind: 'status', status: 503, body: '' } as const;
    stage.discord.fault(HISTORY, fault, { times: Infinity, channelId: channel.id });
    say('missed');
    await restart();
    await stage.next(() => say('live'));
    expect(heard(stage)).toEqual(['first', 'live']);
  });

  it('reads many channels, those first in which somebody waits', async () => {
    const { stage, user, guild, say } = await listening({ catchUpPace: { channels: 1, gapMs: 25 } });
    const many = Array.from({ length: 100 }, (_, index) => guild.addChannel(`channel-${index}`));
    for (const place of many) asked(stage, place);
    const last = many.at(-1)!;
    await stage.adapter.stop();
    for (const place of many) place.send(user, 'missed', { mentions: [stage.discord.bot] });
    stage.discord.fault(HISTORY, { kind: 'delay', ms: 100, when: 'before' });
    await stage.another().start(stage.handlers);
    say('live', last);
    await until(() => heard(stage).length === 102);
    const order = stage.messages.map(({ place }) => place.split(':')[2]);
    expect(order.indexOf(last.id)).toBeLessThan(order.indexOf(many[98]!.id));
    const texts = stage.messages.filter(({ place }) => place.endsWith(last.id)).map(({ text }) => text);
    expect(texts.slice(0, 2)).toEqual(['missed', 'live']);
    expect(stage.discord.calls.filter(({ status }) => status === 429)).toEqual([]);
  });

  it('asks for a direct message channel that it does not know', async () => {
    const stage = await openInbound({ isStarted: false });
    const user = stage.discord.user();
    asked(stage, user.dm());
    user.dm().send(user, 'missed');
    await stage.adapter.start(stage.handlers);
    await until(() => heard(stage).length === 1);
    expect(stage.discord.calls.filter(({ route }) => route === CHANNEL)).toHaveLength(1);
  });

  it('comes before what is said while the guilds of the new session are yet to come', async () => {
    const { stage, user } = await listening({ gatewayPace: { waitGuildTimeoutMs: 400 } });
    const dm = user.dm();
    await stage.next(() => dm.send(user, 'before'));
    asked(stage, dm);
    scene(stage).guild.setAvailable(false);
    const [session] = stage.discord.gateway.sessions();
    stage.discord.gateway.invalidate(false);
    dm.send(user, 'missed');
    await until(() => stage.discord.gateway.sessions().some(({ id }) => id !== session!.id));
    expect(stage.logged('Discord: connected again')).toBe(0);
    dm.send(user, 'live');
    await until(() => heard(stage).length === 4);
    expect(heard(stage)).toEqual(['first', 'before', 'missed', 'live']);
  });

  it('waits for a guild that is out of order, and other channels do not', async () => {
    const { stage, guild, say, restart } = await stopped();
    const { user: visitor, channel: there } = scene(stage);
    asked(stage, there);
    say('missed');
    guild.setAvailable(false);
    there.send(visitor, 'missed there', { mentions: [stage.discord.bot] });
    await restart();
    await until(() => heard(stage).includes('missed there'));
    expect(heard(stage)).toEqual(['first', 'missed there']);
    guild.setAvailable(true);
    await until(() => heard(stage).length === 3);
    expect(heard(stage)).toEqual(['first', 'missed there', 'missed']);
  });

  it('records a message that the core fails on, and goes on', async () => {
    const cause = new Error('a bug');
    const onMessage = ({ text }: IncomingMessage) =>
      text === 'bad' ? Promise.reject(cause) : Promise.resolve('no_reply' as const);
    const { stage, channel, say, restart } = await stopped({ handlers: { onMessage } });
    const bad = say('bad');
    const good = say('good');
    await restart();
    await until(() => heard(stage).length === 2);
    expect(heard(stage)).toEqual(['first', 'good']);
    expect(stage.poison).toEqual([{ eventId: bad, cause }]);
    await until(() => bookmark(stage) === BigInt(good));
    expect(channel.messages().at(-1)!.id).toBe(good);
  });

  it('begins anew when the session is lost meanwhile', async () => {
    const { stage, channel, say, restart } = await stopped();
    stage.discord.fault(HISTORY, { kind: 'delay', ms: 2000, when: 'after' }, { channelId: channel.id });
    say('missed 1');
    await restart();
    await until(() => reads(stage).length > 0);
    stage.discord.gateway.invalidate(false);
    say('missed 2');
    await until(() => heard(stage).length === 3);
    expect(heard(stage)).toEqual(['first', 'missed 1', 'missed 2']);
  });
});

/** The store is away for messages of these texts. */
function rejecting(isRefused: (text: string) => boolean) {
  return ({ text }: IncomingMessage): Promise<Taken> =>
    isRefused(text) ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve('no_reply');
}
