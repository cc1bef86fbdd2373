/** Whether a key (base64) is what people put in place of random bytes: one byte over and over, a sequence, or a text. */
export function isWeakKey(key: string): boolean {
  const bytes = [...Buffer.from(key, 'base64')];
  const steps = new Set(bytes.slice(1).map((byte, index) => (byte - (bytes[index] ?? 0) + 256) % 256));
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText || steps.size === 1 || new Set(bytes).size < 10;
}
