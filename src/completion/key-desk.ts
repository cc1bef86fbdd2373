import { readCapped } from './capped-body.ts';
import { costNanoUsdFromUsd } from './money.ts';
import { asNumber, asObject, asString, parseJson, type JsonObject } from './json.ts';
import type { CodeTrade, KeyDesk, KeyLook } from './ports.ts';

export interface KeyDeskOptions {
  /** With the version: `https://openrouter.ai/api/v1`. */
  readonly baseUrl: string;
  /** Default: 8 seconds. */
  readonly timeoutMs?: number;
}

/** OpenRouter's `GET /key`, and its sign-in by PKCE (`/auth`, `POST /auth/keys`). */
export function createKeyDesk({ baseUrl, timeoutMs = 8000 }: KeyDeskOptions): KeyDesk {
  const ask = async (path: string, request: RequestInit): Promise<Told> => {
    try {
      const response = await fetch(`${baseUrl}${path}`, {
        ...request,
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const { text, complete } = await readCapped(response.body, longestAnswerBytes);
      return { status: response.status, body: complete ? asObject(parseJson(text)) : null };
    } catch {
      return { status: null, body: null }; // whatever it was: nobody could be asked
    }
  };
  const askKey = (apiKey: string) =>
    ask('/key', { headers: { accept: 'application/json', authorization: `Bearer ${apiKey}` } });
  return {
    signInUrl(challenge, callback) {
      const url = new URL('/auth', baseUrl);
      if (callback !== null) url.searchParams.set('callback_url', callback);
      url.searchParams.set('code_challenge', challenge);
      url.searchParams.set('code_challenge_method', 'S256');
      return url.href;
    },
    look: async (apiKey) => readLook(await askKey(apiKey)),
    billedToday: async (apiKey) => readBilled(await askKey(apiKey)),
    async trade(code, verifier) {
      const body = JSON.stringify({ code, code_verifier: verifier, code_challenge_method: 'S256' });
      const headers = { accept: 'application/json', 'content-type': 'application/json' };
      return readTrade(await ask('/auth/keys', { method: 'POST', headers, body }));
    },
  };
}

interface Told {
  readonly status: number | null;
  readonly body: JsonObject | null;
}

function readLook({ status, body }: Told): KeyLook {
  // A page in front of the service may refuse as well, and says nothing about the key.
  if (status === 401 && asObject(body?.['error']) !== null) return { kind: 'refused' };
  const data = asObject(body?.['data']);
  if (status !== 200 || data === null) return { kind: 'unreachable' };
  if (data['is_management_key'] === true || data['is_provisioning_key'] === true)
    return { kind: 'management' };
  return {
    kind: 'good',
    remainingUsd: asNumber(data['limit_remaining']),
    usedUsd: asNumber(data['usage']) ?? 0,
    freeDay: readFreeDay(asObject(data['free_model_daily_requests'])),
  };
}

/** What providers billed to keys of the account's own comes on top, as it does in our books. */
function readBilled({ status, body }: Told): bigint | null {
  const data = asObject(body?.['data']);
  const billedUsd = asNumber(data?.['usage_daily']);
  if (status !== 200 || billedUsd === null) return null;
  return costNanoUsdFromUsd(billedUsd) + costNanoUsdFromUsd(asNumber(data?.['byok_usage_daily']) ?? 0);
}

/** Newer than the rest, and not told of every key. */
function readFreeDay(told: JsonObject | null): { used: number; limit: number } | null {
  const limit = asNumber(told?.['limit']);
  const remaining = asNumber(told?.['remaining']);
  if (limit === null || !isCount(limit)) return null;
  const used = Math.max(asNumber(told?.['used']) ?? 0, remaining === null ? 0 : limit - remaining);
  return isCount(used) ? { used, limit } : null;
}

/** What a column takes. */
const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < 2 ** 31;

function readTrade({ status, body }: Told): CodeTrade {
  const apiKey = asString(body?.['key']);
  if (status === 200 && apiKey !== null) return { kind: 'traded', apiKey };
  const message = status === 403 ? asString(asObject(body?.['error'])?.['message']) : null;
  if (message === null) return { kind: 'unreachable' };
  if (/code expired/iu.test(message)) return { kind: 'expired' };
  return { kind: /invalid code or/iu.test(message) ? 'refused' : 'unreachable' };
}

const longestAnswerBytes = 64 * 1024;
