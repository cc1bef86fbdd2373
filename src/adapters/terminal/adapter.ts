import { randomUUID } from 'node:crypto';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { WriteStream } from 'node:tty';
import { StoreUnavailable, type Handlers, type PlatformAdapter } from '../../platform/adapter.ts';
import { pickLocale, translate } from '../../i18n/translate.ts';
import { decodeLine, type TerminalEvent } from './decode.ts';
import { createTerminalReply } from './reply.ts';
import { createLiveScreen, createPlainScreen, PROMPT } from './screen.ts';

export interface TerminalOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** A person types; otherwise each line of the input is one turn, one after the other. */
  readonly isInteractive: boolean;
  readonly locale: string | null;
  /** Answers come from the built-in simulator, which the person has to know. */
  readonly isSimulated: boolean;
  readonly now: () => number;
  /** The input has ended and the last answer is out, or the person wants to leave. */
  readonly onEnd: () => void;
}

/** A chat with one person in the terminal, or with a file of lines. */
export function createTerminalAdapter(options: TerminalOptions): PlatformAdapter {
  const { input, output, isInteractive, locale: tag, now } = options;
  const locale = pickLocale(tag);
  const session = randomUUID();
  const screen =
    isInteractive && output instanceof WriteStream ? createLiveScreen(output) : createPlainScreen(output);
  /** Resolved when the reply to an event is complete. */
  const awaited = new Map<string, () => void>();
  let lines: Interface | null = null;
  let reading: Promise<void> = Promise.resolve();

  async function readLines(source: Interface, handlers: Handlers): Promise<void> {
    let count = 0;
    for await (const line of source) {
      count += 1;
      const event = `${session}-${count}`;
      const decoded = decodeLine(line, event, now(), tag);
      const handled = decoded === null ? Promise.resolve() : handle(decoded, event, handlers);
      // A person may write while an answer runs, to stop it for one; lines of a file take turns.
      if (!isInteractive) await handled;
    }
    screen.dismiss();
    options.onEnd();
  }

  async function handle(decoded: TerminalEvent, event: string, handlers: Handlers): Promise<void> {
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    awaited.set(event, resolve);
    try {
      const said = await handOver(decoded, handlers);
      if (said === 'reply_follows') await answered;
      else if (said !== null) screen.say(`${said}\n\n`);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) await handlers.onPoison(event, error);
      // Nothing was stored, and a terminal delivers nothing again: the person has to.
      screen.say(`${translate(locale, { key: 'failure.store_away' })}\n\n`);
    } finally {
      awaited.delete(event);
    }
  }

  return {
    platform: 'terminal',
    start(handlers) {
      lines = createInterface({
        input,
        prompt: PROMPT,
        terminal: isInteractive,
        ...(isInteractive ? { output } : {}),
      });
      lines.on('SIGINT', options.onEnd);
      const simulated = options.isSimulated ? [translate(locale, { key: 'terminal.simulated' })] : [];
      screen.say([translate(locale, { key: 'terminal.welcome' }), ...simulated, '\n'].join('\n'));
      screen.invite(lines);
      reading = readLines(lines, handlers);
      return Promise.resolve();
    },
    async stop() {
      lines?.close();
      for (const resolve of awaited.values()) resolve();
      await reading;
    },
    settle: () => Promise.resolve(),
    openReply(target, replyOptions) {
      const event = String(target.event);
      const isEarlier = !event.startsWith(session);
      return createTerminalReply(
        screen,
        replyOptions,
        isEarlier ? translate(locale, { key: 'terminal.earlier' }) : null,
        () => awaited.get(event)?.(),
      );
    },
    // A terminal shows what was typed, and nothing on top of it.
    markWaiting: () => Promise.resolve(),
  };
}

/** What to print, or that a reply follows, or nothing at all. */
async function handOver(decoded: TerminalEvent, handlers: Handlers): Promise<string | null> {
  const said =
    decoded.kind === 'message'
      ? await handlers.onMessage(decoded.message)
      : await handlers.onCommand(decoded.invocation);
  if (typeof said === 'object') return said.text;
  return said === 'reply_follows' ? said : null;
}
