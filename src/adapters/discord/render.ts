import { literalPrefix } from '../../rendering/literal-text.ts';
import { readLinkTarget } from '../../rendering/link-target.ts';
import { renderMarkdown } from '../../rendering/markdown.ts';
import { splitRichText, type PartLimit } from '../../rendering/parts.ts';
import type { RichText, Span } from '../../rendering/rich-text.ts';
import { escapeText, toMarkup } from './markup.ts';

/** One Discord message's worth of an answer. */
export interface DiscordPart {
  /** In Discord's dialect of Markdown; at most 2000 UTF-16 units. */
  readonly content: string;
  /** The words alone, without any markup. */
  readonly text: string;
}

/** The whole answer as messages; at least one, because a person must never be left without a reply. */
export function renderAnswer(markdown: string): readonly DiscordPart[] {
  const parts = renderParts(renderMarkdown(markdown));
  return parts.length === 0 ? [{ content: NOTHING_VISIBLE, text: NOTHING_VISIBLE }] : parts;
}

/** The answer as it was written, with nothing but escapes: for one that rendering fails on, which is then our bug. */
export function unformattedAnswer(markdown: string): readonly DiscordPart[] {
  const pieces = markdown.match(/[\s\S]{1,900}(?![\udc00-\udfff])/g) ?? [];
  return pieces
    .map((piece) => piece.toWellFormed().trim())
    .filter((text) => text !== '')
    .map((text) => ({ content: escapeText(text), text }));
}

/** What is there so far as messages; none while there is nothing to see. */
export function renderParts(whole: RichText): readonly DiscordPart[] {
  return splitRichText(withAddresses(whole), MESSAGE_LIMIT).map((part) => ({
    content: toMarkup(part, 'shown'),
    text: part.text,
  }));
}

/** The words of a part with nothing but escapes, for when Discord refuses its markup. What does not fit is cut off. */
export function plainPart({ text }: DiscordPart): DiscordPart {
  let end = text.length;
  while (escapeText(text.slice(0, end)).length > MAX_LENGTH) end -= Math.ceil(end / 20);
  const fitting = text.slice(0, end).replace(/[\ud800-\udbff]$/, '');
  return { content: escapeText(fitting), text };
}

/** resources/message "Create Message": content up to 2000 characters; counting UTF-16 units is never too few. */
const MAX_LENGTH = 2000;
const MESSAGE_LIMIT: PartLimit = { max: MAX_LENGTH, measure: (part) => toMarkup(part, 'measured').length };

const NOTHING_VISIBLE = '…';

/** A longer address is not shown; its label and host remain. */
const MAX_URL_LENGTH = 400;
const LETTER_STYLES: ReadonlySet<string> = new Set([
  'bold',
  'italic',
  'underline',
  'strikethrough',
  'spoiler',
]);

/**
 * The text with those links alone whose addresses are written out, which is how Discord shows a link that hides
 * nothing. The host behind a label is taken out again, because the address holds it, and bare addresses become links
 * so that their characters are not taken for markup.
 */
function withAddresses(whole: RichText): RichText {
  const linked = withoutHosts({ ...whole, spans: whole.spans.filter(isShown) });
  const spans = [...linked.spans, ...bareLinks(linked)].toSorted(
    (a, b) => a.offset - b.offset || b.length - a.length,
  );
  const marking = spans.filter((span) => span.kind === 'link' && /[*_~|`\\]/.test(span.url));
  // Emphasis around an address would end at a marker within it.
  const kept = spans.filter((span) => !LETTER_STYLES.has(span.kind) || !marking.some(isIn(span)));
  return { text: linked.text, spans: kept };
}

function isShown(span: Span): boolean {
  return span.kind !== 'link' || isWritable(span.url);
}

/** An address that can be written out as it is, and looks like where it leads. */
function isWritable(url: string): boolean {
  const isHonest = URL.parse(url)?.username === ''; // `https://bank.example@evil.example` leads elsewhere
  return isHonest && /^https?:/i.test(url) && url.length <= MAX_URL_LENGTH && !/@(?:everyone|here)/.test(url);
}

/** Without the ` (host)` that rendering writes behind a label which does not tell it. */
function withoutHosts({ text, spans }: RichText): RichText {
  const cuts = spans.flatMap((span) => {
    const host = span.kind === 'link' ? readLinkTarget(span.url)?.destination : undefined;
    const from = span.offset + span.length;
    return host !== undefined && text.startsWith(` (${host})`, from)
      ? [{ from, to: from + host.length + 3 }]
      : [];
  });
  const place = (offset: number): number =>
    offset - cuts.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(offset, to) - from), 0);
  let rest = text;
  for (const { from, to } of cuts.toReversed()) rest = rest.slice(0, from) + rest.slice(to);
  const moved = spans.map((span) => {
    const offset = place(span.offset);
    return { ...span, offset, length: place(span.offset + span.length) - offset };
  });
  return { text: rest, spans: moved.filter(({ length }) => length > 0) };
}

/** Addresses that stand in the text as they are. */
function bareLinks({ text, spans }: RichText): Span[] {
  const found: Span[] = [];
  let end = 0;
  for (const { index } of text.matchAll(/(?<![\p{L}\p{N}])https?:\/\//giu)) {
    // Within an address that was just taken.
    if (index < end) continue;
    const label = urlAt(text, index);
    const url = readLinkTarget(label)?.url;
    const link = { kind: 'link', url: url ?? '', offset: index, length: label.length } as const;
    const isFree = spans.every((span) => isApart(span, link) || (mayHoldLink(span) && isIn(span)(link)));
    if (url !== undefined && isWritable(url) && isWritable(label) && isFree) {
      found.push(link);
      end = index + label.length;
    }
  }
  return found;
}

/** The address that begins there. A list may part its addresses by nothing but commas. */
function urlAt(text: string, index: number): string {
  const whole = literalPrefix(text.slice(index, index + MAX_URL_LENGTH * 2));
  const [first = ''] = whole.split(/[,;|](?=https?:\/\/)/iu, 1);
  return first;
}

function mayHoldLink({ kind }: Span): boolean {
  return kind === 'quote' || LETTER_STYLES.has(kind);
}

function isApart(a: Span, b: Span): boolean {
  return a.offset + a.length <= b.offset || b.offset + b.length <= a.offset;
}

const isIn =
  (outer: Span) =>
  (inner: Span): boolean =>
    outer.offset <= inner.offset && inner.offset + inner.length <= outer.offset + outer.length;
