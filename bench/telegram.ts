import type { TelegramCall } from '../tests/simulators/telegram/simulation.ts';
import {
  connectTelegramSimulator,
  type RemoteTelegramSimulator,
} from '../tests/simulators/telegram/remote.ts';
import type { PlatformCall, PlatformSide, Seat } from './platform.ts';

export const TELEGRAM_TOKEN = '123456789:AA-simulated-token-AAAAAAAAAAAAAAAAAA';

/** Speaks to the Telegram simulator at `url`. */
export function connectTelegram(url: string): PlatformSide {
  const simulator = connectTelegramSimulator(url);
  return {
    environment: { TELEGRAM_BOT_TOKEN: TELEGRAM_TOKEN, TELEGRAM_API_ROOT: url },
    seats: (count) => Promise.all(Array.from({ length: count }, () => takeSeat(simulator))),
    async calls() {
      const calls = await simulator.calls();
      return calls.filter(({ chatId }) => chatId !== undefined).map(platformCall);
    },
  };
}

async function takeSeat(simulator: RemoteTelegramSimulator): Promise<Seat> {
  const user = await simulator.user();
  const chat = await simulator.privateChat(user);
  return {
    place: String(chat.id),
    async ask(text) {
      await chat.send(user, text);
    },
    async said() {
      const messages = await chat.messages();
      return messages.map(({ text, from, atMs }) => ({ text, isByBot: from.isBot, atMs }));
    },
  };
}

const kinds: Readonly<Record<string, PlatformCall['kind']>> = {
  sendMessage: 'create',
  editMessageText: 'edit',
  sendChatAction: 'typing',
};

function platformCall({ method, chatId, params, atMs, ok, errorCode }: TelegramCall): PlatformCall {
  const { text } = params;
  return {
    kind: kinds[method] ?? 'other',
    place: String(chatId),
    text: typeof text === 'string' ? text : '',
    atMs,
    isOk: ok,
    isLimited: errorCode === 429,
  };
}
