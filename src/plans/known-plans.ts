import type { GuildId, UserId } from '../platform/ids.ts';
import type { TurnPlan } from './ports.ts';

/** How often people may ask by their plans, as far as this process has heard: an admission tells it, the next one needs it before. */
export interface KnownPlans {
  /** Messages a minute; by the plan that everybody has until more is known. */
  ratePerMinute(user: UserId, guild: GuildId | null): number;
  /** What an admission was decided by. */
  note(user: UserId, guild: GuildId | null, plan: TurnPlan): void;
}

/** People in their guilds of whom it is kept: a few megabytes at most. */
const MOST_KNOWN = 20_000;

/** `freePerMinute` is the rate of the plan that everybody has, at the start. */
export function createKnownPlans(freePerMinute: number, mostKnown = MOST_KNOWN): KnownPlans {
  let usual = freePerMinute;
  // The one that was heard of longest ago comes first. Whoever has what everybody has is not in it.
  const rates = new Map<string, number>();
  const keyOf = (user: UserId, guild: GuildId | null): string => `${user} ${guild ?? ''}`;
  return {
    ratePerMinute: (user, guild) => rates.get(keyOf(user, guild)) ?? usual,
    note(user, guild, { from, ratePerMinute }) {
      const key = keyOf(user, guild);
      rates.delete(key);
      if (from === 'free') {
        usual = ratePerMinute;
        return;
      }
      rates.set(key, ratePerMinute);
      const [oldest] = rates.keys();
      if (rates.size > mostKnown && oldest !== undefined) rates.delete(oldest);
    },
  };
}
