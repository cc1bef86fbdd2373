import type { Absence } from './killer.ts';
import type { SeenCall, Stage } from './stage.ts';

/**
 * Collects writes that a platform refused for the bot's own pace. Those that a fault ordered never get as far as the
 * watchers on Telegram, and are shared ones on Discord.
 */
export function watchPace(stage: Stage): (absences: readonly Absence[]) => readonly string[] {
  const tried: SeenCall[] = [];
  stage.watch((call) => {
    if (call.platform === 'telegram' && call.when === 'before' && call.kind !== 'poll') tried.push(call);
    return undefined;
  });
  return (absences) => {
    /** Who takes the place of another process does not know what that one has sent. */
    const isExcused = (atMs: number, windowMs: number): boolean =>
      absences.some(({ fromMs, toMs }) => fromMs < atMs && atMs - toMs < windowMs);
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
