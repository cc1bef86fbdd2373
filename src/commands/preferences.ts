import {
  LEAST_ANSWER_TOKENS,
  MOST_ANSWER_TOKENS,
  MOST_TEMPERATURE,
  type OwnPreferences,
} from '../conversation/setting-ports.ts';
import type { Notice } from '../i18n/translate.ts';
import { lines, type Command, type CommandOptions } from './command.ts';

const LENGTHS = [LEAST_ANSWER_TOKENS, MOST_ANSWER_TOKENS] as const;
/** Leaves a choice to the bot again. */
const DEFAULT = 'default';

/** Shows what a person has chosen for themselves, and changes it. */
export const preferences: Command = {
  spec: {
    name: 'preferences',
    options: [
      { name: 'fallback', kind: 'boolean', required: false },
      { name: 'temperature', kind: 'text', required: false },
      { name: 'max_tokens', kind: 'text', required: false },
      { name: 'optimise', kind: 'boolean', required: false },
      { name: 'reset', kind: 'boolean', required: false },
    ],
    scope: 'any',
    requires: 'everyone',
    respond: 'deferPrivate',
  },
  async run({ invocation, options, services, say }) {
    const read = readChanges(options);
    if (read.kind === 'wrong') return say(read.problem);
    const isChange = Object.keys(read.changes).length > 0;
    if (isChange) await services.preferences.change(invocation, read.changes);
    const own = await services.preferences.of(invocation.author.id);
    return lines(
      say({ key: 'preferences.title' }),
      `- ${say({ key: 'preferences.model', params: { model: own.model ?? '' } })}`,
      `- ${say({ key: 'preferences.fallback', params: { isAllowed: Number(own.allowsFallback) } })}`,
      `- ${say({ key: 'preferences.temperature', params: { temperature: String(own.temperature ?? '') } })}`,
      `- ${say({ key: 'preferences.max_tokens', params: { maxTokens: own.maxTokens ?? 0 } })}`,
      `- ${say({ key: 'preferences.optimise', params: { optimises: ON_OFF.indexOf(own.optimises) } })}`,
      ...(isChange ? [] : ['', say({ key: 'preferences.how' })]),
    );
  },
};

/** -1 where the person has not said. */
const ON_OFF: readonly (boolean | null)[] = [false, true];

type Changes = Partial<OwnPreferences>;
type ReadChanges =
  | { readonly kind: 'read'; readonly changes: Changes }
  | { readonly kind: 'wrong'; readonly problem: Notice };

function readChanges(options: CommandOptions): ReadChanges {
  if (options['reset'] === true) {
    const nothing = {
      model: null,
      allowsFallback: false,
      temperature: null,
      maxTokens: null,
      optimises: null,
    };
    return { kind: 'read', changes: nothing };
  }
  const temperature = readNumber(options['temperature'], /^\d(?:[.,]\d{1,2})?$/u, [0, MOST_TEMPERATURE]);
  const maxTokens = readNumber(options['max_tokens'], /^\d{1,6}$/u, LENGTHS);
  if (temperature === 'wrong') return { kind: 'wrong', problem: { key: 'preferences.temperature_wrong' } };
  if (maxTokens === 'wrong') {
    const [least, most] = LENGTHS;
    const params = { least, most };
    return { kind: 'wrong', problem: { key: 'preferences.max_tokens_wrong', params } };
  }
  const fallback = options['fallback'];
  const optimise = options['optimise'];
  return {
    kind: 'read',
    changes: {
      ...(typeof fallback === 'boolean' && { allowsFallback: fallback }),
      ...(temperature !== undefined && { temperature }),
      ...(maxTokens !== undefined && { maxTokens }),
      ...(typeof optimise === 'boolean' && { optimises: optimise }),
    },
  };
}

/** Undefined where nothing was written, null for the default. */
function readNumber(
  written: CommandOptions[string] | undefined,
  form: RegExp,
  [least, most]: readonly [number, number],
): number | null | undefined | 'wrong' {
  if (written === undefined) return undefined;
  const text = String(written).toLowerCase();
  if (text === DEFAULT) return null;
  const value = form.test(text) ? Number(text.replace(',', '.')) : Number.NaN;
  return value >= least && value <= most ? value : 'wrong';
}
