import type { KeyChange, KeyScope, KeySubject } from '../keys/ports.ts';
import type { CommandOption, CommandSpec } from '../platform/command.ts';
import { isOperator } from '../conversation/access.ts';
import type { Notice } from '../i18n/translate.ts';
import { lines, type Command, type CommandUse } from './command.ts';
import { examinedWords, givenNotice, removedNotice } from './key-words.ts';

const FOR: CommandOption = { name: 'for', kind: 'text', required: false, choices: ['me', 'server'] };
const KEY: CommandOption = { name: 'key', kind: 'text', required: false, greedy: true, isSecret: true };
const CODE: CommandOption = { name: 'code', kind: 'text', required: true, greedy: true };

const FAMILY = {
  name: 'key',
  isConfidential: true,
  scope: 'any',
  requires: 'everyone',
  respond: 'deferPrivate',
} as const satisfies Partial<CommandSpec>;

/** What there is of the key that pays for a person or a community, here and at the model service: never the key itself. */
export const keyShow: Command = {
  spec: { ...FAMILY, subcommand: 'show', options: [FOR] },
  run: examine,
};

/** Takes a key: in a form, from the line, or with the person's next message. */
export const keySet: Command = {
  spec: { ...FAMILY, subcommand: 'set', options: [FOR, KEY], respond: 'privateModal' },
  async run(use) {
    const { invocation, options, services, say } = use;
    const written = options['key'];
    if (invocation.isOverheard === true && written !== undefined) return say({ key: 'key.exposed' });
    return await inPlace(use, 'by_message', async () => {
      const change = changeOf(use);
      if (written !== undefined) {
        return say(givenNotice(await services.keys.give(change, String(written), 'command')));
      }
      await services.keys.expect(change);
      const isThere = invocation.isOverheard === true;
      return say({ key: isThere ? 'key.send_in_private' : 'key.send', params: { whose: whoseOf(use) } });
    });
  },
};

/** Begins a sign-in with the model service, which makes a key for us. */
export const keyConnect: Command = {
  spec: { ...FAMILY, subcommand: 'connect', options: [FOR] },
  run: (use) =>
    inPlace(use, 'refused', async () => {
      const { url, comesBack } = await use.services.keys.connect(changeOf(use));
      return use.say({
        key: 'key.sign_in',
        params: { url, comesBack: Number(comesBack), whose: whoseOf(use) },
      });
    }),
};

/** Ends a sign-in with the code that it has shown. */
export const keyCode: Command = {
  spec: { ...FAMILY, subcommand: 'code', options: [CODE] },
  run: (use) =>
    inPlace(use, 'refused', async () => {
      const { options, services, say } = use;
      const code = String(options['code']).trim();
      return say(givenNotice(await services.keys.finish(changeOf(use), code)));
    }),
};

/** Asks the model service whether the key is good. */
export const keyTest: Command = {
  spec: { ...FAMILY, subcommand: 'test', options: [FOR] },
  run: examine,
};

/** Forgets the key: from then on whoever is next pays. */
export const keyRemove: Command = {
  spec: { ...FAMILY, subcommand: 'remove', options: [FOR] },
  run: (use) =>
    inPlace(use, 'allowed', async () => {
      const { invocation, services, say } = use;
      const removed = await services.keys.remove(changeOf(use));
      return say(removedNotice(removed, whoseOf(use), invocation.isOverheard === true));
    }),
};

/**
 * What may be done where others read along: nothing about a person's own key, and nothing that shows a secret. `allowed` is
 * also what needs no encryption key: a key can be removed where none can be kept any more.
 */
type Overheard = 'allowed' | 'by_message' | 'refused';

/** Does it where it may be done, by whom it may be done; else says why not. */
async function inPlace(use: CommandUse, overheard: Overheard, run: () => Promise<string>): Promise<string> {
  const { services, say } = use;
  const denied = whyNot(use, overheard);
  if (denied !== null) return say(denied);
  return services.keys.isOn || overheard === 'allowed' ? await run() : say(offNotice(use));
}

function whyNot(use: CommandUse, overheard: Overheard): Notice | null {
  const { author, guild, isOverheard = false } = use.invocation;
  const isOfGuild = isForGuild(use);
  if (isOfGuild && guild === null) return { key: 'key.where_server' };
  if (isOfGuild && !author.isGuildAdmin && !isOperator(use.services.access, author.id)) {
    return { key: 'command.admin_only', params: { command: 'key for:server' } };
  }
  if (!isOverheard) return null;
  if (!isOfGuild) return { key: 'key.in_private' };
  return overheard === 'refused' ? { key: 'key.sign_in_private' } : null;
}

/** How keys are switched on concerns the operator alone. */
const offNotice = ({ invocation, services }: CommandUse): Notice => ({
  key: isOperator(services.access, invocation.author.id) ? 'key.off_operator' : 'key.off',
});

function examine(use: CommandUse): Promise<string> {
  const { invocation, services, say } = use;
  return inPlace(use, 'allowed', async () => {
    const examined = await services.keys.examine(subjectOf(use), invocation.author.id);
    if (examined === null) {
      const next = services.keys.isOn ? ({ key: 'key.how' } as const) : offNotice(use);
      return lines(say({ key: 'key.none', params: { whose: whoseOf(use) } }), say(next));
    }
    const isOverheard = invocation.isOverheard === true;
    return examinedWords(examined, { whose: whoseOf(use), isOverheard }, say);
  });
}

const isForGuild = ({ options }: CommandUse): boolean => options['for'] === 'server';

const whoseOf = (use: CommandUse): KeyScope => (isForGuild(use) ? 'guild' : 'user');

function subjectOf(use: CommandUse): KeySubject {
  const { author, guild } = use.invocation;
  return isForGuild(use) && guild !== null
    ? { scope: 'guild', id: guild.id }
    : { scope: 'user', id: author.id };
}

function changeOf(use: CommandUse): KeyChange {
  const { originKey, author, guild } = use.invocation;
  return { originKey, author, guild: isForGuild(use) ? guild : null };
}
