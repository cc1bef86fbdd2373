import { decideAccess } from '../conversation/access.ts';
import type { Notice } from '../i18n/translate.ts';
import { isPersons } from '../conversation/trigger.ts';
import type { Given } from '../keys/key-keeper.ts';
import { holdsKey, mayBeKey, readKey } from '../keys/key-text.ts';
import { StoreUnavailable, type Said } from '../platform/adapter.ts';
import type { CommandInvocation } from '../platform/command.ts';
import type { Addressing, IncomingMessage } from '../platform/message.ts';
import type { CommandServices } from './command.ts';
import type { CommandDoor } from './door.ts';
import { givenNotice } from './key-words.ts';

/**
 * What to say to a message that is, or holds, a key: it was expected in private, or sent by mistake. Either way it is
 * nobody's question. Null for all others. Who tries one after the other is let in as with commands. Rejects with
 * `StoreUnavailable`.
 */
export async function takeSecret(
  message: IncomingMessage,
  { keys, access, door }: Pick<CommandServices, 'keys' | 'access'> & { readonly door: CommandDoor },
  say: (notice: Notice) => string,
): Promise<Said | null> {
  const { text, addressing } = message;
  const { isPrivate } = addressing;
  if (!isPersons(message) || decideAccess(access, message) === 'denied') return null;
  if (isPrivate ? !mayBeKey(text) : !(isToUs(addressing) && holdsKey(text))) return null;
  const isKey = holdsKey(text) || readKey(text) !== null;
  const turnedAway = isKey ? door.knock(message) : null;
  if (turnedAway !== null) {
    return { text: turnedAway === 'silence' ? '' : say(turnedAway), isToSecret: true };
  }
  try {
    const given = isPrivate ? await takeExpected(message, keys) : null;
    if (given !== null) return { text: say(givenNotice(given)), isToSecret: true };
    return holdsKey(text) ? toSecret({ isPrivate, isOn: keys.isOn }, say) : null;
  } catch (error) {
    if (isKey && error instanceof StoreUnavailable) door.leave(message); // it will be sent again
    throw error;
  }
}

async function takeExpected(
  { originKey, author, text }: IncomingMessage,
  keys: CommandServices['keys'],
): Promise<Given | null> {
  return keys.isOn ? await keys.takeExpected({ originKey, author, guild: null }, text) : null;
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
