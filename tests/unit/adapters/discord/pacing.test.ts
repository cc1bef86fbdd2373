import { describe, expect, it } from 'vitest';
import {
  createSendBudget,
  DEFAULT_PACE,
  type Lane,
  type SendBudget,
  type StreamBudget,
} from '../../../../src/adapters/discord/pacing.ts';
import { createFakeClock } from '../../delivery/fake-clock.ts';
import { createVirtualClock, type VirtualClock } from '../../delivery/virtual-clock.ts';

const channel: Lane = { key: 'channels/1', isGlobal: true };
const token: Lane = { key: 'webhooks/2/secret', isGlobal: false };

function openBudget() {
  const clock = createFakeClock();
  const budget = createSendBudget(DEFAULT_PACE, clock);
  /** Makes frames as soon as they are allowed, for as long as the time lasts; returns when each was made. */
  const frames = (streams: readonly StreamBudget[], forMs: number, lane = channel): number[][] => {
    const startMs = clock.now();
    const times: number[][] = streams.map(() => []);
    for (; clock.now() < startMs + forMs; clock.advance(10)) {
      for (const [index, stream] of streams.entries()) {
        if (stream.waitMs(lane, 'frame') > 0) continue;
        stream.take(lane, 'frame');
        times[index]!.push(clock.now() - startMs);
      }
    }
    return times;
  };
  return { clock, budget, frames };
}

/** How many of the times fall into the busiest stretch of this length. */
function busiest(times: readonly number[], ms: number): number {
  return Math.max(...times.map((start) => times.filter((at) => at >= start && at < start + ms).length));
}

describe('the budget of a channel', () => {
  it('lets frames of one answer through 1.2 seconds apart, four in five seconds', () => {
    const { budget, frames } = openBudget();
    const [times = []] = frames([budget.openStream()], 30_000);
    expect(times.slice(0, 4)).toEqual([0, 1200, 2400, 3600]);
    expect(busiest(times, 5000)).toBe(4);
    expect(times.length).toBeGreaterThan(20);
  });

  it('divides the pace fairly between the answers that grow there', () => {
    const { budget, frames } = openBudget();
    const streams = [budget.openStream(), budget.openStream()];
    for (const stream of streams) stream.waitMs(channel, 'first');
    const [first = [], second = []] = frames(streams, 60_000);
    expect(busiest([...first, ...second], 5000)).toBe(4);
    expect(Math.abs(first.length - second.length)).toBeLessThanOrEqual(2);
    streams[1]!.close();
    const [alone = []] = frames([streams[0]!], 60_000);
    expect(alone.length).toBeGreaterThan(first.length * 1.5);
  });

  it('is not held up by an answer that has ended, even if a call of it was under way', () => {
    const { budget, clock } = openBudget();
    const [ended, other] = [budget.openStream(), budget.openStream()];
    ended.close();
    ended.take(channel, 'frame');
    other.take(channel, 'frame');
    clock.advance(DEFAULT_PACE.frameMs);
    expect(other.waitMs(channel, 'frame')).toBe(0);
  });

  it('keeps a place for sends and finals that frames cannot take', async () => {
    const { budget, clock, frames } = openBudget();
    frames([budget.openStream()], 3700);
    const other = budget.openStream();
    expect(other.waitMs(channel, 'frame')).toBeGreaterThan(0);
    expect(other.waitMs(channel, 'first')).toBe(0);
    const before = clock.now();
    expect(await budget.line(channel)).toBe(0);
    expect(clock.now()).toBe(before);
    expect(other.waitMs(channel, 'first')).toBeGreaterThan(0);
  });

  it('spreads finals over the window instead of refusing them', async () => {
    const { budget, clock } = openBudget();
    const startMs = clock.now();
    for (let call = 0; call < 11; call += 1) expect(await budget.line(channel)).toBe(0);
    expect(clock.now() - startMs).toBe(2 * DEFAULT_PACE.lane.windowMs);
  });

  it('stops frames, but no finals, when Discord says that one place is left', async () => {
    const { budget, clock } = openBudget();
    const stream = budget.openStream();
    stream.take(channel, 'frame');
    clock.advance(1200);
    budget.note(channel.key, 2, 4);
    expect(stream.waitMs(channel, 'frame')).toBe(0);
    budget.note(channel.key, 1, 4000);
    expect(stream.waitMs(channel, 'frame')).toBe(4000);
    const before = clock.now();
    await budget.line(channel);
    expect(clock.now()).toBe(before);
  });

  it('sends nothing during a rest that Discord asked for, and finals after it', async () => {
    const { budget, clock } = openBudget();
    const stream = budget.openStream();
    budget.pause(channel, 9000);
    for (const use of ['typing', 'first', 'frame'] as const) expect(stream.waitMs(channel, use)).toBe(9000);
    expect(stream.waitMs({ key: 'channels/9', isGlobal: true }, 'frame')).toBe(0);
    const startMs = clock.now();
    expect(await budget.line(channel)).toBe(0);
    expect(clock.now() - startMs).toBe(9000);
  });

  it('gives a final up when the rest is longer than a minute, and says how long it is', async () => {
    const { budget, clock } = openBudget();
    budget.pause(channel, 90_000);
    expect(await budget.line(channel)).toBe(90_000);
    expect(clock.sleeps).toEqual([]);
  });

  it('shows one typing sign for answers that begin together', () => {
    const { budget } = openBudget();
    budget.openStream().take(channel, 'typing');
    expect(budget.openStream().waitMs(channel, 'typing')).toBe(DEFAULT_PACE.typingGapMs);
  });
});

describe('the budget of the bot', () => {
  it('rests as a whole when Discord says so, but for the tokens of interactions', () => {
    const { budget } = openBudget();
    budget.pause(null, 5000);
    const stream = budget.openStream();
    expect(stream.waitMs(channel, 'first')).toBe(5000);
    expect(stream.waitMs(token, 'first')).toBe(0);
  });

  it('does not count the calls of interactions', async () => {
    const { budget, clock } = openBudget();
    const before = clock.now();
    for (let call = 0; call < 200; call += 1)
      await budget.line({ key: `webhooks/1/${call}`, isGlobal: false });
    expect(clock.now()).toBe(before);
    expect(budget.openStream().waitMs(channel, 'frame')).toBe(0);
  });

  it('never makes more than 50 calls in a second, and stretches frames so that each answer gets its share', async () => {
    const clock = createVirtualClock();
    const budget = createSendBudget(DEFAULT_PACE, clock);
    const { times, perStream } = grow(budget, clock, 100);
    await clock.pass(60_000);
    expect(busiest(times, 1000)).toBeLessThanOrEqual(50);
    expect(times.length).toBeGreaterThan(60 * 22);
    expect(Math.min(...perStream)).toBeGreaterThan(Math.max(...perStream) * 0.7);
  });

  it('never lets a final wait half a second behind the frames of a hundred answers', async () => {
    const clock = createVirtualClock();
    const budget = createSendBudget(DEFAULT_PACE, clock);
    const { times } = grow(budget, clock, 100);
    await clock.pass(10_000);
    const waits: number[] = [];
    for (let final = 0; final < 60; final += 1) {
      const askedAtMs = clock.now();
      void budget.line({ key: `channels/9${final}`, isGlobal: true }).then(() => {
        times.push(clock.now());
        waits.push(clock.now() - askedAtMs);
      });
      await clock.pass(97);
    }
    await clock.pass(2000);
    expect(waits).toHaveLength(60);
    expect(Math.max(...waits)).toBeLessThanOrEqual(500);
    expect(busiest(times, 1000)).toBeLessThanOrEqual(50);
  });

  it('leaves more time between calls while they travel unevenly, and less again later', async () => {
    const { budget, clock } = openBudget();
    const fill = async (): Promise<number> => {
      const startMs = clock.now();
      for (let call = 0; call < 50; call += 1) await budget.line({ key: `channels/${call}`, isGlobal: true });
      const tookMs = clock.now() - startMs;
      clock.advance(2000);
      return tookMs;
    };
    const usual = await fill();
    budget.took(300);
    expect(await fill()).toBe(usual - 50 + 300);
    for (let call = 0; call < 200; call += 1) budget.took(5);
    expect(await fill()).toBe(usual);
  });

  it('takes a hundred finals at once before any frame', async () => {
    const clock = createVirtualClock();
    const budget = createSendBudget(DEFAULT_PACE, clock);
    const { times } = grow(budget, clock, 100);
    await clock.pass(10_000);
    const before = times.length;
    let done = 0;
    for (let final = 0; final < 100; final += 1)
      void budget.line({ key: `channels/9${final}`, isGlobal: true }).then(() => (done += 1));
    while (done < 100) await clock.pass(10);
    expect(times.length - before).toBeLessThanOrEqual(1);
  });
});

/** Answers in as many channels that show a frame whenever they may. */
function grow(budget: SendBudget, clock: VirtualClock, count: number) {
  const times: number[] = [];
  const perStream = Array.from({ length: count }, () => 0);
  for (const index of perStream.keys()) {
    const lane = { key: `channels/${index}`, isGlobal: true };
    const stream = budget.openStream();
    void (async () => {
      for (;;) {
        const waitMs = stream.waitMs(lane, 'frame');
        if (waitMs === 0) {
          stream.take(lane, 'frame');
          times.push(clock.now());
          perStream[index]! += 1;
        }
        await clock.sleep(Math.max(1, waitMs));
      }
    })();
  }
  return { times, perStream };
}
