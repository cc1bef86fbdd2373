import type { SearchReport } from '../completion/sources.ts';
import { escapeMarkdown } from '../i18n/escape-markdown.ts';
import { translate, type Locale } from '../i18n/translate.ts';

/**
 * What stands below an answer that was to search the web, in Markdown: whether it did, for how much, and the pages that it
 * cites, each by its real host. Null where there is nothing to say.
 */
export function describeSearch(search: SearchReport | null, locale: Locale): string | null {
  if (search === null) return null;
  const { searches, costNanoUsd, sources } = search;
  if (searches === 0 && sources.length === 0) return translate(locale, { key: 'answer.not_searched' });
  // It broke off before anybody told.
  if (searches === null && sources.length === 0) return null;
  const params = { searches: searches ?? 0, costNanoUsd: costNanoUsd ?? 0 };
  return [translate(locale, { key: 'answer.searched', params }), ...sources.map(lineOf)].join('\n');
}

/** The title is whatever a page calls itself: plain text behind the link, never its label. */
function lineOf({ url, title }: SearchReport['sources'][number]): string {
  const link = `[${escapeMarkdown(hostOf(url))}](<${inBrackets(url)}>)`;
  return title === '' ? `- ${link}` : `- ${link} – ${escapeMarkdown(title)}`;
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
}

/** An address between `<` and `>`, where Markdown reads escapes and character references. */
function inBrackets(url: string): string {
  return url.replaceAll('\\', '%5C').replaceAll('&', '&amp;').replaceAll('<', '%3C').replaceAll('>', '%3E');
}
