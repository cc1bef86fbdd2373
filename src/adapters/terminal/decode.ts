import type { CommandInvocation } from '../../platform/command.ts';
import { messageId, originKey, placeId, userId } from '../../platform/ids.ts';
import type { Author, Envelope, IncomingMessage } from '../../platform/message.ts';

/** Whoever sits at the keyboard: the operator of this process. */
export const TERMINAL_USER = userId('terminal', 'local');

export type TerminalEvent =
  | { readonly kind: 'message'; readonly message: IncomingMessage }
  | { readonly kind: 'command'; readonly invocation: CommandInvocation };

/** Reads one line; null for a blank one. `event` is unique per line over all runs. */
export function decodeLine(
  line: string,
  event: string,
  nowMs: number,
  locale: string | null,
): TerminalEvent | null {
  if (line.trim() === '') return null;
  const envelope = createEnvelope(event, nowMs, locale);
  const command = /^\/(\w{1,32})(?:\s+(.*))?$/su.exec(line.trim());
  if (command !== null) {
    const [, name = '', rest = ''] = command;
    return {
      kind: 'command',
      invocation: {
        ...envelope,
        name: name.toLowerCase(),
        subcommand: null,
        options: {},
        line: rest,
        isPrivate: true,
        repliesTo: null,
      },
    };
  }
  return {
    kind: 'message',
    message: {
      ...envelope,
      text: line,
      isTextWithheld: false,
      isMaybeCut: false,
      repliesTo: null,
      addressing: {
        isPrivate: true,
        mentionsBot: false,
        repliesToBot: false,
        inOwnThread: false,
        byCommand: false,
        fromSelf: false,
        isSystem: false,
      },
    },
  };
}

function createEnvelope(event: string, nowMs: number, locale: string | null): Envelope {
  const author: Author = {
    id: TERMINAL_USER,
    name: 'You',
    locale,
    isBot: false,
    isGuildAdmin: false,
    roles: [],
  };
  return {
    platform: 'terminal',
    originKey: originKey('terminal', 'parley', 'local', event),
    author,
    guild: null,
    place: placeId('terminal', 'parley', 'local'),
    channel: null,
    thread: null,
    messageId: messageId('terminal', 'local', event),
    sentAtMs: nowMs,
    replyTarget: { event },
  };
}
