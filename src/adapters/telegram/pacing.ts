import { countCall, roomMs } from '../../delivery/call-window.ts';
import type { Clock } from '../../delivery/clock.ts';

/** How often one chat is written to. Telegram publishes rough limits only, so every number is a value. */
export interface Pace {
  readonly private: ChatPace;
  /** A forum is one chat, whatever the topic. */
  readonly group: ChatPace;
  /** Drafts and chat actions of a private chat, which Telegram counts together: 20 in 5 s, 40 in 30 s. */
  readonly activity: readonly Window[];
  /** Reactions, a family of calls of their own. */
  readonly reactions: readonly Window[];
  /** The first frames of a draft come fast, later ones do not. */
  readonly draft: {
    readonly firstFrames: number;
    readonly firstMs: number;
    readonly laterMs: number;
    readonly heartbeatMs: number;
  };
  readonly typingMs: number;
  /** A sign of work that nobody ends is stopped after this long. */
  readonly typingLimitMs: number;
  /** A final waits out a 429 of at most this length. */
  readonly longestPauseMs: number;
  /** A final that keeps failing, or waits in line, is put off after this long. */
  readonly finalDeadlineMs: number;
  /** First delay before a failed final is tried again; doubles up to 20 times this. */
  readonly retryMs: number;
}

export interface ChatPace {
  /** Between two frames in one chat. */
  readonly frameMs: number;
  readonly windows: readonly Window[];
}

interface Window {
  readonly windowMs: number;
  /** Calls that may be dropped stop here, so that finals find room. */
  readonly cosmetic: number;
  readonly all: number;
}

export const DEFAULT_PACE: Pace = {
  private: { frameMs: 1100, windows: [{ windowMs: 6500, cosmetic: 5, all: 6 }] },
  group: {
    frameMs: 3200,
    windows: [
      { windowMs: 6500, cosmetic: 5, all: 6 },
      { windowMs: 61_000, cosmetic: 18, all: 20 },
    ],
  },
  activity: [
    { windowMs: 5000, cosmetic: 15, all: 15 },
    { windowMs: 30_000, cosmetic: 36, all: 36 },
  ],
  reactions: [
    { windowMs: 5000, cosmetic: 5, all: 5 },
    { windowMs: 60_000, cosmetic: 20, all: 20 },
  ],
  draft: { firstFrames: 8, firstMs: 350, laterMs: 1000, heartbeatMs: 20_000 },
  typingMs: 4500,
  typingLimitMs: 300_000,
  longestPauseMs: 60_000,
  finalDeadlineMs: 120_000,
  retryMs: 500,
};

/** Something that may be dropped: the typing sign, a reaction, a draft, the first visible text, a later state of it. */
export type Cosmetic = 'typing' | 'reaction' | 'draft' | 'first' | 'frame';

export interface BudgetedChat {
  readonly chatId: number;
  readonly isPrivate: boolean;
}

/** What may be sent to each chat, and when. Finals go first; frames take what is left. */
export interface SendBudget {
  /** Milliseconds until a cosmetic call may be made; 0 when it may be made now. Takes nothing. */
  waitMs(chat: BudgetedChat, use: Cosmetic): number;
  /** Counts a cosmetic call that is about to be made. */
  take(chat: BudgetedChat, use: Cosmetic): void;
  /**
   * Waits until a call that must be made may be made, and counts it. Resolves with 0 then, or with
   * the milliseconds still to wait when that is longer than the pace allows. The signal ends the waiting, with 0 and
   * nothing counted: no call may follow. Never rejects.
   */
  line(chat: BudgetedChat, signal?: AbortSignal): Promise<number>;
  /** Telegram asked for a rest (429): until then nothing is sent to the chat. */
  pause(chatId: number, retryAfterMs: number): void;
}

/** The memory of the budget is bounded: chats with nothing in any window are forgotten. */
export function createSendBudget(pace: Pace, clock: Clock): SendBudget {
  const chats = new Map<number, ChatState>();
  const longestWindowMs = longestWindow(pace);

  const stateOf = (chatId: number): ChatState => {
    const known = chats.get(chatId);
    if (known !== undefined) return known;
    if (chats.size >= CHATS_BEFORE_SWEEP) forgetIdle(chats, clock.now(), longestWindowMs);
    const fresh = freshState();
    chats.set(chatId, fresh);
    return fresh;
  };
  const paceOf = (chat: BudgetedChat): ChatPace => (chat.isPrivate ? pace.private : pace.group);

  const cosmeticWaitMs = (chat: BudgetedChat, use: Cosmetic): number => {
    const state = stateOf(chat.chatId);
    const now = clock.now();
    const { frameMs, windows } = paceOf(chat);
    if (state.inLine > 0) return frameMs;
    const pauseMs = Math.max(0, state.pausedUntilMs - now);
    if (isActivity(chat, use))
      return Math.max(pauseMs, roomIn(state.activity, pace.activity, now, fullShare));
    if (use === 'reaction') return Math.max(pauseMs, roomIn(state.reactions, pace.reactions, now, fullShare));
    const share = use === 'typing' ? halfShare : fullShare;
    const spacingMs = use === 'frame' ? Math.max(0, state.frameAtMs + frameMs - now) : 0;
    return Math.max(pauseMs, spacingMs, roomIn(state.messages, windows, now, share));
  };

  return {
    waitMs: cosmeticWaitMs,
    take(chat, use) {
      const state = stateOf(chat.chatId);
      const now = clock.now();
      const calls = callsOf(state, chat, use);
      countCall(calls, now, longestWindowMs);
      if (use === 'first' || use === 'frame') state.frameAtMs = now;
    },
    async line(chat, signal) {
      const state = stateOf(chat.chatId);
      const deadlineMs = clock.now() + pace.finalDeadlineMs;
      state.inLine += 1;
      try {
        while (signal?.aborted !== true) {
          const now = clock.now();
          const pauseMs = Math.max(0, state.pausedUntilMs - now);
          const waitMs = Math.max(pauseMs, roomIn(state.messages, paceOf(chat).windows, now, allCalls));
          if (waitMs === 0) {
            countCall(state.messages, now, longestWindowMs);
            state.frameAtMs = now;
            return 0;
          }
          if (pauseMs > pace.longestPauseMs || now + waitMs > deadlineMs) return waitMs;
          await clock.sleep(waitMs, signal);
        }
        return 0;
      } finally {
        state.inLine -= 1;
      }
    },
    pause(chatId, retryAfterMs) {
      const state = stateOf(chatId);
      state.pausedUntilMs = Math.max(state.pausedUntilMs, clock.now() + retryAfterMs);
    },
  };
}

interface ChatState {
  /** Times of sends, edits and deletes, oldest first; in groups of chat actions as well. */
  messages: number[];
  activity: number[];
  reactions: number[];
  frameAtMs: number;
  pausedUntilMs: number;
  /** Finals that wait; frames stand back for them. */
  inLine: number;
}

function freshState(): ChatState {
  return {
    messages: [],
    activity: [],
    reactions: [],
    frameAtMs: -Infinity,
    pausedUntilMs: -Infinity,
    inLine: 0,
  };
}

const CHATS_BEFORE_SWEEP = 1000;

const fullShare = (window: Window): number => window.cosmetic;
const halfShare = (window: Window): number => Math.max(1, Math.floor(window.cosmetic / 2));
const allCalls = (window: Window): number => window.all;

function longestWindow({ private: alone, group, activity, reactions }: Pace): number {
  const windows = [...alone.windows, ...group.windows, ...activity, ...reactions];
  return Math.max(...windows.map(({ windowMs }) => windowMs));
}

function callsOf(state: ChatState, chat: BudgetedChat, use: Cosmetic): number[] {
  if (use === 'reaction') return state.reactions;
  return isActivity(chat, use) ? state.activity : state.messages;
}

function isActivity(chat: BudgetedChat, use: Cosmetic): boolean {
  return use === 'draft' || (use === 'typing' && chat.isPrivate);
}

/** Milliseconds until every window has room for one more call of this share. */
function roomIn(
  calls: readonly number[],
  windows: readonly Window[],
  now: number,
  share: (window: Window) => number,
): number {
  const shares = windows.map((window) => ({ windowMs: window.windowMs, calls: share(window) }));
  return roomMs(calls, shares, now);
}

function forgetIdle(chats: Map<number, ChatState>, now: number, longestWindowMs: number): void {
  for (const [chatId, state] of chats) {
    const lastMs = Math.max(
      state.messages.at(-1) ?? -Infinity,
      state.activity.at(-1) ?? -Infinity,
      state.reactions.at(-1) ?? -Infinity,
      state.pausedUntilMs,
    );
    if (state.inLine === 0 && lastMs + longestWindowMs < now) chats.delete(chatId);
  }
}
