import { isOperator } from '../conversation/access.ts';
import type { Notice } from '../i18n/translate.ts';
import { PLAN_FEATURES, type Plan, type PlanField, type PlanValue } from '../plans/ports.ts';
import type { CommandOption } from '../platform/command.ts';
import { readGuildId, readUserId } from '../platform/ids.ts';
import type { PlanSubject } from '../platform/payment.ts';
import type { CommandUse } from './command.ts';
import { quoted } from './model-words.ts';

export const PLAN: CommandOption = { name: 'plan', kind: 'text', required: true };
export const WHOSE: CommandOption = {
  name: 'whose',
  kind: 'text',
  required: false,
  choices: ['me', 'server'],
};
export const SUBJECT: CommandOption = { name: 'subject', kind: 'text', required: true };

type Read<Value> =
  | { readonly kind: 'read'; readonly value: Value }
  | { readonly kind: 'wrong'; readonly problem: Notice };

const read = <Value>(value: Value): Read<Value> => ({ kind: 'read', value });
const wrong = (problem: Notice): Read<never> => ({ kind: 'wrong', problem });

/** The plan that somebody names, by its code or its name. */
export function readPlan(written: string, plans: readonly Plan[]): Read<Plan> {
  const name = written.trim().toLowerCase();
  const found = plans.find((plan) => plan.plan === name || plan.name.toLowerCase() === name);
  if (found !== undefined) return read(found);
  const known = plans.filter(({ isOffered }) => isOffered).map(({ plan }) => `\`${plan}\``);
  return wrong({ key: 'plan.unknown', params: { written: quoted(written), known: known.join(', ') } });
}

/**
 * Whose plan a person may look after: their own, or the guild's where they manage it. Records an attempt for a guild by
 * whoever does not. Rejects with `StoreUnavailable`.
 */
export async function readWhose(use: CommandUse, action: string): Promise<Read<PlanSubject>> {
  const { invocation, options, services } = use;
  const { author, guild } = invocation;
  if (options['whose'] !== 'server') return read({ kind: 'user', id: author.id });
  if (guild === null) return wrong({ key: 'plan.where_server' });
  const subject = { kind: 'guild', id: guild.id } as const;
  if (author.isGuildAdmin || isOperator(services.access, author.id)) return read(subject);
  await services.plans.refuse(invocation, action, subject);
  return wrong({ key: 'command.admin_only', params: { command: 'plan whose:server' } });
}

/** Anybody anywhere, as operators name them. */
export function readSubject({ invocation, options }: CommandUse): Read<PlanSubject> {
  const written = String(options['subject']).trim().toLowerCase();
  if (written === 'me') return read({ kind: 'user', id: invocation.author.id });
  if (written === 'here' && invocation.guild !== null)
    return read({ kind: 'guild', id: invocation.guild.id });
  const [, kind, named = ''] = /^(guild|user):(.+)$/u.exec(written) ?? [];
  const user = kind === 'user' ? readUserId(named) : null;
  const guild = kind === 'guild' ? readGuildId(named) : null;
  if (user !== null) return read({ kind: 'user', id: user });
  return guild === null ? wrong({ key: 'plan.subject_wrong' }) : read({ kind: 'guild', id: guild });
}

interface NumberField {
  readonly least: number;
  readonly most: number;
  /** `none` means that there is no limit, or no price. */
  readonly isOptional: boolean;
}

const amount: NumberField = { least: 0, most: 1e12, isOptional: true };
const NUMBERS: Readonly<Partial<Record<PlanField, NumberField>>> = {
  price_usd_cents: { least: 0, most: 1e8, isOptional: true },
  stars: { least: 1, most: 10_000, isOptional: true },
  requests_month: amount,
  tokens_month: amount,
  images_month: amount,
  presets: { least: 0, most: 1e6, isOptional: true },
  rate_per_minute: { least: 1, most: 1e6, isOptional: false },
  // Less has no room for instructions and an answer.
  max_context_tokens: { least: 2000, most: 1e8, isOptional: false },
};
const SWITCHES: readonly PlanField[] = ['is_offered', 'first_in_queue', ...PLAN_FEATURES];
export const PLAN_FIELDS: readonly PlanField[] = [
  ...(Object.keys(NUMBERS) as readonly PlanField[]),
  ...SWITCHES,
];
const SWITCH_WORDS: Readonly<Record<string, boolean>> = {
  on: true,
  yes: true,
  true: true,
  off: false,
  no: false,
  false: false,
};

export function readValue(field: PlanField, written: string, say: CommandUse['say']): Read<PlanValue> {
  const text = written.trim().toLowerCase();
  const range = NUMBERS[field];
  if (range === undefined) {
    const value = SWITCH_WORDS[text];
    const allowed = say({ key: 'plan.allowed_switch' });
    return value === undefined ? wrong({ key: 'plan.value_wrong', params: { field, allowed } }) : read(value);
  }
  if (text === 'none' && range.isOptional) return read(null);
  const value = /^\d{1,15}$/u.test(text) ? Number(text) : Number.NaN;
  if (value >= range.least && value <= range.most) return read(value);
  const params = { ...range, isOptional: Number(range.isOptional) };
  return wrong({
    key: 'plan.value_wrong',
    params: { field, allowed: say({ key: 'plan.allowed_number', params }) },
  });
}
