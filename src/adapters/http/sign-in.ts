import { translate, pickLocale, type Notice } from '../../i18n/translate.ts';
import { StoreUnavailable } from '../../platform/adapter.ts';
import type { Route } from './adapter.ts';

/** Where the model service sends people back to after a sign-in: the request's id follows. */
export const SIGN_IN_PATH = '/oauth/openrouter/';

export interface SignInEnd {
  /** What to tell, as the chat would. */
  readonly notice: Notice;
  /** The language that the person has there, if it is known. */
  readonly locale: string | null;
}

/** Ends a sign-in where the browser comes back to us. Rejects with `StoreUnavailable`. */
export type EndSignIn = (requestId: string, code: string) => Promise<SignInEnd>;

/** Answers at `SIGN_IN_PATH`; undefined for every other path. */
export function signInRoute(path: string, end: EndSignIn): Route | undefined {
  if (!path.startsWith(SIGN_IN_PATH)) return undefined;
  const id = path.slice(SIGN_IN_PATH.length);
  return async (request) => {
    const locale = localeOf(request);
    if (!ID.test(id)) return page(404, { notice: { key: 'key.code_none' }, locale });
    // A link preview or a scanner must not use it up.
    if (request.method !== 'GET') return new Response(null, { status: 405, headers: { allow: 'GET' } });
    const code = new URL(request.url).searchParams.get('code') ?? '';
    if (code === '' || code.length > LONGEST_CODE)
      return page(400, { notice: { key: 'key.page_missing' }, locale });
    try {
      const ended = await end(id, code);
      return page(200, { notice: ended.notice, locale: ended.locale ?? locale });
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return page(503, { notice: { key: 'failure.store_away' }, locale }); // the sign-in may be finished once more
    }
  };
}

/** Said to who comes too often. */
export function refuseSignIn(request: Request, retryAfterMs: number): Response {
  const notice: Notice = { key: 'refusal.rate_limited', params: { waitMs: retryAfterMs } };
  return page(429, { notice, locale: localeOf(request) });
}

const localeOf = (request: Request): string =>
  pickLocale(...(request.headers.get('accept-language') ?? '').split(',').map((tag) => tag.trim()));

const ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u;
const LONGEST_CODE = 512;

/** The address holds a code, so nothing of it is kept or handed on. */
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
} as const;

function page(status: number, { notice, locale }: SignInEnd): Response {
  const language = pickLocale(locale);
  const say = (one: Notice): string => escapeHtml(translate(language, one).replaceAll(/[`*]/gu, ''));
  const title = say({ key: 'key.page_title' });
  const body = `<h1>${title}</h1><p>${say(notice)}</p><p>${say({ key: 'key.page_back' })}</p>`;
  const style = 'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}';
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style>`;
  return new Response(
    `<!doctype html><html lang="${language}"><head>${head}</head><body>${body}</body></html>`,
    {
      status,
      headers: HEADERS,
    },
  );
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"]/gu, (sign) => ENTITIES[sign] ?? '');
