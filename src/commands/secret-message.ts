import { decideAccess } from '../conversation/access.ts';
import type { Notice } from '../i18n/translate.ts';
import { holdsKey, mayBeKey } from '../keys/key-text.ts';
import type { Said } from '../platform/adapter.ts';
import type { CommandInvocation } from '../platform/command.ts';
import type { Addressing, IncomingMessage } from '../platform/message.ts';
import type { CommandServices } from './command.ts';
import { givenNotice } from './key-words.ts';

/**
 * What to say to a message that is, or holds, a key: it was expected in private, or sent by mistake. Either way it is
 * nobody's question. Null for all others. Rejects with `StoreUnavailable`.
 */
export async function takeSecret(
  message: IncomingMessage,
  { keys, access }: Pick<CommandServices, 'keys' | 'access'>,
  say: (notice: Notice) => string,
): Promise<Said | null> {
  const { text, addressing, author, originKey } = message;
  if (!mayBeKey(text) || decideAccess(access, message) === 'denied') return null;
  if (!addressing.isPrivate)
    return isToUs(addressing) && holdsKey(text) ? toSecret({ isPrivate: false, isOn: keys.isOn }, say) : null;
  const given = keys.isOn ? await keys.takeExpected({ originKey, author, guild: null }, text) : null;
  if (given !== null) return { text: say(givenNotice(given)) };
  return holdsKey(text) ? toSecret({ isPrivate: true, isOn: keys.isOn }, say) : null;
}

/** What to say to a command that holds a key where none belongs; null for all others. */
export function takeSecretCommand(
  { isPrivate, line, options }: CommandInvocation,
  { keys }: Pick<CommandServices, 'keys'>,
  say: (notice: Notice) => string,
): Said | null {
  const written = [line ?? '', ...Object.values(options)];
  return written.some(holdsKey) ? toSecret({ isPrivate, isOn: keys.isOn }, say) : null;
}

function toSecret(
  { isPrivate, isOn }: { readonly isPrivate: boolean; readonly isOn: boolean },
  say: (notice: Notice) => string,
): Said {
  const unasked = isOn ? 'key.unasked' : 'key.unasked_off';
  return { text: say({ key: isPrivate ? unasked : 'key.exposed' }), isToSecret: true };
}

const isToUs = ({ mentionsBot, repliesToBot, inOwnThread }: Addressing): boolean =>
  mentionsBot || repliesToBot || inOwnThread;
