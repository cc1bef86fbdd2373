import type { RichText } from './rich-text.ts';
import { createMarkdownStream } from './stream.ts';

/**
 * Renders GitHub-flavoured Markdown as models write it. Any input gives valid rich text, also a prefix of an unfinished
 * answer: an open fence ends with the text, other open markers stay visible. No word is lost; raw HTML, mathematics,
 * footnotes and reference definitions stay as written. Links lead to http, https, mailto and tel only and show where.
 * Never throws. Takes time in proportion to the length, whatever the input: nesting and scanning are bounded, and what
 * lies beyond a bound is shown as plain text.
 */
export function renderMarkdown(markdown: string): RichText {
  const stream = createMarkdownStream();
  stream.append(markdown);
  return stream.current();
}
