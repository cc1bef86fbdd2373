import { expect, vi } from 'vitest';
import { actionsBelow } from './scene.ts';
import type { RemoteTelegramSimulator } from '../simulators/telegram/remote.ts';

/** Long enough for a machine that is busy with something else; nothing is asserted about it. */
export const PATIENCE = { timeout: 25_000, interval: 50 };

type SentMessage = Awaited<
  ReturnType<Awaited<ReturnType<RemoteTelegramSimulator['privateChat']>>['messages']>
>[number];

/** Somebody in a private chat with the bot, on a simulator in another process. */
export interface Person {
  readonly user: { readonly id: number };
  send(text: string): Promise<number>;
  /** Presses the button of a message that does this. */
  press(messageId: number, action: string): Promise<void>;
  /** The bot's messages that are visible now, oldest first. */
  answers(): Promise<readonly SentMessage[]>;
  /** Waits until exactly these are the bot's messages, and none of them is being written. */
  reads(...texts: readonly string[]): Promise<void>;
  /** Waits until the bot has one message here. */
  seesFirstText(): Promise<void>;
  /** Waits until a message of the bot has grown, which it does not before its first state is recorded. */
  seesTextGrow(): Promise<void>;
}

export async function newPerson(telegram: RemoteTelegramSimulator): Promise<Person> {
  const user = await telegram.user();
  const chat = await telegram.privateChat(user);
  const answers = async () => (await chat.messages()).filter(({ from }) => from.isBot);
  return {
    user,
    answers,
    send: (text) => chat.send(user, text),
    async press(messageId, action) {
      const message = (await answers()).find(({ id }) => id === messageId);
      const data = message?.replyMarkup?.inline_keyboard
        .flat()
        .flatMap((button) => ('callback_data' in button ? [button.callback_data] : []))
        .find((candidate) => candidate.startsWith(`${action}:`));
      if (data === undefined) throw new Error(`Message ${messageId} has no button "${action}".`);
      await chat.press(user, messageId, data);
    },
    reads: (...texts) =>
      vi.waitFor(async () => {
        const messages = await answers();
        expect(messages.map(({ text }) => text)).toEqual(texts);
        expect(messages.filter((message) => actionsBelow(message).includes('stop'))).toEqual([]);
      }, PATIENCE),
    seesFirstText: () => vi.waitFor(async () => expect(await answers()).toHaveLength(1), PATIENCE),
    seesTextGrow: () =>
      vi.waitFor(async () => {
        const edited = (await answers()).filter(({ editedAtMs }) => editedAtMs !== undefined);
        expect(edited).not.toEqual([]);
      }, PATIENCE),
  };
}
