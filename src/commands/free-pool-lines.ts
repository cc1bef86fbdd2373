import type { FreePoolReader } from '../limits/free-ports.ts';
import type { CommandUse } from './command.ts';

type Left = NonNullable<Awaited<ReturnType<FreePoolReader['left']>>>;

/** What is left of free answers and when there are more, below a title; nothing where nobody counts them. */
export function freePoolLines(left: Left | null, nowMs: number, say: CommandUse['say']): readonly string[] {
  if (left === null) return [];
  const { payer, minute, day, waiting } = left;
  const waitMs = (atMs: number): number => Math.max(0, atMs - nowMs);
  const lines = [
    say({ key: 'pool.title', params: { payer } }),
    minute.nextAtMs === null
      ? say({ key: 'pool.minute', params: { left: minute.left, limit: minute.limit } })
      : say({ key: 'pool.minute_spent', params: { limit: minute.limit, waitMs: waitMs(minute.nextAtMs) } }),
  ];
  if (day !== null) {
    const params = { waitMs: waitMs(day.resetsAtMs) };
    lines.push(
      day.limit === null || day.left === null || day.left === 0
        ? say({ key: 'pool.day_spent', params })
        : say({
            key: 'pool.day',
            params: { ...params, left: day.left, limit: day.limit, ownLeft: day.ownLeft ?? day.left },
          }),
    );
  }
  if (waiting > 0) lines.push(say({ key: 'pool.waiting', params: { count: waiting } }));
  return lines;
}
