import { TERMINAL_USER } from './adapters/terminal/decode.ts';
import type { Config } from './config.ts';
import { searchingTokens } from './completion/web-search.ts';
import type { FreePoolChoice } from './conversation/ports.ts';
import { SEARCH_PROMPT, SYSTEM_PROMPT } from './conversation/prompt.ts';
import { tokenCeiling } from './conversation/tokens.ts';

/** A killed process is noticed after this long; a live one renews three times as often. */
const LEASE_MS = 9000;
/** Messages of one person that follow each other so closely are one question. */
const BURST_MS = 1500;
/** A history holds 20 messages, or more where its budget of tokens is raised. */
const LEAST_HISTORY_MESSAGES = 20;
const TOKENS_PER_MESSAGE = 300;
/** Tokens a day, for whoever has no limit of their own: ample for the requests that are allowed. */
const DEFAULT_TOKENS_PER_REQUEST = 10_000;

/** What a turn takes beside its model, where the database or the platform is slow. */
const SETTLING_MS = 300_000;
const LEAST_LONGEST_TURN_MS = 20 * 60_000;

/** Null where models are played: nobody limits those. */
function freePoolOf({ model, limits }: Config): FreePoolChoice | null {
  if (model.isSimulated) return null;
  const [first] = model.providers;
  const asksFree = model.freeOnly || model.defaultModel === null || model.defaultModel.endsWith('free');
  return { perMinute: limits.freePerMinute, operators: asksFree ? (first ?? null) : null };
}

export type EngineSettings = ReturnType<typeof engineSettings>;

/** What follows from the settings for the engine of this life of the process. */
export function engineSettings(config: Config, instance: string, burstMs = BURST_MS) {
  const { limits, access, operation } = config;
  const { timers } = config.model;
  const cost = {
    ...(limits.dailyBudgetNanoUsd !== null && { cost_day: limits.dailyBudgetNanoUsd }),
    ...(limits.monthlyBudgetNanoUsd !== null && { cost_month: limits.monthlyBudgetNanoUsd }),
  };
  const perDay = (requests: number) => ({
    requests_day: requests,
    tokens_day: requests * DEFAULT_TOKENS_PER_REQUEST,
  });
  const searchPrompt = tokenCeiling(SEARCH_PROMPT);
  const systemTokens = tokenCeiling(SYSTEM_PROMPT);
  return {
    // Whoever sits at the terminal runs this process.
    access: { ...access, operators: [...access.operators, TERMINAL_USER] },
    userPerMinute: limits.userPerMinute,
    maxCompletionTokens: config.model.maxTokens,
    freePool: freePoolOf(config),
    window: {
      maxTokens: limits.historyTokens,
      systemTokens,
      searchTokens: searchPrompt + searchingTokens(systemTokens + searchPrompt, config.model.maxTokens),
      maxMessages: Math.max(LEAST_HISTORY_MESSAGES, Math.ceil(limits.historyTokens / TOKENS_PER_MESSAGE)),
    },
    defaults: {
      user: perDay(limits.userRequestsPerDay),
      guild: perDay(limits.guildRequestsPerDay),
      instance: cost,
    },
    burstMs,
    backlogMaxAgeMs: operation.backlogMaxAgeMs,
    instance,
    leaseMs: LEASE_MS,
    longestTurnMs: Math.max(timers.modelTimeoutMs + timers.answerMaxMs + SETTLING_MS, LEAST_LONGEST_TURN_MS),
  };
}
