import { badRequest, TelegramRefusal } from '../refusal.ts';
import type { Simulation } from '../simulation.ts';
import type { Method } from './method.ts';

const longestPollSeconds = 50;

export const getUpdates: Method<{
  offset?: number;
  limit?: number;
  timeout?: number;
  allowed_updates?: string[];
}> = (simulation, { offset = 0, limit = 100, timeout = 0, allowed_updates }, { signal }) => {
  if (simulation.webhook.settings() !== undefined) {
    throw new TelegramRefusal(
      409,
      "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    );
  }
  if (allowed_updates !== undefined) simulation.updates.allow(allowed_updates);
  return simulation.polling.poll({
    offset,
    limit: Math.min(100, Math.max(1, limit)),
    timeoutSeconds: Math.min(longestPollSeconds, Math.max(0, timeout)),
    signal,
  });
};

export const setWebhook: Method<{
  url: string;
  ip_address?: string;
  max_connections?: number;
  allowed_updates?: string[];
  drop_pending_updates?: boolean;
  secret_token?: string;
}> = (simulation, params) => {
  if (params.url === '') return removeWebhook(simulation, params.drop_pending_updates);
  const secretToken = params.secret_token;
  checkWebhookUrl(params.url);
  if (secretToken !== undefined && !/^[A-Za-z0-9_-]{1,256}$/.test(secretToken)) {
    throw badRequest('secret token contains unallowed characters');
  }
  if (params.allowed_updates !== undefined) simulation.updates.allow(params.allowed_updates);
  if (params.drop_pending_updates === true) simulation.updates.forgetAll();
  simulation.polling.interrupt('terminated by setWebhook request');
  simulation.webhook.set({
    url: params.url,
    secretToken,
    maxConnections: Math.min(100, Math.max(1, params.max_connections ?? 40)),
    ipAddress: params.ip_address,
  });
  return true;
};

export const deleteWebhook: Method<{ drop_pending_updates?: boolean }> = (
  simulation,
  { drop_pending_updates },
) => removeWebhook(simulation, drop_pending_updates);

export const getWebhookInfo: Method<object> = ({ webhook, updates }) => {
  const settings = webhook.settings();
  const error = webhook.lastError();
  const allowed = updates.allowed();
  return {
    url: settings?.url ?? '',
    has_custom_certificate: false,
    pending_update_count: updates.pending().length,
    ...(settings === undefined ? {} : { max_connections: settings.maxConnections }),
    ...(settings?.ipAddress === undefined ? {} : { ip_address: settings.ipAddress }),
    ...(error === undefined
      ? {}
      : { last_error_date: Math.floor(error.atMs / 1000), last_error_message: error.message }),
    ...(allowed.length === 0 ? {} : { allowed_updates: allowed }),
  };
};

function removeWebhook(simulation: Simulation, dropPending: boolean | undefined): true {
  if (dropPending === true) simulation.updates.forgetAll();
  simulation.webhook.set(undefined);
  return true;
}

/** Telegram demands https on ports 443, 80, 88 or 8443; here plain http to this machine is allowed too, for tests. */
function checkWebhookUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLoopback = url !== undefined && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url?.protocol === 'http:' && isLoopback) return;
  if (url?.protocol !== 'https:') throw badRequest('bad webhook: An HTTPS URL must be provided for webhook');
  if (!isLoopback && !['', '443', '80', '88', '8443'].includes(url.port)) {
    throw badRequest('bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443');
  }
}
