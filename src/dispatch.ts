import type { Logger } from 'pino';
import type { Command, CommandOutcome, CommandServices } from './commands/command.ts';
import { parseOptions } from './commands/options.ts';
import { isOperator } from './conversation/access.ts';
import type { Engine } from './conversation/engine.ts';
import { StoreUnavailable, type ErrorLog } from './conversation/ports.ts';
import { escapeMarkdown } from './i18n/escape-markdown.ts';
import { pickLocale, translate, type Notice } from './i18n/translate.ts';
import type { Handlers, Said } from './platform/adapter.ts';
import type { ButtonPress, CommandInvocation } from './platform/command.ts';
import { editDistance } from './platform/edit-distance.ts';
import { failureText } from './platform/failure-text.ts';
import { turnId } from './platform/ids.ts';
import type { Envelope, IncomingMessage } from './platform/message.ts';

export interface DispatchParts {
  readonly engine: Engine;
  readonly services: CommandServices;
  readonly errors: ErrorLog;
  readonly log: Logger;
  readonly newErrorId: () => string;
}

/**
 * The edge between the platforms and the core: runs a message, a command or a press, and is the
 * one place that catches what nobody expected.
 */
export function createDispatch(parts: DispatchParts): Handlers {
  const { engine, services, errors, log, newErrorId } = parts;

  async function onCommand(invocation: CommandInvocation): Promise<Said | null> {
    const say = sayTo(invocation);
    const command = services.commands.find(({ spec }) => spec.name === invocation.name);
    if (command === undefined) return { text: say(unknownCommand(invocation.name, services.commands)) };
    const denied = checkPermission(command, invocation, services);
    if (denied !== null) return { text: say(denied) };
    const parsed = parseOptions(command.spec, invocation, say);
    if (!parsed.ok) return { text: say(parsed.problem) };
    let outcome: CommandOutcome;
    try {
      outcome = await command.run({ invocation, options: parsed.options, services, say });
    } catch (error) {
      return { text: say(await unexpected(error, invocation)) };
    }
    if (outcome.kind === 'said') return { text: outcome.text };
    await engine.receive(asMessage(invocation, outcome.text), 'command');
    return null;
  }

  async function onPress(press: ButtonPress): Promise<string> {
    const say = sayTo(press);
    const verdict = await engine.stopTurn(turnId(press.turn), {
      user: press.author.id,
      isGuildAdmin: press.author.isGuildAdmin || isOperator(services.access, press.author.id),
    });
    switch (verdict.kind) {
      case 'cancelling':
        return say({ key: 'press.stopping' });
      case 'not_running':
        return say({ key: 'press.not_running' });
      case 'not_yours':
        return say({ key: 'press.not_yours' });
    }
  }

  /** Hands on that the store is away, so that the platform delivers again; all else is ours to explain. */
  async function unexpected(error: unknown, envelope: Envelope): Promise<Notice> {
    if (error instanceof StoreUnavailable) throw error;
    const errorId = newErrorId();
    log.error({ errorId, err: error }, 'a command failed unexpectedly');
    await errors.record({
      id: errorId,
      area: 'command',
      message: failureText(error),
      originKey: envelope.originKey,
    });
    return { key: 'failure.unexpected', params: { errorId } };
  }

  return {
    async onMessage(message) {
      const receipt = await engine.receive(message, 'message');
      return receipt === 'running' || receipt === 'queued' || receipt === 'refused'
        ? 'reply_follows'
        : 'no_reply';
    },
    onCommand,
    onPress,
    async onPoison(eventId, cause) {
      const errorId = newErrorId();
      log.error({ errorId, eventId, err: cause }, 'an event failed repeatedly and is given up');
      await errors.record({ id: errorId, area: 'event', message: failureText(cause), originKey: eventId });
    },
  };
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
  const params = { command: spec.name };
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

function unknownCommand(name: string, commands: readonly Command[]): Notice {
  const names = commands.map(({ spec }) => spec.name);
  const near =
    names.find((known) => editDistance(known, name) <= 2) ??
    names.find((known) => known.startsWith(name) || name.startsWith(known));
  return {
    key: 'command.unknown',
    params: { name: escapeMarkdown(name.slice(0, 32)), suggestion: near ?? '' },
  };
}

function asMessage(invocation: CommandInvocation, text: string): IncomingMessage {
  const { name: _name, options: _options, line: _line, isPrivate, ...envelope } = invocation;
  return {
    ...envelope,
    text,
    addressing: {
      isPrivate,
      mentionsBot: false,
      repliesToBot: false,
      byCommand: true,
      fromSelf: false,
      isSystem: false,
    },
  };
}
