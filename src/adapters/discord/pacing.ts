import { countCall, roomMs, type CallWindow } from '../../delivery/call-window.ts';
import type { Clock } from '../../delivery/clock.ts';

/** How often Discord is written to. It publishes the global limit only, so every number is a value. */
export interface Pace {
  /** Between two frames of one answer, times the answers that grow in the same lane. */
  readonly frameMs: number;
  /** Sends and edits in one lane: 5 in 5 s were seen, and some room is left for what travels unevenly. */
  readonly lane: { readonly windowMs: number } & Omit<Shares, 'typing'>;
  /** All calls of the bot but those with an interaction's token: 50 a second (topics/rate-limits). */
  readonly global: { readonly windowMs: number } & Shares;
  /**
   * Calls travel unevenly, so that those sent in more than a second may arrive within one: the global window is
   * longer by what calls took lately, within these bounds.
   */
  readonly travelMs: { readonly least: number; readonly most: number };
  /** The first text is held back until it has so many characters, or is so old. */
  readonly firstText: { readonly characters: number; readonly waitMs: number };
  /** Typing shows for 10 s, or until a message. */
  readonly typingMs: number;
  /** Between two signs of typing in one channel, whichever answer they are for. */
  readonly typingGapMs: number;
  /** A sign of work that nobody ends is stopped after this long. */
  readonly typingLimitMs: number;
  /** A token is taken for over so long before Discord says so. */
  readonly tokenMarginMs: number;
  /** A final waits out a rest of at most this length. */
  readonly longestPauseMs: number;
  /** A final that keeps failing, or waits in line, is put off after this long. */
  readonly finalDeadlineMs: number;
  /** First delay before a failed final is tried again; doubles up to 20 times this. */
  readonly retryMs: number;
}

/** How many calls of a window each use may fill it to: what can be dropped stops first. */
interface Shares {
  readonly typing: number;
  readonly frame: number;
  readonly first: number;
  readonly final: number;
}

export const DEFAULT_PACE: Pace = {
  frameMs: 1200,
  lane: { windowMs: 5250, frame: 4, first: 5, final: 5 },
  global: { windowMs: 1000, typing: 20, frame: 25, first: 42, final: 49 },
  travelMs: { least: 50, most: 500 },
  firstText: { characters: 25, waitMs: 1000 },
  typingMs: 8000,
  typingGapMs: 2000,
  typingLimitMs: 300_000,
  tokenMarginMs: 20_000,
  longestPauseMs: 60_000,
  finalDeadlineMs: 120_000,
  retryMs: 500,
};

/** What Discord limits together: a channel, or the token of an interaction. The key may hold that token. */
export interface Lane {
  readonly key: string;
  /** Whether its calls count against the bot's global limit. */
  readonly isGlobal: boolean;
  /** Its own limit, no longer than that of messages, where it has another. */
  readonly window?: CallWindow;
}

/** Something that may be dropped: the typing sign, the first visible text, a later state of it. */
export type Cosmetic = 'typing' | 'first' | 'frame';

/** What may be sent, and when. Finals go first; frames take what is left. */
export interface SendBudget {
  /** A growing answer; its frames make those of the others rarer until it is closed. */
  openStream(): StreamBudget;
  /**
   * Waits until a call that must be made may be made, and counts it. Resolves with 0 then, or with the milliseconds
   * still to wait when that is longer than the pace, or `longestWaitMs`, allows, or when the signal fires. Never rejects.
   */
  line(lane: Lane, longestWaitMs?: number, signal?: AbortSignal): Promise<number>;
  /** Discord asked for a rest: until then nothing is sent in the lane; with null, nothing at all. */
  pause(lane: Lane | null, retryAfterMs: number): void;
  /** How long a call took. */
  took(durationMs: number): void;
  /** What Discord's headers say of a lane: frames stop before its last place is gone. */
  note(key: string, remaining: number, resetAfterMs: number): void;
}

export interface StreamBudget {
  /**
   * Milliseconds until a cosmetic call may be made; 0 when it may be made now. Takes no place, but counts the answer
   * among those that grow in this lane from now on, and no longer in the one before.
   */
  waitMs(lane: Lane, use: Cosmetic): number;
  /** Counts a cosmetic call that is about to be made. */
  take(lane: Lane, use: Cosmetic): void;
  close(): void;
}

/** The memory of the budget is bounded: lanes with nothing in their window and no stream are forgotten. */
export function createSendBudget(pace: Pace, clock: Clock): SendBudget {
  const lanes = new Map<string, LaneState>();
  const bot = createGlobalState();

  const stateOf = ({ key }: Lane): LaneState => {
    const known = lanes.get(key);
    if (known !== undefined) return known;
    if (lanes.size >= LANES_BEFORE_SWEEP) forgetIdle(lanes, clock.now(), pace.lane.windowMs);
    const fresh = createLaneState();
    lanes.set(key, fresh);
    return fresh;
  };

  const travel = createTravel(pace);
  const globalWindow = (use: keyof Shares): CallWindow => ({
    windowMs: pace.global.windowMs + travel.ms(),
    calls: pace.global[use],
  });

  const room = (lane: Lane, use: keyof Shares): number => {
    const now = clock.now();
    const state = stateOf(lane);
    const ofLane = use === 'typing' ? 0 : roomMs(state.calls, [lane.window ?? laneWindow(pace, use)], now);
    const ofBot = lane.isGlobal ? roomMs(bot.calls, [globalWindow(use)], now) : 0;
    const restMs = Math.max(state.pausedUntilMs, lane.isGlobal ? bot.pausedUntilMs : -Infinity) - now;
    return Math.max(0, ofLane, ofBot, restMs);
  };

  const countFor = (lane: Lane, use: keyof Shares): void => {
    const now = clock.now();
    if (use !== 'typing') countCall(stateOf(lane).calls, now, pace.lane.windowMs);
    if (lane.isGlobal) countCall(bot.calls, now, pace.global.windowMs + pace.travelMs.most);
  };

  /** So many answers share the lane, and so many the bot: each one's frames come as rarely as fits them all. */
  const frameGapMs = (lane: Lane): number => {
    const { windowMs, calls } = globalWindow('frame');
    const ofBot = lane.isGlobal ? (bot.streams * windowMs) / calls : 0;
    return Math.max(pace.frameMs * Math.max(1, stateOf(lane).streams), ofBot);
  };

  return {
    openStream: () => openStream({ pace, clock, bot, stateOf, room, countFor, frameGapMs }),
    async line(lane, longestWaitMs = pace.longestPauseMs, signal) {
      const state = stateOf(lane);
      const deadlineMs = clock.now() + pace.finalDeadlineMs;
      state.inLine += 1;
      if (lane.isGlobal) bot.inLine += 1;
      try {
        for (;;) {
          const waitMs = room(lane, 'final');
          if (waitMs === 0) {
            countFor(lane, 'final');
            return 0;
          }
          if (waitMs > longestWaitMs || clock.now() + waitMs > deadlineMs || signal?.aborted === true)
            return waitMs;
          await clock.sleep(waitMs, signal);
        }
      } finally {
        state.inLine -= 1;
        if (lane.isGlobal) bot.inLine -= 1;
      }
    },
    pause(lane, retryAfterMs) {
      const rest = lane === null ? bot : stateOf(lane);
      rest.pausedUntilMs = Math.max(rest.pausedUntilMs, clock.now() + retryAfterMs);
    },
    took: (durationMs) => travel.note(durationMs),
    note(key, remaining, resetAfterMs) {
      const state = lanes.get(key);
      if (state === undefined || remaining > 1) return;
      state.framesAtMs = Math.max(state.framesAtMs, clock.now() + resetAfterMs);
    },
  };
}

interface StreamParts {
  readonly pace: Pace;
  readonly clock: Clock;
  readonly bot: GlobalState;
  readonly stateOf: (lane: Lane) => LaneState;
  readonly room: (lane: Lane, use: keyof Shares) => number;
  readonly countFor: (lane: Lane, use: keyof Shares) => void;
  readonly frameGapMs: (lane: Lane) => number;
}

function openStream({ pace, clock, bot, stateOf, room, countFor, frameGapMs }: StreamParts): StreamBudget {
  let current: Lane | null = null;
  let frameAtMs = -Infinity;
  let isClosed = false;

  const move = (lane: Lane | null): void => {
    // A call that was under way when the answer ended does not open it again.
    if (isClosed || lane?.key === current?.key) return;
    if (current !== null) {
      stateOf(current).streams -= 1;
      if (current.isGlobal) bot.streams -= 1;
    }
    if (lane !== null) {
      stateOf(lane).streams += 1;
      if (lane.isGlobal) bot.streams += 1;
    }
    current = lane;
  };

  return {
    waitMs(lane, use) {
      move(lane);
      const state = stateOf(lane);
      const now = clock.now();
      if (use === 'typing') return Math.max(room(lane, use), state.typedAtMs + pace.typingGapMs - now, 0);
      // A final that waits goes before anything that may be dropped.
      if (state.inLine > 0 || (lane.isGlobal && bot.inLine > 0)) return Math.max(YIELD_MS, room(lane, use));
      if (use === 'first') return room(lane, use);
      return Math.max(room(lane, use), frameAtMs + frameGapMs(lane) - now, state.framesAtMs - now, 0);
    },
    take(lane, use) {
      move(lane);
      countFor(lane, use);
      if (use === 'typing') stateOf(lane).typedAtMs = clock.now();
      else frameAtMs = clock.now();
    },
    close() {
      move(null);
      isClosed = true;
    },
  };
}

interface GlobalState {
  readonly calls: number[];
  pausedUntilMs: number;
  streams: number;
  /** Finals that wait or are about to be made. */
  inLine: number;
}

interface LaneState extends GlobalState {
  /** Frames rest until then, because Discord counts few places left. */
  framesAtMs: number;
  typedAtMs: number;
}

/** A slow call is half forgotten after 35 quick ones. */
const TRAVEL_DECAY = 0.98;
const LANES_BEFORE_SWEEP = 1000;
const YIELD_MS = 100;

function createGlobalState(): GlobalState {
  return { calls: [], pausedUntilMs: -Infinity, streams: 0, inLine: 0 };
}

function createLaneState(): LaneState {
  return { ...createGlobalState(), framesAtMs: -Infinity, typedAtMs: -Infinity };
}

/** How long calls took lately, within the bounds of the pace. */
function createTravel({ travelMs: { least, most } }: Pace) {
  let travelMs = least;
  return {
    ms: () => travelMs,
    note(durationMs: number): void {
      travelMs = Math.min(most, Math.max(least, durationMs, travelMs * TRAVEL_DECAY));
    },
  };
}

function laneWindow({ lane }: Pace, use: Exclude<keyof Shares, 'typing'>): CallWindow {
  return { windowMs: lane.windowMs, calls: lane[use] };
}

function forgetIdle(lanes: Map<string, LaneState>, now: number, windowMs: number): void {
  for (const [key, state] of lanes) {
    const lastMs = Math.max(state.calls.at(-1) ?? -Infinity, state.pausedUntilMs, state.typedAtMs);
    if (state.inLine === 0 && state.streams === 0 && lastMs + windowMs < now) lanes.delete(key);
  }
}
