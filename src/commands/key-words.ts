import type { Examined, Given } from '../keys/key-keeper.ts';
import type { KeyScope, Removed } from '../keys/ports.ts';
import type { Finished } from '../keys/sign-in.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import type { Notice } from '../i18n/translate.ts';
import { lines, type CommandUse } from './command.ts';

/** What became of a key that somebody gave, or of a sign-in. */
export function givenNotice(given: Given | Finished): Notice {
  switch (given.kind) {
    case 'kept': {
      const { last4, replaced, guild } = given;
      const before = replaced === null || replaced.isSame ? '' : replaced.last4;
      const givenBy = escapeMarkdown(replaced?.givenBy ?? '');
      return {
        key: 'key.kept',
        params: { whose: guild === null ? 'user' : 'guild', last4, before, givenBy },
      };
    }
    case 'no_key':
      return { key: 'key.no_key' };
    case 'management':
      return { key: 'key.management' };
    case 'refused':
      return { key: 'key.not_good' };
    case 'unreachable':
      return { key: 'key.unreachable' };
    case 'none':
      return { key: 'key.code_none' };
    case 'used':
      return { key: 'key.code_used' };
    case 'expired':
      return { key: 'key.code_expired' };
    case 'code_refused':
      return { key: 'key.code_refused' };
  }
}

/** Where others read along, without what could tell keys apart. */
export function removedNotice(removed: Removed, whose: KeyScope, isOverheard: boolean): Notice {
  if (removed.kind === 'none') return { key: 'key.none', params: { whose } };
  return { key: 'key.removed', params: { whose, last4: isOverheard ? '' : removed.last4 } };
}

export function examinedWords(
  { key, look }: Examined,
  { whose, isOverheard }: { readonly whose: KeyScope; readonly isOverheard: boolean },
  say: CommandUse['say'],
): string {
  const standing = say({ key: STANDINGS[look.kind], params: { whose } });
  if (isOverheard) return standing;
  const { last4, givenBy, createdAtMs, usedAtMs } = key;
  const given = { givenBy: escapeMarkdown(givenBy), on: dayOf(createdAtMs) };
  return lines(
    say({ key: 'key.title', params: { whose, last4 } }),
    `- ${standing}`,
    ...(look.kind === 'good' ? [`- ${credit(look, say)}`] : []),
    `- ${say({ key: 'key.given', params: given })}`,
    `- ${say({ key: 'key.used', params: { on: usedAtMs === null ? '' : dayOf(usedAtMs) } })}`,
  );
}

const STANDINGS = {
  good: 'key.is_good',
  refused: 'key.is_refused',
  management: 'key.is_refused',
  unreachable: 'key.is_unknown',
  unreadable: 'key.is_unreadable',
} as const satisfies Record<Examined['look']['kind'], string>;

function credit(
  { remainingUsd, usedUsd }: Extract<Examined['look'], { kind: 'good' }>,
  say: CommandUse['say'],
): string {
  const usedNanoUsd = Math.round(usedUsd * 1e9);
  return remainingUsd === null
    ? say({ key: 'key.no_limit', params: { usedNanoUsd } })
    : say({ key: 'key.credit', params: { remainingNanoUsd: Math.round(remainingUsd * 1e9), usedNanoUsd } });
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
