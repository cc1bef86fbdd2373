import { onTestFinished } from 'vitest';
import { createHttpAdapter } from '../../../../src/adapters/http/adapter.ts';
import type { PlatformAdapter } from '../../../../src/platform/adapter.ts';
import { openStage, type Stage, type StageOptions } from './stage.ts';

export const SECRET = 'a-secret_of-our-own';

export interface WebhookStage extends Stage {
  /** Where the simulated Telegram posts. */
  readonly hookUrl: string;
  /** Which process the public address leads to. */
  serveBy(adapter: PlatformAdapter): void;
  /** Posts a body as whoever knows the address could. */
  post(body: string, headers?: Record<string, string>): Promise<Response>;
}

/** The real adapter behind the real HTTP server, with Telegram posting to it. */
export async function openWebhookStage(options: StageOptions = {}): Promise<WebhookStage> {
  let serving: PlatformAdapter | null = null;
  const http = createHttpAdapter({
    host: '127.0.0.1',
    port: 0,
    notReady: () => Promise.resolve([]),
    routes: (path) => {
      const webhook = serving?.webhook;
      return webhook?.path === path ? (request) => webhook.handle(request) : undefined;
    },
  });
  const url = `http://127.0.0.1:${await http.start()}`;
  onTestFinished(() => http.stop());
  const stage = await openStage({
    ...options,
    simulator: { webhookRetryMs: 20, ...options.simulator },
    webhook: { url, secret: SECRET },
    isStarted: false,
  });
  serving = stage.adapter;
  const hookUrl = `${url}/telegram/webhook`;
  if (options.isStarted !== false) await stage.adapter.start(stage.handlers);
  return {
    ...stage,
    hookUrl,
    serveBy: (adapter) => void (serving = adapter),
    post: async (body, headers = { 'x-telegram-bot-api-secret-token': SECRET }) =>
      await fetch(hookUrl, { method: 'POST', body, headers }),
  };
}
