import { decideAccess } from '../conversation/access.ts';
import type { Notice } from '../i18n/translate.ts';
import { holdsKey, mayBeKey } from '../keys/key-text.ts';
import type { Said } from '../platform/adapter.ts';
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
    return isToUs(addressing) && holdsKey(text) ? { text: say({ key: 'key.exposed' }) } : null;
  const given = keys.isOn ? await keys.takeExpected({ originKey, author, guild: null }, text) : null;
  if (given !== null) return { text: say(givenNotice(given)) };
  if (!holdsKey(text)) return null;
  return { text: say({ key: keys.isOn ? 'key.unasked' : 'key.unasked_off' }) };
}

const isToUs = ({ mentionsBot, repliesToBot, inOwnThread }: Addressing): boolean =>
  mentionsBot || repliesToBot || inOwnThread;
