import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { SimChannel } from '../simulators/discord/channel-handle.ts';
import type { Fault } from '../simulators/discord/faults.ts';
import {
  openDiscordScene,
  refusal,
  ROUTES,
  STORY,
  TALE,
  type DiscordScene,
} from '../support/discord-scene.ts';
import type { TurnRow } from '../support/records.ts';
import { requestsTo, slowly, stalling } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** Goes on for eight seconds unless somebody stops the model. */
const ENDLESS = {
  kind: 'answer',
  pieces: [...STORY, ...Array.from({ length: 200 }, () => 'and on ')].map((text) => ({ text, delayMs: 40 })),
} as const;

let scene: DiscordScene;
beforeAll(async () => {
  scene = await openDiscordScene();
});
afterAll(async () => {
  expect(scene.discord.violations).toEqual([]);
  expect(scene.discord.pings).toEqual([]);
  expect(scene.loggedTokens()).toEqual([]);
  expect(await scene.records.holds()).toBe(0);
  expect(await scene.records.wrongCounters()).toEqual([]);
  await scene.stop();
});

const showing = (channel: SimChannel, text: string) =>
  until(() => scene.said(channel).find(({ content }) => content.includes(text)));
const callsTo = (channel: SimChannel, route: string) =>
  scene.discord.calls.filter((call) => call.route === route && call.channelId === channel.id);
const texts = (channel: SimChannel) => scene.said(channel).map(({ content }) => content);

/** Somebody else is served as if nothing had happened. */
async function expectService(): Promise<void> {
  const { ann, channel } = scene.ownGuild();
  const { turn, text } = await scene.ask(channel, ann, 'Are you all right?');
  expect([turn.state, turn.unreachable, turn.epoch]).toEqual(['delivered', null, 1]);
  expect(text).not.toBe('');
}

/** Nobody could see the answer any more, so the model was stopped. */
function expectStopped({ state }: TurnRow): void {
  expect(state).toBe('cancelled');
  expect(requestsTo(scene.openrouter).at(-1)?.call).toMatchObject({ cancelled: true });
}

describe('an answer in the making', () => {
  test.for([
    ['a limit of its own', { kind: 'rateLimit', scope: 'user', retryAfterMs: 400 }],
    ['a shared limit', { kind: 'rateLimit', scope: 'shared', retryAfterMs: 400 }],
    ['the global limit', { kind: 'rateLimit', scope: 'global', retryAfterMs: 400 }],
    ['500', refusal(500, 0, 'Internal Server Error')],
    ["a proxy's page", { kind: 'status', status: 502, body: '<html>Bad Gateway</html>' }],
    ['a broken connection', { kind: 'drop', when: 'before' }],
    ['a lost answer', { kind: 'drop', when: 'after' }],
  ] satisfies [string, Fault][])('gets over %s in its edits, and is complete', async ([, fault]) => {
    const { ann, channel } = scene.ownGuild();
    scene.discord.fault(ROUTES.edit, fault, { channelId: channel.id, times: 2 });
    scene.openrouter.play(slowly(STORY));
    const { text, turn } = await scene.ask(channel, ann, 'A story?');
    expect([text, turn.state, turn.unreachable, turn.epoch]).toEqual([TALE, 'delivered', null, 1]);
    expect(scene.said(channel)).toHaveLength(1);
    // A lost answer is that of a call that went well.
    const disturbed = callsTo(channel, ROUTES.edit).filter(({ ok, aborted }) => !ok || aborted === true);
    expect(disturbed).toHaveLength(2);
  });

  test.for([
    ['was lost on the way', { kind: 'drop', when: 'before' }],
    ['took effect although its answer was lost', { kind: 'drop', when: 'after' }],
    ['met a server error', refusal(503, 0, 'Service Unavailable')],
    ['met a rate limit', { kind: 'rateLimit', scope: 'user', retryAfterMs: 300 }],
  ] satisfies [string, Fault][])('is one message although its creation %s', async ([, fault]) => {
    const { ann, channel } = scene.ownGuild();
    scene.discord.fault(ROUTES.create, fault, { channelId: channel.id, times: 2 });
    scene.openrouter.play(slowly(STORY));
    const { text, turn, reply } = await scene.ask(channel, ann, 'A story?');
    expect([text, turn.unreachable]).toEqual([TALE, null]);
    expect(channel.history().filter(({ author }) => author.id === scene.discord.bot.id)).toHaveLength(1);
    expect(turn.parts).toEqual([reply[0]?.id]);
    const nonces = callsTo(channel, ROUTES.create).flatMap(({ body }) => body['nonce'] ?? []);
    expect(new Set(nonces).size).toBe(1);
  });

  test('ends when somebody deletes its message: the model is stopped and nothing is sent again', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.openrouter.play(ENDLESS);
    const eventId = scene.send(channel, ann, 'A story?');
    const shown = await showing(channel, 'Once');
    channel.delete(ann, shown.id);
    const { turn } = await scene.over(channel, eventId);
    expectStopped(turn);
    expect(turn.unreachable).toMatch(/10008/u);
    expect(turn.answer?.text.length).toBeLessThan(1000);
    expect(texts(channel)).toEqual([]);
    await expectService();
  });

  test('ends quietly when the guild removes the bot', async () => {
    const { ann, guild, channel } = scene.ownGuild();
    scene.openrouter.play(ENDLESS);
    const eventId = scene.send(channel, ann, 'A story?');
    await showing(channel, 'Once');
    guild.removeBot();
    const { turn } = await scene.over(channel, eventId);
    expectStopped(turn);
    expect(turn.unreachable).toMatch(/1000[34]|50001/u);
    await expectService();
  });

  test('ends quietly when the bot may no longer write there', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.discord.fault(ROUTES.edit, refusal(403, 50013, 'Missing Permissions'), {
      channelId: channel.id,
      times: Infinity,
    });
    scene.openrouter.play(ENDLESS);
    const { turn } = await scene.ask(channel, ann, 'A story?');
    expectStopped(turn);
    expect(turn.unreachable).toMatch(/50013/u);
    expect(callsTo(channel, ROUTES.edit).length).toBeLessThanOrEqual(2);
    await expectService();
  });

  test('comes to its end in a thread that was archived meanwhile', async () => {
    const { ann, channel } = scene.ownGuild();
    const thread = channel.startThread(ann, 'a talk');
    scene.openrouter.play(slowly([...STORY], 120));
    const eventId = scene.send(thread, ann, 'A story?');
    await showing(thread, 'Once');
    thread.setThread({ archived: true });
    const { turn, text } = await scene.over(thread, eventId);
    expect([text, turn.unreachable]).toEqual([TALE, null]);
  });

  test('is given up in a thread that was locked meanwhile', async () => {
    const { ann, channel } = scene.ownGuild();
    const thread = channel.startThread(ann, 'a talk');
    scene.openrouter.play(slowly([...STORY, ...STORY], 120));
    const eventId = scene.send(thread, ann, 'A story?');
    await showing(thread, 'Once');
    thread.setThread({ archived: true, locked: true });
    const { turn } = await scene.over(thread, eventId);
    expect(turn.unreachable).toMatch(/50083|160005|50013/u);
    await expectService();
  });

  test('is sent plain where Discord refuses its form, and our failure is on record', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.discord.fault(ROUTES.create, refusal(400, 50035, 'Invalid Form Body'), { channelId: channel.id });
    scene.openrouter.play({ kind: 'answer', text: 'Tea is hot.' });
    const { turn, text } = await scene.ask(channel, ann, 'Tea?');
    expect([text, turn.unreachable]).toEqual(['Tea is hot.', null]);
    expect(scene.log.some((line) => line.includes('50035'))).toBe(true);
  });

  test('does not disturb another one in the same channel', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.openrouter.play(slowly(STORY));
    scene.openrouter.play(slowly(STORY));
    const ids = [scene.send(channel, ann, 'A story?'), scene.send(channel, ann, 'And another?')];
    const asked = await Promise.all(ids.map((id) => scene.over(channel, id)));
    expect(asked.map(({ text }) => text)).toEqual([TALE, TALE]);
    expect(asked.map(({ reply }) => reply.map(({ replyTo }) => replyTo))).toEqual(ids.map((id) => [id]));
  });

  test('keeps its code in fences and its table whole across the boundary of a message', async () => {
    const { ann, channel } = scene.ownGuild();
    const code = Array.from({ length: 90 }, (_, line) => `console.log("line number ${line}");`).join('\n');
    const rows = Array.from({ length: 60 }, (_, row) => `| tea ${row} | green and hot ${row} |`).join('\n');
    scene.openrouter.play({
      kind: 'answer',
      text: `Code:\n\n\`\`\`js\n${code}\n\`\`\`\n\nTable:\n\n| name | taste |\n|---|---|\n${rows}\n\nThat is all.`,
    });
    const { reply, eventId } = await scene.ask(channel, ann, 'Code?');
    expect(reply.length).toBeGreaterThan(2);
    expect(reply.map(({ replyTo }) => replyTo)).toEqual([eventId, ...reply.slice(0, -1).map(({ id }) => id)]);
    for (const { content } of reply) {
      expect(content.length).toBeLessThanOrEqual(2000);
      expect(content.match(/^```/gmu)?.length ?? 0).toSatisfy((count: number) => count % 2 === 0);
    }
    const lines = reply.flatMap(({ content }) => content.split('\n'));
    expect(lines.filter((line) => line.startsWith('console.log'))).toEqual(code.split('\n'));
    for (let row = 0; row < 60; row += 1) {
      expect(
        lines.filter(
          (line) => line.includes(`green and hot ${row} `) || line.endsWith(`green and hot ${row}`),
        ),
      ).toHaveLength(1);
    }
    expect(lines.filter((line) => line === '```js').length).toBeGreaterThan(0);
  });
});

describe('a command', () => {
  test('is answered in the channel where Discord no longer knows the interaction', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.discord.fault(ROUTES.callback, refusal(404, 10062, 'Unknown interaction'));
    scene.openrouter.play({ kind: 'answer', text: 'Tea is hot.' });
    const { turn, reply } = await scene.askBySlash(channel, ann, 'ask', { question: 'Tea?' });
    expect(turn.unreachable).toBeNull();
    expect(reply).toMatchObject([{ content: 'Tea is hot.', type: 0 }]);
    await expectService();
  });

  test('that is for the person alone is never answered in public', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.discord.fault(ROUTES.callback, refusal(404, 10062, 'Unknown interaction'));
    channel.slash(ann, 'usage');
    await until(() => scene.log.some((line) => line.includes('10062')));
    await expectService();
    expect(texts(channel)).toEqual([]);
  });

  test('that was acknowledged before is answered once, in its response', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.openrouter.play(slowly(STORY));
    const invoked = channel.slash(ann, 'ask', { question: 'A story?' });
    await invoked.answer;
    scene.discord.gateway.replay(3); // the gateway delivers its last events again
    await scene.over(channel, invoked.id);
    await expectService();
    expect(invoked.view().messages.map(({ content }) => content)).toEqual([TALE]);
    expect(scene.said(channel)).toHaveLength(1);
  });

  test('goes on as a normal message when its token is over', async () => {
    const { ann, channel } = scene.ownGuild();
    const webhook = 'PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original';
    scene.discord.fault(webhook, refusal(401, 50027, 'Invalid Webhook Token'), { times: Infinity });
    onTestFinished(() => scene.discord.reset());
    const from = scene.discord.calls.length;
    scene.openrouter.play(slowly(STORY));
    const { turn, text } = await scene.askBySlash(channel, ann, 'ask', { question: 'A story?' });
    expect([text, turn.unreachable]).toEqual([TALE, null]);
    expect(scene.bot().fatal()).toBeNull();
    const byToken = scene.discord.calls.slice(from).filter(({ route }) => route === webhook);
    expect(byToken.map(({ code }) => code)).toEqual([50_027]);
    expect(callsTo(channel, ROUTES.edit).at(-1)).toMatchObject({ ok: true, body: { content: TALE } });
  });
});

describe('the gateway', () => {
  const connected = () => until(() => scene.discord.gateway.sessions().some(({ connected: is }) => is));

  test.for([
    ['breaks', () => scene.discord.gateway.drop()],
    ['asks for a new connection', () => scene.discord.gateway.reconnect()],
    ['closes with 4000', () => scene.discord.gateway.close(4000)],
    ['ends the session with 4009', () => scene.discord.gateway.close(4009)],
    ['calls the session invalid but resumable', () => scene.discord.gateway.invalidate(true)],
    ['calls the session invalid', () => scene.discord.gateway.invalidate(false)],
  ] as [string, () => void][])('%s, and the bot is back, also for the answer under way', async ([, act]) => {
    const { ann, channel } = scene.ownGuild();
    scene.openrouter.play(slowly(STORY));
    const eventId = scene.send(channel, ann, 'A story?');
    await showing(channel, 'Once');
    act();
    expect((await scene.over(channel, eventId)).text).toBe(TALE);
    await connected();
    await expectService();
  });

  test('delivers events twice, and each is answered once', async () => {
    const { ann, channel } = scene.ownGuild();
    await scene.ask(channel, ann, 'once');
    const from = scene.requests().length;
    scene.discord.gateway.replay(10);
    await expectService();
    expect(scene.requests()).toHaveLength(from + 1);
    expect(scene.said(channel)).toHaveLength(1);
  });
});

describe('for good', () => {
  const reason = async () => (await until(() => scene.bot().fatal())).message;

  test.for([
    [4004, /DISCORD_TOKEN/u],
    [4014, /intent/iu],
  ] as const)('the bot ends after close code %s, and says why', async ([code, pattern]) => {
    scene.discord.gateway.close(code);
    expect(await reason()).toMatch(pattern);
    await scene.restart();
    await expectService();
  });

  test('the bot ends after one 401, and says why', async () => {
    const { ann, channel } = scene.ownGuild();
    scene.discord.fault(ROUTES.create, refusal(401, 0, '401: Unauthorized'), { channelId: channel.id });
    scene.openrouter.play({ kind: 'answer', text: 'Tea is hot.' });
    const eventId = scene.send(channel, ann, 'Tea?');
    expect(await reason()).toMatch(/DISCORD_TOKEN/u);
    await scene.restart();
    // What could not be sent is sent when the token works again.
    expect((await scene.over(channel, eventId)).text).toBe('Tea is hot.');
  });
});

test('an answer that is stopped in mid-sentence keeps what was said', async () => {
  const { ann, channel } = scene.ownGuild();
  scene.openrouter.play(stalling(TALE));
  const eventId = scene.send(channel, ann, 'A story?');
  await showing(channel, 'Once');
  await scene.slash(channel, ann, 'stop');
  expect((await scene.over(channel, eventId)).text).toContain(TALE);
});
