/** A link that may be shown: its normalised URL, and what tells a reader where it really leads. */
interface LinkTarget {
  url: string;
  /** The host of a web address (with its port; in punycode where it is not ASCII), a mail address or a phone number. */
  destination: string;
}

const MAX_URL_LENGTH = 2048;
/** A longer label is not searched; the destination is then shown beside it. */
const MAX_LABEL_LENGTH = 300;
const DOMAIN = /(?:[\p{L}\p{N}\p{M}_-]+\.)+\p{L}[\p{L}\p{N}\p{M}-]+/gu;

/** Reads an absolute http, https, mailto or tel URL; nothing for any other text, which must not become a link. */
export function readLinkTarget(href: string): LinkTarget | undefined {
  if (!/^(?:https?:\/\/|mailto:|tel:)/i.test(href)) return undefined;
  const parsed = URL.parse(href);
  if (parsed === null || parsed.href.length > MAX_URL_LENGTH) return undefined;
  const destination = parsed.host === '' ? parsed.pathname : parsed.host;
  return destination === '' ? undefined : { url: parsed.href, destination };
}

/** True when a reader of `label` sees where the link leads, and no other domain that it might be taken for. */
export function showsDestination(label: string, destination: string): boolean {
  if (label.length > MAX_LABEL_LENGTH) return false;
  const address = label
    .trim()
    .toLowerCase()
    .replace(/^(?:https?:\/\/|mailto:|tel:)/, '');
  const wanted = withoutWww(destination.toLowerCase());
  if (!/\s/.test(address)) {
    const shown = withoutWww(address);
    return shown.startsWith(wanted) && /^(?:[/?#]|$)/.test(shown.slice(wanted.length));
  }
  const domains = address.match(DOMAIN) ?? [];
  return domains.length > 0 && domains.every((domain) => withoutWww(domain) === wanted);
}

function withoutWww(host: string): string {
  return host.replace(/^www\./, '');
}
