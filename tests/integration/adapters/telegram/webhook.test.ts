import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../../src/platform/adapter.ts';
import { until } from './stage.ts';
import { openWebhookStage, SECRET, type WebhookStage } from './webhook-stage.ts';

const withSecret = { 'x-telegram-bot-api-secret-token': SECRET };

function messageUpdate(id: number, text = 'hello') {
  const who = { id: 7, first_name: 'Ada' };
  const chat = { ...who, type: 'private' };
  return { update_id: id, message: { message_id: id, date: 1, chat, from: { ...who, is_bot: false }, text } };
}

async function webhookInfo(stage: WebhookStage) {
  const response = await fetch(`${stage.telegram.url}/bot${stage.telegram.token}/getWebhookInfo`);
  return ((await response.json()) as { result: { url: string } }).result;
}

/** A core that waits until it is let go. */
function slowCore() {
  let release = (): void => undefined;
  let begun = 0;
  const held = new Promise<void>((resolve) => (release = resolve));
  const onMessage = async () => {
    begun += 1;
    await held;
    return 'no_reply' as const;
  };
  return { onMessage, release: () => release(), begun: () => begun };
}

describe('the start with a webhook', () => {
  it('tells Telegram where to post, with a secret, and never polls', async () => {
    const stage = await openWebhookStage();
    expect(stage.calls('setWebhook')).toMatchObject([
      {
        ok: true,
        params: {
          url: stage.hookUrl,
          secret_token: SECRET,
          max_connections: 40,
          allowed_updates: [
            'message',
            'edited_message',
            'callback_query',
            'my_chat_member',
            'pre_checkout_query',
            'subscription',
            'stopped_message_generation',
          ],
        },
      },
    ]);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'hello');
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages.map(({ text }) => text)).toEqual(['hello']);
    expect(stage.calls('getUpdates')).toEqual([]);
    expect(stage.calls('deleteWebhook')).toEqual([]);
    expect(stage.leadAsks).toEqual([]);
  });

  it('sets nothing again that is set already, and leaves it at the stop', async () => {
    const stage = await openWebhookStage();
    await stage.adapter.stop();
    expect(await webhookInfo(stage)).toMatchObject({ url: stage.hookUrl });
    const next = stage.another();
    stage.serveBy(next);
    await next.start(stage.handlersOf('second'));
    expect(stage.calls('setWebhook')).toHaveLength(1);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'to the next');
    await until(() => stage.messages.length === 1);
  });

  it('sets it anew where somebody changed it', async () => {
    const stage = await openWebhookStage();
    await stage.adapter.stop();
    await fetch(
      `${stage.telegram.url}/bot${stage.telegram.token}/setWebhook?url=https://example.org/x&max_connections=40`,
    );
    await stage.another().start(stage.handlersOf('second'));
    expect(await webhookInfo(stage)).toMatchObject({ url: stage.hookUrl });
  });

  it('sets it anew for a new secret, which Telegram does not tell', async () => {
    const stage = await openWebhookStage();
    await stage.adapter.stop();
    const memory = stage.handlersOf('second').memory;
    await memory.setBookmark(`telegram-webhook:${stage.telegram.bot.id}`, 'of another secret');
    await stage.another().start(stage.handlersOf('second'));
    expect(stage.calls('setWebhook')).toHaveLength(2);
  });

  it('waits for a Telegram that does not answer yet', async () => {
    const stage = await openWebhookStage({ isStarted: false });
    const away = { kind: 'error', code: 500, description: 'Internal Server Error' } as const;
    stage.telegram.fault('setWebhook', away, { times: 2 });
    await stage.adapter.start(stage.handlers);
    expect(stage.calls('setWebhook').map(({ ok }) => ok)).toEqual([false, false, true]);
  });

  it('answers 503 until then', async () => {
    const stage = await openWebhookStage({ isStarted: false });
    const response = await stage.post(JSON.stringify(messageUpdate(1)));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  });

  it('is looked after: a poller that took it away does not leave the bot deaf', async () => {
    const stage = await openWebhookStage({ speed: 1000 });
    await fetch(`${stage.telegram.url}/bot${stage.telegram.token}/deleteWebhook`);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'anybody?');
    await until(() => stage.messages.length === 1);
    expect(stage.calls('setWebhook').length).toBeGreaterThanOrEqual(2);
  });
});

describe('a request', () => {
  it.each([
    ['no secret', {}],
    ['a wrong secret', { 'x-telegram-bot-api-secret-token': 'guess' }],
    ['a secret that only begins right', { 'x-telegram-bot-api-secret-token': SECRET.slice(0, -1) }],
  ])('with %s is refused and read by nobody', async (_, headers) => {
    const stage = await openWebhookStage();
    const response = await stage.post(JSON.stringify(messageUpdate(1)), headers);
    expect(response.status).toBe(401);
    expect(stage.messages).toEqual([]);
  });

  it.each([
    ['no JSON', 'hello', 400],
    ['no update', '{"message":{}}', 400],
    ['an update_id that is no number', '{"update_id":"1"}', 400],
    ['nothing', '', 400],
    ['more than a mebibyte', JSON.stringify({ update_id: 1, x: 'y'.repeat(1_048_576) }), 413],
  ])('that holds %s is refused', async (_, body, status) => {
    const stage = await openWebhookStage();
    expect((await stage.post(body)).status).toBe(status);
    expect(stage.messages).toEqual([]);
    expect(stage.poison).toEqual([]);
  });

  it('whose length is not told is cut off at a mebibyte', async () => {
    const stage = await openWebhookStage();
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('x'.repeat(65_536))),
    });
    const request = { method: 'POST', headers: withSecret, body: endless, duplex: 'half' } as const;
    // The server may break the connection off instead of reading on.
    const status = await fetch(stage.hookUrl, request).then(
      (response) => response.status,
      () => 'broken off',
    );
    expect([413, 'broken off']).toContain(status);
    expect((await stage.post(JSON.stringify(messageUpdate(1)))).status).toBe(200);
  });

  it('of another method is refused', async () => {
    const stage = await openWebhookStage();
    expect((await fetch(stage.hookUrl, { headers: withSecret })).status).toBe(405);
  });

  it('is confirmed only when the update is stored', async () => {
    const core = slowCore();
    const stage = await openWebhookStage({ handlers: core });
    const user = stage.telegram.user();
    user.privateChat().send(user, 'hello');
    await until(() => core.begun() === 1);
    expect(stage.telegram.unconfirmed()).toHaveLength(1);
    core.release();
    await until(() => stage.telegram.unconfirmed().length === 0);
  });

  it('is answered in time, and joined by its repetition while the core still works on it', async () => {
    const core = slowCore();
    // 25 seconds are half a second here.
    const stage = await openWebhookStage({ handlers: core, speed: 50 });
    const first = await stage.post(JSON.stringify(messageUpdate(1)));
    expect([first.status, first.headers.get('retry-after')]).toEqual([503, '1']);
    const body = JSON.stringify(messageUpdate(1));
    const second = stage.adapter.webhook?.handle(
      new Request(stage.hookUrl, { method: 'POST', headers: withSecret, body }),
    );
    // Nothing tells from outside that the second has been read.
    await new Promise((resolve) => setTimeout(resolve, 50));
    core.release();
    expect((await second)?.status).toBe(200);
    expect(core.begun()).toBe(1);
    expect(stage.messages).toHaveLength(1);
  });

  it('does not overtake another of its chat, unless it stops what runs', async () => {
    const core = slowCore();
    const stage = await openWebhookStage({ handlers: { onMessage: core.onMessage } });
    const requests = [messageUpdate(1, 'first'), messageUpdate(2, 'second')].map((update) =>
      stage.post(JSON.stringify(update)),
    );
    await until(() => core.begun() === 1);
    const stop = messageUpdate(3, '/stop');
    const entities = [{ type: 'bot_command', offset: 0, length: 5 }];
    await stage.post(JSON.stringify({ ...stop, message: { ...stop.message, entities } }));
    expect(stage.commands.map(({ name }) => name)).toEqual(['stop']);
    expect(core.begun()).toBe(1);
    core.release();
    await Promise.all(requests);
    expect(stage.messages.map(({ text }) => text).toSorted()).toEqual(['first', 'second']);
  });
});

describe('an update that can not be taken', () => {
  it('comes again while the store is away, and is taken once when it is back', async () => {
    let isAway = true;
    const stage = await openWebhookStage({
      handlers: {
        onMessage: () => (isAway ? Promise.reject(new StoreUnavailable()) : Promise.resolve('no_reply')),
      },
    });
    const response = await stage.post(JSON.stringify(messageUpdate(1)));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    const again = await stage.post(JSON.stringify(messageUpdate(1)));
    expect([again.status, again.headers.get('retry-after')]).toEqual([503, '2']);
    const user = stage.telegram.user();
    user.privateChat().send(user, 'one');
    user.privateChat().send(user, 'two');
    await until(() => stage.log.filter((line) => line.startsWith('update not taken')).length >= 3);
    isAway = false;
    await until(() => stage.telegram.unconfirmed().length === 0);
    expect(stage.messages.map(({ text }) => text)).toEqual(['one', 'two']);
    expect(stage.poison).toEqual([]);
  });

  it('is recorded and confirmed after five failures that are ours, over as many requests', async () => {
    let tries = 0;
    const onMessage = () => {
      tries += 1;
      return Promise.reject(new TypeError('a bug'));
    };
    const stage = await openWebhookStage({ handlers: { onMessage } });
    const statuses: number[] = [];
    for (let request = 0; request < 5; request += 1) {
      statuses.push((await stage.post(JSON.stringify(messageUpdate(1)))).status);
    }
    expect(statuses).toEqual([503, 503, 503, 503, 200]);
    expect(tries).toBe(5);
    expect(stage.poison).toEqual([{ eventId: '1', cause: expect.any(TypeError) }]);
  });

  it('is not confirmed before it could be recorded', async () => {
    let isAway = true;
    const stage = await openWebhookStage({
      handlers: {
        onMessage: () => Promise.reject(new TypeError('a bug')),
        onPoison: () => (isAway ? Promise.reject(new StoreUnavailable()) : Promise.resolve()),
      },
    });
    const statuses: number[] = [];
    for (let request = 0; request < 7; request += 1) {
      isAway = request < 6;
      statuses.push((await stage.post(JSON.stringify(messageUpdate(1)))).status);
    }
    expect(statuses).toEqual([503, 503, 503, 503, 503, 503, 200]);
    expect(stage.poison).toEqual([{ eventId: '1', cause: expect.any(TypeError) }]);
  });
});

describe('the stop of a webhook', () => {
  it('finishes what is in hand, takes nothing more, and leaves that to the next process', async () => {
    const core = slowCore();
    const stage = await openWebhookStage({ handlers: core });
    const inHand = stage.post(JSON.stringify(messageUpdate(1, 'in hand')));
    const behind = stage.post(JSON.stringify(messageUpdate(2, 'behind it')));
    await until(() => core.begun() === 1);
    const stopped = stage.adapter.stop();
    expect((await stage.post(JSON.stringify(messageUpdate(3)))).status).toBe(503);
    core.release();
    // Which of the two arrived first is the sockets' affair.
    const statuses = new Set([(await inHand).status, (await behind).status]);
    expect(statuses).toEqual(new Set([200, 503]));
    await stopped;
    expect(stage.messages).toHaveLength(1);
    const next = stage.another();
    await next.start(stage.handlersOf('second'));
    stage.serveBy(next);
    expect((await stage.post(JSON.stringify(messageUpdate(2, 'behind it')))).status).toBe(200);
  });
});

describe('an album by webhook', () => {
  const piece = (id: number, caption?: string) => ({
    update_id: id,
    message: {
      ...messageUpdate(id).message,
      text: undefined,
      photo: [{ file_id: 'x', file_unique_id: 'x', width: 1, height: 1 }],
      media_group_id: 'g1',
      caption,
    },
  });
  const origins = (stage: WebhookStage) =>
    stage.messages.map(({ originKey }) => originKey.split(':album:')[1]);

  it('is one message where the first piece has the caption', async () => {
    const stage = await openWebhookStage();
    for (const update of [piece(1, 'look'), piece(2), piece(3)]) {
      expect((await stage.post(JSON.stringify(update))).status).toBe(200);
    }
    expect(stage.messages.map(({ text }) => text)).toEqual(['look']);
    expect(origins(stage)).toEqual(['g1']);
  });

  it('that begins without a caption is handed over under an origin of its own', async () => {
    const stage = await openWebhookStage();
    for (const update of [piece(1), piece(2), piece(3, 'look')]) await stage.post(JSON.stringify(update));
    expect(origins(stage)).toEqual(['g1:empty', 'g1']);
  });

  it('does not lose a piece whose first request failed', async () => {
    let isAway = true;
    const stage = await openWebhookStage({
      handlers: {
        onMessage: () => (isAway ? Promise.reject(new StoreUnavailable()) : Promise.resolve('no_reply')),
      },
    });
    expect((await stage.post(JSON.stringify(piece(1)))).status).toBe(503);
    isAway = false;
    expect((await stage.post(JSON.stringify(piece(1)))).status).toBe(200);
    expect(origins(stage)).toEqual(['g1:empty']);
  });
});
