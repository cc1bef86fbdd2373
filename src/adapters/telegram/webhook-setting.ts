import { createHmac } from 'node:crypto';
import type { Api } from 'grammy';
import type { WebhookInfo } from 'grammy/types';
import { StoreUnavailable, type AdapterMemory } from '../../platform/adapter.ts';
import { ALLOWED_UPDATES } from './polling.ts';
import { WEBHOOK_PATH } from './webhook.ts';

export interface WebhookConfig {
  /** Where this bot is reached from outside; without a slash at the end. */
  readonly url: string;
  /** 1-256 of `[A-Za-z0-9_-]` (Bot API setWebhook). */
  readonly secret: string;
}

export interface WebhookSettingOptions {
  readonly api: Api;
  readonly botId: number;
  readonly token: string;
  readonly webhook: WebhookConfig;
  readonly memory: Pick<AdapterMemory, 'bookmark' | 'setBookmark'>;
}

/**
 * Makes sure that Telegram posts its updates here. Resolves when it does; rejects as grammY does. Nothing is set where
 * all is as wanted already: many processes may serve one webhook.
 */
export async function ensureWebhook(options: WebhookSettingOptions): Promise<void> {
  const { api, botId, token, webhook, memory } = options;
  const url = `${webhook.url}${WEBHOOK_PATH}`;
  const wanted = {
    secret_token: webhook.secret,
    allowed_updates: ALLOWED_UPDATES,
    max_connections: MAX_CONNECTIONS,
  };
  const key = `telegram-webhook:${botId}`;
  const mark = createHmac('sha256', token)
    .update(JSON.stringify([url, wanted]))
    .digest('hex');
  // Telegram does not tell which secret it sends, so it is remembered by what was last set.
  const lastMark = await whileStoreIsThere(() => memory.bookmark(key));
  if (lastMark === mark && isAsWanted(await api.getWebhookInfo(), url)) return;
  await api.setWebhook(url, wanted);
  await whileStoreIsThere(() => memory.setBookmark(key, mark));
}

function isAsWanted(info: WebhookInfo, url: string): boolean {
  const allowed: readonly string[] = info.allowed_updates ?? [];
  return (
    info.url === url &&
    info.max_connections === MAX_CONNECTIONS &&
    allowed.length === ALLOWED_UPDATES.length &&
    ALLOWED_UPDATES.every((kind) => allowed.includes(kind))
  );
}

/** What can't be remembered is set once more than needed, which does no harm. */
async function whileStoreIsThere<Value>(call: () => Promise<Value>): Promise<Value | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof StoreUnavailable) return null;
    throw error;
  }
}

/** Requests that Telegram makes at once: 1-100 (Bot API setWebhook). */
const MAX_CONNECTIONS = 40;
