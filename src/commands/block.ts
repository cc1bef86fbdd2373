import { isOperator } from '../conversation/access.ts';
import type { BlockSubject } from '../conversation/operation-ports.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import type { Notice } from '../i18n/translate.ts';
import { nameOf, type CommandOption, type CommandSpec } from '../platform/command.ts';
import { botOf, type GuildId, type UserId } from '../platform/ids.ts';
import { lines, type Command, type CommandUse } from './command.ts';
import { noteDenied, onRecord } from './denied.ts';

const USER: CommandOption = { name: 'user', kind: 'user', required: true };
const EVERYWHERE: CommandOption = { name: 'everywhere', kind: 'boolean', required: false };
const REASON: CommandOption = { name: 'reason', kind: 'text', required: false, greedy: true };

const RIGHTS = {
  // In private operators decide for everywhere.
  scope: 'any',
  requires: 'guild_admin',
  respond: 'deferPrivate',
} as const satisfies Partial<CommandSpec>;

const BLOCK: CommandSpec = {
  ...RIGHTS,
  name: 'block',
  subcommand: 'user',
  options: [USER, EVERYWHERE, REASON],
};
const LIST: CommandSpec = { ...RIGHTS, name: 'block', subcommand: 'list', options: [] };
const UNBLOCK: CommandSpec = { ...RIGHTS, name: 'unblock', options: [USER, EVERYWHERE] };
const LONGEST_REASON = 200;

/** Keeps somebody from being served, in one guild or everywhere, and ends what of theirs is under way. */
export const blockUser: Command = {
  spec: BLOCK,
  ...onRecord(BLOCK),
  async run(use) {
    const { invocation, options, services, say } = use;
    const scope = await scopeOf(use, BLOCK);
    if (scope.kind === 'wrong') return say(scope.problem);
    const whom: BlockSubject = { kind: 'user', id: options['user'] as UserId, within: scope.within };
    const problem = await standsAgainst(whom, use);
    if (problem !== null) return say(problem);
    const reason =
      options['reason'] === undefined ? null : String(options['reason']).slice(0, LONGEST_REASON);
    const isNew = await services.blocks.block(invocation, whom, reason);
    const turns = await services.blocks.turnsOf(whom.id, whom.within);
    await Promise.all(turns.map((turn) => services.engine.stopTurn(turn, invocation)));
    const params = { id: escapeMarkdown(whom.id), isEverywhere: Number(whom.within === null) };
    return say({ key: isNew ? 'block.done' : 'block.already', params });
  },
};

export const blockList: Command = {
  spec: LIST,
  ...onRecord(LIST),
  async run(use) {
    const { services, say } = use;
    const scope = await scopeOf(use, LIST);
    if (scope.kind === 'wrong') return say(scope.problem);
    const blocks = await services.blocks.list(scope.within);
    if (blocks.length === 0) return say({ key: 'block.none' });
    const entries = blocks.map(({ id, name, reason }) =>
      say({
        key: 'block.entry',
        params: { id, name: escapeMarkdown(name), reason: escapeMarkdown(reason ?? '') },
      }),
    );
    return lines(say({ key: 'block.title' }), ...entries);
  },
};

export const unblock: Command = {
  spec: UNBLOCK,
  ...onRecord(UNBLOCK),
  async run(use) {
    const { invocation, options, services, say } = use;
    const scope = await scopeOf(use, UNBLOCK);
    if (scope.kind === 'wrong') return say(scope.problem);
    const whom: BlockSubject = { kind: 'user', id: options['user'] as UserId, within: scope.within };
    const wasBlocked = await services.blocks.unblock(invocation, whom);
    const params = { id: escapeMarkdown(whom.id), isEverywhere: Number(whom.within === null) };
    return say({ key: wasBlocked ? 'block.undone' : 'block.not_blocked', params });
  },
};

type Scope =
  | { readonly kind: 'scope'; readonly within: GuildId | null }
  | { readonly kind: 'wrong'; readonly problem: Notice };

/** Where it is to hold: here, or for operators everywhere. */
async function scopeOf({ invocation, options, services }: CommandUse, spec: CommandSpec): Promise<Scope> {
  const within = options['everywhere'] === true ? null : (invocation.guild?.id ?? null);
  if (within !== null || isOperator(services.access, invocation.author.id)) return { kind: 'scope', within };
  await noteDenied({ ...spec, requires: 'operator' }, invocation, services);
  const isHere = invocation.guild !== null;
  const params = { command: nameOf(spec) };
  return {
    kind: 'wrong',
    problem: isHere ? { key: 'block.everywhere_operator' } : { key: 'command.guild_only', params },
  };
}

/** Who decides about others, and the bot, are not blocked by accident or out of spite; null where nothing stands against it. */
async function standsAgainst(
  { id, within }: Extract<BlockSubject, { kind: 'user' }>,
  { invocation, services }: CommandUse,
): Promise<Notice | null> {
  const { author, originKey } = invocation;
  if (id === author.id) return { key: 'block.self' };
  if (id === botOf(originKey)) return { key: 'block.bot' };
  if (isOperator(services.access, id)) return await protectedOne(invocation, services);
  if (within === null || isOperator(services.access, author.id)) return null;
  const isAdmin = await services.officeOf(within)?.isAdmin(within, id);
  if (isAdmin === true) return await protectedOne(invocation, services);
  return isAdmin === false ? null : { key: 'block.unsure' };
}

async function protectedOne(
  invocation: CommandUse['invocation'],
  { audit }: CommandUse['services'],
): Promise<Notice> {
  await audit.refused(invocation, nameOf(BLOCK), 'protected');
  return { key: 'block.protected' };
}
