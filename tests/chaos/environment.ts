import type { Random } from './random.ts';
import type { Stage } from './stage.ts';

/** Who the settings are for. */
export interface Slot {
  readonly slot: number;
  readonly life: string;
  /** By which name it reaches the simulators. */
  readonly host: string;
  readonly processes: number;
  /** Where Telegram's updates come to; null when they are fetched. */
  readonly webhook: { readonly publicUrl: string; readonly port: number } | null;
  /** By how much and when its clock jumps; empty when it does not. */
  readonly clockJumps: string;
}

/** Leads a process to the simulators, with limits that no run meets and short patience with models. */
export function environmentOf(
  { telegram, discord, openrouter }: Stage,
  { slot, life, host, processes, webhook, clockJumps }: Slot,
): Readonly<Record<string, string>> {
  const at = (url: string): string => url.replace('127.0.0.1', host);
  return {
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_ROOT: at(telegram.url),
    DISCORD_TOKEN: discord.token,
    DISCORD_API_URL: at(discord.url),
    OPENROUTER_API_KEY: 'sk-or-v1-simulated',
    OPENROUTER_BASE_URL: openrouter.url,
    OPENROUTER_APP_NAME: life,
    INSTANCE_ID: life,
    DEFAULT_MODEL: 'chaos/one',
    FALLBACK_MODEL: 'chaos/two,chaos/three',
    FIRST_TOKEN_TIMEOUT_MS: '6000',
    IDLE_TOKEN_TIMEOUT_MS: '8000',
    MAX_TOKENS: '20000',
    MAX_CONVERSATION_HISTORY_TOKENS: '600',
    USER_RATE_LIMIT_PER_MINUTE: '100000',
    FREE_MODEL_RATE_LIMIT_PER_MINUTE: '100000',
    DEFAULT_USER_REQUESTS_PER_DAY: '1000000',
    DEFAULT_GUILD_REQUESTS_PER_DAY: '1000000',
    HTTP_PORT: String(webhook?.port ?? 0),
    LOG_LEVEL: 'info',
    ...(webhook !== null && {
      TELEGRAM_MODE: 'webhook',
      TELEGRAM_WEBHOOK_SECRET: 'a-secret-of-the-run',
      PUBLIC_URL: webhook.publicUrl,
    }),
    ...(clockJumps !== '' && { CLOCK_JUMPS: clockJumps }),
    ...(processes > 1 && { DISCORD_SHARDS: String(slot), DISCORD_SHARD_COUNT: String(processes) }),
  };
}

/** One life in so many has a clock that jumps, by less than what makes a turn too old to be worth an answer. */
const STEADY_LIVES = 6;
export const LONGEST_JUMP_MS = 40_000;

/** For CLOCK_JUMPS; empty for a steady clock. */
export function clockJumpsOf(random: Random): string {
  if (random.between(1, STEADY_LIVES) > 1) return '';
  const byMs = random.between(-LONGEST_JUMP_MS, LONGEST_JUMP_MS);
  return `${random.between(1500, 3000)}:${byMs},${random.between(3500, 6000)}:${-byMs}`;
}
