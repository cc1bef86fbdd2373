import type { AllowedModels } from '../completion/ports.ts';
import { isOperator } from '../conversation/access.ts';
import type { ConversationStyle } from '../conversation/turn.ts';
import type { Notice } from '../i18n/translate.ts';
import type { CommandInvocation, CommandSpec } from '../platform/command.ts';
import type { GuildId } from '../platform/ids.ts';
import { lines, type Command, type CommandOptions, type CommandServices } from './command.ts';
import { onRecord } from './denied.ts';
import { quoted } from './model-words.ts';

const STYLES = ['chain', 'thread', 'channel'] as const satisfies readonly ConversationStyle[];

const SPEC: CommandSpec = {
  name: 'settings',
  options: [
    { name: 'conversations', kind: 'text', required: false, choices: STYLES },
    { name: 'models', kind: 'text', required: false },
    { name: 'search', kind: 'boolean', required: false },
    { name: 'timezone', kind: 'text', required: false },
  ],
  scope: 'guild',
  requires: 'guild_admin',
  respond: 'deferPrivate',
};

/** Shows what a guild has set, and sets it. */
export const settings: Command = {
  spec: SPEC,
  ...onRecord(SPEC),
  async run({ invocation, options, services, say }) {
    const { guild } = invocation;
    if (guild === null) return say({ key: 'command.guild_only', params: { command: 'settings' } });
    const problem = await change(invocation, options, services);
    if (problem !== null) return say(problem);
    return lines(
      say({ key: 'settings.title' }),
      ...(await describe(guild.id, services)).map((notice) => `- ${say(notice)}`),
      ...(Object.keys(options).length === 0
        ? ['', say({ key: 'settings.how', params: { styles: STYLES.join(', ') } })]
        : []),
    );
  },
};

/** Sets what is given, or nothing, and then says why. */
async function change(
  invocation: CommandInvocation,
  options: CommandOptions,
  services: CommandServices,
): Promise<Notice | null> {
  const { guildSettings } = services;
  const { models, search, timezone } = options;
  const style = STYLES.find((known) => known === options['conversations']);
  const read = models === undefined ? null : readAllowed(String(models), services);
  if (read?.kind === 'wrong') return read.problem;
  if (timezone !== undefined) {
    // First, because it alone may turn out to be unknown.
    const mayAlways = isOperator(services.access, invocation.author.id);
    const outcome = await guildSettings.setTimeZone(invocation, String(timezone), mayAlways);
    const written = quoted(String(timezone));
    if (outcome.kind === 'unknown') return { key: 'settings.time_zone_unknown', params: { written } };
    if (outcome.kind === 'too_soon') {
      return { key: 'settings.time_zone_soon', params: { fromMs: outcome.fromMs } };
    }
  }
  if (style !== undefined) await guildSettings.setConversationStyle(invocation, style);
  if (read !== null) await guildSettings.setAllowedModels(invocation, read.allowed);
  if (search !== undefined) await guildSettings.setAllowsSearch(invocation, search === true);
  return null;
}

async function describe(guild: GuildId, services: CommandServices): Promise<Notice[]> {
  const { guildSettings: settings } = services;
  const style = await settings.conversationStyle(guild);
  const models = inCode((await settings.allowedModels(guild)) ?? []);
  const isAllowed = Number(await settings.allowsSearch(guild));
  const timeZone = await settings.timeZone(guild);
  const before = await settings.timeZoneBefore(guild);
  return [
    { key: 'settings.conversations', params: { style } },
    { key: 'settings.models', params: { models } },
    { key: 'settings.search', params: { isAllowed } },
    { key: 'settings.time_zone', params: { timeZone } },
    ...(before !== null && before.untilMs > services.now()
      ? [{ key: 'settings.time_zone_before', params: { ...before } } as const]
      : []),
  ];
}

type ReadAllowed =
  | { readonly kind: 'read'; readonly allowed: AllowedModels }
  | { readonly kind: 'wrong'; readonly problem: Notice };

/** `all`, or ids, authors (`google/*`) and `free`, with commas or blanks between them. */
function readAllowed(written: string, services: CommandServices): ReadAllowed {
  const entries = [...new Set(written.toLowerCase().split(/[\s,]+/u))].filter((entry) => entry !== '');
  if (entries.length === 1 && entries[0] === 'all') return { kind: 'read', allowed: null };
  if (entries.length > MOST_ENTRIES) {
    return { kind: 'wrong', problem: { key: 'settings.models_many', params: { most: MOST_ENTRIES } } };
  }
  const wrong = entries.length === 0 ? written : entries.find((entry) => !ENTRY.test(entry));
  if (wrong !== undefined) {
    return { kind: 'wrong', problem: { key: 'settings.models_wrong', params: { entry: quoted(wrong) } } };
  }
  const strange = services.models.hasList() ? entries.filter((entry) => isStrange(entry, services)) : [];
  return strange.length === 0
    ? { kind: 'read', allowed: entries }
    : { kind: 'wrong', problem: { key: 'settings.models_unknown', params: { entries: inCode(strange) } } };
}

/** Nothing is like that, as far as is known: whoever allowed it would have silenced their guild. */
function isStrange(entry: string, { models }: CommandServices): boolean {
  // By their own key a community may have what costs.
  return models.list(null, [entry]).length === 0 && models.list(null, [entry], 'user').length === 0;
}

const inCode = (entries: readonly string[]): string => entries.map((entry) => `\`${entry}\``).join(', ');

const ENTRY = /^(?:free|[a-z\d][\w.-]{0,60}\/(?:\*|[\w.-]{1,90}(?::free)?))$/u;
const MOST_ENTRIES = 30;
