import { asArray, asObject, asString } from './json.ts';

/** A page that an answer refers to. */
export interface Source {
  /** Absolute, http or https, without a name or password in it; at most 400 characters. */
  readonly url: string;
  /** One line of at most 100 characters; empty where the page has none. */
  readonly title: string;
}

/** What came of the searches for one answer, as it is stored with it. */
export interface SearchReport {
  /** Null where the provider did not tell. */
  readonly searches: number | null;
  /** Their price alone; null where the provider did not tell. */
  readonly costNanoUsd: number | null;
  /** Each once, in the order in which they came. */
  readonly sources: readonly Source[];
}

/** More would be a list of its own, which nobody reads below an answer. */
const mostSources = 8;
const longestUrl = 400;
const longestTitle = 100;

/** Gathers the pages that an answer cites, each once. */
export function createSourceList(): {
  /** Takes the `annotations` of a message or delta; anything that is no citation of a page is left out. */
  take(annotations: unknown): void;
  list(): readonly Source[];
} {
  const found = new Map<string, Source>();
  return {
    take(annotations) {
      for (const annotation of asArray(annotations)) {
        if (found.size >= mostSources) return;
        const source = readSource(annotation);
        if (source !== null && !found.has(source.url)) found.set(source.url, source);
      }
    },
    list: () => [...found.values()],
  };
}

function readSource(annotation: unknown): Source | null {
  const fields = asObject(annotation);
  const citation = asObject(fields?.['url_citation']);
  if (fields?.['type'] !== 'url_citation' || citation === null) return null;
  const url = plainUrl(asString(citation['url']) ?? '');
  return url === null ? null : { url, title: plainTitle(asString(citation['title']) ?? '') };
}

/** As every reader writes it (a host in other letters as punycode); null for what must not become a link. */
function plainUrl(text: string): string | null {
  if (text.length > 2 * longestUrl) return null;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  // `https://bank.example@evil.example` leads elsewhere than it looks.
  if (url.username !== '' || url.password !== '') return null;
  // Nothing but what names a page: a jump within it makes no other source.
  url.hash = '';
  return url.href.length > longestUrl ? null : url.href;
}

/** Without line ends and characters that nobody sees, which could turn the rest of the line around. */
function plainTitle(text: string): string {
  const line = text
    .slice(0, 4 * longestTitle)
    .toWellFormed()
    .replaceAll(/[\s\p{C}]+/gu, ' ')
    .trim();
  return line.length <= longestTitle ? line : `${line.slice(0, longestTitle - 1).toWellFormed()}…`;
}
