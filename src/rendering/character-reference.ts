/** The references that models write; the rest of HTML's 2,231 names stay as written. */
const NAMED = new Map<string, string>([
  ['nbsp', '\u00a0'],
  ['ensp', '\u2002'],
  ['emsp', '\u2003'],
  ['thinsp', '\u2009'],
  ['shy', '\u00ad'],
  ...pairs('amp & lt < gt > quot " apos \' colon : num # dollar $ ast * lowbar _ grave ` vert | bsol \\'),
  ...pairs('lpar ( rpar ) lsqb [ rsqb ] lbrack [ rbrack ] lcub { rcub } lbrace { rbrace }'),
  ...pairs('hellip … mdash — ndash – lsquo ‘ rsquo ’ ldquo “ rdquo ” laquo « raquo » bull • middot ·'),
  ...pairs('copy © reg ® trade ™ sect § para ¶ deg ° cent ¢ pound £ yen ¥ euro € check ✓ hearts ♥'),
  ...pairs(
    'plusmn ± times × divide ÷ minus − ne ≠ le ≤ ge ≥ asymp ≈ infin ∞ radic √ sum ∑ prod ∏ int ∫ part ∂',
  ),
  ...pairs(
    'sup1 ¹ sup2 ² sup3 ³ frac12 ½ frac14 ¼ frac34 ¾ forall ∀ exist ∃ isin ∈ cap ∩ cup ∪ sub ⊂ empty ∅',
  ),
  ...pairs(
    'alpha α beta β gamma γ delta δ Delta Δ epsilon ε theta θ lambda λ mu μ micro µ pi π sigma σ Sigma Σ',
  ),
  ...pairs('tau τ phi φ omega ω Omega Ω larr ← uarr ↑ rarr → darr ↓ harr ↔ lArr ⇐ rArr ⇒ hArr ⇔'),
  ...pairs(
    'aacute á agrave à auml ä ccedil ç eacute é egrave è iacute í ntilde ñ oacute ó ouml ö uacute ú uuml ü szlig ß',
  ),
]);

/** Replaces `&amp;`, `&#65;` and `&#x41;` once; a number that is no Unicode character becomes U+FFFD (CommonMark 2.5). */
export function decodeCharacterReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([A-Za-z][A-Za-z\d]{1,30}));/g,
    (reference, decimal?: string, hexadecimal?: string, name?: string) => {
      if (name !== undefined) return NAMED.get(name) ?? reference;
      return characterOf(decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal));
    },
  );
}

function characterOf(codePoint: number): string {
  const isCharacter = codePoint > 0 && codePoint <= 0x10ffff && !(codePoint >= 0xd800 && codePoint <= 0xdfff);
  return isCharacter ? String.fromCodePoint(codePoint) : '\ufffd';
}

/** Reads `name character name character …`. */
function pairs(list: string): [string, string][] {
  return Array.from(list.matchAll(/(\S+) (\S+)/g), ([, name = '', character = '']) => [name, character]);
}
