/** The text of a request's body, unless it has more bytes than `mostBytes` or breaks off. Never rejects. */
export async function readCapped(
  request: Request,
  mostBytes: number,
): Promise<{ readonly text: string } | 'too_long' | 'broken'> {
  if (Number(request.headers.get('content-length') ?? 0) > mostBytes) return 'too_long';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > mostBytes) return 'too_long';
      chunks.push(chunk);
    }
  } catch {
    // The sender is gone, and nobody hears an answer.
    return 'broken';
  }
  return { text: Buffer.concat(chunks).toString('utf8') };
}
