import { parseDecimal, toNanoUsd, toUsd, type NanoUsd } from './billing.ts';
import { refuse, unauthorizedTexts, type Refusal } from './errors.ts';
import { createFreePool, type FreePool } from './limits.ts';

/** A Bearer key. Keys with the same `account` share its credits and its free requests. */
export interface SimulatedKey {
  key: string;
  /** Default `default`. */
  account?: string;
  management?: boolean;
  disabled?: boolean;
  /** Spending limit of this key, a decimal number of USD. */
  limitUsd?: string | null;
  limitReset?: 'daily' | 'weekly' | 'monthly' | null;
}

interface Account {
  id: string;
  creditsNanoUsd: NanoUsd;
  spentNanoUsd: NanoUsd;
  freePool: FreePool;
}

export interface KeyState {
  key: SimulatedKey;
  account: Account;
  /** What each UTC day cost, by its number since the epoch. */
  spentByDay: Map<number, NanoUsd>;
}

export interface AccountSettings {
  keys: readonly (string | SimulatedKey)[];
  /** Bought credits of every account, a decimal number of USD; negative is in debt. */
  creditsUsd: string;
  freeLimits: { perMinute: number; perDay: number };
  now: () => number;
}

export interface Accounts {
  /** Adds a key, or changes one. */
  set(key: SimulatedKey): void;
  /** The key of an `Authorization` header, or the 401 that OpenRouter answers. */
  authenticate(authorization: string | undefined): KeyState | Refusal;
  charge(state: KeyState, nanoUsd: NanoUsd): void;
  balanceNanoUsd(state: KeyState): NanoUsd;
  /** What the key may still spend in its period; undefined without a limit. */
  keyRemainingNanoUsd(state: KeyState): NanoUsd | undefined;
  /** The answer to `GET /key`. */
  keyAnswer(state: KeyState): object;
  /** The answer to `GET /credits`, for management keys only. */
  creditsAnswer(state: KeyState): object | Refusal;
}

export function createAccounts(settings: AccountSettings): Accounts {
  const { now, freeLimits } = settings;
  const accounts = new Map<string, Account>();
  const states = new Map<string, KeyState>();
  const set = (key: SimulatedKey) => {
    const id = key.account ?? 'default';
    const account = accounts.get(id) ?? {
      id,
      creditsNanoUsd: toNanoUsd(parseDecimal(settings.creditsUsd)),
      spentNanoUsd: 0n,
      freePool: createFreePool(freeLimits, now),
    };
    accounts.set(id, account);
    states.set(key.key, { key, account, spentByDay: states.get(key.key)?.spentByDay ?? new Map() });
  };
  for (const key of settings.keys) set(typeof key === 'string' ? { key } : key);
  const spentSince = (state: KeyState, firstDay: number) => {
    let sum = 0n;
    for (const [day, nanoUsd] of state.spentByDay) if (day >= firstDay) sum += nanoUsd;
    return sum;
  };
  const remaining = (state: KeyState) => {
    const { limitUsd, limitReset } = state.key;
    if (limitUsd === undefined || limitUsd === null) return undefined;
    const firstDay = limitReset ? firstDayOf(limitReset, now()) : 0;
    return toNanoUsd(parseDecimal(limitUsd)) - spentSince(state, firstDay);
  };
  return {
    set,
    authenticate: (authorization) => authenticate(states, authorization),
    charge(state, nanoUsd) {
      const day = dayNumber(now());
      state.account.spentNanoUsd += nanoUsd;
      state.spentByDay.set(day, (state.spentByDay.get(day) ?? 0n) + nanoUsd);
    },
    balanceNanoUsd: ({ account }) => account.creditsNanoUsd - account.spentNanoUsd,
    keyRemainingNanoUsd: remaining,
    keyAnswer(state) {
      const remainingNanoUsd = remaining(state);
      const spent = (period: Period) => toUsd(spentSince(state, firstDayOf(period, now())));
      const used = Math.min(state.account.freePool.usedToday(), freeLimits.perDay);
      return {
        data: {
          ...keyFacts(state),
          limit_remaining: remainingNanoUsd === undefined ? null : toUsd(remainingNanoUsd),
          usage: toUsd(spentSince(state, 0)),
          usage_daily: spent('daily'),
          usage_weekly: spent('weekly'),
          usage_monthly: spent('monthly'),
          free_model_daily_requests: { used, limit: freeLimits.perDay, remaining: freeLimits.perDay - used },
        },
      };
    },
    creditsAnswer({ key, account }) {
      if (key.management !== true) return refuse(403, 'Only management keys can perform this operation');
      return {
        data: { total_credits: toUsd(account.creditsNanoUsd), total_usage: toUsd(account.spentNanoUsd) },
      };
    },
  };
}

function authenticate(
  states: ReadonlyMap<string, KeyState>,
  authorization: string | undefined,
): KeyState | Refusal {
  if (authorization === undefined) return refuse(401, unauthorizedTexts.missing);
  const match = /^Bearer(?:\s+(.*))?$/i.exec(authorization);
  if (match === null) return refuse(401, unauthorizedTexts.notBearer);
  const token = match[1]?.trim() ?? '';
  if (token === '') return refuse(401, unauthorizedTexts.empty);
  const state = states.get(token);
  return state === undefined || state.key.disabled === true ? refuse(401, unauthorizedTexts.unknown) : state;
}

function keyFacts({ key, account }: KeyState) {
  const management = key.management ?? false;
  return {
    label: `${key.key.slice(0, 12)}...${key.key.slice(-3)}`,
    limit: key.limitUsd === undefined || key.limitUsd === null ? null : Number(key.limitUsd),
    limit_reset: key.limitReset ?? null,
    include_byok_in_limit: false,
    byok_usage: 0,
    byok_usage_daily: 0,
    byok_usage_weekly: 0,
    byok_usage_monthly: 0,
    is_free_tier: account.creditsNanoUsd <= 0n,
    is_management_key: management,
    is_provisioning_key: management,
    expires_at: null,
    allowed_data_regions: ['global'],
    creator_user_id: 'user_simulated',
    organization_id: null,
    workspace_id: null,
    rate_limit: {
      requests: -1,
      interval: '10s',
      note: 'This field is deprecated and safe to ignore.',
    },
  };
}

type Period = 'daily' | 'weekly' | 'monthly';

function dayNumber(ms: number): number {
  return Math.floor(ms / 86_400_000);
}

/** The first UTC day of the running period; weeks start on Monday. */
function firstDayOf(period: Period, nowMs: number): number {
  const today = dayNumber(nowMs);
  const date = new Date(nowMs);
  if (period === 'weekly') return today - ((date.getUTCDay() + 6) % 7);
  return period === 'monthly' ? today - (date.getUTCDate() - 1) : today;
}
