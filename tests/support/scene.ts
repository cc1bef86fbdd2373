import type { Scenario } from '../../src/simulator/scenario.ts';
import type { SimChat, SimMessage } from '../simulators/telegram/handles.ts';
import type { SendOptions } from '../simulators/telegram/people.ts';
import type { SimUser } from '../simulators/telegram/world.ts';
import { QUICK, startBot, startOutside, type Bot, type Outside, type OutsideOptions } from './bot.ts';
import { openTestDatabase, type DatabaseKind, type TestDatabase } from './database.ts';
import { createRecords, type Records, type TurnRow } from './records.ts';
import { until } from './until.ts';

type Who = Pick<SimUser, 'id'>;

/** The whole bot between a simulated Telegram and a simulated OpenRouter, on a database that can be read meanwhile. */
export interface Scene extends Pick<Outside, 'telegram' | 'openrouter'> {
  readonly database: TestDatabase;
  readonly records: Records;
  readonly bot: () => Bot;
  /** Everything that was logged, line by line. */
  readonly log: readonly string[];
  /**
   * Stops the bot and starts it again, with these settings in place of the former departures. A bot
   * opens the database of its settings only when told so. What the free pool counted is forgotten, unless the account stays the same.
   */
  restart(settings?: Record<string, string>, how?: 'its own database' | 'the same account'): Promise<void>;
  /** A person, the private chat with them, and what they can do there. */
  person(profile?: Partial<SimUser>): Person;
  /** Says something and waits until its turn is over and shown. */
  ask(chat: SimChat, user: Who, text: string, options?: SendOptions): Promise<Asked>;
  /** Waits until the turn of a message is over and shown. */
  over(chat: SimChat, messageId: number): Promise<Asked>;
  /** Uses a command that makes no turn, and waits for what the bot says. */
  command(chat: SimChat, user: Who, text: string, options?: SendOptions): Promise<string>;
  turn(chat: SimChat, messageId: number): Promise<TurnRow | null>;
  /** The bot's messages in a chat, oldest first. */
  said(chat: SimChat): readonly SimMessage[];
  /** Chat requests that reached the models, oldest first. */
  requests(): readonly ModelRequest[];
  stop(): Promise<void>;
}

export interface Person {
  readonly user: SimUser;
  readonly chat: SimChat;
  send(text: string, options?: SendOptions): number;
  ask(text: string, options?: SendOptions): Promise<Asked>;
  command(text: string): Promise<string>;
}

/** What came of a message. */
export interface Asked {
  readonly messageId: number;
  readonly turn: TurnRow;
  /** The messages of the reply, in order. */
  readonly reply: readonly SimMessage[];
  /** Their texts together. */
  readonly text: string;
}

export interface ModelRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly maxPrice: unknown;
  readonly call: Outside['openrouter']['calls'][number];
}

export interface SceneOptions extends OutsideOptions {
  readonly settings?: Record<string, string>;
  /** Of its own, embedded unless told; or one that somebody else closes. */
  readonly database?: DatabaseKind | TestDatabase;
  /** Without it the bot waits as little as it can. */
  readonly telegramPace?: typeof QUICK;
  /** Within which messages of one person are one question; 0 unless told. */
  readonly burstMs?: number;
}

export const FREE = 'google/gemma-4-31b-it:free';
export const OTHER_FREE = 'nvidia/nemotron-3.5-lightning:free';
export const ROUTER = 'openrouter/free';
export const PAID = 'openai/gpt-6-luna';
export const OTHER_PAID = 'anthropic/claude-haiku-5.5';

/** Which models are asked, in which order: never by chance; and answers as long as tests like them. */
export const SETTINGS = { DEFAULT_MODEL: FREE, FALLBACK_MODEL: OTHER_FREE, MAX_TOKENS: '20000' };

/** Paid models, with more money than a test spends. */
export const PAID_SETTINGS = {
  USE_FREE_MODELS_ONLY: 'false',
  DAILY_BUDGET_USD: '10',
  ACCESS: 'open',
  DEFAULT_MODEL: PAID,
  FALLBACK_MODEL: OTHER_PAID,
};

export async function openScene(options: SceneOptions = {}): Promise<Scene> {
  const outside = await startOutside(options);
  const { database: wanted = 'embedded' } = options;
  const database = typeof wanted === 'string' ? await openTestDatabase(wanted) : wanted;
  const log: string[] = [];
  const start = (settings: Record<string, string> = options.settings ?? {}, opens?: string): Promise<Bot> =>
    startBot(
      { ...outside.environment, ...SETTINGS, ...settings },
      {
        ...(opens !== 'its own database' && { database }),
        telegramPace: options.telegramPace ?? QUICK,
        burstMs: options.burstMs ?? 0,
        onLog: (line) => void log.push(line),
      },
    );
  if (typeof wanted !== 'string') await forgetFreePools(database);
  let bot = await start();
  const { telegram, openrouter } = outside;
  const records = createRecords(database);
  const deeds = createDeeds(outside, records);

  return {
    ...deeds,
    telegram,
    openrouter,
    database,
    records,
    log,
    bot: () => bot,
    async restart(settings, how) {
      await bot.stop();
      if (how !== 'the same account') await forgetFreePools(database);
      bot = await start(settings, how);
    },
    requests: () => requestsTo(openrouter),
    async stop() {
      await bot.stop();
      await outside.stop();
      if (typeof wanted === 'string') await database.close();
    },
  };
}

/** The account is as new again: what a test had it refuse would hold for the tests after it. */
export async function forgetFreePools({ sql }: TestDatabase): Promise<void> {
  await sql`delete from free_pools`;
  await sql`delete from free_pool_shares`;
}

type Deeds = Pick<Scene, 'person' | 'ask' | 'over' | 'command' | 'turn' | 'said'>;

function createDeeds({ telegram }: Outside, records: Records): Deeds {
  const said = (chat: SimChat) => chat.messages().filter(({ from }) => from.id === telegram.bot.id);
  const turn = (chat: SimChat, messageId: number) =>
    records.turn(`telegram:${telegram.bot.id}:${chat.id}:${messageId}`);

  const over = async (chat: SimChat, messageId: number): Promise<Asked> => {
    const found = await until(async () => {
      const row = await turn(chat, messageId);
      return row?.isDelivered === true ? row : null;
    });
    const reply = said(chat).filter(({ id, replyTo }) =>
      // What a turn says without an answer has no parts in the record of a refused turn.
      found.parts.length === 0 ? replyTo === messageId : found.parts.includes(String(id)),
    );
    return { messageId, turn: found, reply, text: reply.map(({ text }) => text).join('\n') };
  };
  const ask: Scene['ask'] = (chat, user, text, options) => over(chat, chat.send(user, text, options));
  const command: Scene['command'] = async (chat, user, text, options) => {
    const id = chat.send(user, text, options);
    const answer = await until(() => said(chat).find(({ replyTo }) => replyTo === id));
    return answer.text;
  };

  return {
    ask,
    over,
    command,
    turn,
    said,
    person(profile) {
      const user = telegram.user(profile);
      const chat = user.privateChat();
      return {
        user,
        chat,
        send: (text, options) => chat.send(user, text, options),
        ask: (text, options) => ask(chat, user, text, options),
        command: (text) => command(chat, user, text),
      };
    },
  };
}

export function requestsTo({ calls }: Outside['openrouter']): readonly ModelRequest[] {
  return calls
    .filter(({ path }) => path.endsWith('/chat/completions'))
    .map((call) => {
      const body = call.body as Pick<ModelRequest, 'model' | 'messages'> & {
        provider?: { max_price?: unknown };
      };
      return { model: body.model, messages: body.messages, maxPrice: body.provider?.max_price, call };
    });
}

/** An answer that comes slowly enough to be watched: a piece every `everyMs`. */
export function slowly(pieces: readonly string[], everyMs = 60): Scenario {
  return { kind: 'answer', pieces: pieces.map((text) => ({ text, delayMs: everyMs })) };
}

/** An answer of which nothing comes after the first words, until somebody stops it. */
export function stalling(text: string): Scenario {
  return { kind: 'answer', pieces: [{ text }], fault: { kind: 'stall' } };
}

/** What the buttons below a message do, in their order. */
export function actionsBelow(message: Pick<SimMessage, 'replyMarkup'> | undefined): readonly string[] {
  const buttons = message?.replyMarkup?.inline_keyboard.flat() ?? [];
  return buttons.map((button) =>
    'callback_data' in button ? (button.callback_data.split(':')[0] ?? '') : '',
  );
}

/** Money as the database keeps it. */
export function nanoUsd(usd: number | undefined): number {
  return Math.round((usd ?? Number.NaN) * 1e9);
}
