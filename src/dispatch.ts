import type { Logger } from 'pino';
import type { CommandDoor } from './commands/door.ts';
import type { Command, CommandAnswer, CommandServices } from './commands/command.ts';
import { findCommand } from './commands/find-command.ts';
import { parseOptions } from './commands/options.ts';
import { takeSecret, takeSecretCommand } from './commands/secret-message.ts';
import { tellWhy } from './commands/why.ts';
import { decideAccess, isOperator } from './conversation/access.ts';
import type { Engine } from './conversation/engine.ts';
import { noteFailure } from './conversation/note-failure.ts';
import { refusalNotice } from './conversation/outcome.ts';
import type { ErrorLog } from './conversation/operation-ports.ts';
import type { CancelVerdict, RepeatVerdict, SelectVerdict } from './conversation/ports.ts';
import type { Receipt } from './conversation/revisions.ts';
import { pickLocale, translate, type Notice } from './i18n/translate.ts';
import {
  StoreUnavailable,
  type AdapterMemory,
  type Explained,
  type Handlers,
  type Said,
  type Taken,
} from './platform/adapter.ts';
import {
  nameOf,
  type ButtonAction,
  type ButtonPress,
  type CommandInvocation,
  type SuggestionRequest,
} from './platform/command.ts';
import { turnId } from './platform/ids.ts';
import type { Envelope, IncomingMessage } from './platform/message.ts';
import type { PaymentHandlers } from './platform/payment-handlers.ts';

export interface DispatchParts {
  readonly engine: Engine;
  readonly services: CommandServices;
  readonly door: CommandDoor;
  readonly errors: ErrorLog;
  readonly memory: AdapterMemory;
  readonly payments: PaymentHandlers;
  readonly log: Logger;
  readonly newErrorId: () => string;
}

/**
 * The edge between the platforms and the core: runs a message, a command or a press, and is the
 * one place that catches what nobody expected.
 */
export function createDispatch(parts: DispatchParts): Handlers {
  const { engine, services, door, newErrorId } = parts;

  async function onCommand(invocation: CommandInvocation): Promise<Said | Taken> {
    const say = sayTo(invocation);
    const found = findCommand(services.commands, invocation);
    const isQuestion = found.kind === 'found' && 'question' in found.command;
    // A question comes in by the engine's own door.
    const turnedAway = isQuestion ? null : door.knock(invocation);
    if (turnedAway === 'silence') return 'no_reply';
    if (turnedAway !== null) return { text: say(turnedAway) };
    const isAskedFor = found.kind === 'found' && found.command.spec.isConfidential === true;
    const toSecret = isAskedFor ? null : takeSecretCommand(invocation, services, say);
    if (toSecret !== null) return toSecret;
    if (found.kind === 'unknown') return { text: say(found.problem) };
    return await use(found.command, found.invocation, say);
  }

  async function use(
    command: Command,
    invocation: CommandInvocation,
    say: (notice: Notice) => string,
  ): Promise<Said | Taken> {
    const denied = checkPermission(command, invocation, services);
    if (denied !== null) {
      return await attended(parts, invocation, async () => {
        if ('run' in command) await command.onDenied?.(invocation, services);
        return say(denied);
      });
    }
    if (command.spec.isDiscreet === true && invocation.isOverheard === true) {
      return { text: say({ key: 'command.discreet', params: { command: nameOf(command.spec) } }) };
    }
    const parsed = parseOptions(command.spec, invocation, say);
    if (!parsed.ok) return { text: say(parsed.problem) };
    const { options } = parsed;
    if ('question' in command) {
      const message = asMessage(invocation, command.question(options, say));
      const search = command.searches?.(options) === true;
      return takenAs(await engine.receive(search ? { ...message, search } : message, 'command'));
    }
    return await attended(parts, invocation, () => command.run({ invocation, options, services, say }));
  }

  async function onPress(press: ButtonPress): Promise<string | Explained> {
    if (press.action === 'why') return await explainTo(press, parts);
    const { action } = press;
    const notice = await act({ ...press, action }, parts);
    return notice === null ? '' : sayTo(press)(notice);
  }

  return {
    ...parts.payments,
    onMessage: async (message) =>
      (await takeSecret(message, { ...services, door }, sayTo(message))) ??
      takenAs(await engine.receive(message, 'message')),
    onEdit: async (message) =>
      (await takeSecret(message, { ...services, door }, sayTo(message))) ??
      takenAs(await engine.edit(message)),
    onDelete: (messages) => engine.remove(messages),
    memory: parts.memory,
    onCommand,
    onPress,
    onSuggest: (request) => suggest(request, services),
    async onPoison(eventId, cause) {
      const place = { errorId: newErrorId(), area: 'event', originKey: eventId, logged: { eventId } };
      await noteFailure(parts, place, cause, 'an event failed repeatedly and is given up');
    },
  };
}

/**
 * Whatever goes wrong, the person is told. Hands on that the store is away, so that the platform delivers again; all else is
 * ours to explain.
 */
async function attended(
  parts: DispatchParts,
  invocation: CommandInvocation,
  run: () => Promise<CommandAnswer>,
): Promise<Said> {
  try {
    const answer = await run();
    return typeof answer === 'string' ? { text: answer } : answer;
  } catch (error) {
    if (error instanceof StoreUnavailable) {
      parts.door.leave(invocation); // it will be used again
      throw error;
    }
    const errorId = parts.newErrorId();
    const place = { errorId, area: 'command', originKey: invocation.originKey };
    await noteFailure(parts, place, error, 'a command failed unexpectedly');
    return { text: sayTo(invocation)({ key: 'failure.unexpected', params: { errorId } }) };
  }
}

/** What may be meant by what somebody writes in an option. */
async function suggest(
  request: SuggestionRequest,
  { access, commands, guildSettings, keys, models }: CommandServices,
): Promise<readonly string[]> {
  const { command, option, written, guild, author } = request;
  if (decideAccess(access, request) === 'denied') return [];
  const isOfModels = commands.some(
    ({ spec }) =>
      spec.name === command &&
      spec.options.some(({ name, suggests }) => name === option && suggests === 'models'),
  );
  if (!isOfModels) return [];
  const allowed = guild === null ? null : await guildSettings.allowedModels(guild.id);
  const payer = await keys.payer(author.id, guild?.id ?? null);
  return models.search(written, allowed, payer).map(({ id }) => id);
}

/** Tells how the answer came about; whoever presses again and again is let in as with commands. */
async function explainTo(press: ButtonPress, { services, door }: DispatchParts): Promise<string | Explained> {
  const say = sayTo(press);
  const turnedAway = door.knock(press);
  if (turnedAway === 'silence') return '';
  if (turnedAway !== null) return say(turnedAway);
  try {
    const target = { kind: 'turn', turn: turnId(press.turn) } as const;
    return await tellWhy(press, { target, isOverheard: false }, services, say);
  } catch (error) {
    if (error instanceof StoreUnavailable) door.leave(press); // it will be pressed again
    throw error;
  }
}

/** Does what the button says; null where what is seen then says enough. */
async function act(
  press: ButtonPress & { readonly action: Exclude<ButtonAction, 'why'> },
  { engine, services }: DispatchParts,
): Promise<Notice | null> {
  switch (press.action) {
    case 'stop':
      return STOP_NOTICES[(await engine.stopTurn(turnId(press.turn), press)).kind];
    case 'regenerate':
    case 'continue': {
      const verdict = await engine.repeat(press, press.action);
      if (verdict.kind === 'refused') return refusalNotice(verdict.refusal, services.now());
      if (verdict.kind === 'run') {
        return { key: press.action === 'continue' ? 'press.continuing' : 'press.again' };
      }
      return REPEAT_NOTICES[verdict.kind];
    }
    case 'previous':
    case 'next': {
      const verdict = await engine.select(press, press.action === 'next' ? 1 : -1);
      if (verdict.kind === 'refused') return refusalNotice(verdict.refusal, services.now());
      return SELECT_NOTICES[verdict.kind];
    }
  }
}

const STOP_NOTICES: { readonly [Kind in CancelVerdict['kind']]: Notice } = {
  cancelling: { key: 'press.stopping' },
  not_running: { key: 'press.not_running' },
  not_yours: { key: 'press.not_yours' },
};

const NOT_DONE = {
  busy: { key: 'press.busy' },
  gone: { key: 'press.gone' },
  not_yours: { key: 'press.not_yours' },
  duplicate: null,
} as const satisfies Record<string, Notice | null>;

const REPEAT_NOTICES: {
  readonly [Kind in Exclude<RepeatVerdict['kind'], 'run' | 'refused'>]: Notice | null;
} = {
  ...NOT_DONE,
  queued: { key: 'press.queued' },
};

const SELECT_NOTICES: { readonly [Kind in Exclude<SelectVerdict['kind'], 'refused'>]: Notice | null } = {
  ...NOT_DONE,
  selected: null,
};

function takenAs(receipt: Receipt): Taken {
  switch (receipt) {
    case 'running':
    case 'queued':
    case 'refused':
      return 'reply_follows';
    case 'duplicate':
      return 'known';
    case 'ignored':
    case 'merged':
    case 'silenced':
      return 'no_reply';
  }
}

function sayTo(envelope: Envelope): (notice: Notice) => string {
  const locale = pickLocale(envelope.author.locale);
  return (notice) => translate(locale, notice);
}

function checkPermission(
  { spec }: Command,
  invocation: CommandInvocation,
  services: CommandServices,
): Notice | null {
  const params = { command: nameOf(spec) };
  if (spec.scope === 'guild' && invocation.guild === null) return { key: 'command.guild_only', params };
  if (spec.scope === 'private' && !invocation.isPrivate) return { key: 'command.private_only', params };
  const { author, guild } = invocation;
  if (isOperator(services.access, author.id)) return null;
  if (spec.requires === 'operator') return { key: 'command.operator_only', params };
  // In private there is no guild to be admin of: a person reads their own figures there.
  return spec.requires === 'guild_admin' && guild !== null && !author.isGuildAdmin
    ? { key: 'command.admin_only', params }
    : null;
}

function asMessage(invocation: CommandInvocation, text: string): IncomingMessage {
  const {
    name: _name,
    subcommand: _subcommand,
    options: _options,
    line: _line,
    about: _about,
    isPrivate,
    ...envelope
  } = invocation;
  return {
    ...envelope,
    text,
    isTextWithheld: false,
    isMaybeCut: false,
    addressing: {
      isPrivate,
      mentionsBot: false,
      repliesToBot: false,
      inOwnThread: false,
      byCommand: true,
      fromSelf: false,
      isSystem: false,
    },
  };
}
