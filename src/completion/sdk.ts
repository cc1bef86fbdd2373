import OpenAI from 'openai';
import { readCapped } from './capped-body.ts';
import { asArray, asObject, parseJson } from './json.ts';

export interface SdkOptions {
  readonly apiKey: string;
  /** With the version. */
  readonly baseUrl: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The SDK with everything off that it would do by itself: retries, logging, and what it reads from the environment. */
export function createSdk({ apiKey, baseUrl, headers = {} }: SdkOptions): OpenAI {
  return new OpenAI({
    apiKey,
    baseURL: baseUrl,
    // Null keeps the SDK from sending what it finds in OPENAI_* variables.
    organization: null,
    project: null,
    maxRetries: 0,
    logLevel: 'off',
    fetch: fetchWithCappedErrors,
    defaultHeaders: headers,
  });
}

/** The SDK reads error bodies whole; a proxy's error page can be 86 MB. */
async function fetchWithCappedErrors(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request);
  if (response.ok || response.body === null) return response;
  const { text } = await readCapped(response.body, longestErrorBytes);
  return new Response(outOfList(text), response);
}

/** Google puts an error into a list, in which the SDK does not look for it. */
function outOfList(text: string): string {
  if (!/^\s*\[/u.test(text)) return text;
  const first = asObject(asArray(parseJson(text))[0]);
  return first === null ? text : JSON.stringify(first);
}

const longestErrorBytes = 64 * 1024;
