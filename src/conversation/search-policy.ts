import type { Payer } from '../completion/ports.ts';
import { isGranted } from '../plans/entitlements.ts';
import type { TurnSettings } from './turn.ts';

/** What the operator has set about money. */
export interface SearchPolicy {
  /** Nothing on the operator's key may cost anything. */
  readonly freeOnly: boolean;
}

/**
 * Whether a turn searches the web: it was wanted, and whoever pays lets it cost something. A person pays for what they
 * wanted themselves; a guild where those who manage it have allowed it. The one place that decides it.
 */
export type SearchVerdict = 'unwanted' | 'allowed' | 'operator_refuses' | 'guild_refuses' | 'plan_refuses';

export function decideSearch(
  { search = false, allowsSearch = false, plan }: TurnSettings,
  payer: Payer,
  { freeOnly }: SearchPolicy,
): SearchVerdict {
  if (!search) return 'unwanted';
  if (payer === 'guild') return allowsSearch ? 'allowed' : 'guild_refuses';
  if (freeOnly && payer === 'operator') return 'operator_refuses';
  return isGranted('web_search', { plan, payer }) ? 'allowed' : 'plan_refuses';
}
