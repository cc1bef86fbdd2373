import type { Route } from './adapter.ts';

/** What one more request of an address makes of what it may in a minute. */
export interface Metered {
  readonly limit: number;
  readonly remaining: number;
  /** Until there is room for one more than now. */
  readonly resetMs: number;
  readonly isOver: boolean;
}

export interface RateLimit {
  readonly meter: (address: string) => Metered;
  /** What is said to a request that is one too many; its status and headers are set here. */
  readonly refuse: (request: Request, retryAfterMs: number) => Response;
}

/**
 * The route, with each answer telling how many requests are left, in the headers of
 * draft-ietf-httpapi-ratelimit-headers up to its sixth version: `RateLimit-Limit`, `RateLimit-Remaining` and
 * `RateLimit-Reset`, in seconds. One too many is answered with 429 and `Retry-After`.
 */
export function limited(route: Route, { meter, refuse }: RateLimit): Route {
  return async (request, address) => {
    const { limit, remaining, resetMs, isOver } = meter(subjectOf(address));
    const answer = isOver ? refuse(request, resetMs) : await route(request, address);
    const headers = new Headers(answer.headers);
    const seconds = String(Math.max(1, Math.ceil(resetMs / 1000)));
    headers.set('ratelimit-limit', String(limit));
    headers.set('ratelimit-remaining', String(remaining));
    headers.set('ratelimit-reset', seconds);
    if (isOver) headers.set('retry-after', seconds);
    return new Response(answer.body, { status: isOver ? 429 : answer.status, headers });
  };
}

/** Whoever has an IPv6 address has all of its network's. */
function subjectOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/u, '');
  if (!plain.includes(':')) return plain;
  const [before = '', after = ''] = plain.split('::', 2);
  const head = before.split(':').filter(Boolean);
  const tail = after.split(':').filter(Boolean);
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':').toLowerCase();
}
