/**
 * Splits a text into the pieces that the simulator counts and streams as tokens: a run of blanks with up to six other characters.
 * Joined, the pieces give the text back. Linear in the length of the text.
 */
export function tokenPieces(text: string): string[] {
  return text.match(/\s*\S{1,6}|\s+/gu) ?? [];
}

/** The simulator's estimate for a prompt text: four UTF-8 bytes to a token, rounded up. */
export function promptTokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}
