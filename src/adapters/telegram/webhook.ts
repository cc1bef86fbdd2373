import { createHash, timingSafeEqual } from 'node:crypto';
import type { Update } from 'grammy/types';
import type { Clock } from '../../delivery/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { readCapped } from './request-body.ts';
import type { Verdict } from './webhook-intake.ts';

/** Below the public address. */
export const WEBHOOK_PATH = '/telegram/webhook';

export interface WebhookDoorOptions {
  /** As given to setWebhook; Telegram sends it with every request. */
  readonly secret: string;
  /** Hands an update over; null where none is taken, before the start and after the stop. */
  readonly take: () => ((update: Update) => Promise<Verdict>) | null;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Answers what Telegram posts: 200 confirms an update, anything else brings it again (Bot API setWebhook). Never rejects.
 */
export function createWebhookDoor(options: WebhookDoorOptions): (request: Request) => Promise<Response> {
  const { clock, logger } = options;
  const expected = digest(options.secret);
  let hasWarned = false;

  const isTelegram = (request: Request): boolean => {
    const given = request.headers.get('x-telegram-bot-api-secret-token') ?? '';
    // Of equal length, whatever was given.
    return timingSafeEqual(digest(given), expected);
  };

  return async (request) => {
    if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
    if (!isTelegram(request)) {
      logger[hasWarned ? 'debug' : 'warn']({}, 'a webhook request without the right secret was refused');
      hasWarned = true;
      return new Response(null, { status: 401 });
    }
    const over = new AbortController();
    const late = clock.sleep(ANSWER_WITHIN_MS, over.signal).then(() => again(1));
    try {
      return await Promise.race([answer(request, options), late]);
    } finally {
      over.abort();
    }
  };
}

async function answer(request: Request, options: WebhookDoorOptions): Promise<Response> {
  const body = await readCapped(request, LONGEST_BODY);
  if (body === 'too_long') return new Response(null, { status: 413 });
  const update = body === 'broken' ? null : toUpdate(body.text);
  if (update === null) return new Response(null, { status: 400 });
  const verdict = (await options.take()?.(update)) ?? { kind: 'again', afterSeconds: 1 };
  return verdict.kind === 'confirmed' ? new Response(null, { status: 200 }) : again(verdict.afterSeconds);
}

/** Telegram waits as long as it is told before it tells an update again. */
function again(afterSeconds: number): Response {
  return new Response(null, { status: 503, headers: { 'retry-after': String(afterSeconds) } });
}

function toUpdate(body: string): Update | null {
  try {
    const parsed: unknown = JSON.parse(body);
    const id = typeof parsed === 'object' && parsed !== null && 'update_id' in parsed && parsed.update_id;
    // The rest is looked at by the decoder, which stands whatever it is given.
    return Number.isSafeInteger(id) ? (parsed as Update) : null;
  } catch {
    // The sender is told by the status.
    return null;
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** An update is a few kilobytes; 1 MiB is beyond all that Telegram makes. */
const LONGEST_BODY = 1_048_576;
/** How long Telegram waits for an answer is not documented; one that comes too late counts as none. */
const ANSWER_WITHIN_MS = 25_000;
