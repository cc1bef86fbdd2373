import { afterAll, beforeAll, expect, test } from 'vitest';
import { questionText } from './model.ts';
import { startStage, type SeenCall, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage(1);
});
afterAll(() => stage.stop());

const sendOn = (place: number): Promise<Response> =>
  fetch(`${stage.telegram.url}/bot${stage.telegram.token}/sendMessage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ chat_id: place, text: 'Q1G1 ends.' }),
  });

const newChat = () => {
  const user = stage.telegram.user();
  const chat = user.privateChat();
  chat.send(user, 'Hello');
  return chat;
};

const sayOnDiscord = (channelId: string): Promise<Response> =>
  fetch(`${stage.discord.url}/v10/channels/${channelId}/messages`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'DiscordBot (https://example.com, 1)',
      authorization: `Bot ${stage.discord.token}`,
    },
    body: JSON.stringify({ content: 'Q1G1 ends.' }),
  });

/** Breaks the connection of the creates that are at this point; ends with the returned function. */
const dropCreates = (when: SeenCall['when']) =>
  stage.watch((call) => (call.kind === 'create' && call.when === when ? Promise.resolve('drop') : undefined));

test.each(['before', 'after'] as const)(
  'a call that is dropped %s it takes effect has no answer, on either platform',
  async (when) => {
    const [chat, user] = [newChat(), stage.discord.user()];
    const channel = user.dm();
    channel.send(user, 'Hello');
    const end = dropCreates(when);
    await expect(sendOn(chat.id)).rejects.toThrow('fetch failed');
    await expect(sayOnDiscord(channel.id)).rejects.toThrow('fetch failed');
    end();
    const shown = when === 'before' ? [] : ['Q1G1 ends.'];
    expect(
      chat
        .messages()
        .filter(({ from }) => from.isBot)
        .map(({ text }) => text),
    ).toEqual(shown);
    expect(channel.messages().map(({ content }) => content)).toEqual(['Hello', ...shown]);
  },
);

test('a call that is held up goes on when it is let go', async () => {
  const chat = newChat();
  const { promise, resolve } = Promise.withResolvers<'pass'>();
  const { promise: seen, resolve: see } = Promise.withResolvers<SeenCall>();
  const end = stage.watch((call) => {
    if (call.kind !== 'create' || call.when !== 'before') return undefined;
    see(call);
    return promise;
  });
  const sending = sendOn(chat.id);
  expect(await seen).toMatchObject({ place: `telegram:${chat.id}`, question: 1, hasStopButton: false });
  expect(chat.messages().filter(({ from }) => from.isBot)).toEqual([]);
  resolve('pass');
  expect((await sending).status).toBe(200);
  expect(chat.messages().filter(({ from }) => from.isBot)).toHaveLength(1);
  end();
});

test('the model answers the newest question of a request, other words each time', async () => {
  const ask = async () => {
    const response = await fetch(`${stage.openrouter.url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-or-v1-simulated' },
      body: JSON.stringify({
        model: 'chaos/one',
        messages: [
          { role: 'user', content: questionText(3) },
          { role: 'assistant', content: 'Q3G1 ends.' },
          { role: 'user', content: `Ann: ${questionText(4)}\n${questionText(5)}` },
        ],
      }),
    });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    return choices[0]?.message.content ?? '';
  };
  const [first, second] = [await ask(), await ask()];
  expect(first).toMatch(/^Q5G1 starts.*Q5G1 ends\.$/su);
  expect(second).toMatch(/^Q5G2 starts.*Q5G2 ends\.$/su);
  expect(stage.model.generations.map(({ text }) => text)).toEqual([first, second]);
});
