import { estimateTokenCount } from 'tokenx';

/**
 * Roughly how many tokens a model reads in a text. Linear in its length, unlike a real tokenizer,
 * which hostile input can stall for seconds. Holds use ⌈UTF-8 bytes / 3⌉ instead, as a ceiling.
 */
export function estimateTokens(text: string): number {
  return text === '' ? 0 : Math.max(1, estimateTokenCount(text));
}

/** No common tokenizer makes more tokens than this of a text in any script. */
export function tokenCeiling(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3);
}
