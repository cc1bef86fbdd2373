import type { Payer } from '../completion/ports.ts';
import type { TurnSettings } from './turn.ts';

/** What the operator has set about money. */
export interface SearchPolicy {
  /** Nothing on the operator's key may cost anything. */
  readonly freeOnly: boolean;
}

/** Whether a turn searches the web: it was wanted, it is paid for. The one place that decides it. */
export type SearchVerdict = 'unwanted' | 'allowed' | 'free_only';

export function decideSearch(
  { search = false }: TurnSettings,
  payer: Payer,
  { freeOnly }: SearchPolicy,
): SearchVerdict {
  if (!search) return 'unwanted';
  return freeOnly && payer === 'operator' ? 'free_only' : 'allowed';
}
