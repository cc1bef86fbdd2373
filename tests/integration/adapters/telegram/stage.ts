import { onTestFinished, vi } from 'vitest';
import { createTelegramAdapter } from '../../../../src/adapters/telegram/adapter.ts';
import { systemClock, type Clock } from '../../../../src/delivery/clock.ts';
import type { Pace } from '../../../../src/adapters/telegram/pacing.ts';
import type { FatalAdapterError, Handlers, PlatformAdapter } from '../../../../src/platform/adapter.ts';
import type { ButtonPress, CommandInvocation, CommandSpec } from '../../../../src/platform/command.ts';
import { turnId } from '../../../../src/platform/ids.ts';
import type { IncomingMessage, ReplyTarget } from '../../../../src/platform/message.ts';
import type { PartJournal, PartRecord, Reply } from '../../../../src/platform/reply.ts';
import { startTelegramSimulator } from '../../../simulators/telegram/server.ts';
import type {
  TelegramCall,
  TelegramSimulator,
  TelegramSimulatorOptions,
} from '../../../simulators/telegram/server.ts';

/** A reply that stays where the question is. */
export const IN_PLACE = { thread: null, onUnseen: () => undefined };

/** The real adapter, on real sockets, with a simulated Telegram on one side and a core that writes down on the other. */
export interface Stage {
  readonly telegram: TelegramSimulator;
  readonly adapter: PlatformAdapter;
  readonly handlers: Handlers;
  readonly messages: readonly IncomingMessage[];
  readonly commands: readonly CommandInvocation[];
  readonly presses: readonly ButtonPress[];
  readonly poison: readonly { readonly eventId: string; readonly cause: unknown }[];
  readonly fatal: readonly FatalAdapterError[];
  /** Everything that was logged. */
  readonly log: readonly string[];
  calls(method: string): TelegramCall[];
  /** Another process with the same core and token. */
  another(): PlatformAdapter;
}

export interface StageOptions {
  readonly simulator?: TelegramSimulatorOptions;
  readonly streaming?: 'edit' | 'draft';
  readonly handlers?: Partial<Handlers>;
  readonly pace?: Partial<Pace>;
  /** How much faster than real time the adapter's and the simulator's clocks run. */
  readonly speed?: number;
  readonly apiRoot?: string;
  readonly token?: string;
  readonly isStarted?: boolean;
}

const COMMANDS: readonly CommandSpec[] = [
  command('usage', 'any', 'everyone'),
  command('stop', 'any', 'everyone'),
  command('settings', 'guild', 'guild_admin'),
  command('memory', 'private', 'everyone'),
  command('halt', 'any', 'operator'),
];

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const clock = createFastClock(options.speed ?? 20);
  const epochMs = Date.now();
  const telegram = await startTelegramSimulator({ now: () => epochMs + clock.now(), ...options.simulator });
  const seen = {
    messages: [] as IncomingMessage[],
    commands: [] as CommandInvocation[],
    presses: [] as ButtonPress[],
    poison: [] as { eventId: string; cause: unknown }[],
    fatal: [] as FatalAdapterError[],
    log: [] as string[],
  };
  const handlers = createHandlers(seen, options.handlers);
  const note = (fields: object, message: string) =>
    void seen.log.push(`${message} ${JSON.stringify(fields)}`);
  const adapters: PlatformAdapter[] = [];
  const another = (): PlatformAdapter => {
    const adapter = createTelegramAdapter({
      config: {
        token: options.token ?? telegram.token,
        apiRoot: options.apiRoot ?? telegram.url,
        streaming: options.streaming ?? 'edit',
      },
      commands: COMMANDS,
      describe: (name, locale) => `${locale}: ${name}`,
      logger: { debug: note, info: note, warn: note, error: note },
      onFatal: (error) => seen.fatal.push(error),
      pace: options.pace ?? {},
      clock,
    });
    adapters.push(adapter);
    return adapter;
  };
  onTestFinished(async () => {
    await Promise.all(adapters.map((adapter) => adapter.stop()));
    await telegram.stop();
  });
  const adapter = another();
  if (options.isStarted !== false) await adapter.start(handlers);
  const calls = (method: string) => telegram.calls.filter((call) => call.method === method);
  return { telegram, adapter, handlers, ...seen, calls, another };
}

/** Waits for something to become true; a wait that never ends fails the test. */
export async function until<Value>(check: () => Value): Promise<Exclude<Value, false | null | undefined>> {
  return await vi.waitFor(
    () => {
      const value = check();
      if (value === false || value === undefined || value === null)
        throw new Error(`never: ${String(check)}`);
      return value as Exclude<Value, false | null | undefined>;
    },
    { timeout: 20_000, interval: 4 },
  );
}

export const TURN = turnId('0192f0c1-2345-7abc-8def-0123456789ab');
export const STOP_DATA = `stop:${TURN}`;

/** Opens the reply of a turn; `log` tells in which order its parts were noted. */
export function openReply(
  stage: Pick<Stage, 'adapter'>,
  target: ReplyTarget,
  existing: readonly PartRecord[] = [],
): { reply: Reply; log: string[]; journal: PartJournal } {
  const log: string[] = [];
  const journal: PartJournal = {
    existing,
    intend: (index) => Promise.resolve(void log.push(`intend ${index}`)),
    sent: (index, id) => Promise.resolve(void log.push(`sent ${index} ${id}`)),
  };
  const running = [{ action: 'stop' as const, label: '■ Stop' }];
  return {
    reply: stage.adapter.openReply(target, { turn: TURN, journal, running, ...IN_PLACE }),
    log,
    journal,
  };
}

/** A person asks in private, and the reply to it is opened. */
export async function askInPrivate(stage: Stage, existing: readonly PartRecord[] = []) {
  const user = stage.telegram.user();
  const chat = user.privateChat();
  const { question, message } = await ask(stage, () => chat.send(user, 'a question'));
  return { user, chat, question, message, ...openReply(stage, message.replyTarget, existing) };
}

/** A person mentions the bot in a group, and the reply to it is opened. */
export async function askInGroup(stage: Stage, options: Parameters<TelegramSimulator['group']>[0] = {}) {
  const user = stage.telegram.user();
  const chat = stage.telegram.group({ members: [user], ...options });
  const { question, message } = await ask(stage, () => chat.send(user, '@parley_bot a question'));
  return { user, chat, question, message, ...openReply(stage, message.replyTarget) };
}

/** Sends a question and waits until the core has it. */
export async function ask(stage: Stage, send: () => number) {
  const { length } = stage.messages;
  const question = send();
  return { question, message: await until(() => stage.messages[length]) };
}

/** What the bot has written in a chat, as a reader sees it. */
export function answers(stage: Stage, chat: { readonly id: number }) {
  return stage.telegram.visible(chat).messages.filter((message) => message.from.id === stage.telegram.bot.id);
}

function createHandlers(
  seen: {
    messages: IncomingMessage[];
    commands: CommandInvocation[];
    presses: ButtonPress[];
    poison: { eventId: string; cause: unknown }[];
  },
  overrides: Partial<Handlers> = {},
): Handlers {
  return {
    async onMessage(message) {
      await overrides.onMessage?.(message);
      seen.messages.push(message);
      return 'no_reply';
    },
    async onCommand(invocation) {
      const said = (await overrides.onCommand?.(invocation)) ?? 'no_reply';
      seen.commands.push(invocation);
      return said;
    },
    async onPress(press) {
      seen.presses.push(press);
      return (await overrides.onPress?.(press)) ?? 'Stopping.';
    },
    async onPoison(eventId, cause) {
      await overrides.onPoison?.(eventId, cause);
      seen.poison.push({ eventId, cause });
    },
  };
}

function createFastClock(speed: number): Clock {
  return {
    now: () => systemClock.now() * speed,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  };
}

function command(name: string, scope: CommandSpec['scope'], requires: CommandSpec['requires']): CommandSpec {
  return { name, options: [], scope, requires, respond: 'instant' };
}
