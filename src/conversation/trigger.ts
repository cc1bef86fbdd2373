import type { IncomingMessage } from '../platform/message.ts';
import type { EchoGuard } from './echo-guard.ts';

export type Trigger =
  | { readonly addressed: true }
  | { readonly addressed: false; readonly because: 'self' | 'bot' | 'system' | 'echo' | 'not_addressed' };

/** Whether a person wrote it. */
export const isPersons = ({ addressing, author }: IncomingMessage): boolean =>
  !addressing.fromSelf && !author.isBot && !addressing.isSystem;

/** Whether a message is for us. Bots never are: two of them would talk to each other for ever. */
export function decideTrigger(message: IncomingMessage, echoes: EchoGuard): Trigger {
  const { addressing, author } = message;
  if (addressing.fromSelf) return { addressed: false, because: 'self' };
  if (author.isBot) return { addressed: false, because: 'bot' };
  if (addressing.isSystem) return { addressed: false, because: 'system' };
  const addressed =
    addressing.isPrivate ||
    addressing.mentionsBot ||
    addressing.repliesToBot ||
    addressing.inOwnThread ||
    addressing.byCommand;
  if (!addressed) return { addressed: false, because: 'not_addressed' };
  // In private there is nobody who could relay: there a person hands our own words back to us.
  if (!addressing.isPrivate && echoes.isEcho(message.place, message.text)) {
    return { addressed: false, because: 'echo' };
  }
  return { addressed: true };
}
