import { randomUUID } from 'node:crypto';
import type { AttemptRecord } from '../../../src/completion/attempt.ts';
import type {
  AdmitRequest,
  AdmitVerdict,
  ClaimRequest,
  SettleRequest,
  TurnStore,
} from '../../../src/conversation/ports.ts';
import type { RunnableTurn } from '../../../src/conversation/turn.ts';
import { guildId, messageId, originKey, placeId, turnId, userId } from '../../../src/platform/ids.ts';
import type { Author, Envelope, Guild } from '../../../src/platform/message.ts';

/** What the store is asked, with everything that a test does not care for filled in. */
const WINDOW = { maxTokens: 6000, maxMessages: 20, systemTokens: 0 };
const LEASE_MS = 9000;
export const NOTICE = { key: 'turn.interrupted', params: {} };

let eventCount = 0;
/** Unique in the process, so that tests can share a database. */
export const nextId = (): number => (eventCount += 1) + Math.floor(performance.timeOrigin % 1e6) * 1000;

export const person = (name = 'Ann'): Author => ({
  id: userId('telegram', nextId()),
  name,
  locale: 'en',
  isBot: false,
  isGuildAdmin: false,
  roles: [],
});

export const community = (name = 'Readers'): Guild => ({ id: guildId('telegram', -nextId()), name });

export interface Speech {
  readonly author: Author;
  readonly chat: number;
  readonly guild?: Guild | null;
  readonly message?: number;
  readonly topic?: number;
  readonly thread?: Envelope['thread'];
}

function envelopeOf({
  author,
  chat,
  guild = null,
  message = nextId(),
  topic,
  thread = null,
}: Speech): Envelope {
  const place =
    topic === undefined ? placeId('telegram', 'bot', chat) : placeId('telegram', 'bot', chat, topic);
  return {
    platform: 'telegram',
    originKey: originKey('telegram', 'bot', chat, message),
    author,
    guild,
    place,
    channel: guild === null ? null : place,
    thread,
    messageId: messageId('telegram', chat, message),
    sentAtMs: 0,
    replyTarget: { chat, message },
  };
}

/** All of it reached the person. */
export const DELIVERED = { unreachable: null, isRetracted: false } as const;

export type AdmitChanges = Partial<AdmitRequest>;

export function admission(speech: Speech, changes: AdmitChanges = {}): AdmitRequest {
  const text = changes.text ?? 'What is a monad?';
  return {
    turnId: turnId(randomUUID()),
    cause: 'message',
    envelope: envelopeOf(speech),
    isPrivate: (speech.guild ?? null) === null,
    repliesTo: null,
    text,
    estTokens: Math.ceil(text.length / 4),
    access: 'granted',
    refusal: null,
    window: WINDOW,
    hold: { systemTokens: 0, maxCompletionTokens: 1000 },
    defaults: { user: {}, guild: {}, instance: {} },
    instance: 'one',
    leaseMs: LEASE_MS,
    burstMs: 0,
    unshown: [],
    ...changes,
  };
}

export function attempt(changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    index: 0,
    provider: 'openrouter',
    modelAsked: 'acme/small:free',
    modelUsed: 'acme/small',
    generationId: 'gen-1',
    outcome: 'answered',
    failure: null,
    httpStatus: 200,
    isFree: true,
    startedAtMs: 1_795_000_000_000,
    firstTokenMs: 250,
    durationMs: 900,
    usage: spent(100, 20),
    ...changes,
  };
}

export const spent = (promptTokens: number, completionTokens: number, costNanoUsd = 0n) => ({
  promptTokens,
  completionTokens,
  cachedTokens: 0,
  reasoningTokens: 0,
  costNanoUsd,
  source: 'reported' as const,
});

type Claimed = Pick<RunnableTurn, 'id' | 'epoch'>;

export function settlement(turn: Claimed, changes: Partial<SettleRequest> = {}): SettleRequest {
  return {
    turnId: turn.id,
    epoch: turn.epoch,
    state: 'generated',
    answer: {
      messageId: randomUUID(),
      text: 'A burrito.',
      estTokens: 3,
      model: 'acme/small',
      partial: false,
    },
    notice: null,
    attempts: [attempt()],
    window: WINDOW,
    instance: 'one',
    leaseMs: LEASE_MS,
    ...changes,
  };
}

export const claim = (changes: Partial<ClaimRequest> = {}): ClaimRequest => ({
  instance: 'two',
  leaseMs: LEASE_MS,
  limit: 20,
  maxAgeMs: 900_000,
  deliveryMaxAgeMs: 86_400_000,
  held: [],
  takeOver: false,
  platforms: ['telegram'],
  interruptedNotice: NOTICE,
  window: WINDOW,
  ...changes,
});

/** Admits something that must run at once. */
export async function run(store: TurnStore, request: AdmitRequest): Promise<RunnableTurn> {
  const verdict = await store.admit(request);
  if (verdict.kind !== 'run') throw new Error(`Expected the turn to run, but it was ${describe(verdict)}.`);
  return verdict.turn;
}

/** Admits something and answers it. */
export async function converse(
  store: TurnStore,
  request: AdmitRequest,
  answer = 'A burrito.',
): Promise<RunnableTurn> {
  const turn = await run(store, request);
  const stored = { messageId: randomUUID(), text: answer, estTokens: 3, model: 'acme/small', partial: false };
  await store.settle(settlement(turn, { answer: stored }));
  return turn;
}

export const texts = (turn: RunnableTurn): readonly string[] => turn.window.map((message) => message.text);

const describe = (verdict: AdmitVerdict): string =>
  verdict.kind === 'refused' ? `refused (${JSON.stringify(verdict.refusal)})` : verdict.kind;
