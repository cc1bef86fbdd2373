import type { AuditEntry } from '../conversation/operation-ports.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import type { CommandUse } from './command.ts';
import { METRICS, WINDOWS } from './quota-options.ts';

type Say = CommandUse['say'];

const LONGEST_VALUE = 60;
/** Stands for no limit where a sentence takes a number. */
const NONE = -1;
const ARROW = ' → ';
const NOTHING = '–';

/** Whom or what an entry is about; of a limit, for whom it is. */
export function targetWords({ subject, subjectName, details }: AuditEntry, say: Say): string {
  const name = escapeMarkdown(subjectName === '' ? subject : subjectName);
  const kind = isRecord(details) && typeof details['for'] === 'string' ? details['for'] : '';
  return kind === '' ? name : say({ key: 'audit.target', params: { kind, name } });
}

/** What was before and is now. Rows of tables that nobody reads are left out. */
export function changeWords({ action, before, after }: AuditEntry, say: Say): string {
  if (/^(?:quota|budget)\./u.test(action)) return limitWords(limitsOf(before), limitsOf(after), say);
  if (action === 'plan.edit') return fieldWords(before, after);
  const [from, to] = [shortly(before), shortly(after)];
  if (from === '' && to === '') return '';
  return escapeMarkdown(`${from === '' ? NOTHING : from}${ARROW}${to === '' ? NOTHING : to}`);
}

function limitWords(before: Limits, after: Limits, say: Say): string {
  const changes = METRICS.flatMap((metric) => WINDOWS.map((window) => ({ metric, window })))
    .map((allowance) => ({ ...allowance, key: `${allowance.metric}_${allowance.window}` }))
    .map(({ key, ...rest }) => ({ ...rest, before: before.get(key) ?? NONE, after: after.get(key) ?? NONE }))
    .filter((change) => change.before !== change.after);
  return changes.map((params) => say({ key: 'audit.limit', params })).join('; ');
}

type Limits = ReadonlyMap<string, number>;

/** Those that have an end hold before those that stay. */
function limitsOf(value: unknown): Limits {
  if (!isRecord(value)) return new Map();
  const { limits = value, temporary } = value;
  return new Map([...numbersOf(limits), ...numbersOf(temporary)]);
}

function numbersOf(value: unknown): [string, number][] {
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, written]): [string, number][] => {
    const limit = isRecord(written) ? written['limit'] : written;
    return typeof limit === 'number' ? [[key, limit]] : [];
  });
}

/** What another version of a plan has otherwise. */
function fieldWords(before: unknown, after: unknown): string {
  if (!isRecord(before) || !isRecord(after)) return '';
  const changed = Object.keys(after).filter((key) => key !== 'plan' && key !== 'version');
  const words = changed.map((key) => `${key} ${fieldOf(before[key])}${ARROW}${fieldOf(after[key])}`);
  return escapeMarkdown([shortly(after), ...words].join(', '));
}

const fieldOf = (value: unknown): string => shortly(value) || NOTHING;

function shortly(value: unknown): string {
  if (Array.isArray(value)) return value.map(shortly).filter(Boolean).join(', ').slice(0, LONGEST_VALUE);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (isRecord(value)) return shortly(value['planName'] ?? value['plan']);
  return typeof value === 'string' ? value.slice(0, LONGEST_VALUE) : '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
