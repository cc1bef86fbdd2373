import { createHash, randomBytes } from 'node:crypto';
import { refuse, type Refusal } from './errors.ts';

/** OpenRouter's sign-in by PKCE: a person allows an app a key, and the app trades the code that comes of it. */
export interface SignIns {
  /** The page at `/auth`: what it asks of the person, or why it can't. */
  page(query: URLSearchParams): Page;
  /** The person allows it: the code is shown, or carried to the callback. */
  allow(query: URLSearchParams): Page;
  /** `POST /auth/keys`. */
  trade(body: unknown): { key: string; user_id: string } | Refusal;
}

export interface Page {
  readonly status: number;
  readonly text: string;
  /** Where the browser is sent. */
  readonly location?: string;
}

interface Code {
  readonly challenge: string;
  readonly expiresAtMs: number;
  isUsed: boolean;
}

const CODE_MS = 600_000;

export function createSignIns({
  now,
  addKey,
}: {
  readonly now: () => number;
  readonly addKey: (key: string) => void;
}): SignIns {
  const codes = new Map<string, Code>();

  /** Without a callback the code is shown, and then a challenge is a must. */
  const problemOf = (query: URLSearchParams): string | null => {
    const method = query.get('code_challenge_method');
    const callback = query.get('callback_url');
    if (method !== null && method !== 'S256') return 'Invalid code_challenge_method';
    if (!/^[\w-]{43}$/.test(query.get('code_challenge') ?? '')) return 'Invalid code_challenge';
    return callback === null || isCallback(callback) ? null : 'Invalid callback_url';
  };

  return {
    page(query) {
      const problem = problemOf(query);
      return problem === null ? { status: 200, text: 'Authorize the app?' } : { status: 400, text: problem };
    },
    allow(query) {
      const problem = problemOf(query);
      if (problem !== null) return { status: 400, text: problem };
      const code = `auth_code_${randomBytes(12).toString('hex')}`;
      codes.set(code, {
        challenge: query.get('code_challenge') ?? '',
        expiresAtMs: now() + CODE_MS,
        isUsed: false,
      });
      const callback = query.get('callback_url');
      if (callback === null) return { status: 200, text: code };
      const location = new URL(callback);
      location.searchParams.set('code', code);
      return { status: 302, text: '', location: location.href };
    },
    trade(body) {
      const { code, code_verifier: verifier, code_challenge_method: method = 'S256' } = fieldsOf(body);
      if (method !== 'S256') return refuse(400, 'Invalid code_challenge_method');
      const known = codes.get(String(code));
      const isFitting =
        known !== undefined && !known.isUsed && challengeOf(String(verifier)) === known.challenge;
      if (!isFitting) return refuse(403, 'Invalid code or code_verifier');
      if (known.expiresAtMs <= now()) return refuse(403, 'Authorization code expired');
      known.isUsed = true;
      const key = `sk-or-v1-${randomBytes(32).toString('hex')}`;
      addKey(key);
      return { key, user_id: 'user_simulated' };
    },
  };
}

/** https, or plain http on this machine at any port. */
function isCallback(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(hostname));
}

const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

function fieldsOf(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}
