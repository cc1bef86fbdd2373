import type { CommandSpec } from '../platform/command.ts';
import { lines, type Command } from './command.ts';
import {
  KEY_OPTIONS,
  keyOf,
  LIMIT_OPTION,
  readKey,
  readWrittenLimit,
  UNTIL_OPTION,
} from './quota-options.ts';
import { freePoolLines } from './free-pool-lines.ts';
import { changeWords, clearWords, inForceLines } from './quota-words.ts';

const FAMILY = {
  name: 'limits',
  scope: 'any',
  requires: 'everyone',
  respond: 'deferPrivate',
} as const satisfies Partial<CommandSpec>;

/** Every limit that counts for a person where they ask. */
export const limitsShow: Command = {
  spec: { ...FAMILY, subcommand: 'show', options: [] },
  async run({ invocation, services, say }) {
    const { author, guild } = invocation;
    const [applying, free] = await Promise.all([
      services.quotas.applying(invocation),
      services.freePools.left(author.id, guild?.id ?? null),
    ]);
    // What the operator spends altogether is nobody else's business.
    const limits = applying.filter(({ subject }) => subject !== 'instance');
    const nowMs = services.now();
    const ofPool = freePoolLines(free, nowMs, say);
    return lines(
      say({ key: 'limits.title' }),
      ...(limits.length === 0
        ? [say({ key: 'limits.none' })]
        : inForceLines(limits, { nowMs, isReader: true }, say)),
      ...(ofPool.length === 0 ? [] : ['', ...ofPool]),
      '',
      say({ key: 'limits.how' }),
    );
  },
};

/** A lower limit of one's own. */
export const limitsSet: Command = {
  spec: { ...FAMILY, subcommand: 'set', options: [...KEY_OPTIONS, LIMIT_OPTION, UNTIL_OPTION] },
  async run({ invocation, options, services, say }) {
    const written = readWrittenLimit(options, services.now());
    if (written.kind === 'wrong') return say(written.problem);
    const { allowance, ...change } = written.value;
    const { id } = invocation.author;
    const target = { kind: 'user', user: id } as const;
    const whole = { asker: invocation, target, by: 'self', key: keyOf(allowance), ...change } as const;
    const outcome = await services.quotas.set(whole);
    return changeWords(outcome, { ...allowance, ...change, whose: 'self', id }, say);
  },
};

/** Lifts one own limit, or all of them. */
export const limitsClear: Command = {
  spec: {
    ...FAMILY,
    subcommand: 'clear',
    options: KEY_OPTIONS.map((option) => ({ ...option, required: false })),
  },
  async run({ invocation, options, services, say }) {
    const key = readKey(options);
    if (key.kind === 'wrong') return say(key.problem);
    const { id } = invocation.author;
    const allowance = key.value;
    const outcome = await services.quotas.clear({
      asker: invocation,
      target: { kind: 'user', user: id },
      by: 'self',
      key: allowance === null ? null : keyOf(allowance),
    });
    return clearWords(outcome, { whose: 'self', id, allowance }, say);
  },
};
