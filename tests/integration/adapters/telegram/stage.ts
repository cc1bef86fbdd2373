import { onTestFinished, vi } from 'vitest';
import { createTelegramAdapter } from '../../../../src/adapters/telegram/adapter.ts';
import { systemClock, type Clock } from '../../../../src/delivery/clock.ts';
import { FORGETFUL } from '../../../../src/delivery/parts.ts';
import type { PollingPace } from '../../../../src/adapters/telegram/hand.ts';
import type { LeadPace } from '../../../../src/adapters/telegram/lead.ts';
import type { Pace } from '../../../../src/adapters/telegram/pacing.ts';
import type {
  AdapterMemory,
  FatalAdapterError,
  Handlers,
  PlatformAdapter,
} from '../../../../src/platform/adapter.ts';
import type { ButtonPress, CommandInvocation, CommandSpec } from '../../../../src/platform/command.ts';
import { turnId } from '../../../../src/platform/ids.ts';
import type { IncomingMessage, ReplyTarget } from '../../../../src/platform/message.ts';
import type { Delivery, FinalReply, PartJournal, PartRecord, Reply } from '../../../../src/platform/reply.ts';
import { shutTill } from '../till.ts';
import { startTelegramSimulator } from '../../../simulators/telegram/server.ts';
import type {
  TelegramCall,
  TelegramSimulator,
  TelegramSimulatorOptions,
} from '../../../simulators/telegram/server.ts';

/** A reply that stays where the question is. */
const IN_PLACE = { thread: null, onUnseen: () => undefined };

/** The real adapter, on real sockets, with a simulated Telegram on one side and a core that writes down on the other. */
export interface Stage {
  readonly telegram: TelegramSimulator;
  readonly adapter: PlatformAdapter;
  readonly handlers: Handlers;
  /** The same core, as another process sees it. */
  handlersOf(process: string): Handlers;
  /** Asks for the lead, in order, and who asked. */
  readonly leadAsks: readonly {
    readonly what: string;
    readonly process: string;
    readonly isGranted: boolean;
  }[];
  readonly messages: readonly IncomingMessage[];
  readonly edits: readonly IncomingMessage[];
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
  readonly webhook?: { readonly url: string; readonly secret: string };
  readonly handlers?: Partial<Omit<Handlers, 'memory'>>;
  readonly pace?: Partial<Pace>;
  readonly pollingPace?: Partial<PollingPace>;
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
  const { speed = 20 } = options;
  const clock = createFastClock(speed);
  const epochMs = Date.now();
  const telegram = await startTelegramSimulator({ now: () => epochMs + clock.now(), ...options.simulator });
  const seen = {
    messages: [] as IncomingMessage[],
    edits: [] as IncomingMessage[],
    leadAsks: [] as { what: string; process: string; isGranted: boolean }[],
    commands: [] as CommandInvocation[],
    presses: [] as ButtonPress[],
    poison: [] as { eventId: string; cause: unknown }[],
    fatal: [] as FatalAdapterError[],
    log: [] as string[],
  };
  const memoryOf = createMemory(clock, seen.leadAsks);
  const handlersOf = (process: string): Handlers =>
    createHandlers(seen, { memory: memoryOf(process), ...options.handlers });
  const handlers = handlersOf('first');
  const note = (fields: object, message: string) =>
    void seen.log.push(`${message} ${JSON.stringify(fields)}`);
  const adapters: PlatformAdapter[] = [];
  const another = (): PlatformAdapter => {
    const adapter = createTelegramAdapter({
      config: {
        token: options.token ?? telegram.token,
        apiRoot: options.apiRoot ?? telegram.url,
        streaming: options.streaming ?? 'edit',
        webhook: options.webhook ?? null,
      },
      commands: COMMANDS,
      describe: (name, locale) => `${locale}: ${name}`,
      logger: { debug: note, info: note, warn: note, error: note },
      onFatal: (error) => seen.fatal.push(error),
      pace: options.pace ?? {},
      pollingPace: { lead: leadInRealTime(speed), ...options.pollingPace },
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
  return { telegram, adapter, handlers, handlersOf, ...seen, calls, another };
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
  overrides: Partial<PartJournal> = {},
): { reply: StageReply; log: string[]; journal: PartJournal } {
  const log: string[] = [];
  const journal: PartJournal = {
    ...FORGETFUL,
    existing,
    intend: (index) => Promise.resolve(void log.push(`intend ${index}`)),
    sent: (index, id) => Promise.resolve(void log.push(`sent ${index} ${id}`)),
    removed: (id) => Promise.resolve(void log.push(`removed ${id}`)),
    ...overrides,
  };
  const running = [{ action: 'stop' as const, label: '■ Stop' }];
  const reply = stage.adapter.openReply(target, { turn: TURN, journal, running, ...IN_PLACE });
  return { reply: withoutButtons(reply), log, journal };
}

/** A reply whose final text has no buttons below unless told. */
export interface StageReply extends Omit<Reply, 'finish'> {
  finish(final: Pick<FinalReply, 'text'> & Partial<FinalReply>): Promise<Delivery>;
}

function withoutButtons(reply: Reply): StageReply {
  return { ...reply, finish: (final) => reply.finish({ buttons: [], ...final }) };
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
    edits: IncomingMessage[];
    commands: CommandInvocation[];
    presses: ButtonPress[];
    poison: { eventId: string; cause: unknown }[];
  },
  overrides: Partial<Handlers> & Pick<Handlers, 'memory'>,
): Handlers {
  return {
    ...shutTill(overrides),
    memory: overrides.memory,
    async onEdit(message) {
      await overrides.onEdit?.(message);
      seen.edits.push(message);
      return 'no_reply';
    },
    onSuggest: () => Promise.reject(new Error('Telegram proposes nothing')),
    onDelete: () => Promise.reject(new Error('Telegram never tells of a deletion')),
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

/** What processes share: leads that end by the clock unless they are renewed, and bookmarks. */
function createMemory(
  clock: Clock,
  asks: { what: string; process: string; isGranted: boolean }[],
): (process: string) => AdapterMemory {
  const leads = new Map<string, { process: string; untilMs: number }>();
  const bookmarks = new Map<string, string>();
  const rests = new Map<string, number>();
  return (process) => ({
    lead(what, holdMs) {
      const held = leads.get(what);
      const isGranted = held === undefined || held.process === process || held.untilMs <= clock.now();
      if (isGranted) leads.set(what, { process, untilMs: clock.now() + holdMs });
      asks.push({ what, process, isGranted });
      return Promise.resolve(isGranted);
    },
    resign(what) {
      if (leads.get(what)?.process === process) leads.delete(what);
      return Promise.resolve();
    },
    activePlaces: () => Promise.resolve([]),
    noteRest: (what, forMs) => Promise.resolve(void rests.set(what, clock.now() + forMs)),
    rests: () =>
      Promise.resolve([...rests].map(([what, untilMs]) => ({ what, forMs: untilMs - clock.now() }))),
    bookmark: (key) => Promise.resolve(bookmarks.get(key) ?? null),
    setBookmark: (key, value) => Promise.resolve(void bookmarks.set(key, value)),
    amendTarget: () => Promise.resolve(),
  });
}

/** As long as in real time, lest a busy machine should lose a lead that no test is about. */
function leadInRealTime(speed: number): LeadPace {
  return { holdMs: 9000 * speed, renewMs: 3000 * speed, standbyMs: 1500 * speed, marginMs: 500 * speed };
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
