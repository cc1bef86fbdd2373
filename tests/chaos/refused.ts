import type { SeenCall, Stage } from './stage.ts';

/**
 * Collects writes that a platform refused for the bot's own pace. Those that a fault ordered never get as far as the
 * watchers on Telegram, and are shared ones on Discord.
 */
export function watchPace(stage: Stage, startsMs: readonly number[]): () => readonly string[] {
  const tried: SeenCall[] = [];
  stage.watch((call) => {
    if (call.platform === 'telegram' && call.when === 'before' && call.kind !== 'poll') tried.push(call);
    return undefined;
  });
  /** A process that has just started does not know what the one before it has sent. */
  const isExcused = (atMs: number, windowMs: number): boolean =>
    startsMs.slice(1).some((startMs) => startMs < atMs + 1000 && atMs - startMs < windowMs);
  return () => {
    const onTelegram = tried
      .flatMap(({ record }) =>
        record !== null && 'method' in record && record.errorCode === 429 ? [record] : [],
      )
      .filter(({ atMs, chatId = 0 }) => !isExcused(atMs, chatId < 0 ? GROUP_WINDOW_MS : PRIVATE_WINDOW_MS))
      .map(({ method, chatId, atMs }) => `${method} in telegram:${chatId} at ${atMs}`);
    const onDiscord = stage.discord.calls
      .filter(
        ({ limited, atMs }) => limited !== undefined && limited.scope !== 'shared' && !isExcused(atMs, 7000),
      )
      .map(({ route, channelId, atMs, limited }) => `${limited?.scope}: ${route} in ${channelId} at ${atMs}`);
    return [...onTelegram, ...onDiscord];
  };
}

const PRIVATE_WINDOW_MS = 8000;
const GROUP_WINDOW_MS = 65_000;
