import { startOpenRouterSimulator, type OpenRouterSimulator } from '../../src/simulator/openrouter.ts';
import { startDiscordSimulator, type DiscordSimulator } from '../simulators/discord/server.ts';
import type { DiscordCall } from '../simulators/discord/simulation.ts';
import { startTelegramSimulator, type TelegramSimulator } from '../simulators/telegram/server.ts';
import type { TelegramCall } from '../simulators/telegram/simulation.ts';
import { createModel, MODELS, questionOf, type AskedModel, type Model } from './model.ts';

/** A call of the bot to a platform, as the harness sees it on its way. */
export interface SeenCall {
  readonly platform: 'telegram' | 'discord';
  /** An `update` is one that Telegram sends to the bot's address. */
  readonly kind: 'create' | 'edit' | 'poll' | 'update' | 'other';
  /** Whether it has taken effect. */
  readonly when: 'before' | 'after';
  /** By which name the bot reached the simulator; each process has its own. */
  readonly host: string;
  /** Null for what belongs to no place, such as a poll or an interaction's response. */
  readonly place: string | null;
  readonly text: string;
  readonly hasStopButton: boolean;
  /** The question it answers; null for notices and everything without text. */
  readonly question: number | null;
  readonly result: unknown;
  readonly params: Readonly<Record<string, unknown>>;
  /** The simulator's own record, which tells later how the call went. */
  readonly record: TelegramCall | DiscordCall | null;
}

/** Looks at a call; a promise holds it up, and `drop` breaks its connection. */
export type Watcher = (call: SeenCall) => Promise<'pass' | 'drop'> | undefined;

/** The outside services, all in this process, so that each call can be watched and held up. */
export interface Stage {
  readonly telegram: TelegramSimulator;
  readonly discord: DiscordSimulator;
  readonly openrouter: OpenRouterSimulator;
  readonly model: Model;
  /** Every call to a platform passes by the watchers, the oldest first; returns how to end the watching. */
  watch(watcher: Watcher): () => void;
  /** Leads a call past the watchers. */
  pass(call: SeenCall): Promise<'pass' | 'drop'>;
  /** Every request to the model that is answered is told. */
  onAsked(listener: (asked: AskedModel) => void): () => void;
  stop(): Promise<void>;
}

export async function startStage(seed: number): Promise<Stage> {
  const watchers = new Set<Watcher>();
  const listeners = new Set<(asked: AskedModel) => void>();
  const pass = async (call: SeenCall): Promise<'pass' | 'drop'> => {
    for (const watcher of watchers) {
      const held = watcher(call);
      if (held !== undefined && (await held) === 'drop') return 'drop';
    }
    return 'pass';
  };
  const model = createModel(seed, (asked) => {
    for (const listener of listeners) listener(asked);
  });
  const [telegram, discord, openrouter] = await Promise.all([
    startTelegramSimulator({ intercept: (call, when, host) => pass(seenOnTelegram(call, when, host)) }),
    startDiscordSimulator({
      privilegedIntents: { messageContent: true, guildMembers: false, presences: false },
      intercept: (call, when, host) => pass(seenOnDiscord(call, when, host)),
    }),
    startOpenRouterSimulator({ models: MODELS, script: model.script, keptCalls: 1000 }),
  ]);
  return {
    telegram,
    discord,
    openrouter,
    model,
    pass,
    watch(watcher) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    onAsked(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async stop() {
      await telegram.stop();
      await discord.stop();
      await openrouter.stop();
    },
  };
}

/** Whether the button of a running answer is among these. */
export const stops = (buttons: unknown): boolean => JSON.stringify(buttons ?? null).includes('"stop:');

const TELEGRAM_KINDS: Readonly<Record<string, SeenCall['kind']>> = {
  sendMessage: 'create',
  editMessageText: 'edit',
  getUpdates: 'poll',
};

function seenOnTelegram(call: TelegramCall, when: SeenCall['when'], host: string): SeenCall {
  const { text, reply_markup: markup } = call.params;
  const said = typeof text === 'string' ? text : '';
  return {
    platform: 'telegram',
    kind: TELEGRAM_KINDS[call.method] ?? 'other',
    when,
    host,
    place: call.chatId === undefined ? null : `telegram:${call.chatId}`,
    text: said,
    hasStopButton: stops(markup),
    question: questionOf(said),
    result: call.result,
    params: call.params,
    record: call,
  };
}

function seenOnDiscord(call: DiscordCall, when: SeenCall['when'], host: string): SeenCall {
  const { content, components } = call.body;
  const said = typeof content === 'string' ? content : '';
  const isEdit = call.route.startsWith('PATCH ') && /\/messages\//u.test(call.route);
  const isCreate = /^POST \/(channels\/\{channel_id\}\/messages|webhooks\/.*)$/u.test(call.route);
  return {
    platform: 'discord',
    kind: isCreate ? 'create' : isEdit ? 'edit' : 'other',
    when,
    host,
    place: call.channelId === undefined ? null : `discord:${call.channelId}`,
    text: said,
    hasStopButton: stops(components),
    question: questionOf(said),
    result: call.result,
    params: call.body,
    record: call,
  };
}
