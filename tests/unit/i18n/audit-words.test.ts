import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { changeWords, targetWords } from '../../../src/commands/audit-words.ts';
import type { AuditEntry } from '../../../src/conversation/operation-ports.ts';
import { DEEDS as english } from '../../../src/i18n/en-audit.ts';
import { DEEDS as indonesian } from '../../../src/i18n/id-audit.ts';
import { translate, type Notice } from '../../../src/i18n/translate.ts';

const say = (notice: Notice): string => translate('en', notice);
const entry = (more: Partial<AuditEntry>): AuditEntry => ({
  id: 1,
  atMs: 0,
  actor: 'telegram:1',
  actorName: 'Ann',
  action: 'quota.set',
  subject: 'discord:7',
  subjectName: '',
  before: null,
  after: null,
  details: null,
  ...more,
});

const textsIn = (folder: string, end: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8'));

/** Those that stand whole where they are written, and those that are put together there. */
const WHOLE = /'((?:key|quota|plan|budget|books|guild|report)\.[a-z_]*[a-z]|set (?!null)[a-z_]+)'/gu;
const COMPOSED = [
  'stop',
  'resume',
  'block',
  'unblock',
  'approve',
  'forget',
  'refused',
  'plan.grant',
  'plan.revoke',
  'plan.cancel',
  'plan.active',
  'plan.cancelled',
  'plan.past_due',
  'plan.entitlement_granted',
  'plan.entitlement_changed',
  'plan.entitlement_ended',
  'set conversation_style',
  'set allowed_models',
  'set allow_search',
];

describe('the record of changes', () => {
  test('has words for each action that is ever written, in each language', () => {
    const texts = [...textsIn('drizzle', '.sql'), ...textsIn('src/store', '.ts')];
    const whole = texts.flatMap((text) => [...text.matchAll(WHOLE)].map(([, action = '']) => action));
    expect(whole).toEqual(
      expect.arrayContaining(['books.drift', 'quota.clear', 'plan.paid', 'set time_zone']),
    );
    for (const action of new Set([...whole, ...COMPOSED])) {
      expect(english).toHaveProperty([action]);
      expect(indonesian).toHaveProperty([action]);
    }
  });

  test.each<[string, Partial<AuditEntry>, string]>([
    [
      'a limit',
      {
        before: { limits: { requests_day: 100 }, temporary: {} },
        after: { limits: { requests_day: 50 }, temporary: {} },
      },
      'messages a day: 100 → 50',
    ],
    [
      'a limit with an end',
      {
        before: { limits: {}, temporary: {} },
        after: { limits: {}, temporary: { cost_month: { limit: 2_500_000_000, untilMs: 1 } } },
      },
      'spending a month: none → $2.50',
    ],
    [
      'a budget',
      { action: 'budget.set', before: { cost_day: 10_000_000 }, after: null },
      'spending a day: $0.01 → none',
    ],
    [
      'a plan',
      {
        action: 'plan.edit',
        before: { plan: 'premium', version: 1, stars: 100 },
        after: { plan: 'premium', version: 2, stars: 120 },
      },
      'premium, stars 100 → 120',
    ],
    [
      'what somebody has',
      { action: 'plan.grant', before: [], after: [{ planName: 'Premium', version: 1 }] },
      '– → Premium',
    ],
    ['a time zone', { action: 'set time_zone', before: 'UTC', after: 'Asia/Jakarta' }, 'UTC → Asia/Jakarta'],
  ])('tells what became of %s', (_what, more, told) => {
    expect(changeWords(entry(more), say)).toBe(told);
  });

  test('tells for whom a limit is', () => {
    expect(targetWords(entry({ subject: '77', details: { for: 'role' } }), say)).toBe('the role 77');
    expect(targetWords(entry({ subject: 'instance', details: { for: 'instance' } }), say)).toBe(
      'the whole bot',
    );
    expect(targetWords(entry({ subjectName: 'Readers', details: { for: 'members' } }), say)).toBe(
      'each member of Readers',
    );
  });

  test('tells of an attempt that was refused', () => {
    const params = { at: '', who: 'Ann', action: 'quota.set.refused', subject: 'Readers', change: '' };
    expect(say({ key: 'audit.entry', params })).toContain('Ann tried in vain `/quota set` for Readers');
  });
});
