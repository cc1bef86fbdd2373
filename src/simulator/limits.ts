/** The free requests of one account: fixed windows of a UTC minute and a UTC day, as OpenRouter counts them. */
export interface FreePool {
  /** Counts one attempt, failed and refused ones too, and tells which limit it broke. */
  attempt(): 'allowed' | 'free-per-minute' | 'free-per-day';
  /** Attempts of the current UTC day. */
  usedToday(): number;
}

export function createFreePool(limits: { perMinute: number; perDay: number }, now: () => number): FreePool {
  let minute = { index: -1, used: 0 };
  let day = { index: -1, used: 0 };
  const roll = () => {
    const minuteIndex = Math.floor(now() / 60_000);
    const dayIndex = Math.floor(now() / 86_400_000);
    if (minute.index !== minuteIndex) minute = { index: minuteIndex, used: 0 };
    if (day.index !== dayIndex) day = { index: dayIndex, used: 0 };
  };
  return {
    attempt() {
      roll();
      minute.used += 1;
      day.used += 1;
      if (day.used > limits.perDay) return 'free-per-day';
      return minute.used > limits.perMinute ? 'free-per-minute' : 'allowed';
    },
    usedToday() {
      roll();
      return day.used;
    },
  };
}
