import { describe, expect, it } from 'vitest';
import { createSendBudget, DEFAULT_PACE, type Cosmetic } from '../../../../src/adapters/telegram/pacing.ts';
import { createFakeClock } from '../../delivery/fake-clock.ts';

const person = { chatId: 7, isPrivate: true };
const group = { chatId: -100, isPrivate: false };

function openBudget() {
  const clock = createFakeClock();
  const budget = createSendBudget(DEFAULT_PACE, clock);
  /** Makes the cosmetic call as soon as it is allowed, for as long as the time lasts; returns when it was made. */
  const stream = (chat: typeof person, use: Cosmetic, forMs: number): number[] => {
    const endMs = clock.now() + forMs;
    const startMs = clock.now();
    const times: number[] = [];
    while (clock.now() < endMs) {
      const waitMs = budget.waitMs(chat, use);
      if (waitMs === 0) {
        budget.take(chat, use);
        times.push(clock.now() - startMs);
      }
      clock.advance(Math.min(Math.max(waitMs, 1), endMs - clock.now()));
    }
    return times;
  };
  return { clock, budget, stream };
}

describe('the send budget of a chat', () => {
  it('lets frames in private chats through 1.1 seconds apart at the closest', () => {
    const times = openBudget().stream(person, 'frame', 5000);
    expect(times.slice(0, 4)).toEqual([0, 1100, 2200, 3300]);
  });

  it('gives reactions places of their own, five in five seconds and twenty in a minute', () => {
    const { stream, budget } = openBudget();
    stream(person, 'frame', 30_000);
    const times = stream(person, 'reaction', 60_000);
    expect(times.slice(0, 6)).toEqual([0, 1, 2, 3, 4, 5000]);
    expect(times).toHaveLength(20);
    expect(budget.waitMs(person, 'frame')).toBe(0);
  });

  it('counts nothing for a call whose waiting was ended', async () => {
    const { budget } = openBudget();
    for (let call = 0; call < 10; call += 1) expect(await budget.line(person, AbortSignal.abort())).toBe(0);
    expect(budget.waitMs(person, 'first')).toBe(0);
    for (let call = 0; call < 6; call += 1) await budget.line(person);
    expect(budget.waitMs(person, 'first')).toBeGreaterThan(0);
  });

  it('never gives frames in a group more than 18 places in any minute', () => {
    const times = openBudget().stream(group, 'frame', 300_000);
    for (const start of times) {
      expect(times.filter((at) => at >= start && at < start + 60_000).length).toBeLessThanOrEqual(18);
    }
    expect(times.length).toBeGreaterThan(70);
  });

  it('shows the first text at once although a frame of another answer was just sent', () => {
    const { budget } = openBudget();
    budget.take(group, 'frame');
    expect(budget.waitMs(group, 'frame')).toBe(3200);
    expect(budget.waitMs(group, 'first')).toBe(0);
  });

  it('keeps places for finals that frames cannot take', async () => {
    const { budget, clock, stream } = openBudget();
    stream(group, 'frame', 58_000);
    const before = clock.now();
    expect(budget.waitMs(group, 'first')).toBeGreaterThan(0);
    expect(await budget.line(group)).toBe(0);
    expect(clock.now()).toBe(before);
  });

  it('holds frames back while a final waits', async () => {
    const { budget } = openBudget();
    for (let call = 0; call < 6; call += 1) await budget.line(person);
    const final = budget.line(person);
    expect(budget.waitMs(person, 'first')).toBeGreaterThan(0);
    expect(await final).toBe(0);
  });

  it('spreads finals over the window instead of refusing them', async () => {
    const { budget, clock } = openBudget();
    const startMs = clock.now();
    for (let call = 0; call < 12; call += 1) expect(await budget.line(person)).toBe(0);
    expect(clock.now() - startMs).toBe(6500);
  });

  it('sends nothing cosmetic during a rest that Telegram asked for, and finals after it', async () => {
    const { budget, clock } = openBudget();
    budget.pause(person.chatId, 9000);
    for (const use of ['typing', 'draft', 'first', 'frame'] as const)
      expect(budget.waitMs(person, use)).toBe(9000);
    const startMs = clock.now();
    expect(await budget.line(person)).toBe(0);
    expect(clock.now() - startMs).toBe(9000);
  });

  it('gives a final up when the rest is longer than a minute, and says how long it is', async () => {
    const { budget, clock } = openBudget();
    budget.pause(person.chatId, 90_000);
    expect(await budget.line(person)).toBe(90_000);
    expect(clock.sleeps).toEqual([]);
  });

  it('counts drafts and typing of a private chat together and apart from messages', () => {
    const { budget, stream } = openBudget();
    const times = stream(person, 'draft', 4000);
    expect(times.length).toBe(15);
    expect(budget.waitMs(person, 'typing')).toBeGreaterThan(0);
    expect(budget.waitMs(person, 'frame')).toBe(0);
  });

  it('leaves half of a group for text when many ask for the typing sign', () => {
    const times = openBudget().stream(group, 'typing', 60_000);
    expect(times.length).toBe(9);
  });

  it('keeps the chats apart', () => {
    const { budget } = openBudget();
    budget.pause(person.chatId, 30_000);
    expect(budget.waitMs({ chatId: 8, isPrivate: true }, 'frame')).toBe(0);
  });
});
