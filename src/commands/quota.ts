import type { RefusedAttempt } from '../limits/ports.ts';
import type { CommandSpec } from '../platform/command.ts';
import type { ActionCommand, CommandUse } from './command.ts';
import {
  KEY_OPTIONS,
  keyOf,
  LIMIT_OPTION,
  readKey,
  readWrittenLimit,
  UNTIL_OPTION,
} from './quota-options.ts';
import { address, noteDenied, TARGET_OPTIONS, type Addressed } from './quota-target.ts';
import { changeWords, clearWords, explanationWords, overviewWords } from './quota-words.ts';

const FAMILY = {
  name: 'quota',
  // In private operators name whom they mean.
  scope: 'any',
  requires: 'guild_admin',
  respond: 'deferPrivate',
} as const satisfies Partial<CommandSpec>;

/** The limits of a guild, a channel, a role or a member, and what is left of them. */
export const quotaShow = managed('show', [...TARGET_OPTIONS], async ({ services, say }, { target, whose }) =>
  overviewWords(await services.quotas.show(target), whose, services.now(), say),
);

/** Sets one limit. */
export const quotaSet = managed(
  'set',
  [...KEY_OPTIONS, LIMIT_OPTION, ...TARGET_OPTIONS, UNTIL_OPTION],
  async ({ invocation, options, services, say }, { target, by, whose, id }) => {
    const written = readWrittenLimit(options, services.now());
    if (written.kind === 'wrong') return say(written.problem);
    const { allowance, ...change } = written.value;
    if (target.kind === 'instance' && allowance.metric !== 'cost') {
      // Its row would have to be locked by every message.
      await services.quotas.refuse(invocation, {
        action: 'quota.set',
        subject: id,
        why: 'instance_money_only',
      });
      return say({ key: 'quota.instance_money' });
    }
    const whole = { asker: invocation, target, by, key: keyOf(allowance), ...change };
    return changeWords(await services.quotas.set(whole), { ...allowance, ...change, whose, id }, say);
  },
);

/** Takes back one limit, or all that are set for somebody. */
export const quotaClear = managed(
  'clear',
  [...KEY_OPTIONS.map((option) => ({ ...option, required: false })), ...TARGET_OPTIONS],
  async ({ invocation, options, services, say }, { target, by, whose, id }) => {
    const key = readKey(options);
    if (key.kind === 'wrong') return say(key.problem);
    const allowance = key.value;
    const what = allowance === null ? null : keyOf(allowance);
    const outcome = await services.quotas.clear({ asker: invocation, target, by, key: what });
    return clearWords(outcome, { whose, id, allowance }, say);
  },
);

/** What is counted and held for somebody, beside what the records say. */
export const quotaExplain = managed(
  'explain',
  [...TARGET_OPTIONS],
  async ({ services, say }, { target, whose }) => {
    if (target.kind === 'role' || target.kind === 'members') return say({ key: 'quota.explain_each' });
    return explanationWords(await services.quotas.explain(target), whose, services.now(), say);
  },
);

function managed(
  subcommand: 'show' | 'set' | 'clear' | 'explain',
  options: CommandSpec['options'],
  run: (use: CommandUse, addressed: Addressed) => Promise<string>,
): ActionCommand {
  const action: RefusedAttempt['action'] = `quota.${subcommand}`;
  return {
    spec: { ...FAMILY, subcommand, options },
    async run(use) {
      const addressed = await address(use, action);
      return addressed.kind === 'wrong' ? use.say(addressed.problem) : await run(use, addressed);
    },
    onDenied: (invocation, services) => noteDenied(invocation, services, action),
  };
}
