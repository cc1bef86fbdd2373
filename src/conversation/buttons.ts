import type { ButtonAction } from '../platform/command.ts';
import type { TurnState, Versions } from './turn.ts';

/** What decides about the buttons below a finished reply. */
export interface ReplyFacts {
  readonly state: TurnState;
  readonly hasAnswer: boolean;
  /** The answer was cut off. */
  readonly isPartial: boolean;
  readonly versions: Versions;
}

/** What a person may do with a reply that is complete. */
export function actionsOf({ state, hasAnswer, isPartial, versions }: ReplyFacts): readonly ButtonAction[] {
  if (state === 'refused') return [];
  // An interrupted turn has nothing to show yet: continuing means that it is answered after all.
  if (!hasAnswer) return [state === 'interrupted' ? 'continue' : 'regenerate', 'why'];
  return [
    ...(isPartial ? (['continue'] as const) : []),
    'regenerate',
    ...(versions.count > 1 ? (['previous', 'next'] as const) : []),
    'why',
  ];
}
