/**
 * The text of a body, at most `maxBytes` of it; the rest is not read and the connection is given up. Rejects when the
 * connection breaks.
 */
export async function readCapped(body: Response['body'], maxBytes: number): Promise<CappedText> {
  const decoder = new TextDecoder();
  let text = '';
  let left = maxBytes;
  for await (const bytes of body ?? []) {
    text += decoder.decode(bytes.subarray(0, left), { stream: true });
    left -= bytes.byteLength;
    // Leaving the loop cancels the body.
    if (left < 0) return { text, complete: false };
  }
  return { text: text + decoder.decode(), complete: true };
}

export interface CappedText {
  readonly text: string;
  readonly complete: boolean;
}
