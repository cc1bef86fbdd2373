const BARE_URL = /^https?:\/\/[^\s<>`"]+/i;
/**
 * As in Pandoc, no blank inside the dollars and no digit after them, so that prices are not mathematics; and no backtick
 * between them, so that shell variables in code are not.
 */
const MATH = /^(?:\$\$[^$`]+\$\$|\$(?=[^\s$`])[^$`\n]*[^\s$`\\]\$(?!\d))/;
const AFTER_SENTENCE = '?!.,:;*_~\'"]|';

/** The mathematics or bare URL at the start of `source`, whose characters would else be markers; or nothing. */
export function literalPrefix(source: string): string {
  return MATH.exec(source)?.[0] ?? bareUrl(source);
}

/** The text at the start of `source` up to the next character that may be a marker or start a literal. */
export function textPrefix(source: string): string {
  const first = /^(?:`+|~+|[\s\S])/.exec(source)?.[0] ?? '';
  const length = source.slice(first.length).search(/[\\`*_~![<$]|https?:\/\//i);
  return length < 0 ? source : source.slice(0, first.length + length);
}

/** The URL without the punctuation of the sentence around it. */
function bareUrl(source: string): string {
  const url = BARE_URL.exec(source)?.[0] ?? '';
  let unopened = (url.match(/\)/g)?.length ?? 0) - (url.match(/\(/g)?.length ?? 0);
  let end = url.length;
  for (; end > 0; end -= 1) {
    const last = url.charAt(end - 1);
    if (last === ')' && unopened > 0) unopened -= 1;
    else if (!AFTER_SENTENCE.includes(last)) break;
  }
  return url.slice(0, end);
}
