/**
 * Controls but tab and line feed, and the characters that reorder the text around them and can so disguise it:
 * U+202A–202E, U+2066–2069. A carriage return goes too, so that every line ends in one line feed. Joiners stay.
 */
const UNWANTED = /[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]/gu;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The text without characters that a reader cannot see or a platform would refuse; every line separator is a line feed. */
export function visibleText(text: string): string {
  return text
    .replace(LONE_SURROGATE, '')
    .replace(UNWANTED, '')
    .replace(/[\u2028\u2029]/g, '\n');
}
