import type { ChatState } from './world.ts';
import { TelegramRefusal } from './refusal.ts';

/** What a call counts as: messages and edits share one budget, drafts and typing another. */
export type RateFamily = 'message' | 'action';

export interface RateGate {
  /** Counts one call. Throws the 429 refusal when the chat's budget is used up or the chat is still in a penalty. */
  charge(chat: ChatState, family: RateFamily): void;
  clear(): void;
}

interface Window {
  readonly calls: number;
  readonly perMs: number;
}

/** Telegram tolerates short bursts above one message a second in a chat; how short is not documented. */
const burst: Window = { calls: 6, perMs: 6000 };
const perGroup: Window = { calls: 20, perMs: 60_000 };
const drafts: readonly Window[] = [
  { calls: 20, perMs: 5000 },
  { calls: 40, perMs: 30_000 },
];
const draftCoolDownMs = 3000;
const longestPenaltyMs = 3_600_000;

interface Budget {
  /** Times of the calls that went through, oldest first. */
  sentAtMs: number[];
  blockedUntilMs: number;
  /** Calls made during the present penalty; each doubles what is added to it. */
  strikes: number;
}

/**
 * Telegram's limits for one chat: about one message a second with short bursts, 20 a minute in a group whatever the topic, 20 drafts or
 * chat actions in 5 s and 40 in 30 s. A call during a penalty is refused and makes the penalty longer.
 */
export function createRateGate(now: () => number): RateGate {
  const budgets = new Map<string, Budget>();
  return {
    charge(chat, family) {
      const key = `${chat.id}:${family}`;
      const budget = budgets.get(key) ?? { sentAtMs: [], blockedUntilMs: 0, strikes: 0 };
      budgets.set(key, budget);
      const time = now();
      if (time < budget.blockedUntilMs) {
        if (family === 'message') lengthen(budget, time);
        throw tooMany(budget.blockedUntilMs - time);
      }
      const waitMs = Math.max(0, ...windowsOf(chat, family).map((window) => waitFor(window, budget, time)));
      if (waitMs > 0) {
        budget.strikes = 0;
        budget.blockedUntilMs = time + (family === 'action' ? Math.min(waitMs, draftCoolDownMs) : waitMs);
        throw tooMany(budget.blockedUntilMs - time);
      }
      budget.sentAtMs = [...budget.sentAtMs.filter((at) => at > time - 60_000), time];
    },
    clear() {
      budgets.clear();
    },
  };
}

function windowsOf(chat: ChatState, family: RateFamily): readonly Window[] {
  if (family === 'action') return drafts;
  return chat.type === 'private' ? [burst] : [burst, perGroup];
}

/** Milliseconds until the window has room again; 0 when it has room now. */
function waitFor(window: Window, { sentAtMs }: Budget, time: number): number {
  const inside = sentAtMs.filter((at) => at > time - window.perMs);
  const blocking = inside.at(-window.calls);
  return blocking === undefined ? 0 : Math.max(1, blocking + window.perMs - time);
}

function lengthen(budget: Budget, time: number): void {
  budget.strikes += 1;
  const longer = budget.blockedUntilMs - time + 1000 * 2 ** budget.strikes;
  budget.blockedUntilMs = time + Math.min(longer, longestPenaltyMs);
}

function tooMany(waitMs: number): TelegramRefusal {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new TelegramRefusal(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
}
