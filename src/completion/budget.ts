/** A limit of money that a turn's attempts count in, as it stood when it was asked. */
export interface BudgetStanding {
  readonly subject: 'instance' | 'guild' | 'channel' | 'member' | 'user';
  readonly window: 'hour' | 'day' | 'month';
  readonly limitNanoUsd: number;
  /** Spent, and held for what runs. */
  readonly usedNanoUsd: number;
  readonly resetsAtMs: number;
}

/** From this share of a budget on, cheaper models are asked first. */
export const SPARING_FROM = 0.8;

/** How much of it is used: 0, to 1 and more where nothing is left. A budget of nothing is used up. */
export function shareOf({ limitNanoUsd, usedNanoUsd }: BudgetStanding): number {
  return limitNanoUsd <= 0 ? 1 : usedNanoUsd / limitNanoUsd;
}

/** What a budget did to a turn. */
export interface BudgetReport {
  /** Who answered in place of the model that would have been asked otherwise; `free`: because nothing else is paid for any more. */
  readonly spared?: { readonly by: 'cheaper' | 'free'; readonly budget: BudgetStanding };
  /** What is left of it pays for no call of any model that could be asked. */
  readonly exhausted?: BudgetStanding;
}
