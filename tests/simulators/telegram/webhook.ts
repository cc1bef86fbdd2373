import type { Update } from '@grammyjs/types';
import type { UpdateQueue } from './updates.ts';

/** What setWebhook asked for. */
interface WebhookSettings {
  readonly url: string;
  readonly secretToken: string | undefined;
  readonly maxConnections: number;
  readonly ipAddress: string | undefined;
}

type ReplyListener = (reply: Record<string, unknown>) => Promise<void>;

export interface Webhook {
  /** Starts deliveries, or with `undefined` ends them. */
  set(settings: WebhookSettings | undefined): void;
  settings(): WebhookSettings | undefined;
  lastError(): { readonly atMs: number; readonly message: string } | undefined;
  /** Called with the JSON object a bot sent back as the answer to a delivery, if it names a method. */
  onReply(listener: ReplyListener): void;
}

const longestRetryMs = 60_000;

interface Delivery {
  readonly abort: AbortController;
  retry: NodeJS.Timeout | undefined;
}

/**
 * Delivers updates to the bot's webhook: in order within a chat, chats in parallel up to `maxConnections`. Any answer but 2xx is followed
 * by a repeat after `retryMs`, doubled each time up to a minute, or after the answer's Retry-After, until the update expires.
 */
export function createWebhook(
  updates: UpdateQueue,
  { retryMs, now }: { retryMs: number; now: () => number },
): Webhook {
  let settings: WebhookSettings | undefined;
  let lastError: { atMs: number; message: string } | undefined;
  let onReply: ReplyListener = () => Promise.resolve();
  const busy = new Map<number, Delivery>();

  const pump = (): void => {
    if (settings === undefined) return;
    for (const update of updates.pending()) {
      if (busy.size >= settings.maxConnections) return;
      const key = chatKey(update);
      if (!busy.has(key)) start(settings, key, update, retryMs);
    }
  };

  const start = (target: WebhookSettings, key: number, update: Update, delayMs: number): void => {
    const delivery: Delivery = { abort: new AbortController(), retry: undefined };
    busy.set(key, delivery);
    void post(target, update, delivery.abort.signal).then(async (outcome) => {
      if (delivery.abort.signal.aborted) return;
      if (outcome.delivered) {
        updates.confirm(update.update_id);
        busy.delete(key);
        if (outcome.reply !== undefined) await onReply(outcome.reply);
        pump();
        return;
      }
      lastError = { atMs: now(), message: outcome.error };
      delivery.retry = setTimeout(() => {
        if (updates.pending().some(({ update_id }) => update_id === update.update_id)) {
          start(target, key, update, Math.min(delayMs * 2, longestRetryMs));
          return;
        }
        busy.delete(key);
        pump();
      }, outcome.retryAfterMs ?? delayMs);
    });
  };

  updates.onPush(() => setImmediate(pump));
  return {
    set(next) {
      for (const { abort, retry } of busy.values()) {
        abort.abort();
        clearTimeout(retry);
      }
      busy.clear();
      settings = next;
      pump();
    },
    settings: () => settings,
    lastError: () => lastError,
    onReply: (listener) => {
      onReply = listener;
    },
  };
}

type Outcome =
  | { readonly delivered: true; readonly reply: Record<string, unknown> | undefined }
  | { readonly delivered: false; readonly error: string; readonly retryAfterMs: number | undefined };

async function post(target: WebhookSettings, update: Update, signal: AbortSignal): Promise<Outcome> {
  try {
    const response = await fetch(target.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(target.secretToken === undefined
          ? {}
          : { 'x-telegram-bot-api-secret-token': target.secretToken }),
      },
      body: JSON.stringify(update),
      redirect: 'manual',
      signal,
    });
    const text = await response.text();
    if (response.ok) return { delivered: true, reply: methodReply(text) };
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    return {
      delivered: false,
      error: `Wrong response from the webhook: ${response.status} ${response.statusText}`,
      retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
    };
  } catch (error) {
    return { delivered: false, error: `Connection failed: ${String(error)}`, retryAfterMs: undefined };
  }
}

function methodReply(text: string): Record<string, unknown> | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const reply: unknown = JSON.parse(text);
    const isMethod = typeof reply === 'object' && reply !== null && 'method' in reply;
    return isMethod ? (reply as Record<string, unknown>) : undefined;
  } catch {
    // A bot may answer with any text; only a JSON object with a method means something.
    return undefined;
  }
}

/** The chat an update belongs to, whatever its kind; 0 for those without one. */
function chatKey(update: Update): number {
  for (const content of Object.values(update) as unknown[]) {
    const { chat, message } = Object(content) as Partial<
      Record<'chat' | 'message', { id?: number; chat?: { id: number } }>
    >;
    const id = chat?.id ?? message?.chat?.id;
    if (id !== undefined) return id;
  }
  return 0;
}
