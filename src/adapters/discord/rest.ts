import { DefaultRestOptions, REST, type RESTOptions } from 'discord.js';
import type { Logger } from '../../platform/logger.ts';

export interface RestOptions {
  readonly token: string;
  /** Ends in `/api`; the version is added. */
  readonly apiUrl: string;
  /** Discord refuses the token (401): it is told once, and every later authorised call fails. */
  readonly onTokenRefused: (description: string) => void;
  readonly logger: Logger;
}

/**
 * The one REST client of the bot. It neither waits nor repeats, for our own budget and back-off decide that: a rate
 * limit, known or answered, is thrown as RateLimitError. discord.js would repeat at once and without a rest, also
 * what may have been carried out.
 */
export function createRest({ token, apiUrl, onTokenRefused, logger }: RestOptions): REST {
  let isTokenRefused = false;
  const options: Partial<RESTOptions> = {
    api: apiUrl,
    version: '10',
    retries: 0,
    timeout: CALL_TIMEOUT_MS,
    rejectOnRateLimit: () => true,
    // Its own count knows nothing of what is urgent. A global 429 still makes it refuse until the rest is over.
    globalRequestsPerSecond: Infinity,
    async makeRequest(url, init) {
      const response = await DefaultRestOptions.makeRequest(url, init);
      // Read here, the body is under the time limit too, and the sockets of refused calls are given back.
      const body = await response.arrayBuffer();
      if (response.status === 401 && isAuthorised(init) && !isTokenRefused) {
        isTokenRefused = true;
        logger.error({ status: 401 }, 'Discord refuses the token');
        onTokenRefused('401: Unauthorized');
      }
      const { status, statusText } = response;
      const headers = Object.fromEntries(response.headers);
      return new Response(BODILESS.has(status) ? null : body, { status, statusText, headers });
    },
  };
  return new REST(options).setToken(token);
}

const CALL_TIMEOUT_MS = 10_000;

/** Statuses with which a Response takes no body (Fetch, "null body status"). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** Calls with the token of an interaction carry none of the bot's, and their 401 says nothing about it. */
function isAuthorised({ headers }: { readonly headers?: unknown }): boolean {
  return typeof headers === 'object' && headers !== null && 'Authorization' in headers;
}
