import { randomUUID } from 'node:crypto';
import type { AttemptRecord, LostAttempt } from '../../src/completion/attempt.ts';
import type { AdmitRequest, SettleRequest } from '../../src/conversation/ports.ts';
import type { RunnableTurn } from '../../src/conversation/turn.ts';
import { guildId, messageId, originKey, placeId, turnId, userId } from '../../src/platform/ids.ts';

/** What the workers of a race ask for: drawn at random, within limits that are soon reached. */
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const LEASE_MS = 5 * HOUR_MS;
const SYSTEM_TOKENS = 40;
export const WINDOW = { maxTokens: 400, maxMessages: 6, systemTokens: SYSTEM_TOKENS };
/** An evening before a month ends, and in Newfoundland before the clocks go back. */
export const BEGIN = Date.UTC(2026, 9, 30, 20);
export const ZONES = ['UTC', 'Asia/Tokyo', 'America/St_Johns', 'Asia/Tokyo', 'America/St_Johns'];
export const PEOPLE = 10;
/** Of each turn, at most. */
const IMAGES = 2;

export const RACE_LIMITS = {
  user: {
    images_day: 170,
    requests_hour: 14,
    requests_day: 90,
    tokens_hour: 16_000,
    cost_hour: 9000,
    cost_day: 40_000,
  },
  guild: {
    requests_hour: 24,
    tokens_hour: 30_000,
    tokens_day: 250_000,
    cost_hour: 12_000,
    requests_month: 4000,
    images_hour: 46,
  },
  instance: { cost_hour: 20_000, cost_day: 120_000 },
  /** The most that is ever set for the channels, and for the members, by whose limits the watcher judges. */
  channel: { requests_hour: 16, tokens_hour: 20_000, cost_day: 30_000, images_day: 300 },
  member: { requests_hour: 9, requests_day: 60, tokens_hour: 9000, cost_hour: 5000, images_hour: 17 },
};

export type Random = () => number;

export interface Held {
  readonly turn: RunnableTurn;
  /** The process that works on it. */
  readonly instance: string;
  readonly costs: Map<number, bigint>;
}

/** Anybody says anything, mostly in a guild. */
export function admission(random: Random, instance: string): AdmitRequest {
  const pick = (below: number): number => Math.floor(random() * below);
  const who = pick(PEOPLE);
  const guild = random() < 0.8 ? pick(ZONES.length) : null;
  const chat = guild === null ? 5000 + who : 100 * (guild + 1) + pick(2);
  const event = randomUUID();
  const text = 'x'.repeat(1 + pick(900));
  return {
    turnId: turnId(randomUUID()),
    cause: 'message',
    envelope: {
      platform: 'telegram',
      originKey: originKey('telegram', 'race', chat, event),
      author: {
        id: userId('telegram', who),
        name: `p${who}`,
        locale: null,
        isBot: false,
        isGuildAdmin: false,
        roles: who % 3 === 0 ? [] : [`race:${who % 3}`, 'race:0'],
      },
      guild: guild === null ? null : { id: guildId('telegram', -1 - guild), name: `g${guild}` },
      place: placeId('telegram', 'race', chat),
      channel: guild === null ? null : placeId('telegram', 'race', chat),
      thread: null,
      messageId: messageId('telegram', chat, event),
      sentAtMs: 0,
      replyTarget: { chat },
    },
    isPrivate: guild === null,
    repliesTo: null,
    text,
    estTokens: Math.ceil(text.length / 4),
    access: 'granted',
    refusal: random() < 0.03 ? { reason: 'rate_limited', retryAfterMs: 1000 } : null,
    window: WINDOW,
    hold: { systemTokens: SYSTEM_TOKENS, maxCompletionTokens: 100 + pick(900), images: IMAGES },
    defaults: RACE_LIMITS,
    instance,
    leaseMs: LEASE_MS,
    burstMs: MINUTE_MS,
    unshown: [],
  };
}

/** Never more than was held: the whole prompt at most, the whole answer at most. */
export function settlement(
  random: Random,
  { turn, instance, costs }: Held,
  state: SettleRequest['state'],
): SettleRequest {
  const continued = turn.cause === 'continue' && turn.previous?.isPartial === true ? [turn.previous] : [];
  const bytes = [...turn.window, ...continued].map(({ text }) => Math.ceil(Buffer.byteLength(text) / 3));
  const most = bytes.reduce((sum, tokens) => sum + tokens, SYSTEM_TOKENS);
  const share = random() < 0.3 ? 1 : random();
  const completionTokens = Math.floor(turn.maxCompletionTokens * share);
  const answer = 'y'.repeat(Math.min(completionTokens, 300));
  const paid = [...costs].map(([index, nanoUsd]) =>
    record(
      index,
      index === costs.size - 1 ? Math.floor(most * share) : 0,
      0,
      (nanoUsd * BigInt(Math.floor(share * 100))) / 100n,
    ),
  );
  const { usage, ...last } = record(
    costs.size,
    costs.size === 0 ? Math.floor(most * share) : 0,
    completionTokens,
    0n,
  );
  const free = { ...last, usage: { ...usage, images: Math.floor(random() * (IMAGES + 1)) } };
  return {
    turnId: turn.id,
    epoch: turn.epoch,
    state,
    answer: {
      messageId: randomUUID(),
      text: answer,
      estTokens: Math.ceil(answer.length / 4),
      model: 'm',
      partial: random() < 0.3,
    },
    notice: null,
    // Now and then an attempt is not reported.
    attempts: [...turn.lost.map(recalled), ...(random() < 0.1 ? paid.slice(1) : paid), free],
    window: WINDOW,
    instance,
    leaseMs: LEASE_MS,
  };
}

/** What a process that is gone had asked for: it is told under its own claim. */
const recalled = ({ index, epoch, heldNanoUsd }: LostAttempt): AttemptRecord => ({
  ...record(index, 0, 0, BigInt(heldNanoUsd ?? '0')),
  epoch,
});

function record(index: number, promptTokens: number, completionTokens: number, costNanoUsd: bigint) {
  return {
    index,
    provider: 'openrouter',
    modelAsked: `model-${index % 3}`,
    modelUsed: null,
    generationId: null,
    outcome: 'answered' as const,
    failure: null,
    httpStatus: 200,
    isFree: costNanoUsd === 0n,
    startedAtMs: BEGIN,
    firstTokenMs: 100,
    durationMs: 500,
    usage: {
      promptTokens,
      completionTokens,
      cachedTokens: 0,
      reasoningTokens: 0,
      costNanoUsd,
      source: 'reported' as const,
    },
  };
}

/** mulberry32: small, and good enough to shuffle operations. */
export function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
